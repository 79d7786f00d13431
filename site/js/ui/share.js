// What can be done with the links that were made, besides copying them: a code to be photographed, the system's share
// sheet, a mail of one's own; and receipts that this browser keeps.

import { keep } from "../kept_receipts.js";
import { element, load, say, tellOn } from "./page.js";

/** @typedef {import("../client/client.js").Links} Links */

const QUIET = 4; // modules of white around a code (ISO/IEC 18004)
const SVG = "http://www.w3.org/2000/svg";

/** @type {Links[]} */
let made = [];

element("show-code").addEventListener("click", toggleCode);
element("share").addEventListener("click", share);
element("keep").addEventListener("click", keepReceipts);

/** @param {Links[]} links that the buttons are about from now; a single one can be handed on from here */
export function offer(links) {
  made = links;
  showCode(false);
  element("share").hidden = !("share" in navigator);
  const fields = { subject: say("mail_subject"), body: say("mail_body", { link: address() }) };
  const query = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  /** @type {HTMLAnchorElement} */ (element("mail")).href = `mailto:?${query.join("&")}`;
  element("sharing").hidden = links.length > 1;
  element("keeping").hidden = false;
  element("kept").hidden = element("not-kept").hidden = true;
}

/** @returns {string} the neutral one: the reader's browser chooses the language */
function address() {
  return `${location.origin}/s/#${made[0].secret}`;
}

/** Only now, because somebody asked for it. */
function keepReceipts() {
  const created = Math.floor(Date.now() / 1000);
  const kept = keep(made.map(({ receipt, expires }) => ({ receipt, name: "", created, expires })));
  element("keeping").hidden = kept;
  element(kept ? "kept" : "not-kept").hidden = false;
  if (kept) element("kept").focus();
}

async function share() {
  try {
    await navigator.share({ title: say("mail_subject"), url: address() });
  } catch (error) {
    // Closed without choosing, or open already.
    if (["AbortError", "InvalidStateError"].includes(/** @type {DOMException} */ (error).name)) return;
    element("link").focus(); // which selects it
    tellOn(element("share"), "copy_by_hand");
  }
}

async function toggleCode() {
  const showing = element("code").hidden;
  if (showing) {
    try {
      /** @type {{default: typeof import("qrcode-generator")}} */
      const { default: qrcode } = await load("../packages/qrcode-generator.js");
      element("code").replaceChildren(draw(qrcode, address()));
    } catch {
      element("code").textContent = say("not_loaded");
    }
  }
  showCode(showing);
}

/** @param {boolean} showing */
function showCode(showing) {
  element("code").hidden = !showing;
  element("show-code").setAttribute("aria-expanded", String(showing));
}

/** @param {typeof import("qrcode-generator")} qrcode @param {string} text @returns {SVGElement} */
function draw(qrcode, text) {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let dark = "";
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (code.isDark(row, column)) dark += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
    }
  }
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${size + 2 * QUIET} ${size + 2 * QUIET}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", say("code"));
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", dark);
  picture.append(path);
  return picture;
}
