// What pages share: states, texts, copying. No page knows how a text reads; it asks for it by its key.

import { TainaError } from "../errors.js";

/** @typedef {Record<string, string | number>} Values */

/** @type {Record<string, any>} */
const texts = JSON.parse(element("texts").textContent ?? "{}");
const language = document.documentElement.lang;
/** The page's language as the reader's own region writes dates and numbers in it, with the digits of our texts and fields. */
export const locale = localeOf([...(navigator.languages ?? []), language]);
/** Whether marks are as wide as letters. */
export const wide = /^(ja|zh)/.test(language);
const plurals = new Intl.PluralRules(language);

/** What this page loads later: each module with those that it imports, in their order. @type {Record<string, string[]>} */
const later = JSON.parse(element("modules").textContent ?? "{}");
/** Of every file that pages load later, by its path. @type {Record<string, string>} */
const digests = JSON.parse(document.querySelector('script[type="importmap"]')?.textContent ?? "{}").integrity ?? {};
/** Gives out the addresses of our own modules, and no other. */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("taina-modules", {
  createScriptURL: (/** @type {string} */ address) => digestOf(address) && address,
});

const tellOffline = () => (element("offline").hidden = navigator.onLine);
for (const change of ["offline", "online"]) addEventListener(change, tellOffline);
tellOffline();

// By js/ui/link_repair.js, for a link whose fragment had come in the path.
element("link-seen").hidden = !new URLSearchParams(location.search).has("seen");

/** Systems name languages that are none, such as `en-US@posix`. @param {readonly string[]} tags the last is good @returns {Intl.Locale} */
function localeOf([tag, ...others]) {
  try {
    const found = new Intl.Locale(tag, { numberingSystem: "latn" });
    if (others.length === 0 || found.language === language) return found;
  } catch {
    // the next one, then
  }
  return localeOf(others);
}

/** @param {string} id @returns {HTMLElement} */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

/** @param {string} id of a template @returns {HTMLElement} a copy of what is in it */
export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (element(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** @param {string} id @returns {HTMLInputElement} */
export function input(id) {
  return /** @type {HTMLInputElement} */ (element(id));
}

const askFirst = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();

/**
 * Show the parts of a state and hide the others; what is `data-inert` then cannot be changed. A new heading is read out and
 * takes the keyboard's place, and where that was in what is out of reach now, `data-place` names another for it.
 * @param {string} state
 * @param {boolean} [held] whether the browser asks before this page is left, since something would be lost with it
 */
export function show(state, held = state === "working") {
  (held ? addEventListener : removeEventListener)("beforeunload", askFirst);
  const main = element("content");
  if (main.dataset.state === state) return;
  main.dataset.state = state;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-when], [data-inert]"))) {
    part.hidden = !(part.dataset.when ?? state).split(" ").includes(state);
    part.inert = part.dataset.inert === state;
  }
  const heading = document.querySelector("main > section:not([hidden]) > h1[tabindex]");
  if (heading instanceof HTMLElement && !heading.contains(document.activeElement)) {
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
    return;
  }
  const here = document.activeElement ?? document.body;
  if (here !== document.body && !here.closest("[hidden], [inert]")) return;
  const place = /** @type {HTMLElement | null} */ (document.querySelector(`[data-place~="${state}"]`));
  place?.focus({ preventScroll: true });
}

/** @returns {string} the state that is shown */
export function state() {
  return element("content").dataset.state ?? "";
}

/**
 * @param {string} key of the page's live texts, `a.b` for one inside another
 * @param {Values} [values] for its placeholders; `n` chooses the plural form
 * @returns {string}
 */
export function say(key, values = {}) {
  let text = key.split(".").reduce((node, name) => node[name], texts);
  if (typeof text === "object") text = text[plurals.select(Number(values.n))] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => {
    const value = values[name];
    return typeof value === "number" ? formatNumber(value) : value;
  });
}

/** Write a text into its place, which shows it. @param {string} place @param {string} text */
export function fill(place, text) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`[data-fill="${place}"]`))) {
    if (part.textContent !== text) part.textContent = text; // keeps what is selected
    part.hidden = false;
  }
}

/** Have it read out, for those who do not see it change. @param {string} text */
export function announce(text) {
  element("announcement").textContent = text;
}

