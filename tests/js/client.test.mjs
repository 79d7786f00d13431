// What client.js does when answers are lost, late or wrong. That it works with a real server is shown by
// tests/js/test_client.py and, in real browsers, by tests/browser/.

import assert from "node:assert/strict";
import { closeSync, openAsBlob, openSync, utimesSync, writeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fromBase64url, toBase64url } from "../../site/js/bytes.js";
import { Client } from "../../site/js/client/client.js";
import { readInstance } from "../../site/js/client/instance.js";
import { Pace } from "../../site/js/client/pace.js";
import { hasEnded } from "../../site/js/client/secrets.js";
import { Transport } from "../../site/js/client/transport.js";
import { TainaError } from "../../site/js/errors.js";
import { deriveContentKeys, deriveLinkKeys, deriveReceipt, sha256 } from "../../site/js/format/derive.js";
import { decodeLink } from "../../site/js/format/links.js";
import { CHUNK_SIZE, paddedSize } from "../../site/js/format/payload.js";
import { findWork } from "../../site/js/proof_of_work.js";

/** @typedef {{method: string, path: string, token: string | null, body: any, raw: unknown, init: RequestInit}} Call */
/** @typedef {(call: Call) => Response | Promise<Response>} Answer */

/** A client whose transport is `answer`, with what it asked for and how long it waited. @param {Answer} answer */
function clientOf(answer) {
  /** @type {Call[]} */
  const calls = [];
  /** @type {number[]} */
  const waits = [];
  let time = 1_800_000_000_000;
  /** @type {import("../../site/js/client/transport.js").Environment} */
  const environment = {
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
    now: () => time,
    wait: async (ms) => waits.push(ms),
    fetch: async (path, init = {}) => {
      const headers = new Headers(init.headers);
      const call = {
        method: String(init.method),
        path: String(path).replace("/api/v1", ""),
        token: headers.get("Authorization")?.replace("Bearer ", "") ?? null,
        body: typeof init.body === "string" ? JSON.parse(init.body) : init.body,
        raw: init.body,
        init,
      };
      calls.push(call);
      init.signal?.throwIfAborted();
      return answer(call);
    },
  };
  const client = new Client("/api/v1", environment);
  const advance = (/** @type {number} */ ms) => (time += ms);
  return { client, transport: new Transport("/api/v1", environment), calls, waits, advance };
}

/** The network, not the server. */
function lost() {
  return Promise.reject(new TypeError("fetch failed"));
}

/** An answer that breaks off on its way. */
function cut() {
  return new Response(new ReadableStream({ pull: (stream) => stream.error(new TypeError("terminated")) }));
}

