// How long queries take while records are replaced, and right after: the time of which most goes to
// rows that no vector index holds yet, and to segments that are read for the first time.
//
//   churn_bench DIRECTORY [rows = 60000] [dimension = 384]
//
// One task queries without a pause; what counts is the processor time of its thread, with that of
// page faults, which other programs do not disturb much. Compare two builds by running both several
// times in turn.
#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "bench/require.h"
#include "chroma/chroma.h"
#include "runtime/env.h"

namespace chroma {
namespace {

constexpr size_t kBatch = 500;
constexpr size_t kQueries = 2000;
constexpr uint32_t kNeighbors = 10;

int64_t ProcessorNs(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return int64_t{t.tv_sec} * runtime::kSecond + t.tv_nsec;
}
double ProcessorSeconds() {
  return static_cast<double>(ProcessorNs(CLOCK_PROCESS_CPUTIME_ID)) * 1e-9;
}

// Rows in clusters of about 100.
class Rows {
 public:
  Rows(size_t n, size_t dimension, uint64_t seed) : dimension_(dimension), random_(seed) {
    centers_.resize(std::max<size_t>(1, n / 100) * dimension);
    for (float& value : centers_) value = normal_(random_);
  }
  std::vector<float> Next() {
    const float* center = centers_.data() + random_() % (centers_.size() / dimension_) * dimension_;
    std::vector<float> row(center, center + dimension_);
    for (float& value : row) value += normal_(random_);
    return row;
  }

 private:
  const size_t dimension_;
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
  std::vector<float> centers_;
};

double Ms(const std::vector<int64_t>& sorted_ns, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted_ns.size() - 1));
  return static_cast<double>(sorted_ns[at]) * 1e-6;
}

void Print(const char* what, std::vector<int64_t> ns) {
  std::sort(ns.begin(), ns.end());
  fmt::print("{:28} {:6} queries  p50 {:7.3f} ms  p99 {:7.3f} ms  most {:7.3f} ms\n", what,
             ns.size(), Ms(ns, .5), Ms(ns, .99), Ms(ns, 1));
}

// Until `stop`, or as many as there are.
std::vector<int64_t> Ask(const Collection& collection, Rows& rows, size_t n,
                         const std::atomic<bool>* stop = nullptr) {
  std::vector<int64_t> ns;
  while (ns.size() < n && (stop == nullptr || !*stop)) {
    QueryOptions options;
    options.query_embeddings.Append(rows.Next());
    options.n_results = kNeighbors;
    options.include = Include::kDistances;
    const int64_t begin_ns = ProcessorNs(CLOCK_THREAD_CPUTIME_ID);
    Require(collection.Query(std::move(options)));
    ns.push_back(ProcessorNs(CLOCK_THREAD_CPUTIME_ID) - begin_ns);
  }
  return ns;
}

void Write(const Collection& collection, Rows& rows, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i += kBatch) {
    Records records;
    for (size_t j = i; j < std::min(end, i + kBatch); ++j) {
      records.ids.push_back(std::to_string(j));
      records.embeddings.Append(rows.Next());
    }
    Require(collection.Upsert(std::move(records)));
  }
}

int Run(const std::string& directory, size_t n, size_t dimension) {
  const Client client = Require(PersistentClient(directory));
  const Collection collection = Require(client.GetOrCreateCollection("churn"));
  Rows written(n, dimension, 1);
  Rows asked(n, dimension, 1);
  runtime::Clock& clock = runtime::Clock::System();
  const int64_t begin_ns = clock.MonotonicNs();
  Write(collection, written, 0, n);
  fmt::print("{} records written in {:.1f} s, {:.1f} processor seconds\n", n,
             static_cast<double>(clock.MonotonicNs() - begin_ns) * 1e-9, ProcessorSeconds());
  Require(collection.Compact());
  fmt::print("and indexed after {:.1f} processor seconds\n", ProcessorSeconds());
  Ask(collection, asked, kQueries);
  Print("at rest", Ask(collection, asked, kQueries));
  std::atomic<bool> stop = false;
  std::vector<int64_t> while_written;
  {
    const auto task = runtime::Scheduler::System().Start(
        "ask", [&] { while_written = Ask(collection, asked, SIZE_MAX, &stop); });
    for (size_t fifth = 0; fifth < n / 5; fifth += kBatch) {
      Write(collection, written, fifth, std::min(n / 5, fifth + kBatch));
      clock.SleepNs(20 * runtime::kMillisecond);
    }
    stop = true;
  }
  Print("while a fifth is replaced", std::move(while_written));
  Print("right after", Ask(collection, asked, kQueries));
  fmt::print("{:.1f} processor seconds\n", ProcessorSeconds());
  Require(collection.Compact());
  Print("right after compacting", Ask(collection, asked, kQueries));
  Print("then", Ask(collection, asked, kQueries));
  return 0;
}

}  // namespace
}  // namespace chroma

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: churn_bench DIRECTORY [rows] [dimension]\n");
    return 2;
  }
  return chroma::Run(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 60'000,
                     argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 384);
}
