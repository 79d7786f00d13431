// Very long lines of a text, in pieces that engines can lay out: a whole one takes them minutes.

const LONG_LINE = /([^\n]{8192,})/;
/** Up to the last space, or else never before a sign that belongs to the one before. */
const ROWS = /.{0,1023}\s(?!\p{M})|.{1,1024}(?![\p{M}\u200d])|.{1,1024}/gsu;

/**
 * A text as it is put into the page: a very long line in pieces of some rows each. Engines take minutes for one of
 * 256 KiB, more if it runs from right to left. Neither what is read nor what is selected and copied changes.
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
export function pieces(text) {
  const parts = text.split(LONG_LINE);
  return parts.map((part, n) => (n % 2 ? (part.match(ROWS) ?? []).map(pieceOf) : [part])).flat();
}

/** @param {string} rows @returns {HTMLElement} */
function pieceOf(rows) {
  const piece = document.createElement("span");
  piece.textContent = rows;
  return piece;
}
