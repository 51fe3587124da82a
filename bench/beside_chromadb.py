#!/usr/bin/env python3
"""chroma_cpp beside chromadb, in one process: single queries and batches of 1,000, in turns.

    beside_chromadb.py DATA [--rows N] [--rounds N] [--path DIR]

DATA names DATA.npy and DATA.jsonl, a document and its metadata a line; the last 1,000 rows are the queries. Both
databases are loaded into DIR (a temporary one unless given; kept, and used again, if given) and asked with and
without documents and metadata. In each turn three batches follow each other: the first finds the vectors that it
compares given back to the system, the others do not. Prints medians, their ratio, and recall@10. Needs numpy,
chromadb and chroma_cpp.
"""
import argparse, json, pathlib, statistics, tempfile, time
import chromadb, chroma_cpp
import numpy as np

QUERIES, SINGLE, BATCHES, ADDED = 1000, 40, 3, 5000


def opened(module, path, rows, records):
    fresh = not path.exists()
    collection = module.PersistentClient(str(path)).get_or_create_collection(
        "bench", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)
    for start in range(0, len(rows) if fresh else 0, ADDED):
        some = records[start:start + ADDED]
        collection.add(ids=[str(start + i) for i in range(len(some))], embeddings=rows[start:start + ADDED],
                       documents=[one["document"] for one in some], metadatas=[one["metadata"] for one in some])
    if collection.count() != len(rows):
        raise SystemExit(f"{path} holds {collection.count()} records, not {len(rows)}: remove it")
    return collection


def timed(call):
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def compare(ours, theirs, queries, truth, include, rounds):
    took = {}
    for turn in range(rounds):
        for name, collection in (("chroma_cpp", ours), ("chromadb", theirs)):
            def ask(some):
                return collection.query(query_embeddings=some, n_results=10, include=include)
            for batch in range(BATCHES):
                what = "batch after another" if batch else "batch"
                took.setdefault((name, what), []).append(timed(lambda: ask(queries)))
            first = turn * SINGLE % (QUERIES - SINGLE)
            single = timed(lambda: [ask(queries[i:i + 1]) for i in range(first, first + SINGLE)])
            took.setdefault((name, "one query"), []).append(single / SINGLE)
            if turn == 0:
                found = ask(queries)["ids"]
                recall = statistics.mean(len(truth[i] & set(found[i])) / 10 for i in range(QUERIES))
                print(f"{name} with {', '.join(include)}: recall@10 {recall:.4f}")
    for what in ("one query", "batch", "batch after another"):
        here, there = (statistics.median(took[name, what]) for name in ("chroma_cpp", "chromadb"))
        print(f"{what}: {here:.3f} ms, chromadb {there:.3f} ms, {there / here:.1f} x", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--rows", type=int, default=10**9)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--path")
    args = parser.parse_args()
    vectors = np.load(args.data + ".npy").astype(np.float32)
    rows, queries = vectors[:-QUERIES][:args.rows], np.ascontiguousarray(vectors[-QUERIES:])
    records = [json.loads(line) for line in open(args.data + ".jsonl", encoding="utf-8")][:len(rows)]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    truth = [set(map(str, np.argpartition(-(unit @ query), 10)[:10])) for query in queries]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        path = pathlib.Path(args.path or temporary)
        path.mkdir(parents=True, exist_ok=True)
        ours = opened(chroma_cpp, path / "chroma_cpp", rows, records)
        theirs = opened(chromadb, path / "chromadb", rows, records)
        ours.wait_until_indexed(timeout=600)
        for include in (["distances"], ["documents", "metadatas", "distances"]):
            compare(ours, theirs, queries, truth, include, args.rounds)


if __name__ == "__main__":
    main()
