"""Clients and collections that become chromadb's own objects when that is called for.

Importing chromadb takes a second or more and some 50 MB. A program that opens a directory, writes
and asks with vectors needs none of it. So while nobody has imported chromadb, clients are the
objects below. What they cannot do themselves makes them load it, and turn into chroma_cpp.client's
objects: their class changes, and what was asked is done there. `isinstance` with a class of
chromadb, which somebody must have imported then, does that too."""
import json
import os
import sys
import threading
import weakref

from chroma_cpp import _open
from chroma_cpp._methods import CollectionMethods

_DEFAULT = object()  # chromadb's default embedding function
_SETTINGS = ("ALLOW_RESET", "CHROMA_MEMORY_LIMIT_BYTES", "CHROMA_SERVER_NOFILE",
             "CHROMA_OVERWRITE_SINGLETON_TENANT_DATABASE_ACCESS_FROM_AUTH")
_loading = threading.RLock()
_memory = None  # the Engine that deferred ephemeral clients share, weakly


def is_possible():
    """Whether there is nothing yet that only chromadb knows."""
    if "chromadb" in sys.modules or os.path.exists(".env"):
        return False
    upper = {name.upper() for name in os.environ}
    return not upper.intersection(_SETTINGS)


def _in_child():
    global _loading
    _loading = threading.RLock()


os.register_at_fork(after_in_child=_in_child)


class _Deferred:
    @property
    def __class__(self):
        # Whoever has a class of chromadb to compare with has imported it. (isinstance looks at
        # what this returns only if it is not the object's own type, so that stays as it is.)
        if "chromadb.api" not in sys.modules:
            return type(self)
        from chroma_cpp import client as loaded

        return getattr(loaded, type(self).__name__)

    @__class__.setter
    def __class__(self, value):
        object.__dict__["__class__"].__set__(self, value)

    def _load(self):
        with _loading:
            if issubclass(type(self), _Deferred):  # no other thread was quicker
                self._become()

    def __getattr__(self, name):
        # Only what chromadb's objects have, and these do not.
        if name.startswith("__") or name in ("_engine", "_info", "_path", "_owner"):
            raise AttributeError(name)
        self._load()
        return getattr(self, name)


