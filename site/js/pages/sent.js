import { inParallel } from "../client/concurrency.js";
import { Secrets, hasEnded } from "../client/secrets.js";
import { TainaError } from "../errors.js";
import { decodeLink } from "../format/links.js";
import { KEY, forget, forgetAll, sent } from "../kept_receipts.js";
import { announce, copyOf, element, formatTime, load, run, say, show } from "../ui/page.js";

/** What is known of a receipt, and whether nothing more can become of it. @typedef {{state: string, ended: boolean}} Standing */

const AT_ONCE = 4; // calls on their way
const BATCH = 20; // receipts that one look of the page's own asks about
/** Errors that tell of the receipt, not of the server. */
const OF_THE_RECEIPT = ["not_found", "incomplete_link", "wrong_link", "newer_link"];

const client = new Secrets();
/** What the server said, by receipt. @type {Map<string, Standing>} */
const standings = new Map();
/** Receipts that the present round has still to ask about. @type {string[]} */
let round = [];
/** The newest look: an older one ends with it. */
let newest = new AbortController();
/** What looks by itself, once it is here. @type {typeof import("../ui/watching.js") | null} */
let watching = null;

run(start);

function start() {
  element("forget-all").addEventListener("click", () => {
    forgetAll();
    list();
  });
  element("look").addEventListener("click", look);
  // Another tab kept or forgot something.
  addEventListener("storage", ({ key }) => {
    if (key === KEY || key === null) list();
  });
  list();
}

function list() {
  const kept = sent();
  const here = document.activeElement;
  const left = rows().find((part) => part.contains(here));
  element("list").replaceChildren(...kept.map(row));
  show(kept.length ? "shown" : "none");
  if (left === undefined || here === null || kept.length === 0) return;
  const same = rows().find((part) => receiptOf(part) === receiptOf(left));
  /** @type {HTMLElement} */ (same?.querySelector(here.localName) ?? element("list")).focus();
}

/** @param {import("../kept_receipts.js").KeptReceipt} one @returns {HTMLElement} */
function row({ receipt, name, created, expires }) {
  const part = copyOf("sent-part");
  const [link] = part.getElementsByTagName("a");
  const [, times] = part.getElementsByTagName("span");
  const [button] = part.getElementsByTagName("button");
  part.dataset.receipt = receipt;
  link.href = `../receipt/#${encodeURIComponent(receipt)}`;
  link.textContent = name || say("unnamed");
  times.textContent = say("times", { created: formatTime(created), expires: formatTime(expires) });
  button.setAttribute("aria-label", say("forget", { name: link.textContent }));
  button.addEventListener("click", () => {
    forget(receipt);
    list();
    element(sent().length ? "list" : "none-title").focus();
  });
  const standing = standings.get(receipt);
  if (standing) tell(part, standing.state);
  return part;
}

/** @param {HTMLElement} part @param {string} state */
function tell(part, state) {
  const [place] = part.getElementsByTagName("strong");
  const text = say(`states.${state}`);
  if (place.textContent !== text) place.textContent = text;
  place.hidden = false;
}

/** @returns {HTMLElement[]} */
function rows() {
  return /** @type {HTMLElement[]} */ ([...element("list").children]);
}

/** @param {HTMLElement} part @returns {string} */
function receiptOf(part) {
  return part.dataset.receipt ?? "";
}

/** @param {string} receipt */
function isOpen(receipt) {
  return !standings.get(receipt)?.ended;
}

/** @param {HTMLElement} part @returns {string} */
function lineOf(part) {
  return `${part.querySelector("a")?.textContent}: ${part.querySelector("strong")?.textContent}`;
}

/**
 * Ask the server about them all; only now, for asking tells it that they belong together. From then on the page asks by
 * itself.
 */
async function look() {
  watching?.pause();
  /** @type {import("../ui/watching.js").Came} */
  let came;
  try {
    came = await ask(rows().map(receiptOf), {});
  } catch (error) {
    if (error instanceof TainaError && error.code === "cancelled") return;
    for (const part of rows()) if (!standings.has(receiptOf(part))) tell(part, "unreachable");
    came = { error };
  }
  announce(rows().map(lineOf).join("\n"));
  if (!came.settled) watching ??= await load("ui/watching.js").catch(() => null);
  watching?.begin(came, lookOnce, () => {});
}

/** The next of those that may still change: a long list is asked about in parts. @type {import("../ui/watching.js").Look} */
async function lookOnce(call) {
  const open = rows().map(receiptOf).filter(isOpen);
  round = round.filter((receipt) => open.includes(receipt));
  if (round.length === 0) round = open;
  const came = await ask(round.slice(0, BATCH), call ?? {});
  round = round.slice(BATCH);
  return { ...came, more: round.length > 0 };
}

/**
 * Ask about some, and show what came.
 * @param {string[]} receipts
 * @param {import("../client/transport.js").Call} call
 * @returns {Promise<{news: boolean, settled: boolean}>}
 * @throws {TainaError} the server does not answer: then those that are left are not asked about
 */
async function ask(receipts, call) {
  newest.abort();
  const { signal } = (newest = new AbortController());
  /** @type {HTMLElement[]} */
  const changed = [];
  await inParallel(AT_ONCE, receipts.length, async (n) => {
    const receipt = receipts[n];
    const standing = await standingOf(receipt, { ...call, signal });
    if (signal.aborted) throw new TainaError("cancelled");
    const before = standings.get(receipt);
    standings.set(receipt, standing);
    const part = rows().find((one) => receiptOf(one) === receipt);
    if (part === undefined) return; // removed from the list meanwhile
    tell(part, standing.state);
    if (before && before.state !== standing.state) changed.push(part);
  });
  if (changed.length) announce(changed.map(lineOf).join("\n"));
  return { news: changed.length > 0, settled: !rows().map(receiptOf).some(isOpen) };
}

/** @param {string} receipt @param {import("../client/transport.js").Call} call @returns {Promise<Standing>} */
async function standingOf(receipt, call) {
  try {
    const found = await client.receipt(await decodeLink(receipt, "receipt"), call);
    // Without the reader's proof nothing more is known than that the bytes were handed out.
    const state = found.state === "unproved" ? "revealed" : found.state;
    return { state, ended: hasEnded(found, Date.now() / 1000) };
  } catch (error) {
    if (!(error instanceof TainaError && OF_THE_RECEIPT.includes(error.code))) throw error;
    return { state: "missing", ended: true };
  }
}
