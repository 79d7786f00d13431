// The API as the pages know it: seal and send, peek, reveal, follow a receipt. No page, no prose.

import { TainaError } from "../errors.js";
import {
  KEY_SIZE,
  concat,
  deriveClaim,
  deriveContentKeys,
  deriveLinkKeys,
  deriveReceipt,
  findWork,
  sha256,
} from "../format/derive.js";
import { encodeLink, flagsOf, fromBase64url, toBase64url } from "../format/links.js";
import { CHUNK_SIZE, Unpacker, pack, text as wellFormed } from "../format/payload.js";
import { TAG_SIZE, chunkCount, openChunk, sealChunk, sealedSize, streamKey } from "../format/stream.js";

/** @typedef {import("../format/derive.js").Bytes} Bytes */
/** @typedef {import("../format/links.js").Link} Link */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, data: Blob}} Outgoing */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, size: number, blob: () => Promise<Blob>}} Incoming a file is read when it is asked for */
/** @typedef {(done: number, total: number) => void} OnProgress chunks done, chunks in all */
/**
 * Where opened bytes stay until they are saved.
 * @typedef {{add: (item: number, piece: Bytes) => void | Promise<void>, blob: (item: number) => Blob | Promise<Blob>}} Store
 */
/**
 * How a transfer is followed and steered. With a pace it waits out a network that is away, else that is an error.
 * @typedef {{onProgress?: OnProgress, signal?: AbortSignal, pace?: Pace}} TransferOptions
 */
/**
 * What a private instance wants to see: an access key, or the answer token of a request and its id.
 * @typedef {{token: Bytes, request?: Bytes}} Credential
 */
/**
 * `ttl` in seconds; an access key, or what a request lets in, where a private instance wants it.
 * @typedef {{ttl: number, passphrase?: string | null, credential?: Credential | null}} SendOptions
 */
/** @typedef {{secret: string, receipt: string, expires: number}} Links two fragments, unix seconds */
/** @typedef {{state: string, passphrase: boolean, size: number, chunks: number, expires: number, attempts_left: number}} Status */
/** @typedef {{state: string, created: number, expires: number, ended?: number, failed_attempts: number, opened?: string, proved: boolean}} Receipt */
/** @typedef {{limits: {size: number}, ttl: {min: number, max: number, default: number}, options: {create: string}}} Instance */
/** @typedef {{token?: Bytes, json?: unknown, bytes?: Bytes, signal?: AbortSignal}} Call */
/** @typedef {{fetch: typeof fetch, random: (size: number) => Bytes, now: () => number, wait: (ms: number) => Promise<unknown>}} Environment */

const CONCURRENCY = 3; // chunks on their way
const TRY_TIMEOUT = 120_000; // ms for one try, as the server gives it
const RETRY_DELAYS = [500, 1000, 2000, 4000]; // ms between tries
const MAX_BITS = 20; // bits of proof of work: most of a minute
const ACK_TIMEOUT = 2000; // ms that is waited for the server to hear how it ended
/** Half an answer and an overloaded proxy are worth another try; a full store (507) is not. */
const RETRY_STATUSES = [429, 500, 502, 503, 504];
const MAX_RETRY_AFTER = 10; // seconds that a server may ask to wait before another try; for longer, a person decides
const MAX_CONTENT = 2 << 20; // bytes: a chunk in base64url, and the rest
const MAX_DOCUMENT = 64 << 10; // bytes
const MAX_TIME = 253_370_764_800; // unix seconds of the year 9999, after which calendars end; no other number is larger
const STATES = ["uploading", "waiting", "revealed", "opened", "burned", "expired", "locked"];
const RETRY_INTERVAL = 5000; // ms between looks for a network that is away

/** @type {Environment} */
const BROWSER = {
  fetch: (...args) => fetch(...args),
  random: (size) => crypto.getRandomValues(new Uint8Array(size)),
  now: () => Date.now(),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
};

export class Client {
  #api;
  #environment;
  /** The claim of each secret that this client began to reveal, so that another try is the same reader's. @type {Map<string, Bytes>} */
  #claims = new Map();

  /**
   * @param {string} [api] address of the API
   * @param {Partial<Environment>} [environment] what stands in for the browser's own, in tests
   */
  constructor(api = apiOfPage(), environment = {}) {
    this.#api = api;
    this.#environment = { ...BROWSER, ...environment };
  }

