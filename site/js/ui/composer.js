// Where a secret is entered and sent: text, files, lifetime, passphrase, progress. Its page says what comes of it.

import { rulesFor } from "../client/instance.js";
import { aborted } from "../client/transport.js";
import { TainaError, codeOf } from "../errors.js";
import { chosenFiles, clearFiles, takeFiles } from "./files.js";
import {
  announce,
  canBeShown,
  copyOnClick,
  element,
  fill,
  formatSize,
  input,
  isEnter,
  load,
  loadText,
  resetProgress,
  say,
  show,
  state,
  whyMissing,
} from "./page.js";

/** @typedef {import("../client/client.js").Client} Client */
/** @typedef {import("../client/transfer.js").Transfer} Transfer */
/** @typedef {import("../client/contents.js").Outgoing} Outgoing */
/** @typedef {import("../client/client.js").Links} Links */
/** @typedef {{items: Outgoing[], size: number, ttl: number, passphrase: string | null}} Entered size in bytes, ttl in seconds */
/** @typedef {import("../client/client.js").Credential} Credential */

const text = /** @type {HTMLTextAreaElement} */ (element("text"));
const passphrase = input("passphrase");
const SMALL = 1 << 20; // bytes that the page seals by itself
const lifetime = /** @type {HTMLSelectElement} */ (element("ttl"));

/** Bytes of ciphertext that the server takes in one secret; until it has said so, it decides. */
let limit = Infinity;
/** Bytes of what was entered when it was to be sent. */
let size = 0;
/** Whether the page follows what the instance asks for. */
let followed = false;
/** Asks until it does. @type {() => Promise<string | null>} */
let ask;
let stop = new AbortController();
/** Once there is something to send. @type {Client | null} */
let client = null;
/** Where it is too large for the page itself. @type {Transfer | null} */
let transfer = null;
/** Why the transfer waits. @type {string | null} */
let held = null;

/**
 * @param {() => void} send what the button and its shortcut do
 * @param {(instance: import("../client/instance.js").Instance) => Promise<void>} onInstance when the server has said what it offers
 */
export function startComposer(send, onInstance) {
  ask = rulesFor(async (instance) => {
    limitTo(instance.limits.size);
    await onInstance(instance);
    followed = true;
  });
  element("send").addEventListener("click", () => sendByRules(send));
  element("cancel").addEventListener("click", () => {
    stop.abort();
    transfer?.cancel();
  });
  element("pause").addEventListener("click", () => (held === null ? transfer?.pause() : transfer?.go()));
  addEventListener("input", forgive);
  addEventListener("keydown", (event) => {
    // On a link or a button the key has a meaning of its own.
    const elsewhere = event.target instanceof Element && event.target.closest("a, summary, button:not(#send)");
    if (isEnter(event) && (event.ctrlKey || event.metaKey) && !elsewhere) void sendByRules(send);
  });
  const showPassphrase = canBeShown(passphrase, element("show-passphrase"));
  onDemand("six-words", async () => {
    const before = passphrase.value;
    const [{ sixWords }, list] = await Promise.all([generator(), loadText("../packages/eff-long.txt")]);
    return () => {
      if (passphrase.value !== before) return; // somebody went on to type their own
      passphrase.value = sixWords(list.trim().split("\n"));
      passphrase.dispatchEvent(new Event("input", { bubbles: true }));
      showPassphrase(true);
    };
  });
  onDemand("password", async () => {
    const before = document.activeElement;
    const { password } = await generator();
    return () => {
      insert(password());
      if (document.activeElement === before) text.focus({ preventScroll: true });
    };
  });
  const phrase = element("phrase");
  copyOnClick(
    element("copy-phrase"),
    () => phrase.textContent ?? "",
    () => getSelection()?.selectAllChildren(phrase),
  );
  const onWords = (/** @type {string} */ words, /** @type {HTMLInputElement | HTMLTextAreaElement | null} */ field) => {
    insert(words, field ?? text);
    (field ?? text).focus();
  };
  takeFiles({ onChange: forgive, onWords, onFolder: () => fail("folder") });
  void ask();
}

/** Send, but not before the rules hold. @param {() => void} send */
async function sendByRules(send) {
  if (!followed && ["ready", "error"].includes(state())) {
    if (entered() === null) return;
    const seen = Number(lifetime.value);
    begin();
    const problem = await unlessCancelled(ask()).catch(codeOf);
    if (problem !== null && ["unreachable", "renewed", "cancelled"].includes(problem)) {
      fail(problem);
      return;
    }
    show("ready"); // of what else keeps them unknown, sending will tell
    if (Number(lifetime.value) > seen) {
      lifetime.focus(); // nothing lives longer than somebody saw
      return;
    }
  }
  send();
}

/** What was entered, if it can be sent; else the page says why not. @returns {Entered | null} */
export function entered() {
  const files = chosenFiles();
  const items = files.map(outgoing);
  if (text.value !== "") items.unshift({ type: "text", text: text.value });
  if (items.length === 0) {
    fail("empty");
    text.focus();
    return null;
  }
  if (files.length > 0 && element("add-files").hidden) {
    fail("no_files");
    return null;
  }
  if (passphrase.required && passphrase.value === "") {
    fail(passphrase.readOnly ? "passphrase_generated" : "passphrase_needed");
    element(passphrase.readOnly ? "six-words" : "passphrase").focus();
    return null;
  }
  size = files.reduce((sum, file) => sum + file.size, new Blob([text.value]).size);
  if (size > limit) {
    fail("too_large");
    return null;
  }
  return { items, size, ttl: Number(lifetime.value), passphrase: passphrase.value === "" ? null : passphrase.value };
}

