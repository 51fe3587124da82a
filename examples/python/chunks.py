#!/usr/bin/env python3
"""A long text in chunks, as one does with PDFs: each knows its document, page and place. Needs
chroma-cpp and numpy."""
import hashlib

import numpy as np

import chroma_cpp

PAGES = [
    "The delta begins where the river divides. Silt settles and islands grow. Reeds hold them.",
    "Herons nest in the reeds. They fish in the shallows at dawn. In winter most of them leave.",
    "The port lies upstream of the delta. Dredgers keep the channel open. Ships wait for the tide.",
]


def embed(texts):
    """In place of a model: every word has a random direction of its own."""
    rows = np.zeros((len(texts), 128), dtype=np.float32)
    for row, text in zip(rows, texts):
        for word in text.lower().replace(".", "").split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
            row += np.random.default_rng(seed).standard_normal(128)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


chunks, metadatas = [], []
for page, text in enumerate(PAGES, 1):
    for place, sentence in enumerate(text.split(". ")):
        chunks.append(sentence.rstrip("."))
        metadatas.append({"source": "delta.pdf", "page": page, "place": place})

collection = chroma_cpp.EphemeralClient().create_collection(
    "chunks", embedding_function=None, configuration={"hnsw": {"space": "cosine"}})
collection.add_batches([f"delta.pdf#{i}" for i in range(len(chunks))], embed(chunks), metadatas,
                       chunks, progress=False)

best = collection.query(query_embeddings=embed(["where do herons fish"]), n_results=2)
for document, metadata in zip(best["documents"][0], best["metadatas"][0]):
    print(f"page {metadata['page']}: {document}")
assert best["metadatas"][0][0]["page"] == 2

# What stands around the best chunk: the chunks of its page, in their order.
page = best["metadatas"][0][0]["page"]
around = collection.list_records(where={"page": page}, order_by="place")["documents"]
print(" … ".join(around))
assert len(around) == 3
