"""What is wrong is refused with chromadb's classes and a message that helps."""
import os

import numpy as np
import pytest
from chromadb import errors

import chroma_cpp

NAN = float("nan")


def embeddings(given):
    return {"ids": ["x"], "embeddings": given}


@pytest.mark.parametrize("arguments, error, message", [
    (embeddings([[1, 2, 3]]), errors.InvalidArgumentError, "dimension of 2, got 3"),
    (embeddings([]), ValueError, "Expected Embeddings to be non-empty"),
    (embeddings([[]]), (ValueError, IndexError), ""),
    (embeddings(np.zeros((1, 1, 2), np.float32)), ValueError, "Expected embeddings to be a list"),
    (embeddings(np.float32(1)), TypeError, "no len"),
    (embeddings(np.array([[1, 2]], np.uint8)), ValueError, "uint8"),
    (embeddings(np.array([[1 + 2j, 2]])), ValueError, "complex"),
    (embeddings(np.array([["a", "b"]])), ValueError, "int or float"),
    (embeddings(np.array([[1, 2]], dtype=">f4")), ValueError, "int or float"),
    (embeddings([["a", "b"]]), ValueError, "Expected embeddings to be a list"),
    (embeddings([[True, False]]), ValueError, "Expected embeddings to be a list"),
    (embeddings([[1, None]]), (TypeError, errors.InvalidArgumentError), ""),
    (embeddings([[NAN, 1]]), errors.InvalidArgumentError, "NaN"),
    (embeddings(np.array([[np.inf, 1]], np.float32)), errors.InvalidArgumentError, "Infinity"),
    (embeddings(np.array([[1e300, 1]])), errors.InvalidArgumentError, "Infinity"),
    (embeddings([[1, 2], [3, 4]]), ValueError, "Unequal lengths"),
    (embeddings(None), ValueError, "must be provided"),
    ({"ids": ["x", "y"], "embeddings": [[1, 2], [1]]}, errors.InvalidArgumentError,
     "Inconsistent dimensions"),
    ({"ids": None, "embeddings": [[1, 2]]}, ValueError, "Expected IDs to be a list"),
    ({"ids": [], "embeddings": [[1, 2]]}, ValueError, ""),
    ({"ids": [1], "embeddings": [[1, 2]]}, ValueError, "Expected ID to be a str"),
    ({"ids": [None], "embeddings": [[1, 2]]}, ValueError, "Expected ID to be a str"),
    ({"ids": [["x"]], "embeddings": [[1, 2]]}, ValueError, "Expected ID to be a str"),
    ({"ids": [""], "embeddings": [[1, 2]]}, errors.InvalidArgumentError, "Empty ID"),
    ({"ids": ["\udc80"], "embeddings": [[1, 2]]}, UnicodeEncodeError, "surrogates"),
    ({"ids": ["x", "x"], "embeddings": [[1, 2], [1, 2]]}, errors.DuplicateIDError, "unique"),
    ({**embeddings([[1, 2]]), "documents": ["\udc80"]}, UnicodeEncodeError, "surrogates"),
    ({**embeddings([[1, 2]]), "documents": [5]}, ValueError, "Expected document to be a str"),
    ({**embeddings([[1, 2]]), "documents": ["a", "b"]}, ValueError, "Unequal lengths"),
    ({**embeddings([[1, 2]]), "metadatas": [{}]}, ValueError, "non-empty dict"),
    ({**embeddings([[1, 2]]), "metadatas": [5]}, AttributeError, "int"),
    ({**embeddings([[1, 2]]), "metadatas": [{1: 2}]}, TypeError, "metadata key to be a str"),
    ({**embeddings([[1, 2]]), "metadatas": [{"k": {1, 2}}]}, ValueError, "metadata value"),
    ({**embeddings([[1, 2]]), "metadatas": [{"k": np.int64(1)}]}, ValueError, "metadata value"),
    ({**embeddings([[1, 2]]), "metadatas": [{"k": []}]}, ValueError, "non-empty"),
    ({**embeddings([[1, 2]]), "metadatas": [{"k": [1, "a"]}]}, ValueError, "same type"),
    ({**embeddings([[1, 2]]), "metadatas": [{"k": NAN}]}, errors.InvalidArgumentError, "NaN"),
    ({**embeddings([[1, 2]]), "metadatas": [{"\udc80": 1}]}, UnicodeEncodeError, "surrogates"),
])
def test_add(books, arguments, error, message):
    before = books.get(include=["embeddings", "documents", "metadatas"])
    with pytest.raises(error, match=message):
        books.add(**arguments)
    after = books.get(include=["embeddings", "documents", "metadatas"])
    assert after["ids"] == before["ids"]


@pytest.mark.parametrize("arguments, error, message", [
    ({"query_embeddings": [[1, 2, 3]]}, errors.InvalidArgumentError, "dimension of 2, got 3"),
    ({"query_embeddings": [[NAN, 2]]}, errors.InvalidArgumentError, "NaN"),
    ({"query_embeddings": [[1, 2]], "n_results": 0}, TypeError, "cannot be negative, or zero"),
    ({"query_embeddings": [[1, 2]], "n_results": 1.5}, ValueError, "to be a int"),
    ({"query_embeddings": [[1, 2]], "n_results": 10**12}, OverflowError, "out of range"),
    ({"query_embeddings": [[1, 2]], "include": ["nothing"]}, ValueError, "include item"),
    ({"query_embeddings": [[1, 2]], "include": "documents"}, ValueError, "include to be a list"),
    ({"query_embeddings": [[1, 2]], "where": {}}, ValueError, "exactly one operator"),
    ({"query_embeddings": [[1, 2]], "where": {"a": 1, "b": 2}}, ValueError, "exactly one"),
    ({"query_embeddings": [[1, 2]], "where": {"a": {"$gt": "x"}}}, ValueError, "int or a float"),
    ({"query_embeddings": [[1, 2]], "where": {"a": {"$in": []}}}, ValueError, "non-empty list"),
    ({"query_embeddings": [[1, 2]], "where_document": {"$regex": "("}},
     errors.InvalidArgumentError, "(?i)regex"),
    ({}, ValueError, "must be provided|At least one of"),
])
def test_query(books, arguments, error, message):
    with pytest.raises(error, match=message):
        books.query(**arguments)


