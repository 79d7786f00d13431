// The API as the pages know it: seal and send, peek, reveal, follow a receipt. No page, no prose.

import { TainaError } from "./errors.js";
import { KEY_SIZE, concat, deriveClaim, deriveContentKeys, deriveLinkKeys, deriveReceipt, sha256 } from "./format/derive.js";
import { encodeLink, flagsOf, fromBase64url, toBase64url } from "./format/links.js";
import { CHUNK_SIZE, Unpacker, pack } from "./format/payload.js";
import { chunkCount, openChunk, sealChunk, sealedSize, streamKey } from "./format/stream.js";

/** @typedef {import("./format/derive.js").Bytes} Bytes */
/** @typedef {import("./format/links.js").Link} Link */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, data: Blob}} Outgoing */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, size: number, blob: Blob}} Incoming */
/** @typedef {(done: number, total: number) => void} OnProgress chunks done, chunks in all */
/** @typedef {{state: string, passphrase: boolean, size: number, chunks: number, expires: number, attempts_left: number}} Status */
/** @typedef {{state: string, created: number, expires: number, ended?: number, failed_attempts: number, opened?: string, proved: boolean}} Receipt */
/** @typedef {{limits: {size: number}, ttl: {min: number, max: number, default: number}}} Instance */
/** @typedef {{token?: Bytes, json?: unknown, bytes?: Bytes, signal?: AbortSignal}} Sent */
/** @typedef {{fetch: typeof fetch, random: (size: number) => Bytes, now: () => number, wait: (ms: number) => Promise<unknown>}} Surroundings */

const UPLOADS_AT_ONCE = 3;
const WAITS = [500, 1000, 2000, 4000]; // ms between tries
const ACK_PATIENCE = 2000; // ms that a reader waits for the server to hear of it
/** Half an answer and an overloaded proxy are worth another try; a full store (507) is not. */
const TRY_AGAIN = [429, 500, 502, 503, 504];

/** @type {Surroundings} */
const BROWSER = {
  fetch: (...args) => fetch(...args),
  random: (size) => crypto.getRandomValues(new Uint8Array(size)),
  now: () => Date.now(),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
};

export class Client {
  #api;
  #around;
  /** The claim of each secret that this client began to reveal, so that another try is the same reader's. @type {Map<string, Bytes>} */
  #claims = new Map();

  /**
   * @param {string} [api] address of the API
   * @param {Partial<Surroundings>} [around] what stands in for the browser's own, in tests
   */
  constructor(api = "/api/v1", around = {}) {
    this.#api = api;
    this.#around = { ...BROWSER, ...around };
  }

  /** @returns {Promise<Instance>} limits and lifetimes of this instance */
  async status() {
    return this.#json("GET", "/status");
  }

