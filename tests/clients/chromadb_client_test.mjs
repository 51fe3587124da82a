// npm's older chromadb-client, unmodified, against the server at $CHROMA_PORT.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(process.env.CHROMA_CLIENTS + "/");
const { ChromaClient, AdminClient } = require("chromadb-client");

const path = `http://127.0.0.1:${process.env.CHROMA_PORT}`;
const client = new ChromaClient({ path });
// Every method of this client wants one, even where it is not used.
const embeddingFunction = {
  generate: async (texts) => texts.map((t) => ["a", "b", "c"].map((l) => t.split(l).length - 1)),
};

let serial = 0;
const make = (more = {}) =>
  client.createCollection({ name: `old-${++serial}`, embeddingFunction, ...more });

async function made() {
  const collection = await make();
  await collection.add({
    ids: ["a", "b", "c"],
    embeddings: [[0, 0], [1, 0], [0, 2]],
    documents: ["red apple", "green pear", "blue berry"],
    metadatas: [{ n: 1, tag: "x" }, { n: 2.5, tag: "y" }, { n: 3, ok: true }],
  });
  return collection;
}

test("facts of the server", async () => {
  assert.ok((await client.heartbeat()) > 1.6e18);
  assert.match(await client.version(), /^\d+\.\d+\.\d+/);
});

test("collections come and go", async () => {
  const before = await client.countCollections();
  const collection = await make({ metadata: { about: "tests" } });
  assert.equal(await client.countCollections(), before + 1);
  const found = await client.getCollection({ name: collection.name, embeddingFunction });
  assert.deepEqual([found.id, found.metadata], [collection.id, { about: "tests" }]);
  const again = await client.getOrCreateCollection({ name: collection.name, embeddingFunction });
  assert.equal(again.id, collection.id);
  assert.ok((await client.listCollections()).includes(collection.name));
  await collection.modify({ name: collection.name + "-new", metadata: { new: 2 } });
  assert.ok((await client.listCollections()).includes(collection.name));
  await client.deleteCollection({ name: collection.name });
  await assert.rejects(client.getCollection({ name: collection.name, embeddingFunction }));
});

test("records", async () => {
  const collection = await made();
  assert.equal(await collection.count(), 3);
  const all = await collection.get({ include: ["embeddings", "documents", "metadatas"] });
  assert.deepEqual(all.ids, ["a", "b", "c"]);
  assert.deepEqual(all.embeddings, [[0, 0], [1, 0], [0, 2]]);
  assert.deepEqual(all.metadatas, [{ n: 1, tag: "x" }, { n: 2.5, tag: "y" }, { n: 3, ok: true }]);
  assert.deepEqual((await collection.get({ where: { n: { $gt: 1 } }, limit: 1 })).ids, ["b"]);
  assert.deepEqual((await collection.get({ whereDocument: { $contains: "re" } })).ids, ["a", "b"]);
  const found = await collection.query({ queryEmbeddings: [[1, 0]], nResults: 2 });
  assert.deepEqual([found.ids, found.distances], [[["b", "a"]], [[0, 1]]]);
  await collection.update({ ids: ["a"], metadatas: [{ n: 7 }], embeddings: [[9, 9]] });
  assert.deepEqual((await collection.get({ ids: ["a"] })).metadatas, [{ n: 7, tag: "x" }]);
  await collection.upsert({ ids: ["a", "z"], embeddings: [[8, 8], [7, 7]], documents: ["x", "y"] });
  assert.deepEqual((await collection.get({})).ids, ["a", "b", "c", "z"]);
  await collection.delete({ ids: ["a"] });
  await collection.delete({ where: { ok: true } });
  assert.deepEqual((await collection.peek({ limit: 10 })).ids, ["b", "z"]);
});

test("embedding function", async () => {
  const collection = await make();
  await collection.add({ ids: ["1", "2"], documents: ["aab", "cc"] });
  const found = await collection.query({ queryTexts: ["ccc"], nResults: 1 });
  assert.deepEqual(found.ids, [["2"]]);
});

test("tenants and databases", async () => {
  const admin = new AdminClient({ path });
  await admin.createTenant({ name: "acme-old" });
  await admin.createDatabase({ name: "tools", tenantName: "acme-old" });
  const other = new ChromaClient({ path, tenant: "acme-old", database: "tools" });
  await other.createCollection({ name: "things", embeddingFunction });
  assert.deepEqual(await other.listCollections(), ["things"]);
});

test("errors", async () => {
  const collection = await made();
  await assert.rejects(collection.add({ ids: ["x"], embeddings: [[1, 2, 3]] }), /dimension of 2, got 3/);
  await assert.rejects(client.createCollection({ name: collection.name, embeddingFunction }));
  await assert.rejects(client.createCollection({ name: "no spaces", embeddingFunction }));
  assert.equal(await collection.count(), 3);
});