/** @param {number} n @returns {string} */
export function formatNumber(n) {
  return new Intl.NumberFormat(locale).format(n);
}

/** @param {string} text @returns {string} to stand behind another, in brackets as the language writes them */
export function inBrackets(text) {
  return wide ? `（${text}）` : `\u00a0(${text})`;
}

/** @param {string} text @returns {string} that runs in the direction of its first letter, whatever stands around it */
function isolated(text) {
  return `\u2068${text}\u2069`;
}

/** @param {string[]} names each of which may be written in another direction @returns {string} */
export function listed(names) {
  return new Intl.ListFormat(locale).format(names.map(isolated));
}

/** @param {number} seconds unix time @returns {string} in which no line ends within the date, before the "г." of a year, or in the time of day */
export function formatTime(seconds) {
  const time = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(seconds * 1000);
  return time
    .replace(/(?<=\d\.) |(?<=\b\d\d?) (?=\p{L})|(?<=\p{L}) (?=\d{4}\b)| (?=\p{L}\.|\d+[:.]\d)/gu, "\u00a0")
    .replace(/(?=[年月日])|(?<=[年月])/gu, "\u2060");
}

/** @param {number} bytes @param {"" | "-per-second"} [per] @returns {string} in one line, in a direction of its own: Hebrew writes "121 kB" as English does, and 1 no other way */
export function formatSize(bytes, per = "") {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let power = 0;
  while (bytes >= 1000 && power < units.length - 1) {
    bytes /= 1024;
    power += 1;
  }
  const maximumFractionDigits = bytes < 10 && power ? 1 : 0;
  const style = /** @type {const} */ ({ style: "unit", unitDisplay: power ? "short" : "long" });
  const size = new Intl.NumberFormat(locale, { ...style, unit: units[power] + per, maximumFractionDigits });
  return isolated(
    size
      .format(bytes)
      .replace(/^(\w+)\u200f1/, "1 $1")
      .replaceAll(" ", "\u00a0"),
  );
}

/**
 * Whether a key is Enter, pressed once: not one that stays down, and not what ends a word in an input method, which
 * Safari names only by its code.
 * @param {KeyboardEvent} event
 */
export function isEnter(event) {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is nothing newer
  return event.key === "Enter" && !event.repeat && !event.isComposing && event.keyCode !== 229;
}

/**
 * Copy on a click, and say so on the button itself.
 * @param {HTMLElement} button
 * @param {() => string} text
 * @param {() => void} select marks the text for copying by hand, where the browser does not allow more
 * @param {() => void} [then] what follows once it is in the clipboard
 */
export function copyOnClick(button, text, select, then = () => {}) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      then();
      tellOn(button, "copied");
    } catch {
      select();
      // First: who is told to copy may be quicker than the module, and would get only what can be selected.
      await load("ui/copy_by_hand.js")
        .then(({ copyAtNextCopy }) => copyAtNextCopy(text))
        .catch(() => {});
      tellOn(button, "copy_by_hand");
    }
  });
}

/** The names of buttons that say something else for a moment. @type {WeakMap<HTMLElement, string>} */
const ownNames = new WeakMap();

/** Say on a button what came of it, and aloud. @param {HTMLElement} button @param {string} key */
export function tellOn(button, key) {
  const name = ownNames.get(button) ?? button.textContent ?? "";
  ownNames.set(button, name);
  button.textContent = say(key);
  announce(say(key));
  setTimeout(() => (button.textContent = name), 2500);
}

/**
 * A button that shows and hides what is typed into a passphrase field.
 * @param {HTMLInputElement} field
 * @param {HTMLElement} button
 * @returns {(shown: boolean) => void} to do it without the button
 */
export function canBeShown(field, button) {
  const names = { hidden: button.textContent ?? "", shown: button.dataset.hide ?? "" };
  const set = (/** @type {boolean} */ shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? names.shown : names.hidden;
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => set(field.type === "password"));
  return set;
}

/** Before anything is known of how far it is: no number, a bar that only moves. */
export function resetProgress() {
  element("progress").removeAttribute("value");
  fill("progress", say("working"));
  fill("amount", "");
}

