// The receipts that somebody asked this browser to keep. Nothing is here until then, and one call forgets it all.

import { isPoint } from "./client/answers.js";

/** @typedef {{receipt: string, name: string, created: number, expires: number}} KeptReceipt a receipt link's fragment, what its sender calls it, unix times */

export const KEY = "taina-sent";

/** @returns {KeptReceipt[]} the newest first; none where storage is blocked or holds something else */
export function sent() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter(isSent).sort((a, b) => b.created - a.created) : [];
  } catch {
    return [];
  }
}

/** In place of what was kept of the same receipt. @param {KeptReceipt[]} more @returns {boolean} whether the browser allows it */
export function keep(more) {
  const receipts = more.map(({ receipt }) => receipt);
  return store([...sent().filter(({ receipt }) => !receipts.includes(receipt)), ...more]);
}

/** @param {string} receipt */
export function forget(receipt) {
  store(sent().filter((one) => one.receipt !== receipt));
}

export function forgetAll() {
  store([]);
}

/** @param {KeptReceipt[]} list @returns {boolean} */
function store(list) {
  try {
    if (list.length === 0) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(list));
    return true;
  } catch {
    return false;
  }
}

/** @param {any} one @returns {one is KeptReceipt} */
function isSent(one) {
  const texts = typeof one?.receipt === "string" && typeof one.name === "string";
  return texts && isPoint(one.created) && isPoint(one.expires);
}
