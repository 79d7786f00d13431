// No member of an answer is used unchecked: each is put wrong in every way that JSON has, and nothing believes it.

import assert from "node:assert/strict";
import test from "node:test";
import { toBase64url } from "../../site/js/bytes.js";
import { request } from "../../site/js/client/asking.js";
import { Client } from "../../site/js/client/client.js";
import { readInstance } from "../../site/js/client/instance.js";
import { Requests } from "../../site/js/client/requests.js";
import { Transport } from "../../site/js/client/transport.js";
import { TainaError } from "../../site/js/errors.js";
import { publicKey } from "../../site/js/format/envelope.js";

const LIES = [null, true, "", "constructor", "=", -1, 1.5, 2 ** 53, [], {}, [[]]];
const TIMES = ["created", "ended", "expires", "received"];
const AFTER_ALL_CALENDARS = 253_370_764_801; // unix seconds
const when = 1_800_000_000;
const body = new Uint8Array(32).fill(7);
const receipt = { kind: /** @type {const} */ ("receipt"), body: new Uint8Array(48), passphrase: false };
const link = { kind: /** @type {const} */ ("secret"), body, passphrase: false };
const asked = { kind: /** @type {const} */ ("request"), body: await publicKey(body), passphrase: false };
const inbox = { kind: /** @type {const} */ ("inbox"), body, passphrase: false };

/** @param {unknown} answer @param {number} [status] @returns {[string, any]} */
function giving(answer, status = 200) {
  return ["/api/v1", { fetch: async () => Response.json(answer, { status }), wait: async () => {} }];
}

/**
 * Each call by its name: an answer that is good, the members of it that may be missing, and the call.
 * @type {[string, any, string[], (environment: [string, any]) => Promise<unknown>][]}
 */
const CALLS = [
  [
    "instance",
    { limits: { size: 1 }, ttl: { min: 1, max: 3, default: 2 }, options: { create: "anyone" } },
    [],
    (given) => readInstance(new Transport(...given)),
  ],
  [
    "status",
    { state: "waiting", passphrase: false, size: 1, chunks: 1, expires: when, attempts_left: 1 },
    [],
    (given) => new Client(...given).status(link),
  ],
  [
    "receipt",
    {
      state: "opened",
      created: when,
      expires: when,
      failed_attempts: 0,
      ended: when,
      opened: toBase64url(new Uint8Array(32)),
    },
    ["ended", "opened"],
    (given) => new Client(...given).receipt(receipt),
  ],
  ["send", { expires: when }, [], (given) => new Client(...given).send([{ type: "text", text: "a" }], { ttl: 3600 })],
  [
    "request",
    { expires: when },
    [],
    (given) => request({ ttl: 3600, answers: 1, passphrase: false }, new Transport(...given)),
  ],
  [
    "requestStatus",
    { state: "open", answers_left: 1, expires: when, size: 5 },
    ["size"],
    (given) => new Requests(...given).requestStatus(asked),
  ],
  [
    "inbox",
    { answers: 1, expires: when, envelopes: [{ received: when, envelope: toBase64url(new Uint8Array(81)) }] },
    [],
    (given) => new Requests(...given).inbox(inbox),
  ],
];

/** Every answer that differs in one member. @param {any} answer @param {string[]} optional @returns {Generator<[string, any]>} */
function* spoilt(answer, optional) {
  for (const [name, value] of Object.entries(answer)) {
    if (!optional.includes(name) && !Array.isArray(answer)) {
      const { [name]: _, ...rest } = answer;
      yield [`without ${name}`, rest];
    }
    for (const lie of TIMES.includes(name) ? [...LIES, AFTER_ALL_CALENDARS] : LIES) {
      const same = typeof lie === typeof value && (typeof value === "boolean" || Array.isArray(value));
      const bytes = name === "opened" || name === "envelope";
      if (same || (bytes && (lie === "" || lie === "constructor"))) continue;
      yield [`${name} is ${JSON.stringify(lie)}`, { ...answer, [name]: lie }];
    }
    if (typeof value === "object") {
      for (const [how, inner] of spoilt(value, [])) {
        yield [`${name}: ${how}`, { ...answer, [name]: Array.isArray(value) ? Object.values(inner) : inner }];
      }
    }
  }
}

for (const [name, answer, optional, call] of CALLS) {
  test(`${name}: an answer that is wrong in one member is believed in none`, async () => {
    await call(giving(answer));
    for (const [how, wrong] of spoilt(answer, optional)) {
      await assert.rejects(
        call(giving(wrong)),
        (error) => error instanceof TainaError && ["internal", "unreachable"].includes(error.code),
        how,
      );
    }
  });
}

test("an inbox does not hold more answers than were asked for", async () => {
  const envelopes = new Array(2).fill({ received: when, envelope: toBase64url(new Uint8Array(81)) });
  await assert.rejects(new Requests(...giving({ answers: 1, expires: when, envelopes })).inbox(inbox));
});

for (const code of [
  "constructor",
  "__proto__",
  "tampered",
  "unreachable",
  "a code of a later version",
  '"]',
  5,
  null,
]) {
  test(`a code that no server sends is none: ${JSON.stringify(code)}`, async () => {
    const client = new Client(...giving({ code }, 404));
    await assert.rejects(client.status(link), { code: "internal", members: { status: 404 } });
  });
}

for (const [code, facts] of /** @type {[string, object][]} */ ([
  ["gone", { state: "opened" }],
  ["gone", { ended: when }],
  ["gone", { state: "opened", ended: "x" }],
  ["wrong_passphrase", {}],
  ["wrong_passphrase", { attempts_left: "9" }],
  ["work_needed", { bits: -1 }],
  ["rate_limited", { retry_after: [1] }],
])) {
  test(`an error without its facts is none of ours: ${code} ${JSON.stringify(facts)}`, async () => {
    const client = new Client(...giving({ code, ...facts }, 410));
    await assert.rejects(client.status(link), { code: "internal", members: { status: 410 } });
  });
}

test("what an error says beside its facts is left out", async () => {
  const client = new Client(...giving({ code: "not_found", detail: "see http://evil.example", attempts_left: 5 }, 404));
  await assert.rejects(client.status(link), { code: "not_found", members: {} });
});
