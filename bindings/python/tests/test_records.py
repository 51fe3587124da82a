"""Records in and out: what chromadb promises, and numpy arrays as they are."""
import chromadb
import numpy as np
import pytest
from chromadb import errors
from chromadb.api.types import EmbeddingFunction

import chroma_cpp


class LetterCounts(EmbeddingFunction):
    def __init__(self, letters="abc"):
        self.letters = letters

    def __call__(self, input):
        return [np.array([text.count(letter) for letter in self.letters], dtype=np.float32)
                for text in input]

    @staticmethod
    def name():
        return "letter_counts"

    def get_config(self):
        return {"letters": self.letters}

    @staticmethod
    def build_from_config(config):
        return LetterCounts(config["letters"])


def test_objects_are_chromadbs(client, books):
    assert isinstance(client, chromadb.ClientAPI)
    assert isinstance(client, chromadb.api.client.Client)
    assert isinstance(books, chromadb.Collection)
    assert isinstance(books, chroma_cpp.Collection)
    assert [type(one) for one in client.list_collections()] == [chroma_cpp.Collection]
    assert client.get_collection("books", None) == client.get_collection("books", None)


def test_get(books):
    got = books.get(include=["embeddings", "documents", "metadatas", "uris"])
    assert got["ids"] == ["a", "b", "c", "d", "e"]
    assert got["embeddings"].dtype == np.float32
    assert got["embeddings"].shape == (5, 2)
    assert got["documents"] == ["a river runs", "deep sea", None, "River of stars", ""]
    assert got["metadatas"][0] == {"year": 1990, "price": 9.5, "tags": ["x", "y"]}
    assert got["metadatas"][1]["sold"] is True
    assert got["metadatas"][2] is None
    assert got["uris"] == [None] * 5
    assert got["included"] == ["embeddings", "documents", "metadatas", "uris"]
    assert got["data"] is None
    assert books.get(where={"year": {"$gte": 2000}}, limit=1, offset=1)["ids"] == ["d"]
    assert books.get(ids="b")["ids"] == ["b"]
    assert books.get(where_document={"$contains": "iver"})["ids"] == ["a", "d"]
    assert books.get(ids=["zz"], include=["embeddings"])["embeddings"].size == 0


def test_query(books):
    found = books.query(query_embeddings=[[1, 0]], n_results=2)
    assert found["ids"] == [["a", "c"]]
    assert found["distances"] == [[0.0, 1.0]]
    assert found["embeddings"] is None
    assert type(found["distances"][0][0]) is float
    found = books.query(query_embeddings=np.eye(2, dtype=np.float32), n_results=1,
                        where={"$or": [{"year": 1990}, {"year": {"$in": [2000, 2010]}}]},
                        include=["embeddings", "metadatas"])
    assert found["ids"] == [["a"], ["b"]]
    assert [array.tolist() for array in found["embeddings"]] == [[[1, 0]], [[0, 1]]]


def test_writes(books):
    books.update(ids=["a"], metadatas=[{"year": None, "pages": 7}])
    assert books.get(ids=["a"])["metadatas"] == [{"pages": 7, "price": 9.5, "tags": ["x", "y"]}]
    books.upsert(ids=["a", "f"], embeddings=[[3, 3], [4, 4]], documents=["new", "newer"])
    assert books.count() == 6
    assert books.get(ids=["a"])["documents"] == ["new"]
    assert books.delete(ids=["a", "zz"]) == {"deleted": 2}
    assert books.delete(where={"year": 2010}) == {"deleted": 1}
    assert books.count() == 4
    assert books.peek(1)["ids"] == ["b"]


def vectors(kind):
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3) / 4
    return {
        "matrix": matrix,
        "rows": [row for row in matrix],
        "rows in reverse": [row for row in matrix[::-1]][::-1],
        "lists": matrix.tolist(),
        "float64": matrix.astype(np.float64),
        "float16": matrix.astype(np.float16),
        "int": (matrix * 4).astype(np.int64),
        "Fortran order": np.asfortranarray(matrix),
        "columns of a wider one": np.hstack([matrix, matrix])[:, :3],
        "every second row": np.repeat(matrix, 2, axis=0)[::2],
        "read only": np.frombuffer(matrix.tobytes(), dtype=np.float32).reshape(4, 3),
        "rows of several types": [matrix[0], matrix[1].astype(np.float64), matrix[2], matrix[3]],
    }[kind], (matrix * 4 if kind == "int" else matrix)


@pytest.mark.parametrize("kind", [
    "matrix", "rows", "rows in reverse", "lists", "float64", "float16", "int", "Fortran order",
    "columns of a wider one", "every second row", "read only",
    "rows of several types"])
