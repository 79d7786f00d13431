import { codeOf } from "../errors.js";
import {
  begin,
  clear,
  end,
  entered,
  fail,
  known,
  remindOf,
  sendOne,
  startComposer,
  unlessCancelled,
} from "../ui/composer.js";
import {
  credential,
  askForKey,
  copyOf,
  copyOnClick,
  element,
  fill,
  follow,
  formatNumber,
  formatTime,
  inBrackets,
  input,
  load,
  run,
  say,
  show,
  state,
} from "../ui/page.js";

/** @typedef {import("../client/client.js").Links} Links */
/** @typedef {import("../ui/composer.js").Entered & {credential: import("../client/client.js").Credential | null, wanted: number, made: Links[]}} Order */

const recipients = input("recipients");
/** What is being sent, until every link of it is made. @type {Order | null} */
let order = null;
/** @type {typeof import("../ui/share.js") | null} */
let share = null;

run(start);

function start() {
  startComposer(send, follow);
  addEventListener("input", bringShare);
  element("make-missing").addEventListener("click", make);
  element("another").addEventListener("click", () => {
    forget();
    for (const id of ["links", "receipts"]) element(id).replaceChildren();
    remindOf(null);
    show("ready");
    element("text").focus();
  });
  for (const [button, list] of [
    ["copy-links", "links"],
    ["copy-receipts", "receipts"],
  ]) {
    const all = () => [...element(list).querySelectorAll("input")];
    copyOnClick(
      element(button),
      () =>
        all()
          .map((field) => field.value)
          .join("\n"),
      () => all()[0].select(),
    );
  }
}

async function send() {
  if (!["ready", "error"].includes(state())) return;
  const found = entered();
  if (found === null) return;
  if (!recipients.checkValidity() || recipients.value === "") {
    fail("recipients");
    recipients.focus();
    return;
  }
  try {
    order = { ...found, credential: credential(), wanted: Number(recipients.value), made: [] };
  } catch (error) {
    refuse(codeOf(error));
    return;
  }
  await make();
}

/** Make the links that are wanted and not there yet, one after another: what is made is not lost by what fails. */
async function make() {
  if (order === null || state() === "working") return;
  const { made, wanted, credential } = order;
  begin();
  let problem = null;
  try {
    /** @type {typeof import("../ui/progress.js")} */
    const progress = await unlessCancelled(load("ui/progress.js"));
    await unlessCancelled(bringShare());
    const report = progress.follow(order.size * wanted);
    while (made.length < wanted)
      made.push(await sendOne(order, credential, (done, total) => report(made.length + done / total, wanted)));
  } catch (error) {
    problem = codeOf(error);
    // What is made would be lost by loading the page anew.
    if (problem === "renewed" && made.length > 0) problem = "unreachable";
  }
  end();
  if (made.length === 0) refuse(problem ?? "internal");
  else succeed(order, problem);
}

/** Before the links are shown, which it would move. */
async function bringShare() {
  share ??= await load("ui/share.js").catch(() => null);
}

/** @param {string} code */
function refuse(code) {
  fail(code);
  if (code.startsWith("key_")) void askForKey();
  if (code === "login_needed") element("log-in").focus();
}

/** @param {Order} order @param {string | null} problem why there are fewer links than wanted */
function succeed({ made, wanted, passphrase: phrase }, problem) {
  const n = made.length;
  // The neutral addresses: the reader's browser chooses the language.
  list(
    "links",
    "link",
    made.map(({ secret }) => `${location.origin}/s/#${secret}`),
  );
  list(
    "receipts",
    "receipt-link",
    made.map(({ receipt }) => `${location.origin}/receipt/#${receipt}`),
  );
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-for]"))) {
    part.hidden = part.dataset.for !== (wanted > 1 ? "many" : "one");
  }
  element("missing").hidden = problem === null;
  if (problem !== null) {
    fill("missing", say("missing", { n, made: n, wanted }));
    fill("why-missing", element("error").querySelector(`[data-error="${known(problem)}"]`)?.textContent ?? "");
  }
  remindOf(phrase);
  share?.offer(made);
  fill("expires", formatTime(made[0].expires));
  if (problem === null) forget();
  show("done");
}

/** Nothing of what was entered stays behind. */
function forget() {
  order = null;
  recipients.value = "1";
  clear();
}

/** @param {string} id of the list, and of its template with `-part` @param {string} first id of the first field @param {string[]} addresses */
function list(id, first, addresses) {
  element(id).replaceChildren(
    ...addresses.map((address, n) => {
      const part = copyOf(`${id}-part`);
      const [label] = part.getElementsByTagName("label");
      const [field] = part.getElementsByTagName("input");
      const [button] = part.getElementsByTagName("button");
      [field.id, button.id] = n ? [`${first}-${n + 1}`, ""] : [first, `copy-${first}`];
      label.htmlFor = field.id;
      if (addresses.length > 1) {
        label.append(inBrackets(formatNumber(n + 1)));
        button.textContent = say("copy");
        button.className = "quiet-button";
        button.setAttribute("aria-label", `${say("copy")}: ${label.textContent}`);
      }
      field.value = address;
      field.addEventListener("focus", () => field.select());
      copyOnClick(
        button,
        () => address,
        () => field.select(),
      );
      return part;
    }),
  );
}
