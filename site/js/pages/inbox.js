import { TainaError } from "../errors.js";
import { decodeLink } from "../format/links.js";
import { Requests } from "../client/requests.js";
import { announce, copyOf, element, fill, formatTime, load, run, say, show } from "../ui/page.js";

/** @typedef {import("../client/requests.js").Answer} Answer */
/** @typedef {{secret: string | null, part: HTMLElement, how: HTMLElement, open: HTMLAnchorElement}} Row */

/** @type {Record<string, string>} */
const STATES = {
  incomplete_link: "cut",
  wrong_link: "wrong-link",
  newer_link: "newer",
  renewed: "renewed",
  not_found: "missing",
  rate_limited: "limited",
  unsupported: "outdated",
};

const requests = new Requests();
/** @type {import("../format/links.js").Link} */
let link;
/** @type {Row[]} */
let rows = [];
/** How many answers have come, in words; empty before that is known. */
let count = "";
/** The newest look: an older one ends with it. */
let newest = new AbortController();
/** What looks by itself, once it is here. @type {typeof import("../ui/watching.js") | null} */
let watching = null;

addEventListener("hashchange", () => location.reload());

run(start);

function start() {
  element("refresh").addEventListener("click", look);
  element("check").addEventListener("click", check);
  element("try-again").addEventListener("click", () => {
    show("loading");
    void look();
  });
  element("delete").addEventListener("click", () => askToDelete(true));
  element("delete-cancel").addEventListener("click", () => askToDelete(false));
  element("delete-confirm").addEventListener("click", remove);
  void look();
}

/** Somebody looks; from then on the page does, too. */
async function look() {
  watching?.pause();
  /** @type {import("../ui/watching.js").Came} */
  let came;
  try {
    came = await lookOnce();
    announce(count);
  } catch (error) {
    if (error instanceof TainaError && error.code === "cancelled") return;
    came = { error, settled: !explain(error) };
  }
  if (!came.settled) watching ??= await load("ui/watching.js").catch(() => null);
  watching?.begin(came, lookOnce, explain);
}

/** @type {import("../ui/watching.js").Look} */
async function lookOnce(call) {
  newest.abort();
  const { signal } = (newest = new AbortController());
  link = await decodeLink(location.hash, "inbox");
  const { answers, expires, received } = await requests.inbox(link, { ...call, signal });
  if (signal.aborted) throw new TainaError("cancelled");
  const begins = rows.every(({ secret }, n) => secret === received[n]?.secret);
  const same = begins && rows.length === received.length;
  const news = count !== "" && !same;
  // Rows stay, as the keyboard may be in them; only a person who looks again wants what `check` said forgotten.
  if (!begins || !call) rows = [];
  if (!same || !call || count === "") tell(answers, expires, received);
  show("shown");
  if (news) announce(count);
  return { news, settled: received.length >= answers || expires <= Date.now() / 1000 };
}

/** @param {number} answers @param {number} expires @param {Answer[]} received */
function tell(answers, expires, received) {
  count = say("count", { n: received.length, most: answers });
  fill("came", count);
  fill("until", formatTime(expires));
  const list = element("answers");
  if (rows.length === 0) list.replaceChildren();
  const more = received.slice(rows.length).map((answer, n) => row(answer, rows.length + n));
  list.append(...more.map(({ part }) => part));
  rows.push(...more);
  list.hidden = element("check").hidden = received.length === 0;
  element("none").hidden = received.length > 0;
}

/** @param {Answer} answer @param {number} n @returns {Row} */
function row({ received, secret }, n) {
  const part = copyOf("answer-part");
  const [came, how] = part.getElementsByTagName("p");
  const [open] = part.getElementsByTagName("a");
  came.textContent = say("received", { when: formatTime(received) });
  how.textContent = secret === null ? say("states.strange") : "";
  open.hidden = secret === null;
  open.href = `../s/#${secret}`;
  open.setAttribute("aria-label", say("open", { n: n + 1 }));
  return { secret, part, how, open };
}

/** Ask about all the answers; only now, for asking tells the server which secrets answer this request. */
async function check() {
  try {
    await load("client/secrets.js");
  } catch (error) {
    if (error instanceof TainaError && error.code === "renewed") {
      watching?.pause();
      explain(error);
      return;
    }
  }
  await Promise.all(
    rows.map(async ({ secret, how, open }) => {
      if (secret === null) return;
      const { state, ended } = await standing(secret);
      how.textContent = say(`states.${state}`, { when: ended === undefined ? "" : formatTime(ended) });
      open.hidden = !["waiting", "uploading", "unreachable"].includes(state);
    }),
  );
  announce(rows.map(({ how }) => how.textContent).join("\n"));
}

/** The state of the secret of an answer; asking consumes nothing. @param {string} secret @returns {Promise<{state: string, ended?: number}>} */
async function standing(secret) {
  try {
    /** @type {typeof import("../client/secrets.js")} */
    const { Secrets } = await load("client/secrets.js");
    return { state: (await new Secrets().status(await decodeLink(secret, "secret"))).state };
  } catch (error) {
    const { code, members } = error instanceof TainaError ? error : new TainaError("internal");
    if (code === "gone") return { state: String(members.state), ended: Number(members.ended) };
    return { state: code === "not_found" ? "missing" : "unreachable" };
  }
}

/** @param {boolean} asking */
function askToDelete(asking) {
  element("deleting").hidden = !asking;
  element("delete").setAttribute("aria-expanded", String(asking));
  element(asking ? "delete-cancel" : "delete").focus();
}

async function remove() {
  watching?.pause();
  newest.abort();
  try {
    await requests.withdraw(link);
    element("answers").replaceChildren();
    // What is left of the link opens nothing any more.
    history.replaceState(null, "", location.pathname);
    show("deleted");
  } catch (error) {
    explain(error);
    watching?.begin({ error }, lookOnce, explain);
  }
}

/** @param {unknown} error @returns {boolean} whether that may pass */
function explain(error) {
  const state = (error instanceof TainaError && STATES[error.code]) || "unreachable";
  show(state);
  return state === "unreachable" || state === "limited";
}
