// Holds site/js/format/ to tests/vectors/. Runs in Node and, served beside site/js/, in a browser's page.

import { fromBase64url, toBase64url } from "../../site/js/bytes.js";
import {
  deriveClaim,
  deriveContentKeys,
  deriveInbox,
  deriveLinkKeys,
  deriveReceipt,
  deriveRequest,
  sha256,
} from "../../site/js/format/derive.js";
import { ENVELOPE_SIZE, openEnvelope, publicKey, sealEnvelope } from "../../site/js/format/envelope.js";
import { decodeLink, encodeLink, flagsOf } from "../../site/js/format/links.js";
import { CHUNK_SIZE, Unpacker, decodeHeader, encodeHeader, pack, paddedSize } from "../../site/js/format/payload.js";
import { chunkCount, openChunk, sealChunk, sealedSize, streamKey } from "../../site/js/format/stream.js";
import { Client } from "../../site/js/client/client.js";
import { TainaError } from "../../site/js/errors.js";

/** @typedef {import("../../site/js/format/derive.js").Bytes} Bytes */
/** @typedef {{name: string, [member: string]: any}} Vector */
/** @typedef {{bytes?: string, repeat?: string, size?: number}[]} Pieces */

/** @type {Record<string, (vector: Vector) => Promise<void>>} what each file's vectors are checked by */
const CHECKS = {
  ...{ derivation, tokens, links, headers, sizes, payloads, streams, tampered, missealed, secrets },
  ...{ requests, envelopes, misaddressed },
};

/**
 * @param {(name: string) => Promise<any>} load gives the parsed content of `tests/vectors/<name>`
 * @returns {Promise<{passed: number, failed: string[]}>} failed ones with file, name and what differs
 */
export async function checkVectors(load) {
  let passed = 0;
  /** @type {string[]} */
  const failed = [];
  for (const [file, check] of Object.entries(CHECKS)) {
    const { about, vectors, ...unknown } = await load(`${file}.json`);
    if (!about || !vectors.length || Object.keys(unknown).length) failed.push(`${file}: not a file of vectors`);
    for (const vector of vectors) {
      try {
        await check(vector);
        passed += 1;
      } catch (error) {
        failed.push(`${file}: ${vector.name}: ${String(error)}`);
      }
    }
  }
  return { passed, failed };
}

/** @param {Vector} vector */
async function derivation({ name, key, passphrase, id, proof, salt, content, reveal, opened, error, ...unknown }) {
  nothing(unknown);
  same(await deriveLinkKeys(fromBase64url(key)), { id, proof, salt });
  await outcome(error, async () => {
    same(await deriveContentKeys(fromBase64url(key), passphrase), { content, reveal, opened });
  });
}

/** @param {Vector} vector */
async function tokens({ name, key, receipt_id, receipt_token, claim_id, claim_token, ...unknown }) {
  nothing(unknown);
  same(await deriveReceipt(fromBase64url(key)), { id: receipt_id, token: receipt_token });
  same(await deriveClaim(fromBase64url(key)), { id: claim_id, token: claim_token });
}

/** @param {Vector} vector */
async function links({ name, text, kind, body, passphrase, written, error, found, ...unknown }) {
  nothing(unknown);
  const refused = await outcome(error, async () => {
    const link = await decodeLink(text, kind);
    same(link, { kind, body, passphrase });
    if (written) same(await encodeLink(link), text);
  });
  same(refused?.members.kind, found);
}

/** @param {Vector} vector */
async function headers({ name, chunk, header, end, written, error, ...unknown }) {
  nothing(unknown);
  const bytes = await whole(chunk);
  await outcome(error, async () => {
    const found = decodeHeader(bytes);
    same(found.end, end);
    if (header) same(found.header, header);
    if (written) same(encodeHeader(found.header), toBase64url(bytes.slice(0, end)));
  });
}

/** @param {Vector} vector */
async function sizes({ name, size, padded, chunks, sealed, ...unknown }) {
  nothing(unknown);
  same(paddedSize(size), padded);
  same(chunkCount(padded), chunks);
  same(sealedSize(padded), sealed);
}

/** @param {Vector} vector */
async function payloads({ name, payload, header, items, written, error, ...unknown }) {
  nothing(unknown);
  const bytes = await whole(payload);
  await outcome(error, async () => {
    const unpacker = new Unpacker();
    /** @type {Bytes[][]} */
    const bodies = [];
    for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
      for (const [item, piece] of unpacker.push(bytes.subarray(at, at + CHUNK_SIZE))) (bodies[item] ??= []).push(piece);
    }
    const found = unpacker.finish();
    same(found, header);
    const blobs = found.items.map((_, i) => new Blob(bodies[i] ?? []));
    for (const [i, blob] of blobs.entries()) same(await sha256(await read(blob)), items[i]);
    if (written) same(await sha256(await read(pack(found, blobs))), toBase64url(await sha256(bytes)));
  });
}

