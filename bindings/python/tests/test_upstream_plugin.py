"""What upstream_plugin.py puts right in chromadb's own tests."""
import pathlib
import subprocess
import sys

FIRST_EXAMPLE = """
def test_first_example(client_factories, database_name):
    client = client_factories.create_client(database=database_name)
    admin = client_factories.create_admin_client_from_system()
    admin.create_tenant("another")
    admin.create_database(database_name, "another")
    client.set_tenant("another", database_name)
"""


def test_clients_of_a_test_share_its_system(tmp_path):
    """Also where they are made as in the first example of test_collections_with_database_tenant."""
    (tmp_path / "conftest.py").write_text("from chromadb.test.conftest import *\n")
    path = tmp_path / "test_first_example.py"
    path.write_text(FIRST_EXAMPLE)
    done = subprocess.run(
        [sys.executable, str(pathlib.Path(__file__).with_name("run_upstream.py")), str(path)],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout  # in memory and in a directory
