// How an answer reaches the asker: the key of a secret's link, sealed to a request (specification: Requests).
//
// HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. An envelope is
// `enc (32) || ciphertext (49)` of `flags || K`, bound to the request's id.

import { concat, encode } from "../bytes.js";
import { TainaError } from "../errors.js";
import { KEY_SIZE, deriveRequest } from "./derive.js";
import { PASSPHRASE, VERSION, flagsOf } from "./links.js";

/** @typedef {import("./derive.js").Bytes} Bytes */
/** @typedef {import("./links.js").Link} Link */

export const ENVELOPE_SIZE = 81;
const INFO = encode("taina/v1 request");
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));
/** What stands before the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410). */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const KEM_ID = Uint8Array.of(0x00, 0x20);
const SUITE_ID = concat(KEM_ID, Uint8Array.of(0x00, 0x01, 0x00, 0x02)); // HKDF-SHA256, AES-256-GCM
const EMPTY = new Uint8Array(0);

/**
 * @param {Bytes} privateKey
 * @returns {Promise<Bytes>} the X25519 public key (RFC 7748) of 32 bytes, which a request link carries
 * @throws {TainaError} unsupported: a browser without X25519
 */
export async function publicKey(privateKey) {
  return agree(privateKey, BASE_POINT);
}

/**
 * Seal a secret's link to a request.
 * @param {Bytes} publicKey
 * @param {Link} link
 * @param {Bytes} ephemeral 32 random bytes, used for this envelope alone
 * @returns {Promise<Bytes>}
 * @throws {TainaError} bad_format: `publicKey` is none of the keys that X25519 can agree with; unsupported
 */
export async function sealEnvelope(publicKey, link, ephemeral) {
  const plain = concat(Uint8Array.of(flagsOf(link)), link.body);
  return sealBase(publicKey, ephemeral, await infoOf(publicKey), EMPTY, plain);
}

/**
 * @param {Bytes} privateKey
 * @param {Bytes} envelope
 * @returns {Promise<Link>} the secret's link
 * @throws {TainaError} tampered: another request's, or changed bytes; bad_format: it opens, but what is in it is no
 *   link to a secret of this version; unsupported
 */
export async function openEnvelope(privateKey, envelope) {
  if (envelope.length !== ENVELOPE_SIZE) throw new TainaError("tampered");
  const opened = await openBase(privateKey, await infoOf(await publicKey(privateKey)), EMPTY, envelope);
  const [flags, key] = [opened[0], opened.slice(1)];
  if ((flags & ~PASSPHRASE) !== VERSION || key.length !== KEY_SIZE) throw new TainaError("bad_format");
  return { kind: "secret", body: key, passphrase: Boolean(flags & PASSPHRASE) };
}

/**
 * SealBase of RFC 9180, 6.1, with the ephemeral key as an argument.
 * @param {Bytes} publicKey
 * @param {Bytes} ephemeral
 * @param {Bytes} info
 * @param {Bytes} aad
 * @param {Bytes} plain
 * @returns {Promise<Bytes>} enc || ciphertext
 * @throws {TainaError} bad_format, unsupported
 */
export async function sealBase(publicKey, ephemeral, info, aad, plain) {
  const enc = await agree(ephemeral, BASE_POINT);
  const { key, iv } = await schedule(await agree(ephemeral, publicKey), enc, publicKey, info);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: aad }, key, plain);
  return concat(enc, new Uint8Array(sealed));
}

/**
 * OpenBase of RFC 9180, 6.1.
 * @param {Bytes} privateKey
 * @param {Bytes} info
 * @param {Bytes} aad
 * @param {Bytes} sealed enc || ciphertext
 * @returns {Promise<Bytes>}
 * @throws {TainaError} tampered, unsupported
 */
