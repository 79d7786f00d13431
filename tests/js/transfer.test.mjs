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

test("once all that was asked is answered, or the transfer has ended, a page hears of no waiting any more", async () => {
  Object.assign(globalThis, { addEventListener() {} });
  class Worker extends EventTarget {
    postMessage() {}
    /** @param {object} data */
    says(data) {
      this.dispatchEvent(Object.assign(new Event("message"), { data }));
    }
  }
  const { Transfer } = await import("../../site/js/client/transfer.js");
  for (const ends of ["refused", "answered", "ended"]) {
    const worker = new Worker();
    /** @type {unknown[]} */
    const told = [];
    const watch = {
      onProgress: (/** @type {number} */ done) => told.push(done),
      onHeld: (/** @type {string | null} */ why) => told.push(why),
    };
    const transfer = new Transfer(/** @type {any} */ (worker), watch);
    const sending = transfer.send([], { ttl: 1 });
    worker.says({ progress: [1, 3] });
    worker.says({ held: "unreachable" });
    if (ends === "refused") worker.says({ n: 0, problem: { code: "gone", members: {} } });
    if (ends === "answered") worker.says({ n: 0, answer: {} });
    if (ends === "ended") transfer.end();
    worker.says({ progress: [2, 3] });
    worker.says({ held: null });
    assert.deepEqual(told, [1, "unreachable"], ends);
    if (ends === "refused") await assert.rejects(sending, { code: "gone" });
    if (ends === "answered") await sending;
  }
});