/** @param {number} status @param {object} body */
function problem(status, body) {
  return Response.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

/** @param {Answer[]} answers the last one for ever @returns {Answer} */
function inTurn(...answers) {
  let n = 0;
  return (call) => answers[Math.min(n++, answers.length - 1)](call);
}

const created = () => Response.json({ state: "waiting", expires: 1_800_003_600 }, { status: 201 });
const text = [{ type: /** @type {const} */ ("text"), text: "тайна" }];
const options = { ttl: 3600 };

/** @param {Blob[]} blobs */
const files = (...blobs) => blobs.map((data) => ({ type: /** @type {const} */ ("file"), name: "a", mime: "", data }));

/** A secret as a server keeps it. @param {any[]} items @param {string | null} [passphrase] */
async function sealed(items, passphrase = null) {
  /** @type {any} */
  let order;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const chunks = [];
  const { client } = clientOf(({ path, body }) => {
    const n = /chunks\/(\d+)$/.exec(path)?.[1];
    if (n === undefined) order = body;
    else chunks[Number(n)] = body;
    return n === undefined ? created() : new Response(null, { status: 204 });
  });
  const sent = await client.send(items, { ...options, passphrase });
  const link = await decodeLink(sent.secret, "secret");
  return { link, receipt: await decodeLink(sent.receipt, "receipt"), order, chunks };
}

const trueStatus = {
  state: "waiting",
  passphrase: false,
  size: 1040,
  chunks: 1,
  expires: 1_800_003_600,
  attempts_left: 10,
};

/** A server that keeps this one secret. @param {{order: any, chunks: Uint8Array<ArrayBuffer>[]}} secret @returns {Answer} */
const keeping =
  ({ order, chunks }) =>
  ({ path }) => {
    const n = /chunks\/(\d+)$/.exec(path)?.[1];
    if (n !== undefined) return new Response(chunks[Number(n)]);
    if (path.endsWith("/ack")) return Response.json({ state: "opened" });
    return Response.json({ ...trueStatus, ...order });
  };

/** @param {string} code @param {object} [members] */
const refusal = (code, members) => (/** @type {unknown} */ error) => {
  assert.ok(error instanceof TainaError, String(error));
  assert.equal(error.code, code);
  if (members) assert.deepEqual(error.members, members);
  return true;
};

test("send: a lost answer is asked for again with the same bytes, at growing distances", async () => {
  const { client, calls, waits } = clientOf(inTurn(lost, cut, lost, created));
  const sent = await client.send(text, options);
  assert.equal(sent.expires, 1_800_003_600);
  assert.equal(calls.length, 4);
  assert.equal(new Set(calls.map((call) => [call.method, call.path, call.raw].join())).size, 1);
  assert.deepEqual(waits, [500, 1000, 2000]);
});

test("send: half an emoji is refused, not turned into another character", async () => {
  const { client, calls } = clientOf(created);
  const half = [{ type: /** @type {const} */ ("text"), text: "key \ud83d" }];
  await assert.rejects(client.send(half, options), refusal("bad_format"));
  assert.equal(calls.length, 0);
});

test("send: a server that is not there is told after a few tries", async () => {
  const { client, calls } = clientOf(lost);
  await assert.rejects(client.send(text, options), refusal("unreachable"));
  assert.equal(calls.length, 5);
});

for (const status of [429, 500, 502, 503, 504]) {
  test(`send: ${status} is worth another try`, async () => {
    const { client, calls } = clientOf(inTurn(() => problem(status, {}), created));
    await client.send(text, options);
    assert.equal(calls.length, 2);
  });
}

test("a look is not tried again by itself, and says what the server asks for", async () => {
  const { receipt } = await sealed(text);
  const asked = (/** @type {string} */ value) => new Response("", { status: 503, headers: { "Retry-After": value } });
  for (const [answer, code, retryAfter] of /** @type {const} */ ([
    [lost, "unreachable", undefined],
    [() => problem(429, { code: "rate_limited", retry_after: 7 }), "rate_limited", 7],
    [() => asked("90"), "internal", 90],
    [() => asked("Fri, 31 Dec 1999 23:59:59 GMT"), "internal", undefined],
    [() => asked("9999999999"), "internal", undefined],
  ])) {
    const { client, calls, waits } = clientOf(answer);
    await assert.rejects(client.receipt(receipt, { tries: 1 }), (error) => {
      assert.ok(error instanceof TainaError);
      assert.deepEqual([error.code, error.members.retry_after], [code, retryAfter]);
      return true;
    });
    assert.equal(calls.length, 1);
    assert.deepEqual(waits, []);
  }
});

test("a look that was given up ends, whatever came of it", async () => {
  const { receipt } = await sealed(text);
  const turn = new AbortController();
  const { client } = clientOf(() => {
    turn.abort();
    return problem(404, { code: "not_found" });
  });
  await assert.rejects(client.receipt(receipt, { tries: 1, signal: turn.signal }), refusal("cancelled"));
});

test("a receipt is settled once nothing can change any more", () => {
  const day = 86_400;
  const receipt = { created: 0, expires: 9 * day, failed_attempts: 0, proved: false };
  assert.equal(hasEnded({ ...receipt, state: "waiting" }, 8 * day), false);
  assert.equal(hasEnded({ ...receipt, state: "revealed", ended: 0 }, day), false, "its reader may still be reading");
  assert.equal(hasEnded({ ...receipt, state: "revealed", ended: 0 }, day + 1), true);
  for (const state of /** @type {const} */ (["opened", "unproved", "burned", "expired", "locked"])) {
    assert.equal(hasEnded({ ...receipt, state, ended: 0 }, 0), true, state);
  }
});

test("a server that asks for a little patience gets it", async () => {
  const limited = () => problem(429, { code: "rate_limited", retry_after: 7 });
  const { client, waits } = clientOf(inTurn(limited, limited, created));
  await client.send(text, options);
  assert.deepEqual(waits, [7000, 7000]);
});

for (const [status, code, members] of /** @type {[number, string, object][]} */ ([
  [400, "malformed", {}],
  [403, "wrong_passphrase", { attempts_left: 9 }],
  [404, "not_found", {}],
  [409, "conflict", {}],
  [410, "gone", { state: "opened", ended: 1_800_000_000 }],
  [413, "too_large", {}],
  [422, "invalid", {}],
  [429, "rate_limited", { retry_after: 11 }],
  [507, "storage_full", {}],
])) {
  test(`${status} is an answer: taken at once, with its members`, async () => {
    const { client, calls, waits } = clientOf(() => problem(status, { code, ...members }));
    await assert.rejects(client.send(text, options), refusal(code, members));
    const { link } = await sealed(text);
    await assert.rejects(client.open(link, null), refusal(code, members));
    assert.equal(calls.length, 2);
    assert.deepEqual(waits, []);
  });
}

for (const retry_after of [1, 60]) {
  test(`open: after a lost try, a refusal of the next (${retry_after} s) does not say that nothing was revealed`, async () => {
    const { link } = await sealed(text);
    const { client } = clientOf(inTurn(lost, () => problem(429, { code: "rate_limited", retry_after })));
    await assert.rejects(client.open(link, null), refusal("unreachable"));
  });
}

/** Answers nothing, until the caller gives up. @type {Answer} */
const hang = ({ init: { signal } }) =>
  new Promise((_, refuse) => signal?.addEventListener("abort", () => refuse(new Error("aborted")), { once: true }));

for (const [name, ask] of /** @type {[string, (transport: Transport) => Promise<unknown>][]} */ ([
  ["a reveal", (transport) => transport.json("POST", "/secrets/a/reveal", { json: { proof: "a" } })],
  ["an envelope", (transport) => transport.json("POST", "/requests/a/envelopes", { json: {} })],
])) {
  test(`${name} that is not answered is asked for again while the lease lasts`, { timeout: 20_000 }, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { transport, calls } = clientOf(inTurn(hang, () => Response.json({ chunks: 1 })));
    const asked = ask(transport);
    t.mock.timers.tick(20_000);
    await asked;
    assert.equal(calls.length, 2);
  });
}

