#!/usr/bin/env python3
"""Writes a small directory with the chromadb package of this interpreter, of any version since 0.5,
and beside it what that package itself reads back from it.

    make_directory.py DIRECTORY EXPECTED.json

The directories in tests/import/*.tar.xz were made so, by the version in their name. Contents are
synthetic and the same for all versions, as far as a version can store them.
"""
import json
import random
import sys

import chromadb
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings

VERSION = tuple(int(part) for part in chromadb.__version__.split(".")[:2])
HAS_CONFIGURATION = VERSION >= (1, 0)
DIMENSION = 6


def vector(rng):
    return [round(rng.uniform(-2, 2), 3) for _ in range(DIMENSION)]


def metadata(rng, i):
    value = {"n": i, "x": i / 8, "whole": float(i), "word": rng.choice(["red", "green", "blue"]),
             "even": i % 2 == 0}
    if i % 5 == 0:
        value["large"] = 2**53 + i
        value["text"] = "Grüße, 世界 🌍 " + str(i)
    if i % 7 == 0:
        del value["word"]
    return value


def parameters(space):
    """Thresholds that are reached with a few records, so that HNSW files are written."""
    if HAS_CONFIGURATION:
        return {"configuration": {"hnsw": {"space": space, "sync_threshold": 20, "batch_size": 10,
                                           "ef_construction": 77, "max_neighbors": 9}}}
    return {"metadata": {"hnsw:space": space, "hnsw:sync_threshold": 20, "hnsw:batch_size": 10,
                         "hnsw:construction_ef": 77, "hnsw:M": 9, "about": "parameters"}}


def create(client, name, space, **more):
    given = parameters(space)
    given.setdefault("metadata", {}).update(more.pop("metadata", {}))
    if not given["metadata"]:
        del given["metadata"]
    return client.create_collection(name, embedding_function=None, **given, **more)


def fill(collection, rng, count):
    ids = [f"{collection.name}-{i}" for i in range(count)]
    for begin in range(0, count, 10):
        part = range(begin, min(begin + 10, count))
        collection.add(ids=[ids[i] for i in part], embeddings=[vector(rng) for _ in part],
                       metadatas=[metadata(rng, i) for i in part],
                       documents=[f"document {i}: " + "word " * (i % 4) for i in part])
    return ids


def write(client):
    rng = random.Random(5)
    mixed = create(client, "mixed", "l2", metadata={"owner": "tests", "level": 3, "rate": 0.25})
    ids = fill(mixed, rng, 60)
    mixed.delete(ids=ids[10:14])
    mixed.update(ids=[ids[20]], metadatas=[{"word": "changed", "n": -1}], documents=["changed"],
                 embeddings=[[8.0] * DIMENSION])
    mixed.update(ids=[ids[19]], metadatas=[{"word": None, "n": -2} if HAS_CONFIGURATION
                                           else {"n": -2}])
    mixed.update(ids=[ids[21]], embeddings=[[9.0] * DIMENSION])
    mixed.upsert(ids=[ids[22], "late"], embeddings=[[1.0] * DIMENSION, [2.0] * DIMENSION],
                 metadatas=[{"n": 1000}, {"n": 1001}], documents=["again", "late"])
    mixed.add(ids=["bare"], embeddings=[[3.0] * DIMENSION])
    mixed.add(ids=["with-uri"], embeddings=[[4.0] * DIMENSION], uris=["file:///a/b.png"],
              metadatas=[{"n": 7}])
    mixed.add(ids=["long"], embeddings=[[5.0] * DIMENSION],
              documents=["".join(rng.choice("abcdefgh ") for _ in range(9000))])
    mixed.add(ids=["ü/ 'quoted\""], embeddings=[[6.0] * DIMENSION], documents=[""])
    if VERSION >= (1, 5):
        mixed.add(ids=["arrays"], embeddings=[[7.0] * DIMENSION],
                  metadatas=[{"tags": ["a", "b", "a"], "numbers": [3, 1, 2], "parts": [0.5, 2.0],
                              "flags": [True, False]}])
    fill(create(client, "angles", "cosine"), rng, 45)
    fill(create(client, "products", "ip"), rng, 25)
    # Never reaches a threshold: its vectors are in the queue only.
    fill(client.create_collection("queued", embedding_function=None), rng, 15)
    client.create_collection("empty", embedding_function=None, metadata={"nothing": True})
    gone = create(client, "gone", "l2")
    fill(gone, rng, 30)
    client.delete_collection("gone")


def read(client, tenant, database):
    found = []
    for named in client.list_collections():
        name = named if isinstance(named, str) else named.name
        collection = client.get_collection(name, embedding_function=None)
        got = collection.get(include=["embeddings", "documents", "metadatas", "uris"])
        records = []
        for i, record_id in enumerate(got["ids"]):
            records.append({"id": record_id,
                            "embedding": [float(x) for x in got["embeddings"][i]],
                            "document": got["documents"][i],
                            "metadata": got["metadatas"][i] or None,
                            "uri": got["uris"][i] if got["uris"] else None})
        found.append({"tenant": tenant, "database": database, "id": str(collection.id),
                      "name": name, "metadata": collection.metadata, "records": records})
    return found


def main():
    directory, expected = sys.argv[1:3]
    settings = Settings(anonymized_telemetry=False, is_persistent=True, persist_directory=directory)
    admin = chromadb.AdminClient(settings)
    client = chromadb.PersistentClient(directory, settings)
    admin.create_tenant("other_tenant")
    admin.create_database("other_database", "other_tenant")
    write(client)
    other = chromadb.PersistentClient(directory, settings, tenant="other_tenant",
                                      database="other_database")
    fill(create(other, "elsewhere", "l2"), random.Random(6), 22)
    found = read(client, DEFAULT_TENANT, DEFAULT_DATABASE)
    found += read(other, "other_tenant", "other_database")
    with open(expected, "w", encoding="utf-8") as file:
        json.dump({"version": chromadb.__version__, "collections": found}, file,
                  ensure_ascii=False, sort_keys=True)


if __name__ == "__main__":
    main()
