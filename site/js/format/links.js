// Links: what stands behind the `#` (specification: Text forms).

import { concat, encode, fromBase64url, toBase64url } from "../bytes.js";
import { TainaError } from "../errors.js";
import { sha256 } from "./derive.js";

/** @typedef {import("./derive.js").Bytes} Bytes */
/** @typedef {"secret" | "receipt" | "request" | "inbox"} Kind */
/**
 * A link of any kind. `body`: K | receipt key and opened hash | X25519 public key | seed.
 * @typedef {{kind: Kind, body: Bytes, passphrase: boolean}} Link
 */

export const VERSION = 1;
export const PASSPHRASE = 0x80;
/** @type {Kind[]} */
export const KINDS = ["secret", "receipt", "request", "inbox"];
/** @type {Record<Kind, number>} */
export const BODY_SIZES = { secret: 32, receipt: 48, request: 32, inbox: 32 };
/** @type {Kind[]} */
const MAY_NEED_PASSPHRASE = ["secret", "request"];
const CHECK_SIZE = 2;
const PERCENT = /(?:%[0-9A-Fa-f]{2})+/g;
/** A browser encodes what it is given; what rewrote the link may have done so before. */
const MAX_DECODINGS = 3;
// Named one by one, so that both implementations mean the same by what is not seen.
const UNSEEN =
  /[\x00-\x20\\\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffc\u{e0000}-\u{e0fff}]+/gu;
/** Full-width forms, as input methods for East Asian languages type them. */
const WIDE = /[\uff01-\uff5e]/g;
/** Character references of HTML. */
const REFERENCE = /&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|colon|lowbar|num|percnt|period|sol));/g;
/** @type {Record<string, string>} */
const NAMED = { amp: "&", colon: ":", lowbar: "_", num: "#", percnt: "%", period: ".", sol: "/" };
const SOFT_BREAK = /=[ \t]*\r?\n/g;
/** Quoted-printable (RFC 2045, section 6.7), which encodes each `=`: only there a pair is no parameter. */
const QUOTED = /=3D|\/=23/;
const QUOTED_PAIR = /=([0-9A-F]{2})/g;
/** A mail scanner that has its own way of putting a link into its own; `Iw` is the `#` that stood at the `*`. */
const PROOFPOINT_2 = /https?:\/\/urldefense(?:\.proofpoint)?\.com\/v2\/url\?u=([^&]*)/gi;
const PROOFPOINT_3 = /https?:\/\/urldefense(?:\.proofpoint)?\.com\/v3\/__([^*!]{1,500})\*([^*!]{1,500}?)__;Iw!/gi;
const RUN = /[A-Za-z0-9_=-]+/;

/** @param {Link} link @returns {number} */
export function flagsOf(link) {
  return VERSION | (KINDS.indexOf(link.kind) << 4) | (link.passphrase ? PASSPHRASE : 0);
}

/** @param {Link} link @returns {Promise<string>} the fragment, without `#` */
export async function encodeLink(link) {
  const head = concat(Uint8Array.of(flagsOf(link)), link.body);
  return toBase64url(concat(head, await check(head)));
}

/**
 * Read a fragment or a whole address, strictly after `cleanFragment`.
 * @param {string} text
 * @param {Kind} kind
 * @returns {Promise<Link>}
 * @throws {TainaError} incomplete_link: cut or mistyped; newer_link: whole, but of a later version;
 *   wrong_link: whole, but of another kind, named by its member `kind`
 */
export async function decodeLink(text, kind) {
  let data;
  try {
    data = fromBase64url(cleanFragment(text));
  } catch {
    throw new TainaError("incomplete_link");
  }
  const head = data.slice(0, -CHECK_SIZE);
  // The check has the same place and label in every version: a newer link is told apart from a broken one.
  if (head.length === 0 || toBase64url(data.slice(-CHECK_SIZE)) !== toBase64url(await check(head))) {
    throw new TainaError("incomplete_link");
  }
  const flags = head[0];
  const body = head.slice(1);
  if ((flags & 0x0f) !== VERSION) throw new TainaError("newer_link");
  const found = KINDS[(flags >> 4) & 0x07];
  if (found === undefined) throw new TainaError("newer_link");
  const passphrase = Boolean(flags & PASSPHRASE);
  if (body.length !== BODY_SIZES[found] || (passphrase && !MAY_NEED_PASSPHRASE.includes(found))) {
    throw new TainaError("incomplete_link");
  }
  if (found !== kind) throw new TainaError("wrong_link", { kind: found });
  return { kind: found, body, passphrase };
}

/**
 * Undo what mail and chat programs do to a link; guesses nothing that was lost.
 *
 * Takes a whole address or a bare fragment; drops encodings, what is not seen and backslashes, and takes the first
 * run of base64url, as long as its first byte says: what is around it are parameters, quotes, brackets, a text.
 * @param {string} text
 * @returns {string}
 */
export function cleanFragment(text) {
  let rest = text.replace(SOFT_BREAK, "");
  if (QUOTED.test(rest)) rest = rest.replace(QUOTED_PAIR, "%$1");
  for (let n = 0; n < MAX_DECODINGS; n++) rest = plain(rest).replace(PERCENT, decodeOctets);
  rest = plain(rest);
  return bounded((RUN.exec(rest.slice(rest.lastIndexOf("#") + 1))?.[0] ?? "").replaceAll("=", ""));
}

/**
 * A link of our version has the length of its kind: what else stands right behind it is not a part of it.
 * @param {string} run
 * @returns {string}
 */
function bounded(run) {
  if (run.length < 4) return run;
  const flags = fromBase64url(run.slice(0, 4))[0];
  const kind = KINDS[(flags >> 4) & 0x07];
  if ((flags & 0x0f) !== VERSION || kind === undefined) return run;
  return run.slice(0, Math.ceil(((1 + BODY_SIZES[kind] + CHECK_SIZE) * 4) / 3));
}

/** @param {string} text @returns {string} without what is not seen, each other way of writing undone once */
function plain(text) {
  return text
    .replace(UNSEEN, "")
    .replace(REFERENCE, decodeReference)
    .replace(WIDE, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0))
    .replace(PROOFPOINT_2, (_, link) => link.replaceAll("-", "%").replaceAll("_", "/"))
    .replace(PROOFPOINT_3, "$1#$2")
    .replace(UNSEEN, "");
}

/**
 * @param {string} _
 * @param {string | undefined} decimal
 * @param {string | undefined} hexadecimal
 * @param {string} name
 * @returns {string}
 */
function decodeReference(_, decimal, hexadecimal, name) {
  if (name) return NAMED[name];
  const number = decimal ? Number(decimal) : parseInt(hexadecimal ?? "", 16);
  return number < 0xd800 || (number > 0xdfff && number <= 0x10ffff) ? String.fromCodePoint(number) : "\ufffd";
}

/** @param {string} octets `%E2%80%8B` @returns {string} what they are in UTF-8 */
function decodeOctets(octets) {
  const bytes = Uint8Array.from(octets.slice(1).split("%"), (hex) => parseInt(hex, 16));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** @param {Bytes} head @returns {Promise<Bytes>} */
async function check(head) {
  return (await sha256(concat(encode("taina/v1 link"), head))).slice(0, CHECK_SIZE);
}
