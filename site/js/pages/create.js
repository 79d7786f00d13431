import { Client } from "../client.js";
import { Courier } from "../courier.js";
import { TainaError } from "../errors.js";
import { CHUNK_SIZE } from "../format/payload.js";
import {
  announce,
  canBeShown,
  canEncrypt,
  copyOnClick,
  element,
  fill,
  follow,
  formatNumber,
  formatSize,
  formatTime,
  input,
  resetProgress,
  say,
  show,
  state,
} from "../ui/page.js";

const client = new Client();
const text = /** @type {HTMLTextAreaElement} */ (element("text"));
const passphrase = input("passphrase");
const picker = input("files");
const recipients = input("recipients");
const lifetime = /** @type {HTMLSelectElement} */ (element("ttl"));

/** @typedef {import("../client.js").Outgoing} Outgoing */
/** @typedef {import("../client.js").Links} Links */
/** @type {File[]} */
let files = [];
/** Bytes of ciphertext that the server takes in one secret; until it has said so, it decides. */
let limit = Infinity;
/** @typedef {{items: Outgoing[], size: number, ttl: number, passphrase: string | null, wanted: number, made: Links[]}} Order */
/** What is being sent, until every link of it is made. @type {Order | null} */
let order = null;
let stop = new AbortController();
/** Where it is too large for the page itself. @type {Courier | null} */
let courier = null;
/** Why the courier waits. @type {string | null} */
let held = null;

if (canEncrypt()) start();
else show("insecure");

function start() {
  element("send").addEventListener("click", send);
  element("cancel").addEventListener("click", () => {
    stop.abort();
    courier?.cancel();
  });
  element("pause").addEventListener("click", () => (held === null ? courier?.pause() : courier?.go()));
  element("make-missing").addEventListener("click", make);
  element("another").addEventListener("click", () => {
    forget();
    for (const id of ["links", "receipts"]) element(id).replaceChildren();
    show("ready");
    text.focus();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  });
  canBeShown(passphrase, element("show-passphrase"));
  for (const [button, list] of [
    ["copy-links", "links"],
    ["copy-receipts", "receipts"],
  ]) {
    const all = () => [...element(list).querySelectorAll("input")];
    copyOnClick(element(button), () => all().map((field) => field.value).join("\n"), () => all()[0].select());
  }
  takeFiles();
  askInstance();
}

/** Limits and lifetimes, if the server answers; if it does not, sending will say so. */
async function askInstance() {
  try {
    const { limits, ttl } = await client.status();
    limit = limits.size;
    for (const option of [...lifetime.options]) {
      const seconds = Number(option.value);
      if (seconds < ttl.min || seconds > ttl.max) option.remove();
    }
  } catch {
    // nothing is lost by not knowing
  }
}

