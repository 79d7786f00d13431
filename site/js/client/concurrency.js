// Some work at a time, where more would only fill the memory.

/**
 * Do work 0 … count - 1, begun in this order, some at a time; the first failure stops what has not begun.
 * @param {number} width
 * @param {number} count
 * @param {(n: number) => Promise<void>} work
 */
export async function inParallel(width, count, work) {
  let next = 0;
  let failed = false;
  await Promise.all(
    Array.from({ length: Math.min(width, count) }, async () => {
      while (next < count && !failed) {
        await work(next++).catch((/** @type {unknown} */ error) => {
          failed = true;
          throw error;
        });
      }
    }),
  );
}

/**
 * The results of work 0 … count - 1 in this order, some begun ahead.
 * @template T
 * @param {number} width
 * @param {number} count
 * @param {(n: number) => Promise<T>} work
 * @returns {AsyncGenerator<T, void>}
 */
export async function* inOrder(width, count, work) {
  /** @type {Promise<T>[]} */
  const ahead = [];
  for (let next = 0; next < count || ahead.length;) {
    while (ahead.length < width && next < count) {
      const result = work(next++);
      result.catch(() => {}); // told when its turn comes
      ahead.push(result);
    }
    yield await /** @type {Promise<T>} */ (ahead.shift());
  }
}
