import { Secrets } from "../client/secrets.js";
import { TainaError } from "../errors.js";
import { decodeLink } from "../format/links.js";
import { forget, forgetAll, sent } from "../kept_receipts.js";
import { announce, copyOf, element, formatTime, run, say, show } from "../ui/page.js";

const client = new Secrets();

run(start);

function start() {
  element("forget-all").addEventListener("click", () => {
    forgetAll();
    list();
  });
  element("look").addEventListener("click", look);
  addEventListener("storage", list); // another tab kept or forgot something
  list();
}

function list() {
  const kept = sent();
  element("list").replaceChildren(...kept.map(row));
  show(kept.length ? "shown" : "none");
}

/** @param {import("../kept_receipts.js").KeptReceipt} one @returns {HTMLElement} */
function row({ receipt, name, created, expires }) {
  const part = copyOf("sent-part");
  const [link] = part.getElementsByTagName("a");
  const [, times] = part.getElementsByTagName("span");
  const [button] = part.getElementsByTagName("button");
  part.dataset.receipt = receipt;
  link.href = `../receipt/#${encodeURIComponent(receipt)}`;
  link.textContent = name || say("unnamed");
  times.textContent = say("times", { created: formatTime(created), expires: formatTime(expires) });
  button.setAttribute("aria-label", say("forget", { name: link.textContent }));
  button.addEventListener("click", () => {
    forget(receipt);
    list();
    element(sent().length ? "list" : "none-title").focus();
  });
  return part;
}

/** Ask the server about them all; only now, for asking tells it that they belong together. */
async function look() {
  const rows = /** @type {HTMLElement[]} */ ([...element("list").children]);
  await Promise.all(
    rows.map(async (part) => {
      const [state] = part.getElementsByTagName("strong");
      state.textContent = say(`states.${await standing(part.dataset.receipt ?? "")}`);
      state.hidden = false;
    }),
  );
  announce(
    rows
      .map((part) => `${part.querySelector("a")?.textContent}: ${part.querySelector("strong")?.textContent}`)
      .join("\n"),
  );
}

/** @param {string} receipt @returns {Promise<string>} */
async function standing(receipt) {
  try {
    const { state } = await client.receipt(await decodeLink(receipt, "receipt"));
    // Without the reader's proof nothing more is known than that the bytes were handed out.
    return state === "unproved" ? "revealed" : state;
  } catch (error) {
    return error instanceof TainaError && error.code === "unreachable" ? "unreachable" : "missing";
  }
}
