// Calls that fail: what was acknowledged stays, what was not never comes back, writes go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/test_support.h"
#include "runtime/log.h"

namespace chroma::log {
namespace {

using Call = testing::FaultFileSystem::Call;

class FileLogFaultTest : public ::testing::Test {
 protected:
  FileLogFaultTest() { runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText); }
};

// Appends and trims with `faults` consecutive calls failing from the `at`-th one on. False when
// the run had fewer calls. `power_fails` at the end instead of an orderly stop.
bool RunWithFaults(uint64_t at, int faults, StatusCode code, bool power_fails) {
  Fixture f(at);
  f.options.file_bytes_max = 600;
  EXPECT_TRUE(f.Open().ok());
  uint64_t calls = 0;
  bool hit = false;
  f.files.SetFault([&](Call, const std::string& path) {
    const uint64_t call = calls++;
    if (call < at || call >= at + static_cast<uint64_t>(faults)) return Status::Ok();
    hit = true;
    return Status(code, "injected: " + path);
  });
  std::vector<Held> held;
  int failures = 0;
  bool last_failed = false;
  for (int i = 0; i < 14; ++i) {
    Bytes payload(static_cast<size_t>(i * 20), static_cast<char>('a' + i));
    auto offset = f.Append(1, payload);
    if (offset.ok()) {
      EXPECT_TRUE(held.empty() || held.back().first_offset < *offset);
      held.push_back({*offset, 1, payload});
    }
    last_failed = !offset.ok();
    if (last_failed) {
      ++failures;
      EXPECT_EQ(offset.status().code(), code) << offset.status().ToString();
    }
    if (i == 8 && held.size() > 3) {
      (void)f.log->Trim(f.ctx, CollectionId(1), held[3].first_offset).ok();
      held.erase(held.begin(), held.begin() + 3);
    }
    EXPECT_EQ(f.Read(1), held);
  }
  EXPECT_LE(failures, faults);
  if (power_fails) {
    f.files.CrashAfter(0);
    f.log = nullptr;
    f.files.Restart();
  }
  f.files.SetFault(nullptr);
  Status opened = f.Open();
  EXPECT_TRUE(opened.ok()) << opened.ToString();
  if (!opened.ok()) return hit;
  EXPECT_TRUE(f.log->Trim(f.ctx, CollectionId(1), held.front().first_offset).ok());
  std::vector<Held> found = f.Read(1);
  // Only where nothing works between a failure and a crash may the failed entry be there.
  if (power_fails && faults >= 3 && last_failed && found.size() > held.size()) found.pop_back();
  EXPECT_EQ(found, held);
  EXPECT_TRUE(f.Append(1, "after").ok());
  return hit;
}

TEST_F(FileLogFaultTest, AnyCallMayFail) {
  for (StatusCode code : {StatusCode::kInternal, StatusCode::kResourceExhausted}) {
    for (bool power_fails : {false, true}) {
      for (int faults : {1, 2, 3, 5, 9}) {
        for (uint64_t at = 0;; ++at) {
          SCOPED_TRACE("call " + std::to_string(at) + ", faults " + std::to_string(faults) +
                       ", code " + std::string(StatusCodeName(code)) +
                       (power_fails ? ", power failure" : ""));
          if (!RunWithFaults(at, faults, code, power_fails) || HasFailure()) break;
        }
      }
    }
  }
}

TEST_F(FileLogFaultTest, AFullDiskTakesWritesAgainWhenThereIsRoom) {
  for (uint64_t reserve : {0u, 500u}) {
    Fixture f(3);
    f.options.free_bytes_min = reserve;
    f.options.file_bytes_max = 100'000;
    f.files.SetCapacity(135'000);
    ASSERT_TRUE(f.Open().ok());
    ASSERT_TRUE(f.Append(1, "first").ok());
    std::vector<Held> held = f.Read(1);
    Status full;
    for (int i = 0; i < 1000 && full.ok(); ++i) {
      auto offset = f.Append(1, Bytes(200, 'x'));
      full = offset.status();
      if (offset.ok()) held.push_back({*offset, 1, Bytes(200, 'x')});
    }
    ASSERT_EQ(full.code(), StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(full.message()),
                ::testing::HasSubstr("no space left on device; free some space, writes go on by "
                                     "themselves"));
    EXPECT_FALSE(f.Append(1, Bytes(200, 'x')).ok());
    EXPECT_EQ(f.Read(1), held);
    EXPECT_GE(*f.files.FreeBytes(""), reserve);
    // Dropping what nobody needs must work on the full disk.
    f.files.SetCapacity(1'000'000);
    auto offset = f.Append(1, "room");
    ASSERT_TRUE(offset.ok()) << offset.status().ToString();
    held.push_back({*offset, 1, "room"});
    EXPECT_EQ(f.LogFileNames().size(), 1u);
    ASSERT_TRUE(f.Open().ok());
    EXPECT_EQ(f.Read(1), held);
  }
}

TEST_F(FileLogFaultTest, AFullDiskCanBeTrimmed) {
  Fixture f(3);
  f.options.file_bytes_max = 2000;
  ASSERT_TRUE(f.Open().ok());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(f.Append(1, Bytes(300, 'x')).ok());
  const size_t files = f.LogFileNames().size();
  f.files.SetCapacity(0);
  ASSERT_FALSE(f.Append(1, "no room").ok());
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), 45).ok());
  EXPECT_LT(f.LogFileNames().size(), files);
}

