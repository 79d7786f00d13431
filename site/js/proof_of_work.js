// Proof of work: what an instance under flood may ask for each new secret and request (specification: Work).

import { concat, encode } from "./bytes.js";
import { TainaError } from "./errors.js";
import { sha256 } from "./format/derive.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

export const MAX_BITS = 20; // most of a minute
const BATCH = 512;

/**
 * The least number that proves the work for this id.
 * @param {Bytes} id 16 bytes
 * @param {number} bits that begin the digest and have to be zero, 1 to 32
 * @param {AbortSignal} [signal]
 * @returns {Promise<number>}
 * @throws {TainaError} cancelled
 */
export async function findWork(id, bits, signal) {
  const message = concat(encode("taina/v1 work"), id, new Uint8Array(8));
  /** @param {number} n */
  const proves = async (n) => {
    const bytes = message.slice();
    new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(n));
    return new DataView((await sha256(bytes)).buffer).getUint32(0) >>> (32 - bits) === 0;
  };
  for (let from = 0; ; from += BATCH) {
    if (signal?.aborted) throw new TainaError("cancelled");
    // Many at once, for each digest is a way to another thread and back; and the page can breathe between them.
    const found = await Promise.all(Array.from({ length: BATCH }, (_, i) => proves(from + i)));
    if (found.includes(true)) return from + found.indexOf(true);
  }
}
