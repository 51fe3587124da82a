// Random appends, trims and restarts against an oracle, with power failures anywhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "log/test_support.h"
#include "runtime/log.h"

namespace chroma::log {
namespace {

constexpr uint64_t kCollections = 4;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed), f_(seed) {
    f_.options.file_bytes_max = 3000;
    f_.options.cached_bytes_max = Below(2) == 0 ? 0 : 2000;
  }

  void Run(int lives) {
    ASSERT_TRUE(f_.Open().ok());
    for (int life = 0; life < lives && !::testing::Test::HasFatalFailure(); ++life) {
      const bool crashes = Below(3) != 0;
      if (crashes) f_.files.CrashAfter(Below(60));
      power_may_fail_ = crashes;
      const uint64_t steps = 1 + Below(25);
      for (uint64_t i = 0; i < steps && !off_; ++i) Step(crashes);
      if (crashes) {
        f_.log = nullptr;
        f_.files.Restart();
        power_may_fail_ = false;
      }
      Status opened = f_.Open();
      ASSERT_TRUE(opened.ok()) << opened.ToString();
      off_ = false;
      Compare(crashes);
      maybe_ = std::nullopt;
    }
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }

  void Step(bool crashes) {
    const uint64_t collection = Below(kCollections);
    const uint64_t kind = Below(10);
    if (kind < 7) {
      const auto count = static_cast<uint32_t>(1 + Below(4));
      Bytes payload(Below(10) == 0 ? Below(4000) : Below(300), '\0');
      for (char& c : payload) c = static_cast<char>(random_());
      auto offset = f_.Append(collection, payload, count);
      if (!offset.ok()) {
        ASSERT_TRUE(crashes) << offset.status().ToString();
        maybe_ = {collection, {0, count, payload}};
        off_ = true;
        return;
      }
      ASSERT_GE(*offset, next_offset_);
      next_offset_ = *offset + count;
      held_[collection].push_back({*offset, count, payload});
    } else if (kind < 9) {
      const uint64_t to = next_offset_ - std::min(next_offset_, Below(30));
      trimmed_[collection] = std::max(trimmed_[collection], to);
      off_ = !f_.log->Trim(f_.ctx, CollectionId(collection), to).ok();
      ASSERT_TRUE(!off_ || crashes);
    } else if (!f_.Open().ok()) {
      ASSERT_TRUE(crashes);
      off_ = true;
    } else {
      Compare(false);
    }
  }

  void Compare(bool crashed) {
    for (uint64_t c = 0; c < kCollections; ++c) {
      const Status trimmed = f_.log->Trim(f_.ctx, CollectionId(c), trimmed_[c]);
      off_ = !trimmed.ok();
      ASSERT_TRUE(!off_ || power_may_fail_) << trimmed.ToString();
      if (off_) return;
      std::erase_if(held_[c],
                    [&](const Held& h) { return h.first_offset + h.count <= trimmed_[c]; });
      std::vector<Held> found = f_.Read(c);
      if (crashed && maybe_ && maybe_->first == c && found.size() == held_[c].size() + 1) {
        Held extra = found.back();
        ASSERT_GE(extra.first_offset, next_offset_);
        ASSERT_EQ(extra.payload, maybe_->second.payload);
        ASSERT_EQ(extra.count, maybe_->second.count);
        held_[c].push_back(extra);
        next_offset_ = extra.first_offset + extra.count;
      }
      ASSERT_EQ(found, held_[c]);
    }
  }

  std::mt19937_64 random_;
  Fixture f_;
  uint64_t next_offset_ = 1;
  std::map<uint64_t, std::vector<Held>> held_;
  std::map<uint64_t, uint64_t> trimmed_;
  std::optional<std::pair<uint64_t, Held>> maybe_;
  bool power_may_fail_ = false;
  bool off_ = false;
};

TEST(FileLogCrashTest, HoldsWhatWasAcknowledged) {
  runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
  for (uint64_t seed = 1; seed <= 300 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model(seed).Run(20);
  }
}

// Many writers, so that groups have many frames and tear in the middle.
TEST(FileLogCrashTest, TornGroupsLoseNothingAcknowledged) {
  runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
  for (uint64_t seed = 1; seed <= 40 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fixture f(seed);
    f.options.file_bytes_max = 20'000;
    ASSERT_TRUE(f.Open().ok());
    f.files.CrashAfter(20 + seed);
    constexpr int kWriters = 8;
    std::vector<std::vector<Held>> acknowledged(kWriters);
    {
      std::vector<std::unique_ptr<runtime::Task>> tasks;
      for (int w = 0; w < kWriters; ++w) {
        tasks.push_back(runtime::Scheduler::System().Start("writer", [&f, &acknowledged, w] {
          runtime::Context ctx;
          for (int i = 0;; ++i) {
            Bytes payload(static_cast<size_t>(i * 37 % 700), static_cast<char>('a' + w));
            auto offset = f.log->Append(ctx, CollectionId(w), payload, 1);
            if (!offset.ok()) return;
            acknowledged[w].push_back({*offset, 1, payload});
          }
        }));
      }
    }
    f.log = nullptr;
    f.files.Restart();
    Status opened = f.Open();
    ASSERT_TRUE(opened.ok()) << opened.ToString();
    for (int w = 0; w < kWriters; ++w) {
      std::vector<Held> found = f.Read(w);
      ASSERT_GE(found.size(), acknowledged[w].size());
      ASSERT_LE(found.size(), acknowledged[w].size() + 1);
      found.resize(acknowledged[w].size());
      ASSERT_EQ(found, acknowledged[w]);
    }
  }
}

}  // namespace
}  // namespace chroma::log