def test_whatever_holds_the_numbers(client, kind):
    given, expected = vectors(kind)
    collection = client.create_collection("numbers", embedding_function=None)
    collection.add(ids=list("abcd"), embeddings=given)
    np.testing.assert_array_equal(collection.get(include=["embeddings"])["embeddings"], expected)
    for one in (given, list(given)[1]):
        found = collection.query(query_embeddings=one, n_results=1)
        assert found["distances"][0][0] == 0


def test_embedding_functions(client):
    collection = client.create_collection("letters", embedding_function=LetterCounts())
    collection.add(ids=["1", "2"], documents=["aab", "ccc"])
    assert collection.query(query_texts=["a"], n_results=1)["ids"] == [["1"]]
    collection.update(ids=["2"], documents=["aaaa"])
    assert collection.get(ids="2", include=["embeddings"])["embeddings"].tolist() == [[4, 0, 0]]
    with pytest.raises(ValueError, match="Embedding function conflict"):
        class Other(LetterCounts):
            @staticmethod
            def name():
                return "other"
        client.get_collection("letters", embedding_function=Other())


def test_search(books):
    result = books.search(chromadb.Search()
                          .where(chromadb.K("year") >= 2000)
                          .rank(chromadb.Knn(query=[1.0, 0.0], limit=5))
                          .limit(2).select(chromadb.K.SCORE, "year"))
    assert result["ids"] == [["e", "b"]]
    assert result.rows()[0][0] == {"id": "e", "metadata": {"year": 2020}, "score": 1.0}


def test_schemas_and_sparse_vectors(client):
    schema = chromadb.Schema().create_index(
        key="terms", config=chromadb.SparseVectorIndexConfig())
    collection = client.create_collection("sparse", schema=schema, embedding_function=None)
    sparse = chromadb.SparseVector(indices=[1, 5], values=[0.5, 2.0])
    collection.add(ids=["x"], embeddings=[[1.0, 2.0]], metadatas=[{"terms": sparse}])
    assert collection.get()["metadatas"] == [{"terms": sparse}]
    found = collection.search(chromadb.Search().rank(
        chromadb.Knn(query=sparse, key="terms")).select(chromadb.K.SCORE))
    assert found["ids"] == [["x"]]


def test_settings_that_name_the_engine(tmp_path):
    path = str(tmp_path / "db")
    with chromadb.PersistentClient(path, chroma_cpp.Settings()) as client:
        client.create_collection("ccc", embedding_function=None).add(ids="1", embeddings=[1, 2])
    settings = chromadb.Settings(anonymized_telemetry=False)
    settings.chroma_api_impl = chroma_cpp.API_IMPL
    with chromadb.PersistentClient(path, settings) as client:
        assert isinstance(client._server, chroma_cpp.EmbeddedAPI)
        assert client.get_collection("ccc", embedding_function=None).count() == 1
    with chroma_cpp.Client(chromadb.Settings(is_persistent=True, persist_directory=path)) as client:
        assert client.get_collection("ccc", embedding_function=None).count() == 1


def test_chromadb_sees_nothing_of_it(tmp_path):
    with pytest.raises(ValueError, match="Unsupported Chroma API implementation"):
        chromadb.PersistentClient(str(tmp_path), chromadb.Settings(chroma_api_impl="x.Y"))
    chroma_cpp.EphemeralClient().create_collection("ours", embedding_function=None)
    assert [one.name for one in chromadb.EphemeralClient().list_collections()] == []


def test_ephemeral_clients_share_their_database():
    first = chroma_cpp.EphemeralClient()
    first.get_or_create_collection("shared", embedding_function=None)
    second = chroma_cpp.EphemeralClient()
    assert "shared" in [one.name for one in second.list_collections()]
    first.close()
    second.delete_collection("shared")
    second.close()


def test_tenants_and_databases(client):
    admin = chroma_cpp.AdminClient(client)
    admin.create_tenant("other")
    admin.create_database("shelf", tenant="other")
    assert [one["name"] for one in admin.list_databases(tenant="other")] == ["shelf"]
    client.set_tenant("other", "shelf")
    client.create_collection("there", embedding_function=None)
    client.set_tenant("default_tenant")
    assert client.list_collections() == []
    with pytest.raises(errors.NotFoundError):
        client.set_database("nowhere")


def test_async(tmp_path):
    import asyncio

    async def work():
        client = await chroma_cpp.AsyncPersistentClient(tmp_path / "db")
        assert isinstance(client, chromadb.api.async_client.AsyncClient)
        collection = await client.create_collection("books", embedding_function=None)
        await asyncio.gather(*[collection.add(ids=[str(i)], embeddings=[[i, 1]])
                               for i in range(20)])
        assert await collection.count() == 20
        found = await collection.query(query_embeddings=[[7, 1]], n_results=1)
        client.close()
        return found["ids"]

    assert asyncio.run(work()) == [["7"]]
