// How a payload is sealed: AES-256-GCM chunk by chunk (STREAM; specification: Content).
//
// Reader and writer hold a bounded number of chunks, whatever the size. Each chunk can be sealed and opened by
// itself, in any order; the last is marked in its nonce, so that nothing can be cut off unseen.

import { concat, encode } from "../bytes.js";
import { TainaError } from "../errors.js";
import { CHUNK_SIZE } from "./payload.js";

/** @typedef {import("./derive.js").Bytes} Bytes */
/**
 * The content key with what every chunk is bound to: the link's flags and the secret's id.
 * @typedef {{key: CryptoKey, associated: Bytes}} StreamKey
 */

export const TAG_SIZE = 16;

/**
 * @param {Bytes} key the content key, 32 bytes
 * @param {number} flags of the secret link
 * @param {Bytes} id of the secret, 16 bytes
 * @returns {Promise<StreamKey>}
 */
export async function streamKey(key, flags, id) {
  return {
    key: await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]),
    associated: concat(encode("taina/v1 content"), Uint8Array.of(flags), id),
  };
}

/** @param {number} payloadSize @returns {number} a multiple of 1 MiB ends with a full chunk, never an empty one */
export function chunkCount(payloadSize) {
  return Math.ceil(payloadSize / CHUNK_SIZE);
}

/** @param {number} payloadSize @returns {number} bytes of all its sealed chunks together */
export function sealedSize(payloadSize) {
  return payloadSize + chunkCount(payloadSize) * TAG_SIZE;
}

/**
 * @param {StreamKey} key
 * @param {number} n
 * @param {boolean} last
 * @param {Bytes} plain
 * @returns {Promise<Bytes>}
 */
export async function sealChunk(key, n, last, plain) {
  return new Uint8Array(await crypto.subtle.encrypt(algorithm(key, n, last), key.key, plain));
}

/**
 * @param {StreamKey} key
 * @param {number} n
 * @param {boolean} last
 * @param {Bytes} sealed
 * @returns {Promise<Bytes>}
 * @throws {TainaError} tampered: another key, another place, or changed bytes
 */
export async function openChunk(key, n, last, sealed) {
  const whole = CHUNK_SIZE + TAG_SIZE;
  if (sealed.length <= TAG_SIZE || sealed.length > whole || (!last && sealed.length !== whole)) {
    throw new TainaError("tampered");
  }
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm(key, n, last), key.key, sealed));
  } catch {
    throw new TainaError("tampered");
  }
}

/** @param {StreamKey} key @param {number} n @param {boolean} last @returns {AesGcmParams} */
function algorithm(key, n, last) {
  const iv = new Uint8Array(12); // 11 bytes of counter, of which the lower four suffice, and the mark of the last
  new DataView(iv.buffer).setUint32(7, n);
  iv[11] = last ? 1 : 0;
  return { name: "AES-GCM", iv, additionalData: key.associated };
}
