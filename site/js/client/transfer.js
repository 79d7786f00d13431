// Carries what is larger than one chunk: a worker of its own seals and sends it, or fetches and opens it, so that
// the page stays free. What a page asks of it, transfer_worker.js does.

import { TainaError } from "../errors.js";
import { aborted, apiOfPage } from "./transport.js";

/** @typedef {import("./contents.js").Outgoing} Outgoing */
/** @typedef {import("./receiving.js").Incoming} Incoming */
/** @typedef {import("./client.js").Links} Links */
/** @typedef {{onProgress: import("./client.js").OnProgress, onHeld: (why: string | null) => void}} Watch */

const ADDRESS = new URL("../worker/transfer_worker.js", import.meta.url).href;
const START = 20_000; // ms in which the worker has to say that it runs
/** For addresses that are plain strings. It allows this one; an extension that checks workers puts a fragment to it. */
/** @type {any} */ (globalThis).trustedTypes?.createPolicy("default", {
  createScriptURL: (/** @type {string} */ address) => (address.split("#", 1)[0] === ADDRESS ? address : null),
});

export class Transfer {
  #worker;
  /** What was asked and is not answered, by number. @type {Map<number, {answer: (answer: any) => void, refuse: (error: TainaError) => void}>} */
  #asked = new Map();
  #count = 0;
  #ended = new AbortController();

  /**
   * @param {Watch} watch
   * @param {AbortSignal} [signal]
   * @returns {Promise<Transfer>} once its worker runs
   * @throws {TainaError} unreachable: it does not, and may be tried again; cancelled
   */
  static async start(watch, signal) {
    /** @type {Worker | undefined} */
    let worker;
    try {
      worker = new Worker(ADDRESS, { type: "module" });
      await Promise.race([started(worker), aborted(signal)]);
      signal?.throwIfAborted();
    } catch {
      worker?.terminate();
      throw new TainaError(signal?.aborted ? "cancelled" : "unreachable");
    }
    return new Transfer(worker, watch);
  }

  /** @param {Worker} worker that runs @param {Watch} watch */
  constructor(worker, { onProgress, onHeld }) {
    this.#worker = worker;
    this.#worker.addEventListener("message", ({ data }) => {
      // What is given up may tell a last word; nobody waits for it.
      const busy = this.#asked.size > 0 && !this.#ended.signal.aborted;
      if (busy && data.progress) onProgress(data.progress[0], data.progress[1]);
      if (busy && "held" in data) onHeld(data.held);
      if (data.problem) this.#asked.get(data.n)?.refuse(new TainaError(data.problem.code, data.problem.members));
      if ("answer" in data) this.#asked.get(data.n)?.answer(data.answer);
      this.#asked.delete(data.n);
    });
    this.#worker.addEventListener("error", () => {
      for (const { refuse } of this.#asked.values()) refuse(new TainaError("internal"));
    });
    const { signal } = this.#ended;
    addEventListener("online", () => this.#worker.postMessage({ name: "online" }), { signal });
  }

  /** As in client.js. @param {Outgoing[]} items @param {import("./client.js").SendOptions} options @returns {Promise<Links>} @throws {TainaError} */
  send(items, options) {
    return this.#ask("send", { api: apiOfPage(), items, options });
  }

  /**
   * As in client.js; again, it is the same reader's next try.
   * @param {import("../format/links.js").Link} link
   * @param {string | null} passphrase
   * @param {number} size bytes to expect, about
   * @returns {Promise<{expires: number, items: Incoming[]}>}
   * @throws {TainaError}
   */
  async open(link, passphrase, size) {
    const { expires, items } = await this.#ask("open", { api: apiOfPage(), link, passphrase, size });
    /** @param {any} item @param {number} i @returns {Incoming} */
    const readable = (item, i) => (item.type === "file" ? { ...item, blob: () => this.#ask("read", i) } : item);
    return { expires, items: items.map(readable) };
  }

  pause() {
    this.#worker.postMessage({ name: "pause" });
  }

  go() {
    this.#worker.postMessage({ name: "go" });
  }

  cancel() {
    this.#worker.postMessage({ name: "cancel" });
  }

  /** It forgets all that it holds. */
  end() {
    this.#ended.abort();
    this.#worker.postMessage({ name: "end" });
  }

  /** @param {string} name @param {unknown} told @returns {Promise<any>} */
  #ask(name, told) {
    return new Promise((answer, refuse) => {
      const n = this.#count++;
      this.#asked.set(n, { answer, refuse });
      this.#worker.postMessage({ n, name, told });
    });
  }
}

/** By its first word. Some engines, and extensions in between, never tell that a worker could not start. @param {Worker} worker */
function started(worker) {
  return new Promise((done, failed) => {
    worker.addEventListener("message", done, { once: true });
    worker.addEventListener("error", failed, { once: true });
    setTimeout(failed, START);
  });
}
