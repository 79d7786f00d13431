// A client of Onetime Secret that others wrote (npm: onetimesecret-api), calling the bridge: one call, one line of JSON.
"use strict";
const util = require("node:util");
// It was written for Node 8; this left Node with version 23.
/** @type {any} */ (util).isUndefined ??= (/** @type {unknown} */ value) => value === undefined;
/** @type {any} */
const { OneTimeSecretApi } = require("../../site/node_modules/onetimesecret-api/index.js");

const [url, token, method, ...rest] = process.argv.slice(2);
const api = new OneTimeSecretApi("user@example.org", token, { url });
api[String(method)](...rest.map((argument) => JSON.parse(argument))).then(
  (/** @type {unknown} */ answer) => process.stdout.write(JSON.stringify({ answer })),
  (/** @type {Error} */ error) => process.stdout.write(JSON.stringify({ error: error.constructor.name })),
);