function takeFiles() {
  picker.addEventListener("change", () => {
    addFiles(picker.files);
    picker.value = ""; // so that a file that was removed can be picked again
  });
  addEventListener("paste", (event) => {
    if (!["ready", "error"].includes(state())) return;
    if (event.clipboardData?.files.length) {
      event.preventDefault();
      addFiles(event.clipboardData.files);
    }
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

async function send() {
  if (!["ready", "error"].includes(state())) return;
  /** @type {Outgoing[]} */
  const items = files.map((file) => ({ type: "file", name: file.name, mime: file.type, data: file }));
  if (text.value !== "") items.unshift({ type: "text", text: text.value });
  if (items.length === 0) {
    fail("empty");
    text.focus();
    return;
  }
  if (!recipients.checkValidity() || recipients.value === "") {
    fail("recipients");
    recipients.focus();
    return;
  }
  const size = files.reduce((sum, file) => sum + file.size, new Blob([text.value]).size);
  if (size > limit) {
    fail("too_large");
    return;
  }
  order = {
    items,
    size,
    ttl: Number(lifetime.value),
    passphrase: passphrase.value === "" ? null : passphrase.value,
    wanted: Number(recipients.value),
    made: [],
  };
  await make();
}

/** Make the links that are wanted and not there yet, one after another: what is made is not lost by what fails. */
async function make() {
  if (order === null || state() === "working") return;
  const { made, wanted } = order;
  stop = new AbortController();
  resetProgress();
  showHeld(null);
  show("working");
  let problem = null;
  const report = follow(order.size * wanted);
  try {
    while (made.length < wanted) made.push(await sendOne(order, (done, total) => report(made.length + done / total, wanted)));
  } catch (error) {
    problem = error instanceof TainaError ? error.code : "internal";
  }
  courier?.end();
  courier = null;
  if (made.length === 0) fail(problem ?? "internal");
  else succeed(order, problem);
}

/** @param {Order} order @param {import("../client.js").OnProgress} onProgress @returns {Promise<Links>} */
async function sendOne({ items, size, ttl, passphrase }, onProgress) {
  const { signal } = stop;
  if (size < CHUNK_SIZE) {
    const links = await client.send(items, { ttl, passphrase, signal });
    onProgress(1, 1);
    return links;
  }
  courier?.end();
  courier = new Courier({ onProgress, onHeld: showHeld });
  showHeld(null);
  return courier.upload(items, await client.begin({ ttl, passphrase }));
}

/** @param {string | null} why the courier waits, if it does */
function showHeld(why) {
  held = why;
  const button = element("pause");
  button.hidden = courier === null;
  button.textContent = say(why === null ? "pause" : "go_on");
  element("away").hidden = why !== "unreachable";
  if (why !== null) fill("progress", say(why === "pause" ? "paused" : "waiting"));
}

/** @param {Order} order @param {string | null} problem why there are fewer links than wanted */
function succeed({ made, wanted, passphrase: phrase }, problem) {
  const n = made.length;
  // The neutral addresses: the reader's browser chooses the language.
  list("links", "link", made.map(({ secret }) => `${location.origin}/s/#${secret}`));
  list("receipts", "receipt-link", made.map(({ receipt }) => `${location.origin}/receipt/#${receipt}`));
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-for]"))) {
    part.hidden = part.dataset.for !== (wanted > 1 ? "many" : "one");
  }
  element("missing").hidden = problem === null;
  if (problem !== null) {
    fill("missing", say("missing", { n, made: n, wanted }));
    fill("why-missing", element("error").querySelector(`[data-error="${known(problem)}"]`)?.textContent ?? "");
  }
  element("other-channel").hidden = phrase === null;
  fill("expires", say("expires", { when: formatTime(made[0].expires) }));
  if (problem === null) forget();
  show("done");
}

/** Nothing of what was entered stays behind. */
function forget() {
  order = null;
  text.value = passphrase.value = "";
  recipients.value = "1";
  files = [];
  listFiles();
}

/** @param {string} id of the list, and of its template with `-part` @param {string} first id of the first field @param {string[]} addresses */
function list(id, first, addresses) {
  const template = /** @type {HTMLTemplateElement} */ (element(`${id}-part`));
  element(id).replaceChildren(
    ...addresses.map((address, n) => {
      const part = /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
      const [label] = part.getElementsByTagName("label");
      const [field] = part.getElementsByTagName("input");
      const [button] = part.getElementsByTagName("button");
      [field.id, button.id] = n ? [`${first}-${n + 1}`, ""] : [first, `copy-${first}`];
      label.htmlFor = field.id;
      if (addresses.length > 1) {
        label.append(` ${formatNumber(n + 1)}`);
        button.textContent = say("copy");
        button.className = "quiet-button";
        button.setAttribute("aria-label", `${say("copy")}: ${label.textContent}`);
      }
      field.value = address;
      field.addEventListener("focus", () => field.select());
      copyOnClick(button, () => address, () => field.select());
      return part;
    }),
  );
}

/** @param {string} code @returns {string} it, or the one for what has no words of its own */
function known(code) {
  const same = { not_found: "gone", conflict: "changed" }[code] ?? code;
  return document.querySelector(`[data-error="${same}"]`) ? same : "internal";
}

/** @param {string} code */
function fail(code) {
  show("error");
  const messages = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-error]"));
  for (const message of messages) message.hidden = message.dataset.error !== known(code);
  const withLimit = code === "too_large" && limit < Infinity;
  if (withLimit) fill("limit", say("limit", { size: formatSize(limit) }));
  /** @type {HTMLElement} */ (document.querySelector('[data-fill="limit"]')).hidden = !withLimit;
  element("error").scrollIntoView({ block: "nearest" });
  announce("");
}
