// Ways to hand a link on: by a code to be photographed, the system's share sheet, a mail of one's own.

import { element, load, say } from "./page.js";

const QUIET = 4; // modules of white around a code (ISO/IEC 18004)
const SVG = "http://www.w3.org/2000/svg";

let address = "";

element("show-code").addEventListener("click", toggleCode);
element("share").addEventListener("click", share);

/** @param {string} link that the buttons hand on from now */
export function offer(link) {
  address = link;
  showCode(false);
  element("share").hidden = !("share" in navigator);
  const fields = { subject: say("mail_subject"), body: say("mail_body", { link }) };
  const query = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  /** @type {HTMLAnchorElement} */ (element("mail")).href = `mailto:?${query.join("&")}`;
  element("sharing").hidden = false;
}

async function share() {
  try {
    await navigator.share({ title: say("mail_subject"), url: address });
  } catch {
    // closed without choosing: nothing was shared, and the link is still here
  }
}

async function toggleCode() {
  const showing = element("code").hidden;
  if (showing) {
    /** @type {{default: typeof import("qrcode-generator")}} */
    const { default: qrcode } = await load("../packages/qrcode-generator.js");
    element("code").replaceChildren(draw(qrcode, address));
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