def test_get(books):
    for arguments in ({"limit": -1}, {"offset": -1}):
        with pytest.raises(OverflowError):
            books.get(**arguments)
    with pytest.raises(ValueError, match="cannot be one of distances"):
        books.get(include=["distances"])
    with pytest.raises(errors.DuplicateIDError):
        books.get(ids=["a", "a"])


@pytest.mark.parametrize("queries", [[], np.zeros((0, 2), np.float32)])
def test_no_query(books, queries):
    with pytest.raises(ValueError, match="non-empty"):
        books.query(query_embeddings=queries)


def test_delete(books):
    with pytest.raises(ValueError, match="At least one of ids"):
        books.delete()
    with pytest.raises(ValueError, match="limit can only"):
        books.delete(ids=["a"], limit=1)


def test_collections(client, books):
    with pytest.raises(errors.InternalError, match=r"Collection \[books\] already exists"):
        client.create_collection("books", embedding_function=None)
    with pytest.raises(errors.InvalidArgumentError, match="Expected a name containing"):
        client.create_collection("x", embedding_function=None)
    for create in (client.create_collection, client.get_or_create_collection):
        with pytest.raises(errors.InvalidArgumentError, match="Metadata cannot be empty"):
            create("other", metadata={}, embedding_function=None)
    with pytest.raises(errors.NotFoundError, match=r"\[none\] does not exist"):
        client.get_collection("none")
    with pytest.raises(errors.NotFoundError, match=r"\[none\] does not exist"):
        client.delete_collection("none")


@pytest.mark.parametrize("size", [0, -1, 2.5, None])
def test_batches_of_no_size_write_nothing_and_say_so(books, tmp_path, size):
    pa = pytest.importorskip("pyarrow")
    file = tmp_path / "more.jsonl"
    file.write_text('{"id": "z", "embedding": [1, 2]}\n')
    for call in (lambda: books.add_batches(["z"], [[1, 2]], batch_size=size, progress=False),
                 lambda: books.add_arrow(pa.table({"id": ["z"]}), batch_size=size),
                 lambda: books.import_file(file, batch_size=size)):
        with pytest.raises(ValueError, match="batch_size"):
            call()
    assert books.count() == 5


@pytest.mark.parametrize("rows, message", [
    ("name,embedding\na,[1]\n", "no column id"),
    ('id,embedding\na,"[1,2]"\nb,"[1,2"\n', "line 3"),
])
def test_files_that_are_wrong(books, tmp_path, rows, message):
    file = tmp_path / "wrong.csv"
    file.write_text(rows)
    with pytest.raises(ValueError, match=message):
        books.import_file(file)
    with pytest.raises(TypeError, match="Expected a table"):
        pytest.importorskip("pyarrow")
        books.add_arrow("no table")
    assert books.count() == 5


class Derived(np.ma.MaskedArray):
    pass


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_a_mask_hides_is_not_written(books, dtype):
    masked = np.ma.masked_array(np.ones((2, 2), dtype), mask=[[0, 1], [0, 0]])
    for rows in (masked, masked.view(Derived), list(masked)):
        with pytest.raises(errors.InvalidArgumentError, match="NaN"):
            books.add(ids=["y", "z"], embeddings=rows)
    books.add(ids=["y", "z"], embeddings=np.ma.masked_array(np.ones((2, 2), dtype)))
    assert books.count() == 7


def test_names_that_are_no_unicode(client):
    for call in (client.get_collection, client.create_collection, client.delete_collection):
        with pytest.raises(UnicodeEncodeError):
            call("\udcff" * 3)


def test_a_collection_that_was_deleted(client, books):
    client.delete_collection("books")
    for call in (books.count, books.get, books.peek, lambda: books.delete(ids=["a"]),
                 lambda: books.query(query_embeddings=[[1, 2]]),
                 lambda: books.add(ids=["z"], embeddings=[[1, 2]])):
        with pytest.raises(errors.NotFoundError, match="does not exist"):
            call()
    assert "unreachable" in repr(books)


def test_a_client_that_was_closed(tmp_path):
    client = chroma_cpp.PersistentClient(tmp_path / "db")
    collection = client.create_collection("books", embedding_function=None)
    client.close()
    client.close()
    for call in (client.heartbeat, collection.count, client.list_collections,
                 lambda: collection.add(ids=["z"], embeddings=[[1, 2]])):
        with pytest.raises(errors.InternalError, match="client was closed"):
            call()


def test_directories(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a directory")
    with pytest.raises(errors.ChromaError):
        chroma_cpp.PersistentClient(file)
    if os.getuid() != 0:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
        with pytest.raises(errors.ChromaError, match="(?i)permission"):
            chroma_cpp.PersistentClient(closed / "db")


def test_reset_is_not_allowed_unless_asked_for(client):
    with pytest.raises(errors.ChromaError, match="(?i)reset"):
        client.reset()
