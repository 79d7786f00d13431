// What a spool leaves where others could read it. Its file is one of the browser's; here one in memory stands for it.

import assert from "node:assert/strict";
import test, { after } from "node:test";
import { openSpool } from "../../site/js/client/spool.js";

const LARGE = 64 << 20;
const MARK = "correct horse battery staple";
const piece = new TextEncoder().encode(MARK.repeat(1000));

/** A browser's file system with so much room. @param {number} room bytes */
function browser(room) {
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const files = new Map();
  const root = {
    /** @param {string} name */
    getFileHandle: async (name) => {
      files.set(name, new Uint8Array(0));
      return {
        createSyncAccessHandle: async () => ({
          close() {},
          /** @param {Uint8Array} bytes @param {{at: number}} options */
          write(bytes, { at }) {
            if (at >= room) throw new DOMException("full", "QuotaExceededError");
            const written = bytes.subarray(0, room - at);
            const grown = new Uint8Array(at + written.length);
            grown.set(files.get(name) ?? []);
            grown.set(written, at);
            files.set(name, grown);
            return written.length;
          },
          /** @param {Uint8Array} bytes @param {{at: number}} options */
          read(bytes, { at }) {
            bytes.set((files.get(name) ?? new Uint8Array(0)).subarray(at, at + bytes.length));
          },
        }),
      };
    },
    /** @param {string} name */
    removeEntry: async (name) => files.delete(name),
  };
  const navigator = {
    storage: { estimate: async () => ({ quota: 2 * LARGE, usage: 0 }), getDirectory: async () => root },
    locks: { request: (/** @type {string} */ _, /** @type {() => unknown} */ held) => held() },
  };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  return files;
}

const own = Object.getOwnPropertyDescriptor(globalThis, "navigator");
after(() => own && Object.defineProperty(globalThis, "navigator", own));

for (const [name, room] of /** @type {[string, number][]} */ ([
  ["with room for all", LARGE],
  ["that fills up in the middle of a piece", 3 * piece.length + 5],
  ["that fills up between two", 2 * (piece.length + 16)],
  ["that is full from the start", 0],
])) {
  test(`on a disk ${name} only sealed bytes lie, and what comes back is whole`, async () => {
    const files = browser(room);
    const spool = await openSpool(LARGE);
    for (let n = 0; n < 3; n++) for (const item of [0, 2]) await spool.add(item, piece);
    for (const item of [0, 2]) assert.equal(await (await spool.blob(item)).text(), MARK.repeat(3000));
    assert.equal((await spool.blob(1)).size, 0);
    const [[, written]] = files;
    assert.equal(written.length > 0, room > 0);
    assert.ok(!new TextDecoder("latin1").decode(written).includes(MARK));
    const beginnings = [0, 1, 2].map((n) =>
      written
        .subarray(n * (piece.length + 16))
        .subarray(0, 16)
        .join(),
    );
    if (room === LARGE) assert.equal(new Set(beginnings).size, 3, "equal pieces are sealed under nonces of their own");
    await spool.wipe();
    assert.equal(files.size, 0);
  });
}

test("a small secret stays off the disk", async () => {
  const files = browser(LARGE);
  const spool = await openSpool(LARGE - 1);
  await spool.add(0, piece);
  assert.equal(await (await spool.blob(0)).text(), MARK.repeat(1000));
  assert.equal(files.size, 0);
});

const refuse = () => Promise.reject(new DOMException("blocked", "SecurityError"));
const noHandle = { getFileHandle: async () => ({ createSyncAccessHandle: refuse }) };
for (const [name, block] of /** @type {[string, () => void][]} */ ([
  ["tells no room", () => (navigator.storage.estimate = refuse)],
  ["gives no lock", () => (navigator.locks.request = refuse)],
  ["shows no files", () => (navigator.storage.getDirectory = refuse)],
  [
    "makes no file",
    () => (navigator.storage.getDirectory = async () => /** @type {any} */ ({ getFileHandle: refuse })),
  ],
  ["opens no file", () => (navigator.storage.getDirectory = async () => /** @type {any} */ (noHandle))],
])) {
  test(`where a browser ${name}, it stays in memory`, { timeout: 20_000 }, async () => {
    const files = browser(LARGE);
    block();
    const spool = await openSpool(LARGE);
    await spool.add(0, piece);
    assert.equal(await (await spool.blob(0)).text(), MARK.repeat(1000));
    assert.equal(files.size, 0);
    await spool.wipe();
  });
}

test("where the browser allows too little room, it begins no file", async () => {
  const files = browser(LARGE);
  navigator.storage.estimate = async () => ({ quota: 2 * LARGE, usage: LARGE });
  const spool = await openSpool(LARGE);
  await spool.add(0, piece);
  assert.equal(await (await spool.blob(0)).text(), MARK.repeat(1000));
  assert.equal(files.size, 0);
});
