// What was opened, as pages show and save it.

import { TainaError } from "../errors.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, size: number, blob: () => Promise<Blob>}} Incoming a file is read when it is asked for */
/**
 * Where opened bytes stay until they are saved.
 * @typedef {{add: (item: number, piece: Bytes) => void | Promise<void>, blob: (item: number) => Blob | Promise<Blob>}} Store
 */

/** A Blob for each piece lets the browser keep it out of the page's memory. @returns {Store} */
export function inMemory() {
  /** @type {BlobPart[][]} */
  const parts = [];
  return {
    add: (item, piece) => void (parts[item] ??= []).push(new Blob([piece])),
    blob: (item) => new Blob(parts[item] ?? []),
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
