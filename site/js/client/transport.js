// The API over HTTP: one call, tried again where that can help; problems come back as the errors they are.

import { toBase64url } from "../bytes.js";
import { TainaError } from "../errors.js";
import { MAX_DOCUMENT, bodyOf, jsonOf, problemOf } from "./answers.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/**
 * `login`: with the session of a proxy that guards creating; `tries`: how often at most.
 * @typedef {{token?: Bytes, json?: unknown, bytes?: Bytes, signal?: AbortSignal, login?: boolean, tries?: number}} Call
 */
/** @typedef {{fetch: typeof fetch, random: (size: number) => Bytes, now: () => number, wait: (ms: number) => Promise<unknown>}} Environment */

const TRY_TIMEOUT = 120_000; // ms for one try, as the server gives it
const HEAD_TIMEOUT = 20_000; // ms until an answer begins to come: a lease of a minute has to outlast several tries
const RETRY_DELAYS = [500, 1000, 2000, 4000]; // ms between tries
/** Half an answer and an overloaded proxy are worth another try; a full store (507) is not. */
const RETRY_STATUSES = [429, 500, 502, 503, 504];
const MAX_RETRY_AFTER = 10; // seconds that a server may ask to wait before another try; for longer, a person decides

/** @type {Environment} */
const BROWSER = {
  fetch: (...args) => fetch(...args),
  random: (size) => crypto.getRandomValues(new Uint8Array(size)),
  now: () => Date.now(),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
};

/** Calls to the API of one instance. */
export class Transport {
  /** @readonly */
  environment;
  #api;

  /**
   * @param {string} [api] address of the API
   * @param {Partial<Environment>} [environment] what stands in for the browser's own, in tests
   */
  constructor(api = apiOfPage(), environment = {}) {
    this.#api = api;
    this.environment = { ...BROWSER, ...environment };
  }

  /**
   * A call that answers with a JSON object or nothing; its members are anybody's claims.
   * @param {string} method
   * @param {string} path
   * @param {Call} [call]
   * @param {number} [limit] bytes of the answer
   * @returns {Promise<unknown>}
   * @throws {TainaError}
   */
  json(method, path, call, limit = MAX_DOCUMENT) {
    return this.#request(method, path, call, async (response) => {
      if (response.status === 204) return null;
      const answer = await jsonOf(response, limit);
      if (typeof answer !== "object" || answer === null) throw new TainaError("internal");
      return answer;
    });
  }

  /** Leave bytes at an address. @param {string} path @param {Call & {bytes: Bytes}} call @throws {TainaError} */
  async putBytes(path, call) {
    await this.#request("PUT", path, call, async () => null);
  }

  /** The bytes at an address, so many at most. @param {string} path @param {Call} call @param {number} limit @returns {Promise<Bytes>} @throws {TainaError} */
  getBytes(path, call, limit) {
    return this.#request("GET", path, call, (response) => bodyOf(response, limit));
  }

  /**
   * One call, tried again where that can help; the whole answer is read within the try.
   * @template T
   * @param {string} method
   * @param {string} path
   * @param {Call | undefined} call
   * @param {(response: Response) => Promise<T>} read
   * @returns {Promise<T>} what `read` gave
   */
  async #request(method, path, { token, json, bytes, signal, login, tries = RETRY_DELAYS.length + 1 } = {}, read) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.Authorization = `Bearer ${toBase64url(token)}`;
    if (json) headers["Content-Type"] = "application/json";
    if (bytes) headers["Content-Type"] = "application/octet-stream";
    const body = json ? JSON.stringify(json) : bytes;
    // What is large has to get there first, and chunks come one by one on a slow line.
    const patience = json && String(body).length <= MAX_DOCUMENT ? HEAD_TIMEOUT : TRY_TIMEOUT;
    const end = this.environment.now() + TRY_TIMEOUT;
    /** Whether an answer was lost: nobody knows what was done, and a refusal of the next try does not tell. */
    let lost = false;
    for (let failed = 0; ; failed++) {
      let problem;
      let asked = 0;
      const silence = new AbortController();
      const silent = setTimeout(() => silence.abort(), patience);
      try {
        const response = await this.environment.fetch(this.#api + path, {
          method,
          headers,
          body,
          signal: AbortSignal.any([AbortSignal.timeout(TRY_TIMEOUT), silence.signal, ...(signal ? [signal] : [])]),
          cache: "no-store",
          credentials: login ? "same-origin" : "omit",
          redirect: login ? "manual" : "error",
        });
        clearTimeout(silent); // what has begun may be slow
        if (login && isOfGuard(response)) throw new TainaError("login_needed");
        if (response.ok) return await read(response);
        problem = lost && response.status === 429 ? new TainaError("unreachable") : await problemOf(response);
        asked = Number(problem.members.retry_after ?? 0);
        problem.passing = RETRY_STATUSES.includes(response.status) && asked <= MAX_RETRY_AFTER;
        const after = response.headers.get("Retry-After") ?? ""; // also of a proxy; the form with a date is not worth reading
        if (/^\d{1,9}$/.test(after)) problem.members.retry_after ??= Number(after);
        if (!problem.passing) throw problem;
        lost ||= response.status >= 500; // of a proxy
      } catch (error) {
        if (signal?.aborted) throw new TainaError("cancelled");
        if (error instanceof TainaError) {
          error.afterLost = lost;
          throw error;
        }
        lost = true;
        problem = new TainaError("unreachable");
        problem.passing = true;
      } finally {
        clearTimeout(silent);
      }
      problem.afterLost = lost;
      if (failed + 1 >= tries || this.environment.now() > end) throw problem;
      await Promise.race([this.environment.wait(Math.max(RETRY_DELAYS[failed], 1000 * asked)), aborted(signal)]);
    }
  }
}

/** Whether a proxy answered that wants a login: by leading on, by its own page, or by a refusal in other words than ours. @param {Response} response */
function isOfGuard({ type, ok, status, headers }) {
  const kind = headers.get("Content-Type") ?? "";
  if (ok) return !kind.startsWith("application/json");
  return type === "opaqueredirect" || ([401, 403].includes(status) && !kind.startsWith("application/problem+json"));
}

/** @returns {string} where the API is: a page says so if that is another host, and a worker, which has no page, is told */
export function apiOfPage() {
  return `${globalThis.document?.documentElement.dataset.api ?? ""}/api/v1`;
}

/** @param {AbortSignal} [signal] @returns {Promise<unknown>} for ever pending without one */
export function aborted(signal) {
  return new Promise((done) => signal?.addEventListener("abort", done, { once: true }));
}
