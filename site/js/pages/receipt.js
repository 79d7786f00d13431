import { Client } from "../client.js";
import { TainaError } from "../errors.js";
import { decodeLink } from "../format/links.js";
import { announce, canEncrypt, element, fill, formatNumber, formatTime, say, show } from "../ui/page.js";

/** @type {Record<string, string>} */
const STATES = {
  incomplete_link: "cut",
  wrong_link: "wrong-link",
  newer_link: "newer",
  not_found: "missing",
  rate_limited: "limited",
};

const client = new Client();
/** @type {import("../format/links.js").Link} */
let link;

addEventListener("hashchange", () => location.reload());

if (canEncrypt()) start();
else show("insecure");

function start() {
  element("refresh").addEventListener("click", look);
  element("try-again").addEventListener("click", look);
  element("burn").addEventListener("click", () => askToBurn(true));
  element("burn-cancel").addEventListener("click", () => askToBurn(false));
  element("burn-confirm").addEventListener("click", burn);
  look();
}

async function look() {
  try {
    link = await decodeLink(location.hash, "receipt");
    tell(await client.receipt(link));
  } catch (error) {
    explain(error);
  }
}

/** @param {import("../client.js").Receipt} receipt */
function tell({ state, created, expires, ended, failed_attempts, proved }) {
  const name = say(`states.${state}`);
  element("receipt-state").textContent = name;
  fill("explain", say(`explain.${state === "opened" && !proved ? "unproved" : state}`));
  fill("created", formatTime(created));
  fill("expires", formatTime(expires));
  element("failed").hidden = failed_attempts === 0;
  fill("failed", formatNumber(failed_attempts));
  element("ended").hidden = ended === undefined;
  element("expires").hidden = ended !== undefined;
  if (ended !== undefined) {
    element("ended-name").textContent = name;
    fill("ended", formatTime(ended));
  }
  element("burn").hidden = state !== "waiting" && state !== "uploading";
  element("burning").hidden = true;
  show("shown");
  announce(name);
}

/** @param {boolean} asking */
function askToBurn(asking) {
  element("burning").hidden = !asking;
  element("burn").setAttribute("aria-expanded", String(asking));
  element(asking ? "burn-cancel" : "burn").focus();
}

async function burn() {
  try {
    await client.burn(link);
  } catch (error) {
    // It ended in another way in the meantime: the receipt tells which.
    if (!(error instanceof TainaError && error.code === "gone")) {
      explain(error);
      return;
    }
  }
  await look();
  element("refresh").focus();
}

/** @param {unknown} error */
function explain(error) {
  show((error instanceof TainaError && STATES[error.code]) || "unreachable");
}
