// What a transfer asks of the page around it. Its worker is shown at work by tests/browser/.

import assert from "node:assert/strict";
import test from "node:test";

test("a transfer that has ended listens to the network no more", async () => {
  const page = new EventTarget();
  /** @type {string[]} */
  const told = [];
  class Worker extends EventTarget {
    /** @param {{name: string}} message */
    postMessage({ name }) {
      told.push(name);
    }
  }
  Object.assign(globalThis, { Worker, addEventListener: page.addEventListener.bind(page) });
  const { Courier } = await import("../../site/js/client/transfer.js");
  const courier = new Courier({ onProgress() {}, onHeld() {} });
  page.dispatchEvent(new Event("online"));
  courier.end();
  page.dispatchEvent(new Event("online"));
  assert.deepEqual(told, ["online", "end"]);
});
