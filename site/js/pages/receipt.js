import { Secrets, hasEnded } from "../client/secrets.js";
import { TainaError } from "../errors.js";
import { cleanFragment, decodeLink } from "../format/links.js";
import { forget, keep, sent } from "../kept_receipts.js";
import { announce, element, fill, formatNumber, formatTime, input, load, run, say, show } from "../ui/page.js";

/** @type {Record<string, string>} */
const STATES = {
  incomplete_link: "cut",
  wrong_link: "wrong-link",
  newer_link: "newer",
  not_found: "missing",
  rate_limited: "limited",
};

const client = new Secrets();
/** @type {import("../format/links.js").Link} */
let link;
/** What this browser would keep of it. @type {{receipt: string, created: number, expires: number}} */
let mine;
/** What the page shows. @type {import("../client/secrets.js").Receipt | null} */
let shown = null;
/** The newest look: an older one ends with it. */
let newest = new AbortController();
/** What looks by itself, once it is here. @type {typeof import("../ui/watching.js") | null} */
let watching = null;

addEventListener("hashchange", () => location.reload());

run(start);

function start() {
  element("refresh").addEventListener("click", look);
  element("try-again").addEventListener("click", () => {
    show("loading");
    void look();
  });
  element("burn").addEventListener("click", () => askToBurn(true));
  element("burn-cancel").addEventListener("click", () => askToBurn(false));
  element("burn-confirm").addEventListener("click", burn);
  element("print").addEventListener("click", () => print());
  element("keep").addEventListener("click", () => {
    element("not-kept").hidden = keep([{ ...mine, name: input("nickname").value.trim() }]);
    tellKept(true);
    if (element("keep").hidden) element("kept").focus({ preventScroll: true });
  });
  element("nickname").addEventListener("input", offerToKeep);
  element("forget").addEventListener("click", () => {
    forget(mine.receipt);
    input("nickname").value = "";
    tellKept(true);
    input("nickname").focus();
  });
  void look();
}

/** Somebody looks; from then on the page does, too. */
async function look() {
  watching?.pause();
  /** @type {import("../ui/watching.js").Came} */
  let came;
  try {
    came = await lookOnce();
    announce(element("receipt-state").textContent ?? "");
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
  link = await decodeLink(location.hash, "receipt");
  const receipt = await client.receipt(link, { ...call, signal });
  if (signal.aborted) throw new TainaError("cancelled");
  const news = shown !== null && shown.state !== receipt.state;
  // What has not changed is not written again: a selection would be lost, and read aloud it would be news.
  if (JSON.stringify(receipt) !== JSON.stringify(shown)) tell(receipt);
  show("shown");
  if (news) announce(element("receipt-state").textContent ?? "");
  return { news, settled: hasEnded(receipt, Date.now() / 1000) };
}

/** @param {import("../client/secrets.js").Receipt} receipt */
function tell(receipt) {
  const { state, created, expires, ended, failed_attempts } = receipt;
  // Without the reader's proof nothing more is known than that the bytes were handed out.
  const name = say(`states.${state === "unproved" ? "revealed" : state}`);
  element("receipt-state").textContent = name;
  fill("explain", say(`explain.${state}`));
  fill("created", formatTime(created));
  fill("expires", formatTime(expires));
  element("failed").hidden = failed_attempts === 0;
  fill("failed", formatNumber(failed_attempts));
  element("ended").hidden = ended === undefined;
  element("expires").hidden = ended !== undefined;
  if (ended !== undefined) {
    element("ended-name").textContent = name;
    fill("ended", formatTime(ended));
  }
  if (state !== "waiting" && state !== "uploading") endBurning();
  mine = { receipt: cleanFragment(location.hash), created, expires };
  if (shown === null) tellKept(false);
  shown = receipt;
}

/** There is nothing to burn any more. The keyboard may be there. */
function endBurning() {
  const parts = [element("burn"), element("burning")];
  const left = parts.some((part) => part.contains(document.activeElement));
  for (const part of parts) part.hidden = true;
  if (left) element("refresh").focus({ preventScroll: true });
}

/** @param {boolean} aloud whether this is new */
function tellKept(aloud) {
  const kept = sent().find(({ receipt }) => receipt === mine.receipt);
  const name = kept?.name ?? "";
  element("named").textContent = name;
  element("named").hidden = name === "";
  element("forget").hidden = kept === undefined;
  element("keep-why").hidden = kept !== undefined;
  const told = say(kept ? "kept" : "not_kept");
  fill("kept", told);
  if (kept && !aloud) input("nickname").value = name;
  if (aloud) announce(told);
  offerToKeep();
}

/** Only what is not kept yet, or under another name than the page shows. */
function offerToKeep() {
  const kept = !element("forget").hidden;
  element("keep").hidden = kept && element("named").textContent === input("nickname").value.trim();
}

/** @param {boolean} asking */
function askToBurn(asking) {
  element("burning").hidden = !asking;
  element("burn").setAttribute("aria-expanded", String(asking));
  element(asking ? "burn-cancel" : "burn").focus();
}

async function burn() {
  watching?.pause();
  newest.abort();
  try {
    await client.burn(link);
  } catch (error) {
    // It ended in another way in the meantime: the receipt tells which.
    if (!(error instanceof TainaError && error.code === "gone")) {
      explain(error);
      watching?.begin({ error }, lookOnce, explain);
      return;
    }
  }
  await look();
}

/** @param {unknown} error @returns {boolean} whether that may pass */
function explain(error) {
  const state = (error instanceof TainaError && STATES[error.code]) || "unreachable";
  show(state);
  return state === "unreachable" || state === "limited";
}
