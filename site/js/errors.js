/** Everything that can go wrong carries a stable code; the pages' catalogs hold the words. */
export class TainaError extends Error {
  /**
   * @param {string} code as on the wire, or one found here: bad_format, incomplete_link, newer_link,
   *   wrong_link, tampered, unreachable, unreadable, unsupported, too_late, lost, cancelled
   * @param {Record<string, unknown>} [members] facts beside the code, such as attempts_left
   */
  constructor(code, members = {}) {
    super(code);
    this.name = "TainaError";
    this.code = code;
    this.members = members;
    /** Whether the same call may well succeed later. */
    this.passing = false;
  }
}
