"""The examples run, offline."""
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples" / "python"
NEEDS = {"rag_langchain": "langchain_chroma", "rag_llamaindex": "llama_index"}


@pytest.mark.parametrize("name", ["documents", "chunks", "images", "hybrid_search",
                                  "rag_langchain", "rag_llamaindex"])
def test_example(name):
    pytest.importorskip(NEEDS.get(name, "chroma_cpp"))
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout
