import os
from typing import Any, Callable, Dict, Optional, Union

from chromadb.api import AsyncClientAPI
from chromadb.config import Settings as ChromadbSettings

from chroma_cpp.api import API_IMPL as API_IMPL
from chroma_cpp.api import AsyncEmbeddedAPI as AsyncEmbeddedAPI
from chroma_cpp.api import EmbeddedAPI as EmbeddedAPI
from chroma_cpp.api import Settings as Settings
from chroma_cpp.client import AdminClient as AdminClient
from chroma_cpp.client import AsyncCollection as AsyncCollection
from chroma_cpp.client import Client as _Client
from chroma_cpp.client import Collection as Collection

__version__: str
DEFAULT_TENANT: str
DEFAULT_DATABASE: str

_Path = Union[str, "os.PathLike[str]"]

def EphemeralClient(settings: Optional[ChromadbSettings] = ..., tenant: str = ...,
                    database: str = ...) -> _Client: ...
def PersistentClient(path: _Path = ..., settings: Optional[ChromadbSettings] = ...,
                     tenant: str = ..., database: str = ...) -> _Client: ...
def Client(settings: Optional[ChromadbSettings] = ..., tenant: str = ...,
           database: str = ...) -> _Client: ...
def import_directory(old: _Path, new: _Path, *, salvage: bool = ..., dry_run: bool = ...,
                     check: bool = ..., build_indexes: bool = ...,
                     rejects: Optional[_Path] = ...,
                     progress: Union[bool, Callable[[str, str, int, int], object], None] = ...,
                     ) -> Dict[str, Any]: ...
async def AsyncEphemeralClient(settings: Optional[ChromadbSettings] = ..., tenant: str = ...,
                               database: str = ...) -> AsyncClientAPI: ...
async def AsyncPersistentClient(path: _Path = ..., settings: Optional[ChromadbSettings] = ...,
                                tenant: str = ..., database: str = ...) -> AsyncClientAPI: ...
async def AsyncClient(settings: Optional[ChromadbSettings] = ..., tenant: str = ...,
                      database: str = ...) -> AsyncClientAPI: ...
