// Run in the create page by sealing.py: milliseconds of each way with the file that was chosen.

const [done] = arguments;
const base = document.querySelector('script[type=module][src*="/js/"]').src.replace(/\/js\/.*/, "/js/");

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

async function bare(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(12);
  const [encrypting, sealed] = await timed(() => crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes));
  const [decrypting] = await timed(() => crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
  return { encrypting, decrypting };
}

async function formatOnly(file) {
  const { sealChunk, openChunk, streamKey } = await import(base + "format/stream.js");
  const key = await streamKey(crypto.getRandomValues(new Uint8Array(32)), 1, new Uint8Array(16));
  const n = Math.ceil(file.size / 1048576);
  const sealed = [];
  const [fReading] = await timed(async () => { for (let i = 0; i < n; i++) await file.slice(i << 20, (i + 1) << 20).arrayBuffer(); });
  const [fSealing1] = await timed(async () => {
    for (let i = 0; i < n; i++) sealed[i] = await sealChunk(key, i, i === n - 1, new Uint8Array(await file.slice(i << 20, (i + 1) << 20).arrayBuffer()));
  });
  let next = 0;
  const [fSealing3] = await timed(() => Promise.all([1, 2, 3].map(async () => {
    while (next < n) { const i = next++; sealed[i] = await sealChunk(key, i, i === n - 1, new Uint8Array(await file.slice(i << 20, (i + 1) << 20).arrayBuffer())); }
  })));
  const [fOpening1] = await timed(async () => { for (let i = 0; i < n; i++) await openChunk(key, i, i === n - 1, sealed[i]); });
  return { fReading, fSealing1, fSealing3, fOpening1 };
}

async function whole(file) {
  const { Client } = await import(base + "client.js");
  const { decodeLink } = await import(base + "format/links.js");
  const chunks = [];
  const fetch = async (address, { method, body }) => {
    const n = /\/chunks\/(\d+)$/.exec(address)?.[1];
    if (n && method === "PUT") chunks[n] = body;
    if (n && method === "GET") return new Response(chunks[n]);
    return Response.json({ state: "uploading", expires: 0, chunks: chunks.length });
  };
  const client = new Client("", { fetch });
  const items = [{ type: "file", name: file.name, mime: "", data: file }];
  const [sealing, links] = await timed(() => client.send(items, { ttl: 3600 }));
  const [opening, { items: [item] }] = await timed(async () => client.reveal(await decodeLink("#" + links.secret, "secret"), null));
  if (item.size !== file.size || item.blob.size !== file.size) throw new Error("what was opened is not what was sealed");
  return { sealing, opening };
}

(async () => {
  const [file] = document.getElementById("sealed").files;
  return { ...(await bare(file)), ...(await formatOnly(file)), ...(await whole(file)) };
})().then(done, (error) => done({ problem: String(error) + error.stack }));