/** @param {number} size bytes of ciphertext that may be sent; what was said to be less stays so */
export function limitTo(size) {
  limit = Math.min(limit, size);
}

/** @param {File} file @returns {Outgoing} */
function outgoing(file) {
  return { type: "file", name: file.name, mime: file.type, data: file };
}

/** The page begins to send. */
export function begin() {
  stop = new AbortController();
  resetProgress();
  showHeld(null);
  show("working");
}

/**
 * Seal and send one secret.
 * @param {Entered} entered
 * @param {Credential | null} credential
 * @param {import("../client/client.js").OnProgress} onProgress
 * @returns {Promise<Links>}
 */
export async function sendOne({ items, size, ttl, passphrase }, credential, onProgress) {
  const { signal } = stop;
  const [client, { Transfer }] = await unlessCancelled(sealing());
  if (size < SMALL) {
    const links = await client.send(items, { ttl, passphrase, credential, signal });
    onProgress(1, 1);
    return links;
  }
  end();
  const watch = {
    onProgress: (/** @type {number} */ done, /** @type {number} */ total) => {
      onProgress(done, total);
      sayHeld(); // what was on its way still arrives
    },
    onHeld: showHeld,
  };
  transfer = await Transfer.start(watch, signal).catch(async (/** @type {unknown} */ error) => {
    throw codeOf(error) === "unreachable" ? await unlessCancelled(whyMissing("worker/transfer_worker.js")) : error;
  });
  showHeld(null);
  return transfer.send(items, { ttl, passphrase, credential });
}

/** What sending waits for and nothing else would stop. @template T @param {Promise<T>} work @returns {Promise<T>} @throws {TainaError} cancelled */
export function unlessCancelled(work) {
  const cancelled = aborted(stop.signal).then(() => Promise.reject(new TainaError("cancelled")));
  return Promise.race([work, cancelled]);
}

/** Nothing is being sent any more. */
export function end() {
  transfer?.end();
  transfer = null;
}

/** @param {string | null} why the transfer waits, if it does */
function showHeld(why) {
  held = why;
  const button = element("pause");
  button.hidden = transfer === null;
  button.textContent = say(why === null ? "pause" : "go_on");
  element("away").hidden = why !== "unreachable";
  sayHeld();
}

function sayHeld() {
  if (held !== null) fill("progress", say(held === "pause" ? "paused" : "waiting"));
}

/** Where what was sent takes a passphrase, it stands beside the link until that has gone its other way. @param {string | null} phrase */
export function remindOf(phrase) {
  element("other-channel").hidden = phrase === null;
  element("phrase").textContent = phrase;
}

/** Nothing of what was entered stays behind. */
export function clear() {
  text.value = passphrase.value = "";
  clearFiles();
}

/** @param {string} code @returns {string} it, or the one for what has no words of its own */
export function known(code) {
  const same = { not_found: "gone", changed: "unreadable" }[code] ?? code;
  return document.querySelector(`[data-error="${same}"]`) ? same : "internal";
}

/** @param {string} code */
export function fail(code) {
  show("error");
  element("error").hidden = false;
  const messages = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-error]"));
  for (const message of messages) message.hidden = message.dataset.error !== known(code);
  const withLimit = code === "too_large" && limit < size;
  if (withLimit) fill("limit", say("limit", { size: formatSize(limit) }));
  /** @type {HTMLElement} */ (document.querySelector('[data-fill="limit"]')).hidden = !withLimit;
  element("error").scrollIntoView({ block: "nearest" });
  void ask();
  announce("");
}

/** What is entered now may have put right what was wrong; sending will tell. It will be sent soon. */
function forgive() {
  element("error").hidden = true;
  sealing().catch(() => {}); // sending tries again, and tells
}

/** What seals and sends. @returns {Promise<[Client, typeof import("../client/transfer.js")]>} @throws {TainaError} unreachable */
export async function sealing() {
  /** @type {[typeof import("../client/client.js"), typeof import("../client/transfer.js"), unknown]} */
  const [{ Client }, transfers] = await Promise.all([
    load("client/client.js"),
    load("client/transfer.js"),
    load("ui/progress.js"),
  ]);
  client ??= new Client();
  return [client, transfers];
}

/** A button whose work has to be loaded first. @param {string} button @param {() => Promise<() => void>} work ends with what writes */
function onDemand(button, work) {
  element(button).addEventListener("click", async () => {
    const before = stop;
    const write = await work().catch((/** @type {unknown} */ error) => () => fail(codeOf(error)));
    if (stop === before) write(); // else it was sent without
  });
}

/** @returns {Promise<typeof import("../generator.js")>} */
function generator() {
  return load("generator.js");
}

/** Write where the cursor is in a field, or all of it where it has none. @param {string} words @param {HTMLInputElement | HTMLTextAreaElement} [field] */
function insert(words, field = text) {
  const { selectionStart: start, selectionEnd: end } = field;
  if (start === null || end === null) field.value = words;
  else field.setRangeText(words, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