  /** @returns {Promise<Instance>} limits and lifetimes of this instance */
  async instance() {
    const { limits, ttl, options } = await this.json("GET", "/status");
    return {
      limits: facts(limits, { size: "number" }),
      ttl: facts(ttl, { min: "number", max: "number", default: "number" }),
      options: facts(options, { create: "string" }),
    };
  }

  /**
   * Seal the items under keys of their own and leave them with the server. Each chunk is sealed once, and after a lost
   * answer the same bytes are sent again: AES-GCM must never seal two plaintexts under one key and nonce.
   * @param {Outgoing[]} items
   * @param {SendOptions & TransferOptions} options
   * @returns {Promise<Links>}
   * @throws {TainaError}
   */
  async send(items, { ttl, passphrase = null, credential = null, onProgress, signal, pace }) {
    const key = this.#environment.random(KEY_SIZE);
    const receiptKey = this.#environment.random(KEY_SIZE);
    const payload = payloadOf(items, Math.floor(this.#environment.now() / 1000) + ttl);
    /** @type {Link} */
    const link = { kind: "secret", body: key, passphrase: passphrase !== null };
    const linkKeys = await deriveLinkKeys(key);
    const contentKeys = await deriveContentKeys(key, passphrase);
    const receipt = await deriveReceipt(receiptKey);
    const stream = await streamKey(contentKeys.content, flagsOf(link), linkKeys.id);
    const chunks = chunkCount(payload.size);
    /** @param {number} n */
    const seal = async (n) => {
      const part = payload.slice(n * CHUNK_SIZE, (n + 1) * CHUNK_SIZE);
      const plain = await readBlob(part);
      if (plain.length !== part.size) throw new TainaError("changed");
      return sealChunk(stream, n, n === chunks - 1, plain);
    };

    const path = `/secrets/${toBase64url(linkKeys.id)}`;
    const token = receipt.token;
    const order = {
      link_hash: toBase64url(await sha256(linkKeys.proof)),
      reveal_hash: toBase64url(await sha256(contentKeys.reveal)),
      receipt_id: toBase64url(receipt.id),
      receipt_hash: toBase64url(await sha256(token)),
      ttl,
      chunks,
      size: sealedSize(payload.size),
      passphrase: link.passphrase,
      ...(chunks === 1 ? { content: toBase64url(await seal(0)) } : {}),
      ...(credential?.request ? { request: toBase64url(credential.request) } : {}),
    };
    const created = await this.create(path, linkKeys.id, { json: order, token: credential?.token, signal });
    if (chunks > 1) {
      try {
        let done = 0;
        await inParallel(CONCURRENCY, chunks, async (n) => {
          await pace?.passed(signal);
          const bytes = await seal(n);
          await this.#atItsPace(pace, signal, () =>
            this.#request("PUT", `${path}/chunks/${n}`, { token, bytes, signal }),
          );
          done += 1;
          onProgress?.(done, chunks);
        });
      } catch (error) {
        // Nothing goes on with it: it shall not take up room until it is swept.
        await this.#bestEffort(this.json("POST", `/receipts/${toBase64url(receipt.id)}/burn`, { token }));
        throw error;
      }
    }
    const openedHash = (await sha256(contentKeys.opened)).slice(0, 16);
    return {
      secret: await encodeLink(link),
      receipt: await encodeLink({ kind: "receipt", body: concat(receiptKey, openedHash), passphrase: false }),
      expires: created.expires,
    };
  }

  /**
   * What may be known before the reveal; consumes nothing.
   * @param {Link} link
   * @returns {Promise<Status>}
   * @throws {TainaError} not_found, gone
   */
  async status(link) {
    const { id, proof } = await deriveLinkKeys(link.body);
    return facts(await this.json("GET", `/secrets/${toBase64url(id)}`, { token: proof }), {
      state: "state",
      passphrase: "boolean",
      size: "number",
      chunks: "number",
      expires: "number",
      attempts_left: "number",
    });
  }

  /**
   * Take the secret, for good. Calling it again for the same link after a failure is the same reader's next try.
   * @param {Link} link
   * @param {string | null} passphrase
   * @param {{store?: Store} & TransferOptions} [options]
   * @returns {Promise<{expires: number, items: Incoming[]}>} unix seconds by the sender's clock; what was sent
   * @throws {TainaError} wrong_passphrase, not_found, gone, lost (the claim's lease ended), tampered, unreachable, …
   */
  async open(link, passphrase, { store = inMemory(), onProgress, signal, pace } = {}) {
    const linkKeys = await deriveLinkKeys(link.body);
    const contentKeys = await deriveContentKeys(link.body, passphrase);
    const id = toBase64url(linkKeys.id);
    const seed = this.#claims.get(id) ?? this.#environment.random(KEY_SIZE);
    this.#claims.set(id, seed);
    const claim = await deriveClaim(seed);
    const stream = await streamKey(contentKeys.content, flagsOf(link), linkKeys.id);

    const revealed = await this.json("POST", `/secrets/${id}/reveal`, {
      token: linkKeys.proof,
      json: {
        proof: toBase64url(contentKeys.reveal),
        claim: { id: toBase64url(claim.id), hash: toBase64url(await sha256(claim.token)) },
      },
      signal,
    });
    const answer = facts(revealed, { chunks: "number", content: "string?" });
    const claimPath = `/claims/${toBase64url(claim.id)}`;
    /** @param {number} n @returns {Promise<Bytes>} */
    const fetchChunk = (n) => {
      const read = () => this.#bytes(`${claimPath}/chunks/${n}`, { token: claim.token, signal });
      return this.#atItsPace(pace, signal, read).catch((/** @type {unknown} */ error) => {
        throw error instanceof TainaError && error.code === "gone" ? new TainaError("lost") : error;
      });
    };
    /** @param {number} n @returns {Promise<Bytes>} */
    const open = async (n) => {
      const sealed = answer.content === undefined ? await fetchChunk(n) : fromBase64url(answer.content);
      return openChunk(stream, n, n === answer.chunks - 1, sealed);
    };
    const unpacker = new Unpacker();
    let done = 0;
    for await (const plain of inOrder(CONCURRENCY, answer.chunks, open)) {
      for (const [item, piece] of unpacker.push(plain)) await store.add(item, piece);
      onProgress?.(++done, answer.chunks);
    }
    const header = unpacker.finish();
    const items = await Promise.all(header.items.map((item, i) => incoming(item, async () => store.blob(i))));