/** @param {Vector} vector */
async function streams({ name, key, flags, id, payload, sealed, ...unknown }) {
  nothing(unknown);
  const stream = await streamKey(fromBase64url(key), flags, fromBase64url(id));
  const bytes = await whole(payload);
  const chunks = await sealAll(stream, bytes);
  same(await Promise.all(chunks.map(sha256)), sealed);
  for (const [n, chunk] of chunks.entries()) {
    const plain = await openChunk(stream, n, n === chunks.length - 1, chunk);
    same(await sha256(plain), toBase64url(await sha256(bytes.slice(n * CHUNK_SIZE, (n + 1) * CHUNK_SIZE))));
  }
}

/** @param {Vector} vector */
async function tampered({ name, key, flags, id, payload, chunks, change, cut, opened, error, ...unknown }) {
  nothing(unknown);
  const { key: otherKey = key, flags: otherFlags = flags, id: otherId = id, ...unknownOpened } = opened;
  nothing(unknownOpened);
  const sealed = await sealAll(await streamKey(fromBase64url(key), flags, fromBase64url(id)), await whole(payload));
  /** @type {Bytes[]} */
  const found = chunks.map((/** @type {number} */ n) => sealed[n].slice());
  if (change) {
    /** @type {[number, number, number]} */
    const [n, at, bits] = change;
    found[n][at < 0 ? found[n].length + at : at] ^= bits;
  }
  if (cut) found[found.length - 1] = found[found.length - 1].slice(0, -cut);
  const stream = await streamKey(fromBase64url(otherKey), otherFlags, fromBase64url(otherId));
  // No chunk at all is for the unpacker to refuse: this side opens chunk by chunk.
  await outcome(found.length ? error : "bad_format", async () => {
    const unpacker = new Unpacker();
    for (const [n, chunk] of found.entries()) await openChunk(stream, n, n === found.length - 1, chunk);
    if (!found.length) unpacker.finish();
  });
}

/** @param {Vector} vector */
async function missealed({ name, key, flags, id, chunks, error, ...unknown }) {
  nothing(unknown);
  const stream = await streamKey(fromBase64url(key), flags, fromBase64url(id));
  /** @type {Bytes[]} */
  const sealed = [];
  for (const { n, last, plain, ...rest } of chunks) {
    nothing(rest);
    sealed.push(await sealChunk(stream, n, last, await whole(plain)));
  }
  await outcome(error, async () => {
    for (const [n, chunk] of sealed.entries()) {
      same(await openChunk(stream, n, n === sealed.length - 1, chunk), toBase64url(await whole(chunks[n].plain)));
    }
  });
}

/**
 * The client itself makes the secret: with the vector's keys as its randomness, and a transport that keeps what it is given.
 * @param {Vector} vector
 */
async function secrets({
  name,
  key,
  receipt_key,
  passphrase,
  expires,
  items,
  header,
  payload,
  sealed,
  id,
  create,
  link,
  receipt_link,
  ...unknown
}) {
  nothing(unknown);
  const drawn = [key, receipt_key];
  /** @type {{order: any, chunks: Bytes[]}} */
  const sent = { order: null, chunks: [] };
  const client = new Client("", {
    random: () => fromBase64url(drawn.shift()),
    now: () => (expires - create.ttl) * 1000,
    fetch: async (path, { body } = {}) => {
      if (path === `/secrets/${id}`) sent.order = JSON.parse(String(body));
      else sent.chunks[Number(String(path).slice(`/secrets/${id}/chunks/`.length))] = /** @type {Bytes} */ (body);
      return new Response(JSON.stringify({ expires }));
    },
  });
  /** @type {import("../../site/js/client/client.js").Outgoing[]} */
  const outgoing = [];
  for (const { type, data, file, mime, ...rest } of items) {
    nothing(rest);
    const bytes = await whole(data);
    if (type === "text") outgoing.push({ type, text: new TextDecoder().decode(bytes) });
    else outgoing.push({ type, name: file, mime, data: new Blob([bytes]) });
  }
  same(await client.send(outgoing, { ttl: create.ttl, passphrase }), { secret: link, receipt: receipt_link, expires });

  const { content, ...order } = sent.order;
  if (content) sent.chunks.push(fromBase64url(content));
  same({ ...order, ...(create.content ? { content } : {}) }, create);
  same(await Promise.all(sent.chunks.map(sha256)), sealed);

  const found = await decodeLink(link, "secret");
  const { content: contentKey } = await deriveContentKeys(found.body, passphrase);
  const stream = await streamKey(contentKey, flagsOf(found), fromBase64url(id));
  const plain = await Promise.all(sent.chunks.map((chunk, n) => openChunk(stream, n, n === sealed.length - 1, chunk)));
  same(await sha256(await read(new Blob(plain))), payload);
  same(plain[0].slice(0, fromBase64url(header).length), header);
}

