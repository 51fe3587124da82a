"""BM25 top 10 beside tantivy (PyPI), over the same documents and queries, round by round.

usage: tantivy_peer.py SPARSE_BENCH FILE.jsonl [DEAD_STEP]

The last 1,000 documents give the queries: 2 to 5 of their words that are no stop words, in any order;
the others are searched. Times are of the search alone: queries are parsed (embedded) before.
"""
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

import tantivy

ROUNDS = 7
RESULTS = 10
STOP = set("""a about above after again against all am an and any are as at be because been before
being below between both but by can d did do does doing don down during each few for from further had
has have having he her here hers herself him himself his how i if in into is it its itself just ll m
ma me more most my myself no nor not now o of off on once only or other our ours out over own re s same
she should so some such t than that the their theirs them then there these they this those through to
too under until up ve very was we were what when where which while who whom why will with y you your
""".split())


def make_queries(documents):
    chooser = random.Random(7)
    queries = []
    for text in documents:
        words = sorted(set(re.findall(r"[a-z]{2,}", text.lower())) - STOP)
        if len(words) >= 2:
            queries.append(" ".join(chooser.sample(words, min(len(words), chooser.randint(2, 5)))))
    return queries


def make_index(documents):
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=False, tokenizer_name="en_stem",
                           index_option="freq")
    index = tantivy.Index(builder.build())
    writer = index.writer(100_000_000, num_threads=1)
    for text in documents:
        writer.add_document(tantivy.Document(text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def tantivy_round(searcher, queries):
    times = []
    found = 0
    processor = time.process_time()
    for query in queries:
        begin = time.perf_counter()
        found += len(searcher.search(query, RESULTS, count=False).hits)
        times.append(time.perf_counter() - begin)
    used = time.process_time() - processor
    micro = 1e6 / len(queries)
    return [1e6 * statistics.median(times), micro * sum(times), micro * used, found]


def main():
    program, path = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        lines = file.readlines()
    queries = make_queries(json.loads(line)["document"] for line in lines[-1000:])
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as data, \
            tempfile.NamedTemporaryFile("w", suffix=".txt") as asked:
        data.writelines(lines[:-1000])
        data.flush()
        asked.write("".join(query + "\n" for query in queries))
        asked.flush()
        ours = subprocess.Popen([program, data.name, asked.name, *sys.argv[3:]], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        while (line := ours.stdout.readline().strip()) != "ready":
            print(line)
        index = make_index(json.loads(line)["document"] for line in lines[:-1000])
        searcher = index.searcher()
        print(f"# tantivy: {searcher.num_docs} documents in {searcher.num_segments} segments")
        parsed = [index.parse_query(query, ["text"]) for query in queries]
        rounds = {"ours": [], "tantivy": []}
        for _ in range(ROUNDS + 1):
            ours.stdin.write("round\n")
            ours.stdin.flush()
            rounds["ours"].append([float(x) for x in ours.stdout.readline().split()])
            rounds["tantivy"].append(tantivy_round(searcher, parsed))
        ours.stdin.close()
        ours.wait()
    medians = {name: [statistics.median(column) for column in zip(*numbers[1:])]
               for name, numbers in rounds.items()}
    print(f"{len(queries)} queries, top {RESULTS}, medians of {ROUNDS} rounds, µs per query")
    print(f"{'':10}{'median':>9}{'mean':>9}{'processor':>11}{'results':>10}")
    for name, (median, mean, processor, found) in medians.items():
        print(f"{name:10}{median:9.1f}{mean:9.1f}{processor:11.1f}{found:10.0f}")
    ratios = [a / b for a, b in zip(medians["ours"], medians["tantivy"])]
    print(f"{'ratio':10}{ratios[0]:9.2f}{ratios[1]:9.2f}{ratios[2]:11.2f}")


if __name__ == "__main__":
    main()
