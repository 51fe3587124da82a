#!/usr/bin/env python3
"""Hybrid search: vectors and words together, by reciprocal rank fusion. Needs chroma-cpp."""
from chromadb import K, Knn, Rrf, Schema, Search, SparseVector, SparseVectorIndexConfig

import chroma_cpp

WORDS = {"river": 1, "sea": 2, "salt": 3, "bread": 4}


def terms(text):
    """In place of BM25: which of the known words there are."""
    found = sorted(WORDS[word] for word in text.split() if word in WORDS)
    return SparseVector(indices=found, values=[1.0] * len(found))


texts = ["a river to the sea", "salt of the sea", "bread with salt", "a dry place"]
schema = Schema().create_index(key="terms", config=SparseVectorIndexConfig())
collection = chroma_cpp.EphemeralClient().create_collection("hybrid", schema=schema,
                                                            embedding_function=None)
collection.add(ids=["0", "1", "2", "3"], documents=texts,
               embeddings=[[1, 0], [0.8, 0.2], [0.1, 0.9], [0, 1]],
               metadatas=[{"terms": terms(text), "n": i} if terms(text).indices else {"n": i}
                          for i, text in enumerate(texts)])

fused = Rrf([Knn(query=[0.9, 0.1], return_rank=True, limit=10, default=100.0),
             Knn(query=terms("salt"), key="terms", return_rank=True, limit=10, default=100.0)])
search = Search().where(K("n") < 3).rank(fused).limit(2).select(K.DOCUMENT, K.SCORE)
for row in collection.search(search).rows()[0]:
    print(f"{row['score']:.4f}  {row['document']}")
assert collection.search(search)["ids"][0][0] == "1"  # near, and with salt

told = collection.explain(search=search, records=["2"])
print("of 2:", told["records"][0]["reason"])