/** @param {Vector} vector */
async function requests({
  name,
  seed,
  private: privateKey,
  inbox_token,
  public: known,
  id,
  answer_token,
  request_link,
  inbox_link,
  ...unknown
}) {
  nothing(unknown);
  same(await deriveInbox(fromBase64url(seed)), { private: privateKey, token: inbox_token });
  same(await publicKey(fromBase64url(privateKey)), known);
  same(await deriveRequest(fromBase64url(known)), { id, token: answer_token });
  same((await decodeLink(request_link, "request")).body, known);
  same((await decodeLink(inbox_link, "inbox")).body, seed);
}

/** @param {Vector} vector */
async function envelopes({ name, private: privateKey, envelope, ephemeral, plain, link, error, ...unknown }) {
  nothing(unknown);
  const own = fromBase64url(privateKey);
  await outcome(error, async () => {
    const found = await openEnvelope(own, fromBase64url(envelope));
    same(found, await decodeLink(link, "secret"));
    same(toBase64url(Uint8Array.of(flagsOf(found), ...found.body)), plain);
    const again = await sealEnvelope(await publicKey(own), found, fromBase64url(ephemeral));
    same(again.length, ENVELOPE_SIZE);
    same(again, envelope);
  });
}

/** @param {Vector} vector */
async function misaddressed({ name, public: known, error, ...unknown }) {
  nothing(unknown);
  await outcome(error, async () => {
    const link = { kind: /** @type {const} */ ("secret"), body: new Uint8Array(32), passphrase: false };
    await sealEnvelope(fromBase64url(known), link, new Uint8Array(32).fill(7));
  });
}

/** @param {import("../../site/js/format/stream.js").StreamKey} stream @param {Bytes} payload @returns {Promise<Bytes[]>} */
async function sealAll(stream, payload) {
  const chunks = chunkCount(payload.length);
  return Promise.all(
    Array.from({ length: chunks }, (_, n) =>
      sealChunk(stream, n, n === chunks - 1, payload.slice(n * CHUNK_SIZE, (n + 1) * CHUNK_SIZE)),
    ),
  );
}

/**
 * Run it, and expect it to be refused with `error`, or not to be refused.
 * @param {string | undefined} error
 * @param {() => Promise<void>} run
 * @returns {Promise<TainaError | undefined>} the refusal
 */
async function outcome(error, run) {
  let refused;
  try {
    await run();
  } catch (raised) {
    if (!(raised instanceof TainaError)) throw raised;
    refused = raised;
  }
  same(refused?.code, error);
  return refused;
}

/** @param {Pieces} pieces @returns {Promise<Bytes>} */
async function whole(pieces) {
  return read(
    new Blob(
      pieces.map(({ bytes, repeat, size = 0, ...unknown }) => {
        nothing(unknown);
        if (repeat === undefined) return fromBase64url(String(bytes));
        const unit = fromBase64url(repeat);
        return Uint8Array.from({ length: size }, (_, i) => unit[i % unit.length]);
      }),
    ),
  );
}

/** @param {Blob} blob @returns {Promise<Bytes>} */
async function read(blob) {
  return new Uint8Array(await blob.arrayBuffer());
}

/** A member that this file does not know would be one that it does not check. @param {object} unknown */
function nothing(unknown) {
  if (Object.keys(unknown).length) throw new Error(`unknown members: ${Object.keys(unknown).join()}`);
}

/** @param {unknown} found @param {unknown} expected */
function same(found, expected) {
  const [left, right] = [spelled(found), spelled(expected)];
  if (left !== right) throw new Error(`${left.slice(0, 300)} instead of ${right.slice(0, 300)}`);
}

/** JSON with its members in order, and bytes in base64url. @param {unknown} value @returns {string} */
function spelled(value) {
  const json = JSON.stringify(value, (_, member) => {
    if (member instanceof Uint8Array) return toBase64url(/** @type {Bytes} */ (member));
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
  return json ?? "undefined";
}
