import { Secrets } from "../client/secrets.js";
import { TainaError } from "../errors.js";
import { decodeLink } from "../format/links.js";
import {
  canBeShown,
  copyOf,
  copyOnClick,
  element,
  fill,
  formatNumber,
  formatSize,
  formatTime,
  input,
  isEnter,
  load,
  resetProgress,
  run,
  say,
  show,
  state,
  whyMissing,
} from "../ui/page.js";

/** @typedef {import("../client/receiving.js").Incoming} Incoming */
/** @typedef {Incoming & {type: "file"}} IncomingFile */

const HIDE_AFTER = 5 * 60_000; // ms without anybody there
const SAVE_EVERY = 300; // ms: browsers drop downloads that come too fast one after another
const CLOCKS_DIFFER = 10 * 60; // seconds by which the clocks of sender and recipient may be apart
/** Where each error leads; any other leaves the secret where it is. @type {Record<string, string>} */
const STATES = {
  incomplete_link: "cut",
  wrong_link: "wrong-link",
  newer_link: "newer",
  renewed: "renewed",
  not_found: "missing",
  rate_limited: "limited",
  not_ready: "uploading",
  tampered: "failed",
  bad_format: "failed",
  lost: "lost",
};

const secrets = new Secrets();
/** What opens and shows it; here before anything is revealed. @type {Awaited<ReturnType<typeof loadOpening>> | null} */
let opening = null;
/** Once there is more than one chunk to fetch. @type {import("../client/transfer.js").Transfer | null} */
let transfer = null;
const passphrase = input("passphrase");
/** @type {import("../format/links.js").Link} */
let link;
/** @type {import("../client/secrets.js").Status} */
let status;
/** What was revealed, as long as this page holds it. @type {{expires: number, items: Incoming[]} | null} */
let secret = null;
/** Where the browser reads each file that is saved. @type {Map<IncomingFile, Promise<string>>} */
const addresses = new Map();
/** Whether a reveal was begun and its answer never came: the server then keeps the secret for our next try. */
let interrupted = false;
/** Whether the transfer waits for the network. */
let waiting = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let idle;

// Another link pasted into this tab changes only what stands behind the `#`.
addEventListener("hashchange", () => location.reload());
addEventListener("pagehide", wipe);
addEventListener("pageshow", (event) => {
  if (event.persisted && state() === "loading") void look();
});

run(() => (location.hash.length <= 1 ? show("empty") : start()));

function start() {
  canBeShown(passphrase, element("show-passphrase"));
  element("reveal").addEventListener("click", reveal);
  passphrase.addEventListener("keydown", (event) => {
    if (isEnter(event)) void reveal(event);
  });
  element("hide").addEventListener("click", hide);
  element("show-again").addEventListener("click", showSecret);
  element("look-again").addEventListener("click", lookAgain);
  element("try-again").addEventListener("click", (event) => {
    if (waiting) transfer?.go();
    else if (interrupted) void reveal(event);
    else lookAgain();
  });
  element("save-all").addEventListener("click", () => save(files()));
  // A text that is scrolled tells nobody above it: so on the way down.
  for (const sign of ["pointerdown", "keydown", "scroll"])
    addEventListener(sign, stayAwake, { passive: true, capture: true });
  void look();
}

/** Somebody wants it, and sees that it is done. */
function lookAgain() {
  show("loading");
  void look();
}

/** Ask what may be known of the secret; that consumes nothing. */
async function look() {
  try {
    link = await decodeLink(location.hash, "secret");
    status = await secrets.status(link);
    if (status.state === "uploading") throw new TainaError("not_ready");
    fill("expires", formatTime(status.expires));
    fill("size", say("size", { size: formatSize(status.size) }));
    fill("attempts", formatNumber(status.attempts_left));
    element("attempts").hidden = element("ask").hidden = !link.passphrase;
    show("before");
    if (link.passphrase) passphrase.focus({ preventScroll: true });
  } catch (error) {
    explain(error);
  }
}

