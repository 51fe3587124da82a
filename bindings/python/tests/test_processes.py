"""Forked children, several processes on one directory, and what is left at the end."""
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import chroma_cpp


def run(code, *arguments, **options):
    """A Python process of its own."""
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
                          capture_output=True, text=True, timeout=120, **options)


def start(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
                            stdout=subprocess.PIPE, text=True)


WRITER = """
    import sys
    import numpy as np
    import chroma_cpp

    path, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    collection = chroma_cpp.PersistentClient(path).get_or_create_collection(
        "shared", embedding_function=None)
    for i in range(rounds):
        collection.add(ids=[f"{name}-{i}-{j}" for j in range(10)],
                       embeddings=np.full((10, 8), i, dtype=np.float32),
                       metadatas=[{"writer": name}] * 10)
        print(i, flush=True)
"""


@pytest.mark.parametrize("victim", [0, 1], ids=["the owner", "the other"])
def test_two_writers_one_of_them_killed(tmp_path, victim):
    """What was acknowledged is there, whoever dies."""
    writers = [start(WRITER, tmp_path / "db", "w0", 100000)]
    writers[0].stdout.readline()  # it has the directory
    writers.append(start(WRITER, tmp_path / "db", "w1", 100000))
    acknowledged = [0, -1]
    for which in (1, 0, 1, 0):
        for _ in range(10):
            acknowledged[which] = int(writers[which].stdout.readline())
    os.kill(writers[victim].pid, signal.SIGKILL)
    writers[victim].wait()
    rest = [int(one) for one in writers[victim].stdout.read().split()]
    acknowledged[victim] = max([acknowledged[victim], *rest])
    survivor = 1 - victim
    for _ in range(20):
        acknowledged[survivor] = int(writers[survivor].stdout.readline())
    os.kill(writers[survivor].pid, signal.SIGKILL)
    writers[survivor].wait()
    rest = [int(one) for one in writers[survivor].stdout.read().split()]
    acknowledged[survivor] = max([acknowledged[survivor], *rest])

    with chroma_cpp.PersistentClient(tmp_path / "db") as client:
        ids = set(client.get_collection("shared", embedding_function=None).get(include=[])["ids"])
    for which in (0, 1):
        for i in range(acknowledged[which] + 1):
            assert {f"w{which}-{i}-{j}" for j in range(10)} <= ids


def test_fork(tmp_path):
    client = chroma_cpp.PersistentClient(tmp_path / "db")
    collection = client.create_collection("shared", embedding_function=None)
    collection.add(ids=["parent"], embeddings=[[1, 2]])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            collection.add(ids=["child"], embeddings=[[3, 4]])
            status = 0 if collection.count() == 2 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert sorted(collection.get()["ids"]) == ["child", "parent"]
    client.close()


def test_a_forked_child_that_ends_in_order(tmp_path):
    done = run("""
        import os, sys
        import chroma_cpp
        collection = chroma_cpp.PersistentClient(sys.argv[1]).get_or_create_collection(
            "shared", embedding_function=None)
        collection.add(ids=["parent"], embeddings=[[1, 2]])
        child = os.fork()
        collection.upsert(ids=["both"], embeddings=[[1, 2]])
        if child == 0:
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert collection.count() == 2
    """, tmp_path / "db")
    assert done.returncode == 0, done.stderr


