// What was opened is kept piece by piece, and comes out item by item.

import assert from "node:assert/strict";
import test from "node:test";
import { inMemory } from "../../site/js/client/receiving.js";

const MIB = 1 << 20;

test("each item comes out as it went in, whatever stands beside it", async () => {
  const sizes = [3, 0, 9 * MIB + 1, 1, 8 * MIB, 0, 17 * MIB];
  const store = inMemory();
  const whole = sizes.map((size, item) => new Uint8Array(size).map((_, i) => (i * 31 + item) % 251));
  for (const [item, bytes] of whole.entries()) {
    for (let at = 0; at < bytes.length; at += MIB) await store.add(item, bytes.subarray(at, at + MIB));
  }
  for (const time of ["first", "second"]) {
    for (const [item, bytes] of whole.entries()) {
      const came = Buffer.from(await (await store.blob(item)).arrayBuffer());
      assert.ok(came.equals(bytes), `item ${item}, asked for a ${time} time`);
    }
  }
});

test("what is asked for meanwhile keeps nothing that follows from its place", async () => {
  const store = inMemory();
  await store.add(0, Uint8Array.of(1, 2));
  assert.equal((await store.blob(0)).size, 2);
  await store.add(0, Uint8Array.of(3));
  await store.add(1, Uint8Array.of(4));
  assert.deepEqual([...new Uint8Array(await (await store.blob(0)).arrayBuffer())], [1, 2, 3]);
  assert.deepEqual([...new Uint8Array(await (await store.blob(1)).arrayBuffer())], [4]);
});
