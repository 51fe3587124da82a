"""Ctrl-C in the midst of calls: it comes at once, and nothing is lost or broken by it."""
import pathlib
import subprocess
import sys
import textwrap

import pytest

GOLDENS = pathlib.Path(__file__).parents[3] / "tests" / "import"

BEGIN = """
    import os, signal, subprocess, sys, threading, time
    import numpy as np
    import chroma_cpp

    def interrupted(call, after=0.3):
        '''Seconds from Ctrl-C, which comes during the call, to KeyboardInterrupt.'''
        sent = []
        def press():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(after, press).start()
        try:
            while True:
                call()
        except KeyboardInterrupt:
            return time.perf_counter() - sent[0]

    def cut_off(call):
        '''A call that is short, and raises KeyboardInterrupt at its end if it is not given up
        before. One of some is ended early: of each the machine may stand still for a while.'''
        def seconds():
            began = time.perf_counter()
            call()
            return time.perf_counter() - began
        whole = min(seconds() for _ in range(3))
        lates = []
        while not lates or lates[-1] >= whole / 10:
            assert len(lates) < 5, (lates, whole)
            lates.append(interrupted(call, whole / 10))
        return lates[-1]

    path = sys.argv[1]
    rows = np.random.default_rng(1).random((20000, 32), dtype=np.float32)
    ids = [str(i) for i in range(20000)]

    def fill(client):
        collection = client.create_collection("many", embedding_function=None)
        for i in range(0, 20000, 5000):
            collection.add(ids=ids[i:i + 5000], embeddings=rows[i:i + 5000],
                           documents=["some words " * 20] * 5000,
                           metadatas=[{"n": j, "s": str(j)} for j in range(5000)])
        return collection
"""


def run(code, *arguments):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(BEGIN) + textwrap.dedent(code),
                           *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


# Each takes many seconds where it is not interrupted, but for those of SHORT.
READS = {
    "query": "collection.query(query_embeddings=queries, n_results=10, include=['distances'])",
    "a filtered query": "collection.query(query_embeddings=queries, n_results=10,"
                        " where={'n': {'$gte': 10}}, include=['distances'])",
    "get": "collection.get(where={'$and': [{'n': {'$ne': -i}} for i in range(1, 6001)]})",
    "recall": "collection.recall(n_queries=1000, n_results=10)",
    "list_records": "collection.list_records(order_by=['s', '-n'], highlight=True,"
                    " where_document={'$contains': 'words'})",
}
SHORT = ("recall", "list_records")


@pytest.mark.parametrize("owner", ["here", "another process"])
@pytest.mark.parametrize("call", READS)
def test_reads_end_at_once(tmp_path, call, owner):
    run(f"""
        other = None
        if {owner == "another process"}:
            other = subprocess.Popen(
                [sys.executable, "-c", "import sys, chroma_cpp; "
                 "kept = chroma_cpp.PersistentClient(sys.argv[1]); print('open', flush=True); "
                 "sys.stdin.read()", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            other.stdout.readline()
        collection = fill(chroma_cpp.PersistentClient(path))
        queries = np.tile(rows, (1 if other else 5, 1))
        late = {"cut_off" if call in SHORT else "interrupted"}(lambda: {READS[call]})
        assert late < 1, late
        assert collection.count() == 20000
        found = collection.query(query_embeddings=rows[:3], n_results=1)
        assert found["ids"] == [["0"], ["1"], ["2"]], found["ids"]
        os.environ["CHROMA_CPP_EXIT_SECONDS"] = "0"
        if other:
            other.communicate()
    """, tmp_path / "db")


def test_writes_are_whole_or_not_there(tmp_path):
    """What was acknowledged is there, and of the write under way all or nothing."""
    run("""
        collection = chroma_cpp.PersistentClient(path).create_collection(
            "written", embedding_function=None)
        acknowledged = -1
        def write():
            global acknowledged
            batch = acknowledged + 1
            collection.add(ids=[f"{batch}-{i}" for i in range(5000)], embeddings=rows[:5000],
                           documents=["some words " * 100] * 5000)
            acknowledged = batch
        for _ in range(5):
            late = interrupted(write, 0.2)
            assert late < 1, late
            found = collection.get(include=[])["ids"]
            assert len(set(found)) == len(found)
            assert len(found) in (5000 * (acknowledged + 1), 5000 * (acknowledged + 2))
            assert {one.split("-")[0] for one in found} >= {
                str(i) for i in range(acknowledged + 1)}
            acknowledged = len(found) // 5000 - 1
        assert acknowledged >= 0
        os.environ["CHROMA_CPP_EXIT_SECONDS"] = "0"
    """, tmp_path / "db")


def test_converting_lists_is_interrupted():
    """Python's objects are many, and the engine has not begun yet, or has done its part."""
    run("""
        collection = chroma_cpp.EphemeralClient().create_collection(
            "lists", embedding_function=None)
        vectors = [[float(i)] * 4096 for i in range(5000)]
        began = time.perf_counter()
        collection.upsert(ids=ids[:5000], embeddings=vectors)
        whole = time.perf_counter() - began
        late = interrupted(lambda: collection.upsert(ids=ids[5000:10000], embeddings=vectors),
                           whole / 10)
        assert late < whole / 2, (late, whole)
        assert collection.count() == 5000
    """, "unused")


