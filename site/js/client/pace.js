// When a transfer goes on: somebody may pause it, and the network may be away.

import { TainaError } from "../errors.js";
import { aborted } from "./transport.js";

const RETRY_INTERVAL = 5000; // ms between looks for a network that is away

/** Lets a transfer go on, or holds it: because somebody wants that, or because the network is away. */
export class Pace {
  /** Why it is held, null while it is not. @type {string | null} */
  held = null;
  #passed = Promise.resolve();
  /** @type {() => void} */
  #release = () => {};
  #onChange;

  /** @param {(held: string | null) => void} [onChange] */
  constructor(onChange = () => {}) {
    this.#onChange = onChange;
  }

  /** A pause that somebody wanted stays one, whatever the network does. @param {"pause" | "unreachable"} why */
  hold(why) {
    if (this.held === null) this.#passed = new Promise((done) => (this.#release = done));
    if (this.held !== why && this.held !== "pause") this.#onChange((this.held = why));
  }

  /** The network is there. */
  reached() {
    if (this.held === "unreachable") this.go();
  }

  go() {
    if (this.held === null) return;
    this.#onChange((this.held = null));
    this.#release();
  }

  /** Wait until it goes on. @param {AbortSignal} [signal] @throws {TainaError} cancelled */
  async passed(signal) {
    while (this.held !== null && !signal?.aborted) await Promise.race([this.#passed, aborted(signal)]);
    if (signal?.aborted) throw new TainaError("cancelled");
  }
}

/**
 * Do it when the pace lets it pass, and again while the network is away. No browser tells that a server is back, so
 * that is tried out by and by.
 * @template T
 * @param {Pace | undefined} pace
 * @param {AbortSignal | undefined} signal
 * @param {(ms: number) => Promise<unknown>} wait
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {TainaError}
 */
export async function atPace(pace, signal, wait, work) {
  await pace?.passed(signal);
  try {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!pace || !(error instanceof TainaError && error.passing)) throw error;
      }
      pace.hold("unreachable");
      await Promise.race([pace.passed(signal), wait(RETRY_INTERVAL)]);
      if (pace.held === "pause") await pace.passed(signal);
    }
  } finally {
    pace?.reached(); // a refusal came over the network too, and who gives up waits no longer
  }
}
