// Where a secret is entered and sent: text, files, lifetime, passphrase, progress. Its page says what comes of it.

import { Client } from "../client/client.js";
import { Transfer } from "../client/transfer.js";
import { CHUNK_SIZE } from "../format/payload.js";
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
} from "./page.js";

/** @typedef {import("../client/client.js").Outgoing} Outgoing */
/** @typedef {import("../client/client.js").Links} Links */
/** @typedef {{items: Outgoing[], size: number, ttl: number, passphrase: string | null}} Entered size in bytes, ttl in seconds */
/** @typedef {import("../client/client.js").Credential} Credential */

export const client = new Client();
const text = /** @type {HTMLTextAreaElement} */ (element("text"));
const passphrase = input("passphrase");
const picker = input("files");
const lifetime = /** @type {HTMLSelectElement} */ (element("ttl"));

/** @type {File[]} */
let files = [];
/** Bytes of ciphertext that the server takes in one secret; until it has said so, it decides. */
let limit = Infinity;
let stop = new AbortController();
/** Where it is too large for the page itself. @type {Transfer | null} */
let transfer = null;
/** Why the transfer waits. @type {string | null} */
let held = null;

/**
 * @param {() => void} send what the button and its shortcut do
 * @param {(instance: import("../client/client.js").Instance) => void} [onInstance] when the server has said what it offers
 */
export function startComposer(send, onInstance = () => {}) {
  element("send").addEventListener("click", send);
  element("cancel").addEventListener("click", () => {
    stop.abort();
    transfer?.cancel();
  });
  element("pause").addEventListener("click", () => (held === null ? transfer?.pause() : transfer?.go()));
  addEventListener("input", forgive);
  addEventListener("keydown", (event) => {
    if (isEnter(event) && (event.ctrlKey || event.metaKey)) send();
  });
  const showPassphrase = canBeShown(passphrase, element("show-passphrase"));
  onDemand("six-words", async () => {
    const [{ sixWords }, list] = await Promise.all([generator(), loadText("../packages/eff-long.txt")]);
    passphrase.value = sixWords(list.trim().split("\n"));
    passphrase.dispatchEvent(new Event("input", { bubbles: true }));
    showPassphrase(true);
  });
  onDemand("password", async () => {
    const { password } = await generator();
    insert(password());
  });
  const phrase = element("phrase");
  copyOnClick(
    element("copy-phrase"),
    () => phrase.textContent ?? "",
    () => getSelection()?.selectAllChildren(phrase),
  );
  takeFiles();
  void askInstance(onInstance);
}

/** What was entered, if it can be sent; else the page says why not. @returns {Entered | null} */
export function entered() {
  const items = files.map(outgoing);
  if (text.value !== "") items.unshift({ type: "text", text: text.value });
  if (items.length === 0) {
    fail("empty");
    text.focus();
    return null;
  }
  const size = files.reduce((sum, file) => sum + file.size, new Blob([text.value]).size);
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
  if (size < CHUNK_SIZE) {
    const links = await client.send(items, { ttl, passphrase, credential, signal });
    onProgress(1, 1);
    return links;
  }
  transfer?.end();
  transfer = new Transfer({
    onProgress: (done, total) => {
      onProgress(done, total);
      sayHeld(); // what was on its way still arrives
    },
    onHeld: showHeld,
  });
  showHeld(null);
  return transfer.send(items, { ttl, passphrase, credential });
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
  files = [];
  listFiles();
}

/** @param {string} code @returns {string} it, or the one for what has no words of its own */
export function known(code) {
  const same = code === "not_found" ? "gone" : code;
  return document.querySelector(`[data-error="${same}"]`) ? same : "internal";
}

/** @param {string} code */
export function fail(code) {
  show("error");
  element("error").hidden = false;
  const messages = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-error]"));
  for (const message of messages) message.hidden = message.dataset.error !== known(code);
  const withLimit = code === "too_large" && limit < Infinity;
  if (withLimit) fill("limit", say("limit", { size: formatSize(limit) }));
  /** @type {HTMLElement} */ (document.querySelector('[data-fill="limit"]')).hidden = !withLimit;
  element("error").scrollIntoView({ block: "nearest" });
  announce("");
}

