"""Chroma's embedded database on the chroma-cpp engine, behind chromadb's own classes.

    import chroma_cpp

    client = chroma_cpp.PersistentClient("./db")
    collection = client.get_or_create_collection("docs")
    collection.add(ids=["1"], documents=["a river runs"])
    collection.query(query_texts=["water"], n_results=1)

Importing this imports neither chromadb nor numpy; they are loaded when they are needed.
docs/python.md tells what is the same as in chromadb and what is more.
"""
import os as _os

__version__ = "0.1.0"

DEFAULT_TENANT = "default_tenant"
DEFAULT_DATABASE = "default_database"

__all__ = [
    "API_IMPL", "AdminClient", "AsyncClient", "AsyncEphemeralClient", "AsyncPersistentClient",
    "Client", "Collection", "EmbeddedAPI", "EphemeralClient", "PersistentClient", "Settings",
    "import_directory",
]

# Where names that need chromadb are.
_HOMES = {
    "API_IMPL": "api", "AsyncEmbeddedAPI": "api", "EmbeddedAPI": "api", "Settings": "api",
    "AdminClient": "client", "AsyncCollection": "client", "Collection": "client",
}


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'chroma_cpp' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"chroma_cpp.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def EphemeralClient(settings=None, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE):
    """A client of a database in memory, which this process's ephemeral clients share.

    It is gone with the last of them."""
    from chroma_cpp import _deferred

    if settings is None and _deferred.is_possible():
        return _deferred.Client(None, str(tenant), str(database))
    from chroma_cpp import client

    return client.connect(client.ephemeral_settings(settings), str(tenant), str(database))


def PersistentClient(path="./chroma", settings=None, tenant=DEFAULT_TENANT,
                     database=DEFAULT_DATABASE):
    """A client of the database in the directory `path`, which is made where it is missing.

    Any number of processes may have it open."""
    from chroma_cpp import _deferred

    path = _os.fspath(path)
    if settings is None and _deferred.is_possible():
        return _deferred.Client(str(path), str(tenant), str(database))
    from chroma_cpp import client

    return client.connect(client.persistent_settings(settings, str(path)), str(tenant),
                          str(database))


def Client(settings=None, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE):
    """The client that `settings` (chromadb.Settings) ask for: in memory, unless they say
    is_persistent."""
    from chroma_cpp import client

    return client.connect(client.local_settings(settings), str(tenant), str(database))


def import_directory(old, new, *, salvage=False, dry_run=False, check=True, build_indexes=False,
                     rejects=None, progress=None):
    """Imports a directory that chromadb 0.5 to 1.5 wrote, which is only read, into the directory
    `new`: all tenants, databases and collections.

    salvage: go on past damage and save what can be read. dry_run: read and report only.
    check: read every record again and compare it. build_indexes: not later, in the background.
    rejects: a file for what is left of records that cannot be saved. progress: True for a bar
    (tqdm), or a function of the step's name, the collection, and the records done and in all.

    Returns the report: `complete`, `collections`, `losses`, `damage`, `warnings`; docs/import.md.
    An import that was interrupted goes on when it is called again with the same paths."""
    import json

    from chroma_cpp import _moving, _native

    with _moving.import_progress(progress) as tell:
        return json.loads(_native.import_directory(
            _os.fspath(old), _os.fspath(new), salvage, dry_run, check, build_indexes,
            "" if rejects is None else _os.fspath(rejects), tell))


async def AsyncEphemeralClient(settings=None, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE):
    """EphemeralClient as a chromadb.AsyncClient: every call runs in a thread."""
    from chroma_cpp import client

    return await client.connect_async(client.ephemeral_settings(settings), str(tenant),
                                      str(database))


async def AsyncPersistentClient(path="./chroma", settings=None, tenant=DEFAULT_TENANT,
                                database=DEFAULT_DATABASE):
    """PersistentClient as a chromadb.AsyncClient: every call runs in a thread."""
    from chroma_cpp import client

    return await client.connect_async(client.persistent_settings(settings, _os.fspath(path)),
                                      str(tenant), str(database))


async def AsyncClient(settings=None, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE):
    """Client as a chromadb.AsyncClient: every call runs in a thread."""
    from chroma_cpp import client

    return await client.connect_async(client.local_settings(settings), str(tenant),
                                      str(database))
