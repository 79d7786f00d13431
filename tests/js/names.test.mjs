import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { cleanName } from "../../site/js/client/names.js";

/** @type {{name: string, clean: string}[]} */
const vectors = JSON.parse(await readFile(new URL("../vectors/names.json", import.meta.url), "utf-8"));

for (const { name, clean } of vectors) {
  test(`cleanName(${JSON.stringify(name.slice(0, 40))})`, () => {
    assert.equal(cleanName(name), clean);
    assert.equal(cleanName(clean), clean);
  });
}

test("cleanName: a name may keep the dot that begins it, and nothing more", () => {
  for (const [name, clean] of [
    [".env", ".env"],
    [".env.", ".env"],
    ["..env", ".env"],
    ["..", "file"],
    [".", "file"],
    [" .env", "env"],
    ["env", "env"],
    [".con", "._con"],
  ]) {
    assert.equal(cleanName(name, { hidden: true }), clean);
  }
});

test("cleanName: half a character becomes a whole one", () => {
  assert.equal(cleanName("a\ud83d.txt"), "a_.txt");
});

test("cleanName: whatever comes, what leaves is fit, and fit for good", () => {
  const pieces = [
    "/",
    "\\",
    "..",
    ".",
    " ",
    "con",
    "NUL",
    "\u202e",
    "\u0000",
    "a",
    "ж",
    "🔑",
    ".txt",
    "e".repeat(99),
    "._",
  ];
  for (let seed = 1; seed < 20_000; seed++) {
    let name = "";
    for (let rest = seed * 2654435761; rest >= 1; rest /= 19) name += pieces[Math.floor(rest) % pieces.length];
    const clean = cleanName(name);
    assert.match(clean, /^[^. /\\:*?"<>|\u0000-\u001f\u202e][^/\\:*?"<>|\u0000-\u001f\u202e]*$/u);
    assert.doesNotMatch(clean, /[. ]$|^(con|prn|aux|nul|com[1-9]|lpt[1-9]) *(\.|$)/i);
    assert.ok(Buffer.byteLength(clean) <= 200);
    assert.equal(cleanName(clean), clean);
  }
});
