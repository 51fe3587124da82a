"""What chroma_cpp's collections have beyond chromadb's (docs/python.md). Nothing here needs
chromadb."""
import json
import operator
import time

_TARGET = "vector:target_recall"


def _text(condition):
    return None if condition is None else json.dumps(condition)


def _ids(ids):
    return [ids] if isinstance(ids, str) else ids


def _sort_keys(order_by):
    """("year", "-price") as the engine takes it: a "-" in front is for descending."""
    if isinstance(order_by, str):
        order_by = [order_by]
    return [(key[1:], True) if key.startswith("-") else (key, False) for key in order_by]


def check_batch_size(batch_size):
    try:
        positive = not isinstance(batch_size, bool) and operator.index(batch_size) > 0
    except TypeError:
        positive = False
    if not positive:
        raise ValueError(f"Expected batch_size to be a positive integer, got {batch_size!r}")


class _Progress:
    """tqdm's bar where one was asked for and tqdm is there; else nothing."""

    def __init__(self, total, label, shown):
        self._bar = None
        if shown:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = tqdm(total=total, desc=label, unit=" records")

    def to(self, count):
        if self._bar is not None:
            self._bar.update(count - self._bar.n)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self._bar is not None:
            self._bar.close()


class BeyondChromadb:
    def list_records(self, ids=None, where=None, where_document=None, order_by=(), limit=None,
                     offset=None, include=["metadatas", "documents"], highlight=None):
        """What get() answers, in the order of metadata keys, and where the documents have what
        the filter looks for.

        order_by: keys, or "#id"; with "-" in front descending. highlight: True, or a dict of
        matches, snippets and snippet_characters; the result has "highlights" then. The filters
        may have $contains_any, $phrase and $prefix, of documents and of metadata keys."""
        numbers = None
        if highlight:
            wanted = {} if highlight is True else dict(highlight)
            numbers = (wanted.pop("matches", 100), wanted.pop("snippets", 1),
                       wanted.pop("snippet_characters", 160))
            if wanted:
                raise ValueError(f"highlight has no {', '.join(wanted)}")
        result = self._handle.list_records(
            _ids(ids), _text(where), _text(where_document), _sort_keys(order_by), limit, offset,
            include, numbers)
        if numbers is None:
            del result["highlights"]
        return result

    def facets(self, keys, ids=None, where=None, where_document=None, limit=100, by_value=False):
        """How many records match, and how many have each value of the metadata keys:
        {"count": …, "facets": {key: {"records": …, "distinct": …, "values": [(value, count)]}}}"""
        if isinstance(keys, str):
            keys = [keys]
        return self._handle.facets([(key, limit, by_value) for key in keys], _ids(ids),
                                   _text(where), _text(where_document))

    def explain(self, query_embeddings=None, search=None, records=(), ids=None, where=None,
                where_document=None, n_results=10, order_by=(), limit=None, offset=None):
        """How a request is answered, step by step, and why `records` are among its results or
        not: of query() with query_embeddings, of search() with a Search, else of
        list_records()."""
        records = list(records)
        if search is not None:
            text = self._handle.explain_search(json.dumps(search.to_dict()), records)
        elif query_embeddings is not None:
            text = self._handle.explain_query(query_embeddings, n_results, _ids(ids),
                                              _text(where), _text(where_document), records)
        else:
            text = self._handle.explain_list(_ids(ids), _text(where), _text(where_document),
                                             _sort_keys(order_by), limit, offset, records)
        return json.loads(text)

    def recall(self, n_queries=100, n_results=10):
        """Which share of the nearest records queries find, measured with records of the
        collection: {"recall": …, "n_queries": …, "n_records": …, "query_milliseconds": …,
        "exact_query_milliseconds": …}"""
        return self._handle.recall(n_queries, n_results)

    @property
    def target_recall(self):
        """The recall that queries are to have, in place of ef_search; None where none was set."""
        return (self.metadata or {}).get(_TARGET)

    @target_recall.setter
    def target_recall(self, recall):
        metadata = {key: value for key, value in (self.metadata or {}).items()
                    if not key.startswith("hnsw:")}
        metadata[_TARGET] = None if recall is None else float(recall)
        self._handle.modify(None, metadata, None, None)
        self._set_metadata({key: value for key, value in metadata.items() if value is not None})

    def wait_until_indexed(self, timeout=None, progress=False):
        """Waits until the vector index has all that was written, which is done in the background
        anyway. Whether it has: False after `timeout` seconds. Ctrl-C ends the waiting."""
        end = None if timeout is None else time.monotonic() + timeout
        indexed, unindexed = self._handle.indexing_status()
        with _Progress(indexed + unindexed, "indexing", progress) as bar:
            while unindexed > 0:
                if end is not None and time.monotonic() >= end:
                    return False
                time.sleep(0.05)
                indexed, unindexed = self._handle.indexing_status()
                bar.to(indexed)
            bar.to(indexed)
        return True

    def add_batches(self, ids, embeddings=None, metadatas=None, documents=None, images=None,
                    uris=None, batch_size=5000, progress=True):
        """add() of many records, batch by batch, with a progress bar where tqdm is installed.
        Each batch is added or not as a whole."""
        self._in_batches(self.add, ids, (embeddings, metadatas, documents, images, uris),
                         batch_size, progress)

    def upsert_batches(self, ids, embeddings=None, metadatas=None, documents=None, images=None,
                       uris=None, batch_size=5000, progress=True):
        """upsert() as add_batches() adds."""
        self._in_batches(self.upsert, ids, (embeddings, metadatas, documents, images, uris),
                         batch_size, progress)

    def _in_batches(self, write, ids, columns, batch_size, progress):
        check_batch_size(batch_size)
        for column in columns:
            if column is not None and len(column) != len(ids):
                raise ValueError(f"Unequal lengths: {len(ids)} ids and {len(column)} of another")
        with _Progress(len(ids), "writing", progress) as bar:
            for begin in range(0, len(ids), batch_size):
                end = begin + batch_size
                write(list(ids[begin:end]),
                      *[column if column is None else column[begin:end] for column in columns])
                bar.to(min(end, len(ids)))

    # ---- moving data (_moving.py)

    def to_arrow(self, ids=None, where=None, where_document=None, embeddings=True):
        """Records as a pyarrow.Table: id, document, uri, embedding, a column metadata.KEY for
        each key, and metadata_json with what fits no column. Vectors are not copied."""
        from chroma_cpp import _moving

        return _moving.to_arrow(self, _ids(ids), where, where_document, embeddings)

    def add_arrow(self, table, write="add", batch_size=5000, progress=False):
        """Writes the rows of whatever speaks the Arrow PyCapsule interface: a table of pyarrow, a
        frame of pandas or polars, a relation of DuckDB. The columns are those of to_arrow();
        others are metadata. `write`: add, upsert or update. How many rows there were."""
        from chroma_cpp import _moving

        return _moving.add_arrow(self, table, write, batch_size, progress)

    def to_pandas(self, **which):
        """to_arrow() as a frame of pandas, with the ids as its index."""
        return self.to_arrow(**which).to_pandas().set_index("id")

    def to_polars(self, **which):
        """to_arrow() as a frame of polars."""
        import polars

        return polars.from_arrow(self.to_arrow(**which))

    def export_file(self, path, format=None, where=None, where_document=None, embeddings=True):
        """Writes records into a file: parquet, arrow (IPC), jsonl or csv, by `format` or the
        name's ending. How many there were."""
        from chroma_cpp import _moving

        return _moving.export_file(self, path, format, where, where_document, embeddings)

    def import_file(self, path, format=None, write="add", batch_size=5000, progress=False):
        """Writes the records of a file as export_file makes them. How many there were."""
        from chroma_cpp import _moving

        return _moving.import_file(self, path, format, write, batch_size, progress)
