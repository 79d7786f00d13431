// Opened bytes on their way to the reader's disk. Large ones wait in files that the browser keeps for this origin
// alone (OPFS), where they take no memory; they are wiped with the page, and by the next one if that was killed.

/** @typedef {import("../format/derive.js").Bytes} Bytes */
/** @typedef {{write: (bytes: Bytes, options: {at: number}) => number, close: () => void}} SyncAccessHandle */

const FROM = 64 << 20; // bytes; fewer stay in memory, and off the disk
const PREFIX = "opened-";

/**
 * For a worker: only there a browser writes such files piece by piece.
 * @param {number} size bytes to expect
 * @returns {Promise<Spool | null>} null where they shall or must stay in memory
 */
export async function openSpool(size) {
  try {
    if (size < FROM) return null;
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    if (quota - usage < 1.1 * size) return null;
    const name = PREFIX + crypto.randomUUID();
    // The lock is held as long as this worker lives, and tells other pages that the files are in use.
    await new Promise((granted) => navigator.locks.request(name, () => new Promise(() => granted(null))));
    const root = await navigator.storage.getDirectory();
    return new Spool(name, await root.getDirectoryHandle(name, { create: true }));
  } catch {
    return null; // some browsers allow no such files, or none in a private window
  }
}

/** Wipe what pages left behind that could not do it themselves. */
export async function wipeSpools() {
  try {
    const root = await navigator.storage.getDirectory();
    const { held = [] } = await navigator.locks.query();
    for await (const name of /** @type {any} */ (root).keys()) {
      if (name.startsWith(PREFIX) && !held.some((lock) => lock.name === name)) {
        await root.removeEntry(name, { recursive: true });
      }
    }
  } catch {
    // then there is nothing: where files cannot be listed, none were made
  }
}

/** A Store, as client.js describes it. */
export class Spool {
  #name;
  #folder;
  /** @type {{handle: any, access: SyncAccessHandle, size: number}[]} */
  #files = [];

  /** @param {string} name @param {FileSystemDirectoryHandle} folder */
  constructor(name, folder) {
    this.#name = name;
    this.#folder = folder;
  }

  /** @param {number} item @param {Bytes} piece */
  async add(item, piece) {
    let file = this.#files[item];
    if (!file) {
      const handle = /** @type {any} */ (await this.#folder.getFileHandle(String(item), { create: true }));
      file = this.#files[item] = { handle, access: await handle.createSyncAccessHandle(), size: 0 };
    }
    file.size += file.access.write(piece, { at: file.size });
  }

  /** @param {number} item @returns {Promise<Blob>} */
  async blob(item) {
    const file = this.#files[item];
    if (!file) return new Blob();
    file.access.close();
    return file.handle.getFile();
  }

  async wipe() {
    try {
      for (const file of this.#files) file?.access.close();
      const root = await navigator.storage.getDirectory();
      await root.removeEntry(this.#name, { recursive: true });
    } catch {
      // the next page wipes it
    }
  }
}
