"""The methods of chroma_cpp's collections: chromadb's, answered by the engine at once where the
request is plain, and those that are beyond chromadb's.

What is not plain, or wrong, goes to chromadb's own methods, which embed, convert, and say what is
wrong. Nothing here needs chromadb."""
import json

from chroma_cpp._beyond import BeyondChromadb

_SCALARS = (str, int, float, bool)
_OPERATORS = frozenset(("$gt", "$gte", "$lt", "$lte", "$ne", "$eq", "$in", "$nin"))
_DOCUMENT_OPERATORS = frozenset(("$contains", "$not_contains", "$regex", "$not_regex"))
_COLUMNS = frozenset(("documents", "embeddings", "metadatas", "distances", "uris"))
_GET_COLUMNS = _COLUMNS - {"distances"}
_NOT_PLAIN = (TypeError, ValueError, OverflowError)


def is_plain_where(where):
    """Whether chromadb would take this filter, for the usual ones; the others are for it to
    judge."""
    if type(where) is not dict or len(where) != 1:
        return False
    for key, value in where.items():
        kind = type(value)
        if type(key) is not str:
            return False
        if key == "$and" or key == "$or":
            return kind is list and len(value) > 1 and all(map(is_plain_where, value))
        if key.startswith("$") or key.startswith("#"):
            return False
        if kind is dict:
            if len(value) != 1:
                return False
            for operator, operand in value.items():
                if operator not in _OPERATORS:
                    return False
                kind = type(operand)
                if operator == "$in" or operator == "$nin":
                    if kind is not list or not operand or type(operand[0]) not in _SCALARS:
                        return False
                    first = type(operand[0])
                    return all(type(one) is first for one in operand)
                if operator == "$ne" or operator == "$eq":
                    return kind in _SCALARS
                return kind is int or kind is float
        return kind in _SCALARS


def is_plain_where_document(where):
    if type(where) is not dict or len(where) != 1:
        return False
    for key, value in where.items():
        if key == "$and" or key == "$or":
            return (type(value) is list and len(value) > 1
                    and all(map(is_plain_where_document, value)))
        return key in _DOCUMENT_OPERATORS and type(value) is str and len(value) > 0


def _plain_filters(where, where_document):
    return ((where is None or is_plain_where(where))
            and (where_document is None or is_plain_where_document(where_document)))


def _text(condition):
    return None if condition is None else json.dumps(condition)


def _plain_ids(ids):
    """A list that chromadb's validate_ids takes, its items aside; else None."""
    if type(ids) is str:
        return [ids]
    if type(ids) is not list or not ids:
        return None
    try:
        return ids if len(set(ids)) == len(ids) else None
    except TypeError:
        return None


def _plain_count(number):
    return number is None or (type(number) is int and number >= 0)


