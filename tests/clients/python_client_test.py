#!/usr/bin/env python3
"""The Python client of PyPI, unmodified, against the server: HttpClient and AsyncHttpClient.

usage: python_client_test.py BINARY     with the interpreter of build/clients/venv
"""
import asyncio
import inspect
import pathlib
import sys
import tempfile
import unittest

import chromadb
import numpy as np
from chromadb import errors
from chromadb.api.types import EmbeddingFunction, SparseEmbeddingFunction, SparseVector
from chromadb.config import Settings
from chromadb import K, Knn, Rrf, Schema, Search, SparseVectorIndexConfig, VectorIndexConfig
from chromadb.execution.expression import GroupBy, MaxK, MinK, Val
from chromadb.utils.embedding_functions import (
    register_embedding_function, register_sparse_embedding_function)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Server  # noqa: E402

SETTINGS = Settings(anonymized_telemetry=False)
server = None


@register_embedding_function
class LetterCounts(EmbeddingFunction):
    """Counts of three letters: an embedding that a test can check by hand."""

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

    def default_space(self):
        return "l2"

    def supported_spaces(self):
        return ["l2", "cosine", "ip"]


@register_sparse_embedding_function
class WordLengths(SparseEmbeddingFunction):
    """How many words of each length: a sparse embedding that a test can check by hand."""

    def __init__(self):
        pass

    def __call__(self, input):
        lengths = [[len(word) for word in text.split()] for text in input]
        return [SparseVector(indices=sorted(set(of)), values=[float(of.count(n)) for n in sorted(set(of))])
                for of in lengths]

    @staticmethod
    def name():
        return "word_lengths"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return WordLengths()


class Awaited:
    """An asynchronous client with the face of the synchronous one, so that one test has both."""

    def __init__(self, target, loop):
        self._target, self._loop = target, loop

    def _wrap(self, value):
        if inspect.isawaitable(value):
            value = self._loop.run_until_complete(value)
        if isinstance(value, list):
            return [self._wrap(v) for v in value]
        if type(value).__name__ in ("AsyncCollection", "AsyncClient"):
            return Awaited(value, self._loop)
        return value

    def __getattr__(self, name):
        member = getattr(self._target, name)
        if callable(member):
            return lambda *args, **kwargs: self._wrap(member(*args, **kwargs))
        return member


