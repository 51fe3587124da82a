// npm's chromadb, unmodified, against the server at $CHROMA_PORT. Its packages are where
// tools/install-clients put them, $CHROMA_CLIENTS.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(process.env.CHROMA_CLIENTS + "/");
const chroma = require("chromadb");

const port = Number(process.env.CHROMA_PORT);
const client = new chroma.ChromaClient({ host: "127.0.0.1", port });

// Counts of three letters: an embedding that can be checked by hand.
class LetterCounts {
  name = "letter-counts-js";
  async generate(texts) {
    return texts.map((text) => ["a", "b", "c"].map((letter) => text.split(letter).length - 1));
  }
  getConfig() {
    return {};
  }
  static buildFromConfig() {
    return new LetterCounts();
  }
  defaultSpace() {
    return "l2";
  }
  supportedSpaces() {
    return ["l2", "cosine", "ip"];
  }
}
chroma.registerEmbeddingFunction("letter-counts-js", LetterCounts);

let serial = 0;
const make = (more = {}) =>
  client.createCollection({ name: `js-${++serial}`, embeddingFunction: null, ...more });

async function made() {
  const collection = await make();
  await collection.add({
    ids: ["a", "b", "c", "d"],
    embeddings: [[0, 0], [1, 0], [0, 2], [3, 3]],
    documents: ["red apple", "green pear", "blue berry", "red pear"],
    metadatas: [{ n: 1, tag: "x", ok: true }, { n: 2.5, tag: "y" }, { n: 3, list: ["p", "q"] },
                { tag: "x", nums: [1, 2] }],
    uris: ["u:a", "u:b", "u:c", "u:d"],
  });
  return collection;
}

test("facts of the server", async () => {
  assert.ok((await client.heartbeat()) > 1.6e18);
  assert.match(await client.version(), /^\d+\.\d+\.\d+/);
  assert.equal(await client.getMaxBatchSize(), 5461);
  const identity = await client.getUserIdentity();
  assert.equal(identity.tenant, "default_tenant");
  await assert.rejects(client.reset());
});

test("collections come and go", async () => {
  const before = await client.countCollections();
  const collection = await make({ metadata: { about: "tests", size: 3, share: 0.5, flag: true } });
  assert.equal(await client.countCollections(), before + 1);
  const found = await client.getCollection({ name: collection.name });
  assert.equal(found.id, collection.id);
  assert.deepEqual(found.metadata, { about: "tests", size: 3, share: 0.5, flag: true });
  const names = (await client.listCollections()).map((c) => c.name);
  assert.ok(names.includes(collection.name));
  const again = await client.getOrCreateCollection({ name: collection.name,
                                                     embeddingFunction: null });
  assert.equal(again.id, collection.id);
  assert.equal((await client.getCollectionById(collection.id)).name, collection.name);
  await client.deleteCollection({ name: collection.name });
  await assert.rejects(client.getCollection({ name: collection.name }), chroma.ChromaNotFoundError);
  await assert.rejects(collection.count(), chroma.ChromaNotFoundError);
});

test("modify, configuration and schema", async () => {
  const collection = await make({ configuration: { hnsw: { space: "cosine", ef_construction: 200 } } });
  assert.equal(collection.configuration.hnsw.space, "cosine");
  assert.equal(collection.configuration.hnsw.ef_construction, 200);
  await collection.modify({ name: collection.name + "-new", metadata: { new: 2 },
                            configuration: { hnsw: { ef_search: 77 } } });
  const found = await client.getCollection({ name: collection.name });
  assert.deepEqual([found.id, found.metadata], [collection.id, { new: 2 }]);
  assert.equal(found.configuration.hnsw.ef_search, 77);
  assert.equal(found.configuration.hnsw.space, "cosine");
});

test("embedding function", async () => {
  const collection = await make({ embeddingFunction: new LetterCounts() });
  await collection.add({ ids: ["1", "2"], documents: ["aab", "cc"] });
  await collection.upsert({ ids: ["3"], documents: ["bbb"] });
  const got = await collection.get({ ids: ["1"], include: ["embeddings"] });
  assert.deepEqual(got.embeddings, [[2, 1, 0]]);
  const found = await client.getCollection({ name: collection.name });
  const result = await found.query({ queryTexts: ["ccc", "aa"], nResults: 1 });
  assert.deepEqual(result.ids, [["2"], ["1"]]);
});

