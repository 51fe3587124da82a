"""Records to and from Arrow tables and files. pyarrow is needed for Arrow and Parquet only."""
import contextlib
import csv
import json
import os

PAGE = 10000
_PREFIX = "metadata."
_REST = "metadata_json"
_WRITES = ("add", "upsert", "update")


def _pyarrow():
    try:
        import pyarrow
    except ImportError as failure:
        raise ImportError("Arrow and Parquet need pyarrow: pip install pyarrow") from failure
    return pyarrow


def _pages(collection, ids, where, where_document, embeddings):
    """The records, so many at a time, in order of insertion."""
    include = ["documents", "metadatas", "uris"] + (["embeddings"] if embeddings else [])
    if ids is None:
        ids = collection.get(where=where, where_document=where_document, include=[])["ids"]
        where = where_document = None
    for begin in range(0, len(ids), PAGE):
        yield collection.get(ids=ids[begin:begin + PAGE], where=where,
                             where_document=where_document, include=include)


def _kind(value):
    """The type of a metadata value, or None where it has no column of its own."""
    if isinstance(value, list):
        return (list, type(value[0])) if value else None
    return type(value) if isinstance(value, (bool, int, float, str)) else None


def _kinds(pages):
    """Of every metadata key its one type; None where it has several."""
    kinds = {}
    for page in pages:
        for metadata in page["metadatas"]:
            for key, value in (metadata or {}).items():
                kind = _kind(value)
                if kinds.setdefault(key, kind) != kind:
                    kinds[key] = None
    return kinds


def _plain(value):
    """A metadata value as JSON has it."""
    return value.to_dict() if hasattr(value, "to_dict") else value


def _from_plain(value):
    if isinstance(value, dict):
        from chromadb.base_types import SparseVector

        return SparseVector.from_dict(value)
    return value


def _split(metadata, kinds):
    """What has columns, and the rest as JSON or None."""
    metadata = metadata or {}
    rest = {key: _plain(value) for key, value in metadata.items() if kinds[key] is None}
    return metadata, json.dumps(rest) if rest else None


# ---- directories of chromadb


@contextlib.contextmanager
def import_progress(progress):
    """What an import is to call: nothing, a function as it is, or a bar."""
    if progress is not True:
        yield progress or None
        return
    from tqdm.auto import tqdm

    bar = tqdm(unit="records")

    def tell(step, collection, done, total):
        described = f"{step} {collection}".rstrip()
        if bar.desc != described + ": ":
            bar.reset(total or None)
            bar.set_description(described)
        bar.n = done
        bar.update(0)

    with bar:
        yield tell


# ---- Arrow


def _type_of(pa, kind):
    scalars = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    return pa.list_(scalars[kind[1]]) if isinstance(kind, tuple) else scalars[kind]


def _schema(pa, kinds, has_uris, dimension):
    fields = [("id", pa.string()), ("document", pa.string())]
    if has_uris:
        fields.append(("uri", pa.string()))
    if dimension is not None:
        fields.append(("embedding", pa.list_(pa.float32(), dimension)))
    fields += [(_PREFIX + key, _type_of(pa, kind)) for key, kind in kinds.items() if kind]
    if None in kinds.values():
        fields.append((_REST, pa.string()))
    return pa.schema(fields)


def _to_batch(pa, schema, kinds, page):
    split = [_split(metadata, kinds) for metadata in page["metadatas"]]
    columns = []
    for field in schema:
        if field.name == "id":
            values = page["ids"]
        elif field.name in ("document", "uri"):
            values = page[field.name + "s"]
        elif field.name == "embedding":
            numbers = pa.array(page["embeddings"].reshape(-1))
            columns.append(pa.FixedSizeListArray.from_arrays(numbers, field.type.list_size))
            continue
        elif field.name == _REST:
            values = [rest for _, rest in split]
        else:
            key = field.name[len(_PREFIX):]
            values = [metadata.get(key) for metadata, _ in split]
        columns.append(pa.array(values, field.type))
    return pa.record_batch(columns, schema=schema)


def _batches(pa, pages):
    """The schema, and the batches of the pages, which are a list."""
    kinds = _kinds(pages)
    has_uris = any(uri is not None for page in pages for uri in page["uris"])
    with_vectors = [page for page in pages if page["embeddings"] is not None and page["ids"]]
    dimension = with_vectors[0]["embeddings"].shape[1] if with_vectors else None
    schema = _schema(pa, kinds, has_uris, dimension)
    return schema, (_to_batch(pa, schema, kinds, page) for page in pages)


