#!/usr/bin/env python3
"""Runs the tests of the chromadb package's embedded client against chroma_cpp.

usage: run_upstream.py [--smoke | --quick] [PYTEST ARGUMENT…]

--quick leaves out the property tests; --smoke is a minute's worth of it. upstream_plugin.py names the tests that are left out, and
why. Needs chromadb, pytest, pytest-asyncio and hypothesis."""
import os
import pathlib
import subprocess
import sys

import chromadb

SMOKE = ["test_api.py", "test_client.py", "api/test_limit_offset.py", "api/test_schema_e2e.py"]
TESTS = ["test_api.py", "test_chroma.py", "test_client.py", "test_multithreaded.py", "api",
         "client/test_database_tenant.py", "client/test_multiple_clients_concurrency.py",
         "configurations", "ef/test_custom_ef.py", "data_loader"]
PROPERTIES = ["property/test_add.py", "property/test_collections.py",
              "property/test_collections_with_database_tenant.py",
              "property/test_embeddings.py", "property/test_filtering.py",
              "property/test_persist.py", "property/test_restart_persist.py",
              "property/test_schema.py", "property/test_base64_conversion.py"]


def main():
    arguments = sys.argv[1:]
    # A run each: both have a module test_schema, and what they start imports it by its name.
    wanted = [TESTS, PROPERTIES]
    if "--quick" in arguments:
        wanted = [TESTS]
    elif "--smoke" in arguments:
        wanted = [SMOKE]
    arguments = [one for one in arguments if one not in ("--quick", "--smoke")]
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(chromadb.__file__).parent / "test"
    environment = dict(os.environ, CHROMA_RUST_BINDINGS_TEST_ONLY="1",
                       PYTHONPATH=os.pathsep.join([str(here), os.environ.get("PYTHONPATH", "")]))
    chosen = [one for one in arguments if not one.startswith("-")]
    runs = [chosen] if chosen else [[str(root / one) for one in names] for names in wanted]
    options = [one for one in arguments if one.startswith("-")]
    command = [sys.executable, "-m", "pytest", "-p", "upstream_plugin", "-p", "no:cacheprovider",
               "-q", "--rootdir", str(root.parent), *options]
    codes = [subprocess.run([*command, *run], env=environment, cwd=root.parent.parent).returncode
             for run in runs]
    return next((code for code in codes if code != 0), 0)  # below 0: a signal ended it


if __name__ == "__main__":
    sys.exit(main())
