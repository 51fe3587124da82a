#!/usr/bin/env python3
"""The graph index beside other libraries, in one run: recall against queries per processor second.

    ann_bench.py DATA [--module FILE] [--rows N] [--only NAME,NAME] [--rounds 3]
                 [--json FILE] [--plot PREFIX]

DATA is a file of numpy, or uniform:NxD for N random rows of D dimensions, the worst case of every
graph. Needs numpy; matplotlib for plots; the module that the bench preset builds; and what is there
of rabitqlib, hnswlib, scalable-vs, usearch, faiss-cpu, scann, pyvsag and zvec. Rows are made unit length, so that inner product,
cosine and squared distance give one order; the last 1,000 are the queries. Every contender is
built first, on all processors; then they take turns, point by point, and each point keeps its best
round. Times are processor time, since machines are shared.

Memory is the growth of the process while a contender is built and first searched. The graph index
and hnswlib rank by exact float32 distances: hnswlib holds the rows itself, the graph index reads
the best ones from where the caller has them (a mapped file, in a server), which is not counted.
"""
import argparse
import concurrent.futures
import ctypes
import json
import os
import pathlib
import tempfile
import time

import numpy as np

CORES = os.cpu_count()
EFFORTS = [10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800]
MARKS = {10: (0.90, 0.95, 0.99), 100: (0.95, 0.99)}
MODULE = pathlib.Path(__file__).parent.parent / "build/bench/bin/libchroma_ann.so"


class Graph:
    """One built graph; its two layouts are two contenders."""

    def __init__(self, module, rows):
        self.library = ctypes.CDLL(str(module))
        self.library.chroma_ann_build.restype = ctypes.c_void_p
        self.library.chroma_ann_bytes.restype = ctypes.c_uint64
        self.rows = rows  # the index refers to them
        self.handle = ctypes.c_void_p(
            self.library.chroma_ann_build(pointer(rows), *rows.shape))

    def make_nodes(self):
        self.library.chroma_ann_make_nodes(self.handle)

    def bytes(self, roomy):
        return self.library.chroma_ann_bytes(self.handle, roomy)

    def search(self, roomy, queries, k, effort, threads):
        out = np.empty((len(queries), k), dtype=np.uint32)
        failed = self.library.chroma_ann_search(
            self.handle, roomy, pointer(queries), len(queries), k, effort, threads, pointer(out))
        if failed:
            raise RuntimeError("the index is damaged")
        return out


def pointer(array):
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


# Each yields (name, build); build() gives search(queries, k, effort, threads).


def ours(rows, module):
    built = {}

    def build_compact():
        built["graph"] = Graph(module, rows)
        return lambda *how: built["graph"].search(0, *how)

    def build_roomy():
        built["graph"].make_nodes()
        return lambda *how: built["graph"].search(1, *how)

    yield "chroma compact", build_compact
    yield "chroma roomy", build_roomy


def rabitqlib(rows, _):
    import rabitqlib as library

    def symphony():
        index = library.SymqgIndex(
            dim=rows.shape[1], max_degree=32, metric="l2", quantization_bits=8)
        index.build(rows, 200, num_threads=CORES)
        return lambda queries, k, effort, threads: index.search(
            queries, k, effort, num_threads=threads)[0]

    def hnsw():
        means = library.RaBitQKMeans(rows.shape[1], 16, num_threads=CORES)
        means.train(rows)
        index = library.HnswIndex(dim=rows.shape[1], max_elements=len(rows), M=16,
                                  ef_construction=200, nbits=9, metric="l2")
        index.build(rows, means.centroids, means.assignments, num_threads=CORES)
        return lambda queries, k, effort, threads: index.search(
            queries, k, effort, num_threads=threads)[0]

    yield "SymphonyQG 8 bits", symphony
    yield "HNSW-RaBitQ 9 bits", hnsw


def hnswlib(rows, _):
    import hnswlib as library

    def build():
        index = library.Index(space="l2", dim=rows.shape[1])
        index.init_index(max_elements=len(rows), ef_construction=200, M=16)
        index.add_items(rows, num_threads=CORES)

        def search(queries, k, effort, threads):
            index.set_ef(max(effort, k))
            return index.knn_query(queries, k=k, num_threads=threads)[0]
        return search
    yield "hnswlib M=16", build


def svs(rows, _):
    import svs as library

    def build():
        parameters = library.VamanaBuildParameters(
            alpha=1.2, graph_max_degree=32, window_size=200)
        index = library.Vamana.build(
            parameters, rows.astype(np.float16), library.L2, num_threads=CORES)

        def search(queries, k, effort, threads):
            index.num_threads = threads
            index.search_window_size = max(effort, k)
            return index.search(queries, k)[0]
        return search
    yield "SVS Vamana float16", build


