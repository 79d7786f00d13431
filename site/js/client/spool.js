// Opened bytes between the reveal and the reader's own disk. Here they are sealed again, under a key that only this
// worker's memory has: not with the link's, which a browser's history may hold. So what a browser writes to its disk,
// as a file of this origin (OPFS) or to make room in memory, cannot be read once the page is gone. The file is wiped
// with the page, and by the next page of the site (ui/every_page.js) if that was killed.

import { BlobBuilder } from "./receiving.js";

/** @typedef {import("../format/derive.js").Bytes} Bytes */
/** @typedef {{write: (bytes: Bytes, options: {at: number}) => number, read: (bytes: Bytes, options: {at: number}) => number, close: () => void}} SyncAccessHandle */
/** A sealed piece: in the file, or where that has no room, in memory. @typedef {{n: number, size: number, at?: number, blob?: Blob}} Piece */

const FROM = 64 << 20; // bytes; fewer stay off the disk
const PIECES_AHEAD = 32; // of a chunk each, at the most
const PREFIX = "opened-"; // ui/every_page.js knows it

/**
 * For a worker: only there a browser writes such files piece by piece.
 * @param {number} size bytes to expect
 * @returns {Promise<Spool>}
 */
export async function openSpool(size) {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const name = PREFIX + crypto.randomUUID();
  return new Spool(key, name, size < FROM ? null : await openFile(name, size));
}

/** @param {string} name @param {number} size @returns {Promise<SyncAccessHandle | null>} null where there is no room for it */
async function openFile(name, size) {
  try {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    if (quota - usage < 1.1 * size) return null;
    // The lock is held as long as this worker lives, and tells other pages that the file is in use.
    await new Promise((granted, refused) => {
      navigator.locks.request(name, () => new Promise(() => granted(null))).catch(refused);
    });
    const root = await navigator.storage.getDirectory();
    return await /** @type {any} */ (await root.getFileHandle(name, { create: true })).createSyncAccessHandle();
  } catch {
    return null; // some browsers allow no such files, or none in a private window
  }
}

/** A Store, as receiving.js describes it. */
export class Spool {
  #key;
  #name;
  #file;
  #end = 0;
  /** Pieces sealed so far: the nonce of the next one. */
  #count = 0;
  /** @type {Piece[][]} */
  #items = [];

  /** @param {CryptoKey} key AES-GCM, for this spool alone @param {string} name @param {SyncAccessHandle | null} file */
  constructor(key, name, file) {
    this.#key = key;
    this.#name = name;
    this.#file = file;
  }

  /** @param {number} item @param {Bytes} bytes */
  async add(item, bytes) {
    const n = this.#count++;
    const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm(n), this.#key, bytes));
    (this.#items[item] ??= []).push({ n, size: sealed.length, ...this.#keep(sealed) });
  }

  /** @param {number} item @returns {Promise<Blob>} */
  async blob(item) {
    const opened = new BlobBuilder();
    for (const [i, piece] of (this.#items[item] ?? []).entries()) {
      opened.append(
        new Uint8Array(await crypto.subtle.decrypt(algorithm(piece.n), this.#key, await this.#read(piece))),
      );
      // A browser takes them over when it can: until it has, they are in this worker's memory.
      if (i % PIECES_AHEAD === PIECES_AHEAD - 1) await opened.blob().slice(-1).arrayBuffer();
    }
    return opened.blob();
  }

  async wipe() {
    this.#items = [];
    if (this.#file === null) return;
    try {
      this.#file.close();
      await (await navigator.storage.getDirectory()).removeEntry(this.#name);
    } catch {
      // the next page wipes it
    }
  }

  /** @param {Bytes} sealed @returns {{at: number} | {blob: Blob}} where it is */
  #keep(sealed) {
    try {
      const at = this.#end;
      if (this.#file?.write(sealed, { at }) === sealed.length) {
        this.#end += sealed.length;
        return { at };
      }
    } catch {
      // the disk is full: it stays in memory
    }
    return { blob: new Blob([sealed]) };
  }

  /** @param {Piece} piece @returns {Promise<Bytes>} */
  async #read({ size, at, blob }) {
    if (blob) return new Uint8Array(await blob.arrayBuffer());
    const sealed = new Uint8Array(size);
    this.#file?.read(sealed, { at: Number(at) });
    return sealed;
  }
}

/** @param {number} n @returns {AesGcmParams} */
function algorithm(n) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(8, n);
  return { name: "AES-GCM", iv };
}
