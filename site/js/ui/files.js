// The files of a secret: picked, pasted or dropped, and listed.

import { element, formatSize, input, say, state } from "./page.js";

const picker = input("files");

/** @type {File[]} */
let files = [];
/** @type {() => void} */
let onChange;

/**
 * @param {{onChange: () => void, onPastedText: (words: string) => void, onFolder: () => void}} heard what follows: other files, a
 *   text that was pasted elsewhere than into a field, a folder that was dropped
 */
export function takeFiles(heard) {
  onChange = heard.onChange;
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
    else heard.onPastedText(words);
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
    if (hasFiles(event) && addDropped(event.dataTransfer)) heard.onFolder();
    endDrag();
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
  addFiles(picker.files);
  picker.value = ""; // so that a file that was removed can be picked again
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

/** Browsers tell a folder as if it were a file, but one that cannot be read. @param {DataTransfer} dropped @returns {boolean} whether there was one */
function addDropped(dropped) {
  const kinds = [...dropped.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  addFiles([...dropped.files].filter((_, n) => !kinds[n]?.isDirectory));
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
        picker.focus();
      });
      row.append(name, size, remove);
      return row;
    }),
  );
}