  /**
   * Seal the items and leave them with the server. The same bytes are sent again after a lost answer.
   * @param {Outgoing[]} items
   * @param {{ttl: number, passphrase?: string | null, onProgress?: OnProgress, signal?: AbortSignal}} options ttl in seconds
   * @returns {Promise<{secret: string, receipt: string, expires: number}>} two fragments, unix seconds
   * @throws {TainaError}
   */
  async send(items, { ttl, passphrase = null, onProgress, signal }) {
    const bodies = items.map((item) => (item.type === "text" ? new Blob([item.text]) : item.data));
    const payload = pack(
      {
        items: items.map((item, i) => {
          const size = bodies[i].size;
          return item.type === "text" ? { type: "text", size } : { type: "file", name: item.name, mime: item.mime, size };
        }),
        expires: Math.floor(this.#around.now() / 1000) + ttl,
      },
      bodies,
    );

    const key = this.#around.random(KEY_SIZE);
    /** @type {Link} */
    const link = { kind: "secret", body: key, passphrase: passphrase !== null };
    const linkKeys = await deriveLinkKeys(key);
    const contentKeys = await deriveContentKeys(key, passphrase);
    const receiptKey = this.#around.random(KEY_SIZE);
    const receipt = await deriveReceipt(receiptKey);
    const stream = await streamKey(contentKeys.content, flagsOf(link), linkKeys.id);

    const chunks = chunkCount(payload.size);
    /** @param {number} n */
    const seal = async (n) => {
      const plain = await readBlob(payload.slice(n * CHUNK_SIZE, (n + 1) * CHUNK_SIZE));
      return sealChunk(stream, n, n === chunks - 1, plain);
    };
    const path = `/secrets/${toBase64url(linkKeys.id)}`;
    const order = {
      link_hash: toBase64url(await sha256(linkKeys.proof)),
      reveal_hash: toBase64url(await sha256(contentKeys.reveal)),
      receipt_id: toBase64url(receipt.id),
      receipt_hash: toBase64url(await sha256(receipt.token)),
      ttl,
      chunks,
      size: sealedSize(payload.size),
      passphrase: link.passphrase,
      ...(chunks === 1 ? { content: toBase64url(await seal(0)) } : {}),
    };
    const { expires } = await this.#json("PUT", path, { json: order, signal });
    if (chunks > 1) {
      let done = 0;
      await inParallel(UPLOADS_AT_ONCE, chunks, async (n) => {
        await this.#request("PUT", `${path}/chunks/${n}`, { token: receipt.token, bytes: await seal(n), signal });
        onProgress?.(++done, chunks);
      });
    }
    const openedHash = (await sha256(contentKeys.opened)).slice(0, 16);
    return {
      secret: await encodeLink(link),
      receipt: await encodeLink({ kind: "receipt", body: concat(receiptKey, openedHash), passphrase: false }),
      expires,
    };
  }

  /**
   * What may be known before the reveal; consumes nothing.
   * @param {Link} link
   * @returns {Promise<Status>}
   * @throws {TainaError} not_found, gone
   */
  async peek(link) {
    const { id, proof } = await deriveLinkKeys(link.body);
    return this.#json("GET", `/secrets/${toBase64url(id)}`, { token: proof });
  }

  /**
   * Take the secret, for good. Calling it again for the same link after a failure is the same reader's next try.
   * @param {Link} link
   * @param {string | null} passphrase
   * @param {{onProgress?: OnProgress, signal?: AbortSignal}} [options]
   * @returns {Promise<{expires: number, items: Incoming[]}>} unix seconds by the sender's clock; what was sent
   * @throws {TainaError} wrong_passphrase, not_found, gone, tampered, unreachable, …
   */
  async reveal(link, passphrase, { onProgress, signal } = {}) {
    const linkKeys = await deriveLinkKeys(link.body);
    const contentKeys = await deriveContentKeys(link.body, passphrase);
    const id = toBase64url(linkKeys.id);
    const seed = this.#claims.get(id) ?? this.#around.random(KEY_SIZE);
    this.#claims.set(id, seed);
    const claim = await deriveClaim(seed);
    const stream = await streamKey(contentKeys.content, flagsOf(link), linkKeys.id);

    const answer = await this.#json("POST", `/secrets/${id}/reveal`, {
      token: linkKeys.proof,
      json: {
        proof: toBase64url(contentKeys.reveal),
        claim: { id: toBase64url(claim.id), hash: toBase64url(await sha256(claim.token)) },
      },
      signal,
    });
    const claimPath = `/claims/${toBase64url(claim.id)}`;
    const unpacker = new Unpacker();
    /** @type {BlobPart[][]} */
    const parts = [];
    for (let n = 0; n < answer.chunks; n++) {
      const sealed =
        answer.content !== undefined
          ? fromBase64url(String(answer.content))
          : await this.#bytes(`${claimPath}/chunks/${n}`, { token: claim.token, signal });
      // A Blob for each piece lets the browser keep it out of the page's memory.
      for (const [item, piece] of unpacker.push(await openChunk(stream, n, n === answer.chunks - 1, sealed))) {
        (parts[item] ??= []).push(new Blob([piece]));
      }
      onProgress?.(n + 1, answer.chunks);
    }
    const header = unpacker.finish();
    const items = await Promise.all(header.items.map((item, i) => incoming(item, parts[i] ?? [])));

