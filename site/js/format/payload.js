// What is sealed: a header, the items' bytes, and padding (specification: Content).

import { concat, encode } from "../bytes.js";
import { TainaError } from "../errors.js";

/** @typedef {import("./derive.js").Bytes} Bytes */
/**
 * A text or a file in a secret; `size` in bytes, `name` and `mime` for files.
 * @typedef {{type: "text", size: number} | {type: "file", name: string, mime: string, size: number}} Item
 */
/**
 * `expires` in unix seconds, by the sender's clock.
 * @typedef {{items: Item[], expires: number}} Header
 */

export const CHUNK_SIZE = 1 << 20;
/** Texts and files in one secret: more would keep the page busy for minutes. */
export const MAX_ITEMS = 1000;
const MIN_SIZE = 1024;
const LENGTH_SIZE = 4;

/** @param {number} size @returns {number} the Padmé length (PURBs, 2019), never below 1 KiB */
export function paddedSize(size) {
  if (size <= MIN_SIZE) return MIN_SIZE;
  const e = size.toString(2).length - 1; // floor(log2(size)), without rounding
  const s = e.toString(2).length;
  const step = 2 ** (e - s);
  return Math.ceil(size / step) * step;
}

/**
 * Length (4, big endian) || JSON, its members in this order and without white space.
 * @param {Header} header
 * @returns {Bytes}
 * @throws {TainaError} bad_format: a name that is no well-formed text; too_large: too many items, or it does not fit
 *   into the first chunk
 */
export function encodeHeader(header) {
  if (header.items.length > MAX_ITEMS) throw new TainaError("too_large");
  const items = header.items.map((item) =>
    item.type === "text"
      ? { type: "text", size: item.size }
      : { type: "file", name: text(item.name), mime: text(item.mime), size: item.size },
  );
  const encoded = encode(JSON.stringify({ v: 1, items, expires: header.expires }));
  if (LENGTH_SIZE + encoded.length > CHUNK_SIZE) throw new TainaError("too_large");
  const length = new Uint8Array(LENGTH_SIZE);
  new DataView(length.buffer).setUint32(0, encoded.length);
  return concat(length, encoded);
}

/**
 * Read the header at the start of the first chunk.
 * @param {Bytes} chunk
 * @returns {{header: Header, end: number}} it and where the bodies begin
 * @throws {TainaError} bad_format
 */
export function decodeHeader(chunk) {
  if (chunk.length < LENGTH_SIZE) throw new TainaError("bad_format");
  const end = LENGTH_SIZE + new DataView(chunk.buffer, chunk.byteOffset).getUint32(0);
  if (end > Math.min(chunk.length, CHUNK_SIZE)) throw new TainaError("bad_format");
  let document;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    document = JSON.parse(decoder.decode(chunk.subarray(LENGTH_SIZE, end)));
  } catch {
    throw new TainaError("bad_format");
  }
  if (!isObject(document) || number(document.v) !== 1 || !Array.isArray(document.items)) {
    throw new TainaError("bad_format");
  }
  if (document.items.length > MAX_ITEMS) throw new TainaError("bad_format");
  return { header: { items: document.items.map(readItem), expires: number(document.expires) }, end };
}

/**
 * The payload as a Blob: nothing is read before it is sliced, whatever the size.
 * @param {Header} header
 * @param {Blob[]} bodies
 * @returns {Blob}
 * @throws {TainaError} bad_format: the bodies are not as long as the header says
 */
export function pack(header, bodies) {
  if (bodies.length !== header.items.length || bodies.some((body, i) => body.size !== header.items[i].size)) {
    throw new TainaError("bad_format");
  }
  const encoded = encodeHeader(header);
  const size = bodies.reduce((sum, body) => sum + body.size, encoded.length);
  const padding = paddedSize(size) - size;
  const zeros = new Blob([new Uint8Array(Math.min(padding, CHUNK_SIZE))]);
  /** @type {Blob[]} */
  const parts = new Array(Math.floor(padding / CHUNK_SIZE)).fill(zeros);
  return new Blob([encoded, ...bodies, ...parts, zeros.slice(0, padding % CHUNK_SIZE)]);
}

/**
 * Takes the payload chunk by chunk and gives the items' bytes; holds none of them.
 *
 * The header is there after the first `push`. `finish` has to be called after the last: only then is it sure
 * that the sizes add up.
 */
export class Unpacker {
  /** @type {Header | null} */
  header = null;
  #got = 0;
  #start = 0;
  /** @type {number[]} */
  #ends = [];
  #item = 0;

  /**
   * @param {Bytes} chunk the first one must be whole
   * @returns {[number, Bytes][]} the pieces of items in it: number of the item, bytes
   * @throws {TainaError} bad_format: no header, or padding that is not zero
   */
  push(chunk) {
    let offset = 0;
    if (this.header === null) {
      const { header, end } = decodeHeader(chunk);
      this.header = header;
      this.#start = offset = end;
      let at = end;
      for (const item of header.items) this.#ends.push((at += item.size));
    }
    /** @type {[number, Bytes][]} */
    const pieces = [];
    while (this.#item < this.#ends.length && offset < chunk.length) {
      const take = Math.min(this.#ends[this.#item] - this.#got - offset, chunk.length - offset);
      if (take) pieces.push([this.#item, chunk.subarray(offset, offset + take)]);
      offset += take;
      if (this.#got + offset === this.#ends[this.#item]) this.#item += 1;
    }
    for (; offset < chunk.length; offset++) {
      if (chunk[offset] !== 0) throw new TainaError("bad_format");
    }
    this.#got += chunk.length;
    return pieces;
  }

  /**
   * @returns {Header} once all is here
   * @throws {TainaError} bad_format: more or fewer bytes than the header announced
   */
  finish() {
    const end = this.#ends.at(-1) ?? this.#start;
    if (this.header === null || this.#got !== paddedSize(end)) throw new TainaError("bad_format");
    return this.header;
  }
}

/** @param {unknown} item @returns {Item} */
function readItem(item) {
  if (!isObject(item)) throw new TainaError("bad_format");
  const size = number(item.size);
  if (item.type === "text") return { type: "text", size };
  if (item.type !== "file") throw new TainaError("bad_format");
  return { type: "file", name: text(item.name), mime: text(item.mime), size };
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value @returns {number} */
function number(value) {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new TainaError("bad_format");
  return value;
}

/** @param {unknown} value @returns {string} @throws {TainaError} bad_format: no text, or one with an unpaired surrogate */
export function text(value) {
  if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) throw new TainaError("bad_format");
  return value;
}