test("get and peek", async () => {
  const collection = await made();
  assert.equal(await collection.count(), 4);
  const all = await collection.get({ include: ["embeddings", "documents", "metadatas", "uris"] });
  assert.deepEqual(all.ids, ["a", "b", "c", "d"]);
  assert.deepEqual(all.embeddings, [[0, 0], [1, 0], [0, 2], [3, 3]]);
  assert.deepEqual(all.documents, ["red apple", "green pear", "blue berry", "red pear"]);
  assert.deepEqual(all.metadatas[2], { n: 3, list: ["p", "q"] });
  assert.deepEqual(all.uris, ["u:a", "u:b", "u:c", "u:d"]);
  assert.deepEqual((await collection.get({ ids: ["d", "a", "zz"] })).ids, ["a", "d"]);
  assert.deepEqual((await collection.get({ limit: 2, offset: 1 })).ids, ["b", "c"]);
  assert.deepEqual((await collection.peek({ limit: 3 })).ids, ["a", "b", "c"]);
});

test("filters", async () => {
  const collection = await made();
  const cases = [
    [{ n: 1 }, ["a"]], [{ n: { $gt: 2 } }, ["b", "c"]], [{ tag: { $ne: "x" } }, ["b", "c"]],
    [{ tag: { $in: ["x", "z"] } }, ["a", "d"]], [{ ok: true }, ["a"]],
    [{ list: { $contains: "q" } }, ["c"]], [{ nums: { $contains: 2 } }, ["d"]],
    [{ $and: [{ tag: "x" }, { n: { $lt: 5 } }] }, ["a"]], [{ $or: [{ n: 3 }, { tag: "y" }] }, ["b", "c"]],
  ];
  for (const [where, ids] of cases) {
    assert.deepEqual((await collection.get({ where })).ids, ids, JSON.stringify(where));
    const found = await collection.query({ queryEmbeddings: [[0, 0]], where });
    assert.deepEqual([...found.ids[0]].sort(), ids, JSON.stringify(where));
  }
  for (const [whereDocument, ids] of [
    [{ $contains: "pear" }, ["b", "d"]], [{ $not_contains: "pear" }, ["a", "c"]],
    [{ $regex: "^(red|blue)" }, ["a", "c", "d"]],
    [{ $and: [{ $contains: "red" }, { $contains: "pear" }] }, ["d"]],
  ]) {
    assert.deepEqual((await collection.get({ whereDocument })).ids, ids);
  }
});

test("query", async () => {
  const collection = await made();
  const found = await collection.query({ queryEmbeddings: [[1, 0], [3, 2]], nResults: 2 });
  assert.deepEqual(found.ids, [["b", "a"], ["d", "b"]]);
  assert.deepEqual(found.distances, [[0, 1], [1, 8]]);
  assert.deepEqual(found.documents[0], ["green pear", "red apple"]);
  assert.deepEqual(found.rows()[0].map((row) => row.id), ["b", "a"]);
  const some = await collection.query({ queryEmbeddings: [[0, 0]], ids: ["c", "d"] });
  assert.deepEqual(some.ids, [["c", "d"]]);
});

test("search", async () => {
  const { GroupBy, K, Knn, MinK, Rrf, Schema, Search, SparseVectorIndexConfig } = chroma;
  const schema = new Schema().createIndex(new SparseVectorIndexConfig({}), "s");
  const collection = await make({ schema });
  const sparse = (indices, values) => ({ indices, values });
  await collection.add({
    ids: ["a", "b", "c", "d", "e"],
    embeddings: [[0, 0], [1, 0], [0, 2], [3, 3], [1, 1]],
    documents: ["red", "blue", "green", "red and blue", "black"],
    metadatas: [{ g: "x", p: 3, s: sparse([1, 2], [1, 2]) }, { g: "x", p: 1, s: sparse([2], [1]) },
                { g: "y", s: sparse([1], [0.5]) }, { g: "y", p: 2 }, { s: sparse([3], [4]) }],
  });
  const near = (more = {}) => Knn({ query: [0, 0], limit: 3, ...more });
  const words = (more = {}) => Knn({ query: sparse([2], [1]), key: "s", limit: 5, ...more });
  const found = async (search) => {
    const result = await collection.search(search.select(K.SCORE));
    return result.ids[0].map((id, i) => [id, result.scores[0][i]]);
  };
  assert.deepEqual(await found(new Search().rank(near())), [["a", 0], ["b", 1], ["e", 2]]);
  assert.deepEqual(await found(new Search().rank(words())), [["a", -1], ["b", 0]]);
  assert.deepEqual(await found(new Search().rank(near().add(words({ default: 5 })))),
                   [["a", -1], ["b", 1], ["e", 7]]);
  assert.deepEqual(await found(new Search().where(K("g").eq("y").and(K("p").gt(1))).rank(near())),
                   [["d", 18]]);
  assert.deepEqual(await found(new Search().where(K.DOCUMENT.contains("red")).limit(1, 1)), [["d", 0]]);
  const places = { returnRank: true, default: 100 };
  const fused = await found(new Search().rank(Rrf({ ranks: [near(places), words(places)] })));
  assert.deepEqual(fused.map(([id]) => id), ["a", "b", "e"]);
  assert.ok(Math.abs(fused[0][1] + 2 / 60) < 1e-6);
  const grouped = new Search().rank(near({ limit: 5 })).groupBy(new GroupBy([K("g")], new MinK([K("p")], 1)));
  assert.deepEqual((await found(grouped)).map(([id]) => id), ["b", "e", "c"]);
  const both = await collection.search([new Search().rank(near()).limit(1).selectAll(), new Search().select("p")]);
  assert.deepEqual(both.ids, [["a"], ["a", "b", "c", "d", "e"]]);
  assert.deepEqual([both.documents, both.embeddings[0]], [[["red"], null], [[0, 0]]]);
  assert.deepEqual(both.metadatas[1], [{ p: 3 }, { p: 1 }, null, { p: 2 }, null]);
  assert.deepEqual(both.metadatas[0][0].s.indices, [1, 2]);
  await assert.rejects(collection.search(new Search().rank(Knn({ query: [1] }))), chroma.ChromaClientError);
});