def _work(arguments):
    path, number = arguments
    client = chroma_cpp.PersistentClient(path)
    collection = client.get_or_create_collection("shared", embedding_function=None)
    collection.add(ids=[str(number)], embeddings=[[number, 1]])
    return collection.query(query_embeddings=[[number, 1]], n_results=1)["ids"][0][0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(tmp_path, method):
    path = str(tmp_path / "db")
    with chroma_cpp.PersistentClient(path) as client:
        client.create_collection("shared", embedding_function=None)
        with multiprocessing.get_context(method).Pool(3) as pool:
            found = pool.map(_work, [(path, number) for number in range(12)])
        assert found == [str(number) for number in range(12)]
        assert client.get_collection("shared", embedding_function=None).count() == 12


def test_memory_stays_in_its_process():
    done = run("""
        import os
        import chroma_cpp
        client = chroma_cpp.EphemeralClient()
        collection = client.create_collection("here", embedding_function=None)
        collection.add(ids=["1"], embeddings=[[1, 2]])
        child = os.fork()
        if child == 0:
            try:
                collection.count()
            except Exception as failure:
                assert "stays in the process that made it" in str(failure), failure
                another = chroma_cpp.EphemeralClient()
                assert another.list_collections() == []
                another.close()
                raise SystemExit(0)
            raise SystemExit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert collection.count() == 1
    """)
    assert done.returncode == 0, done.stderr


def test_nothing_is_left_at_the_end(tmp_path):
    """The interpreter ends at once, without threads, whatever was left open."""
    done = run("""
        import atexit, os, sys, threading
        def check():
            names = [open(f"/proc/self/task/{t}/comm").read().strip()
                     for t in os.listdir("/proc/self/task")]
            assert threading.active_count() == 1, threading.enumerate()
            print(len(names))
        atexit.register(check)  # runs after what is registered later
        import chroma_cpp
        kept = chroma_cpp.PersistentClient(sys.argv[1]).get_or_create_collection(
            "left", embedding_function=None)
        kept.add(ids=["1"], embeddings=[[1, 2]])
        memory = chroma_cpp.EphemeralClient().create_collection("left", embedding_function=None)
        memory.add(ids=["1"], embeddings=[[1, 2]])
    """, tmp_path / "db")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == "1\n"


LOADER = """
    import gc
    import sys
    import numpy as np
    import chroma_cpp

    def load(path):
        collection = chroma_cpp.PersistentClient(path).get_or_create_collection(
            "loaded", embedding_function=None)
        rows = np.random.default_rng(1).random((25000, 8), dtype=np.float32)
        for i in range(0, len(rows), 5000):
            collection.add(ids=[str(j) for j in range(i, i + 5000)], embeddings=rows[i:i + 5000])
        return collection
"""


@pytest.mark.parametrize("ending", [
    "kept = load(sys.argv[1])",
    "load(sys.argv[1])",
    "load(sys.argv[1]); gc.collect(); assert load(sys.argv[1]).count() == 25000",
])
def test_what_was_loaded_is_indexed_at_the_end(tmp_path, ending):
    """Also when the program has forgotten the collection by then."""
    done = run(textwrap.dedent(LOADER) + ending, tmp_path / "db")
    assert done.returncode == 0, done.stderr
    client = chroma_cpp.PersistentClient(str(tmp_path / "db"))
    status = client.get_collection("loaded", embedding_function=None).get_indexing_status()
    assert status.num_unindexed_ops == 0
    assert status.num_indexed_ops >= 25000
    client.close()


def test_import_and_open_are_quick(tmp_path):
    """Neither chromadb nor numpy is imported before it is needed."""
    done = run("""
        import sys, time
        start = time.perf_counter()
        import chroma_cpp
        imported = time.perf_counter() - start
        collection = chroma_cpp.PersistentClient(sys.argv[1]).get_or_create_collection(
            "quick", configuration={"hnsw": {"space": "cosine"}})
        collection.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]], metadatas=[{"n": 1}, {"n": 2}])
        found = collection.query(query_embeddings=[[1, 0]], n_results=1, where={"n": {"$lt": 3}})
        assert found["ids"] == [["a"]], found
        assert collection.get(ids="b")["metadatas"] == [{"n": 2}]
        assert "count=2" in repr(collection)
        assert "chromadb" not in sys.modules and "numpy" not in sys.modules
        import chromadb
        assert isinstance(collection, chromadb.Collection)
        assert isinstance(collection, chroma_cpp.Collection)
        assert collection.configuration["embedding_function"].name() == "default"
        assert type(collection) is chroma_cpp.Collection
        assert collection.count() == 2
        print(imported)
    """, tmp_path / "db")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.5  # 50 ms on a machine that does nothing else


def test_becoming_chromadbs_objects(tmp_path):
    """What only chromadb can do makes it load, behind the same objects."""
    done = run("""
        import sys
        import chroma_cpp
        client = chroma_cpp.PersistentClient(sys.argv[1])
        first = client.create_collection("first", embedding_function=None)
        first.add(ids=["1"], embeddings=[[1, 2]])
        assert "chromadb" not in sys.modules
        first.modify(metadata={"k": 1})
        assert "chromadb" in sys.modules
        assert first.metadata == {"k": 1}
        assert client.get_collection("first").metadata == {"k": 1}
        assert client.get_version()
        import chromadb
        assert isinstance(client, chromadb.ClientAPI)
        try:
            first.add(ids=["2"], embeddings=[[1, 2, 3]])
        except chromadb.errors.InvalidArgumentError as failure:
            assert "dimension of 2" in str(failure)
        client.close()
    """, tmp_path / "db")
    assert done.returncode == 0, done.stderr


def test_interrupts_are_raised(tmp_path):
    done = run("""
        import os, signal, sys, threading
        import numpy as np
        import chroma_cpp
        collection = chroma_cpp.EphemeralClient().create_collection(
            "many", embedding_function=None)
        rows = np.random.default_rng(1).random((2000, 16), dtype=np.float32)
        collection.add(ids=[str(i) for i in range(2000)], embeddings=rows)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            while True:
                collection.query(query_embeddings=rows, n_results=5, include=["distances"])
        except KeyboardInterrupt:
            print("interrupted")
        assert collection.count() == 2000
    """)
    assert done.stdout == "interrupted\n", done.stderr


def test_the_lock_is_released_while_the_engine_works():
    import threading

    collection = chroma_cpp.EphemeralClient().get_or_create_collection(
        "unlocked", embedding_function=None)
    rows = np.random.default_rng(2).random((3000, 32), dtype=np.float32)
    collection.add(ids=[str(i) for i in range(3000)], embeddings=rows)
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    began = time.perf_counter()
    collection.query(query_embeddings=np.tile(rows, (2, 1)), n_results=10, include=["distances"])
    ended = time.perf_counter()
    stop.set()
    thread.join()
    assert sum(began < one < ended for one in ticks) > 3
