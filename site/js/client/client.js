// The API as the pages know it: beside what secrets.js has, seal and send, reveal and open. No page, no prose.

import { concat, fromBase64url, toBase64url } from "../bytes.js";
import { TainaError } from "../errors.js";
import { KEY_SIZE, deriveClaim, deriveContentKeys, deriveLinkKeys, deriveReceipt, sha256 } from "../format/derive.js";
import { encodeLink, flagsOf } from "../format/links.js";
import { CHUNK_SIZE, Unpacker } from "../format/payload.js";
import { TAG_SIZE, chunkCount, openChunk, sealChunk, sealedSize, streamKey } from "../format/stream.js";
import { checked, isBytes, isWhole, optional } from "./answers.js";
import { inOrder, inParallel } from "./concurrency.js";
import { payloadOf, readerOf } from "./contents.js";
import { create } from "./creating.js";
import { atPace } from "./pace.js";
import { inMemory, incoming } from "./receiving.js";
import { Secrets } from "./secrets.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/** @typedef {import("../format/links.js").Link} Link */
/** @typedef {import("./contents.js").Outgoing} Outgoing */
/** @typedef {import("./receiving.js").Incoming} Incoming */
/** @typedef {import("./pace.js").Pace} Pace */
/** @typedef {(done: number, total: number) => void} OnProgress chunks done, chunks in all */
/**
 * How a transfer is followed and steered. With a pace it waits out a network that is away, else that is an error.
 * @typedef {{onProgress?: OnProgress, signal?: AbortSignal, pace?: Pace}} TransferOptions
 */
/**
 * What a private instance wants to see: an access key, or the answer token of a request and its id, or a login.
 * @typedef {{token?: Bytes, request?: Bytes, login?: boolean}} Credential
 */
/**
 * `ttl` in seconds; an access key, or what a request lets in, where a private instance wants it.
 * @typedef {{ttl: number, passphrase?: string | null, credential?: Credential | null}} SendOptions
 */
/** @typedef {{secret: string, receipt: string, expires: number}} Links two fragments, unix seconds */

const CONCURRENCY = 3; // chunks on their way
const LEASE = 60_000; // ms, at least, for which the server keeps a secret for its reader
const ACK_TIMEOUT = 2000; // ms that is waited for the server to hear how it ended
const MAX_CONTENT = 2 << 20; // bytes of an answer with a chunk in base64url
/** The server's answers to a reveal after which nobody has begun. */
const NOT_BEGUN = ["gone", "not_found", "not_ready", "wrong_passphrase"];
/** What these errors are once a secret is revealed, and this reader alone can have it. */
const AFTER_REVEAL = new Map([
  ["gone", "lost"],
  ["rate_limited", "unreachable"],
]);

export class Client extends Secrets {
  /** Of each secret that this client began to reveal: the claim, so that another try is the same reader's, the first proof, and since when (ms). @type {Map<string, {seed: Bytes, proof: string, since: number}>} */
  #claims = new Map();

