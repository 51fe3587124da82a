"""What is beyond chromadb: lists, facets, explanations, recall, and moving data."""
import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")


def contents(collection):
    got = collection.get(include=["embeddings", "documents", "metadatas", "uris"])
    return [(got["ids"][i], got["embeddings"][i].tolist(), got["documents"][i],
             got["metadatas"][i], got["uris"][i]) for i in range(len(got["ids"]))]


def test_lists(books):
    assert books.list_records(order_by="-year", limit=2)["ids"] == ["e", "d"]
    assert books.list_records(order_by=["sold", "#id"])["ids"] == ["b", "a", "c", "d", "e"]
    found = books.list_records(where_document={"$phrase": "deep sea"}, highlight=True)
    assert found["ids"] == ["b"]
    assert found["highlights"][0]["matches"] == [
        {"begin": 0, "end": 8, "begin_byte": 0, "end_byte": 8}]
    assert books.list_records(where={"tags": {"$contains_any": ["x", "q"]}})["ids"] == \
        books.list_records(where={"tags": {"$contains": "x"}})["ids"]
    with pytest.raises(ValueError, match="highlight has no"):
        books.list_records(highlight={"colour": 1})


def test_facets(books):
    counted = books.facets(["year", "tags"], where={"year": {"$lt": 2015}})
    assert counted["count"] == 3
    assert counted["facets"]["year"]["values"] == [(1990, 1), (2000, 1), (2010, 1)]
    assert counted["facets"]["tags"] == {"records": 1, "distinct": 2,
                                         "values": [("x", 1), ("y", 1)]}


def test_explanations(books):
    told = books.explain(query_embeddings=[[1, 0]], n_results=2, where={"year": {"$gt": 1995}},
                         records=["a", "e"])
    assert told["returned"] == 2
    assert [one["matches"] for one in told["records"]] == [False, True]
    assert books.explain(where={"year": 1990})["returned"] == 1
    chromadb = pytest.importorskip("chromadb")
    search = chromadb.Search().rank(chromadb.Knn(query=[1.0, 0.0])).limit(1)
    assert books.explain(search=search)["returned"] == 1


def test_recall(client, books):
    report = books.recall(n_queries=4, n_results=2)
    assert report["recall"] == 1.0 and report["n_records"] == 5
    assert books.target_recall is None
    books.target_recall = 0.95
    assert books.target_recall == 0.95
    assert client.get_collection("books", embedding_function=None).target_recall == 0.95
    books.target_recall = None
    assert books.target_recall is None


def test_repr_and_status(books):
    assert repr(books).startswith("Collection(name=books, count=5, dimension=2, space=l2, ")
    status = books.get_indexing_status()
    assert status.total_ops == 5
    assert books.wait_until_indexed(timeout=0) in (True, False)


def test_batches(client):
    collection = client.create_collection("many", embedding_function=None)
    rows = np.random.default_rng(3).random((2500, 4), dtype=np.float32)
    ids = [str(i) for i in range(2500)]
    collection.add_batches(ids, rows, batch_size=np.int64(1000), progress=False)
    assert collection.count() == 2500
    collection.upsert_batches(ids[:10], rows[:10], documents=["x"] * 10, progress=True)
    assert collection.get(ids=ids[:1])["documents"] == ["x"]
    with pytest.raises(ValueError, match="Unequal lengths"):
        collection.add_batches(["a", "b"], rows[:1])


@pytest.fixture
def mixed(client, books):
    """The books, with keys of several types, a sparse vector and a uri."""
    from chromadb import SparseVector

    books.update(ids=["a"], metadatas=[{"mixed": 1, "whole": 2.0}])
    books.update(ids=["b"], metadatas=[{"mixed": "one", "sparse": SparseVector([1], [0.5])}],
                 uris=["file:b"])
    return books


def test_arrow(client, mixed):
    table = mixed.to_arrow()
    assert table.num_rows == 5
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 2)
    assert table.schema.field("metadata.year").type == pa.int64()
    copy = client.create_collection("copy", embedding_function=None)
    assert copy.add_arrow(table) == 5
    assert contents(copy) == contents(mixed)
    assert mixed.to_arrow(where={"year": 2010}, embeddings=False)["id"].to_pylist() == ["d"]


def test_pandas(client, mixed):
    pytest.importorskip("pandas")
    frame = mixed.to_pandas()
    assert list(frame.index) == ["a", "b", "c", "d", "e"]
    assert frame.loc["d", "metadata.year"] == 2010
    copy = client.create_collection("copy", embedding_function=None)
    with pytest.raises(ValueError, match="reset_index"):
        copy.add_arrow(frame.rename_axis("number"))
    frame = frame.reset_index()[["id", "document", "embedding"]]
    frame["genre"] = "none"
    assert copy.add_arrow(frame, write="upsert") == 5
    assert copy.get(ids="b")["metadatas"] == [{"genre": "none"}]
    assert [row[1] for row in contents(copy)] == [row[1] for row in contents(mixed)]


def test_polars(client, mixed):
    pytest.importorskip("polars")
    frame = mixed.to_polars()
    assert frame["id"].to_list() == ["a", "b", "c", "d", "e"]
    copy = client.create_collection("copy", embedding_function=None)
    assert copy.add_arrow(frame) == 5
    assert contents(copy) == contents(mixed)


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow", "x.jsonl", "x.csv"])
def test_files(client, mixed, tmp_path, name):
    assert mixed.export_file(tmp_path / name) == 5
    copy = client.create_collection("copy", embedding_function=None)
    assert copy.import_file(tmp_path / name, batch_size=2) == 5
    expected = contents(mixed)
    if name == "x.csv":  # which has no empty text
        expected = [(id, vector, document or None, metadata, uri)
                    for id, vector, document, metadata, uri in expected]
    assert contents(copy) == expected


def test_wrong_files(client, tmp_path):
    copy = client.create_collection("copy", embedding_function=None)
    (tmp_path / "x.jsonl").write_text('{"id": "1", "embedding": [1, 2]}\n{"no": "id"}\n')
    with pytest.raises(ValueError, match="line 2"):
        copy.import_file(tmp_path / "x.jsonl")
    assert copy.count() == 0
    with pytest.raises(ValueError, match="format must be"):
        copy.export_file(tmp_path / "x.txt")
    with pytest.raises(ValueError, match="write must be"):
        copy.import_file(tmp_path / "x.jsonl", write="remove")
