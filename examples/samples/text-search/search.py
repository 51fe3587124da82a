#!/usr/bin/env python3
"""Full text search over paragraphs of files: search.py load FILE… | search.py find WORDS"""
import json
import pathlib
import sys
import urllib.error
import urllib.request

NAME = "text-search"
PLACE = json.loads((pathlib.Path(__file__).parent / "chroma.json").read_text())
DATABASE = f"/api/v2/tenants/{PLACE['tenant']}/databases/{PLACE['database']}"

# Every document gets a sparse vector under "words": its terms, weighted as BM25 does.
INDEX = {"enabled": True,
         "config": {"source_key": "#document", "bm25": True,
                    "embedding_function": {"type": "known", "name": "chroma_bm25", "config": {}}}}
SCHEMA = {"defaults": {}, "keys": {"words": {"sparse_vector": {"sparse_vector_index": INDEX}}}}


def ask(method, path, body=None):
    request = urllib.request.Request(
        PLACE["url"] + DATABASE + path, None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json", **PLACE["headers"]}, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {error.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"{PLACE['url']} does not answer ({error.reason}); start it with `chroma run`")


def collection():
    made = ask("POST", "/collections", {"name": NAME, "schema": SCHEMA, "get_or_create": True})
    return f"/collections/{made['id']}"


def load(paths):
    for path in paths:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        paragraphs = [p.strip() for p in text.split("\n\n") if p.strip()]
        for begin in range(0, len(paragraphs), 500):
            part = paragraphs[begin:begin + 500]
            ask("POST", collection() + "/upsert", {
                "ids": [f"{path}:{begin + i}" for i in range(len(part))],
                "documents": part,
                "metadatas": [{"file": str(path)} for _ in part],
                "embeddings": [[0.0]] * len(part)})
        print(f"{path}: {len(paragraphs)} paragraphs")


def find(words):
    found = ask("POST", collection() + "/search", {"searches": [{
        "rank": {"$knn": {"query": " ".join(words), "key": "words", "limit": 5}},
        "limit": {"limit": 5},
        "select": {"keys": ["#document", "#score", "file"]}}]})
    for document, score, metadata in zip(found["documents"][0], found["scores"][0],
                                         found["metadatas"][0]):
        print(f"{score:8.3f}  {metadata['file']}: {' '.join(document.split())[:100]}")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("load", "find"):
        sys.exit(__doc__)
    load(sys.argv[2:]) if sys.argv[1] == "load" else find(sys.argv[2:])