class Client(_Deferred):
    """A client before chromadb is loaded."""

    def __init__(self, path, tenant, database):
        global _memory
        self._path = path
        self.tenant = tenant
        self.database = database
        if path is not None:
            self._engine = _open.open_directory(self, path)
        else:
            engine = _memory and _memory()
            if engine is None or engine.database.closed or engine.is_foreign():
                engine = _open.open_memory(self)
                _memory = weakref.ref(engine)
            self._engine = engine.hold(self)
        try:
            self._validate(tenant, database)
        except BaseException:
            self._engine.release(self)
            raise

    def _validate(self, tenant, database):
        self._engine.database.get_tenant(tenant)
        self._engine.database.get_database(database, tenant)

    def _become(self):
        from chroma_cpp import client as loaded

        if self._path is None:
            settings = loaded.ephemeral_settings(None)
        else:
            settings = loaded.persistent_settings(None, self._path)
        real = loaded.connect(settings, self.tenant, self.database, self._engine)
        # Before the class: another thread may be in a method of either.
        self.__dict__.update(real.__dict__)
        object.__dict__["__class__"].__set__(self, loaded.Client)
        self._engine.release(self)

    def _collection(self, info, embedding_function, data_loader):
        return Collection(self, info, embedding_function, data_loader)

    def _configuration(self, configuration, embedding_function, metadata):
        """What chromadb would send, or NotImplemented where that is its business."""
        if configuration is not None and (type(configuration) is not dict
                                          or not {"hnsw"}.issuperset(configuration)):
            return NotImplemented
        hnsw = (configuration or {}).get("hnsw")
        if hnsw is not None and type(hnsw) is not dict:
            return NotImplemented
        if embedding_function is None:
            if not configuration:
                return None
            function = {"type": "legacy"}
        else:
            function = {"type": "known", "name": "default", "config": {}}
            if hnsw is None and "hnsw:space" not in (metadata or {}):
                hnsw = {}
            if hnsw is not None:
                hnsw = {**hnsw, "space": hnsw.get("space") or "l2"}
        try:
            return json.dumps({"hnsw": hnsw, "spann": None, "embedding_function": function})
        except (TypeError, ValueError):
            return NotImplemented

    def _create(self, name, schema, configuration, metadata, embedding_function, data_loader,
                get_or_create):
        """The collection, or None where chromadb has to make it."""
        if (type(name) is not str or schema is not None or embedding_function not in
                (None, _DEFAULT) or not (metadata is None or type(metadata) is dict)):
            return None
        text = self._configuration(configuration, embedding_function, metadata)
        if text is NotImplemented:
            return None
        try:
            info = self._engine.database.create_collection(
                name, text, None, metadata, get_or_create, self.tenant, self.database)
        except (TypeError, ValueError, OverflowError):
            return None
        return self._collection(info, embedding_function, data_loader)

    def create_collection(self, name, schema=None, configuration=None, metadata=None,
                          embedding_function=_DEFAULT, data_loader=None, get_or_create=False):
        """Makes a collection. One that is there is an error, or with get_or_create the answer."""
        made = self._create(name, schema, configuration, metadata, embedding_function,
                            data_loader, bool(get_or_create))
        if made is not None:
            return made
        self._load()
        kwargs = {} if embedding_function is _DEFAULT else {
            "embedding_function": embedding_function}
        return self.create_collection(name, schema, configuration, metadata,
                                      data_loader=data_loader, get_or_create=get_or_create,
                                      **kwargs)

    def get_or_create_collection(self, name, schema=None, configuration=None, metadata=None,
                                 embedding_function=_DEFAULT, data_loader=None):
        """The collection of that name, which is made where there is none."""
        made = self._create(name, schema, configuration, metadata, embedding_function,
                            data_loader, True)
        if made is not None:
            return made
        self._load()
        kwargs = {} if embedding_function is _DEFAULT else {
            "embedding_function": embedding_function}
        return self.get_or_create_collection(name, schema, configuration, metadata,
                                             data_loader=data_loader, **kwargs)

    def get_collection(self, name, embedding_function=_DEFAULT, data_loader=None):
        """The collection of that name; chromadb.errors.NotFoundError where there is none."""
        if type(name) is not str or embedding_function not in (None, _DEFAULT):
            self._load()
            return self.get_collection(name, embedding_function, data_loader)
        info = self._engine.database.get_collection(name, self.tenant, self.database)
        return self._collection(info, embedding_function, data_loader)

    def list_collections(self, limit=None, offset=None):
        """The collections of the database, in pages where that is asked for."""
        return [self._collection(info, _DEFAULT, None)
                for info in self._engine.database.list_collections(limit, offset, self.tenant,
                                                                   self.database)]

    def count_collections(self):
        """How many collections the database has."""
        return self._engine.database.count_collections(self.tenant, self.database)

    def delete_collection(self, name):
        """Deletes a collection with all its records."""
        if type(name) is not str:
            self._load()
            return self.delete_collection(name)
        self._engine.database.delete_collection(name, self.tenant, self.database)

    def heartbeat(self):
        """The time in nanoseconds: whether the engine answers."""
        return self._engine.database.heartbeat()

    def get_max_batch_size(self):
        """How many records one call may write."""
        return self._engine.database.max_batch_size()

    def set_tenant(self, tenant, database="default_database"):
        """Goes on with another tenant."""
        self._validate(tenant, database)
        self.tenant, self.database = tenant, database

    def set_database(self, database):
        """Goes on with another database of the tenant."""
        self._validate(self.tenant, database)
        self.database = database

    def close(self):
        """Lets go of the database, which is closed with the last of its clients."""
        self._engine.release(self)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


class Collection(_Deferred, CollectionMethods):
    """A collection before chromadb is loaded."""

    def __init__(self, client, info, embedding_function, data_loader):
        self._owner = client
        self._info = info
        self._function = embedding_function
        self._loader = data_loader
        self._handle = client._engine.database.collection(info["id"], info["tenant"],
                                                          info["database"])

    def _become(self):
        from chromadb.api.types import DefaultEmbeddingFunction

        from chroma_cpp import client as loaded
        from chroma_cpp.api import to_model

        if type(self._owner) is Client:
            self._owner._load()
        function = self._function
        if function is _DEFAULT:
            function = DefaultEmbeddingFunction()
        real = loaded.Collection(self._owner._server, to_model(self._info), function,
                                 self._loader)
        self.__dict__.update(real.__dict__, _native=self._handle)
        object.__dict__["__class__"].__set__(self, loaded.Collection)

    def _schema_json(self):
        return json.loads(self._info["schema"]) if self._info["schema"] else None

    def _set_metadata(self, metadata):
        self._info["metadata"] = metadata or None

    def _fresh_info(self):
        info = self._info
        return self._owner._engine.database.get_collection_by_id(info["id"], info["tenant"],
                                                                 info["database"])

    @property
    def id(self):
        import uuid

        return uuid.UUID(self._info["id"])

    @property
    def name(self):
        return self._info["name"]

    @property
    def metadata(self):
        return self._info["metadata"]

    @property
    def configuration_json(self):
        return json.loads(self._info["configuration_json"])

    @property
    def tenant(self):
        return self._info["tenant"]

    @property
    def database(self):
        return self._info["database"]

    def __eq__(self, other):
        self._load()
        return self == other

    __hash__ = None
