// Asking for a secret.

import { toBase64url } from "../bytes.js";
import { KEY_SIZE, deriveInbox, deriveRequest, sha256 } from "../format/derive.js";
import { publicKey } from "../format/envelope.js";
import { encodeLink } from "../format/links.js";
import { create } from "./creating.js";
import { Transport } from "./transport.js";

/** `ttl` in seconds; whether answers are to have a passphrase. @typedef {{ttl: number, answers: number, passphrase: boolean, credential?: import("./client.js").Credential | null}} RequestOptions */

/**
 * Make a request; nothing leaves but its id and two hashes.
 * @param {RequestOptions} options
 * @param {Transport} [transport]
 * @returns {Promise<{request: string, inbox: string, expires: number}>} two fragments, unix seconds
 * @throws {TainaError} unsupported: a browser without X25519; …
 */
export async function request({ ttl, answers, passphrase, credential = null }, transport = new Transport()) {
  const seed = transport.environment.random(KEY_SIZE);
  const inbox = await deriveInbox(seed);
  const key = await publicKey(inbox.private);
  const { id, token } = await deriveRequest(key);
  const json = {
    inbox_hash: toBase64url(await sha256(inbox.token)),
    answer_hash: toBase64url(await sha256(token)),
    ttl,
    answers,
  };
  const path = `/requests/${toBase64url(id)}`;
  const { expires } = await create(transport, path, id, { json, token: credential?.token, login: credential?.login });
  return {
    request: await encodeLink({ kind: "request", body: key, passphrase }),
    inbox: await encodeLink({ kind: "inbox", body: seed, passphrase: false }),
    expires,
  };
}
