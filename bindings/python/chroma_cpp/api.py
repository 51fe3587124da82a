"""chromadb's ServerAPI over the engine of this process."""
import asyncio
import functools
import inspect
import json
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple
from uuid import UUID

from chromadb.api import ServerAPI
from chromadb.api.async_api import AsyncServerAPI
from chromadb.api.collection_configuration import (
    CreateCollectionConfiguration,
    UpdateCollectionConfiguration,
    create_collection_configuration_to_json_str,
    update_collection_configuration_to_json_str,
)
from chromadb.api.types import (
    CollectionMetadata,
    DeleteResult,
    Documents,
    Embeddings,
    GetResult,
    IDs,
    Include,
    IncludeMetadataDocuments,
    IncludeMetadataDocumentsDistances,
    IncludeMetadataDocumentsEmbeddings,
    IndexingStatus,
    Metadatas,
    QueryResult,
    ReadLevel,
    Schema,
    SearchResult,
    URIs,
    Where,
    WhereDocument,
)
from chromadb.auth import UserIdentity
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, System
from chromadb.config import Settings as ChromadbSettings
from chromadb.execution.expression.plan import Search
from chromadb.types import Collection as CollectionModel
from chromadb.types import Database, Tenant
from overrides import override

from chroma_cpp import _open

if TYPE_CHECKING:
    from chromadb.api.models.AttachedFunction import AttachedFunction

_FUNCTIONS = (
    "Attached functions are only supported when connecting to a Chroma server via HttpClient. "
    "The embedded database does not run them."
)


class _ApiImpl(str):
    """The name of EmbeddedAPI, as chromadb.Client takes it.

    chromadb's SharedSystemClient serves local classes that it knows by name, and refuses others.
    This name equals that of one which chromadb no longer has, while it reads as ours."""

    _ACCEPTED = "chromadb.api.segment.SegmentAPI"

    def __eq__(self, other):
        return str.__eq__(self, other) or other == self._ACCEPTED

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


API_IMPL = _ApiImpl("chroma_cpp.EmbeddedAPI")


class Settings(ChromadbSettings):
    """chromadb.Settings that name this engine: chromadb.PersistentClient(path, Settings())."""

    chroma_api_impl: str = str(API_IMPL)

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if str.__eq__(self.chroma_api_impl, str(API_IMPL)):
            self.chroma_api_impl = API_IMPL


def to_model(info: Dict[str, Any]) -> CollectionModel:
    """What the engine tells of a collection, as chromadb's model of it."""
    return CollectionModel(
        id=UUID(info["id"]),
        name=info["name"],
        configuration_json=json.loads(info["configuration_json"]),
        serialized_schema=json.loads(info["schema"]) if info["schema"] else None,
        metadata=info["metadata"],
        dimension=info["dimension"],
        tenant=info["tenant"],
        database=info["database"],
    )


def _json(condition: Any) -> Optional[str]:
    return json.dumps(condition) if condition else None