    const opened = { token: claim.token, json: { opened: toBase64url(contentKeys.opened) } };
    // The reader has it: an ack that fails or hangs must not take it away again.
    await this.#bestEffort(this.json("POST", `${claimPath}/ack`, opened));
    return { expires: header.expires, items };
  }

  /**
   * How it stands with a secret: `opened` only when the reader's own proof fits the receipt link, else `unproved`.
   * @param {Link} link
   * @returns {Promise<Receipt>}
   * @throws {TainaError} not_found
   */
  async receipt(link) {
    const { id, token } = await deriveReceipt(link.body.slice(0, KEY_SIZE));
    const receipt = facts(await this.json("GET", `/receipts/${toBase64url(id)}`, { token }), {
      state: "state",
      created: "number",
      expires: "number",
      failed_attempts: "number",
      ended: "number?",
      opened: "string?",
    });
    const proof = receipt.opened === undefined ? null : (await sha256(fromBase64url(receipt.opened))).slice(0, 16);
    const proved = proof !== null && toBase64url(proof) === toBase64url(link.body.slice(KEY_SIZE));
    // What a server says without that proof is another state.
    return { ...receipt, state: receipt.state === "opened" && !proved ? "unproved" : receipt.state, proved };
  }

  /**
   * Destroy the secret unread.
   * @param {Link} link
   * @throws {TainaError} not_found, gone
   */
  async burn(link) {
    const { id, token } = await deriveReceipt(link.body.slice(0, KEY_SIZE));
    await this.json("POST", `/receipts/${toBase64url(id)}/burn`, { token });
  }

  /** Wait for it, but not for long, and whatever comes of it. @param {Promise<unknown>} call */
  async #bestEffort(call) {
    await Promise.race([call.catch(() => {}), this.#environment.wait(ACK_TIMEOUT)]);
  }

  /**
   * Do it when the pace lets it pass, and again while the network is away. No browser tells that a server is back, so
   * that is tried out by and by.
   * @template T
   * @param {Pace | undefined} pace
   * @param {AbortSignal | undefined} signal
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #atItsPace(pace, signal, work) {
    await pace?.passed(signal);
    for (;;) {
      try {
        const done = await work();
        pace?.reached();
        return done;
      } catch (error) {
        if (!pace || !(error instanceof TainaError && error.passing)) throw error;
      }
      pace.hold("unreachable");
      await Promise.race([pace.passed(signal), this.#environment.wait(RETRY_INTERVAL)]);
      if (pace.held === "pause") await pace.passed(signal);
    }
  }

  /**
   * Put a new secret or request; where the instance asks for work, do it and come again.
   * @param {string} path
   * @param {Bytes} id 16 bytes
   * @param {Call & {json: object}} sent
   * @returns {Promise<any>}
   */
  async create(path, id, sent) {
    /** @param {object} json */
    const put = async (json) => facts(await this.json("PUT", path, { ...sent, json }), { expires: "number" });
    try {
      return await put(sent.json);
    } catch (error) {
      const bits = error instanceof TainaError && error.code === "work_needed" ? Number(error.members.bits) : 0;
      if (!(bits > 0 && bits <= MAX_BITS)) throw error;
      return put({ ...sent.json, work: await findWork(id, bits) });
    }
  }

  /** A call of the API that answers with JSON or nothing. @param {string} method @param {string} path @param {Call} [sent] @returns {Promise<any>} */
  async json(method, path, sent) {
    return this.#request(method, path, sent, async (response) => {
      if (response.status === 204) return null;
      const answer = await jsonOf(response, MAX_CONTENT);
      if (typeof answer !== "object" || answer === null) throw new TainaError("internal");
      return answer;
    });
  }

  /** @param {string} path @param {Call} sent @returns {Promise<Bytes>} */
  async #bytes(path, sent) {
    return this.#request("GET", path, sent, (response) => bodyOf(response, CHUNK_SIZE + TAG_SIZE));
  }

  /**
   * One call, tried again where that can help; the whole answer is read within the try.
   * @param {string} method
   * @param {string} path
   * @param {Call} [sent]
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
    const end = this.#environment.now() + TRY_TIMEOUT;
    for (let tries = 0; ; tries++) {
      let problem;
      let asked = 0;
      try {
        const response = await this.#environment.fetch(this.#api + path, {
          method,
          headers,
          body,
          signal: AbortSignal.any([AbortSignal.timeout(TRY_TIMEOUT), ...(signal ? [signal] : [])]),
          cache: "no-store",
          credentials: "omit",
          redirect: "error",
        });
        if (response.ok) return await read?.(response);
        problem = await problemOf(response);
        asked = Number(problem.members.retry_after ?? 0);
        problem.passing = RETRY_STATUSES.includes(response.status) && asked <= MAX_RETRY_AFTER;
        if (!problem.passing) throw problem;
      } catch (error) {
        if (error instanceof TainaError) throw error;
        if (signal?.aborted) throw new TainaError("cancelled");
        problem = new TainaError("unreachable");
        problem.passing = true;
      }
      if (tries === RETRY_DELAYS.length || this.#environment.now() > end) throw problem;
      await Promise.race([this.#environment.wait(Math.max(RETRY_DELAYS[tries], 1000 * asked)), aborted(signal)]);
    }
  }
}

/** @returns {string} where the API is: a page says so if that is another host, and a worker, which has no page, is told */
export function apiOfPage() {
  return `${globalThis.document?.documentElement.dataset.api ?? ""}/api/v1`;
}

