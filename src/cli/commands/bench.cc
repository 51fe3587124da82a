// chroma bench: inserts and queries a generated load, and tells how long that takes.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/split_mix.h"
#include "cli/command.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "runtime/clock.h"
#include "runtime/mutex.h"
#include "runtime/scheduler.h"

namespace chroma::cli {
namespace {

int64_t Now() {
  return runtime::Clock::System().MonotonicNs();
}

// Vectors as embeddings have them: around centres, which lie on few of all directions.
class Generator {
 public:
  Generator(uint32_t dimension, uint64_t seed) : dimension_(dimension), seed_(seed) {
    constexpr size_t kCentres = 256;
    for (size_t i = 0; i < kCentres; ++i) centres_.push_back(Gaussian(~i, 1.0F));
  }

  // Always the same for a number; cheap and thread safe.
  std::vector<float> Vector(uint64_t number) const {
    constexpr float kSpread = 0.7F;
    std::vector<float> vector = Gaussian(number, kSpread);
    const std::vector<float>& centre = centres_[Mix(number ^ seed_) % centres_.size()];
    for (size_t i = 0; i < vector.size(); ++i) vector[i] += centre[i];
    return vector;
  }
  static std::string Document(uint64_t number) {
    constexpr std::array<const char*, 8> kWords = {"river",  "harbour", "mountain", "winter",
                                                   "letter", "engine",  "garden",   "silence"};
    std::string text = "record " + std::to_string(number) + ":";
    for (uint64_t i = 0, bits = Mix(number); i < 12; ++i, bits >>= 3) {
      text += std::string(" ") + kWords[bits % kWords.size()];
    }
    return text;
  }

 private:
  static uint64_t Mix(uint64_t x) { return SplitMix(&x); }
  // The sum of four even ones is near enough.
  std::vector<float> Gaussian(uint64_t number, float spread) const {
    std::vector<float> vector(dimension_);
    uint64_t state = Mix(number + seed_);
    for (float& value : vector) {
      state = Mix(state);
      float sum = 0;
      for (unsigned i = 0; i < 4; ++i) {
        sum += static_cast<float>(state >> (16 * i) & 0xFFFFU) / 65535.0F - 0.5F;
      }
      value = sum * spread;
    }
    return vector;
  }

  const uint32_t dimension_;
  const uint64_t seed_;
  std::vector<std::vector<float>> centres_;
};

struct Latencies {
  std::vector<int64_t> ns;
  int64_t all_ns = 0;  // from the first to the last, of all clients together

