"""What the tests share."""
import numpy as np
import pytest

import chroma_cpp


@pytest.fixture
def client(tmp_path):
    """A client of a directory, in which nothing is yet."""
    with chroma_cpp.PersistentClient(tmp_path / "db") as client:
        yield client


@pytest.fixture
def books(client):
    """Five books with vectors, documents and metadata."""
    collection = client.create_collection("books", embedding_function=None)
    collection.add(
        ids=["a", "b", "c", "d", "e"],
        embeddings=np.array([[1, 0], [0, 1], [1, 1], [-1, 0], [2, 0]], dtype=np.float32),
        documents=["a river runs", "deep sea", None, "River of stars", ""],
        metadatas=[{"year": 1990, "price": 9.5, "tags": ["x", "y"]}, {"year": 2000, "sold": True},
                   None, {"year": 2010}, {"year": 2020, "note": "n"}])
    return collection