class ClientTests:
    """Run for both clients; `connect` makes one."""

    def setUp(self):
        self.client = self.connect()
        self.name = f"{type(self).__name__}-{self._testMethodName}"

    def make(self, **more):
        more.setdefault("embedding_function", None)
        return self.client.create_collection(self.name, **more)

    def made(self):
        """A collection of four records."""
        collection = self.make()
        collection.add(ids=["a", "b", "c", "d"], embeddings=[[0, 0], [1, 0], [0, 2], [3, 3]],
                       documents=["red apple", "green pear", "blue berry", "red pear"],
                       metadatas=[{"n": 1, "tag": "x", "ok": True}, {"n": 2.5, "tag": "y"},
                                  {"n": 3, "list": ["p", "q"]}, {"tag": "x", "nums": [1, 2]}],
                       uris=["u:a", "u:b", "u:c", "u:d"])
        return collection

    def test_server_facts(self):
        self.assertGreater(self.client.heartbeat(), 1_600_000_000 * 10**9)
        self.assertRegex(self.client.get_version(), r"^\d+\.\d+\.\d+")
        self.assertEqual(self.client.get_max_batch_size(), 5461)
        with self.assertRaises(errors.ChromaError):
            self.client.reset()

    def test_collections_come_and_go(self):
        before = self.client.count_collections()
        collection = self.make(metadata={"about": "tests", "size": 3, "share": 0.5, "flag": True})
        self.assertEqual(self.client.count_collections(), before + 1)
        found = self.client.get_collection(self.name, embedding_function=None)
        self.assertEqual(found.id, collection.id)
        self.assertEqual(found.metadata, {"about": "tests", "size": 3, "share": 0.5, "flag": True})
        self.assertIn(self.name, [c.name for c in self.client.list_collections()])
        self.assertEqual(len(self.client.list_collections(limit=1)), 1)
        self.assertEqual(self.client.list_collections(limit=5, offset=100_000), [])
        again = self.client.get_or_create_collection(self.name, embedding_function=None)
        self.assertEqual(again.id, collection.id)
        self.client.delete_collection(self.name)
        self.assertEqual(self.client.count_collections(), before)
        with self.assertRaises(errors.NotFoundError):
            self.client.get_collection(self.name)
        with self.assertRaises(errors.NotFoundError):
            self.client.delete_collection(self.name)
        with self.assertRaises(errors.NotFoundError):
            collection.count()

    def test_modify(self):
        collection = self.make(metadata={"old": 1})
        collection.modify(name=self.name + "-new", metadata={"new": 2})
        found = self.client.get_collection(self.name + "-new", embedding_function=None)
        self.assertEqual((found.id, found.metadata), (collection.id, {"new": 2}))
        collection.modify(configuration={"hnsw": {"ef_search": 77}})
        found = self.client.get_collection(self.name + "-new", embedding_function=None)
        self.assertEqual(found.configuration_json["hnsw"]["ef_search"], 77)
        with self.assertRaises(errors.ChromaError):
            other = self.make()
            other.modify(name=self.name + "-new")

    def test_configuration_and_schema(self):
        collection = self.make(configuration={"hnsw": {"space": "cosine", "ef_construction": 200}})
        hnsw = collection.configuration_json["hnsw"]
        self.assertEqual((hnsw["space"], hnsw["ef_construction"], hnsw["max_neighbors"]),
                         ("cosine", 200, 16))
        collection.add(ids=["a"], embeddings=[[1, 2]], metadatas=[{"s": "x", "i": 1, "f": 0.5}])
        found = self.client.get_collection(self.name, embedding_function=None)
        self.assertTrue({"s", "i", "f", "#document", "#embedding"} <= set(found.schema.keys))

    def test_legacy_metadata_sets_the_space(self):
        collection = self.make(metadata={"hnsw:space": "ip"})
        self.assertEqual(collection.configuration_json["hnsw"]["space"], "ip")
        collection.add(ids=["a", "b"], embeddings=[[1, 0], [2, 0]])
        found = collection.query(query_embeddings=[[1, 0]], include=["distances"])
        self.assertEqual((found["ids"], found["distances"]), ([["b", "a"]], [[-1.0, 0.0]]))

    def test_embedding_function(self):
        collection = self.make(embedding_function=LetterCounts("abc"))
        collection.add(ids=["1", "2"], documents=["aab", "cc"])
        collection.upsert(ids=["3"], documents=["bbb"])
        got = collection.get(ids=["1"], include=["embeddings", "documents"])
        self.assertEqual(got["embeddings"].tolist(), [[2.0, 1.0, 0.0]])
        found = self.client.get_collection(self.name)  # the function is known by its stored name
        result = found.query(query_texts=["ccc", "aa"], n_results=1)
        self.assertEqual(result["ids"], [["2"], ["1"]])
        collection.update(ids=["1"], documents=["cccc"])
        self.assertEqual(collection.query(query_texts=["cccc"], n_results=1)["ids"], [["1"]])

    def test_get(self):
        collection = self.made()
        self.assertEqual(collection.count(), 4)
        everything = collection.get(include=["embeddings", "documents", "metadatas", "uris"])
        self.assertEqual(everything["ids"], ["a", "b", "c", "d"])
        self.assertEqual(everything["embeddings"].tolist(), [[0, 0], [1, 0], [0, 2], [3, 3]])
        self.assertEqual(everything["documents"][1], "green pear")
        self.assertEqual(everything["metadatas"][2], {"n": 3, "list": ["p", "q"]})
        self.assertEqual(everything["metadatas"][3], {"tag": "x", "nums": [1, 2]})
        self.assertEqual(everything["uris"], ["u:a", "u:b", "u:c", "u:d"])
        plain = collection.get()
        self.assertEqual((plain["embeddings"], plain["uris"]), (None, None))
        self.assertEqual(collection.get(ids=["d", "a", "zz"])["ids"], ["a", "d"])
        self.assertEqual(collection.get(ids="b")["documents"], ["green pear"])
        self.assertEqual(collection.get(limit=2, offset=1)["ids"], ["b", "c"])
        peek = collection.peek(limit=3)
        self.assertEqual((peek["ids"], len(peek["embeddings"])), (["a", "b", "c"], 3))

    def test_where(self):
        collection = self.made()
        for where, ids in [({"n": 1}, ["a"]), ({"n": {"$gt": 2}}, ["b", "c"]),
                           ({"n": {"$lte": 2.5}}, ["a", "b"]), ({"tag": {"$ne": "x"}}, ["b", "c"]),
                           ({"tag": {"$in": ["x", "z"]}}, ["a", "d"]), ({"ok": True}, ["a"]),
                           ({"tag": {"$nin": ["y"]}}, ["a", "c", "d"]),
                           ({"list": {"$contains": "q"}}, ["c"]),
                           ({"nums": {"$contains": 2}}, ["d"]),
                           ({"list": {"$not_contains": "q"}}, ["a", "b", "d"]),
                           ({"$and": [{"tag": "x"}, {"n": {"$lt": 5}}]}, ["a"]),
                           ({"$or": [{"n": 3}, {"tag": "y"}]}, ["b", "c"])]:
            self.assertEqual(collection.get(where=where)["ids"], ids, where)
            found = collection.query(query_embeddings=[[0, 0]], where=where)
            self.assertEqual(sorted(found["ids"][0]), ids, where)

    def test_where_document(self):
        collection = self.made()
        for where, ids in [({"$contains": "pear"}, ["b", "d"]), ({"$not_contains": "e"}, []),
                           ({"$regex": "^(red|blue)"}, ["a", "c", "d"]),
                           ({"$not_regex": "r{2}"}, ["a", "b", "d"]),
                           ({"$and": [{"$contains": "red"}, {"$contains": "pear"}]}, ["d"]),
                           ({"$or": [{"$contains": "blue"}, {"$contains": "apple"}]}, ["a", "c"])]:
            self.assertEqual(collection.get(where_document=where)["ids"], ids, where)
        found = collection.get(where={"tag": "x"}, where_document={"$contains": "apple"})
        self.assertEqual(found["ids"], ["a"])

    def test_query(self):
        collection = self.made()
        found = collection.query(query_embeddings=[[1, 0], [3, 2]], n_results=2)
        self.assertEqual(found["ids"], [["b", "a"], ["d", "b"]])
        self.assertEqual(found["distances"], [[0.0, 1.0], [1.0, 8.0]])
        self.assertEqual(found["documents"][0], ["green pear", "red apple"])
        self.assertEqual(found["embeddings"], None)
        found = collection.query(query_embeddings=np.array([[0, 0]], dtype=np.float32),
                                 include=["embeddings", "uris"], n_results=100)
        self.assertEqual(found["ids"], [["a", "b", "c", "d"]])
        self.assertEqual(np.array(found["embeddings"][0]).tolist(), [[0, 0], [1, 0], [0, 2], [3, 3]])
        self.assertEqual(found["uris"], [["u:a", "u:b", "u:c", "u:d"]])
        found = collection.query(query_embeddings=[[0, 0]], ids=["c", "d"])
        self.assertEqual(found["ids"], [["c", "d"]])

    def searched(self, **config):
        """The records of semantics.md §8.3."""
        schema = Schema().create_index(config=SparseVectorIndexConfig(**config), key="s")
        collection = self.make(schema=schema)
        sparse = [SparseVector(indices=[1, 2], values=[1, 2]), SparseVector(indices=[2], values=[1]),
                  SparseVector(indices=[1], values=[.5]), None, SparseVector(indices=[3], values=[4])]
        fields = [{"g": "x", "p": 3}, {"g": "x", "p": 1}, {"g": "y"}, {"g": "y", "p": 2}, {}]
        metadatas = [{**field, **({"s": vector} if vector else {})} for field, vector in zip(fields, sparse)]
        collection.add(ids=["a", "b", "c", "d", "e"], embeddings=[[0, 0], [1, 0], [0, 2], [3, 3], [1, 1]],
                       documents=["red", "blue", "green", "red and blue", "black"], metadatas=metadatas)
        return collection

    def test_search(self):
        collection = self.searched()
        near = Knn(query=[0, 0], limit=3)

        def found(search):
            result = collection.search(search.select(K.SCORE))
            return dict(zip(result["ids"][0], result["scores"][0]))

        self.assertEqual(found(Search().rank(near)), {"a": 0, "b": 1, "e": 2})
        self.assertEqual(list(found(Search().rank(near * -1))), ["e", "b", "a"])
        self.assertEqual(found(Search().rank((near + 1).log().exp().abs().max(1.5).min(2.5))),
                         {"a": 1.5, "b": 2, "e": 2.5})
        self.assertEqual(found(Search().rank(Val(1) / (near + 1) - 0.5)), {"e": -.16666666, "b": 0, "a": .5})
        self.assertEqual(found(Search().where(K("g") == "y").rank(near)), {"c": 4, "d": 18})
        self.assertEqual(found(Search().where((K.ID.is_in(["a", "b", "d"])) & (K("p") > 1)).rank(near)),
                         {"a": 0, "d": 18})
        self.assertEqual(found(Search().where(K.DOCUMENT.contains("red") | K.DOCUMENT.regex("^bla")).rank(near)),
                         {"a": 0, "e": 2, "d": 18})
        self.assertEqual(found(Search().rank(near).limit(1, offset=1)), {"b": 1})
        self.assertEqual(found(Search().limit(2, offset=1)), {"b": 0, "c": 1})
        everything = Search().rank(near).limit(1).select_all()
        result = collection.search([everything, Search(where=K("p") == 2).select("p", "g")])
        self.assertEqual(result["ids"], [["a"], ["d"]])
        self.assertEqual(result["documents"], [["red"], None])
        self.assertEqual(result["embeddings"], [[[0, 0]], None])
        self.assertEqual(result["scores"], [[0], None])
        self.assertEqual(result["metadatas"][0][0]["s"], SparseVector(indices=[1, 2], values=[1, 2]))
        self.assertEqual(result["metadatas"][1], [{"p": 2, "g": "y"}])
        self.assertEqual(result.rows()[1], [{"id": "d", "metadata": {"p": 2, "g": "y"}}])

    def test_search_by_sparse_vectors(self):
        collection = self.searched()
        near, words = Knn(query=[0, 0], limit=3), Knn(query=SparseVector(indices=[2], values=[1]), key="s")

        def found(rank):
            result = collection.search(Search(rank=rank).select(K.SCORE))
            return dict(zip(result["ids"][0], result["scores"][0]))

        self.assertEqual(found(words), {"a": -1, "b": 0})
        self.assertEqual(found(near + words), {"a": -1, "b": 1})
        words.default = 5
        self.assertEqual(found(near + words), {"a": -1, "b": 1, "e": 7})
        near.return_rank = words.return_rank = True
        words.default = near.default = 100
        fused = found(Rrf([near, words], k=60, weights=[1, 1]))
        self.assertEqual(list(fused), ["a", "b", "e"])
        self.assertAlmostEqual(fused["a"], -2 / 60, places=6)
        self.assertAlmostEqual(fused["e"], -(1 / 62 + 1 / 160), places=6)
        self.assertEqual(list(found(Rrf([words, near], weights=[3, 1], normalize=True))), ["a", "b", "e"])
        collection.update(ids=["d", "a"], metadatas=[{"s": SparseVector(indices=[2], values=[9])}, {"s": None}])
        words.return_rank, words.default = False, None
        self.assertEqual(found(words), {"d": -8, "b": 0})

    def test_search_groups(self):
        collection = self.searched()

        def best(aggregate, keys="g"):
            search = Search().rank(Knn(query=[0, 0], limit=5)).group_by(GroupBy(keys=keys, aggregate=aggregate))
            return collection.search(search)["ids"][0]

        self.assertEqual(best(MinK(keys=K.SCORE, k=1)), ["a", "e", "c"])
        self.assertEqual(best(MinK(keys=K("p"), k=1), K("g")), ["b", "e", "c"])
        self.assertEqual(best(MaxK(keys=[K("p"), K.SCORE], k=1), ["g"]), ["a", "e", "d"])
        self.assertEqual(best(MaxK(keys=K.SCORE, k=2), [K("g"), K("none")]), ["a", "b", "e", "c", "d"])

    def test_search_by_text(self):
        schema = Schema().create_index(config=SparseVectorIndexConfig(
            source_key=K.DOCUMENT, embedding_function=WordLengths()), key="lengths")
        schema.create_index(config=VectorIndexConfig(embedding_function=LetterCounts()))
        collection = self.client.create_collection(self.name, schema=schema)
        collection.add(ids=["1", "2", "3"], documents=["aa b", "abc abc c", "b"])
        record = collection.get(ids=["2"])["metadatas"][0]
        self.assertEqual(record["lengths"], SparseVector(indices=[1, 3], values=[1, 2]))
        again = self.client.get_collection(self.name)
        result = again.search([Search(rank=Knn(query="one two", key="lengths")).select(K.SCORE),
                               Search(rank=Knn(query="b", limit=1)).select(K.SCORE)])
        self.assertEqual(result["ids"], [["2"], ["3"]])
        self.assertEqual(result["scores"], [[-3], [0]])

    def test_wrong_searches(self):
        collection = self.searched()
        for search in [Search(rank=Knn(query=[1, 2, 3])),
                       Search(rank=Knn(query=SparseVector(indices=[1], values=[1]), key="g")),
                       Search(where=K.DOCUMENT.regex("(")), Search(where=K("s") > "x")]:
            with self.assertRaises(errors.ChromaError):
                collection.search(search)

    def test_update_and_upsert(self):
        collection = self.made()
        collection.update(ids=["a", "missing"], metadatas=[{"n": 9, "tag": None}, {"n": 1}],
                          documents=["new text", "none"], embeddings=[[4, 4], [5, 5]])
        got = collection.get(ids=["a"], include=["metadatas", "documents", "embeddings"])
        self.assertEqual(got["metadatas"], [{"n": 9, "ok": True}])
        self.assertEqual((got["documents"], got["embeddings"].tolist()), (["new text"], [[4, 4]]))
        self.assertEqual(collection.count(), 4)
        collection.upsert(ids=["a", "e"], embeddings=[[5, 5], [6, 6]], metadatas=[{"z": 1}, {"z": 2}])
        got = collection.get(ids=["a", "e"], include=["metadatas", "embeddings"])
        self.assertEqual(got["metadatas"], [{"n": 9, "ok": True, "z": 1}, {"z": 2}])
        self.assertEqual(got["embeddings"].tolist(), [[5, 5], [6, 6]])
        collection.add(ids=["a"], embeddings=[[7, 7]])  # exists: nothing changes
        self.assertEqual(collection.get(ids=["a"], include=["embeddings"])["embeddings"].tolist(), [[5, 5]])

    def test_delete(self):
        collection = self.made()
        collection.delete(ids=["a"])
        self.assertEqual(collection.get()["ids"], ["b", "c", "d"])
        collection.delete(where={"tag": "y"})
        self.assertEqual(collection.get()["ids"], ["c", "d"])
        collection.delete(where_document={"$contains": "blue"})
        self.assertEqual(collection.get()["ids"], ["d"])
        collection.delete(ids=["d"], where={"tag": "nothing"})
        self.assertEqual(collection.count(), 1)

    def test_errors_have_their_classes(self):
        collection = self.made()
        with self.assertRaisesRegex(errors.InvalidArgumentError, "dimension of 2, got 3"):
            collection.add(ids=["x"], embeddings=[[1, 2, 3]])
        with self.assertRaisesRegex(errors.InvalidArgumentError, "dimension"):
            collection.query(query_embeddings=[[1]])
        with self.assertRaises(errors.InvalidArgumentError):
            self.client.create_collection("no spaces", embedding_function=None)
        with self.assertRaisesRegex(errors.ChromaError, "already exists"):
            self.client.create_collection(self.name, embedding_function=None)
        with self.assertRaisesRegex(errors.NotFoundError, "does not exist"):
            self.client.get_collection("nosuch", embedding_function=None)
        with self.assertRaises(errors.DuplicateIDError):
            collection.add(ids=["x", "x"], embeddings=[[1, 2], [1, 2]])
        with self.assertRaises(errors.InvalidArgumentError):
            collection.get(where_document={"$regex": "("})
        with self.assertRaises(Exception):
            collection.fork(self.name + "-fork")
        self.assertEqual(collection.count(), 4)

    def test_large_batches(self):
        collection = self.make()
        n, dimension = 5000, 32
        vectors = np.random.default_rng(1).random((n, dimension), dtype=np.float32)
        collection.add(ids=[str(i) for i in range(n)], embeddings=vectors)
        self.assertEqual(collection.count(), n)
        got = collection.get(limit=n, include=["embeddings"])
        self.assertTrue((got["embeddings"] == vectors.astype(np.float64)).all()
                        or np.array_equal(got["embeddings"].astype(np.float32), vectors))
        found = collection.query(query_embeddings=vectors[:20], n_results=1, include=[])
        self.assertEqual(found["ids"], [[str(i)] for i in range(20)])
        with self.assertRaises(Exception):
            collection.add(ids=[str(i) for i in range(6000)], embeddings=np.zeros((6000, dimension)))


