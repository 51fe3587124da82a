// For the tests of the file log: a log over a FaultFileSystem and what it must hold.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "log/file_log.h"
#include "testing/fault_file_system.h"

namespace chroma::log {

inline Uuid CollectionId(uint64_t i) {
  return Uuid::FromRandom(i, i);
}

// A number generator with the seed's replacement left out: each test has one seed for random.
class SequenceRandom final : public runtime::Random {
 public:
  explicit SequenceRandom(uint64_t seed) : next_(seed) {}
  uint64_t Next() override { return next_ += 0x9e3779b97f4a7c15; }

 private:
  uint64_t next_;
};

struct Held {
  uint64_t first_offset = 0;
  uint32_t count = 0;
  Bytes payload;
  bool operator==(const Held&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Held& held) {
  return out << "{" << held.first_offset << ", " << held.count << ", " << held.payload.size()
             << " bytes}";
}

struct Fixture {
  explicit Fixture(uint64_t seed) : files(seed), random(seed) {
    env.files = &files;
    env.random = &random;
  }

  Status Open() {
    log = nullptr;
    auto opened = FileLog::Open(env, "/db", options);
    if (!opened.ok()) return opened.status();
    log = *std::move(opened);
    return Status::Ok();
  }
  Result<uint64_t> Append(uint64_t collection, Bytes payload, uint32_t count = 1) {
    return log->Append(ctx, CollectionId(collection), std::move(payload), count);
  }
  // From the first entry that was not trimmed, unless `from` says another place.
  std::vector<Held> Read(uint64_t collection, uint64_t from = 0, size_t bytes_max = SIZE_MAX) {
    std::vector<Held> held;
    auto entries = log->Read(ctx, CollectionId(collection), from, bytes_max);
    if (from == 0 && entries.status().code() == StatusCode::kOutOfRange) {
      from = UINT64_MAX;
      for (const Log::Backlog& backlog : log->Backlogs()) {
        if (backlog.collection == CollectionId(collection)) from = backlog.first_offset;
      }
      entries = log->Read(ctx, CollectionId(collection), from, bytes_max);
    }
    EXPECT_TRUE(entries.ok()) << entries.status().ToString();
    if (!entries.ok()) return held;
    for (const Entry& entry : *entries) {
      held.push_back({entry.first_offset, entry.count, *entry.payload});
    }
    return held;
  }
  std::vector<std::string> LogFileNames() {
    std::vector<std::string> names;
    const auto entries = files.List("/db/log");
    for (const auto& entry : *entries) {
      if (entry.name.ends_with(".log")) names.push_back(entry.name);
    }
    return names;
  }

  testing::FaultFileSystem files;
  SequenceRandom random;
  runtime::Env env;
  FileLogOptions options{.file_bytes_max = 64 << 20, .cached_bytes_max = 4096, .free_bytes_min = 0};
  runtime::Context ctx;
  std::unique_ptr<FileLog> log;
};

}  // namespace chroma::log
