#!/usr/bin/env python3
"""`chroma import` over directories that Chroma itself wrote, healthy and damaged.

usage: import_test.py BINARY [--pages N] [--seed N]
"""
import argparse
import hashlib
import json
import pathlib
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from server import Failed, Server  # noqa: E402

OK, INCOMPLETE, USAGE = 0, 1, 2
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"


def expect(what, wanted, got):
    if wanted != got:
        raise Failed(f"{what}: {got!r} instead of {wanted!r}")


def chroma(binary, *arguments, stdin=None):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, timeout=120,
                          check=False, input=stdin)
    if done.returncode < 0:
        raise Failed(f"{arguments} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def digest(directory):
    return {str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(directory.rglob("*")) if p.is_file()}


def float32(values):
    return struct.pack(f"<{len(values)}f", *values)


def records_of(binary, directory, collection):
    """All records of a collection of the new directory, by id, in order."""
    place = f"{directory}#{collection['tenant']}/{collection['database']}"
    code, out, err = chroma(binary, "export", place, collection["name"], "-", "--format", "jsonl")
    expect(f"export of {collection['name']} ({err})", OK, code)
    return {record["id"]: record for record in map(json.loads, out.splitlines())}


class Original:
    """A directory of one version, and what its package read from it."""

    def __init__(self, archive, directory):
        self.name = archive.name.removesuffix(".tar.xz")
        with tarfile.open(archive) as tar:
            tar.extractall(directory)
        self.directory = directory / "db"
        self.collections = json.loads((directory / "expected.json").read_text("utf-8"))[
            "collections"]

    def find(self, name):
        return next(c for c in self.collections if c["name"] == name)

    def segment(self, name):
        """The directory of a collection's vectors."""
        with sqlite3.connect(self.directory / "chroma.sqlite3") as connection:
            row = connection.execute(
                "SELECT s.id FROM segments s JOIN collections c ON s.collection = c.id "
                "WHERE c.name = ? AND s.scope = 'VECTOR'", (name,)).fetchone()
        connection.close()
        return row[0]


def same_embedding(wanted, got):
    if float32(wanted) == float32(got):
        return True
    # For cosine Chroma keeps directions and lengths and multiplies them, which rounds; what is in
    # its queue, and comes from there, is not rounded.
    return len(wanted) == len(got) and all(abs(a - b) <= 1e-6 for a, b in zip(wanted, got))


def same_record(wanted, got, flawed=False):
    """Whether a record arrived; `flawed`: but for what the report says of it."""
    exact = not wanted["id"].startswith("angles")
    if not (float32(wanted["embedding"]) == float32(got["embedding"]) if exact else
            same_embedding(wanted["embedding"], got["embedding"])):
        return flawed
    if flawed:
        # What is there is right.
        metadata = wanted["metadata"] or {}
        return (got["document"] in (None, wanted["document"]) and
                got["uri"] in (None, wanted["uri"]) and
                all(metadata.get(key) == value for key, value in (got["metadata"] or {}).items()))
    return (got["document"] == wanted["document"] and got["uri"] == wanted["uri"] and
            json.dumps(got["metadata"], sort_keys=True) ==
            json.dumps(wanted["metadata"], sort_keys=True))


def check_healthy(binary, original, work):
    before = digest(original.directory)
    new = work / "new"
    code, out, err = chroma(binary, "import", original.directory, new, "--json")
    expect(f"{original.name}: import ({err}{out})", OK, code)
    expect("the original afterwards", before, digest(original.directory))
    report = json.loads(out)
    expect("complete", True, report["complete"])
    expect("collections", len(original.collections), len(report["collections"]))
    check_complete(binary, original, new)
    # A second time nothing is overwritten.
    code, _, err = chroma(binary, "import", original.directory, new)
    expect("a second import", INCOMPLETE, code)
    if "already" not in err:
        raise Failed(f"a second import says: {err}")
    check_configuration(binary, original, new)


def check_complete(binary, original, new):
    for wanted in original.collections:
        got = records_of(binary, new, wanted)
        # Before 1.0 records were read in the order of an index.
        in_order = list if "chroma-0." not in original.name else sorted
        expect(f"{original.name}: ids of {wanted['name']}",
               in_order(r["id"] for r in wanted["records"]), in_order(got))
        for record in wanted["records"]:
            if not same_record(record, got[record["id"]]):
                raise Failed(f"{original.name}: {wanted['name']}: {got[record['id']]} instead of "
                             f"{record}")


def check_configuration(binary, original, new):
    spaces = {"mixed": "l2", "angles": "cosine", "products": "ip", "queued": "l2"}
    with Server(binary, new) as server:
        client = server.client()
        for wanted in original.collections:
            path = (f"/api/v2/tenants/{wanted['tenant']}/databases/{wanted['database']}"
                    f"/collections/{wanted['name']}")
            status, got = client.send("GET", path)
            expect(path, 200, status)
            expect(f"{original.name}: id of {wanted['name']}", wanted["id"], got["id"])
            expect(f"{original.name}: metadata of {wanted['name']}", wanted["metadata"],
                   got["metadata"])
            hnsw = got["configuration_json"]["hnsw"]
            if wanted["name"] not in spaces:
                continue
            expect(f"{original.name}: space of {wanted['name']}", spaces[wanted["name"]],
                   hnsw["space"])
            if wanted["name"] != "queued":
                expect("ef_construction", 77, hnsw["ef_construction"])
                expect("max_neighbors", 9, hnsw["max_neighbors"])
        server.stop()


# ---- damage: each function changes a copy, and returns whether all of it can still be imported

def run_sql(directory, *statements):
    connection = sqlite3.connect(directory / "chroma.sqlite3")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def lose_hnsw_directory(original, directory, rng):
    shutil.rmtree(directory / original.segment("mixed"))


def lose_pickle(original, directory, rng):
    (directory / original.segment("angles") / "index_metadata.pickle").unlink()


def cut_pickle(original, directory, rng):
    path = directory / original.segment("angles") / "index_metadata.pickle"
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 3])


