"""Filtered vector queries beside zvec and Qdrant Edge (PyPI: zvec, qdrant-edge-py), and hybrid searches
beside their parts.

usage: filtered_peers.py CHROMA DATA [ROWS]

DATA.npy holds vectors of length 1 and DATA.jsonl their records ({"document", "metadata": {"pos", "lex"}}).
The last 1,000 are queries. The peers run in this process; ours is a server of its own, asked over one
connection with JSON, which is part of its time. One query at a time; rounds of all take turns, and medians
are taken over the queries of all rounds. Recall is against all records compared one by one.
"""
import contextlib
import http.client
import json
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from server import Server  # noqa: E402

ROUNDS = 5
QUERIES = 100
RESULTS = 10
AT_ONCE = 1000
FILTERS = {"none": None, "pos = noun": ("pos", "noun"), "lex = 41": ("lex", 41)}
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"


class Ours:
    def __init__(self, server, dimension):
        del dimension
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port)
        bm25 = {"embedding_function": {"type": "known", "name": "chroma_bm25", "config": {}},
                "source_key": "#document", "bm25": True}
        schema = {"defaults": {}, "keys": {
            "#embedding": {"float_list": {"vector_index": {
                "enabled": True, "config": {"space": "cosine"}}}},
            "words": {"sparse_vector": {"sparse_vector_index": {
                "enabled": True, "config": bm25}}}}}
        self.path = COLLECTIONS + "/" + self.ask(
            COLLECTIONS, {"name": "bench", "schema": schema})["id"]

    def ask(self, path, body=None):
        self.connection.request("POST" if body is not None else "GET", path,
                                None if body is None else json.dumps(body),
                                {"content-type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def add(self, begin, vectors, records):
        self.ask(self.path + "/add", {
            "ids": [str(begin + i) for i in range(len(records))],
            "embeddings": [[round(float(x), 7) for x in v] for v in vectors],
            "documents": [r["document"] for r in records],
            "metadatas": [{k: r["metadata"][k] for k in ("pos", "lex")} for r in records]})

    def finish(self):
        while self.ask(self.path + "/indexing_status")["num_unindexed_ops"] > 0:
            time.sleep(.5)
        time.sleep(3)

    def query(self, vector, where):
        body = {"query_embeddings": [vector.tolist()], "n_results": RESULTS, "include": []}
        if where:
            body["where"] = {where[0]: where[1]}
        return [int(i) for i in self.ask(self.path + "/query", body)["ids"][0]]

    def search(self, rank):
        return self.ask(self.path + "/search", {"searches": [
            {"rank": rank, "limit": {"limit": RESULTS}, "select": {"keys": ["#score"]}}]})["ids"][0]


class Zvec:
    def __init__(self, path, dimension):
        import zvec
        self.zvec = zvec
        inverted = zvec.InvertIndexParam()
        fields = [zvec.FieldSchema("document", zvec.DataType.STRING),
                  zvec.FieldSchema("pos", zvec.DataType.STRING, index_param=inverted),
                  zvec.FieldSchema("lex", zvec.DataType.INT64, index_param=inverted)]
        graph = zvec.HnswIndexParam(metric_type=zvec.MetricType.COSINE, m=32, ef_construction=200)
        vectors = zvec.VectorSchema("v", zvec.DataType.VECTOR_FP32, dimension, index_param=graph)
        self.collection = zvec.create_and_open(path=path + "/zvec", schema=zvec.CollectionSchema(
            name="bench", fields=fields, vectors=vectors))

    def add(self, begin, vectors, records):
        self.collection.insert([
            self.zvec.Doc(id=str(begin + i), vectors={"v": vectors[i].tolist()},
                          fields={"document": r["document"], "pos": r["metadata"]["pos"],
                                  "lex": r["metadata"]["lex"]})
            for i, r in enumerate(records)])

    def finish(self):
        self.collection.optimize()

    def query(self, vector, where):
        condition = where and f"{where[0]} = {where[1]!r}"
        found = self.collection.query(
            self.zvec.Query(field_name="v", vector=vector, param=self.zvec.HnswQueryParam(ef=100)),
            topk=RESULTS, filter=condition, output_fields=[])
        return [int(one.id) for one in found]


class Qdrant:
    def __init__(self, path, dimension):
        import qdrant_edge as edge
        self.edge = edge
        pathlib.Path(path, "qdrant").mkdir()
        vectors = edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)
        graph = edge.HnswIndexConfig(m=32, ef_construct=200, full_scan_threshold=10000)
        self.shard = edge.EdgeShard.create(
            path + "/qdrant", edge.EdgeConfig(vectors=vectors, hnsw_config=graph))
        for key, kind in (("pos", edge.PayloadSchemaType.Keyword),
                          ("lex", edge.PayloadSchemaType.Integer)):
            self.shard.update(edge.UpdateOperation.create_field_index(key, kind))

    def add(self, begin, vectors, records):
        self.shard.update(self.edge.UpdateOperation.upsert_points([
            self.edge.Point(begin + i, vectors[i].tolist(),
                            {"document": r["document"], "pos": r["metadata"]["pos"],
                             "lex": r["metadata"]["lex"]})
            for i, r in enumerate(records)]))

    def finish(self):
        self.shard.flush()
        self.shard.optimize()

    def query(self, vector, where):
        edge = self.edge
        condition = where and edge.Filter(
            must=[edge.FieldCondition(where[0], match=edge.MatchValue(where[1]))])
        found = self.shard.query(edge.QueryRequest(
            limit=RESULTS, query=edge.Query.Nearest(vector.tolist()), filter=condition,
            params=edge.SearchParams(hnsw_ef=100), with_payload=False, with_vector=False))
        return [point.id for point in found]


def compare_filters(peers, vectors, records, queries):
    for name, where in FILTERS.items():
        rows = np.flatnonzero(
            [where is None or r["metadata"][where[0]] == where[1] for r in records])
        truth = [set(rows[np.argpartition(-s, RESULTS)[:RESULTS]].tolist())
                 for s in queries @ vectors[rows].T]
        times = {peer: [] for peer in peers}
        hits = dict.fromkeys(peers, 0)
        for _ in range(ROUNDS):
            for peer, database in peers.items():
                for query, wanted in zip(queries, truth):
                    begin = time.perf_counter()
                    found = database.query(query, where)
                    times[peer].append(time.perf_counter() - begin)
                    hits[peer] += len(wanted & set(found))
        ours = statistics.median(times["ours"])
        for peer, seconds in times.items():
            median = statistics.median(seconds)
            recall = hits[peer] / (ROUNDS * len(queries) * RESULTS)
            print(f"filter {name:12} {len(rows) / len(records):.3f} {peer:8} "
                  f"{1e3 * median:8.3f} ms  ours takes {ours / median:5.2f} of it  "
                  f"recall {recall:.3f}", flush=True)


def place(knn):
    return {"$div": {"left": {"$val": -1}, "right": {"$sum": [{"$val": 60}, {"$knn": knn}]}}}


def compare_hybrid(ours, queries, texts):
    times = {"dense": [], "sparse": [], "both": []}
    for _ in range(ROUNDS):
        for query, text in zip(queries, texts):
            common = {"limit": 200, "return_rank": True, "default": 1000}
            dense = place({"query": query.tolist(), **common})
            sparse = place({"query": text, "key": "words", **common})
            for part, rank in (("dense", dense), ("sparse", sparse),
                               ("both", {"$sum": [dense, sparse]})):
                begin = time.perf_counter()
                ours.search(rank)
                times[part].append(time.perf_counter() - begin)
    medians = {part: statistics.median(seconds) for part, seconds in times.items()}
    parts = medians["dense"] + medians["sparse"]
    print(f"hybrid top {RESULTS} of 200 each: dense {1e3 * medians['dense']:.3f} ms, sparse "
          f"{1e3 * medians['sparse']:.3f} ms, both {1e3 * medians['both']:.3f} ms: "
          f"{medians['both'] / parts:.2f} of the sum")


def main():
    binary, data = sys.argv[1:3]
    vectors = np.load(data + ".npy").astype(np.float32)
    with open(data + ".jsonl", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    queries, asked = vectors[-1000:][:QUERIES], records[-1000:][:QUERIES]
    texts = [" ".join(r["document"].split()[:5]) for r in asked]
    rows = min(int(sys.argv[3]) if len(sys.argv) > 3 else len(records), len(records) - 1000)
    vectors, records = np.ascontiguousarray(vectors[:rows]), records[:rows]
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(Server(binary, pathlib.Path(path, "ours")))
        dimension = vectors.shape[1]
        peers = {"ours": Ours(server, dimension), "zvec": Zvec(path, dimension),
                 "qdrant": Qdrant(path, dimension)}
        for peer, database in peers.items():
            begin = time.perf_counter()
            for at in range(0, rows, AT_ONCE):
                database.add(at, vectors[at:at + AT_ONCE], records[at:at + AT_ONCE])
            database.finish()
            print(f"# {peer}: {rows} records in {time.perf_counter() - begin:.0f} s", flush=True)
        compare_hybrid(peers["ours"], queries, texts)
        compare_filters(peers, vectors, records, queries)


if __name__ == "__main__":
    main()