/** @param {Event} event a person's own doing: a program's click, or one in a page that nobody sees, reveals nothing */
async function reveal(event) {
  const seen = document.visibilityState === "visible" && !(/** @type {any} */ (document).prerendering);
  if (!seen || !["before", "unreachable"].includes(state())) return;
  if (!event.isTrusted && !interrupted) {
    complain(say("by_program"), element("reveal"));
    return;
  }
  if (link.passphrase && passphrase.value === "") {
    show("before", interrupted); // the page was left meanwhile, and its passphrase wiped
    complain(say("no_passphrase"), passphrase);
    return;
  }
  const phrase = link.passphrase ? passphrase.value : null;
  element("wrong").hidden = true;
  resetProgress();
  show("working");
  try {
    opening ??= await loadOpening();
    const { Transfer, follow } = opening;
    if (status.chunks > 1) transfer ??= await Transfer.start({ onProgress: follow(status.size), onHeld: showHeld });
  } catch (error) {
    explain(opening === null ? error : await whyMissing("worker/transfer_worker.js"));
    return;
  }
  try {
    secret = await fetchSecret(opening, phrase);
    // The secret is gone from the server: what is left of the link opens nothing any more.
    history.replaceState(null, "", location.pathname);
    passphrase.value = "";
    showSecret();
  } catch (error) {
    waiting = false;
    if (!(error instanceof TainaError && error.code === "wrong_passphrase")) {
      interrupted ||= !(error instanceof TainaError && error.code === "rate_limited");
      explain(error);
      return;
    }
    const { attempts_left: left } = error.members;
    if (left === undefined) {
      show("before", true); // to look would only tell that it is revealed: it waits for this page
      complain(say("wrong_again"), passphrase);
      return;
    }
    interrupted = false;
    await look(); // after the last attempt the server tells how it ended
    if (Number(left) > 0) complain(say("wrong", { n: Number(left) }), passphrase);
  }
}

async function loadOpening() {
  /** @type {[typeof import("../client/client.js"), typeof import("../client/transfer.js"), typeof import("../ui/progress.js"), typeof import("../client/names.js"), typeof import("../ui/clipboard.js"), typeof import("../ui/long_lines.js")]} */
  const [{ Client }, { Transfer }, { follow }, { cleanName }, { clearLater }, { pieces }] = await Promise.all([
    load("client/client.js"),
    load("client/transfer.js"),
    load("ui/progress.js"),
    load("client/names.js"),
    load("ui/clipboard.js"),
    load("ui/long_lines.js"),
  ]);
  return { client: new Client(), Transfer, follow, cleanName, clearLater, pieces };
}

/** @param {NonNullable<typeof opening>} opening @param {string | null} phrase */
function fetchSecret({ client }, phrase) {
  return transfer?.open(link, phrase, status.size) ?? client.open(link, phrase);
}

/** It is the reader who decides to go on, or the network by coming back. @param {string | null} why */
function showHeld(why) {
  waiting = why !== null;
  interrupted ||= waiting;
  if (waiting) explain(new TainaError("unreachable"));
  else show("working");
}

/** @param {string} message @param {HTMLElement} remedy where it can be put right */
function complain(message, remedy) {
  const place = element("wrong");
  place.textContent = message;
  place.hidden = false;
  remedy.focus();
  if (remedy === passphrase) passphrase.select();
}

/** @param {unknown} error */
function explain(error) {
  const code = error instanceof TainaError ? error.code : "internal";
  if (error instanceof TainaError && code === "gone") {
    const { state: how, ended } = error.members;
    fill("gone", say(`gone.${String(how)}`, { when: formatTime(Number(ended)) }));
    element("not-you").hidden = how !== "revealed" && how !== "opened";
    show("gone");
  } else {
    element("untouched").hidden = interrupted;
    element("interrupted").hidden = !interrupted;
    // Only this page can still get what was begun: to load it again would lose it.
    const next = interrupted && code === "rate_limited" ? "unreachable" : (STATES[code] ?? "unreachable");
    show(next, interrupted && next === "unreachable");
  }
}

