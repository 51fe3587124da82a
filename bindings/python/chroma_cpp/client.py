"""chromadb's clients and collections over the engine of this process."""
import chromadb.api.client
import chromadb.api.async_client
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.api.models.AsyncCollection import AsyncCollection  # noqa: F401, for chroma_cpp
import chromadb.api.models.Collection
from chromadb.api import ServerAPI
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, System

from chroma_cpp._methods import CollectionMethods
from chroma_cpp.api import API_IMPL, AsyncEmbeddedAPI, EmbeddedAPI, Settings


def _ours(settings):
    settings.chroma_api_impl = API_IMPL
    return settings


def ephemeral_settings(settings):
    settings = _ours(Settings() if settings is None else settings)
    settings.is_persistent = False
    return settings


def persistent_settings(settings, path):
    settings = _ours(Settings() if settings is None else settings)
    settings.persist_directory = path
    settings.is_persistent = True
    return settings


def local_settings(settings):
    return _ours(Settings() if settings is None else settings)


def identifier_of(settings):
    """Under which name chromadb's registry of systems has the one of these settings. chromadb's
    own client of the same directory has another."""
    return "chroma_cpp:" + (settings.persist_directory if settings.is_persistent else "ephemeral")


def connect(settings, tenant, database, engine=None):
    if engine is not None:
        adopt(settings, engine)
    return Client(tenant=tenant, database=database, settings=settings)


def adopt(settings, engine):
    """Puts an open engine behind the clients of these settings."""
    identifier = identifier_of(settings)
    if identifier in SharedSystemClient._identifier_to_system:
        return
    system = System(settings)
    server = EmbeddedAPI(system)
    server.adopt(engine)
    system._instances[EmbeddedAPI] = server
    SharedSystemClient._identifier_to_system[identifier] = system
    system.start()


class _Shared:
    """What SharedSystemClient.__init__ does, for settings that name this engine."""

    def _connect(self, settings):
        self._identifier = identifier_of(settings)
        SharedSystemClient._create_system_if_not_exists(self._identifier, settings)
        SharedSystemClient._increment_refcount(self._identifier)


class Collection(CollectionMethods, chromadb.api.models.Collection.Collection):
    """chromadb.Collection, with what this engine can do beyond it (docs/python.md)."""

    def _load(self):
        pass

    def _set_metadata(self, metadata):
        self._model["metadata"] = metadata or None

    def _fresh_info(self):
        return self._client.database.get_collection_by_id(str(self.id), self.tenant,
                                                          self.database)

    @property
    def _handle(self):
        handle = self.__dict__.get("_native")
        if handle is None:
            handle = self._client.handle(self.id, self.tenant, self.database)
            self.__dict__["_native"] = handle
        return handle


class AdminClient(_Shared, chromadb.api.client.AdminClient):
    """chromadb's AdminClient, over `settings` or over what a client has open."""

    def __init__(self, settings=None):
        if isinstance(settings, SharedSystemClient):
            settings = settings._system.settings
        self._connect(local_settings(settings))
        self._server = self._system.instance(ServerAPI)


class Client(_Shared, chromadb.api.client.Client):
    """chromadb's Client."""

    def __init__(self, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE, settings=None):
        settings = local_settings(settings)
        self._connect(settings)
        try:
            self.tenant = tenant
            self.database = database
            self._server = self._system.instance(ServerAPI)
            self._admin_client = AdminClient(settings)
            self._validate_tenant_database(tenant=tenant, database=database)
        except Exception:
            if "_admin_client" in self.__dict__:
                SharedSystemClient._release_system(self._admin_client._identifier)
            SharedSystemClient._release_system(self._identifier)
            raise

    @classmethod
    def from_system(cls, system, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE):
        SharedSystemClient._identifier_to_system[identifier_of(system.settings)] = system
        return cls(tenant=tenant, database=database, settings=system.settings)

    def list_collections(self, limit=None, offset=None):
        return [Collection(client=self._server, model=model)
                for model in self._server.list_collections(limit, offset, tenant=self.tenant,
                                                           database=self.database)]

    def create_collection(self, *args, **kwargs):
        return _ours_of(super().create_collection(*args, **kwargs))

    def get_collection(self, *args, **kwargs):
        return _ours_of(super().get_collection(*args, **kwargs))

    def get_collection_by_id(self, *args, **kwargs):
        return _ours_of(super().get_collection_by_id(*args, **kwargs))

    def get_or_create_collection(self, *args, **kwargs):
        return _ours_of(super().get_or_create_collection(*args, **kwargs))


for _name in ("list_collections", "create_collection", "get_collection", "get_collection_by_id",
              "get_or_create_collection", "from_system"):
    _method = getattr(Client, _name)
    getattr(_method, "__func__", _method).__doc__ = getattr(chromadb.api.client.Client,
                                                            _name).__doc__


def _ours_of(collection):
    ours = Collection.__new__(Collection)
    ours.__dict__.update(collection.__dict__)
    return ours


class AsyncAdminClient(_Shared, chromadb.api.async_client.AsyncAdminClient):
    """chromadb's AsyncAdminClient, over `settings` or over what a client has open."""

    def __init__(self, settings=None):
        if isinstance(settings, SharedSystemClient):
            settings = settings._system.settings
        self._connect(local_settings(settings))
        self._server = AsyncEmbeddedAPI.of(self._system)


class AsyncClient(_Shared, chromadb.api.async_client.AsyncClient):
    """chromadb's AsyncClient. Every call runs in a thread."""

    def __init__(self, settings=None):
        self._connect(local_settings(settings))
        self._server = AsyncEmbeddedAPI.of(self._system)
        self._closed = False

    @classmethod
    async def create(cls, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE, settings=None):
        self = cls(settings)
        try:
            self._admin_client = AsyncAdminClient(self)
            await self._validate_tenant_database(tenant=tenant, database=database)
        except BaseException:
            self.close()
            raise
        self.tenant, self.database = tenant, database
        return self

    @classmethod
    async def from_system_async(cls, system, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE):
        SharedSystemClient._identifier_to_system[identifier_of(system.settings)] = system
        return await cls.create(tenant, database, system.settings)

    def close(self):
        """Lets go of the database, which is closed with the last of its clients."""
        if self._closed:
            return
        self._closed = True
        if "_admin_client" in self.__dict__:
            SharedSystemClient._release_system(self._admin_client._identifier)
        SharedSystemClient._release_system(self._identifier)


async def connect_async(settings, tenant, database):
    return await AsyncClient.create(tenant, database, settings)