def to_arrow(collection, ids, where, where_document, embeddings):
    pa = _pyarrow()
    schema, batches = _batches(pa, list(_pages(collection, ids, where, where_document,
                                               embeddings)))
    return pa.Table.from_batches(batches, schema)


def _vectors_of(column):
    """A column of lists as a matrix; as lists where they are of several lengths."""
    import numpy as np

    if column.null_count:
        raise ValueError("Records without an embedding: the column embedding has nulls")
    numbers = column.flatten().to_numpy(zero_copy_only=False)
    if len(column) and len(numbers) % len(column) == 0:
        matrix = numbers.reshape(len(column), -1)
        if hasattr(column.type, "list_size") or all(
                length == matrix.shape[1] for length in column.value_lengths().to_pylist()):
            return matrix
    return [np.asarray(row, dtype=np.float32) for row in column.to_pylist()]


def _metadatas_of(batch, columns):
    """Of each row what its columns that are not null say."""
    values = {}
    for name in columns:
        if name != _REST:
            key = name[len(_PREFIX):] if name.startswith(_PREFIX) else name
            values[key] = batch.column(name).to_pylist()
    rest = batch.column(_REST).to_pylist() if _REST in columns else [None] * len(batch)
    metadatas = []
    for i, text in enumerate(rest):
        metadata = {key: column[i] for key, column in values.items() if column[i] is not None}
        structs = [key for key, value in metadata.items() if isinstance(value, dict)]
        for key in structs:
            metadata.update({k: v for k, v in metadata.pop(key).items() if v is not None})
        if text:
            metadata.update({k: _from_plain(v) for k, v in json.loads(text).items()})
        metadatas.append(metadata or None)
    return metadatas if any(metadatas) else None


def _write_batch(write, batch):
    names = batch.schema.names
    others = [name for name in names if name not in ("id", "document", "uri", "embedding")]
    text = {name: batch.column(name).to_pylist() if name in names else None
            for name in ("document", "uri")}
    write(ids=[str(one) for one in batch.column("id").to_pylist()],
          embeddings=_vectors_of(batch.column("embedding")) if "embedding" in names else None,
          metadatas=_metadatas_of(batch, others) if others else None,
          documents=text["document"], uris=text["uri"])


def _writer(collection, write):
    if write not in _WRITES:
        raise ValueError(f"write must be one of {', '.join(_WRITES)}, got {write}")
    return getattr(collection, write)


