// The fault model itself: tests that rely on it prove nothing if it forgives too much.
#include "testing/fault_file_system.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace chroma::testing {
namespace {

using runtime::OpenMode;
using Call = FaultFileSystem::Call;

constexpr uint64_t kSeeds = 60;

std::unique_ptr<runtime::File> Create(FaultFileSystem& files, const std::string& path) {
  auto file = files.Open(path, OpenMode::kCreate);
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  return *std::move(file);
}

TEST(FaultFileSystemTest, WhatWasSyncedSurvivesAndTheRestMayOrMayNot) {
  std::set<std::string> survivors;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FaultFileSystem files(seed);
    auto file = Create(files, "/d/a");
    ASSERT_TRUE(file->WriteAt(0, std::string(1024, 's')).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(files.SyncDirectory("/d").ok());
    ASSERT_TRUE(file->WriteAt(0, std::string(1024, 'n')).ok());
    files.Restart();
    const Bytes left = files.Content("/d/a");
    ASSERT_EQ(left.size(), 1024u);
    for (const size_t sector : {size_t{0}, size_t{512}}) {
      EXPECT_EQ(left.substr(sector, 512), std::string(512, left[sector]));
    }
    survivors.insert(std::string{left[0], left[512]});
    EXPECT_FALSE(file->Sync().ok()) << "a file from before the power loss is useless";
  }
  EXPECT_EQ(survivors, (std::set<std::string>{"ss", "sn", "ns", "nn"}));
}

TEST(FaultFileSystemTest, NamesNeedTheirDirectorySynced) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FaultFileSystem files(seed);
    ASSERT_TRUE(Create(files, "/d/old")->WriteAt(0, "x").ok());
    ASSERT_TRUE(files.SyncDirectory("/d").ok());
    Create(files, "/d/new");
    ASSERT_TRUE(files.Remove("/d/old").ok());
    const auto image = files.AfterPowerLoss(seed);
    EXPECT_TRUE(*files.Exists("/d/new")) << "the original runs on";
    outcomes.insert(std::string(*image->Exists("/d/old") ? "old" : "") +
                    (*image->Exists("/d/new") ? "new" : ""));
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"", "old", "new", "oldnew"}));
}

TEST(FaultFileSystemTest, AnImageIsApartFromTheOriginal) {
  FaultFileSystem files(1);
  auto file = Create(files, "/a");
  ASSERT_TRUE(file->WriteAt(0, "before").ok());
  ASSERT_TRUE(file->Sync().ok() && files.SyncDirectory("/").ok());
  const auto image = files.AfterPowerLoss(2);
  ASSERT_TRUE(file->WriteAt(0, "after.").ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(image->Content("/a"), "before");
  ASSERT_TRUE(Create(*image, "/a")->WriteAt(0, "image.").ok());
  EXPECT_EQ(files.Content("/a"), "after.");
}

TEST(FaultFileSystemTest, AFullDiskTakesAPrefix) {
  FaultFileSystem files(1);
  files.SetCapacity(100);
  auto file = Create(files, "/a");
  ASSERT_TRUE(file->WriteAt(0, std::string(60, 'a')).ok());
  EXPECT_EQ(file->WriteAt(60, std::string(60, 'b')).code(), StatusCode::kResourceExhausted);
  EXPECT_LT(*file->Size(), 120u);
  EXPECT_TRUE(file->WriteAt(0, std::string(60, 'c')).ok()) << "overwriting takes no space";
}

TEST(FaultFileSystemTest, FaultsAndTheObserverSeeEachChange) {
  FaultFileSystem files(1);
  std::string calls;
  int observed = 0;
  files.SetObserver([&] { observed += *files.Exists("/a") ? 1 : 100; });
  files.SetFault([&](Call call, const std::string& path) {
    calls += std::string(FaultFileSystem::CallName(call)) + " " + path + "\n";
    return call == Call::kSync ? Status::Internal("EIO") : Status::Ok();
  });
  auto file = Create(files, "/a");
  ASSERT_TRUE(file->WriteAt(0, "x").ok());
  EXPECT_EQ(file->Sync().code(), StatusCode::kInternal);
  ASSERT_TRUE(files.Rename("/a", "/a").ok());
  ASSERT_TRUE(files.SyncDirectory("/").ok());
  EXPECT_EQ(calls, "open /a\nwrite /a\nsync /a\nrename /a\nsync directory /\n");
  EXPECT_EQ(observed, 5);
}

TEST(FaultFileSystemTest, EverythingFailsOnceThePowerIsOff) {
  FaultFileSystem files(1);
  auto file = Create(files, "/a");
  files.CrashAfter(1);
  EXPECT_TRUE(file->WriteAt(0, "x").ok());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(files.Open("/b", OpenMode::kCreate).ok());
  files.Restart();
  EXPECT_TRUE(files.Open("/b", OpenMode::kCreate).ok());
}

TEST(FaultFileSystemTest, AFlippedBitStaysUntilItIsWrittenOrMended) {
  FaultFileSystem files(1);
  auto file = Create(files, "/a");
  ASSERT_TRUE(file->WriteAt(0, "abcd").ok());
  ASSERT_TRUE(file->Sync().ok() && files.SyncDirectory("/").ok());
  EXPECT_FALSE(files.FlipBit("/a", 32)) << "beyond its end";
  EXPECT_FALSE(files.FlipBit("/b", 0));
  EXPECT_FALSE(files.HasFlips());
  ASSERT_TRUE(files.FlipBit("/a", 1));
  ASSERT_TRUE(files.FlipBit("/a", 9));
  EXPECT_EQ(files.Content("/a"), "c`cd");
  files.Restart();
  EXPECT_EQ(files.Content("/a"), "c`cd");
  file = Create(files, "/a");
  ASSERT_TRUE(file->WriteAt(1, "c").ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_TRUE(files.HasFlips());
  EXPECT_GT(files.MendFlips(), 0u);
  EXPECT_EQ(files.Content("/a"), "accd") << "what was written since stays";
  EXPECT_FALSE(files.HasFlips());
}

// A write that a power loss undoes brings the bit back, and with it the record of it.
TEST(FaultFileSystemTest, APowerLossBringsFlippedBitsBack) {
  bool came_back = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    FaultFileSystem files(seed);
    files.SetContent("/a", "abcd");
    ASSERT_TRUE(files.FlipBit("/a", 1));
    ASSERT_TRUE(Create(files, "/a")->WriteAt(0, "x").ok());
    files.Restart();
    const bool flipped = files.Content("/a") == "cbcd";
    came_back |= flipped;
    EXPECT_EQ(files.HasFlips(), flipped);
    files.MendFlips();
    EXPECT_EQ(files.Content("/a"), flipped ? "abcd" : "xbcd");
  }
  EXPECT_TRUE(came_back);
}

}  // namespace
}  // namespace chroma::testing
