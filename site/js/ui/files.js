// The files of a secret: picked, pasted or dropped, and listed.

import { element, formatSize, input, say, state } from "./page.js";

const picker = input("files");

/** @type {File[]} */
let files = [];
/** @type {() => void} */
let onChange;

/**
 * @param {{onChange: () => void, onWords: (words: string, field: HTMLInputElement | HTMLTextAreaElement | null) => void, onFolder: () => void}} heard what
 *   follows: other files, a text for a field or beside them all, a folder
 */
export function takeFiles(heard) {
  onChange = heard.onChange;
  picker.addEventListener("change", takePicked);
  takePicked(); // before this module had come
  addEventListener("paste", (event) => {
    const data = event.clipboardData;
    if (!data || !["ready", "error"].includes(state())) return;
    const words = textOf(data);
    if (words === "" ? data.files.length === 0 : isField(event.target)) return; // to the browser
    event.preventDefault();
    if (words !== "") heard.onWords(words, null);
    else if (addFilesOf(data)) heard.onFolder();
  });
  let inside = 0;
  let ours = false; // what is dragged was on this page before
  const hasFiles = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.includes("Files") && ["ready", "error"].includes(state());
  addEventListener("dragstart", () => (ours = true));
  addEventListener("dragend", () => (ours = false));
  addEventListener("dragenter", (event) => {
    if (hasFiles(event) && ++inside) element("dropping").hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event) && --inside <= 0) endDrag();
  });
  addEventListener("dragover", (event) => {
    if (event.dataTransfer && event.defaultPrevented && !ours) event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", (event) => {
    endDrag();
    const data = event.dataTransfer;
    if (!data || !event.defaultPrevented || ours || !["ready", "error"].includes(state())) return; // or to the browser
    const words = textOf(data);
    if (words !== "") heard.onWords(words, isField(event.target) && !event.target.readOnly ? event.target : null);
    else if (addFilesOf(data)) heard.onFolder();
  });
  function endDrag() {
    inside = 0;
    element("dropping").hidden = true;
  }
}

/** @returns {readonly File[]} */
export function chosenFiles() {
  return files;
}

export function clearFiles() {
  files = [];
  listFiles();
}

function takePicked() {
  if (!picker.files?.length) return;
  if (state() !== "working") addFiles(picker.files); // a dialog may still be open when it is sent
  picker.value = ""; // so that a file that was removed can be picked again
}

/** Whether it takes text itself. @param {EventTarget | null} place @returns {place is HTMLInputElement | HTMLTextAreaElement} */
function isField(place) {
  return place instanceof Element && place.matches("input, textarea");
}

/**
 * Office programs put a picture of what was copied beside its text, which is what is meant; file managers put the
 * files' names or paths beside them, browsers the address of a picture.
 * @param {DataTransfer} given @returns {string} empty where the files are meant
 */
function textOf(given) {
  const words = given.getData("text/plain");
  const lines = words.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  const addresses = given.getData("text/uri-list").split(/[\r\n]+/);
  const isOfFile = (/** @type {string} */ line) =>
    addresses.includes(line) || [...given.files].some(({ name }) => line.endsWith(name));
  return lines.length === 0 || (given.files.length > 0 && lines.every(isOfFile)) ? "" : words;
}

/** Browsers tell a folder as if it were a file, but one that cannot be read. @param {DataTransfer} given @returns {boolean} whether there was one */
function addFilesOf(given) {
  const kinds = [...given.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  const found = [...given.files].filter((_, n) => !kinds[n]?.isDirectory);
  if (found.length) addFiles(found);
  return kinds.some((kind) => kind?.isDirectory);
}

/** @param {Iterable<File> | null} more */
function addFiles(more) {
  files.push(...(more ?? []));
  listFiles();
  onChange();
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
        onChange();
        picker.focus();
      });
      row.append(name, size, remove);
      return row;
    }),
  );
}
