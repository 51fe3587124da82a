import os
from typing import Any, Callable, Dict, Iterable, List, Literal, Optional, Sequence, Union

import chromadb.api.async_client
import chromadb.api.client
import chromadb.api.models.Collection
from chromadb.api.collection_configuration import CreateCollectionConfiguration
from chromadb.api.models.AsyncCollection import AsyncCollection as AsyncCollection
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.api.types import (CollectionMetadata, DataLoader, Embeddable, EmbeddingFunction,
                                GetResult, Include, Loadable, Schema, Where, WhereDocument)
from chromadb.config import Settings, System
from chromadb.execution.expression.plan import Search

_Ids = Union[str, List[str], None]
_OrderBy = Union[str, Sequence[str]]
_Write = Literal["add", "upsert", "update"]
_Path = Union[str, "os.PathLike[str]"]

class Collection(chromadb.api.models.Collection.Collection):
    @property
    def target_recall(self) -> Optional[float]: ...
    @target_recall.setter
    def target_recall(self, recall: Optional[float]) -> None: ...
    def list_records(self, ids: _Ids = ..., where: Optional[Where] = ...,
                     where_document: Optional[WhereDocument] = ..., order_by: _OrderBy = ...,
                     limit: Optional[int] = ..., offset: Optional[int] = ...,
                     include: Include = ...,
                     highlight: Union[bool, Dict[str, int], None] = ...) -> Dict[str, Any]: ...
    def facets(self, keys: Union[str, Sequence[str]], ids: _Ids = ...,
               where: Optional[Where] = ..., where_document: Optional[WhereDocument] = ...,
               limit: int = ..., by_value: bool = ...) -> Dict[str, Any]: ...
    def explain(self, query_embeddings: Any = ..., search: Optional[Search] = ...,
                records: Iterable[str] = ..., ids: _Ids = ..., where: Optional[Where] = ...,
                where_document: Optional[WhereDocument] = ..., n_results: int = ...,
                order_by: _OrderBy = ..., limit: Optional[int] = ...,
                offset: Optional[int] = ...) -> Dict[str, Any]: ...
    def recall(self, n_queries: int = ..., n_results: int = ...) -> Dict[str, Any]: ...
    def wait_until_indexed(self, timeout: Optional[float] = ...,
                           progress: bool = ...) -> bool: ...
    def add_batches(self, ids: Sequence[str], embeddings: Any = ..., metadatas: Any = ...,
                    documents: Any = ..., images: Any = ..., uris: Any = ...,
                    batch_size: int = ..., progress: bool = ...) -> None: ...
    def upsert_batches(self, ids: Sequence[str], embeddings: Any = ..., metadatas: Any = ...,
                       documents: Any = ..., images: Any = ..., uris: Any = ...,
                       batch_size: int = ..., progress: bool = ...) -> None: ...
    # Of pyarrow, pandas and polars, which need not be there.
    def to_arrow(self, ids: _Ids = ..., where: Optional[Where] = ...,
                 where_document: Optional[WhereDocument] = ..., embeddings: bool = ...) -> Any: ...
    def add_arrow(self, table: Any, write: _Write = ..., batch_size: int = ...,
                  progress: bool = ...) -> int: ...
    def to_pandas(self, **which: Any) -> Any: ...
    def to_polars(self, **which: Any) -> Any: ...
    def export_file(self, path: _Path,
                    format: Optional[Literal["parquet", "arrow", "jsonl", "csv"]] = ...,
                    where: Optional[Where] = ..., where_document: Optional[WhereDocument] = ...,
                    embeddings: bool = ...) -> int: ...
    def import_file(self, path: _Path,
                    format: Optional[Literal["parquet", "arrow", "jsonl", "csv"]] = ...,
                    write: _Write = ..., batch_size: int = ...,
                    progress: bool = ...) -> int: ...

class AdminClient(chromadb.api.client.AdminClient):
    def __init__(self, settings: Union[Settings, SharedSystemClient, None] = ...) -> None: ...

class Client(chromadb.api.client.Client):
    def __init__(self, tenant: Optional[str] = ..., database: Optional[str] = ...,
                 settings: Optional[Settings] = ...) -> None: ...
    @classmethod
    def from_system(cls, system: System, tenant: str = ..., database: str = ...) -> Client: ...
    # Its collections are this package's.
    def list_collections(self, limit: Optional[int] = ...,
                         offset: Optional[int] = ...) -> List[Collection]: ...
    def create_collection(self, name: str, schema: Optional[Schema] = ...,
                          configuration: Optional[CreateCollectionConfiguration] = ...,
                          metadata: Optional[CollectionMetadata] = ...,
                          embedding_function: Optional[EmbeddingFunction[Embeddable]] = ...,
                          data_loader: Optional[DataLoader[Loadable]] = ...,
                          get_or_create: bool = ...) -> Collection: ...
    def get_collection(self, name: str,
                       embedding_function: Optional[EmbeddingFunction[Embeddable]] = ...,
                       data_loader: Optional[DataLoader[Loadable]] = ...) -> Collection: ...
    def get_or_create_collection(
            self, name: str, schema: Optional[Schema] = ...,
            configuration: Optional[CreateCollectionConfiguration] = ...,
            metadata: Optional[CollectionMetadata] = ...,
            embedding_function: Optional[EmbeddingFunction[Embeddable]] = ...,
            data_loader: Optional[DataLoader[Loadable]] = ...) -> Collection: ...

class AsyncAdminClient(chromadb.api.async_client.AsyncAdminClient):
    def __init__(self, settings: Union[Settings, SharedSystemClient, None] = ...) -> None: ...

class AsyncClient(chromadb.api.async_client.AsyncClient):
    def __init__(self, settings: Optional[Settings] = ...) -> None: ...
    def close(self) -> None: ...
