// Asking for secrets: what the pages need of the API beside client.js. No page, no prose.

import { TainaError } from "../errors.js";
import { facts } from "./client.js";
import { KEY_SIZE, deriveInbox, deriveRequest, sha256 } from "../format/derive.js";
import { openEnvelope, publicKey, sealEnvelope } from "../format/envelope.js";
import { decodeLink, encodeLink, fromBase64url, toBase64url } from "../format/links.js";

/** @typedef {import("../format/derive.js").Bytes} Bytes */
/** @typedef {import("../format/links.js").Link} Link */
/** @typedef {{state: "open" | "full", answers_left: number, expires: number, size?: number}} RequestStatus size: bytes of ciphertext that one answer may have */
/** What was left: when, and the fragment of a secret's link; null where it does not open. @typedef {{received: number, secret: string | null}} Answer */

export class Requests {
  #client;
  #random;

  /**
   * @param {import("./client.js").Client} client
   * @param {(size: number) => Bytes} [random] what stands in for the browser's own, in tests
   */
  constructor(client, random = (size) => crypto.getRandomValues(new Uint8Array(size))) {
    this.#client = client;
    this.#random = random;
  }

  /**
   * Make a request; nothing leaves but its id and two hashes.
   * @param {{ttl: number, answers: number, passphrase: boolean, credential?: import("./client.js").Credential | null}} options ttl in seconds; whether answers are to have a passphrase
   * @returns {Promise<{request: string, inbox: string, expires: number}>} two fragments, unix seconds
   * @throws {TainaError} unsupported: a browser without X25519; …
   */
  async request({ ttl, answers, passphrase, credential = null }) {
    const seed = this.#random(KEY_SIZE);
    const inbox = await deriveInbox(seed);
    const key = await publicKey(inbox.private);
    const { id, token } = await deriveRequest(key);
    const json = {
      inbox_hash: toBase64url(await sha256(inbox.token)),
      answer_hash: toBase64url(await sha256(token)),
      ttl,
      answers,
    };
    const { expires } = await this.#client.create(path(id), id, { json, token: credential?.token });
    return {
      request: await encodeLink({ kind: "request", body: key, passphrase }),
      inbox: await encodeLink({ kind: "inbox", body: seed, passphrase: false }),
      expires,
    };
  }

  /**
   * Whether an answer can be left, and sealed here: better known before somebody types.
   * @param {Link} link of a request
   * @returns {Promise<RequestStatus>}
   * @throws {TainaError} not_found, gone; unsupported, bad_format: as `seal`
   */
  async requestStatus(link) {
    const nobodys = await encodeLink({ kind: "secret", body: this.#random(KEY_SIZE), passphrase: false });
    await this.seal(link, nobodys);
    const { id, token } = await deriveRequest(link.body);
    return facts(await this.#client.json("GET", path(id), { token }), {
      state: "string",
      answers_left: "number",
      expires: "number",
      size: "number?",
    });
  }

  /**
   * What lets in who answers where else an access key is needed.
   * @param {Link} link of a request
   * @returns {Promise<import("./client.js").Credential>}
   */
  async credential(link) {
    const { id, token } = await deriveRequest(link.body);
    return { token, request: id };
  }

  /**
   * Seal a secret's link to the asker. Who tries again leaves the same envelope: another one would be another answer.
   * @param {Link} link of a request
   * @param {string} secret the fragment of a secret's link
   * @returns {Promise<Bytes>}
   * @throws {TainaError} unsupported, bad_format
   */
  async seal(link, secret) {
    return sealEnvelope(link.body, await decodeLink(secret, "secret"), this.#random(KEY_SIZE));
  }

  /**
   * Leave an envelope.
   * @param {Link} link of a request
   * @param {Bytes} envelope
   * @throws {TainaError} answered: there are as many as are wanted; gone, not_found
   */
  async answer(link, envelope) {
    const { id, token } = await deriveRequest(link.body);
    await this.#client.json("POST", `${path(id)}/envelopes`, { token, json: { envelope: toBase64url(envelope) } });
  }

  /**
   * Read what was left; that changes nothing.
   * @param {Link} link of an inbox
   * @returns {Promise<{answers: number, expires: number, received: Answer[]}>} how many are wanted, unix seconds, those that came
   * @throws {TainaError} not_found, unsupported
   */
  async inbox(link) {
    const inbox = await deriveInbox(link.body);
    const { id } = await deriveRequest(await publicKey(inbox.private));
    const found = await this.#client.json("GET", `${path(id)}/envelopes`, { token: inbox.token });
    const { answers, expires } = facts(found, { answers: "number", expires: "number" });
    if (!Array.isArray(found.envelopes) || found.envelopes.length > answers) throw new TainaError("internal");
    /** @type {Answer[]} */
    const received = [];
    for (const each of found.envelopes) {
      const { received: when, envelope } = facts(each, { received: "number", envelope: "string" });
      received.push({ received: when, secret: await opened(inbox.private, envelope) });
    }
    return { answers, expires, received };
  }

  /**
   * Delete the request with what was left at it. One that is not there any more is deleted.
   * @param {Link} link of an inbox
   * @throws {TainaError} unsupported
   */
  async withdraw(link) {
    const inbox = await deriveInbox(link.body);
    const { id } = await deriveRequest(await publicKey(inbox.private));
    try {
      await this.#client.json("DELETE", path(id), { token: inbox.token });
    } catch (error) {
      if (!(error instanceof TainaError && error.code === "not_found")) throw error;
    }
  }
}

/** @param {Bytes} id @returns {string} */
function path(id) {
  return `/requests/${toBase64url(id)}`;
}

/** @param {Bytes} privateKey @param {string} envelope @returns {Promise<string | null>} */
async function opened(privateKey, envelope) {
  try {
    return await encodeLink(await openEnvelope(privateKey, fromBase64url(envelope)));
  } catch {
    return null;
  }
}
