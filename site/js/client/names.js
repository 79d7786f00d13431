// A sender's file name, made fit for the reader's file system. A name is never trusted.

const MAX_LENGTH = 200; // UTF-8 bytes, well below the 255 of most file systems
const MAX_EXTENSION = 20;
/** Separators and what Windows forbids, controls, marks that turn the direction of writing, and what is not seen. */
const UNFIT =
  /[/\\:*?"<>|\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffc\u{e0000}-\u{e0fff}]/gu;
/** Names of devices (Microsoft, "Naming Files, Paths, and Namespaces"), whatever follows the first dot. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9¹²³])[ ]*(\.|$)/i;

/**
 * Applying it again changes nothing; the cases stand in tests/vectors/names.json.
 * @param {string} name
 * @param {{hidden?: boolean}} [options] hidden: a name such as `.env` keeps its dot
 * @returns {string} `file` where nothing is left of it
 */
export function cleanName(name, { hidden = false } = {}) {
  const fit = name.replace(UNFIT, "_");
  let clean = trim(fit);
  if (hidden && clean && fit.startsWith(".")) return `.${cleanName(clean)}`;
  if (DEVICE.test(clean)) clean = `_${clean}`;
  return shorten(clean) || "file";
}

/**
 * No hidden files, and no end that Windows would drop. What joins and varies signs is needed within a name, and not
 * seen at its ends.
 * @param {string} name
 * @returns {string}
 */
function trim(name) {
  return name
    .replace(/^(?:[. ]|\u200c|\u200d|[\ufe00-\ufe0f])+/u, "")
    .replace(/(?:[. ]|\u200c|\u200d|[\ufe00-\ufe0f])+$/u, "");
}

/** Cut before the last extension, never through a character. @param {string} name @returns {string} */
function shorten(name) {
  if (bytes(name) <= MAX_LENGTH) return name;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 && bytes(name.slice(dot)) <= MAX_EXTENSION ? name.slice(dot) : "";
  let stem = "";
  let room = MAX_LENGTH - bytes(extension);
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
