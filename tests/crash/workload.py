"""Clients that write to a server until it dies, and what must be there afterwards.

A History knows what was acknowledged. Every client owns its ids and sends one request at a time,
so that after a crash each of its collections holds exactly one of two states: that of the
acknowledged requests, or that and the one unanswered request, whole.
"""
import http.client
import pathlib
import random
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Client, Failed  # noqa: E402

BUCKETS = 8  # records with the same number modulo this can be deleted together
LONG_TEXT = "a long text " * 130
ALL_FIELDS = ["embeddings", "documents", "metadatas"]


def record(number, version):
    """All fields follow from (number, version), so that a mixture of two versions is seen."""
    text = f"record {number} version {version}"
    if version % 5 == 0:
        text += LONG_TEXT
    return ([float(number), float(version % 65536), 1.0], text,
            {"v": version, "n": number, "b": number % BUCKETS})


def after_request(state, operation, numbers, version):
    """The state (number -> version, in the order of first insertion) after one request."""
    after = dict(state)
    for number in numbers:
        if operation == "delete":
            after.pop(number, None)
        elif operation == "upsert" or (operation == "add" and number not in after) or \
                (operation == "update" and number in after):
            after[number] = version
    return after


def explain(want, got):
    missing = [n for n in want if n not in got]
    extra = [n for n in got if n not in want]
    other = [n for n in want if n in got and got[n] != want[n]]
    order = "" if missing or extra or list(want) == list(got) else ", in another order"
    return f"{len(missing)} missing {missing[:5]}, {len(extra)} too many {extra[:5]}, " \
           f"{len(other)} of another version {other[:5]}{order}"


class ClientThread(threading.Thread):
    """Runs `step` until the server is gone. `error` is what the main thread must report."""

    def __init__(self, port, seed):
        super().__init__(daemon=True)
        self.client = Client(port)
        self.random = random.Random(seed)
        self.stopping = False
        self.acknowledged = self.refused = 0
        self.error = None

    def run(self):
        try:
            while not self.stopping:
                self.step()
        except (OSError, http.client.HTTPException):
            pass  # the server is gone
        except Exception as error:
            self.error = error

    def send(self, method, path, body, wanted, refusals):
        """The answer; None when the request was refused with one of `refusals`."""
        status, answer = self.client.send(method, path, body)
        if status == wanted:
            self.acknowledged += 1
            return answer if answer is not None else True
        if status in refusals:
            self.refused += 1
            return None
        raise Failed(f"{method} {path}: want {wanted}, got {status}: {answer}")


class Writer(ClientThread):
    """Owns the ids "t<index>-<number>" of every collection."""

    def __init__(self, history, index, port, seed, batch_max):
        super().__init__(port, seed)
        self.history, self.index, self.batch_max = history, index, batch_max

    def body(self, operation, numbers, version):
        body = {"ids": [f"t{self.index}-{n}" for n in numbers]}
        if operation != "delete":
            records = [record(n, version) for n in numbers]
            body["embeddings"] = [r[0] for r in records]
            body["documents"] = [r[1] for r in records]
            body["metadatas"] = [{**r[2], "t": self.index} for r in records]
        return body

    def step(self):
        history = self.history
        collection = self.random.randrange(len(history.paths))
        path, state = history.paths[collection], history.states[self.index][collection]
        operation = self.random.choice(
            ["add", "add", "upsert", "upsert", "update", "delete", "delete where", "get"])
        if operation == "get":
            return self.read_own(path, state)
        if operation == "delete where":
            bucket = self.random.randrange(BUCKETS)
            numbers = [n for n in state if n % BUCKETS == bucket]
            body = {"where": {"$and": [{"t": self.index}, {"b": bucket}]}}
            after = after_request(state, "delete", numbers, 0)
        else:
            count = self.random.randint(1, self.batch_max)
            numbers = self.random.sample(range(history.ids), count)
            version = self.random.getrandbits(40)
            body = self.body(operation, numbers, version)
            after = after_request(state, operation, numbers, version)
        history.pending[self.index] = (collection, after)
        wanted = 201 if operation == "add" else 200
        answer = self.send("POST", f"{path}/{operation.split()[0]}", body, wanted,
                           history.refusals)
        if answer is not None:
            history.states[self.index][collection] = after
        history.pending[self.index] = None

    def read_own(self, path, state):
        """A client sees its own acknowledged writes, and nothing else of its own."""
        got = self.client.post(f"{path}/get", {"where": {"t": self.index}, "include": ["metadatas"]})
        found = {m["n"]: m["v"] for m in got["metadatas"]}
        if list(found.items()) != list(state.items()):
            raise Failed(f"while running, client {self.index}: {explain(state, found)}")


