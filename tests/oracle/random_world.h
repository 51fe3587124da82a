// One collection, changed at random and kept like an oracle: what the random tests share.
// Compactions and restarts come in between, as often as the mode says.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "service/wiring.h"
#include "testing/oracle.h"

namespace chroma {

struct Mode {
  const char* name;
  bool on_disk;
  double compact_share;     // of steps
  double restart_share;     // of steps; only on disk
  double switch_share = 0;  // of steps: indexes are switched off, and on again after a compaction
};
inline std::ostream& operator<<(std::ostream& out, const Mode& mode) {
  return out << mode.name;
}

class RandomWorld {
 public:
  RandomWorld(const RandomWorld&) = delete;
  RandomWorld& operator=(const RandomWorld&) = delete;

 protected:
  RandomWorld(uint64_t seed, const Mode& mode, model::Space space, uint32_t dimension)
      : space_(space), dimension_(dimension), oracle_(space), mode_(mode), random_(seed) {
    if (!mode.on_disk) return;
    path_ = std::filesystem::temp_directory_path() /
            ("chroma-oracle-" + std::to_string(getpid()) + "-" + std::to_string(seed));
    std::filesystem::remove_all(path_);
  }
  ~RandomWorld() {
    service_.reset();
    if (mode_.on_disk) std::filesystem::remove_all(path_);
  }

  // In [0, 1).
  double Uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool Chance(int percent) { return Below(100) < percent; }

  engine::Engine& engine() { return service_->engine(); }

  // Opens the service, again if need be, and the collection, made as `wanted` says.
  void Open(engine::CreateCollectionRequest wanted) {
    wanted_ = std::move(wanted);
    service_.reset();
    service::LocalOptions options;
    options.path = path_.string();
    auto opened = service::LocalService::Open(runtime::Env(), options);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    service_ = *std::move(opened);
    wanted_.name = "things";
    wanted_.get_or_create = true;
    auto created =
        engine().CreateCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, wanted_);
    ASSERT_TRUE(created.ok()) << created.status().ToString();
    collection_ = *created;
    ASSERT_EQ(collection_->schema.space(), space_);
  }
  void Refresh() {
    auto found = engine().FindCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase,
                                         collection_->id);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    collection_ = *found;
  }
  // Compacts, opens anew, or writes segments without indexes, when `dice` (uniform) falls so;
  // false: none of it.
  bool Disturb(double dice) {
    if (dice < mode_.compact_share) {
      const Status compacted = service_->Compact(ctx_, collection_->id);
      EXPECT_TRUE(compacted.ok()) << compacted.ToString();
      return true;
    }
    if (dice > 1 - mode_.switch_share) {
      SwitchIndexes(false);
      const bool compacted = Chance(30) || service_->Compact(ctx_, collection_->id).ok();
      EXPECT_TRUE(compacted);
      SwitchIndexes(true);
      return true;
    }
    if (!mode_.on_disk || dice >= mode_.compact_share + mode_.restart_share) return false;
    Open(wanted_);
    return true;
  }
  // All that can be switched but of vectors.
  void SwitchIndexes(bool on) {
    Refresh();
    model::Schema schema = collection_->schema;
    const auto change = [on](auto& index) {
      if (index) index->enabled = on;
    };
    change(schema.keys.at(std::string(model::kDocumentKey)).fts_index);
    change(schema.defaults.string_inverted_index);
    for (auto& [key, types] : schema.keys) {
      if (!key.starts_with('#')) change(types.string_inverted_index);
      change(types.sparse_vector_index);
    }
    engine::ModifyCollectionRequest request;
    request.new_schema = std::move(schema);
    const Status modified = engine().ModifyCollection(ctx_, collection_, request);
    ASSERT_TRUE(modified.ok()) << modified.ToString();
  }
  // Through the engine and to the oracle.
  void Apply(const model::RecordBatch& batch) {
    Refresh();
    Status written;
    if (batch.operation == model::Operation::kDelete) {
      engine::DeleteRequest request;
      request.ids = batch.ids;
      written = engine().Delete(ctx_, collection_, request).status();
    } else {
      written = engine().Write(ctx_, collection_, {batch, model::ShapeOf(batch)});
    }
    ASSERT_TRUE(written.ok()) << written.ToString();
    oracle_.Apply(batch);
  }
  static void Append(const std::vector<float>& vector, model::RecordBatch* batch) {
    batch->vectors.dimension = static_cast<uint32_t>(vector.size());
    batch->vectors.values.insert(batch->vectors.values.end(), vector.begin(), vector.end());
  }

  const model::Space space_;
  const uint32_t dimension_;
  testing::Oracle oracle_;
  runtime::Context ctx_;
  engine::CollectionRef collection_;

 private:
  const Mode mode_;
  std::mt19937_64 random_;
  std::filesystem::path path_;  // empty: in memory
  engine::CreateCollectionRequest wanted_;
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
