// Carries what is larger than one chunk: a worker of its own seals and sends it, or fetches and opens it, so that
// the page stays free. What a page asks of it, transfer_worker.js does.

import { TainaError } from "../errors.js";

/** @typedef {import("./client.js").Outgoing} Outgoing */
/** @typedef {import("./client.js").Incoming} Incoming */
/** @typedef {import("./client.js").Links} Links */
/** @typedef {{onProgress: import("./client.js").OnProgress, onHeld: (why: string | null) => void}} Watch */

const ADDRESS = new URL("./transfer_worker.js", import.meta.url).href;
/** The page's one policy for scripts by their address: whatever is asked for, it gives this worker's. */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("taina-worker", {
  createScriptURL: () => ADDRESS,
});

export class Courier {
  #worker = new Worker(policy?.createScriptURL("") ?? ADDRESS, { type: "module" });
  /** @type {(answer: any) => void} */
  #answer = () => {};
  /** @type {(error: TainaError) => void} */
  #refuse = () => {};

  /** @param {Watch} watch */
  constructor({ onProgress, onHeld }) {
    this.#worker.addEventListener("message", ({ data }) => {
      if (data.progress) onProgress(data.progress[0], data.progress[1]);
      if ("held" in data) onHeld(data.held);
      if (data.problem) this.#refuse(new TainaError(data.problem.code, data.problem.members));
      if ("answer" in data) this.#answer(data.answer);
    });
    this.#worker.addEventListener("error", () => this.#refuse(new TainaError("internal")));
    addEventListener("online", () => this.#worker.postMessage({ online: true }));
  }

  /** As in client.js. @param {Outgoing[]} items @param {import("./client.js").SendOptions} options @returns {Promise<Links>} @throws {TainaError} */
  send(items, options) {
    return this.#ask({ send: { items, options } });
  }

  /**
   * As in client.js; again, it is the same reader's next try.
   * @param {import("../format/links.js").Link} link
   * @param {string | null} passphrase
   * @param {number} size bytes to expect, about
   * @returns {Promise<{expires: number, items: Incoming[]}>}
   * @throws {TainaError}
   */
  reveal(link, passphrase, size) {
    return this.#ask({ reveal: { link, passphrase, size } });
  }

  pause() {
    this.#worker.postMessage({ pause: true });
  }

  go() {
    this.#worker.postMessage({ go: true });
  }

  cancel() {
    this.#worker.postMessage({ cancel: true });
  }

  /** It forgets all that it holds. */
  end() {
    this.#worker.postMessage({ end: true });
  }

  /** @param {object} task @returns {Promise<any>} */
  #ask(task) {
    return new Promise((answer, refuse) => {
      [this.#answer, this.#refuse] = [answer, refuse];
      this.#worker.postMessage(task);
    });
  }
}
