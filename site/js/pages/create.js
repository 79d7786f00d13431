import { Client } from "../client.js";
import { TainaError } from "../errors.js";
import {
  announce,
  canBeShown,
  canEncrypt,
  copyOnClick,
  element,
  fill,
  formatSize,
  formatTime,
  input,
  resetProgress,
  say,
  show,
  showProgress,
  state,
} from "../ui/page.js";

const client = new Client();
const text = /** @type {HTMLTextAreaElement} */ (element("text"));
const passphrase = input("passphrase");
const picker = input("files");
const lifetime = /** @type {HTMLSelectElement} */ (element("ttl"));

/** @type {File[]} */
let files = [];
/** Bytes of ciphertext that the server takes in one secret; until it has said so, it decides. */
let limit = Infinity;
/** @type {AbortController | null} */
let sending = null;

if (canEncrypt()) start();
else show("insecure");

function start() {
  element("send").addEventListener("click", send);
  element("cancel").addEventListener("click", () => sending?.abort());
  element("another").addEventListener("click", () => {
    for (const id of ["link", "receipt-link"]) input(id).value = "";
    show("ready");
    text.focus();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  });
  canBeShown(passphrase, element("show-passphrase"));
  for (const [button, field] of [
    ["copy-link", "link"],
    ["copy-receipt", "receipt-link"],
  ]) {
    const address = input(field);
    copyOnClick(element(button), () => address.value, () => address.select());
    address.addEventListener("focus", () => address.select());
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
  text.addEventListener("paste", (event) => {
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
    if (hasFiles(event)) addFiles(event.dataTransfer.files);
    endDrag();
  });
  function endDrag() {
    inside = 0;
    element("dropping").hidden = true;
  }
}

/** @param {FileList | null} more */
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
  /** @type {import("../client.js").Outgoing[]} */
  const items = files.map((file) => ({ type: "file", name: file.name, mime: file.type, data: file }));
  if (text.value !== "") items.unshift({ type: "text", text: text.value });
  if (items.length === 0) {
    fail("empty");
    text.focus();
    return;
  }
  const size = files.reduce((sum, file) => sum + file.size, new Blob([text.value]).size);
  if (size > limit) {
    fail("too_large");
    return;
  }
  sending = new AbortController();
  resetProgress();
  show("working");
  try {
    const sent = await client.send(items, {
      ttl: Number(lifetime.value),
      passphrase: passphrase.value === "" ? null : passphrase.value,
      onProgress: showProgress,
      signal: sending.signal,
    });
    succeed(sent);
  } catch (error) {
    fail(error instanceof TainaError ? error.code : "internal");
  } finally {
    sending = null;
  }
}

/** @param {{secret: string, receipt: string, expires: number}} sent */
function succeed({ secret, receipt, expires }) {
  // The neutral addresses: the reader's browser chooses the language.
  input("link").value = `${location.origin}/s/#${secret}`;
  input("receipt-link").value = `${location.origin}/receipt/#${receipt}`;
  element("other-channel").hidden = passphrase.value === "";
  fill("expires", say("expires", { when: formatTime(expires) }));
  text.value = passphrase.value = "";
  files = [];
  listFiles();
  show("done");
}

/** @param {string} code */
function fail(code) {
  show("error");
  const messages = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-error]"));
  const known = [...messages].some((message) => message.dataset.error === code);
  for (const message of messages) message.hidden = message.dataset.error !== (known ? code : "internal");
  const withLimit = code === "too_large" && limit < Infinity;
  if (withLimit) fill("limit", say("limit", { size: formatSize(limit) }));
  /** @type {HTMLElement} */ (document.querySelector('[data-fill="limit"]')).hidden = !withLimit;
  element("error").scrollIntoView({ block: "nearest" });
  announce("");
}
