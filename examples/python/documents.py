#!/usr/bin/env python3
"""Documents with metadata: add, filter, query, update, delete. Needs chroma-cpp."""
import tempfile

import chroma_cpp

with tempfile.TemporaryDirectory() as directory:
    client = chroma_cpp.PersistentClient(directory)
    books = client.get_or_create_collection("books", embedding_function=None,
                                            configuration={"hnsw": {"space": "cosine"}})
    # The vectors are yours here. With an embedding function, documents alone will do.
    books.add(ids=["dune", "emma", "ulysses"],
              embeddings=[[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]],
              documents=["Sand, spice and a prophet", "A matchmaker errs", "A day in Dublin"],
              metadatas=[{"year": 1965, "tags": ["sf", "sand"]}, {"year": 1815}, {"year": 1922}])
    print(books)

    found = books.query(query_embeddings=[[1, 0]], n_results=2, where={"year": {"$gte": 1900}})
    print(found["ids"][0], found["distances"][0])
    assert found["ids"] == [["dune", "ulysses"]]

    assert books.get(where_document={"$contains": "Dublin"})["ids"] == ["ulysses"]
    assert books.get(where={"tags": {"$contains": "sf"}})["ids"] == ["dune"]

    books.update(ids=["emma"], metadatas=[{"year": 1816}])
    books.delete(ids=["ulysses"])
    print(books.list_records(order_by="-year")["ids"])
    print(books.facets("year")["facets"]["year"]["values"])
    client.close()