/** What was asked for so far, by its path. @type {Map<string, Promise<any>>} */
const loading = new Map();

/**
 * A module that a page loads only when somebody wants what it does, with those that it imports itself.
 * @param {string} path below js/
 * @returns {Promise<any>}
 * @throws {TainaError} unreachable, and it may be tried again; renewed: this site no longer has it, a newer page does
 */
export function load(path) {
  let module = loading.get(path);
  if (module === undefined) {
    module = fetchModule(path).catch(async () => {
      loading.delete(path);
      throw await whyMissing(path);
    });
    loading.set(path, module);
  }
  return module;
}

/** @param {string} path @returns {Promise<any>} */
async function fetchModule(path) {
  const addresses = later[path].map(addressOf);
  // First to where the browser keeps them: what it could not load as a module, it would never try again.
  await Promise.all(addresses.map(fetchChecked));
  await Promise.all(addresses.map(bring));
  return import(addressOf(path));
}

/** Why a file of ours did not come: an upgrade took it away, or something that may pass. @param {string} path below js/ */
export async function whyMissing(path) {
  const how = /** @type {RequestInit} */ ({ method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000) });
  const { status } = await fetch(addressOf(path), how).catch(() => Response.error());
  return new TainaError([404, 410].includes(status) ? "renewed" : "unreachable");
}

/** An element with its digest brings a module: WebKit's integrity policy blocks what only an import names. @param {string} address */
async function bring(address) {
  const script = document.createElement("script");
  script.type = "module";
  script.crossOrigin = "";
  script.integrity = digestOf(address);
  script.src = policy?.createScriptURL(address) ?? address;
  await new Promise((done, failed) => {
    script.addEventListener("load", done);
    script.addEventListener("error", failed);
    document.head.append(script);
  });
  script.remove();
}

/** What shows that somebody may create: by the login of a proxy. @type {import("../client/client.js").Credential | null} */
let login = null;

/** What the operator has laid down: said before anything is entered. @param {import("../client/instance.js").Instance} instance */
export async function follow(instance) {
  const { create, passphrases = "optional", files = true, recipients = 100 } = instance.options;
  const { ttl, limits } = instance;
  if (create === "keys" && keys === null) await askForKey();
  if (create === "proxy") login = { login: true };
  const anyTime = ttl.min <= 300 && ttl.max >= 2592000 && ttl.default === 604800;
  const anyNumber = recipients >= 20 && !(Number(limits.answers) < 100);
  if (anyTime && anyNumber && create !== "proxy" && passphrases === "optional" && files) return;
  /** @type {typeof import("./policy.js")} */
  const { apply } = await load("ui/policy.js");
  apply(instance);
}

/** What asks for the access key of a private instance. @type {typeof import("./access_key.js") | null} */
let keys = null;

/** Show where an access key is entered. */
export async function askForKey() {
  keys ??= await load("ui/access_key.js");
  keys?.ask();
}

/** What a private instance wants to see; null where none asked. @returns {import("../client/client.js").Credential | null} @throws {TainaError} key_needed, key_refused */
export function credential() {
  return login ?? keys?.credential() ?? null;
}

/** A text among the site's files, checked as modules are. @param {string} path below js/ @throws {TainaError} as `load` */
export function loadText(path) {
  return fetchChecked(addressOf(path)).catch(async () => Promise.reject(await whyMissing(path)));
}

/** @param {string} path below js/ @returns {string} */
function addressOf(path) {
  return new URL(`../${path}`, import.meta.url).href;
}

/** @param {string} address @returns {Promise<string>} */
async function fetchChecked(address) {
  return (await fetch(address, { integrity: digestOf(address) })).text();
}

/** @param {string} address @returns {string} @throws {TypeError} if it is none of this site's files */
function digestOf(address) {
  const { pathname, origin } = new URL(address);
  if (origin !== location.origin || !(pathname in digests)) throw new TypeError(`no digest of ${pathname}`);
  return digests[pathname];
}

/** The page's own part, where this browser encrypts: only over HTTPS, or on this very machine. @param {() => void} start */
export function run(start) {
  if (isSecureContext && globalThis.crypto?.subtle) start();
  else show("insecure");
  element("stuck").remove(); // all modules are here, and none has failed
}
