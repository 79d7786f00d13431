// What is sent, as the bytes to be sealed.

import { TainaError } from "../errors.js";
import { pack, text as wellFormed } from "../format/payload.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, data: Blob}} Outgoing */

/** @param {Outgoing[]} items @param {number} expires unix seconds @returns {Blob} @throws {TainaError} bad_format, too_large */
export function payloadOf(items, expires) {
  const bodies = items.map((item) => (item.type === "text" ? new Blob([wellFormed(item.text)]) : item.data));
  const described = items.map((item, i) => {
    const size = bodies[i].size;
    return item.type === "text"
      ? { type: item.type, size }
      : { type: item.type, name: item.name, mime: item.mime, size };
  });
  return pack({ items: described, expires }, bodies);
}

/**
 * A Blob's bytes in pieces of one size, the last one smaller: each call gives the next, and some may be asked for ahead.
 * As one byte stream where the engine has them (WebKit has not): each slice would be asked for anew, at twice the cost.
 * @param {Blob} blob
 * @param {number} size
 * @returns {() => Promise<Bytes>}
 * @throws {TainaError} unreadable: a file that went away or changed; changed: it is shorter now
 */
export function readerOf(blob, size) {
  let offset = 0;
  /** @type {ReadableStreamBYOBReader | null} */
  let stream = null;
  /** @type {Promise<unknown>} */
  let before = Promise.resolve();
  return () => {
    const [start, end] = [offset, Math.min(offset + size, blob.size)];
    offset = end;
    stream ??= start === 0 ? byteStream(blob) : null;
    if (stream === null) return readSlice(blob.slice(start, end));
    const reader = stream;
    const piece = before.then(() => readPiece(reader, end - start));
    before = piece;
    piece.catch(() => {}); // whoever asked ahead may never come for it
    return piece;
  };
}

/** @param {Blob} blob @returns {ReadableStreamBYOBReader | null} */
function byteStream(blob) {
  try {
    return blob.stream().getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

/** @param {ReadableStreamBYOBReader} reader @param {number} size @returns {Promise<Bytes>} @throws {TainaError} */
async function readPiece(reader, size) {
  let buffer = new ArrayBuffer(size);
  for (let got = 0; got < size;) {
    const { value } = await reader.read(new Uint8Array(buffer, got)).catch(() => {
      throw new TainaError("unreadable");
    });
    if (!value?.length) throw new TainaError("changed");
    buffer = value.buffer;
    got += value.length;
  }
  return new Uint8Array(buffer);
}

/** @param {Blob} slice @returns {Promise<Bytes>} @throws {TainaError} */
async function readSlice(slice) {
  const bytes = await slice.arrayBuffer().catch(() => {
    throw new TainaError("unreadable");
  });
  if (bytes.byteLength !== slice.size) throw new TainaError("changed");
  return new Uint8Array(bytes);
}
