/** Everything that can go wrong carries a stable code; the pages' catalogs hold the words. */
export class TainaError extends Error {
  /**
   * @param {string} code as on the wire, or one found here: bad_format, incomplete_link, newer_link,
   *   wrong_link, tampered, unreachable, renewed, unreadable, unsupported, too_late, lost, cancelled
   * @param {Record<string, unknown>} [members] facts beside the code, such as attempts_left
   */
  constructor(code, members = {}) {
    super(code);
    this.name = "TainaError";
    this.code = code;
    this.members = members;
    /** Whether the same call may well succeed later. */
    this.passing = false;
    /** Whether an answer to the same call was lost before. */
    this.afterLost = false;
  }
}

/** Seconds: what a budget of a minute refuses may come back sooner. */
const LONG = 1800;

/**
 * Which words of a page's form tell what went wrong.
 * @param {unknown} error
 * @returns {string} its code; `quota` where a budget of a day is spent
 */
export function codeOf(error) {
  if (!(error instanceof TainaError)) return "internal";
  return error.code === "rate_limited" && Number(error.members.retry_after) > LONG ? "quota" : error.code;
}
