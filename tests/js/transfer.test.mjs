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
  Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
  const { Transfer } = await import("../../site/js/client/transfer.js");
  const transfer = new Transfer(/** @type {any} */ (new Worker()), { onProgress() {}, onHeld() {} });
  page.dispatchEvent(new Event("online"));
  transfer.end();
  page.dispatchEvent(new Event("online"));
  assert.deepEqual(told, ["online", "end"]);
});

test("a page on another host than the API tells the worker where that is", async () => {
  Object.assign(globalThis, { document: { documentElement: { dataset: { api: "https://api.example" } } } });
  /** @type {any[]} */
  const asked = [];
  class Worker extends EventTarget {
    /** @param {any} message */
    postMessage({ name, told }) {
      asked.push([name, told.api]);
    }
  }
  const { Transfer } = await import("../../site/js/client/transfer.js");
  const transfer = new Transfer(/** @type {any} */ (new Worker()), { onProgress() {}, onHeld() {} });
  void transfer.send([], { ttl: 1 });
  assert.deepEqual(asked, [["send", "https://api.example/api/v1"]]);
});
