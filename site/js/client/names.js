// A sender's file name, made fit for the reader's file system. A name is never trusted.

const LONGEST = 200; // UTF-8 bytes, well below the 255 of most file systems
const LONGEST_EXTENSION = 20;
/** Separators and what Windows forbids, controls, and marks that turn the direction of writing. */
const UNFIT = /[/\\:*?"<>|\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu;
/** Names of devices (Microsoft, "Naming Files, Paths, and Namespaces"), whatever follows the first dot. */
const DEVICE = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])[ ]*(\.|$)/i;

/**
 * Applying it again changes nothing; the cases stand in tests/vectors/names.json.
 * @param {string} name
 * @returns {string} `file` where nothing is left of it
 */
export function cleanName(name) {
  let clean = trim(name.replace(UNFIT, "_"));
  if (DEVICE.test(clean)) clean = `_${clean}`;
  return shorten(clean) || "file";
}

/** No hidden files, and no end that Windows would drop. @param {string} name @returns {string} */
function trim(name) {
  return name.replace(/^[. ]+/, "").replace(/[. ]+$/, "");
}

/** Cut before the last extension, never through a character. @param {string} name @returns {string} */
function shorten(name) {
  if (bytes(name) <= LONGEST) return name;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 && bytes(name.slice(dot)) <= LONGEST_EXTENSION ? name.slice(dot) : "";
  let stem = "";
  let room = LONGEST - bytes(extension);
  for (const character of name.slice(0, name.length - extension.length)) {
    if ((room -= bytes(character)) < 0) break;
    stem += character;
  }
  return trim(stem) + extension;
}

/** @param {string} text @returns {number} bytes of it in UTF-8 */
function bytes(text) {
  return new TextEncoder().encode(text).length;
}
