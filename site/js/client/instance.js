// What an instance says of itself.

import { TainaError } from "../errors.js";
import { checked, isObject, isWhole, oneOf } from "./answers.js";

/** @typedef {{limits: {size: number}, ttl: {min: number, max: number, default: number}, options: {create: "anyone" | "keys"}}} Instance bytes of ciphertext, seconds, who may create */

/**
 * @param {import("./transport.js").Transport} transport
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
    limits: checked(answer.limits, { size: isWhole }),
    ttl,
    options: checked(answer.options, { create: oneOf("anyone", "keys") }),
  };
}
