// What was copied does not stay in the clipboard for ever: a button clears it, and a minute does where that can work.

import { announce, element, fill, say } from "./page.js";

const CLEAR_AFTER = 60_000; // ms

/** @type {ReturnType<typeof setTimeout> | undefined} */
let due;

element("clear-clipboard").addEventListener("click", clear);
// Whoever went elsewhere may have copied something else there, and no page may look what it is.
addEventListener("blur", () => clearTimeout(due));

/** A secret was copied. */
export async function clearLater() {
  fill("clipboard", say("clipboard"));
  element("clipboard").hidden = element("clear-clipboard").hidden = false;
  clearTimeout(due);
  if (await writesByItself()) due = setTimeout(clear, CLEAR_AFTER);
}

async function clear() {
  clearTimeout(due);
  try {
    await navigator.clipboard.writeText("");
  } catch {
    return; // the button stays
  }
  fill("clipboard", say("clipboard_cleared"));
  announce(say("clipboard_cleared"));
  element("clear-clipboard").hidden = true;
}

/** @returns {Promise<boolean>} whether this browser lets a page write without a click */
async function writesByItself() {
  try {
    const name = /** @type {PermissionName} */ ("clipboard-write");
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false; // it does not know such a permission
  }
}
