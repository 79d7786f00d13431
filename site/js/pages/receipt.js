import { Secrets } from "../client/secrets.js";
import { TainaError } from "../errors.js";
import { cleanFragment, decodeLink } from "../format/links.js";
import { forget, keep, sent } from "../kept_receipts.js";
import { announce, element, fill, formatNumber, formatTime, input, run, say, show } from "../ui/page.js";

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

addEventListener("hashchange", () => location.reload());

run(start);

function start() {
  element("refresh").addEventListener("click", look);
  element("try-again").addEventListener("click", look);
  element("burn").addEventListener("click", () => askToBurn(true));
  element("burn-cancel").addEventListener("click", () => askToBurn(false));
  element("burn-confirm").addEventListener("click", burn);
  element("print").addEventListener("click", () => print());
  element("keep").addEventListener("click", () => {
    element("not-kept").hidden = keep([{ ...mine, name: input("nickname").value.trim() }]);
    tellKept(true);
  });
  element("forget").addEventListener("click", () => {
    forget(mine.receipt);
    input("nickname").value = "";
    tellKept(true);
    input("nickname").focus();
  });
  void look();
}

async function look() {
  try {
    link = await decodeLink(location.hash, "receipt");
    tell(await client.receipt(link));
  } catch (error) {
    explain(error);
  }
}

/** @param {import("../client/secrets.js").Receipt} receipt */
function tell({ state, created, expires, ended, failed_attempts }) {
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
  element("burn").hidden = state !== "waiting" && state !== "uploading";
  element("burning").hidden = true;
  mine = { receipt: cleanFragment(location.hash), created, expires };
  tellKept(false);
  show("shown");
  announce(name);
}

/** @param {boolean} aloud whether this is new */
function tellKept(aloud) {
  const kept = sent().find(({ receipt }) => receipt === mine.receipt);
  const name = kept?.name ?? "";
  element("named").textContent = name;
  element("named").hidden = name === "";
  element("forget").hidden = kept === undefined;
  const told = say(kept ? "kept" : "not_kept");
  fill("kept", told);
  if (kept && !aloud) input("nickname").value = name;
  if (aloud) announce(told);
}

/** @param {boolean} asking */
function askToBurn(asking) {
  element("burning").hidden = !asking;
  element("burn").setAttribute("aria-expanded", String(asking));
  element(asking ? "burn-cancel" : "burn").focus();
}

async function burn() {
  try {
    await client.burn(link);
  } catch (error) {
    // It ended in another way in the meantime: the receipt tells which.
    if (!(error instanceof TainaError && error.code === "gone")) {
      explain(error);
      return;
    }
  }
  await look();
  element("refresh").focus();
}

/** @param {unknown} error */
function explain(error) {
  show((error instanceof TainaError && STATES[error.code]) || "unreachable");
}
