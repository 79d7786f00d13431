// How often to look again for what somebody else has to do.

const FIRST = 5;
const LONGEST = 60;
const GROWTH = 1.25;

/**
 * Seconds from one look to the next, without end: five at first, and longer and longer up to a minute.
 * @returns {Generator<number, never>}
 */
export function* pauses() {
  let pause = FIRST;
  for (;;) {
    yield pause;
    pause = Math.min(pause * GROWTH, LONGEST);
  }
}