    const opened = { token: claim.token, json: { opened: toBase64url(contentKeys.opened) } };
    // The reader has it: an ack that fails or hangs must not take it away again.
    const acknowledged = this.#json("POST", `${claimPath}/ack`, opened).catch(() => {});
    await Promise.race([acknowledged, this.#around.wait(ACK_PATIENCE)]);
    return { expires: header.expires, items };
  }

  /**
   * How it stands with a secret; `proved` when the reader's own proof fits the receipt link.
   * @param {Link} link
   * @returns {Promise<Receipt>}
   * @throws {TainaError} not_found
   */
  async receipt(link) {
    const { id, token } = await deriveReceipt(link.body.slice(0, KEY_SIZE));
    const receipt = await this.#json("GET", `/receipts/${toBase64url(id)}`, { token });
    const proof = receipt.opened === undefined ? null : (await sha256(fromBase64url(String(receipt.opened)))).slice(0, 16);
    const proved = proof !== null && toBase64url(proof) === toBase64url(link.body.slice(KEY_SIZE));
    return { ...receipt, proved };
  }

  /**
   * Destroy the secret unread.
   * @param {Link} link
   * @throws {TainaError} not_found, gone
   */
  async burn(link) {
    const { id, token } = await deriveReceipt(link.body.slice(0, KEY_SIZE));
    await this.#json("POST", `/receipts/${toBase64url(id)}/burn`, { token });
  }

  /** @param {string} method @param {string} path @param {Sent} [sent] @returns {Promise<any>} */
  async #json(method, path, sent) {
    return this.#request(method, path, sent, async (response) => {
      const answer = await response.json();
      if (typeof answer !== "object" || answer === null) throw new TainaError("internal");
      return answer;
    });
  }

  /** @param {string} path @param {Sent} sent @returns {Promise<Bytes>} */
  async #bytes(path, sent) {
    return this.#request("GET", path, sent, async (response) => new Uint8Array(await response.arrayBuffer()));
  }

  /**
   * One call, tried again where that can help; the whole answer is read within the try.
   * @param {string} method
   * @param {string} path
   * @param {Sent} [sent]
   * @param {(response: Response) => Promise<unknown>} [read]
   * @returns {Promise<any>} what `read` gave
   */
  async #request(method, path, { token, json, bytes, signal } = {}, read) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.Authorization = `Bearer ${toBase64url(token)}`;
    if (json) headers["Content-Type"] = "application/json";
    if (bytes) headers["Content-Type"] = "application/octet-stream";
    const body = json ? JSON.stringify(json) : bytes;
    for (let tries = 0; ; tries++) {
      let problem;
      try {
        const response = await this.#around.fetch(this.#api + path, {
          method,
          headers,
          body,
          signal,
          cache: "no-store",
          credentials: "omit",
          redirect: "error",
        });
        if (response.ok) return await read?.(response);
        problem = await problemOf(response);
        if (!TRY_AGAIN.includes(response.status)) throw problem;
      } catch (error) {
        if (error instanceof TainaError) throw error;
        if (signal?.aborted) throw new TainaError("cancelled");
        problem = new TainaError("unreachable");
      }
      if (tries === WAITS.length) throw problem;
      await this.#around.wait(WAITS[tries]);
    }
  }
}

/** @param {Response} response @returns {Promise<TainaError>} */
async function problemOf(response) {
  try {
    const { code, ...members } = await response.json();
    return new TainaError(String(code ?? "internal"), members);
  } catch {
    return new TainaError("internal", { status: response.status });
  }
}

/** @param {import("./format/payload.js").Item} item @param {BlobPart[]} parts @returns {Promise<Incoming>} */
async function incoming(item, parts) {
  // Never a type that a browser would render.
  const blob = new Blob(parts, { type: "application/octet-stream" });
  if (item.type === "file") return { ...item, blob };
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return { type: "text", text: decoder.decode(await blob.arrayBuffer()) };
  } catch {
    throw new TainaError("bad_format");
  }
}

/** @param {Blob} blob @returns {Promise<Bytes>} @throws {TainaError} unreadable: a file that changed or went away */
async function readBlob(blob) {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    throw new TainaError("unreadable");
  }
}

/**
 * Do work 0 … count - 1, some at a time; the first failure stops what has not begun.
 * @param {number} width
 * @param {number} count
 * @param {(n: number) => Promise<void>} work
 */
async function inParallel(width, count, work) {
  let next = 0;
  let failed = false;
  await Promise.all(
    Array.from({ length: Math.min(width, count) }, async () => {
      while (next < count && !failed) {
        await work(next++).catch((error) => {
          failed = true;
          throw error;
        });
      }
    }),
  );
}
