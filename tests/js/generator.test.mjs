import assert from "node:assert/strict";
import test from "node:test";
import { below, password, sixWords } from "../../site/js/generator.js";

/** Gives the numbers of a list one after another, as two bytes each. @param {number[]} numbers */
function dealing(numbers) {
  return (/** @type {Uint8Array} */ bytes) =>
    new DataView(bytes.buffer).setUint16(0, /** @type {number} */ (numbers.shift()));
}

test("below: every number comes from equally many draws, and the rest is drawn again", () => {
  for (const n of [1, 2, 3, 7, 64, 1000, 7776, 65535, 65536]) {
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (let drawn = 0; drawn < 65536; drawn++) {
      const numbers = [drawn, 0];
      const result = below(n, dealing(numbers));
      assert.ok(result >= 0 && result < n);
      if (numbers.length === 1) counts.set(result, (counts.get(result) ?? 0) + 1);
    }
    assert.equal(counts.size, n);
    assert.deepEqual(new Set(counts.values()), new Set([Math.floor(65536 / n)]));
  }
});

test("sixWords: six of the list, each by its own draw, the same one more than once if so drawn", () => {
  const list = Array.from({ length: 7776 }, (_, n) => `w${n}`);
  assert.equal(sixWords(list, dealing([0, 7775, 65535, 5, 5, 7776, 62207])), "w0-w7775-w5-w5-w0-w7775");
  assert.match(sixWords(list), /^w\d+(-w\d+){5}$/);
});

test("password: twenty characters of all four kinds, none that is taken for another", () => {
  const seen = new Set();
  for (let n = 0; n < 2000; n++) {
    const made = password();
    assert.match(made, /^(?=.*[a-z])(?=.*[A-Z])(?=.*[2-9])(?=.*[!#%+:=?])[a-zA-Z2-9!#%+:=?]{20}$/);
    assert.doesNotMatch(made, /[lIO01]/);
    for (const character of made) seen.add(character);
  }
  assert.equal(seen.size, 64);
});

test("password: one without all four kinds is thrown away whole", () => {
  const numbers = [...Array(20).fill(0), 0, 25, 49, 57, ...Array(16).fill(1)];
  assert.equal(password(dealing(numbers)), `aA2!${"b".repeat(16)}`);
});
