// How a transfer goes.

import { element, fill, formatSize, locale, say } from "./page.js";

const RATE_OVER = 5000; // ms over which a rate is taken

/**
 * Show how a transfer goes: share, bytes, and soon also the rate and the time that is left.
 * @param {number} size bytes, as people count them
 * @returns {(done: number, total: number) => void} for parts of the whole
 */
export function follow(size) {
  /** @type {[number, number][]} when (ms), how many bytes: of the last seconds */
  const lately = [];
  return (done, total) => {
    showProgress(done, total);
    const now = performance.now();
    const bytes = Math.round((size * done) / total);
    if (now - (lately.at(-1)?.[0] ?? 0) > RATE_OVER) lately.length = 0; // it was paused
    lately.push([now, bytes]);
    while (now - lately[0][0] > RATE_OVER) lately.shift();
    const [before, fewer] = lately[0];
    const rate = (1000 * (bytes - fewer)) / (now - before);
    const amount = { done: formatSize(bytes), size: formatSize(size) };
    const known = now - before > RATE_OVER / 5 && rate > 0;
    const pace = known ? { rate: formatSize(rate, "-per-second"), left: formatDuration((size - bytes) / rate) } : null;
    fill("amount", pace ? say("amount_and_rate", { ...amount, ...pace }) : say("amount", amount));
  };
}

/** @param {number} done @param {number} total */
function showProgress(done, total) {
  const bar = /** @type {HTMLProgressElement} */ (element("progress"));
  bar.max = total;
  bar.value = done;
  fill(
    "progress",
    say("progress", { share: new Intl.NumberFormat(locale, { style: "percent" }).format(done / total) }),
  );
}

/** @param {number} seconds @returns {string} in the largest unit that fits, rounded up */
function formatDuration(seconds) {
  const [unit, length] = seconds > 5400 ? ["hour", 3600] : seconds > 90 ? ["minute", 60] : ["second", 1];
  const style = /** @type {const} */ ({ style: "unit", unitDisplay: "long" });
  return new Intl.NumberFormat(locale, { ...style, unit }).format(Math.ceil(seconds / length));
}