/** Lets a transfer go on, or holds it: because somebody wants that, or because the network is away. */
export class Pace {
  /** Why it is held, null while it is not. @type {string | null} */
  held = null;
  #passed = Promise.resolve();
  /** @type {() => void} */
  #release = () => {};
  #onChange;

  /** @param {(held: string | null) => void} [onChange] */
  constructor(onChange = () => {}) {
    this.#onChange = onChange;
  }

  /** A pause that somebody wanted stays one, whatever the network does. @param {"pause" | "unreachable"} why */
  hold(why) {
    if (this.held === null) this.#passed = new Promise((done) => (this.#release = done));
    if (this.held !== why && this.held !== "pause") this.#onChange((this.held = why));
  }

  /** The network is there. */
  reached() {
    if (this.held === "unreachable") this.go();
  }

  go() {
    if (this.held === null) return;
    this.#onChange((this.held = null));
    this.#release();
  }

  /** Wait until it goes on. @param {AbortSignal} [signal] @throws {TainaError} cancelled */
  async passed(signal) {
    while (this.held !== null && !signal?.aborted) await Promise.race([this.#passed, aborted(signal)]);
    if (signal?.aborted) throw new TainaError("cancelled");
  }
}

/** @param {AbortSignal} [signal] @returns {Promise<unknown>} for ever pending without one */
function aborted(signal) {
  return new Promise((done) => signal?.addEventListener("abort", done, { once: true }));
}

/** A Blob for each piece lets the browser keep it out of the page's memory. @returns {Store} */
function inMemory() {
  /** @type {BlobPart[][]} */
  const parts = [];
  return {
    add: (item, piece) => void (parts[item] ??= []).push(new Blob([piece])),
    blob: (item) => new Blob(parts[item] ?? []),
  };
}

/** @param {Outgoing[]} items @param {number} expires unix seconds @returns {Blob} */
function payloadOf(items, expires) {
  const bodies = items.map((item) => (item.type === "text" ? new Blob([wellFormed(item.text)]) : item.data));
  const described = items.map((item, i) => {
    const size = bodies[i].size;
    return item.type === "text"
      ? { type: item.type, size }
      : { type: item.type, name: item.name, mime: item.mime, size };
  });
  return pack({ items: described, expires }, bodies);
}

/**
 * The body, as long as it is no larger than such a body is; a server may send without end.
 * @param {Response} response
 * @param {number} most bytes
 * @returns {Promise<Bytes>}
 * @throws {TainaError} internal: there is more
 */
async function bodyOf(response, most) {
  /** @type {Bytes[]} */
  const parts = [];
  const reader = response.body?.getReader();
  let size = Number(response.headers.get("Content-Length") ?? 0) > most ? Infinity : 0;
  for (;;) {
    if (size > most) {
      void reader?.cancel().catch(() => {});
      throw new TainaError("internal");
    }
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) return concat(...parts);
    size += value.length;
    parts.push(value);
  }
}

/** @param {Response} response @param {number} most bytes @returns {Promise<any>} @throws {TainaError} internal */
async function jsonOf(response, most) {
  return JSON.parse(new TextDecoder().decode(await bodyOf(response, most)));
}

/**
 * What a server answers is a claim of a stranger: each fact is checked before it is used, the others are left out.
 * @param {any} answer
 * @param {Record<string, string>} kinds by name: a type as `typeof` has it, or "state"; with "?" it may be missing
 * @returns {any}
 * @throws {TainaError} internal: it is not what Taina answers
 */
export function facts(answer, kinds) {
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const value = answer?.[name];
    if ((value === undefined || value === null) && kind.endsWith("?")) continue;
    if (!isFact(value, kind.replace("?", ""))) throw new TainaError("internal");
    found[name] = value;
  }
  return found;
}