def usearch(rows, _):
    from usearch.index import Index

    def build():
        index = Index(ndim=rows.shape[1], metric="ip", dtype="i8", connectivity=16,
                      expansion_add=200)
        index.add(np.arange(len(rows)), rows, threads=CORES)

        def search(queries, k, effort, threads):
            index.expansion_search = max(effort, k)
            return index.search(queries, k, threads=threads).keys
        return search
    yield "usearch i8 M=16", build


def faiss(rows, _):
    import faiss as library

    def build():
        library.omp_set_num_threads(CORES)
        index = library.IndexHNSWFlat(rows.shape[1], 32)
        index.hnsw.efConstruction = 200
        index.add(rows)

        def search(queries, k, effort, threads):
            library.omp_set_num_threads(threads)
            index.hnsw.efSearch = max(effort, k)
            return index.search(queries, k)[1]
        return search
    yield "faiss HNSW M=32", build


def scann(rows, _):
    import scann as library

    def build():
        leaves = int(2 * len(rows) ** 0.5)
        index = (library.scann_ops_pybind.builder(rows, 10, "dot_product")
                 .tree(leaves, max(1, leaves // 20), training_sample_size=min(len(rows), 100_000))
                 .score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100).build())

        def search(queries, k, effort, threads):
            ask = index.search_batched if threads == 1 else index.search_batched_parallel
            return ask(queries, final_num_neighbors=k, leaves_to_search=max(1, effort // 2),
                       pre_reorder_num_neighbors=max(effort, 2 * k))[0]
        return search
    yield "ScaNN", build


def one_by_one(ask):
    """A search of a library that takes one query at a time: each costs a call from Python."""
    def search(queries, k, effort, threads):
        def answer(query):
            return ask(query, k, max(effort, k))
        if threads == 1:
            return [answer(query) for query in queries]
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return list(pool.map(answer, queries))
    return search


def vsag(rows, _):
    import pyvsag as library

    def build():
        index = library.Index("hgraph", json.dumps({
            "dtype": "float32", "metric_type": "l2", "dim": rows.shape[1],
            "index_param": {"base_quantization_type": "sq8_uniform", "max_degree": 32,
                            "ef_construction": 200, "build_thread_count": CORES}}))
        index.build(vectors=rows.ravel(), ids=np.arange(len(rows), dtype=np.int64),
                    num_elements=len(rows), dim=rows.shape[1])
        return one_by_one(lambda query, k, effort: index.knn_search(
            vector=query, k=k, parameters=json.dumps({"hgraph": {"ef_search": effort}}))[0])
    yield "VSAG HGraph sq8 R=32", build


def zvec(rows, _):
    import zvec as library

    def build():
        folder = tempfile.TemporaryDirectory()
        kind = library.HnswIndexParam(metric_type=library.MetricType.IP, m=32, ef_construction=200,
                                      quantize_type=library.QuantizeType.INT8)
        schema = library.CollectionSchema(name="rows", vectors=library.VectorSchema(
            "row", library.DataType.VECTOR_FP32, rows.shape[1], index_param=kind))
        index = library.create_and_open(path=os.path.join(folder.name, "rows"), schema=schema)
        for begin in range(0, len(rows), 1000):
            index.insert([library.Doc(id=str(begin + i), vectors={"row": row.tolist()})
                          for i, row in enumerate(rows[begin:begin + 1000])])
        index.optimize()

        def ask(query, k, effort, _folder=folder):
            found = index.query(library.Query(field_name="row", vector=query,
                                              param=library.HnswQueryParam(ef=effort)), topk=k)
            return [int(one.id) for one in found]
        return one_by_one(ask)
    yield "zvec HNSW int8 M=32", build


CONTENDERS = {f.__name__: f for f in (ours, rabitqlib, hnswlib, svs, usearch, faiss, scann, vsag,
                                      zvec)}


def resident_bytes():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def load(path, limit):
    if path.startswith("uniform:"):
        n, dimension = (int(part) for part in path[len("uniform:"):].split("x"))
        data = np.random.default_rng(1).random((n + 1000, dimension), dtype=np.float32) - 0.5
    else:
        data = np.load(path, mmap_mode="r")

    def unit(part):
        part = np.ascontiguousarray(part, dtype=np.float32)
        return part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-30)
    return unit(data[:-1000][:limit]), unit(data[-1000:])


def nearest(rows, queries, k):
    answer = []
    for query in queries:
        near = np.argpartition(-(rows @ query), k)[:k]
        answer.append(near[np.argsort(-(rows[near] @ query), kind="stable")])
    return np.array(answer)


def recall_of(got, truth):
    return float(np.mean([len(set(map(int, g)) & set(t)) / len(t) for g, t in zip(got, truth)]))


def build_all(names, rows, queries, module):
    contenders = []
    for name in names:
        try:
            for label, build in CONTENDERS[name](rows, module):
                memory, start = resident_bytes(), time.process_time()
                search = build()
                seconds = time.process_time() - start
                search(queries, 10, 32, 1)
                contenders.append({"name": label, "search": search, "build_s": seconds,
                                   "mb": (resident_bytes() - memory) / 1e6, "curves": {}})
                print(f"built {label}: {seconds:.1f} processor s", flush=True)
        except (ImportError, OSError) as missing:
            print(f"{name}: left out ({missing})", flush=True)
    return contenders


def measure(contenders, queries, truth, k, rounds):
    """Fills curves[k]: lists of [effort, recall, queries per processor second]."""
    points = [effort for effort in EFFORTS if effort >= k or k == 10]
    for contender in contenders:
        contender["curves"][k] = []
    for round_number in range(rounds):
        for at, effort in enumerate(points):
            for contender in contenders:
                curve = contender["curves"][k]
                if len(curve) < at + (round_number > 0):
                    continue  # it was good enough with less
                start = time.process_time()
                got = contender["search"](queries, k, effort, 1)
                speed = len(queries) / (time.process_time() - start)
                if round_number > 0:
                    curve[at][2] = max(curve[at][2], speed)
                elif not curve or curve[-1][1] < 0.998:
                    curve.append([effort, recall_of(got, truth[:, :k]), speed])


def speed_at(curve, recall):
    """On the line between the points around it; 0 where it was never reached."""
    best = 0.0
    for (_, low, fast), (_, high, slow) in zip(curve, curve[1:]):
        if low < recall <= high:
            best = max(best, fast + (slow - fast) * (recall - low) / (high - low))
    return best or max((speed for _, found, speed in curve if found >= recall), default=0.0)


def effort_at(curve, recall):
    return next((effort for effort, found, _ in curve if found >= recall), None)


def together(contender, queries, rounds):
    """Queries per second by the clock on all processors, with the effort of recall@10 .95."""
    effort = effort_at(contender["curves"][10], 0.95)
    if effort is None:
        return 0.0
    best = 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        contender["search"](queries, 10, effort, CORES)
        best = max(best, len(queries) / (time.perf_counter() - start))
    return best


def print_table(contenders):
    marks = [(k, mark) for k in MARKS for mark in MARKS[k]]
    print("| | build, processor s | memory, MB | "
          + " | ".join(f"@{k} {mark:.2f}" for k, mark in marks) + f" | {CORES} threads @10 .95 |")
    print("|---" * (len(marks) + 4) + "|")
    for c in contenders:
        cells = [f"{speed_at(c['curves'][k], mark):,.0f}" for k, mark in marks]
        print(f"| {c['name']} | {c['build_s']:.0f} | {c['mb']:.0f} | " + " | ".join(cells)
              + f" | {c['together']:,.0f} |")


def draw(contenders, title, prefix):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    figure, axes = plot.subplots(1, len(MARKS), figsize=(11, 4.5))
    for axis, k in zip(axes, MARKS):
        for c in contenders:
            curve = [(r, q) for _, r, q in c["curves"][k] if r >= 0.85]
            style = "-" if c["name"].startswith("chroma") else "--"
            axis.plot(*zip(*curve), style, marker=".", label=c["name"]) if curve else None
        axis.set(xlabel=f"recall@{k}", yscale="log", ylabel="queries per processor second")
        axis.grid(True, which="both", alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.suptitle(title)
    figure.tight_layout()
    for kind in ("png", "svg"):
        figure.savefig(f"{prefix}.{kind}", metadata={"Date": None} if kind == "svg" else None)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--module", default=MODULE)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--only", default=",".join(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--plot", help="writes PREFIX.png and PREFIX.svg")
    args = parser.parse_args()
    rows, queries = load(args.data, args.rows)
    truth = nearest(rows, queries, max(MARKS))
    contenders = build_all(args.only.split(","), rows, queries, args.module)
    for k in MARKS:
        measure(contenders, queries, truth, k, args.rounds)
    for contender in contenders:
        contender["together"] = together(contender, queries, args.rounds)
    title = f"{len(rows):,} rows of {rows.shape[1]} dimensions"
    print(title)
    print_table(contenders)
    if args.json:
        kept = [{k: v for k, v in c.items() if k != "search"} for c in contenders]
        pathlib.Path(args.json).write_text(json.dumps(kept, indent=1))
    if args.plot:
        draw(contenders, title, args.plot)


if __name__ == "__main__":
    main()