class CatalogWriter(ClientThread):
    """Makes, fills and deletes collections of its own, and switches an index of the writers'."""

    RECORDS = 3

    def __init__(self, history, port, seed):
        super().__init__(port, seed)
        self.history = history

    def switch_text_index(self):
        # No client asks for what it answers, so that only the switching itself can go wrong.
        enabled = self.random.random() < 0.5
        text = {"#document": {"string": {"fts_index": {"enabled": enabled, "config": {}}}}}
        self.send("PUT", self.random.choice(self.history.paths),
                  {"new_schema": {"defaults": {}, "keys": text}}, 200, self.history.refusals)

    def step(self):
        if self.random.random() < 0.1:
            self.switch_text_index()
            return
        history = self.history
        name = f"made-{self.random.randrange(8)}"
        base = Client.DATABASE + "/collections"
        count = history.made.get(name)
        if count is None:
            after = 0
            request = ("POST", base, {"name": name}, 200)
        elif count == 0 and self.random.random() < 0.8:
            after = self.RECORDS
            made_id = self.client.create(name).rsplit("/", 1)[1]
            request = ("POST", f"{base}/{made_id}/add",
                       {"ids": [str(n) for n in range(after)],
                        "embeddings": [[float(n)] for n in range(after)]}, 201)
        else:
            after = None
            request = ("DELETE", f"{base}/{name}", None, 200)
        history.made_pending = (name, after)
        if self.send(*request, history.refusals) is not None:
            history.made[name] = after
        history.made_pending = None


