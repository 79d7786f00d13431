import { Client } from "../client/client.js";
import { TainaError } from "../errors.js";
import { decodeLink } from "../format/links.js";
import { Requests } from "../client/requests.js";
import { announce, element, fill, formatTime, run, say, show } from "../ui/page.js";

/** @typedef {import("../client/requests.js").Answer} Answer */

/** @type {Record<string, string>} */
const STATES = {
  incomplete_link: "cut",
  wrong_link: "wrong-link",
  newer_link: "newer",
  not_found: "missing",
  rate_limited: "limited",
  unsupported: "outdated",
};

const client = new Client();
const requests = new Requests(client);
/** @type {import("../format/links.js").Link} */
let link;

addEventListener("hashchange", () => location.reload());

run(start);

function start() {
  element("refresh").addEventListener("click", look);
  element("try-again").addEventListener("click", look);
  element("delete").addEventListener("click", () => askToDelete(true));
  element("delete-cancel").addEventListener("click", () => askToDelete(false));
  element("delete-confirm").addEventListener("click", remove);
  void look();
}

async function look() {
  try {
    link = await decodeLink(location.hash, "inbox");
    const { answers, expires, received } = await requests.inbox(link);
    const count = say("count", { n: received.length, most: answers });
    fill("came", count);
    fill("until", formatTime(expires));
    element("answers").replaceChildren(...(await Promise.all(received.map(row))));
    element("answers").hidden = received.length === 0;
    element("none").hidden = received.length > 0;
    element("deleting").hidden = true;
    show("shown");
    announce(count);
  } catch (error) {
    explain(error);
  }
}

/** @param {Answer} answer @param {number} n @returns {Promise<HTMLElement>} */
async function row({ received, secret }, n) {
  const template = /** @type {HTMLTemplateElement} */ (element("answer-part"));
  const part = /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
  const [came, how] = part.getElementsByTagName("p");
  const [open] = part.getElementsByTagName("a");
  came.textContent = say("received", { when: formatTime(received) });
  const { state, ended } = await standing(secret);
  how.textContent = say(`states.${state}`, { when: ended === undefined ? "" : formatTime(ended) });
  open.hidden = secret === null || !["waiting", "uploading", "unreachable"].includes(state);
  open.href = `../s/#${secret}`;
  open.setAttribute("aria-label", say("open", { n: n + 1 }));
  return part;
}

/** How it stands with the secret of an answer; asking consumes nothing. @param {string | null} secret @returns {Promise<{state: string, ended?: number}>} */
async function standing(secret) {
  if (secret === null) return { state: "strange" };
  try {
    return { state: (await client.peek(await decodeLink(secret, "secret"))).state };
  } catch (error) {
    const { code, members } = error instanceof TainaError ? error : new TainaError("internal");
    if (code === "gone") return { state: String(members.state), ended: Number(members.ended) };
    return { state: code === "not_found" ? "missing" : "unreachable" };
  }
}

/** @param {boolean} asking */
function askToDelete(asking) {
  element("deleting").hidden = !asking;
  element("delete").setAttribute("aria-expanded", String(asking));
  element(asking ? "delete-cancel" : "delete").focus();
}

async function remove() {
  try {
    await requests.delete(link);
    element("answers").replaceChildren();
    // What is left of the link opens nothing any more.
    history.replaceState(null, "", location.pathname);
    show("deleted");
  } catch (error) {
    explain(error);
  }
}

/** @param {unknown} error */
function explain(error) {
  show((error instanceof TainaError && STATES[error.code]) || "unreachable");
}