def scramble_pickle(original, directory, rng):
    path = directory / original.segment("angles") / "index_metadata.pickle"
    path.write_bytes(b"\x80\x04cos\nsystem\n(X\x04\x00\x00\x00exittR.")


def zero_hnsw_header(original, directory, rng):
    path = directory / original.segment("products") / "header.bin"
    path.write_bytes(bytes(100))


def cut_vectors(original, directory, rng):
    """Half of the elements that are in use."""
    segment = directory / original.segment("products")
    header = (segment / "header.bin").read_bytes()
    count, size = struct.unpack_from("<QQ", header, 20)
    path = segment / "data_level0.bin"
    path.write_bytes(path.read_bytes()[:count * size // 2])


def lose_lengths(original, directory, rng):
    (directory / original.segment("angles") / "length.bin").unlink()


def lose_data(original, directory, rng):
    (directory / original.segment("products") / "data_level0.bin").unlink()


def cut_database(original, directory, rng):
    path = directory / "chroma.sqlite3"
    path.write_bytes(path.read_bytes()[:path.stat().st_size * 6 // 10])


def lose_magic(original, directory, rng):
    path = directory / "chroma.sqlite3"
    path.write_bytes(rng.randbytes(16) + path.read_bytes()[16:])


def zero_first_page(original, directory, rng):
    path = directory / "chroma.sqlite3"
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])


def lose_database(original, directory, rng):
    (directory / "chroma.sqlite3").unlink()


def lose_queue(original, directory, rng):
    run_sql(directory, "DELETE FROM embeddings_queue")


def break_log_header(original, directory, rng):
    (directory / "chroma.sqlite3-wal").write_bytes(rng.randbytes(4096 * 3))


DAMAGE = [lose_hnsw_directory, lose_pickle, cut_pickle, scramble_pickle, zero_hnsw_header,
          cut_vectors, lose_lengths, lose_data, cut_database, lose_magic, zero_first_page,
          lose_database, lose_queue, break_log_header]


def check_salvaged(binary, original, directory, new, what, misplaced=False):
    """Everything that was imported is right, and what was not is named. Returns how many records
    were saved, how many are missing without being named, and the report. `misplaced`: where a page
    is in the place of another, which looks right, what records lack may go without a name."""
    before = digest(directory)
    code, out, err = chroma(binary, "import", directory, new, "--salvage", "--json")
    if code not in (OK, INCOMPLETE) or not out:
        raise Failed(f"{what}: salvage ended with {code}: {err}")
    expect(f"{what}: the original afterwards", before, digest(directory))
    report = json.loads(out)
    expect(f"{what}: exit code", OK if report["complete"] else INCOMPLETE, code)
    named = {}
    for loss in report["losses"]:
        named.setdefault(loss.get("collection"), set()).add(loss.get("record"))
    missing = 0
    saved = 0
    wanted_by_id = {c["id"]: c for c in original.collections}
    segments = {original.segment(c["name"]): c for c in original.collections}
    for imported in report["collections"]:
        wanted = wanted_by_id.get(imported["id"]) or segments.get(imported["id"])
        got = records_of(binary, new, imported)
        if wanted is None:
            # Nothing but what was deleted may be there without a name.
            if any(not record_id.startswith("gone-") for record_id in got):
                raise Failed(f"{what}: {imported} was made up")
            continue
        losses = named.get(imported["name"], set())
        by_id = {record["id"]: record for record in wanted["records"]}
        for record_id, record in got.items():
            if record_id not in by_id:
                # Where the deletion was lost; the report names it for what it lacks.
                if record_id not in losses or not record_id.startswith(wanted["name"]):
                    raise Failed(f"{what}: {imported['name']} has {record_id}, which was deleted")
                continue
            flawed = misplaced or record_id in losses or None in losses
            if not same_record(by_id[record_id], record, flawed):
                raise Failed(f"{what}: {imported['name']}: {record} instead of "
                             f"{by_id[record_id]}")
        saved += len(got)
        missing += sum(1 for record_id in by_id if record_id not in got and
                       record_id not in losses and None not in losses)
    return saved, missing, report


def check_damage(binary, original, work, rng):
    total = sum(len(c["records"]) for c in original.collections)
    for damage in DAMAGE:
        what = f"{original.name}: {damage.__name__}"
        directory, new = work / "damaged", work / "salvaged"
        shutil.copytree(original.directory, directory)
        damage(original, directory, rng)
        code, out, err = chroma(binary, "import", directory, new, "--json")
        if code == OK and "chroma-0.5" in original.name:
            # Its queue was never purged: it has all that the HNSW files had.
            check_complete(binary, original, new)
            print(f"{what}: nothing is lost")
            for path in (directory, new):
                shutil.rmtree(path)
            continue
        expect(f"{what}: without salvage ({out})", INCOMPLETE, code)
        # What is left of it is no database, and the next import goes on there.
        if "import it with salvage" not in err or not (new / "IMPORTING").exists():
            raise Failed(f"{what}: {err}")
        saved, missing, report = check_salvaged(binary, original, directory, new, what)
        print(f"{what}: {saved} of {total} records saved, {len(report['losses'])} losses named, "
              f"{missing} missing without a name")
        for path in (directory, new):
            shutil.rmtree(path, ignore_errors=True)


def check_rejects(binary, original, work):
    """Records without a vector are in the file, with all else that there was of them."""
    directory, new, rejects = work / "damaged", work / "salvaged", work / "lost.jsonl"
    shutil.copytree(original.directory, directory)
    for path in directory.glob("*/data_level0.bin"):
        path.unlink()
    # What an earlier import left, and text that is not UTF-8.
    rejects.write_text("{}\n")
    run_sql(directory, "UPDATE embedding_metadata SET string_value = CAST(x'6265ff666f7265' AS TEXT) "
            "WHERE key = 'chroma:document' AND string_value = 'document 1: word '")
    for wrong in (directory / "lost.jsonl", directory / "chroma.sqlite3", new / "lost.jsonl",
                  work / "nowhere" / "lost.jsonl"):
        before = digest(directory)
        code, _, err = chroma(binary, "import", directory, new, "--salvage", "--rejects", wrong)
        expect(f"rejects in {wrong} ({err})", INCOMPLETE if "nowhere" in str(wrong) else USAGE, code)
        expect("the original afterwards", before, digest(directory))
    expect("rejects of a dry run", USAGE, chroma(
        binary, "import", directory, "--dry-run", "--salvage", "--rejects", rejects)[0])
    code, out, err = chroma(binary, "import", directory, new, "--salvage", "--json",
                            "--rejects", rejects)
    expect(f"without vectors ({err})", INCOMPLETE, code)
    if "chroma-0.5" in original.name:
        # The queue has every vector: there is only the text that was repaired.
        expect("rejects", b"", rejects.read_bytes())
    else:
        check_rejected(original, json.loads(out), rejects)
        again = rejects.read_bytes()
        code, _, _ = chroma(binary, "import", directory, new, "--salvage", "--rejects", rejects)
        expect("an import into what is there already", True, code != 0)
        expect("rejects of the first import", again, rejects.read_bytes())
    for path in (directory, new):
        shutil.rmtree(path)


def check_rejected(original, report, rejects):
    lost = {(loss["collection"], loss["record"]) for loss in report["losses"]
            if not loss["saved"]}
    lines = [json.loads(line) for line in rejects.read_text("utf-8").splitlines()]
    expect("rejected", lost, {(line["collection"], line["id"]) for line in lines})
    expect("in all", sum(c["records"] - c["imported"] for c in report["collections"]), len(lines))
    if len(lines) < 100:
        raise Failed(f"only {len(lines)} records were rejected")
    repaired = 0
    for line in lines:
        collection = original.find(line["collection"])
        wanted = next(r for r in collection["records"] if r["id"] == line["id"])
        expect("why", "its embedding is lost", line["why"])
        expect("where", (collection["tenant"], collection["database"]),
               (line["tenant"], line["database"]))
        document = line.get("document")
        if wanted["document"] == "document 1: word ":
            repaired += 1
            document = wanted["document"] if document == "be\ufffdfore" else document
        expect(f"document of {line['id']}", wanted["document"], document)
        expect(f"uri of {line['id']}", wanted["uri"], line.get("uri"))
        expect(f"metadata of {line['id']}", json.dumps(wanted["metadata"], sort_keys=True),
               json.dumps(line.get("metadata"), sort_keys=True))
    if repaired == 0:
        raise Failed("no damaged text was rejected")


def check_run_imports(binary, original, work):
    """`run --import`: once, and never an empty database in place of what could not be read."""
    directory = work / "db"
    imported = work / "db-imported"
    shutil.copytree(original.directory, directory)
    whole = (directory / "chroma.sqlite3").read_bytes()
    (directory / "chroma.sqlite3").write_bytes(whole[:len(whole) // 2])
    for _ in range(2):
        code, out, err = chroma(binary, "run", "--path", directory, "--import", "--port", "0")
        expect(f"run on a damaged directory ({err})", 1, code)
        if "salvage" not in err:
            raise Failed(f"run says: {err}")
    code, _, err = chroma(binary, "export", imported, "mixed", "-", "--format", "jsonl")
    expect("what it has begun", 1, code)
    if "not finished" not in err:
        raise Failed(f"opening says: {err}")
    (directory / "chroma.sqlite3").write_bytes(whole)
    records = len(original.find("mixed")["records"])
    for added in (0, 1):
        with Server(binary, directory, flags=["--import"]) as server:
            client = server.client()
            status, mixed = client.send("GET", COLLECTIONS + "/mixed")
            expect("the imported collection", 200, status)
            url = f"{COLLECTIONS}/{mixed['id']}"
            expect("count", (200, records + added), client.send("GET", url + "/count"))
            if added == 0:
                record = {"ids": ["later"], "embeddings": [[0.5] * mixed["dimension"]]}
                expect("a write to it", 201, client.send("POST", url + "/add", record)[0])
            server.stop()
    for path in (directory, imported):
        shutil.rmtree(path)


def check_damaged_ids(binary, original, work):
    """Ids that are no UTF-8, and would be the same one once repaired, as another has it already."""
    directory, new = work / "damaged", work / "salvaged"
    shutil.copytree(original.directory, directory)
    wanted = original.find("queued")["records"]
    names = (b"same\xffid", b"same\xfeid", "same\ufffdid".encode())
    for record, name in zip(wanted, names):
        for table, column in (("embeddings", "embedding_id"), ("embeddings_queue", "id")):
            run_sql(directory, f"UPDATE {table} SET {column} = CAST(x'{name.hex()}' AS TEXT) "
                    f"WHERE {column} = '{record['id']}'")
    code, out, err = chroma(binary, "import", directory, new, "--salvage", "--json")
    expect(f"{original.name}: damaged ids ({err})", INCOMPLETE, code)
    got = records_of(binary, new, original.find("queued"))
    expect("records", len(wanted), len(got))
    # The one that was right keeps its id.
    for record, record_id in zip(wanted, ("same\ufffdid-2", "same\ufffdid-3", "same\ufffdid")):
        if not same_record({**record, "id": record_id}, got[record_id]):
            raise Failed(f"{got[record_id]} instead of {record}")
    expect("the losses", [("same\ufffdid-2", True), ("same\ufffdid-3", True)],
           sorted((loss["record"], loss["saved"]) for loss in json.loads(out)["losses"]))
    for path in (directory, new):
        shutil.rmtree(path)


def check_many_damaged_ids(binary, original, work):
    """Very many ids that are the same one once repaired take no longer than others."""
    many = 50_000
    directory = work / "damaged"
    shutil.copytree(original.directory, directory)
    wanted = original.find("queued")["records"]
    connection = sqlite3.connect(directory / "chroma.sqlite3")
    rest = connection.execute("SELECT operation, topic, vector, encoding, metadata "
                              "FROM embeddings_queue WHERE id = ?", (wanted[0]["id"],)).fetchone()
    seq_id = connection.execute("SELECT max(seq_id) FROM embeddings_queue").fetchone()[0]
    connection.executemany(
        "INSERT INTO embeddings_queue (seq_id, id, operation, topic, vector, encoding, metadata) "
        "VALUES (?, CAST(? AS TEXT), ?, ?, ?, ?, ?)",
        ((seq_id + 1 + n, bytes(0x80 + (n >> shift) % 64 for shift in (0, 6, 12)), *rest)
         for n in range(many)))
    connection.commit()
    connection.close()
    done = subprocess.run([binary, "import", directory, "--dry-run", "--salvage", "--json"],
                          capture_output=True, text=True, timeout=120)
    expect(f"many damaged ids ({done.stderr})", INCOMPLETE, done.returncode)
    expect("their names", {"\ufffd" * 3} | {f"{chr(0xfffd) * 3}-{n}" for n in range(2, many + 1)},
           {loss["record"] for loss in json.loads(done.stdout)["losses"]})
    shutil.rmtree(directory)


def check_nothing_saved(binary, original, work):
    """Where nothing can be read, a salvage says so, and fails."""
    directory, new = work / "damaged", work / "salvaged"
    directory.mkdir()
    (directory / "chroma.sqlite3").write_bytes(b"\x5a" * 20000)
    for target in ([new], ["--dry-run"]):
        code, out, err = chroma(binary, "import", directory, *target, "--salvage")
        expect(f"a salvage of nothing ({err}{out})", INCOMPLETE, code)
        if "not saved: no record could be saved" not in out:
            raise Failed(f"a salvage of nothing says: {out}{err}")
    code, out, _ = chroma(binary, "import", directory, "--dry-run", "--salvage", "--json")
    expect("the same as JSON", (INCOMPLETE, False), (code, json.loads(out)["complete"]))
    for path in (directory, new):
        shutil.rmtree(path)


def check_imports_at_once(binary, original, work):
    """Of several that begin one import at the same moment one imports. `run --import` waits for
    it, and uses what it made."""
    new = work / "new-at-once"
    command = [binary, "import", str(original.directory), str(new)]
    ended = [process.communicate() + (process.returncode,) for process in
             [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
              for _ in range(4)]]
    expect(f"imports at once ({ended})", [OK, INCOMPLETE, INCOMPLETE, INCOMPLETE],
           sorted(code for *_, code in ended))
    for _, err, code in ended:
        if code != OK and "already" not in err:
            raise Failed(f"who came second is told: {err}")
    check_complete(binary, original, new)

    directory = work / "at-once"
    shutil.copytree(original.directory, directory)
    command = [binary, "run", "--path", str(directory), "--import", "--test", "--port", "0"]
    ended = [process.communicate() + (process.returncode,) for process in
             [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
              for _ in range(4)]]
    expect(f"runs at once ({ended})", [OK] * 4, [code for *_, code in ended])
    check_complete(binary, original, work / "at-once-imported")
    for path in (new, directory, work / "at-once-imported"):
        shutil.rmtree(path)


def check_pages(binary, original, work, rng, count):
    """Pages of the database one by one: zeros, noise, and a page of somewhere else."""
    whole = (original.directory / "chroma.sqlite3").read_bytes()
    pages = len(whole) // 4096
    unnamed = 0
    for _ in range(count):
        page = rng.randrange(pages)
        kind = rng.randrange(3)
        other = rng.randrange(pages)
        junk = [bytes(4096), rng.randbytes(4096), whole[other * 4096:(other + 1) * 4096]][kind]
        what = f"{original.name}: page {page + 1} becomes {['zeros', 'noise', f'page {other + 1}'][kind]}"
        directory, new = work / "damaged", work / "salvaged"
        shutil.copytree(original.directory, directory)
        (directory / "chroma.sqlite3").write_bytes(
            whole[:page * 4096] + junk + whole[(page + 1) * 4096:])
        _, missing, _ = check_salvaged(binary, original, directory, new, what, kind == 2)
        unnamed += missing
        for path in (directory, new):
            shutil.rmtree(path, ignore_errors=True)
    print(f"{original.name}: {count} pages damaged, {unnamed} records missing without a name")


def check_unfinished_transactions(binary, original, work):
    """What a killed writer leaves: a journal to be rolled back, a log with commits."""
    directory = work / "journal"
    shutil.copytree(original.directory, directory)
    connection = sqlite3.connect(directory / "chroma.sqlite3", isolation_level=None)
    connection.execute("PRAGMA cache_size = 2")
    connection.execute("BEGIN")
    connection.execute("UPDATE embeddings SET embedding_id = embedding_id || '-x'")
    connection.execute("UPDATE embedding_metadata SET string_value = string_value || 'junk' "
                       "WHERE string_value IS NOT NULL")
    killed = work / "killed"
    shutil.copytree(directory, killed)
    connection.execute("ROLLBACK")
    connection.close()
    if not (killed / "chroma.sqlite3-journal").stat().st_size:
        raise Failed("there is no journal to be tested")
    code, out, err = chroma(binary, "import", killed, work / "rolled-back", "--json")
    expect(f"{original.name}: with a journal ({err})", OK, code)
    for wanted in original.collections:
        got = records_of(binary, work / "rolled-back", wanted)
        for record in wanted["records"]:
            if not same_record(record, got[record["id"]]):
                raise Failed(f"{original.name}: rolled back wrongly: {got[record['id']]}")

    logged = work / "logged"
    connection = sqlite3.connect(directory / "chroma.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE embedding_metadata SET string_value = 'from the log' "
                       "WHERE key = 'chroma:document' AND string_value = 'late'")
    shutil.copytree(directory, logged)
    connection.close()
    code, out, err = chroma(binary, "import", logged, work / "from-log", "--json")
    expect(f"{original.name}: with a log ({err})", OK, code)
    got = records_of(binary, work / "from-log", original.find("mixed"))
    expect("what only the log has", "from the log", got["late"]["document"])


def check_commands(binary, original, work):
    new = work / "commands"
    code, out, _ = chroma(binary, "import", original.directory, "--dry-run", "--json")
    expect("a dry run", OK, code)
    expect("of a dry run", len(original.collections), len(json.loads(out)["collections"]))
    expect("no arguments", USAGE, chroma(binary, "import")[0])
    expect("no destination", USAGE, chroma(binary, "import", original.directory)[0])
    expect("nothing there", INCOMPLETE, chroma(binary, "import", work / "nowhere", new)[0])
    # Opening it says what to do.
    code, out, err = chroma(binary, "run", "--path", original.directory, "--test", "--port", "0")
    expect("run on it", 1, code)
    if f"chroma import {original.directory} " not in out + err:
        raise Failed(f"run says: {out}{err}")
    # An import that was begun is gone on with, and not opened otherwise.
    code, _, err = chroma(binary, "import", original.directory, new)
    expect(f"import ({err})", OK, code)
    (new / "IMPORTING").write_text(str(original.directory.resolve()))
    code, _, err = chroma(binary, "export", new, "mixed", "-", "--format", "jsonl")
    expect("open what is not finished", 1, code)
    if "not finished" not in err:
        raise Failed(f"opening says: {err}")
    code, out, err = chroma(binary, "import", original.directory, new, "--json")
    expect(f"go on ({err})", OK, code)
    expect("complete", True, json.loads(out)["complete"])
    expect("count", len(original.find("mixed")["records"]),
           len(records_of(binary, new, original.find("mixed"))))


def check_files(binary, original, work):
    """JSON Lines and CSV: what went out comes back."""
    new = work / "files"
    expect("import", OK, chroma(binary, "import", original.directory, new)[0])
    for ending in ("jsonl", "csv"):
        for name in ("mixed", "angles", "empty"):
            first = work / f"first.{ending}"
            second = work / f"second.{ending}"
            code, _, err = chroma(binary, "export", new, name, first)
            expect(f"export ({err})", OK, code)
            copy = f"{name}-{ending}"
            code, _, err = chroma(binary, "import", first, new, copy)
            expect(f"import of {first.name} ({err})", OK, code)
            expect("export again", OK, chroma(binary, "export", new, copy, second)[0])
            if first.read_bytes() != second.read_bytes():
                raise Failed(f"{name} changed by {ending}")
    # Through pipes, and over HTTP.
    code, out, _ = chroma(binary, "export", new, "mixed", "-", "--format", "csv")
    expect("export to stdout", OK, code)
    with Server(binary, new) as server:
        url = f"http://127.0.0.1:{server.port}"
        code, _, err = chroma(binary, "import", "-", url, "piped", "--format", "csv",
                              stdin=out.encode())
        expect(f"import from stdin ({err})", OK, code)
        code, again, err = chroma(binary, "export", url, "piped", "-", "--format", "csv")
        expect(f"export over HTTP ({err})", OK, code)
        expect("over HTTP", out, again)
        server.stop()
    for text, line in ((b'{"id":"a","embedding":[1,2]}\n{"id":"b","embedding":[1,2,3]}\n', "line 2"),
                       (b'{"id":"a","embedding":[1,2]}\n\n{"id":7}\n', "line 3"),
                       (b'{"id":"a"}\n', "line 1")):
        code, _, err = chroma(binary, "import", "-", new, "wrong", "--format", "jsonl", stdin=text)
        expect(f"a wrong file ({err})", 1, code)
        if line not in err:
            raise Failed(f"{line} is not named: {err}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--archive", action="append")
    arguments = parser.parse_args()
    archives = [HERE / name for name in arguments.archive or
                sorted(p.name for p in HERE.glob("chroma-*.tar.xz"))]
    for archive in archives:
        # Runs may replay: each archive has a sequence of its own.
        rng = random.Random(f"{arguments.seed} {archive.name}")
        with tempfile.TemporaryDirectory() as name:
            work = pathlib.Path(name)
            original = Original(archive, work / "original")
            check_healthy(arguments.binary, original, work)
            check_unfinished_transactions(arguments.binary, original, work)
            check_commands(arguments.binary, original, work)
            check_files(arguments.binary, original, work)
            check_rejects(arguments.binary, original, work)
            check_damaged_ids(arguments.binary, original, work)
            if archive == archives[-1]:
                check_many_damaged_ids(arguments.binary, original, work)
            check_nothing_saved(arguments.binary, original, work)
            check_imports_at_once(arguments.binary, original, work)
            check_run_imports(arguments.binary, original, work)
            check_damage(arguments.binary, original, work, rng)
            check_pages(arguments.binary, original, work, rng, arguments.pages)
        print(f"{original.name}: as it should be")


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"FAILED: {failed}")
