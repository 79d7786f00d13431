// Every key, identifier and proof from the one link secret (specification: Derivation).

import { concat, encode } from "../bytes.js";
import { TainaError } from "../errors.js";

/** @typedef {import("../bytes.js").Bytes} Bytes */
/** @typedef {{id: Bytes, proof: Bytes, salt: Bytes}} LinkKeys */
/** @typedef {{content: Bytes, reveal: Bytes, opened: Bytes}} ContentKeys */
/** @typedef {{id: Bytes, token: Bytes}} Token */
/** @typedef {{private: Bytes, token: Bytes}} InboxKeys */

export const KEY_SIZE = 32;
const SALT = encode("taina/v1");
const ROUNDS = 600_000;

/** @param {Bytes} data @returns {Promise<Bytes>} 32 bytes */
export async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/**
 * HKDF-SHA-256 (RFC 5869), salt `taina/v1`, info = the label in ASCII.
 * @param {Bytes} material
 * @param {string} label
 * @param {number} length bytes
 * @returns {Promise<Bytes>}
 */
export async function hkdf(material, label, length) {
  const key = await crypto.subtle.importKey("raw", material, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: SALT, info: encode(label) };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}

/** @param {Bytes} key @returns {Promise<LinkKeys>} id 16 bytes, proof 32, salt 16 */
export async function deriveLinkKeys(key) {
  const [id, proof, salt] = await Promise.all([
    hkdf(key, "id", 16),
    hkdf(key, "link", 32),
    hkdf(key, "passphrase-salt", 16),
  ]);
  return { id, proof, salt };
}

/**
 * @param {Bytes} key
 * @param {string | null} passphrase
 * @returns {Promise<ContentKeys>} 32 bytes each
 * @throws {TainaError} bad_format: the passphrase is empty or no well-formed text
 */
export async function deriveContentKeys(key, passphrase) {
  const material = passphrase === null ? key : concat(key, await stretch(passphrase, (await deriveLinkKeys(key)).salt));
  const [content, reveal, opened] = await Promise.all([
    hkdf(material, "content", 32),
    hkdf(material, "reveal", 32),
    hkdf(material, "opened", 32),
  ]);
  return { content, reveal, opened };
}

/**
 * PBKDF2-HMAC-SHA-256 (RFC 8018) of the passphrase in NFKC as UTF-8, 600,000 rounds, 32 bytes.
 * @param {string} passphrase
 * @param {Bytes} salt
 * @returns {Promise<Bytes>}
 * @throws {TainaError} bad_format: the passphrase is empty or no well-formed text
 */
export async function stretch(passphrase, salt) {
  const encoded = encode(passphrase.normalize("NFKC"));
  // The encoder would silently replace half a character.
  if (encoded.length === 0 || /\p{Surrogate}/u.test(passphrase)) throw new TainaError("bad_format");
  const key = await crypto.subtle.importKey("raw", encoded, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256));
}

/** @param {Bytes} seed @returns {Promise<Token>} id 16 bytes, token 32 */
export async function deriveClaim(seed) {
  return { id: await hkdf(seed, "claim-id", 16), token: await hkdf(seed, "claim-token", 32) };
}

/** @param {Bytes} key @returns {Promise<Token>} id 16 bytes, token 32 */
export async function deriveReceipt(key) {
  return { id: await hkdf(key, "receipt-id", 16), token: await hkdf(key, "receipt-token", 32) };
}

/** @param {Bytes} seed @returns {Promise<InboxKeys>} X25519 private key 32 bytes, token that reads and deletes the request 32 */
export async function deriveInbox(seed) {
  return { private: await hkdf(seed, "request-key", 32), token: await hkdf(seed, "inbox", 32) };
}

/**
 * From the X25519 public key in the request link; the token may leave an envelope.
 * @param {Bytes} publicKey
 * @returns {Promise<Token>} id 16 bytes, token 32
 */
export async function deriveRequest(publicKey) {
  return { id: await hkdf(publicKey, "request-id", 16), token: await hkdf(publicKey, "answer", 32) };
}
