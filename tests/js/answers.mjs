// Answers what the Python tests ask of the JavaScript side: a line of JSON each way. Bytes are base64url.

import { createInterface } from "node:readline";
import { fromBase64url, toBase64url } from "../../site/js/bytes.js";
import { Client } from "../../site/js/client/client.js";
import { CODES, STATES } from "../../site/js/client/answers.js";
import { Requests } from "../../site/js/client/requests.js";
import { hasEnded } from "../../site/js/client/secrets.js";
import { Transport } from "../../site/js/client/transport.js";
import { pauses } from "../../site/js/client/waiting.js";
import { TainaError } from "../../site/js/errors.js";
import * as derive from "../../site/js/format/derive.js";
import * as envelope from "../../site/js/format/envelope.js";
import * as links from "../../site/js/format/links.js";
import * as payload from "../../site/js/format/payload.js";
import * as stream from "../../site/js/format/stream.js";
import { agree, openBase, sealBase } from "../../site/js/format/envelope.js";
import { decodeLink } from "../../site/js/format/links.js";
import { decodeHeader } from "../../site/js/format/payload.js";

/** @typedef {import("../../site/js/format/derive.js").Bytes} Bytes */
/** @typedef {{type: "text", text: string} | {type: "file", name: string, mime: string, data: string}} Told */

/** @type {Record<string, (question: any) => Promise<unknown>>} */
const QUESTIONS = {
  names,
  waiting,
  link,
  header,
  seal,
  unseal,
  send,
  status,
  open,
  receipt,
  burn,
  gcm,
  hkdf,
  pbkdf2,
  x25519,
  hpkeSeal,
  hpkeOpen,
};

/** One client for each server, as a page has one: it remembers its claims. @type {Map<string, Client>} */
const clients = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...question } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: await QUESTIONS[ask](question) };
  } catch (error) {
    if (error instanceof TainaError) answer = { error: error.code, members: error.members };
    else answer = { crash: String(error instanceof Error ? error.stack : error) };
  }
  process.stdout.write(
    JSON.stringify(answer, (_, value) =>
      value instanceof Uint8Array ? toBase64url(/** @type {Bytes} */ (value)) : value,
    ) + "\n",
  );
}

process.exit(); // without waiting for timers that a client left behind

/** Of what is public here, for its twins in Python. */
async function names() {
  /** @param {Function} type @returns {string[]} */
  const methods = (type) =>
    type === Object
      ? []
      : [...methods(Object.getPrototypeOf(type.prototype).constructor), ...Object.getOwnPropertyNames(type.prototype)];
  const calls = (/** @type {Function} */ type) => methods(type).filter((name) => name !== "constructor");
  const format = [derive, envelope, links, payload, stream].flatMap((module) => Object.keys(module));
  return {
    Client: calls(Client),
    Requests: calls(Requests),
    Transport: calls(Transport),
    format,
    codes: CODES,
    states: STATES,
  };
}

/** How long a page waits between looks, so many times, and the states of a receipt for which it does. @param {{looks: number}} question */
async function waiting({ looks }) {
  const rests = pauses();
  const receipt = { created: 0, expires: 0, failed_attempts: 0, proved: false };
  return {
    pauses: Array.from({ length: looks }, () => rests.next().value),
    states: STATES.filter((state) => !hasEnded({ ...receipt, state }, 0)),
  };
}

/** @param {{text: string, kind: import("../../site/js/format/links.js").Kind}} question */
async function link({ text, kind }) {
  return decodeLink(text, kind);
}

/** @param {{chunk: string}} question */
async function header({ chunk }) {
  return decodeHeader(fromBase64url(chunk));
}

/** What a server would be given. @param {{items: Told[], ttl: number, passphrase: string | null}} question */
async function seal({ items, ttl, passphrase }) {
  /** @type {any} */
  let order;
  /** @type {Bytes[]} */
  const chunks = [];
  const client = new Client("", {
    fetch: async (path, { body } = {}) => {
      const n = /chunks\/(\d+)$/.exec(String(path))?.[1];
      if (n === undefined) order = JSON.parse(String(body));
      else chunks[Number(n)] = /** @type {Bytes} */ (body);
      return Response.json({ expires: 0 });
    },
  });
  const sent = await client.send(items.map(outgoing), { ttl, passphrase });
  return { ...sent, order, chunks };
}

