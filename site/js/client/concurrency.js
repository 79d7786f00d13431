// Some work at a time, where more would only fill the memory. What is under way when it ends early is given up.

/**
 * Do work 0 … count - 1, begun in this order, some at a time; the first failure stops the rest.
 * @param {number} width
 * @param {number} count
 * @param {(n: number, signal: AbortSignal) => Promise<void>} work
 * @param {AbortSignal} [signal]
 */
export async function inParallel(width, count, work, signal) {
  const rest = new AbortController();
  const either = eitherOf(rest.signal, signal);
  let next = 0;
  try {
    await Promise.all(
      Array.from({ length: Math.min(width, count) }, async () => {
        while (next < count && !rest.signal.aborted) await work(next++, either);
      }),
    );
  } finally {
    rest.abort();
  }
}

/**
 * The results of work 0 … count - 1 in this order, some begun ahead.
 * @template T
 * @param {number} width
 * @param {number} count
 * @param {(n: number, signal: AbortSignal) => Promise<T>} work
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<T, void>}
 */
export async function* inOrder(width, count, work, signal) {
  const rest = new AbortController();
  const either = eitherOf(rest.signal, signal);
  /** @type {Promise<T>[]} */
  const ahead = [];
  try {
    for (let next = 0; next < count || ahead.length;) {
      while (ahead.length < width && next < count) {
        const result = work(next++, either);
        result.catch(() => {}); // told when its turn comes
        ahead.push(result);
      }
      yield await /** @type {Promise<T>} */ (ahead.shift());
    }
  } finally {
    rest.abort();
  }
}

/** @param {AbortSignal} own @param {AbortSignal} [others] */
function eitherOf(own, others) {
  return others ? AbortSignal.any([own, others]) : own;
}
