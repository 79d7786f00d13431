// What an instance says of itself.

import { TainaError, codeOf } from "../errors.js";
import { checked, isBoolean, isObject, isWhole, oneOf, optional } from "./answers.js";
import { Transport } from "./transport.js";

/**
 * Who may create, and where they log in; what is asked of a passphrase, whether files are taken, links made at once.
 * @typedef {{create: "anyone" | "keys" | "proxy", login_url?: string, passphrases?: "optional" | "required" | "generated", files?: boolean, recipients?: number}} Options
 */
/** @typedef {{limits: {size: number, answers?: number}, ttl: {min: number, max: number, default: number}, options: Options}} Instance bytes of ciphertext, answers to a request; seconds */

/**
 * @param {Transport} transport
 * @returns {Promise<Instance>}
 * @throws {TainaError}
 */
export async function readInstance(transport) {
  const answer = checked(await transport.json("GET", "/status"), {
    limits: isObject,
    ttl: isObject,
    options: isObject,
  });
  const ttl = checked(answer.ttl, { min: isWhole, max: isWhole, default: isWhole });
  if (ttl.min > ttl.max) throw new TainaError("internal");
  return {
    limits: checked(answer.limits, { size: isWhole, answers: optional(isWhole) }),
    ttl,
    options: checked(answer.options, {
      create: oneOf("anyone", "keys", "proxy"),
      login_url: optional(isAddress),
      passphrases: optional(oneOf("optional", "required", "generated")),
      files: optional(isBoolean),
      recipients: optional(isWhole),
    }),
  };
}

/** Whether a link may lead there: nothing that a browser would run. @param {unknown} value @returns {value is string} */
function isAddress(value) {
  return typeof value === "string" && /^(\/(?![/\\])|https:\/\/)[\x21-\x7e]*$/.test(value);
}

/**
 * What an instance asks for, which a page follows before it sends anything.
 * @param {(instance: Instance) => Promise<void>} follow
 * @returns {() => Promise<string | null>} asks, unless they are followed or asked for; the code of what failed
 */
export function rulesFor(follow) {
  /** @type {Promise<string | null> | null} */
  let asked = null;
  const failed = (/** @type {unknown} */ error) => {
    asked = null;
    return codeOf(error);
  };
  return async () => {
    await asked; // its failure says nothing of now
    return (asked ??= readInstance(new Transport())
      .then(follow)
      .then(() => null, failed));
  };
}
