"""chroma_bm25 as the Python client computes it, and as we do.

usage: bm25_test.py BM25_VECTORS [FILE.jsonl]   compares; over the documents of a file, too
       bm25_test.py --golden FILE               writes the vectors that unit tests compare with
"""
import json
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from bm25_texts import texts  # noqa: E402

from chromadb.utils.embedding_functions import ChromaBm25EmbeddingFunction  # noqa: E402


def vectors(documents):
    function = ChromaBm25EmbeddingFunction(include_tokens=True)
    for text in documents:
        vector = function([text])[0]
        yield {"indices": list(vector.indices),
               "values": [struct.unpack("f", struct.pack("f", v))[0] for v in vector.values],
               "tokens": list(vector.labels or [])}


def write_golden(path):
    documents = list(texts(250))
    with open(path, "w", encoding="utf-8") as out:
        for text, vector in zip(documents, vectors(documents)):
            vector["values"] = [float(f"{v:.9g}") for v in vector["values"]]
            out.write(json.dumps({"text": text, **vector}, separators=(",", ":")) + "\n")


def main():
    if sys.argv[1] == "--golden":
        write_golden(sys.argv[2])
        return 0
    documents = list(texts(5000, seed=2))
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as lines:
            documents += [json.loads(line)["document"] for line in lines]
    given = "".join(json.dumps(text) + "\n" for text in documents)
    answer = subprocess.run([sys.argv[1]], input=given, capture_output=True, text=True, check=True)
    ours = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(ours) == len(documents)
    different = 0
    for text, mine, theirs in zip(documents, ours, vectors(documents)):
        mine["values"] = [struct.unpack("f", struct.pack("f", v))[0] for v in mine["values"]]
        if mine != theirs:
            different += 1
            if different <= 10:
                print(f"{text!r}\n  ours   {mine}\n  theirs {theirs}")
    print(f"{len(documents)} texts, {different} with different vectors")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
