// Sentences with what stands in them, as this engine writes dates, sizes and durations in each language.

import { readdirSync, readFileSync } from "node:fs";
import assert from "node:assert/strict";
import test from "node:test";

const LOCALES = new URL("../../site/locales/", import.meta.url);
const TIMES = ["2026-01-02T00:05", "2026-12-07T09:30", "2026-12-31T15:07", "2026-05-21T23:59"].map(
  (text) => new Date(text),
);
const AMOUNTS = [1, 2, 5, 21];

/** @param {unknown} node @param {string} path @returns {[string, string][]} texts by their dotted key */
function texts(node, path) {
  if (typeof node === "string") return [[path, node]];
  return Object.entries(/** @type {object} */ (node)).flatMap(([name, child]) => texts(child, `${path}.${name}`));
}

/** @param {string} language @returns {Record<string, string[]>} what may stand in each place */
function values(language) {
  const unit = (/** @type {string} */ unit, /** @type {"long" | "short"} */ unitDisplay) =>
    AMOUNTS.map((n) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay }).format(n));
  const whens = TIMES.map((time) =>
    new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }).format(time),
  );
  return {
    when: whens,
    created: whens,
    expires: whens,
    left: ["second", "minute", "hour", "day"].flatMap((one) => [...unit(one, "long"), ...unit(one, "short")]),
    size: [...unit("byte", "long"), ...unit("kilobyte", "short"), ...unit("megabyte", "short")],
  };
}

for (const file of readdirSync(LOCALES)) {
  const language = file.replace(".json", "");
  test(`no mark stands twice in ${language}`, () => {
    const found = values(language);
    for (const [key, text] of texts(JSON.parse(readFileSync(new URL(file, LOCALES), "utf8")), "")) {
      for (const name of Object.keys(found).filter((name) => text.includes(`{${name}}`))) {
        for (const value of found[name]) {
          assert.doesNotMatch(text.replaceAll(`{${name}}`, value), /([.,;:。，])\s?\1/u, key);
        }
      }
    }
  });
}
