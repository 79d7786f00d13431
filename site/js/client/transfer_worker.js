// The worker behind transfer.js: it carries one secret, and has its Client to do it.

import { Client, Pace } from "./client.js";
import { TainaError } from "../errors.js";
import { openSpool } from "./spool.js";

/** @typedef {import("./client.js").Upload} Upload */

const NOTE_EVERY = 1000; // ms: browsers bound how often a page may keep something
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
  upload: ({ items, upload }) => answer(client.upload(items, upload, { ...course, onProgress: noting(upload) })),
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

/** With the progress it tells what it takes to go on. @param {Upload} upload */
function noting(upload) {
  let noted = -NOTE_EVERY;
  return (/** @type {number} */ done, /** @type {number} */ total) => {
    course.onProgress(done, total);
    if (performance.now() - noted < NOTE_EVERY) return;
    noted = performance.now();
    postMessage({ upload });
  };
}

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
