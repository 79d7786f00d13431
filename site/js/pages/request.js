import { rulesFor } from "../client/instance.js";
import { TainaError, codeOf } from "../errors.js";
import {
  credential,
  announce,
  askForKey,
  copyOnClick,
  element,
  fill,
  follow,
  formatTime,
  input,
  load,
  run,
  say,
  show,
  state,
} from "../ui/page.js";

const answers = input("answers");
/** Asks what the operator has laid down, until it is followed. */
const ask = rulesFor(follow);
const lifetime = /** @type {HTMLSelectElement} */ (element("ttl"));

run(start);

function start() {
  element("make").addEventListener("click", make);
  void ask();
  element("another").addEventListener("click", () => {
    for (const id of ["link", "inbox-link"]) input(id).value = "";
    element("open-inbox").removeAttribute("href");
    show("ready");
  });
  for (const [button, field] of [
    ["copy-link", "link"],
    ["copy-inbox", "inbox-link"],
  ]) {
    const address = input(field);
    copyOnClick(
      element(button),
      () => address.value,
      () => address.select(),
    );
    address.addEventListener("focus", () => address.select());
  }
}

async function make() {
  if (!["ready", "error"].includes(state())) return;
  if (!canBeMade()) return;
  const seen = Number(lifetime.value);
  show("working");
  try {
    // Of what else keeps them unknown, making will tell.
    const problem = await ask();
    if (problem === "unreachable" || problem === "renewed") throw new TainaError(problem);
    if (!canBeMade()) return;
    if (Number(lifetime.value) > seen) {
      show("ready");
      lifetime.focus(); // nothing lives longer than somebody saw
      return;
    }
    /** @type {typeof import("../client/asking.js")} */
    const { request } = await load("client/asking.js");
    const made = await request({
      ttl: Number(lifetime.value),
      answers: Number(answers.value),
      passphrase: input("ask-passphrase").checked,
      credential: credential(),
    });
    succeed(made);
  } catch (error) {
    const code = codeOf(error);
    if (code === "unsupported") show("outdated");
    else fail(code);
    if (code.startsWith("key_")) void askForKey();
    if (code === "login_needed") element("log-in").focus();
    void ask();
  }
}

/** Else the page says why not. */
function canBeMade() {
  const good = answers.checkValidity() && answers.value !== "";
  if (!good) {
    fail("answers");
    answers.focus();
  }
  return good;
}

/** @param {{request: string, inbox: string, expires: number}} made */
function succeed({ request, inbox, expires }) {
  // The neutral addresses: the reader's browser chooses the language.
  input("link").value = `${location.origin}/r/#${request}`;
  input("inbox-link").value = `${location.origin}/inbox/#${inbox}`;
  /** @type {HTMLAnchorElement} */ (element("open-inbox")).href = `../inbox/#${inbox}`;
  fill("expires", say("expires", { when: formatTime(expires) }));
  show("done");
}

/** @param {string} code */
function fail(code) {
  show("error");
  const messages = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-error]"));
  const known = [...messages].some((message) => message.dataset.error === code) ? code : "internal";
  for (const message of messages) message.hidden = message.dataset.error !== known;
  announce("");
}
