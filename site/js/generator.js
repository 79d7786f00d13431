// Passphrases and passwords by chance: every choice equally likely, none by a remainder.

/** @typedef {(bytes: Uint8Array<ArrayBuffer>) => unknown} Random fills an array with random bytes */

const WORDS = 6; // of 7776: about 77 bits
const LENGTH = 20; // of 64 characters: about 120 bits
/** Without those that are taken for each other: 0 O, 1 I l. */
const KINDS = ["abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!#%+:=?"];

/**
 * @param {readonly string[]} list the EFF's long list
 * @param {Random} [random]
 * @returns {string} six words with a hyphen between them
 */
export function sixWords(list, random) {
  return Array.from({ length: WORDS }, () => list[below(list.length, random)]).join("-");
}

/**
 * @param {Random} [random]
 * @returns {string} a password that has a character of each kind; all such are equally likely
 */
export function password(random) {
  const all = KINDS.join("");
  for (;;) {
    const found = Array.from({ length: LENGTH }, () => all[below(all.length, random)]);
    if (KINDS.every((kind) => found.some((character) => kind.includes(character)))) return found.join("");
  }
}

/**
 * @param {number} n 1 to 65536
 * @param {Random} [random]
 * @returns {number} 0 to n - 1; numbers above the last whole multiple of n are drawn again
 */
export function below(n, random = (bytes) => crypto.getRandomValues(bytes)) {
  const bytes = new Uint8Array(2);
  for (;;) {
    random(bytes);
    const drawn = bytes[0] * 256 + bytes[1];
    if (drawn < 65536 - (65536 % n)) return drawn % n;
  }
}