TEST_F(FileLogFaultTest, AFailingReservationDoesNotMatter) {
  Fixture f(3);
  f.files.SetFault([](Call call, const std::string&) {
    return call == Call::kReserve ? Status::ResourceExhausted("reserve") : Status::Ok();
  });
  ASSERT_TRUE(f.Open().ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(f.Append(1, "x").ok());
}

// After a sync that failed, the next one may report success for bytes that the kernel dropped.
TEST_F(FileLogFaultTest, AFileWhoseSyncFailedIsNotWrittenAgain) {
  bool fail = true;  // outlives the log, which syncs at its end
  Fixture f(3);
  ASSERT_TRUE(f.Open().ok());
  ASSERT_TRUE(f.Append(1, "one").ok());
  f.files.SetFault([&](Call call, const std::string&) {
    return call == Call::kSync && std::exchange(fail, false) ? Status::Internal("EIO")
                                                             : Status::Ok();
  });
  EXPECT_EQ(f.Append(1, "two").status().code(), StatusCode::kInternal);
  ASSERT_TRUE(f.Append(1, "three").ok());
  EXPECT_EQ(f.LogFileNames().size(), 2u);
  EXPECT_EQ(f.Read(1).size(), 2u);
}

// What the kernel shows after a failed sync need not be on the disk. A log that is opened again
// without a crash, appends and then loses its power must have what it acknowledged.
TEST_F(FileLogFaultTest, BytesOfAFailedSyncAreNotBuiltUpon) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fixture f(seed);
    f.options.file_bytes_max = 400;
    const uint64_t fail_from = seed % 20;
    uint64_t syncs = 0;
    bool failing = true;
    f.files.SetFault([&](Call call, const std::string&) {
      return call == Call::kSync && failing && syncs++ >= fail_from ? Status::Internal("EIO")
                                                                    : Status::Ok();
    });
    ASSERT_TRUE(f.Open().ok());
    std::vector<Bytes> acknowledged;
    const auto append = [&](const std::string& text) {
      if (f.Append(1, text).ok()) acknowledged.push_back(text);
    };
    for (int i = 0; i < 6; ++i) append("before " + std::to_string(i) + std::string(60, '.'));
    f.log = nullptr;
    failing = false;
    ASSERT_TRUE(f.Open().ok());
    for (int i = 0; i < 2; ++i) append("after " + std::to_string(i));
    auto after = f.files.AfterPowerLoss(seed);
    f.env.files = after.get();
    const Status opened = f.Open();
    ASSERT_TRUE(opened.ok()) << opened.ToString();
    std::vector<Bytes> found;
    for (const Held& held : f.Read(1)) found.push_back(held.payload);
    for (const Bytes& text : acknowledged) EXPECT_THAT(found, ::testing::Contains(text));
    f.log = nullptr;  // before its files
  }
}

// A state whose sync failed is what the next process reads. What that one removes by it must not
// be missed by the older state that a power failure brings back.
TEST_F(FileLogFaultTest, NoFileIsRemovedByAStateThatIsNotDurable) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fixture f(seed);
    f.options.file_bytes_max = 300;
    ASSERT_TRUE(f.Open().ok());
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(f.Append(1, Bytes(200, 'a')).ok());
    ASSERT_TRUE(f.Open().ok());  // so that closing does not write the state once more
    int syncs = 0;               // the first is of what was there before
    f.files.SetFault([&](Call call, const std::string& path) {
      const bool is_sync = call == Call::kSync && path.starts_with("/db/log/state");
      return is_sync && ++syncs > 1 ? Status::Internal("EIO") : Status::Ok();
    });
    EXPECT_FALSE(f.log->Trim(f.ctx, CollectionId(1), f.Read(1)[3].first_offset).ok());
    f.log = nullptr;
    f.files.SetFault(nullptr);
    ASSERT_TRUE(f.Open().ok());
    auto after = f.files.AfterPowerLoss(seed);
    f.env.files = after.get();
    const Status opened = f.Open();
    ASSERT_TRUE(opened.ok()) << opened.ToString();
    f.log = nullptr;  // before its files
  }
}

}  // namespace
}  // namespace chroma::log
