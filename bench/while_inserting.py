#!/usr/bin/env python3
"""Queries over HTTP from one connection, at rest and while others insert as fast as they can: p50 and p99.

    while_inserting.py CHROMA DATA.npy [--rows N] [--inserts N] [--connections N] [--rounds N]

CHROMA is the program. Everything runs on this machine's processors; requests are made before, so that the clients take
few of them. A round is a new server on a new directory: rows loaded and indexed, queries at rest, queries while
inserting. Prints each round and the medians. Needs numpy.
"""
import argparse, http.client, json, multiprocessing, pathlib, subprocess, tempfile, time
import numpy as np

COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
BATCH = 250
WARM_QUERIES, REST_QUERIES = 5000, 6000


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def call(self, method, path, body=None):
        self.connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {text[:200]!r}")
        return json.loads(text)


def batches(texts, first, n):
    for start in range(first, first + n, BATCH):
        ids = json.dumps([str(i) for i in range(start, min(start + BATCH, first + n))])
        vectors = ",".join(texts[i % len(texts)] for i in range(start, min(start + BATCH, first + n)))
        yield f'{{"ids":{ids},"embeddings":[{vectors}]}}'.encode()


def insert(port, path, bodies, begun):
    client = Client(port)
    for body in bodies:
        client.call("POST", path, body)
        begun.set()


def ask(client, path, queries, n=None, going_on=lambda: True):
    took = []
    while going_on() and (n is None or len(took) < n):
        began = time.perf_counter()
        client.call("POST", path, queries[len(took) % len(queries)])
        took.append(1000 * (time.perf_counter() - began))
    return took


def start(program, directory):
    log = pathlib.Path(directory, "out")
    server = subprocess.Popen([program, "run", "--path", directory + "/data", "--port", "0"], stdout=log.open("w"), stderr=subprocess.STDOUT)
    while True:
        for word in log.read_text().split():
            port = word.rstrip("/").rpartition(":")[2]
            if word.startswith("address=") and port.isdigit():
                return server, int(port)
        time.sleep(.05)


def measure(args, texts, queries):
    with tempfile.TemporaryDirectory() as directory:
        server, port = start(args.chroma, directory)
        try:
            client = Client(port)
            made = client.call("POST", COLLECTIONS, json.dumps({"name": "bench", "configuration": {"hnsw": {"space": "cosine"}}}))
            path = f"{COLLECTIONS}/{made['id']}"
            for body in batches(texts, 0, args.rows):
                client.call("POST", path + "/add", body)
            while client.call("GET", path + "/indexing_status")["num_unindexed_ops"]:
                time.sleep(.5)
            ask(client, path + "/query", queries, WARM_QUERIES)
            time.sleep(2)
            rest = ask(client, path + "/query", queries, REST_QUERIES)
            return rest, *ask_while_inserting(args, port, path, texts, client, queries)
        finally:
            server.terminate()
            server.wait()


def ask_while_inserting(args, port, path, texts, client, queries):
    share = args.inserts // args.connections
    begun = multiprocessing.Event()
    parts = [list(batches(texts, args.rows + i * share, share)) for i in range(args.connections)]
    inserting = [multiprocessing.Process(target=insert, args=(port, path + "/add", part, begun)) for part in parts]
    for process in inserting:
        process.start()
    begun.wait()
    began = time.perf_counter()
    busy = ask(client, path + "/query", queries, going_on=lambda: all(p.is_alive() for p in inserting))
    rate = (client.call("GET", path + "/count") - args.rows) / (time.perf_counter() - began)
    for process in inserting:
        process.join()
        if process.exitcode:
            raise SystemExit("a client that inserts has failed")
    return busy, rate


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("chroma"); p.add_argument("data"); p.add_argument("--rows", type=int, default=60_000)
    p.add_argument("--inserts", type=int, default=200_000); p.add_argument("--connections", type=int, default=4)
    p.add_argument("--rounds", type=int, default=5)
    args = p.parse_args()
    vectors = np.load(args.data).astype(np.float32)
    texts = ["[" + ",".join(f"{x:.6f}" for x in v) + "]" for v in vectors[:-500]]
    queries = [f'{{"query_embeddings":[[{",".join(f"{x:.6f}" for x in v)}]],"n_results":10,"include":["distances"]}}'.encode() for v in vectors[-500:]]
    ratios = []
    for _ in range(args.rounds):
        rest, busy, rate = measure(args, texts, queries)
        ratios.append(np.percentile(busy, 99) / np.percentile(rest, 99))
        print(f"at rest p50 {np.percentile(rest, 50):.3f} p99 {np.percentile(rest, 99):.3f} ms; while inserting {rate:,.0f}/s, {len(busy)} queries: "
              f"p50 {np.percentile(busy, 50):.3f} p99 {np.percentile(busy, 99):.3f} ms, {ratios[-1]:.1f} times", flush=True)
    print(f"median: p99 {np.median(ratios):.1f} times")


if __name__ == "__main__":
    main()