def add_arrow(collection, table, write, batch_size, progress):
    from chroma_cpp._beyond import _Progress, check_batch_size

    pa = _pyarrow()
    check_batch_size(batch_size)
    writer = _writer(collection, write)
    if isinstance(table, pa.Table):
        reader = table.to_reader(max_chunksize=batch_size)
    elif hasattr(table, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(table)
    elif not hasattr(table, "columns"):
        raise TypeError("Expected a table of Arrow or a frame of pandas or polars, got "
                        f"{type(table).__name__}")
    else:
        reader = pa.Table.from_pandas(table, preserve_index=False).to_reader(batch_size)
    if "id" not in reader.schema.names:
        raise ValueError("Expected a column id (a frame of pandas: reset_index() when it is the "
                         f"index), got {', '.join(reader.schema.names)}")
    total = len(table) if hasattr(table, "__len__") else None
    count = 0
    with _Progress(total, "writing", progress) as bar:
        for batch in reader:
            for begin in range(0, len(batch), batch_size):
                part = batch.slice(begin, batch_size)
                _write_batch(writer, part)
                count += len(part)
                bar.to(count)
    return count


# ---- files


def _format_of(path, format):
    known = {"parquet": "parquet", "arrow": "arrow", "ipc": "arrow", "feather": "arrow",
             "jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv"}
    name = format or os.path.splitext(os.fspath(path))[1].lstrip(".")
    if name not in known:
        raise ValueError(f"format must be parquet, arrow, jsonl or csv, got {name!r}")
    return known[name]


def _rows(pages):
    for page in pages:
        vectors = page["embeddings"]
        for i, id in enumerate(page["ids"]):
            row = {"id": id}
            if page["documents"][i] is not None:
                row["document"] = page["documents"][i]
            if page["uris"][i] is not None:
                row["uri"] = page["uris"][i]
            if page["metadatas"][i] is not None:
                row["metadata"] = {k: _plain(v) for k, v in page["metadatas"][i].items()}
            if vectors is not None:
                row["embedding"] = vectors[i].tolist()
            yield row


def _export_jsonl(path, pages):
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for row in _rows(pages):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _export_csv(path, pages):
    """Values that are no text are JSON, as is text that would read as JSON otherwise."""
    pages = list(pages)
    keys = sorted({key for page in pages for metadata in page["metadatas"]
                   for key in metadata or {}})
    names = ["id", "document", "uri", "embedding"] + [_PREFIX + key for key in keys]
    count = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in _rows(pages):
            metadata = row.pop("metadata", {})
            row.update({_PREFIX + key: json.dumps(value) for key, value in metadata.items()})
            if "embedding" in row:
                row["embedding"] = json.dumps(row["embedding"])
            writer.writerow(row)
            count += 1
    return count


def export_file(collection, path, format, where, where_document, embeddings):
    kind = _format_of(path, format)
    pages = _pages(collection, None, where, where_document, embeddings)
    if kind == "jsonl":
        return _export_jsonl(path, pages)
    if kind == "csv":
        return _export_csv(path, pages)
    pa = _pyarrow()
    pages = list(pages)
    schema, batches = _batches(pa, pages)
    if kind == "parquet":
        import pyarrow.parquet

        writer = pyarrow.parquet.ParquetWriter(path, schema)
    else:
        import pyarrow.ipc

        writer = pyarrow.ipc.new_file(path, schema)
    with writer:
        for batch in batches:
            writer.write_batch(batch)
    return sum(len(page["ids"]) for page in pages)


def _json_rows(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                row["id"] = str(row["id"])
            except (ValueError, TypeError, KeyError) as failure:
                raise ValueError(f"{path}, line {number}: not a record with an id: "
                                 f"{failure}") from failure
            yield row


def _cell(text):
    """JSON, but for null; every other text is itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if value is None else value


def _csv_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if "id" not in (lines.fieldnames or ()):
            raise ValueError(f"{path} has no column id")
        for cells in lines:
            try:
                yield _csv_row(cells)
            except (ValueError, TypeError, AttributeError) as failure:
                raise ValueError(f"{path}, line {lines.line_num}: not a record: "
                                 f"{failure}") from failure


def _csv_row(cells):
    row = {"id": cells.pop("id")}
    for name in ("document", "uri"):
        if cells.get(name):
            row[name] = cells[name]
        cells.pop(name, None)
    vector = cells.pop("embedding", None)
    if vector:
        row["embedding"] = json.loads(vector)
    row["metadata"] = json.loads(cells.pop("metadata", None) or "{}")
    row["metadata"].update({
        name[len(_PREFIX):] if name.startswith(_PREFIX) else name: _cell(text)
        for name, text in cells.items() if text})
    return row


def _write_rows(writer, rows):
    def column(name):
        values = [row.get(name) for row in rows]
        return values if any(value is not None for value in values) else None

    metadatas = [{key: _from_plain(value) for key, value in (row.get("metadata") or {}).items()}
                 or None for row in rows]
    writer(ids=[row["id"] for row in rows], embeddings=column("embedding"),
           metadatas=metadatas if any(metadatas) else None, documents=column("document"),
           uris=column("uri"))


def import_file(collection, path, format, write, batch_size, progress):
    from chroma_cpp._beyond import _Progress, check_batch_size

    check_batch_size(batch_size)
    kind = _format_of(path, format)
    if kind in ("parquet", "arrow"):
        _pyarrow()
        import pyarrow.ipc
        import pyarrow.parquet

        if kind == "parquet":
            table = pyarrow.parquet.read_table(path)
        else:
            with pyarrow.memory_map(os.fspath(path)) as source:
                table = pyarrow.ipc.open_file(source).read_all()
        return add_arrow(collection, table, write, batch_size, progress)
    writer = _writer(collection, write)
    count, rows = 0, []
    with _Progress(None, "writing", progress) as bar:
        for row in _json_rows(path) if kind == "jsonl" else _csv_rows(path):
            rows.append(row)
            if len(rows) == batch_size:
                _write_rows(writer, rows)
                count, rows = count + len(rows), []
                bar.to(count)
        if rows:
            _write_rows(writer, rows)
    return count + len(rows)
