// Putting a new secret or request, where an instance under flood may ask for work.

import { TainaError } from "../errors.js";
import { MAX_BITS, findWork } from "../proof_of_work.js";
import { checked, isPoint } from "./answers.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */

/**
 * Put it; where the instance asks for work, do that and come again.
 * @param {import("./transport.js").Transport} transport
 * @param {string} path
 * @param {Bytes} id 16 bytes
 * @param {import("./transport.js").Call & {json: object}} call
 * @returns {Promise<{expires: number}>} unix seconds
 * @throws {TainaError}
 */
export async function create(transport, path, id, call) {
  /** @param {object} json */
  const put = async (json) => checked(await transport.json("PUT", path, { ...call, json }), { expires: isPoint });
  try {
    return await put(call.json);
  } catch (error) {
    const bits = error instanceof TainaError && error.code === "work_needed" ? Number(error.members.bits) : 0;
    if (!(bits > 0 && bits <= MAX_BITS)) throw error;
    return put({ ...call.json, work: await findWork(id, bits, call.signal) });
  }
}
