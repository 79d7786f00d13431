// A page that looks by itself for what somebody else has to do: while it is on the screen or, if that is wanted, behind it.

import { pauses } from "../client/waiting.js";
import { TainaError } from "../errors.js";
import { announce, element } from "./page.js";

/**
 * What came of a look. `news`: it differs from what was shown; `settled`: nothing can change any more; `more`: there is
 * more to look at than one look does; `error`: nothing came.
 * @typedef {{news?: boolean, settled?: boolean, more?: boolean, error?: unknown}} Came
 */
/** Look once and show what came; without `tries`, because somebody wants it. @typedef {(call?: {tries: number}) => Promise<Came>} Look */

const BETWEEN = 1000; // ms from one look to the next, at least, however often somebody comes and goes
const AFTER_ERROR = 60; // seconds, at least
const MAX_RETRY_AFTER = 86_400; // seconds that a server may ask for

/** Null before the page begins, and once nothing can change any more. @type {{look: Look, explain: (error: unknown) => unknown} | null} */
let watched = null;
let rests = pauses();
/** When another look may be, on the clock of `performance`. */
let earliest = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let notifies = false;

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") lookSoon();
  else if (!notifies) clearTimeout(timer);
});
addEventListener("online", lookSoon);
element("notify").addEventListener("click", () => void askToNotify());
element("notifying").hidden = !canNotify();

/**
 * Somebody has looked: from now on the page does.
 * @param {Came} came of that look
 * @param {Look} look
 * @param {(error: unknown) => unknown} explain shows that there is nothing to look at any more
 */
export function begin(came, look, explain) {
  watched = { look, explain };
  rests = pauses();
  tellFailure(false);
  go(came);
}

/** Not before `begin` is called again: somebody looks, or does what changes it. */
export function pause() {
  watched = null;
  clearTimeout(timer);
}

function lookSoon() {
  rests = pauses();
  rest(0);
}

/** @param {number} seconds */
function rest(seconds) {
  clearTimeout(timer);
  if (watched === null || (document.visibilityState !== "visible" && !notifies)) return;
  timer = setTimeout(() => void lookAgain(), Math.max(seconds * 1000, earliest - performance.now()));
}

async function lookAgain() {
  const turn = watched;
  if (turn === null) return;
  /** @type {Came} */
  const came = await turn.look({ tries: 1 }).catch((/** @type {unknown} */ error) => ({ error }));
  if (turn !== watched || isCancelled(came)) return; // a newer look goes on
  came.settled ??= errorOf(came)?.code === "not_found";
  tellFailure(came.error !== undefined && !came.settled);
  if (came.error !== undefined && came.settled) turn.explain(came.error);
  if (came.news) notify();
  go(came);
}

/** Rest as long as this look asks for. @param {Came} came */
function go(came) {
  element("watching").hidden = Boolean(came.settled);
  if (came.settled) {
    pause();
    return;
  }
  const error = errorOf(came);
  const asked = Math.min(Number(error?.members.retry_after ?? 0), MAX_RETRY_AFTER);
  earliest = performance.now() + Math.max(BETWEEN, asked * 1000);
  if (error) rest(AFTER_ERROR);
  else rest(came.more ? pauses().next().value : rests.next().value);
}

/** @param {Came} came @returns {TainaError | null} */
function errorOf({ error }) {
  if (error === undefined || error instanceof TainaError) return error ?? null;
  return new TainaError("internal");
}

/** @param {Came} came */
function isCancelled(came) {
  return errorOf(came)?.code === "cancelled";
}

/** Said once, until an answer comes. @param {boolean} failed */
function tellFailure(failed) {
  const notice = element("unanswered");
  if (notice.hidden !== failed) return;
  notice.hidden = !failed;
  if (failed) announce(notice.textContent ?? "");
}

/** Chrome on Android has notifications for service workers alone, and only making one tells; without leave it is not shown. */
function canNotify() {
  if (!("Notification" in globalThis)) return false;
  try {
    return Notification.permission === "granted" || Boolean(new Notification(""));
  } catch {
    return false;
  }
}

async function askToNotify() {
  if (notifies) setNotifying(false);
  else setNotifying((await Notification.requestPermission().catch(() => "denied")) === "granted", true);
}

/** @param {boolean} allowed @param {boolean} [asked] whether it was wanted */
function setNotifying(allowed, asked = false) {
  notifies = allowed;
  element("notify").setAttribute("aria-pressed", String(allowed));
  element("not-allowed").hidden = allowed || !asked;
}

/** To somebody who is not looking at the page; a person beside may see it, so it says no more than that there is news. */
function notify() {
  if (!notifies || (document.visibilityState === "visible" && document.hasFocus())) return;
  const { name = "", news } = element("watching").dataset;
  const { lang, dir } = document.documentElement;
  try {
    const note = new Notification(name, { body: news, lang, dir: dir === "rtl" ? "rtl" : "ltr" });
    note.addEventListener("click", () => {
      focus();
      note.close();
    });
    note.addEventListener("error", () => setNotifying(false, true)); // no longer allowed
  } catch {
    setNotifying(false, true); // Chrome on Android, where somebody had allowed it in its settings
  }
}
