// The access key of a private instance: asked for where one is needed, kept by this browser only if told to.

import { fromBase64url } from "../bytes.js";
import { TainaError } from "../errors.js";
import { element, input } from "./page.js";

const KEPT = "taina-key";
const KEY_SIZE = 32;

const field = input("access-key");
const keep = input("keep-key");

/** Show the field, with what is kept. */
export function ask() {
  if (element("private").hidden) {
    field.value = kept() ?? "";
    keep.checked = field.value !== "";
    element("private").hidden = false;
  } else {
    field.focus();
  }
}

/** What shows that its holder may. @returns {import("../client/client.js").Credential} @throws {TainaError} key_needed, key_refused */
export function credential() {
  const key = field.value.trim();
  remember(keep.checked ? key : null);
  if (key === "") throw new TainaError("key_needed");
  try {
    const token = fromBase64url(key);
    if (token.length === KEY_SIZE) return { token };
  } catch {
    // told below
  }
  throw new TainaError("key_refused");
}

/** @returns {string | null} */
function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {string | null} key */
function remember(key) {
  try {
    if (key) localStorage.setItem(KEPT, key);
    else localStorage.removeItem(KEPT);
  } catch {
    // a browser that keeps nothing
  }
}