class History:
    """What the clients of one data directory were told, over any number of servers."""

    def __init__(self, clients=4, collections=4, ids=400, seed=0):
        self.random = random.Random(seed)
        self.clients, self.collections, self.ids = clients, collections, ids
        self.states = [[{} for _ in range(collections)] for _ in range(clients)]
        self.pending = [None] * clients  # (collection, the state it would make)
        self.made, self.made_pending = {}, None
        self.paths = []
        self.refusals = ()  # statuses that refuse a write without applying it
        self.threads = []
        self.acknowledged = self.unanswered = self.refused = 0

    def begin(self, port, batch_max=20):
        """Starts the clients against a running server."""
        try:
            client = Client(port)
            self.paths = [client.create(f"kept-{c}") for c in range(self.collections)]
        except (OSError, http.client.HTTPException):
            return  # dead already
        seeds = [self.random.getrandbits(32) for _ in range(self.clients + 1)]
        self.threads = [Writer(self, i, port, seeds[i], batch_max) for i in range(self.clients)]
        self.threads.append(CatalogWriter(self, port, seeds[-1]))
        for thread in self.threads:
            thread.start()

    def end(self, stop=False, timeout_seconds=60):
        """Waits for the clients; with `stop` the server lives on."""
        for thread in self.threads:
            thread.stopping = stop
        for thread in self.threads:
            thread.join(timeout_seconds)
            if thread.is_alive():
                raise Failed("a client hangs: the server neither answers nor dies")
            if thread.error:
                raise thread.error
            self.acknowledged += thread.acknowledged
            self.refused += thread.refused
        self.threads = []
        self.unanswered += sum(p is not None for p in [*self.pending, self.made_pending])

    def check(self, server):
        """Compares everything with what was acknowledged; adopts what was unanswered and is
        there. Raises Failed."""
        client = server.client()
        paths = [client.create(f"kept-{c}") for c in range(self.collections)]
        if self.paths and paths != self.paths:
            raise Failed("a collection has another id than before")
        self.paths = paths
        for number, path in enumerate(paths):
            found = self.read(client, path)
            for index in range(self.clients):
                self.compare(index, number, found[index])
        self.pending = [None] * self.clients
        self.check_made(client)

    def compare(self, index, collection, found):
        want, pending = self.states[index][collection], self.pending[index]
        if list(found.items()) == list(want.items()):
            return
        unknown = pending[1] if pending and pending[0] == collection else None
        if unknown is not None and list(found.items()) == list(unknown.items()):
            self.states[index][collection] = found
            return
        raise Failed(f"client {index}, collection {collection}: {explain(want, found)}; against "
                     f"the unanswered request: {explain(unknown, found) if unknown else 'none'}")

    def read(self, client, path):
        """What the collection holds, by client; fails where two ways of reading disagree."""
        got = client.post(f"{path}/get", {"include": ALL_FIELDS})
        found = [{} for _ in range(self.clients)]
        for i, name in enumerate(got["ids"]):
            index, number = (int(part) for part in name[1:].split("-"))
            version = got["metadatas"][i]["v"]
            embedding, document, metadata = record(number, version)
            if (got["embeddings"][i], got["documents"][i], got["metadatas"][i]) != \
                    (embedding, document, {**metadata, "t": index}):
                raise Failed(f"record {name} is a mixture: {got['metadatas'][i]}, "
                             f"{got['embeddings'][i]}, {got['documents'][i][:60]}")
            if number in found[index]:
                raise Failed(f"record {name} is there twice")
            found[index][number] = version
        status, count = client.send("GET", f"{path}/count")
        if (status, count) != (200, len(got["ids"])):
            raise Failed(f"count says {status} {count}, get has {len(got['ids'])} records")
        listed = client.post(f"{path}/get", {"include": []})["ids"]
        if listed != got["ids"]:
            raise Failed("two ways of listing a collection differ")
        if got["ids"]:
            self.check_query(client, path, got)
        return found

    def check_query(self, client, path, got):
        """The indexes agree with the records, on a sample."""
        i = self.random.randrange(len(got["ids"]))
        near = client.post(f"{path}/query", {"query_embeddings": [got["embeddings"][i]],
                                             "n_results": 1, "include": ["distances"]})
        same = [name for name, e in zip(got["ids"], got["embeddings"]) if e == got["embeddings"][i]]
        if near["ids"][0][0] not in same or near["distances"][0][0] != 0:
            raise Failed(f"a query does not find {got['ids'][i]}: {near}")
        where = {"v": got["metadatas"][i]["v"]}
        wanted = [n for n, m in zip(got["ids"], got["metadatas"]) if m["v"] == where["v"]]
        if client.post(f"{path}/get", {"where": where, "include": []})["ids"] != wanted:
            raise Failed(f"a filter finds something else than the records with {where}")

    def check_made(self, client):
        status, listed = client.send("GET", Client.DATABASE + "/collections")
        if status != 200:
            raise Failed(f"listing collections: {status} {listed}")
        pending_name, pending_count = self.made_pending or (None, None)
        found = {}
        for collection in listed:
            name = collection["name"]
            if not name.startswith("made-"):
                continue
            path = f"{Client.DATABASE}/collections/{collection['id']}"
            status, found[name] = client.send("GET", f"{path}/count")
            if status != 200:
                raise Failed(f"{name}: count answers {status} {found[name]}")
        for name in {*found, *self.made}:
            allowed = [self.made.get(name)]
            if name == pending_name:
                allowed.append(pending_count)
            if found.get(name) not in allowed:
                raise Failed(f"collection {name} has {found.get(name)} records, not {allowed}")
        self.made, self.made_pending = found, None

    def forget_all(self, client):
        """Deletes every collection; what they held must then be given back."""
        for name in [*(f"kept-{c}" for c in range(self.collections)), *self.made]:
            status, answer = client.send("DELETE", f"{Client.DATABASE}/collections/{name}")
            if status not in (200, 404):
                raise Failed(f"deleting {name}: {status} {answer}")
        self.states = [[{} for _ in range(self.collections)] for _ in range(self.clients)]
        self.made, self.paths = {}, []
