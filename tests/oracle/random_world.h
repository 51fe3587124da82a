// One collection, changed at random and kept like an oracle: what the random tests share.
// Compactions, restarts and changes of the schema come in between, as often as the mode says.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "random_records.h"
#include "service/wiring.h"
#include "testing/oracle.h"
#include "testing/schema_oracle.h"

namespace chroma {

struct Mode {
  const char* name;
  bool on_disk;
  double compact_share;           // of steps
  double restart_share;           // of steps; only on disk
  double switch_share = 0;        // of steps: indexes are switched off, and on again
  uint64_t segment_rows_max = 0;  // 0: as many as there are
};
inline std::ostream& operator<<(std::ostream& out, const Mode& mode) {
  return out << mode.name;
}

// Every test runs in all of them: what is asked decides the answer, never how it is stored.
inline constexpr Mode kModes[] = {{"Memory", false, 0.02, 0},
                                  {"Disk", true, 0.02, 0.02},
                                  {"TailOnly", true, 0, 0.05},
                                  {"CompactOften", false, 0.3, 0},
                                  {"SmallSegments", false, 0.2, 0, 0, 20},
                                  {"RestartOften", true, 0.1, 0.2},
                                  {"SwitchIndexes", true, 0.05, 0.05, 0.1}};
// Of worlds that are large: one has to do, since they take long.
inline constexpr Mode kLargeMode = {"Large", true, 0.05, 0.05};
// And of those with many vectors that no index holds.
inline constexpr Mode kUnindexedMode = {"Unindexed", false, 0, 0};

class RandomWorld : protected RandomRecords {
 public:
  RandomWorld(const RandomWorld&) = delete;
  RandomWorld& operator=(const RandomWorld&) = delete;

 protected:
  RandomWorld(uint64_t seed, const Mode& mode, const Population& population);
  ~RandomWorld();

  engine::Engine& engine() { return service_->engine(); }
  model::Space space() const { return space_; }

  // Makes the collection, of a schema whose indexes are switched off here and there for every other
  // seed. `sparse` are the settings of keys with sparse vectors; those that are BM25 vectors of a
  // source are made of it.
  void Create(const std::map<std::string, model::SparseIndexConfig>& sparse = {});
  // Large enough for a vector index; with records of all ids, and dead ones among them.
  bool IsLarge() const { return ids() >= 2'000; }
  void Fill();
  void Refresh();
  // Compacts, opens anew, or switches indexes, when `dice` (uniform) falls so; false: none of it.
  bool Disturb(double dice);
  void Compact();
  // Through the engine and to the oracles.
  void Apply(const model::RecordBatch& batch);

  std::vector<const testing::OracleRecord*> Expected(const Conditions& conditions) const;
  std::optional<std::string> Refusal(const Conditions& conditions) const;
  // True when the request was served; where `refusal` is given it has to be refused so.
  static bool IsServed(const Status& status, const std::optional<std::string>& refusal);

  testing::Oracle oracle_;
  testing::SchemaOracle schema_;
  runtime::Context ctx_;
  engine::CollectionRef collection_;

 private:
  enum class Switching { kOn, kOff, kRandom };

  void Open();
  model::Schema FirstSchema(const std::map<std::string, model::SparseIndexConfig>& sparse);
  // Sets all indexes that can be switched but those of vectors, here and in the oracle.
  void Switch(Switching to, bool is_new, model::Schema* schema);
  void SwitchKey(Switching to, bool is_new, const std::string& key, model::ValueTypes* types);
  bool IsOn(Switching to);
  void SwitchIndexes(Switching to);

  const model::Space space_;
  const Mode mode_;
  const bool switched_at_first_;
  std::filesystem::path path_;  // empty: in memory
  engine::CreateCollectionRequest wanted_;
  std::map<std::string, std::string> sources_;  // of keys that are made of texts
  std::unique_ptr<service::LocalService> service_;
};

// run(seed) for `count` seeds, or for the one of CHROMA_TEST_SEED. `tests` is what replays one.
template <typename Run>
void ForEachSeed(uint64_t count, const std::string& tests, Run run) {
  const char* given = std::getenv("CHROMA_TEST_SEED");
  const uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const uint64_t end = first + (given != nullptr ? 1 : count);
  for (uint64_t seed = first; seed < end && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("replay: CHROMA_TEST_SEED=" + std::to_string(seed) +
                 " oracle_test --gtest_filter=" + tests);
    run(seed);
  }
}

}  // namespace chroma