/** What a reader sees of these chunks. @param {{text: string, passphrase: string | null, chunks: string[]}} question */
async function unseal({ text, passphrase, chunks }) {
  const client = new Client("", {
    fetch: async (path) => {
      const n = /chunks\/(\d+)$/.exec(String(path))?.[1];
      if (n !== undefined) return new Response(fromBase64url(chunks[Number(n)]));
      return Response.json({ chunks: chunks.length, ...(chunks.length === 1 ? { content: chunks[0] } : {}) });
    },
  });
  return told(await client.open(await decodeLink(text, "secret"), passphrase));
}

/** @param {{url: string, items: Told[], ttl: number, passphrase: string | null}} question */
async function send({ url, items, ttl, passphrase }) {
  return clientOf(url).send(items.map(outgoing), { ttl, passphrase });
}

/** @param {{url: string, text: string}} question */
async function status({ url, text }) {
  return clientOf(url).status(await decodeLink(text, "secret"));
}

/** @param {{url: string, text: string, passphrase: string | null}} question */
async function open({ url, text, passphrase }) {
  return told(await clientOf(url).open(await decodeLink(text, "secret"), passphrase));
}

/** @param {{url: string, text: string}} question */
async function receipt({ url, text }) {
  return clientOf(url).receipt(await decodeLink(text, "receipt"));
}

/** @param {{url: string, text: string}} question */
async function burn({ url, text }) {
  return clientOf(url).burn(await decodeLink(text, "receipt"));
}

/** @param {Record<"key" | "iv" | "aad" | "sealed", string>} question @returns {Promise<Bytes | null>} */
async function gcm({ key, iv, aad, sealed }) {
  const imported = await crypto.subtle.importKey("raw", fromBase64url(key), "AES-GCM", false, ["encrypt", "decrypt"]);
  const algorithm = { name: "AES-GCM", iv: fromBase64url(iv), additionalData: fromBase64url(aad) };
  try {
    const plain = await crypto.subtle.decrypt(algorithm, imported, fromBase64url(sealed));
    const again = new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, plain));
    return toBase64url(again) === sealed ? new Uint8Array(plain) : null;
  } catch {
    return null;
  }
}

/** @param {{material: string, salt: string, info: string, size: number}} question @returns {Promise<Bytes | null>} */
async function hkdf({ material, salt, info, size }) {
  const key = await crypto.subtle.importKey("raw", fromBase64url(material), "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: fromBase64url(salt), info: fromBase64url(info) };
  try {
    return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, size * 8));
  } catch {
    return null;
  }
}

/** @param {{password: string, salt: string, rounds: number, size: number}} question @returns {Promise<Bytes>} */
async function pbkdf2({ password, salt, rounds, size }) {
  const key = await crypto.subtle.importKey("raw", fromBase64url(password), "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: fromBase64url(salt), iterations: rounds };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, size * 8));
}

/** @param {{own: string, other: string}} question a private and a public key @returns {Promise<Bytes>} */
async function x25519({ own, other }) {
  return agree(fromBase64url(own), fromBase64url(other));
}

/** @param {Record<"to" | "ephemeral" | "info" | "aad" | "plain", string>} question @returns {Promise<Bytes>} */
async function hpkeSeal({ to, ephemeral, info, aad, plain }) {
  const [key, drawn, bound, beside, text] = [to, ephemeral, info, aad, plain].map(fromBase64url);
  return sealBase(key, drawn, bound, beside, text);
}

/** @param {Record<"own" | "info" | "aad" | "sealed", string>} question @returns {Promise<Bytes>} */
async function hpkeOpen({ own, info, aad, sealed }) {
  return openBase(fromBase64url(own), fromBase64url(info), fromBase64url(aad), fromBase64url(sealed));
}

/** @param {string} url */
function clientOf(url) {
  const client = clients.get(url) ?? new Client(`${url}/api/v1`);
  clients.set(url, client);
  return client;
}

/** @param {Told} item @returns {import("../../site/js/client/contents.js").Outgoing} */
function outgoing(item) {
  return item.type === "text" ? item : { ...item, data: new Blob([fromBase64url(item.data)]) };
}

/** @param {{expires: number, items: import("../../site/js/client/receiving.js").Incoming[]}} secret */
async function told({ expires, items }) {
  const read = items.map(async (item) => {
    if (item.type === "text") return item;
    const { blob: read, ...rest } = item;
    const blob = await read();
    return {
      ...rest,
      opaque: blob.type === "application/octet-stream",
      data: new Uint8Array(await blob.arrayBuffer()),
    };
  });
  return { expires, items: await Promise.all(read) };
}