test("what is slow to come, or to go, is not given up for that", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {ReadableStreamDefaultController | undefined} */
  let body;
  const slow = clientOf(() => new Response(new ReadableStream({ start: (stream) => void (body = stream) })));
  const coming = slow.transport.getBytes("/claims/a/chunks/0", {}, 64);
  await new Promise((done) => setImmediate(done)); // its head is here
  t.mock.timers.tick(60_000);
  assert.ok(!slow.calls[0].init.signal?.aborted);
  body?.enqueue(new Uint8Array(64));
  body?.close();
  assert.equal((await coming).length, 64);

  const large = clientOf(hang);
  const stop = new AbortController();
  const calls = [
    large.transport.putBytes("/secrets/a/chunks/0", { bytes: new Uint8Array(CHUNK_SIZE), signal: stop.signal }),
    large.transport.json("PUT", "/secrets/a", { json: { content: "a".repeat(CHUNK_SIZE) }, signal: stop.signal }),
  ];
  t.mock.timers.tick(60_000);
  assert.ok(large.calls.every(({ init }) => !init.signal?.aborted));
  stop.abort();
  for (const call of calls) await assert.rejects(call, refusal("cancelled"));
});

const revealed = () => problem(410, { code: "gone", state: "revealed", ended: 1_800_000_000 });
const MINUTE = 60_000;
for (const [name, first, code, later, last] of /** @type {[string, Answer[], string, number, string][]} */ ([
  ["an answer was lost, and the lease is over", [lost, lost, lost, lost, lost], "unreachable", MINUTE, "lost"],
  ["an answer was lost, and the lease lasts", [lost, lost, lost, lost, lost], "unreachable", MINUTE - 1, "gone"],
  ["a proxy gave up", Array(5).fill(() => new Response(null, { status: 504 })), "internal", MINUTE, "lost"],
  ["what came was damaged", [() => Response.json({ chunks: 1, content: "AAAA" })], "tampered", MINUTE, "lost"],
  ["nobody had begun", [() => problem(429, { code: "rate_limited", retry_after: 60 })], "rate_limited", MINUTE, "gone"],
])) {
  test(`open: that it is revealed points at a stranger only where this reader cannot be the one: ${name}`, async () => {
    const { link } = await sealed(text);
    const { client, advance } = clientOf(inTurn(...first, revealed));
    await assert.rejects(client.open(link, null), refusal(code));
    advance(later);
    await assert.rejects(client.open(link, null), refusal(last));
  });
}

test("open: what ended otherwise was not this reader's", async () => {
  const { link } = await sealed(text);
  const burned = () => problem(410, { code: "gone", state: "burned", ended: 1_800_000_000 });
  await assert.rejects(clientOf(inTurn(lost, burned)).client.open(link, null), refusal("gone"));
});

test("an error that is no problem document is still an error", async () => {
  const { transport } = clientOf(() => new Response("<html>", { status: 404 }));
  await assert.rejects(readInstance(transport), refusal("internal", { status: 404 }));
});

test("send: three chunks are on their way at once, never more, and each arrives once", async () => {
  let flying = 0;
  let most = 0;
  /** @type {() => void} */
  let letGo = () => {};
  const threeHadTime = new Promise((done) => (letGo = () => done(undefined)));
  /** @type {Set<string>} */
  const arrived = new Set();
  /** @type {number[]} */
  const progress = [];
  const { client, calls } = clientOf(async ({ path }) => {
    if (!path.includes("chunks")) return created();
    most = Math.max(most, ++flying);
    // With three held here, a fourth would have the time to come.
    if (flying === 3) setTimeout(letGo, 100);
    await threeHadTime;
    flying -= 1;
    arrived.add(path);
    return new Response(null, { status: 204 });
  });
  await client.send(files(new Blob([new Uint8Array(6 * CHUNK_SIZE)])), {
    ...options,
    onProgress: (done, total) => progress.push(done / total),
  });
  const chunks = Math.ceil(paddedSize(6 * CHUNK_SIZE + 100) / CHUNK_SIZE);
  assert.equal(calls[0].body.chunks, chunks);
  assert.equal(calls[0].body.content, undefined);
  assert.equal(arrived.size, chunks);
  assert.equal(calls.length, 1 + chunks);
  assert.equal(most, 3);
  assert.deepEqual(
    progress,
    Array.from({ length: chunks }, (_, n) => (n + 1) / chunks),
  );
});

test("send: a lost chunk is sent again, the same bytes", async () => {
  let losses = 2;
  const { client, calls } = clientOf(({ path }) => {
    if (path.endsWith("/chunks/1") && losses-- > 0) return lost();
    return path.includes("chunks") ? new Response(null, { status: 204 }) : created();
  });
  await client.send(files(new Blob([new Uint8Array(2 * CHUNK_SIZE)])), options);
  const second = calls.filter((call) => call.path.endsWith("/chunks/1"));
  assert.equal(second.length, 3);
  assert.equal(new Set(second.map((call) => toBase64url(call.body))).size, 1);
});