  /**
   * Seal the items under keys of their own and leave them with the server. Each chunk is sealed once, and after a lost
   * answer the same bytes are sent again: AES-GCM must never seal two plaintexts under one key and nonce.
   * @param {Outgoing[]} items
   * @param {SendOptions & TransferOptions} options
   * @returns {Promise<Links>}
   * @throws {TainaError}
   */
  async send(items, { ttl, passphrase = null, credential = null, onProgress, signal, pace }) {
    const { random, now, wait } = this.transport.environment;
    const key = random(KEY_SIZE);
    const receiptKey = random(KEY_SIZE);
    const payload = payloadOf(items, Math.floor(now() / 1000) + ttl);
    /** @type {Link} */
    const link = { kind: "secret", body: key, passphrase: passphrase !== null };
    const linkKeys = await deriveLinkKeys(key);
    const contentKeys = await deriveContentKeys(key, passphrase);
    const receipt = await deriveReceipt(receiptKey);
    const stream = await streamKey(contentKeys.content, flagsOf(link), linkKeys.id);
    const chunks = chunkCount(payload.size);
    const read = readerOf(payload, CHUNK_SIZE);
    /** In order. @param {number} n */
    const sealNext = async (n) => sealChunk(stream, n, n === chunks - 1, await read());

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
      ...(chunks === 1 ? { content: toBase64url(await sealNext(0)) } : {}),
      ...(credential?.request ? { request: toBase64url(credential.request) } : {}),
    };
    const { token: shown, login } = credential ?? {};
    const created = await create(this.transport, path, linkKeys.id, { json: order, token: shown, login, signal });
    if (chunks > 1) {
      try {
        let done = 0;
        /** @param {number} n @param {AbortSignal} signal */
        const sendOne = async (n, signal) => {
          const sealing = sealNext(n);
          sealing.catch(() => {}); // told below, if nothing else is
          await pace?.passed(signal);
          const call = { token, bytes: await sealing, signal };
          await atPace(pace, signal, wait, () => this.transport.putBytes(`${path}/chunks/${n}`, call));
          done += 1;
          onProgress?.(done, chunks);
        };
        await inParallel(CONCURRENCY, chunks, sendOne, signal);
      } catch (error) {
        // Nothing goes on with it: it shall not take up room until it is swept.
        await this.#bestEffort("POST", `/receipts/${toBase64url(receipt.id)}/burn`, { token });
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
   * Take the secret, for good. Calling it again for the same link after a failure is the same reader's next try.
   * @param {Link} link
   * @param {string | null} passphrase
   * @param {{store?: import("./receiving.js").Store} & TransferOptions} [options]
   * @returns {Promise<{expires: number, items: Incoming[]}>} unix seconds by the sender's clock; what was sent
   * @throws {TainaError} wrong_passphrase (without `attempts_left`, this client had revealed the secret before, by
   *   another passphrase, and may try again), not_found, gone, lost (the claim's lease ended), tampered, unreachable, …
   */
  async open(link, passphrase, { store = inMemory(), onProgress, signal, pace } = {}) {
    const { now, random, wait } = this.transport.environment;
    const linkKeys = await deriveLinkKeys(link.body);
    const contentKeys = await deriveContentKeys(link.body, passphrase);
    const id = toBase64url(linkKeys.id);
    const proof = toBase64url(contentKeys.reveal);
    const first = this.#claims.get(id) ?? { seed: random(KEY_SIZE), proof, since: Infinity };
    this.#claims.set(id, first);
    const claim = await deriveClaim(first.seed);
    const stream = await streamKey(contentKeys.content, flagsOf(link), linkKeys.id);

    const proofs = {
      proof,
      claim: { id: toBase64url(claim.id), hash: toBase64url(await sha256(claim.token)) },
    };
    const call = { token: linkKeys.proof, json: proofs, signal };
    const asked = now();
    const reveal = this.transport.json("POST", `/secrets/${id}/reveal`, call, MAX_CONTENT);
    const answer = await reveal.catch((/** @type {unknown} */ error) => {
      if (!(error instanceof TainaError)) throw error;
      if (NOT_BEGUN.includes(error.code)) this.#claims.delete(id);
      if (error.afterLost) first.since = Math.min(first.since, asked);
      // This reader is let in while its lease lasts; after that, it was most likely this one.
      const over = now() - first.since >= LEASE;
      throw over && error.code === "gone" && error.members.state === "revealed" ? new TainaError("lost") : error;
    });
    first.since = Math.min(first.since, asked);
    const { chunks, content } = checked(answer, { chunks: isWhole, content: optional(isBytes) });
    const claimPath = `/claims/${toBase64url(claim.id)}`;
    /** @param {number} n @param {AbortSignal} signal @returns {Promise<Bytes>} */
    const fetchChunk = (n, signal) => {
      const call = { token: claim.token, signal };
      const read = () => this.transport.getBytes(`${claimPath}/chunks/${n}`, call, CHUNK_SIZE + TAG_SIZE);
      return atPace(pace, signal, wait, read).catch((/** @type {unknown} */ error) => {
        const code = error instanceof TainaError && AFTER_REVEAL.get(error.code);
        throw code ? new TainaError(code) : error;
      });
    };
    /** @param {number} n @param {AbortSignal} signal @returns {Promise<Bytes>} */
    const openOne = async (n, signal) => {
      const sealed = content === undefined ? await fetchChunk(n, signal) : fromBase64url(content);
      return openChunk(stream, n, n === chunks - 1, sealed);
    };
    const unpacker = new Unpacker();
    let done = 0;
    try {
      for await (const plain of inOrder(CONCURRENCY, chunks, openOne, signal)) {
        for (const [item, piece] of unpacker.push(plain)) await store.add(item, piece);
        done += 1;
        onProgress?.(done, chunks);
      }
    } catch (error) {
      // The server asks no proof of a reader who goes on: this is where a wrong passphrase shows.
      const wrong = first.proof !== proof && done === 0 && error instanceof TainaError;
      throw wrong && error.code === "tampered" ? new TainaError("wrong_passphrase") : error;
    }
    const header = unpacker.finish();
    const items = await Promise.all(header.items.map((item, i) => incoming(item, async () => store.blob(i))));

    const opened = { token: claim.token, json: { opened: toBase64url(contentKeys.opened) } };
    // The reader has it: an ack that fails or hangs must not take it away again.
    await this.#bestEffort("POST", `${claimPath}/ack`, opened);
    this.#claims.delete(id);
    return { expires: header.expires, items };
  }

  /** Have the server hear it, but not for long, and whatever comes of it. @param {string} method @param {string} path @param {import("./transport.js").Call} call */
  async #bestEffort(method, path, call) {
    const heard = this.transport.json(method, path, call).catch(() => {});
    await Promise.race([heard, this.transport.environment.wait(ACK_TIMEOUT)]);
  }
}