class EmbeddedAPI(ServerAPI):
    """The engine in this process: in memory, or in the directory of the settings."""

    def __init__(self, system: System):
        super().__init__(system)
        self._engine: Optional[_open.Engine] = None

    @override
    def start(self) -> None:
        super().start()
        if self._engine is not None:
            return
        settings = self._system.settings
        options = {
            "allow_reset": settings.require("allow_reset"),
            "memory_limit": settings.require("chroma_memory_limit_bytes"),
        }
        if settings.require("is_persistent"):
            path = settings.require("persist_directory")
            self._engine = _open.open_directory(self, path, **options)
        else:
            self._engine = _open.open_memory(self, **options)

    @override
    def stop(self) -> None:
        super().stop()
        if self._engine is not None:
            self._engine.release(self)

    def adopt(self, engine: _open.Engine) -> None:
        """Takes an engine that is open already, in place of starting one."""
        self._engine = engine.hold(self)

    @property
    def database(self) -> Any:
        """The engine's own object, of chroma_cpp._native."""
        return self._engine.database  # type: ignore[union-attr]

    def handle(self, collection_id: UUID, tenant: str, database: str) -> Any:
        return self.database.collection(str(collection_id), tenant, database)

    # ---- tenants and databases

    @override
    def create_database(self, name: str, tenant: str = DEFAULT_TENANT) -> None:
        self.database.create_database(name, tenant)

    @override
    def get_database(self, name: str, tenant: str = DEFAULT_TENANT) -> Database:
        found = self.database.get_database(name, tenant)
        return Database(id=UUID(found["id"]), name=found["name"], tenant=found["tenant"])

    @override
    def delete_database(self, name: str, tenant: str = DEFAULT_TENANT) -> None:
        self.database.delete_database(name, tenant)

    @override
    def list_databases(
        self,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        tenant: str = DEFAULT_TENANT,
    ) -> Sequence[Database]:
        return [
            Database(id=UUID(found["id"]), name=found["name"], tenant=found["tenant"])
            for found in self.database.list_databases(limit, offset, tenant)
        ]

    @override
    def create_tenant(self, name: str) -> None:
        self.database.create_tenant(name)

    @override
    def get_tenant(self, name: str) -> Tenant:
        return Tenant(name=self.database.get_tenant(name))

    # ---- collections

    @override
    def heartbeat(self) -> int:
        return self.database.heartbeat()

    @override
    def count_collections(
        self, tenant: str = DEFAULT_TENANT, database: str = DEFAULT_DATABASE
    ) -> int:
        return self.database.count_collections(tenant, database)

    @override
    def list_collections(
        self,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> Sequence[CollectionModel]:
        return [
            to_model(info)
            for info in self.database.list_collections(limit, offset, tenant, database)
        ]

    @override
    def create_collection(
        self,
        name: str,
        schema: Optional[Schema] = None,
        configuration: Optional[CreateCollectionConfiguration] = None,
        metadata: Optional[CollectionMetadata] = None,
        get_or_create: bool = False,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> CollectionModel:
        return to_model(
            self.database.create_collection(
                name,
                create_collection_configuration_to_json_str(configuration, metadata)
                if configuration
                else None,
                json.dumps(schema.serialize_to_json()) if schema else None,
                metadata,
                get_or_create,
                tenant,
                database,
            )
        )

    @override
    def get_collection(
        self,
        name: str,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> CollectionModel:
        return to_model(self.database.get_collection(name, tenant, database))

    @override
    def get_collection_by_id(
        self,
        collection_id: UUID,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> CollectionModel:
        return to_model(
            self.database.get_collection_by_id(str(collection_id), tenant, database)
        )

    @override
    def get_or_create_collection(
        self,
        name: str,
        schema: Optional[Schema] = None,
        configuration: Optional[CreateCollectionConfiguration] = None,
        metadata: Optional[CollectionMetadata] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> CollectionModel:
        return self.create_collection(
            name, schema, configuration, metadata, True, tenant, database
        )

    @override
    def delete_collection(
        self,
        name: str,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> None:
        self.database.delete_collection(name, tenant, database)

    @override
    def _modify(
        self,
        id: UUID,
        new_name: Optional[str] = None,
        new_metadata: Optional[CollectionMetadata] = None,
        new_configuration: Optional[UpdateCollectionConfiguration] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> None:
        configuration = (
            update_collection_configuration_to_json_str(new_configuration)
            if new_configuration
            else None
        )
        self.handle(id, tenant, database).modify(new_name, new_metadata, configuration, None)

    @override
    def _fork(
        self,
        collection_id: UUID,
        new_name: str,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> CollectionModel:
        raise NotImplementedError("Collection forking is not implemented for Local Chroma")

    @override
    def _fork_count(
        self,
        collection_id: UUID,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> int:
        raise NotImplementedError("Fork count is not implemented for Local Chroma")

    @override
    def _get_indexing_status(
        self,
        collection_id: UUID,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> IndexingStatus:
        indexed, unindexed = self.handle(collection_id, tenant, database).indexing_status()
        total = indexed + unindexed
        return IndexingStatus(
            num_indexed_ops=indexed,
            num_unindexed_ops=unindexed,
            total_ops=total,
            op_indexing_progress=indexed / total if total else 1.0,
        )

    # ---- records

    @override
    def _search(
        self,
        collection_id: UUID,
        searches: List[Search],
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
        read_level: ReadLevel = ReadLevel.INDEX_AND_WAL,
    ) -> SearchResult:
        texts = [json.dumps(search.to_dict()) for search in searches]
        return SearchResult(self.handle(collection_id, tenant, database).search(texts))

    @override
    def _count(
        self,
        collection_id: UUID,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
        read_level: ReadLevel = ReadLevel.INDEX_AND_WAL,
    ) -> int:
        return self.handle(collection_id, tenant, database).count()

    @override
    def _peek(
        self,
        collection_id: UUID,
        n: int = 10,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> GetResult:
        return self._get(
            collection_id,
            limit=n,
            tenant=tenant,
            database=database,
            include=IncludeMetadataDocumentsEmbeddings,
        )

    @override
    def _get(
        self,
        collection_id: UUID,
        ids: Optional[IDs] = None,
        where: Optional[Where] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        where_document: Optional[WhereDocument] = None,
        include: Include = IncludeMetadataDocuments,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> GetResult:
        return self.handle(collection_id, tenant, database).get(
            ids, _json(where), _json(where_document), limit, offset, include
        )

    @override
    def _add(
        self,
        ids: IDs,
        collection_id: UUID,
        embeddings: Embeddings,
        metadatas: Optional[Metadatas] = None,
        documents: Optional[Documents] = None,
        uris: Optional[URIs] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> bool:
        self.handle(collection_id, tenant, database).add(
            ids, embeddings, metadatas, documents, uris, False
        )
        return True

    @override
    def _update(
        self,
        collection_id: UUID,
        ids: IDs,
        embeddings: Optional[Embeddings] = None,
        metadatas: Optional[Metadatas] = None,
        documents: Optional[Documents] = None,
        uris: Optional[URIs] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> bool:
        self.handle(collection_id, tenant, database).update(
            ids, embeddings, metadatas, documents, uris, False
        )
        return True

    @override
    def _upsert(
        self,
        collection_id: UUID,
        ids: IDs,
        embeddings: Embeddings,
        metadatas: Optional[Metadatas] = None,
        documents: Optional[Documents] = None,
        uris: Optional[URIs] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> bool:
        self.handle(collection_id, tenant, database).upsert(
            ids, embeddings, metadatas, documents, uris, False
        )
        return True

    @override
    def _query(
        self,
        collection_id: UUID,
        query_embeddings: Embeddings,
        ids: Optional[IDs] = None,
        n_results: int = 10,
        where: Optional[Where] = None,
        where_document: Optional[WhereDocument] = None,
        include: Include = IncludeMetadataDocumentsDistances,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> QueryResult:
        return self.handle(collection_id, tenant, database).query(
            query_embeddings, n_results, ids, _json(where), _json(where_document), include
        )

    @override
    def _delete(
        self,
        collection_id: UUID,
        ids: Optional[IDs] = None,
        where: Optional[Where] = None,
        where_document: Optional[WhereDocument] = None,
        limit: Optional[int] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> DeleteResult:
        deleted = self.handle(collection_id, tenant, database).delete(
            ids, _json(where), _json(where_document), limit
        )
        return DeleteResult(deleted=deleted)

    # ---- the rest

    @override
    def reset(self) -> bool:
        self.database.reset()
        return True

    @override
    def get_version(self) -> str:
        import chromadb

        return chromadb.__version__

    @override
    def get_settings(self) -> ChromadbSettings:
        return self._system.settings

    @override
    def get_max_batch_size(self) -> int:
        return self.database.max_batch_size()

    @override
    def attach_function(
        self,
        function_id: str,
        name: str,
        input_collection_id: UUID,
        output_collection: str,
        params: Optional[Dict[str, Any]] = None,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> Tuple["AttachedFunction", bool]:
        raise NotImplementedError(_FUNCTIONS)

    @override
    def get_attached_function(
        self,
        name: str,
        input_collection_id: UUID,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> "AttachedFunction":
        raise NotImplementedError(_FUNCTIONS)

    @override
    def detach_function(
        self,
        name: str,
        input_collection_id: UUID,
        delete_output: bool = False,
        tenant: str = DEFAULT_TENANT,
        database: str = DEFAULT_DATABASE,
    ) -> bool:
        raise NotImplementedError(_FUNCTIONS)

    @override
    def get_user_identity(self) -> UserIdentity:
        return UserIdentity(user_id="", tenant=DEFAULT_TENANT, databases=[DEFAULT_DATABASE])


def _in_thread(name: str) -> Any:
    call = getattr(EmbeddedAPI, name)

    @functools.wraps(call)
    async def run(self: "AsyncEmbeddedAPI", *args: Any, **kwargs: Any) -> Any:
        run_it = functools.partial(call, self.embedded, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(None, run_it)

    return run


def _in_threads(members: Dict[str, Any]) -> None:
    for name, member in vars(EmbeddedAPI).items():
        if inspect.isfunction(member) and name in AsyncServerAPI.__abstractmethods__:
            members[name] = _in_thread(name)  # marked as an override already


class AsyncEmbeddedAPI(AsyncServerAPI):
    """EmbeddedAPI for chromadb's asynchronous clients: every call runs in a thread."""

    _in_threads(vars())

    def __init__(self, system: System):
        super().__init__(system)
        self.embedded: EmbeddedAPI = self.require(EmbeddedAPI)

    @classmethod
    def of(cls, system: System) -> "AsyncEmbeddedAPI":
        """The one of this system."""
        return system.instance(cls)

    @override
    def get_settings(self) -> ChromadbSettings:
        return self._system.settings
