// What becomes of a secret: its state before the reveal, its receipt, its end.

import { fromBase64url, toBase64url } from "../bytes.js";
import { KEY_SIZE, deriveLinkKeys, deriveReceipt, sha256 } from "../format/derive.js";
import { checked, isBoolean, isBytes, isPoint, isState, isWhole, optional } from "./answers.js";
import { Transport } from "./transport.js";

/** @typedef {import("../format/links.js").Link} Link */
/** @typedef {import("./answers.js").State} State */
/** @typedef {{state: State, passphrase: boolean, size: number, chunks: number, expires: number, attempts_left: number}} Status size in bytes of ciphertext, unix seconds */
/** @typedef {{state: State | "unproved", created: number, expires: number, ended?: number, failed_attempts: number, opened?: string, proved: boolean}} Receipt unix seconds */

/** What a receipt says before the secret has ended, or its reader has confirmed to have it. */
const OPEN_STATES = ["uploading", "waiting", "revealed"];
const MAX_LEASE = 86_400; // seconds after a reveal in which a reader may still be reading

/** The calls that need no content. */
export class Secrets {
  /** @protected @readonly */
  transport;

  /**
   * @param {string} [api] address of the API
   * @param {Partial<import("./transport.js").Environment>} [environment] what stands in for the browser's own, in tests
   */
  constructor(api, environment) {
    this.transport = new Transport(api, environment);
  }

  /**
   * What may be known before the reveal; consumes nothing.
   * @param {Link} link
   * @returns {Promise<Status>}
   * @throws {TainaError} not_found, gone
   */
  async status(link) {
    const { id, proof } = await deriveLinkKeys(link.body);
    return checked(await this.transport.json("GET", `/secrets/${toBase64url(id)}`, { token: proof }), {
      state: isState,
      passphrase: isBoolean,
      size: isWhole,
      chunks: isWhole,
      expires: isPoint,
      attempts_left: isWhole,
    });
  }

  /**
   * What became of a secret: `opened` only when the reader's own proof fits the receipt link, else `unproved`.
   * @param {Link} link
   * @param {import("./transport.js").Call} [call]
   * @returns {Promise<Receipt>}
   * @throws {TainaError} not_found
   */
  async receipt(link, call = {}) {
    const { id, token } = await deriveReceipt(link.body.slice(0, KEY_SIZE));
    const receipt = checked(await this.transport.json("GET", `/receipts/${toBase64url(id)}`, { ...call, token }), {
      state: isState,
      created: isPoint,
      expires: isPoint,
      failed_attempts: isWhole,
      ended: optional(isPoint),
      opened: optional(isBytes),
    });
    const proof = receipt.opened === undefined ? null : (await sha256(fromBase64url(receipt.opened))).slice(0, 16);
    const proved = proof !== null && toBase64url(proof) === toBase64url(link.body.slice(KEY_SIZE));
    // What a server says without that proof is another state.
    return { ...receipt, state: receipt.state === "opened" && !proved ? "unproved" : receipt.state, proved };
  }

  /**
   * Destroy the secret unread.
   * @param {Link} link of a receipt
   * @throws {TainaError} not_found, gone
   */
  async burn(link) {
    const { id, token } = await deriveReceipt(link.body.slice(0, KEY_SIZE));
    await this.transport.json("POST", `/receipts/${toBase64url(id)}/burn`, { token });
  }
}

/** Whether nothing more can become of it. @param {Receipt} receipt @param {number} now unix seconds @returns {boolean} */
export function hasEnded({ state, ended }, now) {
  return !OPEN_STATES.includes(state) || (ended ?? now) + MAX_LEASE < now;
}