def test_waiting_for_the_index_ends_at_once(tmp_path):
    run("""
        collection = fill(chroma_cpp.PersistentClient(path))
        late = interrupted(lambda: collection.wait_until_indexed() and time.sleep(9), 0.1)
        assert late < 1, late
        assert collection.wait_until_indexed(timeout=120)
    """, tmp_path / "db")


def test_an_import_ends_at_once_and_goes_on(tmp_path):
    run("""
        import tarfile
        with tarfile.open(sys.argv[2]) as archive:
            archive.extractall(path)
        def step(*told):  # the records of the test's directory are few: time for the signal
            chroma_cpp.EphemeralClient().list_collections()
            time.sleep(0.05)
        late = interrupted(lambda: chroma_cpp.import_directory(
            path + "/db", path + "/new", progress=step), 0.2)
        assert late < 1, late
        report = chroma_cpp.import_directory(path + "/db", path + "/new")
        assert report["complete"]
        assert sum(one["imported"] for one in report["collections"]) == 169, report
    """, tmp_path, GOLDENS / "chroma-1.5.9.tar.xz")


def test_reading_a_large_old_directory_ends_at_once(tmp_path):
    """Before anything is written. Reading takes a while, of which the interrupt saves most."""
    run("""
        import sqlite3, tarfile
        with tarfile.open(sys.argv[2]) as archive:
            archive.extractall(path)
        with sqlite3.connect(path + "/db/chroma.sqlite3") as rows:
            rows.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                         "WHERE i < 3000000) INSERT INTO embedding_metadata(id, key, int_value) "
                         "SELECT 1000000 + i, 'n', i FROM n")
        rows.close()
        times = []
        def note(*step):
            times.append(time.perf_counter())
        chroma_cpp.import_directory(path + "/db", path + "/none", dry_run=True, progress=note)
        reading = times[1] - times[0]
        sent = []
        def press():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        def begin(step, *told):
            assert step == "reading", step
            threading.Timer(reading / 10, press).start()
        try:
            chroma_cpp.import_directory(path + "/db", path + "/new", progress=begin)
            raise AssertionError("it was not interrupted")
        except KeyboardInterrupt:
            late = time.perf_counter() - sent[0]
        assert late < reading / 2, (late, reading)
        report = chroma_cpp.import_directory(path + "/db", path + "/new")
        assert sum(one["imported"] for one in report["collections"]) == 169, report
    """, tmp_path, GOLDENS / "chroma-1.5.9.tar.xz")


@pytest.mark.parametrize("owner", ["does not serve", "is stopped"])
def test_waiting_for_the_owner_ends_at_once(tmp_path, owner):
    run(f"""
        fill(chroma_cpp.PersistentClient(path))
        code = "import sys, chroma_cpp; kept = chroma_cpp.PersistentClient(sys.argv[1])"
        if {owner == "does not serve"}:
            code = ("import sys, fcntl; kept = open(sys.argv[1] + '/LOCK', 'r+'); "
                    "fcntl.lockf(kept, fcntl.LOCK_EX)")
        os.environ["CHROMA_CPP_EXIT_SECONDS"] = "0"
        import chroma_cpp._open
        chroma_cpp._open._close_all()
        other = subprocess.Popen([sys.executable, "-c", code + "; print('open', flush=True); "
                                  "sys.stdin.read()", path],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert other.stdout.readline()
        if {owner == "is stopped"}:
            other.send_signal(signal.SIGSTOP)
        opened = []
        late = interrupted(lambda: opened.append(
            chroma_cpp.PersistentClient(path).get_collection("many", None).count()))
        assert not opened
        assert late < 0.3, late
        other.send_signal(signal.SIGCONT)
        other.communicate()
        assert chroma_cpp.PersistentClient(path).get_collection("many", None).count() == 20000
    """, tmp_path / "db")


def test_a_handler_of_the_programs_own_lets_calls_go_on():
    run("""
        collection = fill(chroma_cpp.EphemeralClient())
        pressed = []
        signal.signal(signal.SIGINT, lambda *what: pressed.append(what))
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        found = collection.query(query_embeddings=rows[:5000], n_results=1, include=[])
        while not pressed:
            time.sleep(0.01)
        assert found["ids"] == [[one] for one in ids[:5000]]
        # And Python's own is back where a program gives it back.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        assert interrupted(lambda: collection.query(
            query_embeddings=np.tile(rows, (5, 1)), n_results=10, include=[])) < 1
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    """, "unused")


def test_other_threads_go_on():
    """Ctrl-C is the main thread's: what others ask is answered."""
    run("""
        collection = fill(chroma_cpp.EphemeralClient())
        found = []
        thread = threading.Thread(target=lambda: found.append(collection.query(
            query_embeddings=rows[:5000], n_results=1, include=[])["ids"]))
        thread.start()
        assert interrupted(lambda: collection.query(
            query_embeddings=np.tile(rows, (5, 1)), n_results=10, include=[]), 0.1) < 1
        thread.join()
        assert found == [[[one] for one in ids[:5000]]]
    """, "unused")


def test_ctrl_c_while_a_library_ignores_it(tmp_path):
    """system() switches SIGINT off for as long as its child runs."""
    run("""
        collection = fill(chroma_cpp.PersistentClient(path))
        child = threading.Thread(target=os.system, args=("sleep 2",))
        child.start()
        time.sleep(0.5)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        for _ in range(10):
            assert len(collection.get(include=["documents"])["ids"]) == 20000
        child.join()
        assert collection.count() == 20000
    """, tmp_path)
