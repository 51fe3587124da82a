"""Directories that chromadb wrote."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import time

import pytest

import chroma_cpp

GOLDENS = pathlib.Path(__file__).parents[3] / "tests" / "import"


@pytest.fixture(params=["0.5.5", "1.5.9"])
def old(request, tmp_path):
    """A directory that this version of chromadb made."""
    with tarfile.open(GOLDENS / f"chroma-{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path / "old")
    [database] = (tmp_path / "old").rglob("chroma.sqlite3")
    return database.parent


def test_everything_arrives(old, tmp_path):
    steps = []
    before = {path: path.stat().st_mtime_ns for path in old.rglob("*")}
    report = chroma_cpp.import_directory(
        old, tmp_path / "new", progress=lambda *step: steps.append(step))
    assert report["complete"] and report["losses"] == [] and report["collections"]
    for collection in report["collections"]:
        assert collection["records"] == collection["imported"] == collection["checked"]
        with chroma_cpp.PersistentClient(tmp_path / "new", tenant=collection["tenant"],
                                         database=collection["database"]) as client:
            imported = client.get_collection(collection["name"], embedding_function=None)
            assert str(imported.id) == collection["id"]
            assert imported.count() == collection["records"]
    assert {"writing", "checking"} <= {step[0] for step in steps}
    assert before == {path: path.stat().st_mtime_ns for path in old.rglob("*")}


def test_a_dry_run_writes_nothing(old, tmp_path):
    report = chroma_cpp.import_directory(str(old), str(tmp_path / "new"), dry_run=True)
    assert report["collections"]
    assert not (tmp_path / "new").exists()


def test_what_progress_raises_ends_it_and_it_can_go_on(old, tmp_path):
    class Enough(Exception):
        pass

    def stop(step, collection, done, total):
        if step == "writing":
            raise Enough(collection)

    with pytest.raises(Enough):
        chroma_cpp.import_directory(old, tmp_path / "new", progress=stop)
    assert chroma_cpp.import_directory(old, tmp_path / "new", progress=True)["complete"]


@pytest.mark.parametrize("within", ["the function", "a call that it makes"])
def test_a_ctrl_c_that_progress_handles_is_its_own(old, tmp_path, within):
    """What it raises instead is raised; where it raises nothing, the import goes on."""
    class Enough(Exception):
        pass

    collection = chroma_cpp.EphemeralClient().get_or_create_collection(
        "asked", embedding_function=None)
    handled = []

    def press(*told):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            end = time.monotonic() + 120
            while time.monotonic() < end:
                if within == "a call that it makes":
                    collection.count()
        except KeyboardInterrupt:
            handled.append(told)
            if len(handled) == 1:
                raise Enough("by the user")

    with pytest.raises(Enough, match="by the user"):
        chroma_cpp.import_directory(old, tmp_path / "new", progress=press)
    assert len(handled) == 1
    assert chroma_cpp.import_directory(old, tmp_path / "new", progress=press)["complete"]
    assert len(handled) > 3


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(),
                                    MemoryError("full")])
def test_whatever_progress_raises_comes_out(old, tmp_path, raised):
    def fail(*told):
        raise raised

    with pytest.raises(type(raised)) as caught:
        chroma_cpp.import_directory(old, tmp_path / "new", progress=fail)
    assert caught.value is raised


def test_one_of_two_imports(old, tmp_path):
    """A second one, at the same time, is told of the first and changes nothing."""
    second = []

    def begin(step, *told):
        if step == "writing" and not second:
            second.append(subprocess.run(
                [sys.executable, "-c", "import sys, chroma_cpp; "
                 "chroma_cpp.import_directory(sys.argv[1], sys.argv[2])",
                 str(old), str(tmp_path / "new")], capture_output=True, text=True, timeout=120))

    report = chroma_cpp.import_directory(old, tmp_path / "new", progress=begin)
    assert report["complete"]
    assert second[0].returncode == 1
    assert f"an import of {old} into {tmp_path / 'new'} is under way already" in second[0].stderr
    assert str(os.getpid()) in second[0].stderr
    with chroma_cpp.PersistentClient(tmp_path / "new") as client:
        [wanted] = [one["records"] for one in report["collections"] if one["name"] == "mixed"]
        assert client.get_collection("mixed", embedding_function=None).count() == wanted


def test_opening_one_says_what_to_do(old):
    import chromadb.errors

    with pytest.raises(chromadb.errors.VersionMismatchError, match=r"chroma_cpp\.import_directory\("):
        chroma_cpp.PersistentClient(old).heartbeat()


def test_what_cannot_be_saved_is_named_and_kept(old, tmp_path, request):
    import chromadb.errors

    for path in old.glob("*/data_level0.bin"):
        path.unlink()
    rejects = tmp_path / "lost.jsonl"
    with pytest.raises(chromadb.errors.InternalError, match="salvage"):
        chroma_cpp.import_directory(old, tmp_path / "new", rejects=rejects)
    with pytest.raises(chromadb.errors.InvalidArgumentError, match="rejects"):
        chroma_cpp.import_directory(old, tmp_path / "new", salvage=True,
                                    rejects=old / "lost.jsonl")
    report = chroma_cpp.import_directory(old, tmp_path / "new", salvage=True, rejects=rejects)
    lines = [json.loads(line) for line in rejects.read_text("utf-8").splitlines()]
    lost = {loss["record"]: loss["what"] for loss in report["losses"] if not loss["saved"]}
    assert {line["id"]: line["why"] for line in lines} == lost
    if not lost:  # up to 0.5 the queue kept every vector
        assert "0.5.5" in request.node.name
        return
    assert len(lost) > 100 and not report["complete"]
    first = next(line for line in lines if line["id"] == "mixed-1")
    assert first["document"] == "document 1: word " and first["metadata"]["word"] == "green"


def test_nothing_to_import(tmp_path):
    import chromadb.errors

    with pytest.raises(chromadb.errors.NotFoundError):
        chroma_cpp.import_directory(tmp_path, tmp_path / "new")
    assert os.listdir(tmp_path) == []