function showSecret() {
  if (secret === null || opening === null) return;
  const { items, expires } = secret;
  const { cleanName, clearLater, pieces } = opening;
  element("late").hidden = Date.now() / 1000 <= expires + CLOCKS_DIFFER;
  const texts = items.filter((item) => item.type === "text");
  element("secret-texts").replaceChildren(
    ...texts.map(({ text }, n) => {
      const part = copyOf("secret-text-part");
      const place = /** @type {HTMLElement} */ (part.querySelector("pre"));
      const button = /** @type {HTMLElement} */ (part.querySelector("button"));
      if (n === 0) [place.id, button.id] = ["secret-text", "copy-text"];
      for (const piece of pieces(text)) place.append(piece);
      copyOnClick(
        button,
        () => text,
        () => getSelection()?.selectAllChildren(place),
        clearLater,
      );
      return part;
    }),
  );
  const saved = files();
  element("secret-file-card").hidden = saved.length === 0;
  element("save-all").hidden = saved.length < 2;
  element("secret-files").replaceChildren(
    ...saved.map((item) => {
      const part = copyOf("secret-file-part");
      const [name, size] = part.querySelectorAll("span");
      name.textContent = cleanName(item.name, { hidden: true });
      size.textContent = formatSize(item.size);
      const button = /** @type {HTMLElement} */ (part.querySelector("button"));
      button.setAttribute("aria-label", say("save", { name: cleanName(item.name, { hidden: true }) }));
      button.addEventListener("click", () => save([item]));
      return part;
    }),
  );
  show("shown", holdsFiles());
  stayAwake();
}

/** @returns {IncomingFile[]} */
function files() {
  return (secret?.items ?? []).filter((item) => item.type === "file");
}

/** Then leaving asks first, even after all were saved: no browser tells a page when a save has ended. */
function holdsFiles() {
  return files().length > 0;
}

/** @param {IncomingFile[]} items */
async function save(items) {
  let failed = false;
  for (const [n, item] of items.entries()) {
    if (n > 0) await new Promise((done) => setTimeout(done, SAVE_EVERY));
    await offer(item).catch(() => (failed = true)); // the others may be saved nevertheless
  }
  element("not-saved").hidden = !failed;
}

/** @param {IncomingFile} item @throws where the browser has no room to put it together */
async function offer(item) {
  if (opening === null) return;
  const anchor = document.createElement("a");
  anchor.href = await addressOf(item);
  if (secret === null) return; // the page was left meanwhile
  anchor.download = opening.cleanName(item.name, { hidden: true });
  anchor.click();
}

/**
 * It lives as long as this page holds the file: a browser that asks where to save reads nothing before it is told.
 * @param {IncomingFile} item
 * @returns {Promise<string>}
 */
function addressOf(item) {
  const known = addresses.get(item);
  if (known !== undefined) return known;
  const address = item.blob().then((blob) => URL.createObjectURL(blob));
  addresses.set(item, address);
  address.catch(() => addresses.delete(item)); // it may be tried again
  return address;
}

function stayAwake() {
  clearTimeout(idle);
  if (state() === "shown") idle = setTimeout(hide, HIDE_AFTER);
}

function hide() {
  if (state() !== "shown") return;
  clear();
  show("hidden", holdsFiles());
}

/** On leaving: a browser may bring this very page back, and then nothing of the secret may be in it. */
function wipe() {
  passphrase.value = "";
  const begun = transfer !== null && ["working", "unreachable"].includes(state());
  transfer?.end();
  transfer = null;
  // Nothing comes of what its worker had begun: a page that is brought back looks what is left.
  if (begun && secret === null) {
    interrupted = waiting = false;
    show("loading");
  }
  if (secret === null) return;
  secret = null;
  for (const address of addresses.values())
    address.then(
      (one) => URL.revokeObjectURL(one),
      () => {},
    );
  addresses.clear();
  clear();
  show("wiped");
}

function clear() {
  element("secret-texts").replaceChildren();
  element("secret-files").replaceChildren();
}