/** @param {unknown} value @param {string} kind @returns {boolean} */
function isFact(value, kind) {
  if (kind === "state") return STATES.includes(/** @type {string} */ (value));
  if (kind === "number") return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_TIME;
  return typeof value === kind;
}

/** @param {Response} response @returns {Promise<TainaError>} */
async function problemOf(response) {
  try {
    const { code, ...members } = await jsonOf(response, MAX_DOCUMENT);
    if (code === "gone") return new TainaError(code, facts(members, { state: "state", ended: "number" }));
    const numbers = Object.entries(members).filter(([, value]) => isFact(value, "number"));
    return new TainaError(String(code ?? "internal"), Object.fromEntries(numbers));
  } catch {
    return new TainaError("internal", { status: response.status });
  }
}

/** @param {import("../format/payload.js").Item} item @param {() => Promise<Blob>} body @returns {Promise<Incoming>} */
async function incoming(item, body) {
  // Never a type that a browser would render.
  if (item.type === "file")
    return { ...item, blob: async () => new Blob([await body()], { type: "application/octet-stream" }) };
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return { type: "text", text: decoder.decode(await (await body()).arrayBuffer()) };
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
        await work(next++).catch((/** @type {unknown} */ error) => {
          failed = true;
          throw error;
        });
      }
    }),
  );
}

/**
 * The results of work 0 … count - 1 in this order, some begun ahead.
 * @template T
 * @param {number} width
 * @param {number} count
 * @param {(n: number) => Promise<T>} work
 * @returns {AsyncGenerator<T, void>}
 */
async function* inOrder(width, count, work) {
  /** @type {Promise<T>[]} */
  const ahead = [];
  for (let next = 0; next < count || ahead.length;) {
    while (ahead.length < width && next < count) {
      const result = work(next++);
      result.catch(() => {}); // told when its turn comes
      ahead.push(result);
    }
    yield await /** @type {Promise<T>} */ (ahead.shift());
  }
}
