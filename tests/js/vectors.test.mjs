import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { checkVectors } from "./vectors.mjs";

test("site/js/format/ agrees with tests/vectors/", async () => {
  const { passed, failed } = await checkVectors(async (name) =>
    JSON.parse(await readFile(new URL(`../vectors/${name}`, import.meta.url), "utf-8")),
  );
  assert.deepEqual(failed, []);
  assert.ok(passed > 400);
});

test("a vector that does not hold, or that holds an unknown member, is named", async () => {
  /** @param {string} name */
  const load = async (name) => {
    const file = JSON.parse(await readFile(new URL(`../vectors/${name}`, import.meta.url), "utf-8"));
    file.vectors.splice(1);
    if (name === "tokens.json") file.vectors[0].claim_id = file.vectors[0].receipt_id;
    if (name === "sizes.json") file.vectors[0].more = 1;
    if (name === "tampered.json") file.vectors[0].opened = {};
    return file;
  };
  const { passed, failed } = await checkVectors(load);
  assert.deepEqual(
    failed.map((line) => line.split(":")[0]),
    ["tokens", "sizes", "tampered"],
  );
  assert.equal(passed, 10);
});
