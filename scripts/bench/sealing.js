// Run in the create page by sealing.py: milliseconds of each way, with the file that was chosen.

const [done] = arguments;
const base = document.querySelector('script[type=module][src*="/js/"]').src.replace(/\/js\/.*/, "/js/");

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

async function bare(file) {
  const [reading, buffer] = await timed(() => file.arrayBuffer());
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const algorithm = { name: "AES-GCM", iv: new Uint8Array(12) };
  const [call] = await timed(() => crypto.subtle.encrypt(algorithm, key, buffer));
  // A Blob is kept by another process: to read its end is to wait until it is there.
  const [keeping] = await timed(() => new Blob([buffer]).slice(-1).arrayBuffer());
  return { call, reading, keeping };
}

/** An answer that has its bytes already: a Response would copy them twice, which is no work of ours. */
function handed(bytes) {
  const pieces = [bytes];
  const read = async () => ({ done: !pieces.length, value: pieces.pop() });
  return { ok: true, status: 200, headers: new Headers(), body: { getReader: () => ({ read }) } };
}

async function ours(file) {
  const { Client } = await import(base + "client/client.js");
  const { decodeLink } = await import(base + "format/links.js");
  const chunks = [];
  const fetch = async (address, { method, body }) => {
    const n = /\/chunks\/(\d+)$/.exec(address)?.[1];
    if (n && method === "PUT") chunks[n] = body;
    if (n && method === "GET") return handed(chunks[n]);
    return Response.json({ expires: 0, chunks: chunks.length });
  };
  const client = new Client("", { fetch });
  const items = [{ type: "file", name: file.name, mime: "", data: file }];
  const [sealing, { secret }] = await timed(() => client.send(items, { ttl: 3600 }));
  const link = await decodeLink(`#${secret}`, "secret");
  const [opening, opened] = await timed(() => client.open(link, null));
  const digests = [file, await opened.items[0].blob()].map(async (blob) => crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  const [before, after] = (await Promise.all(digests)).map((digest) => new Uint8Array(digest).join());
  if (before !== after) throw new Error("what was opened is not what was sealed");
  return { sealing, opening };
}

(async () => {
  const [file] = document.getElementById("measured").files;
  return { ...(await bare(file)), ...(await ours(file)) };
})().then(done, (error) => done({ problem: String(error) }));