test("update, upsert and delete", async () => {
  const collection = await made();
  await collection.update({ ids: ["a", "missing"], embeddings: [[4, 4], [5, 5]],
                            metadatas: [{ n: 9 }, { n: 1 }], documents: ["new", "none"] });
  const got = await collection.get({ ids: ["a"], include: ["embeddings", "metadatas", "documents"] });
  assert.deepEqual(got.metadatas, [{ n: 9, tag: "x", ok: true }]);
  assert.deepEqual([got.embeddings, got.documents], [[[4, 4]], ["new"]]);
  await collection.upsert({ ids: ["a", "e"], embeddings: [[5, 5], [6, 6]] });
  assert.deepEqual((await collection.get()).ids, ["a", "b", "c", "d", "e"]);
  assert.equal((await collection.delete({ where: { tag: "x" }, limit: 1 })).deleted, 1);
  await collection.delete({ ids: ["b"] });
  await collection.delete({ whereDocument: { $contains: "blue" } });
  assert.deepEqual((await collection.get()).ids, ["d", "e"]);
});

test("tenants and databases", async () => {
  const admin = new chroma.AdminClient({ host: "127.0.0.1", port });
  await admin.createTenant({ name: "acme-js" });
  assert.equal((await admin.getTenant({ name: "acme-js" })).name ?? "acme-js", "acme-js");
  await admin.createDatabase({ name: "tools", tenant: "acme-js" });
  assert.equal((await admin.getDatabase({ name: "tools", tenant: "acme-js" })).name, "tools");
  const other = new chroma.ChromaClient({ host: "127.0.0.1", port, tenant: "acme-js", database: "tools" });
  const collection = await other.createCollection({ name: "things", embeddingFunction: null });
  await collection.add({ ids: ["a"], embeddings: [[1]] });
  assert.equal(await other.countCollections(), 1);
  const listed = await admin.listDatabases({ tenant: "acme-js" });
  assert.deepEqual(listed.map((database) => database.name), ["tools"]);
  await admin.deleteDatabase({ name: "tools", tenant: "acme-js" });
  await assert.rejects(admin.getDatabase({ name: "tools", tenant: "acme-js" }), chroma.ChromaNotFoundError);
});

test("errors have their classes", async () => {
  const collection = await made();
  await assert.rejects(collection.add({ ids: ["x"], embeddings: [[1, 2, 3]] }),
                       (e) => e instanceof chroma.ChromaClientError && /dimension of 2, got 3/.test(e.message));
  await assert.rejects(client.createCollection({ name: collection.name, embeddingFunction: null }),
                       chroma.ChromaUniqueError);
  await assert.rejects(client.createCollection({ name: "no spaces", embeddingFunction: null }),
                       chroma.ChromaClientError);
  await assert.rejects(collection.get({ whereDocument: { $regex: "(" } }), chroma.ChromaClientError);
  await assert.rejects(collection.fork({ name: "forked" }), chroma.ChromaServerError);
  assert.equal(await collection.count(), 4);
});

test("many requests at once", async () => {
  const collection = await make();
  const numbers = Array.from({ length: 60 }, (_, i) => i);
  await Promise.all(numbers.map((i) => collection.add({ ids: [`r${i}`], embeddings: [[i, 1]] })));
  const found = await Promise.all(
    numbers.map((i) => collection.query({ queryEmbeddings: [[i, 1]], nResults: 1 })));
  assert.deepEqual(found.map((f) => f.ids[0][0]), numbers.map((i) => `r${i}`));
});