class HttpClientTest(ClientTests, unittest.TestCase):
    def connect(self, **more):
        return chromadb.HttpClient(host="127.0.0.1", port=server.port, settings=SETTINGS, **more)

    def test_tenants_and_databases(self):
        settings = Settings(chroma_api_impl="chromadb.api.fastapi.FastAPI", anonymized_telemetry=False,
                            chroma_server_host="127.0.0.1", chroma_server_http_port=server.port)
        admin = chromadb.AdminClient(settings)
        admin.create_tenant("acme")
        self.assertEqual(admin.get_tenant("acme")["name"], "acme")
        admin.create_database("tools", "acme")
        admin.create_database("more", "acme")
        self.assertEqual(admin.get_database("tools", "acme")["tenant"], "acme")
        self.assertEqual([d["name"] for d in admin.list_databases(tenant="acme")], ["more", "tools"])
        client = self.connect(tenant="acme", database="tools")
        collection = client.create_collection("things", embedding_function=None)
        collection.add(ids=["a"], embeddings=[[1]])
        self.assertEqual(client.get_collection("things", embedding_function=None).count(), 1)
        self.client.create_collection("things", embedding_function=None)  # another one
        client.set_database("more")
        with self.assertRaises(errors.NotFoundError):
            client.get_collection("things", embedding_function=None)
        admin.delete_database("tools", "acme")
        with self.assertRaises(errors.NotFoundError):
            admin.get_database("tools", "acme")
        with self.assertRaises(errors.ChromaError):
            admin.create_tenant("acme")
        with self.assertRaises(errors.NotFoundError):
            self.connect(tenant="nobody")


class AsyncHttpClientTest(ClientTests, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.loop = asyncio.new_event_loop()

    @classmethod
    def tearDownClass(cls):
        cls.loop.close()

    def connect(self):
        made = chromadb.AsyncHttpClient(host="127.0.0.1", port=server.port, settings=SETTINGS)
        return Awaited(self.loop.run_until_complete(made), self.loop)

    def test_many_at_once(self):
        collection = self.make()._target

        async def write_and_read():
            await asyncio.gather(*[collection.add(ids=[f"r{i}"], embeddings=[[i, 1]]) for i in range(40)])
            return await asyncio.gather(*[collection.query(query_embeddings=[[i, 1]], n_results=1)
                                          for i in range(40)])

        found = self.loop.run_until_complete(write_and_read())
        self.assertEqual([f["ids"] for f in found], [[[f"r{i}"]] for i in range(40)])


if __name__ == "__main__":
    binary = sys.argv.pop(1)
    with tempfile.TemporaryDirectory(prefix="chroma-python-") as temporary:
        with Server(binary, pathlib.Path(temporary) / "db") as server:
            program = unittest.main(exit=False, argv=sys.argv)
            server.stop()
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun > 25 else 1)
