// The worker behind transfer.js: it carries one secret, and has its Client to do it.

import { TainaError } from "../errors.js";
import { Client } from "../client/client.js";
import { Pace } from "../client/pace.js";
import { openSpool } from "../client/spool.js";

/** Of the first question: it knows its claims from then on. @type {Client | null} */
let client = null;
const pace = new Pace((held) => postMessage({ held }));
const stop = new AbortController();
const transferOptions = {
  pace,
  signal: stop.signal,
  onProgress: (/** @type {number} */ done, /** @type {number} */ total) => postMessage({ progress: [done, total] }),
};
/** @type {import("../client/spool.js").Spool | null} */
let spool = null;
/** What was revealed. @type {import("../client/receiving.js").Incoming[]} */
let items = [];

/** What a page asks for and waits for. @type {Record<string, (told: any) => unknown>} */
const QUESTIONS = {
  send: ({ api, items, options }) => clientOf(api).send(items, { ...options, ...transferOptions }),
  open,
  read: async (n) => {
    const item = items[n];
    return item.type === "file" ? item.blob() : null;
  },
};

/** @type {Record<string, () => unknown>} */
const ORDERS = {
  pause: () => pace.hold("pause"),
  go: () => pace.go(),
  online: () => pace.reached(),
  cancel: () => stop.abort(),
  end: async () => {
    await spool?.wipe();
    close();
  },
};

addEventListener("message", ({ data: { n, name, told } }) => {
  if (n === undefined) ORDERS[name]();
  else void answer(n, QUESTIONS[name](told));
});

postMessage({ started: true });

/** @param {string} api its address @returns {Client} */
function clientOf(api) {
  return (client ??= new Client(api));
}

/** @param {{api: string, link: import("../format/links.js").Link, passphrase: string | null, size: number}} task */
async function open({ api, link, passphrase, size }) {
  await spool?.wipe(); // what an earlier try left
  spool = await openSpool(size);
  const secret = await clientOf(api).open(link, passphrase, { ...transferOptions, store: spool });
  items = secret.items;
  // A function does not travel: a page asks for the file by its number.
  return { ...secret, items: items.map((item) => (item.type === "file" ? { ...item, blob: null } : item)) };
}

/** @param {number} n @param {unknown} work */
async function answer(n, work) {
  try {
    postMessage({ n, answer: await work });
  } catch (error) {
    const { code, members } = error instanceof TainaError ? error : new TainaError("internal");
    postMessage({ n, problem: { code, members } });
  }
}
