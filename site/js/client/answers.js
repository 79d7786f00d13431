// What a server answers is a claim of a stranger: each member is checked before it is used, the others are left out.

import { concat, fromBase64url } from "../bytes.js";
import { TainaError } from "../errors.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/** @template T @typedef {(value: unknown) => value is T} Check */
/** @typedef {"uploading" | "waiting" | "revealed" | "opened" | "burned" | "expired" | "locked"} State */

export const MAX_DOCUMENT = 64 << 10; // bytes of an answer that is a list or less
const MAX_TIME = 253_370_764_800; // unix seconds of the year 9999, after which calendars end
/** @type {State[]} */
export const STATES = ["uploading", "waiting", "revealed", "opened", "burned", "expired", "locked"];
/** What a server may say. Codes that a client finds by itself are not among them: who sends those is no Taina. */
export const CODES = [
  ..."malformed invalid key_needed key_refused login_needed quota work_needed cross_site wrong_passphrase not_found".split(
    " ",
  ),
  ..."method_not_allowed conflict not_ready answered gone too_large unsupported_media_type unavailable".split(" "),
  ..."rate_limited storage_full mail internal".split(" "),
];
/** The facts that belong to a code, @type {Record<string, Record<string, Check<any>>>} */
const MEMBERS = {
  gone: { state: isState, ended: isPoint },
  wrong_passphrase: { attempts_left: isWhole },
  work_needed: { bits: isWhole },
  rate_limited: { retry_after: optional(isWhole) },
  unavailable: { retry_after: optional(isWhole) },
};

/** What JSON numbers are exact up to, in every language. @param {unknown} value @returns {value is number} */
export function isWhole(value) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;
}

/** A point in time, in unix seconds. @param {unknown} value @returns {value is number} */
export function isPoint(value) {
  return isWhole(value) && value <= MAX_TIME;
}

/** @param {unknown} value @returns {value is boolean} */
export function isBoolean(value) {
  return typeof value === "boolean";
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** @param {unknown} value @returns {value is State} */
export function isState(value) {
  return STATES.includes(/** @type {State} */ (value));
}

/** @param {unknown} value @returns {value is string} bytes in base64url */
export function isBytes(value) {
  try {
    return typeof value === "string" && Boolean(fromBase64url(value));
  } catch {
    return false;
  }
}

/** @template {string} T @param {...T} words @returns {Check<T>} */
export function oneOf(...words) {
  return /** @type {Check<T>} */ ((value) => words.includes(/** @type {T} */ (value)));
}

/** @template T @param {Check<T>} check @returns {Check<T | undefined>} of a member that may be missing */
export function optional(check) {
  return (value) => value === undefined || check(value);
}

/**
 * @template {Record<string, Check<any>>} C
 * @param {any} answer
 * @param {C} checks by name
 * @returns {{[name in keyof C]: C[name] extends Check<infer T> ? T : never}} without the members that are missing
 * @throws {TainaError} internal: it is not what Taina answers
 */
export function checked(answer, checks) {
  /** @type {any} */
  const found = {};
  for (const [name, check] of Object.entries(checks)) {
    const value = isObject(answer) && Object.hasOwn(answer, name) ? answer[name] : undefined;
    if (!check(value)) throw new TainaError("internal");
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/**
 * The body, as long as it is no larger than such a body is; a server may send without end.
 * @param {Response} response
 * @param {number} limit bytes
 * @returns {Promise<Bytes>}
 * @throws {TainaError} internal: there is more
 */
export async function bodyOf(response, limit) {
  /** @type {Bytes[]} */
  const parts = [];
  const reader = response.body?.getReader();
  let size = Number(response.headers.get("Content-Length") ?? 0) > limit ? Infinity : 0;
  for (;;) {
    if (size > limit) {
      void reader?.cancel().catch(() => {});
      throw new TainaError("internal");
    }
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) return parts.length === 1 ? parts[0] : concat(...parts);
    size += value.length;
    parts.push(value);
  }
}

/** @param {Response} response @param {number} limit bytes @returns {Promise<unknown>} @throws {TainaError | SyntaxError} */
export async function jsonOf(response, limit) {
  return JSON.parse(new TextDecoder().decode(await bodyOf(response, limit)));
}

/** What went wrong (RFC 9457), in codes and facts that we know. @param {Response} response @returns {Promise<TainaError>} */
export async function problemOf(response) {
  try {
    const document = await jsonOf(response, MAX_DOCUMENT);
    const { code } = checked(document, { code: oneOf(...CODES) });
    return new TainaError(code, checked(document, MEMBERS[code] ?? {}));
  } catch {
    return new TainaError("internal", { status: response.status });
  }
}