for (const [name, place] of /** @type {[string, number][]} */ ([
  ["the chunk on its way", 1],
  ["a chunk that was not sealed yet", 4],
  ["the last chunk", 5],
])) {
  test(`send: no key and nonce seal two plaintexts, though ${name} changes while the network is away`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "taina-"));
    try {
      const file = join(folder, "file");
      await writeFile(file, new Uint8Array(5 * CHUNK_SIZE + 5));
      utimesSync(file, 1, 1);
      /** What was sealed as this chunk of this secret. @type {Map<string, Set<string>>} */
      const sealed = new Map();
      let away = true;
      /** @type {() => void} */
      let letGo = () => {};
      const threeAreSealed = new Promise((done) => (letGo = () => done(undefined)));
      const { client, calls } = clientOf(async ({ path, body }) => {
        if (!path.includes("chunks")) return created();
        sealed.set(path, (sealed.get(path) ?? new Set()).add(toBase64url(body)));
        if (sealed.size === 3) letGo();
        await threeAreSealed;
        return away ? lost() : new Response(null, { status: 204 });
      });
      const pace = new Pace((held) => {
        if (held === null) return;
        const handle = openSync(file, "r+");
        writeSync(handle, Uint8Array.of(1), 0, 1, place * CHUNK_SIZE);
        closeSync(handle);
        utimesSync(file, 1, 1); // so that nobody can see it
        away = false;
      });
      const items = files(await openAsBlob(file));
      await client.send(items, { ...options, pace });
      const chunks = calls[0].body.chunks;
      assert.equal(sealed.size, chunks);

      // It fails in the middle, and somebody sends it again.
      away = true;
      await assert.rejects(client.send(items, options), refusal("unreachable"));
      away = false;
      await client.send(items, options);
      assert.ok(sealed.size > 2 * chunks);
      for (const [path, bodies] of sealed) assert.equal(bodies.size, 1, path);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test("send: a refused chunk stops those that have not begun", async () => {
  /** @type {() => void} */
  let refuse = () => {};
  const refused = new Promise((done) => (refuse = () => done(undefined)));
  const { client, calls } = clientOf(async ({ path }) => {
    if (!path.includes("chunks")) return created();
    if (path.endsWith("/chunks/0")) return problem(507, { code: "storage_full" });
    await refused;
    return new Response(null, { status: 204 });
  });
  const sending = client.send(files(new Blob([new Uint8Array(20 * CHUNK_SIZE)])), options);
  await assert.rejects(sending, refusal("storage_full"));
  refuse();
  await new Promise((done) => setTimeout(done, 100));
  const begun = calls.filter((call) => call.path.includes("chunks"));
  assert.ok(begun.length <= 3, `${begun.length}`);
  assert.match(
    String(calls.find((call) => call.method === "POST")?.path),
    /^\/receipts\/[\w-]{22}\/burn$/,
    "it takes up no room",
  );
});

test("send: every secret has a key of its own", async () => {
  const [one, another] = [await sealed(text), await sealed(text)];
  assert.notDeepEqual(one.link.body, another.link.body);
  assert.notDeepEqual(one.order, another.order);
});

test("send: a size that padding carries over 100 MiB is packed without being read", async () => {
  const mebibyte = new Blob([new Uint8Array(CHUNK_SIZE)]);
  const { client, calls } = clientOf(() => problem(413, { code: "too_large" }));
  const large = new Blob(new Array(100).fill(mebibyte));
  await assert.rejects(client.send(files(large), options), refusal("too_large"));
  assert.equal(calls[0].body.chunks, paddedSize(100 * CHUNK_SIZE + 100) / CHUNK_SIZE);
});

test("send: stopped by its signal", async () => {
  const stop = new AbortController();
  const { client, calls, waits } = clientOf(() => {
    stop.abort();
    return lost();
  });
  await assert.rejects(client.send(text, { ...options, signal: stop.signal }), refusal("cancelled"));
  assert.equal(calls.length, 1);
  assert.deepEqual(waits, []);
});

test("send: a file that changed since it was chosen is told", async () => {
  const folder = await mkdtemp(join(tmpdir(), "taina-"));
  try {
    const file = join(folder, "file");
    await writeFile(file, "as it was chosen");
    const blob = await openAsBlob(file);
    await writeFile(file, "another length");
    const { client, calls } = clientOf(created);
    await assert.rejects(client.send(files(blob), options), refusal("unreadable"));
    assert.equal(calls.length, 0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("open: proof, ciphertext, plaintext, and the proof of having opened it last", async () => {
  const secret = await sealed([...text, ...files(new Blob(["file"]))], "парола");
  const { client, calls } = clientOf(keeping(secret));
  const { items, expires } = await client.open(secret.link, "парола");
  assert.equal(expires, 1_800_003_600);
  assert.deepEqual(items[0], text[0]);
  assert.ok(items[1].type === "file");
  assert.equal(await (await items[1].blob()).text(), "file");
  assert.equal((await items[1].blob()).type, "application/octet-stream");

  const keys = await deriveContentKeys(secret.link.body, "парола");
  const [reveal, ack] = calls;
  assert.equal(calls.length, 2);
  assert.equal(reveal.token, toBase64url((await deriveLinkKeys(secret.link.body)).proof));
  assert.equal(reveal.body.proof, toBase64url(keys.reveal));
  assert.equal(toBase64url(await sha256(fromBase64url(String(ack.token)))), reveal.body.claim.hash);
  assert.equal(ack.path, `/claims/${reveal.body.claim.id}/ack`);
  assert.deepEqual(ack.body, { opened: toBase64url(keys.opened) });
});

test("open: one reader has one claim, however often he asks", async () => {
  const secret = await sealed(text);
  const other = await sealed(text);
  let broken = true;
  const { client, calls } = clientOf((call) => (broken ? lost() : keeping(secret)(call)));
  await assert.rejects(client.open(secret.link, null), refusal("unreachable"));
  broken = false;
  await client.open(secret.link, null);
  const claims = calls.filter((call) => call.path.endsWith("/reveal")).map((call) => call.body.claim.id);
  assert.equal(claims.length, 6);
  assert.equal(new Set(claims).size, 1);

  broken = true;
  await assert.rejects(client.open(other.link, null), refusal("unreachable"));
  assert.notEqual(calls[calls.length - 1].body.claim.id, claims[0]);
});

for (const [name, items] of /** @type {[string, any[]][]} */ ([
  ["a text", text],
  ["several chunks", files(new Blob([new Uint8Array(2 * CHUNK_SIZE)]))],
])) {
  test(`open: after a lost answer, a slip of the passphrase of ${name} is no tampering, and is put right`, async () => {
    const secret = await sealed(items, "right");
    let broken = true;
    const { client, calls } = clientOf((call) => (broken ? lost() : keeping(secret)(call)));
    await assert.rejects(client.open(secret.link, "right"), refusal("unreachable"));
    broken = false;
    await assert.rejects(client.open(secret.link, "rihgt"), refusal("wrong_passphrase", {}));
    assert.equal((await client.open(secret.link, "right")).items.length, 1);
    const claims = calls.filter((call) => call.path.endsWith("/reveal")).map((call) => call.body.claim.id);
    assert.equal(new Set(claims).size, 1, "it is one reader's");
  });
}

test("open: after a lost answer, what cannot be a slip stays tampering", async () => {
  const large = files(new Blob([new Uint8Array(3 * CHUNK_SIZE)]));
  for (const [items, passphrase, changed] of /** @type {[any[], string | null, number][]} */ ([
    [large, null, 0],
    [large, "right", 0], // by the same passphrase as before
    [large, "right", 1], // the first chunk did open
  ])) {
    const secret = await sealed(items, passphrase);
    secret.chunks[changed][0] ^= 1;
    let broken = true;
    const { client } = clientOf((call) => (broken ? lost() : keeping(secret)(call)));
    await assert.rejects(client.open(secret.link, passphrase), refusal("unreachable"));
    broken = false;
    await assert.rejects(client.open(secret.link, passphrase), refusal("tampered"));
  }
});

for (const [status, code, members] of /** @type {[number, string, object][]} */ ([
  [403, "wrong_passphrase", { attempts_left: 9 }],
  [404, "not_found", {}],
  [409, "not_ready", {}],
  [410, "gone", { state: "revealed", ended: 1_800_000_000 }],
])) {
  test(`open: ${code} says that nothing was begun: the next try is a reader's first`, async () => {
    const secret = await sealed(text, "right");
    const { client, calls } = clientOf(inTurn(() => problem(status, { code, ...members }), keeping(secret)));
    await assert.rejects(client.open(secret.link, "right"), refusal(code, members));
    await assert.rejects(client.open(secret.link, "rihgt"), refusal("tampered"));
    assert.notEqual(calls[0].body.claim.id, calls[1].body.claim.id);
  });
}

test("open: what was opened is over, and another reveal is another reader's", async () => {
  const secret = await sealed(text);
  const { client, calls } = clientOf(keeping(secret));
  for (let n = 0; n < 2; n++) await client.open(secret.link, null);
  const claims = calls.filter((call) => call.path.endsWith("/reveal")).map((call) => call.body.claim.id);
  assert.equal(new Set(claims).size, 2);
});

test("open: an answer that breaks off is asked for again", async () => {
  const secret = await sealed(files(new Blob([new Uint8Array(2 * CHUNK_SIZE)])));
  let cuts = 3;
  const { client } = clientOf((call) => (cuts-- > 0 ? cut() : keeping(secret)(call)));
  const { items } = await client.open(secret.link, null);
  assert.ok(items[0].type === "file");
  assert.equal(items[0].size, 2 * CHUNK_SIZE);
  assert.equal((await items[0].blob()).size, 2 * CHUNK_SIZE);
});

for (const [name, answer] of /** @type {[string, Answer][]} */ ([
  ["is refused", () => problem(404, { code: "not_found" })],
  ["is lost for ever", lost],
  ["is never answered", () => new Promise(() => {})],
])) {
  test(`open: an acknowledgement that ${name} takes nothing away from the reader`, async () => {
    const secret = await sealed(text);
    const { client } = clientOf((call) => (call.path.endsWith("/ack") ? answer(call) : keeping(secret)(call)));
    assert.deepEqual((await client.open(secret.link, null)).items, text);
  });
}

for (const [name, change] of /** @type {[string, (answer: any) => any][]} */ ([
  ["another content", (answer) => ({ ...answer, content: toBase64url(new Uint8Array(1040)) })],
  ["no base64url", (answer) => ({ ...answer, content: "=" })],
  ["a number for content", (answer) => ({ ...answer, content: 5 })],
  ["two chunks", (answer) => ({ ...answer, chunks: 2 })],
  ["no chunks", (answer) => ({ ...answer, chunks: 0 })],
  ["no number of chunks", () => ({})],
  ["null", () => null],
  ["a list", () => []],
])) {
  test(`open: a server that answers ${name} is not believed, nor told that it was opened`, async () => {
    const secret = await sealed(text);
    const { client, calls } = clientOf(async (call) =>
      Response.json(change(await (await keeping(secret)(call)).json())),
    );
    await assert.rejects(client.open(secret.link, null), (error) => error instanceof TainaError);
    assert.ok(calls.every((call) => !call.path.endsWith("/ack")));
  });
}

test("open: a secret that is another's does not open", async () => {
  const [one, another] = [await sealed(text), await sealed(text)];
  const { client } = clientOf(keeping(another));
  await assert.rejects(client.open(one.link, null), refusal("tampered"));
});

test("receipt: opened is proved by the reader's own proof and by nothing else", async () => {
  const secret = await sealed(text, "парола");
  const { opened } = await deriveContentKeys(secret.link.body, "парола");
  const facts = { created: 1_800_000_000, expires: 1_800_003_600, failed_attempts: 0 };
  for (const [told, proved] of /** @type {[{state: string}, boolean][]} */ ([
    [{ ...facts, state: "waiting" }, false],
    [{ ...facts, state: "opened" }, false],
    [{ ...facts, state: "opened", opened: toBase64url(new Uint8Array(32)) }, false],
    [{ ...facts, state: "opened", opened: toBase64url(opened) }, true],
  ])) {
    const { client, calls } = clientOf(() => Response.json(told));
    const state = proved ? "opened" : told.state === "opened" ? "unproved" : "waiting";
    assert.deepEqual(await client.receipt(secret.receipt), { ...told, state, proved });
    const { id, token } = await deriveReceipt(secret.receipt.body.slice(0, 32));
    assert.deepEqual([calls[0].path, calls[0].token], [`/receipts/${toBase64url(id)}`, toBase64url(token)]);
  }
});

test("what only the reader may know never leaves, and nothing secret stands in an address", async () => {
  const secret = await sealed(files(new Blob([new Uint8Array(2 * CHUNK_SIZE)])), "парола");
  const { client, calls } = clientOf(keeping(secret));
  const { client: sender, calls: sent } = clientOf(({ path }) =>
    path.includes("chunks") ? new Response(null) : created(),
  );
  const made = await sender.send(text, { ...options, passphrase: "парола" });
  await client.status(secret.link);
  await client.open(secret.link, "парола");
  await client.burn(secret.receipt).catch(() => {});

  const whole = [...calls, ...sent].map((call) => JSON.stringify([call.path, call.init.headers, call.body])).join("\n");
  const keys = await deriveContentKeys(secret.link.body, "парола");
  for (const kept of [secret.link.body, keys.content, (await decodeLink(made.secret, "secret")).body]) {
    assert.ok(!whole.includes(toBase64url(kept)));
  }
  for (const word of ["парола", made.secret, made.receipt]) assert.ok(!whole.includes(word));
  for (const { path, token, init } of [...calls, ...sent]) {
    if (token) assert.ok(!path.includes(token));
    assert.match(path, /^\/(secrets|claims|receipts)\/[\w-]{22}(\/(reveal|ack|burn|chunks\/\d+))?$/);
    assert.deepEqual([init.credentials, init.redirect, init.cache], ["omit", "error", "no-store"]);
  }
});

test("work is the least number whose digest begins with so many zeros", async () => {
  assert.equal(
    await findWork(
      Uint8Array.from({ length: 16 }, (_, i) => i),
      12,
    ),
    9195,
  );
});

test("work that an instance asks for ends when it is cancelled", { timeout: 20_000 }, async () => {
  const stop = new AbortController();
  const { client, calls } = clientOf(() => {
    setImmediate(() => stop.abort());
    return problem(403, { code: "work_needed", bits: 20 });
  });
  await assert.rejects(client.send(text, { ...options, signal: stop.signal }), refusal("cancelled"));
  assert.equal(calls.length, 1, "nothing is sent any more");
});

/** A server that is away for the first so many uploads of chunks. @param {number} tries @param {() => void} [onLost] @returns {Answer} */
function awayFor(tries, onLost = () => {}) {
  return ({ path }) => {
    if (!path.includes("/chunks/")) return created();
    if (tries-- <= 0) return new Response(null, { status: 204 });
    onLost();
    return lost();
  };
}

const twoChunks = () => files(new Blob([new Uint8Array(CHUNK_SIZE + 1)]));

test("a network that comes back without a word is found", { timeout: 20_000 }, async () => {
  /** @type {(string | null)[]} */
  const told = [];
  const { client } = clientOf(awayFor(25));
  const sent = await client.send(twoChunks(), { ...options, pace: new Pace((held) => told.push(held)) });
  assert.ok(sent.secret);
  assert.equal(told[0], "unreachable");
  assert.equal(told.at(-1), null);
});

test("a pause that somebody wanted outlasts the network", { timeout: 20_000 }, async () => {
  /** @type {(string | null)[]} */
  const told = [];
  const pace = new Pace((held) => told.push(held));
  const { client, calls } = clientOf(awayFor(5, () => calls.length === 2 && pace.hold("pause")));
  const sending = client.send(twoChunks(), { ...options, pace });
  while (calls.length < 6) await new Promise(setImmediate);
  for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
  pace.reached();
  assert.deepEqual(told, ["pause"]);
  pace.go();
  assert.ok((await sending).secret);
  assert.deepEqual(told, ["pause", null]);
});

/** The network, a moment later: what is asked again and again lets others have their turn. @returns {Promise<Response>} */
function lostLater() {
  return new Promise((_, failed) => setImmediate(failed, new TypeError("fetch failed")));
}

/** Whatever had begun has had the time to go on. */
async function someTurns() {
  for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
}

for (const [name, refuse, opening, sending] of /** @type {[string, () => Response, string, string][]} */ ([
  ["a status of a proxy", () => new Response("", { status: 521 }), "internal", "internal"],
  ["a page of a proxy", () => new Response("<html>", { status: 404 }), "internal", "internal"],
  ["its end", () => problem(410, { code: "gone", state: "revealed", ended: 1_800_000_000 }), "lost", "gone"],
  // What was revealed is there for this reader only, so it is not called refused as if nothing had been taken.
  [
    "a refusal for minutes",
    () => problem(429, { code: "rate_limited", retry_after: 600 }),
    "unreachable",
    "rate_limited",
  ],
])) {
  test(`an outage that ends in ${name} is over for whoever follows it`, { timeout: 20_000 }, async () => {
    const secret = await sealed(files(new Blob([new Uint8Array(5 * CHUNK_SIZE)])));
    const keep = keeping(secret);
    for (const [code, work] of /** @type {[string, (client: Client, pace: Pace) => Promise<unknown>][]} */ ([
      [opening, (client, pace) => client.open(secret.link, null, { pace })],
      [sending, (client, pace) => client.send(files(new Blob([new Uint8Array(5 * CHUNK_SIZE)])), { ...options, pace })],
    ])) {
      /** @type {(string | null)[]} */
      const told = [];
      const pace = new Pace((held) => told.push(held));
      let refused = false;
      const { client, calls } = clientOf((call) => {
        if (!call.path.includes("/chunks/")) return call.method === "PUT" ? created() : keep(call);
        // One is refused; all others find no network, now and later.
        if (refused || !told.includes("unreachable")) return lostLater();
        refused = true;
        return refuse();
      });
      await assert.rejects(work(client, pace), refusal(code));
      await someTurns();
      assert.deepEqual([told[0], told.at(-1), pace.held], ["unreachable", null, null]);
      const asked = calls.length;
      await someTurns();
      assert.equal(calls.length, asked, "nothing goes on");
    }
  });
}

test("open: what does not open lets go of a network that is waited for", { timeout: 20_000 }, async () => {
  const secret = await sealed(files(new Blob([new Uint8Array(5 * CHUNK_SIZE)])));
  secret.chunks[0][0] ^= 1;
  const keep = keeping(secret);
  const pace = new Pace();
  const { client, calls } = clientOf(async (call) => {
    if (!call.path.includes("/chunks/")) return keep(call);
    if (!call.path.endsWith("/0")) return lostLater();
    while (pace.held === null) await new Promise(setImmediate);
    return keep(call);
  });
  await assert.rejects(client.open(secret.link, null, { pace }), refusal("tampered"));
  await someTurns();
  assert.equal(pace.held, null);
  const asked = calls.length;
  await someTurns();
  assert.equal(calls.length, asked);
});

for (const when of ["while it is held", "while it is paused"]) {
  test(`send: cancelled ${when}, it ends and is held no more by the network`, { timeout: 20_000 }, async () => {
    const stop = new AbortController();
    const pace = new Pace((held) => {
      if (held === "unreachable" && when === "while it is paused") pace.hold("pause");
      if (held !== null) setImmediate(() => stop.abort());
    });
    const { client } = clientOf(({ path }) => (path.includes("/chunks/") ? lostLater() : created()));
    const sending = client.send(twoChunks(), { ...options, pace, signal: stop.signal });
    await assert.rejects(sending, refusal("cancelled"));
    await someTurns();
    assert.notEqual(pace.held, "unreachable");
  });
}

/** A body that does not end, and how much of it was taken. @param {ResponseInit} [init] */
function flood(init) {
  const taken = { bytes: 0 };
  const body = new ReadableStream({
    pull: (stream) => {
      taken.bytes += 1 << 16;
      if (taken.bytes > 64 << 20) stream.close();
      else stream.enqueue(new Uint8Array(1 << 16).fill(0x20));
    },
  });
  return { answer: () => new Response(body, init), taken };
}

for (const [name, init] of /** @type {[string, ResponseInit][]} */ ([
  ["an answer", {}],
  ["an error", { status: 404 }],
])) {
  test(`${name} without end is not read to its end`, async () => {
    const secret = await sealed(text);
    for (const call of /** @type {((client: Client, transport: Transport) => Promise<unknown>)[]} */ ([
      (client) => client.status(secret.link),
      (client) => client.open(secret.link, null),
      (client) => client.receipt(secret.receipt),
      (client) => client.send(text, options),
      (_, transport) => readInstance(transport),
    ])) {
      const { answer, taken } = flood(init);
      const { client, transport } = clientOf(answer);
      await assert.rejects(call(client, transport), refusal("internal", init));
      assert.ok(taken.bytes < 4 << 20, `${taken.bytes} bytes were read`);
    }
  });
}

test("a chunk is no larger than chunks are", async () => {
  const secret = await sealed(files(new Blob([new Uint8Array(2 * CHUNK_SIZE)])));
  const keep = keeping(secret);
  const { client } = clientOf((call) => (call.path.includes("/chunks/") ? flood().answer() : keep(call)));
  await assert.rejects(client.open(secret.link, null), refusal("internal"));
});

test("what says that it is too large is not read at all", async () => {
  const secret = await sealed(text);
  const { answer, taken } = flood({ headers: { "Content-Length": "99999999999" } });
  await assert.rejects(clientOf(answer).client.status(secret.link), refusal("internal"));
  assert.ok(taken.bytes <= 1 << 17);
});

for (const lie of [
  { expires: 1e17 },
  { expires: -1 },
  { expires: "soon" },
  { expires: 1.5 },
  { state: "constructor" },
  { state: null },
  { attempts_left: [] },
  { size: undefined },
  { passphrase: "no" },
]) {
  test(`a status that lies is not believed: ${JSON.stringify(lie)}`, async () => {
    const secret = await sealed(text);
    const { client } = clientOf(() => Response.json({ ...trueStatus, ...lie }));
    await assert.rejects(client.status(secret.link), refusal("internal"));
    const gone = clientOf(() => problem(410, { code: "gone", state: "opened", ended: 1e17 }));
    await assert.rejects(gone.client.status(secret.link), refusal("internal", { status: 410 }));
  });
}

test("a server that fails for long is given up after two minutes", async () => {
  let now = 1_800_000_000_000;
  let tries = 0;
  const transport = new Transport("/api/v1", {
    now: () => now,
    wait: async () => {},
    fetch: async () => {
      tries += 1;
      now += 100_000;
      throw new TypeError("a byte now and then, and then no more");
    },
  });
  await assert.rejects(readInstance(transport), refusal("unreachable"));
  assert.equal(tries, 2);
});

for (const kind of ["a byte stream", "slices"]) {
  test(`a file that shrank while it was read as ${kind} is not sent as if it were whole`, async () => {
    const { client, calls } = clientOf(() => created());
    class Shrunk extends Blob {
      /** @returns {any} */
      stream() {
        if (kind === "slices") throw new TypeError("no byte stream");
        return super.slice(0, this.size - 1).stream();
      }
      /** @returns {any} */
      slice() {
        const { size } = this;
        return { size, arrayBuffer: () => super.slice(0, size - 1).arrayBuffer() };
      }
    }
    const whole = globalThis.Blob;
    try {
      globalThis.Blob = Shrunk;
      await assert.rejects(client.send(files(new Blob(["0123456789"])), options), refusal("changed"));
    } finally {
      globalThis.Blob = whole;
    }
    assert.equal(calls.length, 0);
  });
}

class WithoutByteStreams extends Blob {
  /** @returns {any} */
  stream() {
    throw new TypeError("this engine has none");
  }
}

for (const [name, broken] of /** @type {[string, boolean][]} */ ([
  ["as one byte stream", false],
  ["by slices, where the engine has no byte streams", true],
])) {
  test(`what is sent arrives as it was, read ${name}`, async () => {
    const content = crypto.getRandomValues(new Uint8Array(65536));
    const file = new Blob([...new Array(40).fill(content), "the end"]);
    const whole = globalThis.Blob;
    /** @type {Awaited<ReturnType<typeof sealed>>} */
    let secret;
    try {
      if (broken) globalThis.Blob = WithoutByteStreams;
      secret = await sealed([...files(file, new Blob([])), ...text]);
    } finally {
      globalThis.Blob = whole;
    }
    const { items } = await clientOf(keeping(secret)).client.open(secret.link, null);
    assert.ok(items[0].type === "file" && items[1].type === "file");
    const [sent, came] = [await file.arrayBuffer(), await (await items[0].blob()).arrayBuffer()];
    assert.deepEqual(Buffer.from(came), Buffer.from(sent));
    assert.equal((await items[1].blob()).size, 0);
    assert.deepEqual(items[2], text[0]);
  });
}

const login = { ttl: 3600, credential: { login: true } };

test("a guard's own answers say that a login is wanted, at once, and nothing is tried again", async () => {
  const led = new Response(null, { status: 200 });
  Object.defineProperties(led, { type: { value: "opaqueredirect" }, status: { value: 0 }, ok: { value: false } });
  const page = { headers: { "Content-Type": "text/html; charset=utf-8" } };
  const answers = {
    "led on to a login": led,
    "401 with a page": new Response("<h1>401</h1>", { status: 401, ...page }),
    "403 with a page": new Response("<h1>403</h1>", { status: 403, ...page }),
    "401 with JSON of its own": Response.json({ error: "unauthenticated" }, { status: 401 }),
    "401 with nothing": new Response(null, { status: 401 }),
    "the login page itself": new Response("<form>", page),
    "our own refusal": problem(401, { code: "login_needed" }),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const { client, calls, waits } = clientOf(() => answer);
    await assert.rejects(client.send(text, login), { code: "login_needed" }, name);
    assert.equal(calls.length, 1, name);
    assert.deepEqual(waits, [], name);
  }
});

test("what is no guard's answer stays what it is", async () => {
  const { client } = clientOf(() => problem(403, { code: "quota" }));
  await assert.rejects(client.send(text, login), { code: "quota" });
  const { client: other } = clientOf(() => new Response("<h1>401</h1>", { status: 401 }));
  await assert.rejects(other.send(text, options), { code: "internal" });
});

test("the session goes with the call that creates, and with no other", async () => {
  const { client, calls } = clientOf(({ method }) => (method === "PUT" ? created() : Response.json({})));
  await client.send(text, login);
  await client.send(text, options);
  assert.deepEqual(
    calls.map(({ init }) => [init.credentials, init.redirect]),
    [
      ["same-origin", "manual"],
      ["omit", "error"],
    ],
  );
  const { client: large, calls: chunks } = clientOf(({ path }) =>
    path.includes("/chunks/") ? new Response(null, { status: 204 }) : created(),
  );
  await large.send(files(new Blob([new Uint8Array(2 * CHUNK_SIZE)])), login);
  assert.ok(chunks.length > 2);
  assert.deepEqual(new Set(chunks.slice(1).map(({ init }) => init.credentials)), new Set(["omit"]));
});

test("a login leads to this host or to one over TLS, and to nothing that a browser would run", async () => {
  const status = { limits: { size: 1 }, ttl: { min: 1, max: 3, default: 2 } };
  /** @param {unknown} address */
  const read = (address) =>
    readInstance(
      clientOf(() => Response.json({ ...status, options: { create: "proxy", login_url: address } })).transport,
    );
  for (const good of ["/", "/oauth2/start?rd=/", "https://auth.example.org/?a=b"])
    assert.equal((await read(good)).options.login_url, good);
  for (const bad of [
    "",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "http://a.example",
    "/a b",
    5,
    null,
  ])
    await assert.rejects(read(bad), { code: "internal" }, String(bad));
});
