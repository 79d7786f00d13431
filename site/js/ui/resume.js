// An upload that a reload cut off goes on when its files are picked again. What that takes stays with this tab's place
// in its history, in no storage, and only while the upload is under way.

import { addFiles, client, fail, outgoing } from "./composer.js";
import { element, fill, input, listed, say } from "./page.js";

/** @typedef {import("../client/client.js").Upload} Upload */
/** @typedef {import("./composer.js").Entered} Entered */
/** @typedef {{name: string, mime: string, size: number, modified: number}} Print what tells a file from others; bytes, unix ms */
/** @typedef {{upload: Upload, passphrase: string | null, prints: Print[]}} CutOff */

/** @param {Entered} entered @param {Upload} upload */
export function keep({ items, passphrase }, upload) {
  /** @type {Print[]} */
  const prints = [];
  for (const item of items) {
    if (item.type === "text") return; // nobody could pick it again
    prints.push(print(/** @type {File} */ (item.data)));
  }
  // An access key has its own place, where somebody asked for that.
  history.replaceState({ cutOff: { upload: { ...upload, admission: null }, passphrase, prints } }, "");
}

/** Nothing goes on any more. */
export function forget() {
  element("cut-off").hidden = true;
  history.replaceState(null, "");
}

/** Offer to go on, if there is something that can. @param {(entered: Entered, upload: Upload) => void} goOn */
export function offer(goOn) {
  /** @type {CutOff} */
  const { upload, passphrase, prints } = history.state.cutOff;
  if (upload.expires * 1000 < Date.now()) {
    forget();
    return;
  }
  fill("cut-off", say("cut_off", { names: listed(prints.map(({ name }) => name)) }));
  element("cut-off").hidden = false;
  const again = input("again");
  again.addEventListener("change", () => {
    const picked = [...(again.files ?? [])];
    again.value = "";
    const files = prints.flatMap((wanted) => picked.find((file) => isSame(print(file), wanted)) ?? []);
    if (files.length !== prints.length || picked.length !== prints.length) {
      fail("other_files");
      return;
    }
    addFiles(files);
    const size = files.reduce((sum, file) => sum + file.size, 0);
    goOn({ items: files.map(outgoing), size, ttl: upload.ttl, passphrase }, upload);
  });
  element("give-up").addEventListener("click", () => {
    forget();
    // What was given up shall not take up room until it is swept.
    client.burn({ kind: "receipt", body: upload.receiptKey, passphrase: false }).catch(() => {});
  });
}

/** @param {File} file @returns {Print} */
function print({ name, type, size, lastModified }) {
  return { name, mime: type, size, modified: lastModified };
}

/** @param {Print} one @param {Print} other */
function isSame(one, other) {
  return (
    one.name === other.name && one.mime === other.mime && one.size === other.size && one.modified === other.modified
  );
}
