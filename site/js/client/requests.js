// Requests for secrets: answered, and read. No page, no prose.

import { fromBase64url, toBase64url } from "../bytes.js";
import { TainaError } from "../errors.js";
import { KEY_SIZE, deriveInbox, deriveRequest } from "../format/derive.js";
import { openEnvelope, publicKey, sealEnvelope } from "../format/envelope.js";
import { decodeLink, encodeLink } from "../format/links.js";
import { checked, isBytes, isPoint, isWhole, oneOf, optional } from "./answers.js";
import { Transport } from "./transport.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/** @typedef {import("../format/links.js").Link} Link */
/** @typedef {{state: "open" | "full", answers_left: number, expires: number, size?: number}} RequestStatus size: bytes of ciphertext that one answer may have */
/** What was left: when, and the fragment of a secret's link; null where it does not open. @typedef {{received: number, secret: string | null}} Answer */

export class Requests {
  #transport;

  /**
   * @param {string} [api] address of the API
   * @param {Partial<import("./transport.js").Environment>} [environment] what stands in for the browser's own, in tests
   */
  constructor(api, environment) {
    this.#transport = new Transport(api, environment);
  }

  /**
   * Whether an answer can be left, and sealed here: better known before somebody types.
   * @param {Link} link of a request
   * @returns {Promise<RequestStatus>}
   * @throws {TainaError} not_found, gone; unsupported, bad_format: as `seal`
   */
  async requestStatus(link) {
    const body = this.#transport.environment.random(KEY_SIZE);
    const nobodys = await encodeLink({ kind: "secret", body, passphrase: false });
    await this.seal(link, nobodys);
    const { id, token } = await deriveRequest(link.body);
    return checked(await this.#transport.json("GET", path(id), { token }), {
      state: oneOf("open", "full"),
      answers_left: isWhole,
      expires: isPoint,
      size: optional(isWhole),
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
    const ephemeral = this.#transport.environment.random(KEY_SIZE);
    return sealEnvelope(link.body, await decodeLink(secret, "secret"), ephemeral);
  }

  /**
   * Leave an envelope.
   * @param {Link} link of a request
   * @param {Bytes} envelope
   * @throws {TainaError} answered: there are as many as are wanted; gone, not_found
   */
  async answer(link, envelope) {
    const { id, token } = await deriveRequest(link.body);
    const call = { token, json: { envelope: toBase64url(envelope) } };
    await this.#transport.json("POST", `${path(id)}/envelopes`, call);
  }

  /**
   * Read what was left; that changes nothing.
   * @param {Link} link of an inbox
   * @param {import("./transport.js").Call} [call]
   * @returns {Promise<{answers: number, expires: number, received: Answer[]}>} how many are wanted, unix seconds, those that came
   * @throws {TainaError} not_found, unsupported
   */
  async inbox(link, call = {}) {
    const inbox = await deriveInbox(link.body);
    const { id } = await deriveRequest(await publicKey(inbox.private));
    const found = checked(await this.#transport.json("GET", `${path(id)}/envelopes`, { ...call, token: inbox.token }), {
      answers: isWhole,
      expires: isPoint,
      envelopes: Array.isArray,
    });
    if (found.envelopes.length > found.answers) throw new TainaError("internal");
    /** @type {Answer[]} */
    const received = [];
    for (const each of found.envelopes) {
      const { received: when, envelope } = checked(each, { received: isPoint, envelope: isBytes });
      received.push({ received: when, secret: await opened(inbox.private, envelope) });
    }
    return { answers: found.answers, expires: found.expires, received };
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
      await this.#transport.json("DELETE", path(id), { token: inbox.token });
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
