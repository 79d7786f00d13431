// The worker behind transfer.js: it carries one secret, and has its Client to do it.

import { Client, Pace } from "./client.js";
import { TainaError } from "../errors.js";
import { openSpool } from "./spool.js";

const client = new Client();
const pace = new Pace((held) => postMessage({ held }));
const stop = new AbortController();
const course = {
  pace,
  signal: stop.signal,
  onProgress: (/** @type {number} */ done, /** @type {number} */ total) => postMessage({ progress: [done, total] }),
};
/** @type {import("./spool.js").Spool | null} */
let spool = null;

/** @type {Record<string, (task: any) => unknown>} */
const TASKS = {
  send: ({ items, options }) => answer(client.send(items, { ...options, ...course })),
  reveal: (task) => answer(reveal(task)),
  pause: () => pace.hold("pause"),
  go: () => pace.go(),
  online: () => pace.reached(),
  cancel: () => stop.abort(),
  end: async () => {
    await spool?.wipe();
    close();
  },
};

addEventListener("message", ({ data }) => {
  for (const [task, told] of Object.entries(data)) TASKS[task](told);
});

/** @param {{link: import("../format/links.js").Link, passphrase: string | null, size: number}} task */
async function reveal({ link, passphrase, size }) {
  await spool?.wipe(); // what an earlier try left
  spool = await openSpool(size);
  return client.reveal(link, passphrase, { ...course, ...(spool ? { store: spool } : {}) });
}

/** @param {Promise<unknown>} work */
async function answer(work) {
  try {
    postMessage({ answer: await work });
  } catch (error) {
    const { code, members } = error instanceof TainaError ? error : new TainaError("internal");
    postMessage({ problem: { code, members } });
  }
}
