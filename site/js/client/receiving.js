// What was opened, as pages show and save it.

import { TainaError } from "../errors.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, size: number, blob: () => Promise<Blob>}} Incoming a file is read when it is asked for */
/**
 * Where opened bytes stay until they are saved.
 * @typedef {{add: (item: number, piece: Bytes) => void | Promise<void>, blob: (item: number) => Blob | Promise<Blob>}} Store
 */

const HANDED_OVER = 8 << 20; // bytes; many small Blobs take a browser longer

/** A Blob that grows: what it has is kept by the browser, out of the page's memory. */
export class BlobBuilder {
  size = 0;
  /** @type {Blob[]} */
  #parts = [];
  /** @type {Bytes[]} */
  #recent = [];
  #waiting = 0;

  /** @param {Bytes} piece */
  append(piece) {
    this.size += piece.length;
    this.#recent.push(piece);
    if ((this.#waiting += piece.length) >= HANDED_OVER) this.#handOver();
  }

  /** @returns {Blob} */
  blob() {
    this.#handOver();
    return new Blob(this.#parts);
  }

  #handOver() {
    if (!this.#waiting) return;
    this.#parts.push(new Blob(this.#recent));
    this.#recent = [];
    this.#waiting = 0;
  }
}

/** @returns {Store} */
export function inMemory() {
  const all = new BlobBuilder();
  /** @type {[number, number][]} */
  const spans = [];
  return {
    add: (item, piece) => {
      spans[item] ??= [all.size, 0];
      all.append(piece);
      spans[item][1] = all.size;
    },
    blob: (item) => all.blob().slice(...(spans[item] ?? [0, 0])),
  };
}

/**
 * @param {import("../format/payload.js").Item} item
 * @param {() => Promise<Blob>} body
 * @returns {Promise<Incoming>}
 * @throws {TainaError} bad_format: a text that is none
 */
export async function incoming(item, body) {
  // Never a type that a browser would render.
  if (item.type === "file")
    return { ...item, blob: async () => new Blob([await body()], { type: "application/octet-stream" }) };
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return { type: "text", text: decoder.decode(await (await body()).arrayBuffer()) };
  } catch {
    throw new TainaError("bad_format");
  }
}