class CollectionMethods(BeyondChromadb):
    """`self._handle` is the engine's collection; `self._load()` makes this object chromadb's."""

    def _writes_plainly(self, ids, embeddings, metadatas, documents, images, uris, write):
        """Writes, if that can be done without chromadb's help, and says so."""
        ids = _plain_ids(ids)
        if ids is None or images is not None or self._embeds_sparsely():
            return False
        if type(metadatas) is dict:
            metadatas = [metadatas]
        if type(documents) is str:
            documents = [documents]
        if type(uris) is str:
            uris = [uris]
        for column in (metadatas, documents, uris):
            if column is not None and (type(column) is not list or len(column) != len(ids)):
                return False
        try:
            write(ids, embeddings, metadatas, documents, uris, True)
        except _NOT_PLAIN:
            return False
        return True

    def _embeds_sparsely(self):
        """Whether chromadb makes sparse vectors of what is written, by the schema."""
        known = self.__dict__.get("_sparse")
        if known is None:
            schema = self._schema_json() or {}
            known = any(
                (types or {}).get("sparse_vector", {}).get("sparse_vector_index", {})
                .get("config", {}).get("embedding_function")
                for types in schema.get("keys", {}).values())
            self.__dict__["_sparse"] = known
        return known

    def _schema_json(self):
        return self._model.serialized_schema

    # ---- chromadb's methods

    def count(self, *args, **kwargs):
        """How many records there are."""
        if args or kwargs:
            self._load()
            return super().count(*args, **kwargs)
        return self._handle.count()

    def add(self, ids, embeddings=None, metadatas=None, documents=None, images=None, uris=None):
        """Adds records, all or none. Those whose id is there already stay as they are.

        Without embeddings the collection's embedding function makes them, of the documents,
        images or uris. add_batches() is for very many."""
        if embeddings is not None and self._writes_plainly(
                ids, embeddings, metadatas, documents, images, uris, self._handle.add):
            return
        self._load()
        super().add(ids, embeddings, metadatas, documents, images, uris)

    def upsert(self, ids, embeddings=None, metadatas=None, documents=None, images=None, uris=None):
        """Updates the records that are there, and adds the others, all or none."""
        if embeddings is not None and self._writes_plainly(
                ids, embeddings, metadatas, documents, images, uris, self._handle.upsert):
            return
        self._load()
        super().upsert(ids, embeddings, metadatas, documents, images, uris)

    def update(self, ids, embeddings=None, metadatas=None, documents=None, images=None, uris=None):
        """Changes what is given of the records that are there, all or none. Metadata keys whose value
        is None are deleted; ids that are not there are left out."""
        if (embeddings is not None or documents is None) and self._writes_plainly(
                ids, embeddings, metadatas, documents, images, uris, self._handle.update):
            return
        self._load()
        super().update(ids, embeddings, metadatas, documents, images, uris)

    def get(self, ids=None, where=None, limit=None, offset=None, where_document=None,
            include=["metadatas", "documents"]):
        """Records by their ids, by filters, or all, in the order of their insertion. `include` may
        have documents, metadatas, embeddings and uris. list_records() sorts them."""
        plain_ids = None if ids is None else _plain_ids(ids)
        if ((ids is None or plain_ids is not None) and type(include) is list
                and _GET_COLUMNS.issuperset(include) and _plain_count(limit)
                and _plain_count(offset) and _plain_filters(where, where_document)):
            try:
                return self._handle.get(plain_ids, _text(where), _text(where_document), limit,
                                        offset, include)
            except _NOT_PLAIN:
                pass
        self._load()
        return super().get(ids, where, limit, offset, where_document, include)

    def peek(self, limit=10):
        """The first records, embeddings among what there is of them."""
        return self._handle.get(None, None, None, limit, 0,
                                ["metadatas", "documents", "embeddings"])

    def query(self, query_embeddings=None, query_texts=None, query_images=None, query_uris=None,
              ids=None, n_results=10, where=None, where_document=None,
              include=["metadatas", "documents", "distances"]):
        """The n_results nearest records of each query: of query_embeddings, or of what the
        collection's embedding function makes of query_texts, query_images or query_uris; among
        those with the ids, and that match the filters."""
        if (query_embeddings is not None and query_texts is None and query_images is None
                and query_uris is None and type(n_results) is int and n_results > 0
                and type(include) is list and _COLUMNS.issuperset(include)
                and (ids is None or type(ids) is list or type(ids) is str)
                and _plain_filters(where, where_document)):
            try:
                return self._handle.query(
                    query_embeddings, n_results, [ids] if type(ids) is str else ids, _text(where),
                    _text(where_document), include)
            except _NOT_PLAIN:
                pass
        self._load()
        return super().query(query_embeddings, query_texts, query_images, query_uris, ids,
                             n_results, where, where_document, include)

    def delete(self, ids=None, where=None, where_document=None, limit=None):
        """Deletes the records that have one of the ids and match the filters: {"deleted": count}."""
        plain_ids = None if ids is None else _plain_ids(ids)
        if limit is None and ((plain_ids is not None and where is None and where_document is None)
                              or (ids is None and _plain_filters(where, where_document)
                                  and not (where is None and where_document is None))):
            try:
                return {"deleted": self._handle.delete(plain_ids, _text(where),
                                                       _text(where_document), None)}
            except _NOT_PLAIN:
                pass
        self._load()
        return super().delete(ids, where, where_document, limit)

    def modify(self, name=None, metadata=None, configuration=None):
        """Renames the collection, or replaces its metadata, or changes its configuration."""
        self._load()
        super().modify(name, metadata, configuration)

    def __repr__(self):
        try:
            facts = self._facts()
        except Exception as failure:
            return f"Collection(name={self.name}, unreachable: {failure})"
        return "Collection(" + ", ".join(f"{k}={v}" for k, v in facts.items()) + ")"

    def _facts(self):
        indexed, unindexed = self._handle.indexing_status()
        info = self._fresh_info()
        configuration = json.loads(info["configuration_json"])
        index = configuration.get("hnsw") or configuration.get("spann") or {}
        facts = {"name": info["name"], "count": self._handle.count()}
        if info["dimension"] is not None:
            facts["dimension"] = info["dimension"]
        facts["space"] = index.get("space")
        total = indexed + unindexed
        facts["indexed"] = f"{indexed / total:.0%}" if total else "empty"
        return facts
