// What an operator has laid down, as pages say it before anything is entered: a login, lifetimes, passphrases, files.

import { element, formatNumber, inBrackets, input, locale, wide } from "./page.js";

const UNITS = /** @type {const} */ ([
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
]);

/** @param {import("../client/instance.js").Instance} instance */
export function apply({ ttl, limits, options }) {
  const { login_url: address, passphrases = "optional", files = true, recipients = 100 } = options;
  if (address !== undefined && there("login")) {
    /** @type {HTMLAnchorElement} */ (element("log-in")).href = address;
    element("login").hidden = false;
  }
  offer(/** @type {HTMLSelectElement} */ (element("ttl")), ttl);
  if (there("recipients")) bound("recipients", recipients);
  if (there("answers")) bound("answers", limits.answers ?? 100);
  if (passphrases !== "optional") needPassphrase(passphrases === "generated");
  if (!files && there("files")) {
    for (const id of ["files", "add-files", "drop", "lede"].filter(there)) element(id).hidden = true;
    if (there("lede-text")) element("lede-text").hidden = false;
    tell("no_files");
  }
}

/** Only lifetimes that may be chosen, and the usual one. @param {HTMLSelectElement} select @param {{min: number, max: number, default: number}} ttl seconds */
function offer(select, ttl) {
  const chosen = select.value === "604800" ? String(ttl.default) : select.value;
  for (const option of [...select.options]) {
    if (Number(option.value) < ttl.min || Number(option.value) > ttl.max) option.remove();
  }
  if (![...select.options].some(({ value }) => value === String(ttl.default))) {
    const next = [...select.options].find(({ value }) => Number(value) > ttl.default) ?? null;
    select.add(new Option(spoken(ttl.default), String(ttl.default)), next);
  }
  select.value = chosen;
  if (select.value === "") select.value = String(ttl.default);
}

/** @param {number} seconds @returns {string} in the largest unit that leaves nothing over */
function spoken(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds % size === 0) ?? UNITS[3];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(seconds / size);
}

/** The most that a field of a number takes, in its hint and in the sentence of its error. @param {string} id @param {number} most */
function bound(id, most) {
  const field = input(id);
  if (most >= Number(field.max)) return;
  const error = document.querySelector(`[data-error="${id}"]`);
  if (error) error.textContent = (error.textContent ?? "").replace(field.max, formatNumber(most));
  field.labels?.[0].append(inBrackets(`1${wide ? "～" : "\u2060–\u2060"}${formatNumber(most)}`));
  field.max = String(most);
  if (most > 1) return;
  field.value = "1";
  /** @type {HTMLElement} */ (field.closest(".number")).hidden = true;
}

/** @param {boolean} generated and by us, not one's own */
function needPassphrase(generated) {
  if (there("ask-passphrase")) {
    input("ask-passphrase").checked = input("ask-passphrase").disabled = true;
    element("passphrase-needed").hidden = false;
    return;
  }
  const field = input("passphrase");
  field.required = true;
  field.readOnly = generated;
  if (generated) field.value = "";
  element("optional").hidden = true;
  tell(generated ? "passphrase_generated" : "passphrase_needed");
}

/** Before anything is entered that it would refuse. @param {string} rule */
function tell(rule) {
  /** @type {HTMLElement} */ (element("policy").querySelector(`[data-rule="${rule}"]`)).hidden = false;
  element("policy").hidden = false;
}

/** @param {string} id @returns {boolean} */
function there(id) {
  return document.getElementById(id) !== null;
}