export async function openBase(privateKey, info, aad, sealed) {
  const [enc, ciphertext] = [sealed.slice(0, 32), sealed.slice(32)];
  const own = await publicKey(privateKey);
  try {
    const { key, iv } = await schedule(await agree(privateKey, enc), enc, own, info);
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: aad }, key, ciphertext);
    return new Uint8Array(plain);
  } catch {
    throw new TainaError("tampered");
  }
}

/**
 * X25519 (RFC 7748, 6.1); all zeros are refused, as RFC 9180, 7.1.4, demands.
 * @param {Bytes} privateKey
 * @param {Bytes} publicKey
 * @returns {Promise<Bytes>} 32 bytes
 * @throws {TainaError} bad_format, unsupported
 */
export async function agree(privateKey, publicKey) {
  const scalar = privateKey.slice();
  scalar[0] |= 1; // its lowest three bits do not count (RFC 7748, 5), and WebKitGTK 2.50 refuses a key that begins with 0
  let own;
  try {
    own = await crypto.subtle.importKey("pkcs8", concat(PKCS8, scalar), "X25519", false, ["deriveBits"]);
  } catch {
    throw new TainaError("unsupported");
  }
  try {
    const other = await crypto.subtle.importKey("raw", publicKey, "X25519", false, []);
    const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, own, 256));
    if (shared.some((byte) => byte !== 0)) return shared;
  } catch {
    // told below: engines refuse such a key in different places
  }
  throw new TainaError("bad_format");
}

/**
 * The shared secret of the KEM (RFC 9180, 4.1), and the key schedule of base mode (5.1).
 * @param {Bytes} dh
 * @param {Bytes} enc
 * @param {Bytes} publicKey
 * @param {Bytes} info
 * @returns {Promise<{key: CryptoKey, iv: Bytes}>} for the first message, and there is only one
 */
async function schedule(dh, enc, publicKey, info) {
  const kem = concat(encode("KEM"), KEM_ID);
  const shared = await expand(
    kem,
    await extract(kem, EMPTY, "eae_prk", dh),
    "shared_secret",
    concat(enc, publicKey),
    32,
  );

  const hpke = concat(encode("HPKE"), SUITE_ID);
  const context = concat(
    Uint8Array.of(0), // base mode
    await extract(hpke, EMPTY, "psk_id_hash", EMPTY),
    await extract(hpke, EMPTY, "info_hash", info),
  );
  const secret = await extract(hpke, shared, "secret", EMPTY);
  const key = await expand(hpke, secret, "key", context, 32);
  return {
    key: await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]),
    iv: await expand(hpke, secret, "base_nonce", context, 12),
  };
}

/** LabeledExtract of RFC 9180, 4. @param {Bytes} suite @param {Bytes} salt @param {string} label @param {Bytes} ikm @returns {Promise<Bytes>} */
async function extract(suite, salt, label, ikm) {
  // WebCrypto refuses an empty key; HMAC pads it to one of 32 zeros (RFC 5869, 2.2).
  return hmac(salt.length ? salt : new Uint8Array(32), concat(encode("HPKE-v1"), suite, encode(label), ikm));
}

/**
 * LabeledExpand of RFC 9180, 4, for at most 32 bytes: one block of HKDF-Expand (RFC 5869, 2.3).
 * @param {Bytes} suite
 * @param {Bytes} prk
 * @param {string} label
 * @param {Bytes} info
 * @param {number} length
 * @returns {Promise<Bytes>}
 */
async function expand(suite, prk, label, info, length) {
  const labeled = concat(Uint8Array.of(0, length), encode("HPKE-v1"), suite, encode(label), info);
  return (await hmac(prk, concat(labeled, Uint8Array.of(1)))).slice(0, length);
}

/** @param {Bytes} key @param {Bytes} data @returns {Promise<Bytes>} */
async function hmac(key, data) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

/** @param {Bytes} publicKey @returns {Promise<Bytes>} */
async function infoOf(publicKey) {
  return concat(INFO, (await deriveRequest(publicKey)).id);
}
