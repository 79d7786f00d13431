import { TainaError, codeOf } from "../errors.js";
import { decodeLink } from "../format/links.js";
import { Requests } from "../client/requests.js";
import {
  begin,
  clear,
  end,
  entered,
  fail,
  limitTo,
  remindOf,
  sealing,
  sendOne,
  startComposer,
  unlessCancelled,
} from "../ui/composer.js";
import {
  copyOnClick,
  element,
  fill,
  follow,
  formatNumber,
  formatTime,
  input,
  load,
  run,
  say,
  show,
  state,
} from "../ui/page.js";

/** @typedef {import("../client/client.js").Links} Links */
/** @typedef {import("../ui/composer.js").Entered} Entered */
/** @typedef {{found: Entered, links: Links, envelope: import("../format/derive.js").Bytes}} Answer what was entered, and what was made of it */

/** Where each error leads. @type {Record<string, string>} */
const STATES = {
  incomplete_link: "cut",
  wrong_link: "wrong-link",
  newer_link: "newer",
  not_found: "missing",
  rate_limited: "limited",
  unsupported: "outdated",
  bad_format: "cut",
};
/** After these the envelope is not there, and never will be. */
const TOO_LATE = ["answered", "gone", "not_found"];
const requests = new Requests();
/** Whether creating is guarded by a login, which whoever was asked does not need. */
let guarded = false;
/** @type {import("../format/links.js").Link} */
let link;
/** An answer that is sealed and on the server, but whose envelope may not be there yet. @type {Answer | null} */
let waiting = null;

addEventListener("hashchange", () => location.reload());

run(() => (location.hash.length <= 1 ? show("empty") : start()));

function start() {
  startComposer(send, ({ limits, ttl, options: { login_url: _, ...options } }) => {
    guarded = options.create === "proxy";
    return follow({ limits, ttl, options: { ...options, create: "anyone" } });
  });
  element("try-again").addEventListener("click", () => {
    show("loading");
    void look();
  });
  const address = input("receipt-link");
  copyOnClick(
    element("copy-receipt"),
    () => address.value,
    () => address.select(),
  );
  address.addEventListener("focus", () => address.select());
  void look();
}

async function look() {
  try {
    link = await decodeLink(location.hash, "request");
    const status = await requests.requestStatus(link);
    limitTo(status.size ?? Infinity);
    fill("until", formatTime(status.expires));
    fill("left", formatNumber(status.answers_left));
    element("passphrase-wanted").hidden = !link.passphrase;
    if (link.passphrase) {
      for (const id of ["optional", "passphrase-hint"]) element(id).hidden = true;
      element("passphrase").setAttribute("aria-describedby", "passphrase-wanted");
    }
    show(status.state === "full" ? "full" : "ready");
  } catch (error) {
    if (error instanceof TainaError && error.code === "gone") {
      fill("expired", say("until", { when: formatTime(Number(error.members.ended)) }));
      show("expired");
    } else {
      show((error instanceof TainaError && STATES[error.code]) || "unreachable");
    }
  }
}

async function send() {
  if (!["ready", "error"].includes(state())) return;
  const found = entered();
  if (found === null) return;
  if (link.passphrase && found.passphrase === null) {
    fail("passphrase_wanted");
    input("passphrase").focus();
    return;
  }
  begin();
  try {
    // What was changed after a failure is another answer.
    if (waiting && !(isSame(waiting.found, found) && (await canBeRead(waiting.links)))) waiting = null;
    const answer = (waiting ??= await sealed(found));
    await leave(answer);
    succeed(answer);
  } catch (error) {
    const code = codeOf(error);
    // No key was shown: a private instance lets in whom it asked, until the request is over or its key revoked.
    const over = code === "key_refused" || (TOO_LATE.includes(code) && (await isOver()));
    fail(over ? "too_late" : code);
  } finally {
    end();
  }
}

/** Whether nothing was changed between the two. @param {Entered} one @param {Entered} other */
function isSame(one, other) {
  const [parts, others] = [partsOf(one), partsOf(other)];
  return parts.length === others.length && parts.every((part, n) => part === others[n]);
}

/** @param {Entered} entered */
function partsOf({ items, ttl, passphrase }) {
  return [ttl, passphrase, ...items.map((item) => (item.type === "text" ? item.text : item.data))];
}

async function isOver() {
  try {
    return (await requests.requestStatus(link)).state !== "open";
  } catch (error) {
    return error instanceof TainaError && TOO_LATE.includes(error.code);
  }
}

/**
 * Whether the asker can still open this answer, or has: until its envelope is there, it does not wait for long.
 * @param {Links} links
 */
async function canBeRead({ receipt }) {
  const [client] = await unlessCancelled(sealing());
  try {
    const { state } = await unlessCancelled(client.receipt(await decodeLink(receipt, "receipt")));
    return ["waiting", "revealed", "opened"].includes(state);
  } catch (error) {
    if (error instanceof TainaError && error.code === "not_found") return false;
    throw error;
  }
}

/** @param {Entered} found @returns {Promise<Answer>} */
async function sealed(found) {
  /** @type {typeof import("../ui/progress.js")} */
  const progress = await unlessCancelled(load("ui/progress.js"));
  const send = (/** @type {import("../client/client.js").Credential | null} */ credential) =>
    sendOne(found, credential, progress.follow(found.size));
  const links = await send(guarded ? await requests.credential(link) : null).catch(
    async (/** @type {unknown} */ error) => {
      // A private instance lets in who was asked; another need not know which request this answers.
      if (!(error instanceof TainaError && ["key_needed", "login_needed"].includes(error.code))) throw error;
      return send(await requests.credential(link));
    },
  );
  return { found, links, envelope: await requests.seal(link, links.secret) };
}

/** @param {Answer} answer */
async function leave({ links, envelope }) {
  try {
    await requests.answer(link, envelope); // what may have arrived cannot be cancelled
  } catch (error) {
    if (!(error instanceof TainaError && TOO_LATE.includes(error.code))) throw error;
    waiting = null;
    // Nobody will ever find it: it need not wait for its expiry.
    const [client] = await sealing();
    await client.burn(await decodeLink(links.receipt, "receipt")).catch(() => {});
    throw new TainaError("too_late");
  }
}

/** @param {Answer} answer */
function succeed({ found, links: { receipt, expires } }) {
  input("receipt-link").value = `${location.origin}/receipt/#${receipt}`;
  remindOf(found.passphrase);
  fill("expires", formatTime(expires));
  waiting = null;
  clear();
  show("done");
}