  int64_t At(double share) const {
    if (ns.empty()) return 0;
    return ns[std::min(ns.size() - 1, static_cast<size_t>(share * static_cast<double>(ns.size())))];
  }
  double PerSecond(uint64_t count) const {
    return all_ns == 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(all_ns);
  }
};

// Calls `call(i)` for each i < n from `clients` tasks.
template <typename Call>
Result<Latencies> Measure(uint32_t clients, uint64_t n, Progress& progress, Call call) {
  Latencies latencies;
  runtime::Mutex mutex;
  Status failed;
  std::atomic<uint64_t> next{0};
  const int64_t begin_ns = Now();
  const auto work = [&] {
    std::vector<int64_t> mine;
    for (uint64_t i = next++; i < n; i = next++) {
      const int64_t started_ns = Now();
      const Status status = call(i);
      mine.push_back(Now() - started_ns);
      runtime::MutexLock lock(mutex);
      progress.Advance();
      if (!status.ok() && failed.ok()) failed = status;
      if (!failed.ok()) next = n;
    }
    runtime::MutexLock lock(mutex);
    latencies.ns.insert(latencies.ns.end(), mine.begin(), mine.end());
  };
  {
    std::vector<std::unique_ptr<runtime::Task>> tasks;
    for (uint32_t i = 1; i < clients; ++i) {
      tasks.push_back(runtime::Scheduler::System().Start("bench", work));
      if (tasks.back() == nullptr) tasks.pop_back();
    }
    work();
  }
  latencies.all_ns = Now() - begin_ns;
  progress.Hide();
  if (!failed.ok()) return failed;
  std::sort(latencies.ns.begin(), latencies.ns.end());
  return latencies;
}

class Bench final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("--records", records_, "Records to insert. Default: 10000")
        ->check(CLI::Range(1, 1'000'000'000));
    app.add_option("--dimension", dimension_, "Numbers of a vector. Default: 384")
        ->check(CLI::Range(1, 100'000));
    app.add_option("--batch", batch_, "Records of one write. Default: 500")
        ->check(CLI::Range(1, 100'000));
    app.add_option("--queries", queries_, "Queries to make. Default: 1000");
    app.add_option("--results,-n", n_results_, "Results of each. Default: 10")
        ->check(CLI::Range(1, 1000));
    app.add_option("--clients", clients_, "Requests at a time. Default: 1")
        ->check(CLI::Range(1, 1000));
    app.add_option("--space", space_, "l2, cosine or ip. Default: cosine")
        ->check(CLI::IsMember({"l2", "cosine", "ip"}));
    app.add_option("--collection", name_,
                   "The collection to make; it must not exist. Default: chroma-bench");
    app.add_option("--seed", seed_, "Of the vectors. Default: 1");
    app.add_flag("--keep", keep_, "Do not delete the collection at the end");
    app.add_flag("--json", json_, "Print one JSON object");
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(Place place, place_.Find());
    place.timeout_ms = 0;  // indexing takes as long as it takes
    CHROMA_ASSIGN(const Client client, OpenPlace(place, Access::kCreate));
    CreateCollectionOptions options;
    options.configuration.hnsw.space = space_ == "l2"   ? Space::kL2
                                       : space_ == "ip" ? Space::kInnerProduct
                                                        : Space::kCosine;
    CHROMA_ASSIGN(const Collection collection, client.CreateCollection(name_, options));
    Status measured = Load(terminal, collection);
    if (keep_ && measured.ok()) {
      terminal.Say("Collection " + name_ + " is kept");
    } else {
      const Status deleted = client.DeleteCollection(name_);
      if (measured.ok()) measured = deleted;
    }
    CHROMA_TRY(measured);
    terminal.Print(json_ ? Json() : Text());
    return kExitOk;
  }

 private:
  Status Load(Terminal& terminal, const Collection& collection) {
    const Generator generator(dimension_, seed_);
    const uint64_t batches = (records_ + batch_ - 1) / batch_;
    {
      Progress progress(terminal, "insert", batches);
      CHROMA_ASSIGN(inserts_, Measure(clients_, batches, progress, [&](uint64_t i) {
                      return collection.Add(BatchOf(generator, i));
                    }));
    }
    const int64_t begin_ns = Now();
    const Status compacted = collection.Compact();
    // A server of another make indexes when it likes.
    if (!compacted.ok() && compacted.code() != StatusCode::kNotFound) return compacted;
    is_indexed_ = compacted.ok();
    index_ns_ = Now() - begin_ns;
    if (queries_ == 0) return Status::Ok();
    {
      Progress progress(terminal, "query", queries_);
      CHROMA_ASSIGN(answers_, Measure(clients_, queries_, progress, [&](uint64_t i) {
                      return Query(collection, generator.Vector(records_ + i)).status();
                    }));
    }
    return MeasureRecallOf(terminal, collection, generator);
  }

  Records BatchOf(const Generator& generator, uint64_t number) const {
    Records records;
    std::vector<float> values;
    const uint64_t begin = number * batch_;
    for (uint64_t i = begin; i < std::min<uint64_t>(records_, begin + batch_); ++i) {
      records.ids.push_back("r" + std::to_string(i));
      const std::vector<float> vector = generator.Vector(i);
      values.insert(values.end(), vector.begin(), vector.end());
      records.documents.emplace_back(Generator::Document(i));
      records.metadatas.push_back(
          {{"number", static_cast<int64_t>(i)}, {"group", "g" + std::to_string(i % 10)}});
    }
    records.embeddings = Embeddings(std::move(values), dimension_);
    return records;
  }

  Result<QueryResult> Query(const Collection& collection, std::vector<float> vector) const {
    QueryOptions options;
    options.query_embeddings = Embeddings(std::move(vector), dimension_);
    options.n_results = n_results_;
    options.include = Include::kDocuments | Include::kMetadatas | Include::kDistances;
    return collection.Query(std::move(options));
  }

  // Against what a comparison with all generated vectors finds.
  Status MeasureRecallOf(Terminal& terminal, const Collection& collection,
                         const Generator& generator) {
    constexpr uint64_t kWorkMax = 40'000'000'000;  // multiplications
    const uint64_t affordable = kWorkMax / (records_ * dimension_) + 1;
    recall_queries_ = std::min<uint64_t>({queries_, 100, affordable});
    std::vector<std::vector<float>> queries;
    std::vector<std::vector<std::pair<double, uint64_t>>> nearest(recall_queries_);
    for (uint64_t i = 0; i < recall_queries_; ++i)
      queries.push_back(generator.Vector(records_ + i));
    Progress progress(terminal, "compare", records_);
    for (uint64_t number = 0; number < records_; ++number) {
      const std::vector<float> vector = generator.Vector(number);
      for (uint64_t i = 0; i < recall_queries_; ++i) {
        Keep({Distance(queries[i], vector), number}, &nearest[i]);
      }
      if (number % 1000 == 0) progress.Set(number);
    }
    progress.Hide();
    uint64_t found = 0;
    uint64_t wanted = 0;
    for (uint64_t i = 0; i < recall_queries_; ++i) {
      CHROMA_ASSIGN(const QueryResult result, Query(collection, queries[i]));
      const std::unordered_set<std::string> ids(result.ids[0].begin(), result.ids[0].end());
      for (const auto& [distance, number] : nearest[i]) {
        found += ids.contains("r" + std::to_string(number)) ? 1 : 0;
      }
      wanted += nearest[i].size();
    }
    recall_ = wanted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(wanted);
    return Status::Ok();
  }

  double Distance(const std::vector<float>& a, const std::vector<float>& b) const {
    double dot = 0;
    double square_a = 0;
    double square_b = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      dot += static_cast<double>(a[i]) * b[i];
      square_a += static_cast<double>(a[i]) * a[i];
      square_b += static_cast<double>(b[i]) * b[i];
    }
    if (space_ == "ip") return 1 - dot;
    if (space_ == "l2") return square_a + square_b - 2 * dot;
    return 1 - dot / std::sqrt(square_a * square_b);
  }

  void Keep(std::pair<double, uint64_t> candidate,
            std::vector<std::pair<double, uint64_t>>* nearest) const {
    if (nearest->size() == n_results_ && candidate >= nearest->front()) return;
    nearest->push_back(candidate);
    std::push_heap(nearest->begin(), nearest->end());
    if (nearest->size() <= n_results_) return;
    std::pop_heap(nearest->begin(), nearest->end());
    nearest->pop_back();
  }

  std::string Text() const {
    const auto line = [](const char* what, const Latencies& latencies, uint64_t count,
                         const char* unit) {
      std::array<char, 200> text{};
      std::snprintf(
          text.data(), text.size(), "%-8s %s %s in %s, %.0f/s; p50 %s, p90 %s, p99 %s, max %s\n",
          what, CountText(count).c_str(), unit, DurationText(latencies.all_ns).c_str(),
          latencies.PerSecond(count), DurationText(latencies.At(0.5)).c_str(),
          DurationText(latencies.At(0.9)).c_str(), DurationText(latencies.At(0.99)).c_str(),
          DurationText(latencies.At(1)).c_str());
      return std::string(text.data());
    };
    std::string text = line("insert", inserts_, records_, "records");
    if (is_indexed_) text += "index    " + DurationText(index_ns_) + " more until all is indexed\n";
    if (queries_ == 0) return text;
    text += line("query", answers_, queries_, "queries");
    std::array<char, 100> recall{};
    std::snprintf(recall.data(), recall.size(), "recall@%u %.4f over %llu queries\n", n_results_,
                  recall_, static_cast<unsigned long long>(recall_queries_));
    return text + recall.data();
  }

  static void WriteLatencies(JsonWriter& out, const char* name, const Latencies& latencies,
                             uint64_t count) {
    const auto field = [&](const char* key, double value) {
      out.Key(key);
      out.F64(value);
    };
    out.Key(name);
    out.BeginObject();
    out.Key("count");
    out.Uint(count);
    field("seconds", static_cast<double>(latencies.all_ns) / 1e9);
    field("per_second", latencies.PerSecond(count));
    field("p50_ms", static_cast<double>(latencies.At(0.5)) / 1e6);
    field("p90_ms", static_cast<double>(latencies.At(0.9)) / 1e6);
    field("p99_ms", static_cast<double>(latencies.At(0.99)) / 1e6);
    field("max_ms", static_cast<double>(latencies.At(1)) / 1e6);
    out.EndObject();
  }

  std::string Json() const {
    std::string text;
    JsonWriter out(&text);
    out.BeginObject();
    WriteLatencies(out, "insert", inserts_, records_);
    if (is_indexed_) {
      out.Key("index_seconds");
      out.F64(static_cast<double>(index_ns_) / 1e9);
    }
    if (queries_ > 0) {
      WriteLatencies(out, "query", answers_, queries_);
      out.Key("recall");
      out.F64(recall_);
    }
    out.EndObject();
    return text + "\n";
  }

  uint64_t records_ = 10'000;
  uint32_t dimension_ = 384;
  uint32_t batch_ = 500;
  uint64_t queries_ = 1'000;
  uint32_t n_results_ = 10;
  uint32_t clients_ = 1;
  uint64_t seed_ = 1;
  std::string space_ = "cosine";
  std::string name_ = "chroma-bench";
  bool keep_ = false;
  bool json_ = false;
  PlaceOptions place_;

  Latencies inserts_;
  Latencies answers_;
  int64_t index_ns_ = 0;
  bool is_indexed_ = false;
  double recall_ = 1;
  uint64_t recall_queries_ = 0;
};

const Registration kBench(
    {.path = "bench",
     .group = kGroupMeasure,
     .summary = "Insert and query a generated load, and tell latencies and recall",
     .examples = "chroma bench --path /tmp/bench\n"
                 "chroma bench --at http://localhost:8000 --records 100000 --clients 8\n"
                 "chroma bench --path /tmp/bench --dimension 1536 --space l2 --json",
     .notes = "Latencies are those of requests: an insert is one of --batch records. The load is "
              "the same for\n"
              "the same options; the collection is deleted at the end."},
    Make<Bench>);

}  // namespace
}  // namespace chroma::cli
