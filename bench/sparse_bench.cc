// BM25 top 10 over the documents of a file, through one segment: time and processor time per query,
// and what the index takes on disk. bench/tantivy_peer.py runs it beside tantivy over the same
// texts and queries, round by round.
//
//   sparse_bench FILE.jsonl QUERIES.txt     documents ("document" of each line) and queries, one a
//   line; then for each line on standard input one round, whose numbers are printed as one line:
//   median and mean µs per query, processor µs per query
#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "base/json_value.h"
#include "format/section_reader.h"
#include "index/text/bm25.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "segment/snapshot.h"
#include "segment/sparse_frequency.h"
#include "testing/memory_blobs.h"

namespace {

using namespace chroma;

constexpr size_t kResults = 10;
constexpr const char* kKey = "sparse";

double Seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) std::exit((fmt::print("{}\n", result.status().ToString()), 2));
  return *std::move(result);
}

void Must(const Status& status) {
  if (!status.ok()) std::exit((fmt::print("{}\n", status.ToString()), 2));
}

std::vector<std::string> ReadLines(const char* path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) std::exit((fmt::print("nothing in {}\n", path), 2));
  return lines;
}

void PrintSizes(const Bytes& bytes, uint64_t text_bytes) {
  runtime::Context ctx;
  const auto sections =
      Must(format::SectionReader::Open(ctx, std::make_shared<testing::MemoryBlob>("s", bytes),
                                       [](format::SectionType) { return true; }));
  for (const format::SectionInfo& section : sections.sections()) {
    if (section.length * 100 < text_bytes) continue;
    fmt::print("# {:<20} {:>10} bytes, {:.3f} of the documents\n", format::Describe(section),
               section.length,
               static_cast<double>(section.length) / static_cast<double>(text_bytes));
  }
}

// The documents in a segment of their own, with their vectors as metadata.
std::shared_ptr<const segment::SegmentReader> MakeSegment(const std::vector<std::string>& lines,
                                                          testing::MemoryBlobStore* store) {
  runtime::Context ctx;
  const index::Bm25 bm25;
  auto writer = Must(segment::SegmentWriter::Create(ctx, *store, "s", 0));
  uint64_t text_bytes = 0;
  double embedding = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const JsonValue line = Must(ParseJson(lines[i]));
    const std::string& text = *line.Find("document")->AsString();
    text_bytes += text.size();
    const double begin = Seconds(CLOCK_PROCESS_CPUTIME_ID);
    model::Metadata metadata;
    metadata.Set(kKey, bm25.Embed(text));
    embedding += Seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    const std::string id = std::to_string(i);
    segment::RowView row;
    row.id = id;
    row.insertion_offset = i;
    row.document = text;
    row.metadata = &metadata;
    Must(writer->Add(row));
  }
  const double begin = Seconds(CLOCK_PROCESS_CPUTIME_ID);
  Must(writer->Finish(ctx).status());
  fmt::print("# {} documents, {} bytes; vectors {:.2f} s, writing the segment {:.2f} s\n",
             lines.size(), text_bytes, embedding, Seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
  PrintSizes(store->Content("s"), text_bytes);
  return Must(segment::SegmentReader::Open(ctx, Must(store->Open(ctx, "s"))));
}

size_t Search(const segment::Snapshot& snapshot, const model::SparseVector& query) {
  runtime::Context ctx;
  const model::SparseVector scaled = Must(segment::ScaleByRarity(ctx, snapshot, kKey, query));
  index::SparseRequest request;
  request.query = scaled;
  request.k = kResults;
  request.dead = snapshot.parts[0].dead.get();
  std::vector<index::Candidate> found;
  Must(snapshot.parts[0].part->SearchSparse(ctx, kKey, request, &found));
  return found.size();
}

void Round(const segment::Snapshot& snapshot, const std::vector<model::SparseVector>& queries) {
  std::vector<double> times;
  size_t found = 0;
  const double processor = Seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (const model::SparseVector& query : queries) {
    const double begin = Seconds(CLOCK_MONOTONIC);
    found += Search(snapshot, query);
    times.push_back(Seconds(CLOCK_MONOTONIC) - begin);
  }
  const auto n = static_cast<double>(queries.size());
  const double used = Seconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
  std::sort(times.begin(), times.end());
  fmt::print("{:.2f} {:.2f} {:.2f} {}\n", 1e6 * times[times.size() / 2],
             1e6 * std::accumulate(times.begin(), times.end(), 0.0) / n, 1e6 * used / n, found);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) std::exit((fmt::print("usage: sparse_bench FILE.jsonl QUERIES.txt\n"), 2));
  testing::MemoryBlobStore store;
  const auto segment = MakeSegment(ReadLines(argv[1]), &store);
  const index::Bm25 bm25;
  std::vector<model::SparseVector> queries;
  for (const std::string& line : ReadLines(argv[2])) queries.push_back(bm25.Embed(line));
  segment::Snapshot snapshot;
  auto dead = std::make_shared<Bitmap>();
  if (argc > 3) {  // every n-th row is dead
    const auto step = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
    for (uint32_t row = 0; row < segment->rows(); row += std::max(step, 1U)) dead->Add(row);
  }
  snapshot.live = segment->rows() - dead->Count();
  snapshot.parts.push_back({segment, dead});
  snapshot.frequencies = std::make_shared<segment::SparseFrequencies>();
  fmt::print("ready\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) Round(snapshot, queries);
}