/** What is entered now may have put right what was wrong; sending will tell. */
function forgive() {
  element("error").hidden = true;
}

/** A button whose work has to be loaded first. @param {string} button @param {() => Promise<void>} work */
function onDemand(button, work) {
  element(button).addEventListener("click", () => work().catch(() => fail("unreachable")));
}

/** @returns {Promise<typeof import("../generator.js")>} */
function generator() {
  return load("generator.js");
}

/**
 * Limits and lifetimes, if the server answers; if it does not, sending will say so.
 * @param {(instance: import("../client/client.js").Instance) => void} onInstance
 */
async function askInstance(onInstance) {
  try {
    const instance = await client.instance();
    const { limits, ttl } = instance;
    onInstance(instance);
    limitTo(limits.size);
    for (const option of [...lifetime.options]) {
      const seconds = Number(option.value);
      if (seconds < ttl.min || seconds > ttl.max) option.remove();
    }
  } catch {
    // nothing is lost by not knowing
  }
}

function takePicked() {
  if (!picker.files?.length) return;
  addFiles(picker.files);
  picker.value = ""; // so that a file that was removed can be picked again
}

function takeFiles() {
  picker.addEventListener("change", takePicked);
  takePicked(); // before this module had come
  addEventListener("paste", (event) => {
    const data = event.clipboardData;
    if (!data || !["ready", "error"].includes(state())) return;
    const words = textOf(data);
    const isField = event.target instanceof Element && event.target.matches("input, textarea");
    if (words === "" ? data.files.length === 0 : isField) return; // to the browser
    event.preventDefault();
    if (words === "") addFiles(data.files);
    else insert(words);
  });
  let inside = 0;
  const hasFiles = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.includes("Files") && ["ready", "error"].includes(state());
  addEventListener("dragenter", (event) => {
    if (hasFiles(event) && ++inside) element("dropping").hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event) && --inside <= 0) endDrag();
  });
  addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (hasFiles(event)) addDropped(event.dataTransfer);
    endDrag();
  });
  function endDrag() {
    inside = 0;
    element("dropping").hidden = true;
  }
}

/**
 * Office programs put a picture of what was copied beside its text, which is what is meant; file managers put the
 * files' names or paths beside them.
 * @param {DataTransfer} pasted @returns {string} empty where the files are meant
 */
function textOf(pasted) {
  const words = pasted.getData("text/plain");
  const lines = words.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  return lines.every((line) => [...pasted.files].some(({ name }) => line.endsWith(name))) ? "" : words;
}

/** Write where the cursor is in the text of the secret. @param {string} words */
function insert(words) {
  text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}

/** Browsers tell a folder as if it were a file, but one that cannot be read. @param {DataTransfer} dropped */
function addDropped(dropped) {
  const kinds = [...dropped.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  addFiles([...dropped.files].filter((_, n) => !kinds[n]?.isDirectory));
  if (kinds.some((kind) => kind?.isDirectory)) fail("folder");
}

/** @param {Iterable<File> | null} more */
function addFiles(more) {
  files.push(...(more ?? []));
  listFiles();
  forgive();
}

function listFiles() {
  const list = element("chosen");
  list.hidden = files.length === 0;
  list.replaceChildren(
    ...files.map((file) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      name.className = "file-name";
      name.dir = "auto";
      name.translate = false;
      name.textContent = file.name;
      const size = document.createElement("span");
      size.className = "hint";
      size.textContent = formatSize(file.size);
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "remove";
      remove.textContent = "×";
      remove.setAttribute("aria-label", say("remove", { name: file.name }));
      remove.addEventListener("click", () => {
        files = files.filter((other) => other !== file);
        listFiles();
        picker.focus();
      });
      row.append(name, size, remove);
      return row;
    }),
  );
}
