// Cutting the files at every byte, flipping every bit: right entries or an error, never others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "log/test_support.h"
#include "runtime/log.h"

namespace chroma::log {
namespace {

using Snapshot = std::map<std::string, Bytes>;

constexpr size_t kEntries = 9;
const std::string kDirectory = "/db/log/";

class FileLogDamageTest : public ::testing::Test {
 protected:
  FileLogDamageTest() {
    runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
    Fixture f(7);
    f.options.file_bytes_max = 400;
    EXPECT_TRUE(f.Open().ok());
    for (size_t i = 0; i < kEntries; ++i) {
      if (i == 4) {
        EXPECT_TRUE(f.Open().ok());
      }
      EXPECT_TRUE(f.Append(i % 2, Bytes(i * 11 + 1, static_cast<char>('a' + i)), 1).ok());
    }
    whole_ = Everything(f);
    running_ = Copy(f);
    newest_ = f.LogFileNames().back();
    f.log = nullptr;
    closed_ = Copy(f);
  }

  static Snapshot Copy(Fixture& f) {
    Snapshot snapshot;
    const auto entries = f.files.List("/db/log");
    for (const auto& entry : *entries) {
      snapshot[entry.name] = f.files.Content(kDirectory + entry.name);
    }
    return snapshot;
  }

  // All entries in the order of their offsets.
  static std::vector<Held> Everything(Fixture& f) {
    std::vector<Held> all = f.Read(0);
    for (Held& held : f.Read(1)) all.push_back(held);
    std::sort(all.begin(), all.end(),
              [](const Held& a, const Held& b) { return a.first_offset < b.first_offset; });
    return all;
  }

  // What opening says of the snapshot, and what it holds then.
  static Status Open(const Snapshot& snapshot, std::vector<Held>& held) {
    Fixture f(8);
    (void)f.files.CreateDirectory("/db/log").ok();
    for (const auto& [name, content] : snapshot) f.files.SetContent(kDirectory + name, content);
    CHROMA_TRY(f.Open());
    held = Everything(f);
    // It must go on from here, too, with offsets that were never given.
    auto offset = f.Append(3, "more");
    CHROMA_TRY(offset.status());
    EXPECT_GT(*offset, held.empty() ? 0 : held.back().first_offset);
    CHROMA_TRY(f.Open());
    EXPECT_EQ(Everything(f), held);
    return Status::Ok();
  }

  bool IsPrefix(const std::vector<Held>& held) const {
    return held.size() <= whole_.size() && std::equal(held.begin(), held.end(), whole_.begin());
  }

  std::vector<Held> whole_;
  Snapshot running_;  // as a power failure with all bytes written would leave it
  Snapshot closed_;
  std::string newest_;
};

TEST_F(FileLogDamageTest, UndamagedIsWhole) {
  std::vector<Held> held;
  ASSERT_GE(closed_.size(), 5u);
  ASSERT_TRUE(Open(running_, held).ok());
  EXPECT_EQ(held, whole_);
  ASSERT_TRUE(Open(closed_, held).ok());
  EXPECT_EQ(held, whole_);
}

TEST_F(FileLogDamageTest, AfterAnOrderlyStopEveryCutIsNoticed) {
  for (const auto& [name, content] : closed_) {
    if (name == "state") continue;
    for (size_t size = 0; size < content.size(); ++size) {
      Snapshot cut = closed_;
      cut[name].resize(size);
      std::vector<Held> held;
      Status status = Open(cut, held);
      ASSERT_EQ(status.code(), StatusCode::kDataLoss) << name << " cut at " << size;
      ASSERT_THAT(std::string(status.message()), ::testing::HasSubstr(name));
    }
  }
}

TEST_F(FileLogDamageTest, AfterACrashOnlyTheNewestFileMayBeCut) {
  for (const auto& [name, content] : running_) {
    if (name == "state") continue;
    size_t entries_before = whole_.size();
    for (size_t size = content.size(); size-- > 0;) {
      Snapshot cut = running_;
      cut[name].resize(size);
      std::vector<Held> held;
      Status status = Open(cut, held);
      if (name != newest_ || size < kFileHeaderBytes) {
        ASSERT_EQ(status.code(), StatusCode::kDataLoss) << name << " cut at " << size;
        continue;
      }
      ASSERT_TRUE(status.ok()) << status.ToString();
      ASSERT_TRUE(IsPrefix(held)) << name << " cut at " << size;
      ASSERT_LE(held.size(), entries_before);
      entries_before = held.size();
    }
  }
}

TEST_F(FileLogDamageTest, EveryMissingFileIsNoticed) {
  for (const Snapshot* snapshot : {&running_, &closed_}) {
    for (const auto& [name, content] : *snapshot) {
      Snapshot less = *snapshot;
      less.erase(name);
      std::vector<Held> held;
      Status status = Open(less, held);
      if (name == "state") {
        ASSERT_TRUE(status.ok()) << status.ToString();
        ASSERT_EQ(held, whole_) << "the headers say what the state said";
      } else {
        ASSERT_EQ(status.code(), StatusCode::kDataLoss) << name;
      }
    }
  }
}

// Failed creations leave files without a whole header; before the first state nothing names them.
TEST_F(FileLogDamageTest, FilesThatWereBegunBeforeTheFirstStateAreNotDamage) {
  FileHeader header;
  header.number = 3;
  for (const size_t size : {size_t{0}, size_t{20}, kFileHeaderBytes - 1}) {
    Snapshot begun;
    begun["0000000001.log"] = Bytes(size, 'x');
    begun["0000000002.log"] = Bytes(kFileHeaderBytes, '\0');
    begun["0000000003.log"] = EncodeFileHeader(header);
    std::vector<Held> held;
    const Status status = Open(begun, held);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_TRUE(held.empty());
    // With entries anywhere there was a state, so that is damage.
    Snapshot lost = running_;
    lost.erase("state");
    lost.begin()->second.resize(size);
    EXPECT_EQ(Open(lost, held).code(), StatusCode::kDataLoss);
  }
}

TEST_F(FileLogDamageTest, EveryFlippedBitIsNoticed) {
  for (const Snapshot* snapshot : {&running_, &closed_}) {
    for (const auto& [name, content] : *snapshot) {
      for (size_t at = 0; at < content.size(); ++at) {
        // Of the state only what is written: two slots.
        if (name == "state" && at % (64 << 10) > 300) continue;
        // Every bit of the file that is looked into most closely, elsewhere one of every byte.
        const bool each = name == newest_ && snapshot == &running_;
        for (size_t bit = each ? 0 : at % 8; bit < 8; bit += each ? 1 : 8) {
          Snapshot flipped = *snapshot;
          flipped[name][at] = static_cast<char>(flipped[name][at] ^ (1u << bit));
          std::vector<Held> held;
          Status status = Open(flipped, held);
          if (!status.ok()) {
            ASSERT_TRUE(status.code() == StatusCode::kDataLoss) << status.ToString();
            continue;
          }
          // Only what may never have been acknowledged is cut: the last group.
          const size_t missing = name == newest_ && snapshot == &running_ ? 1 : 0;
          ASSERT_TRUE(IsPrefix(held)) << name << " byte " << at << " bit " << bit;
          ASSERT_GE(held.size() + missing, whole_.size()) << name << " byte " << at;
        }
      }
    }
  }
}

// One start cannot read the newer slot of the state, the next can. What the first one did on the
// word of the older slot must not look like damage then.
TEST_F(FileLogDamageTest, AStateThatComesBackIsNotBelieved) {
  Snapshot snapshot = running_;
  snapshot.at(newest_).resize(kFileHeaderBytes);  // none of its entries reached the disk
  Fixture f(8);
  ASSERT_TRUE(f.files.CreateDirectory("/db/log").ok());
  for (const auto& [name, content] : snapshot) f.files.SetContent(kDirectory + name, content);
  const auto slots = ReadStateSlots(f.files, kDirectory + "state");
  ASSERT_TRUE(slots.ok());
  const StateSlot& newer = (*slots)[(*slots)[0].state.sequence < (*slots)[1].state.sequence];
  Bytes flipped = snapshot.at("state");
  flipped[newer.position + 20] ^= 4;
  f.files.SetContent(kDirectory + "state", flipped);

  ASSERT_TRUE(f.Open().ok());
  const std::vector<Held> held = Everything(f);
  ASSERT_NE(f.LogFileNames().back(), newest_) << "no state names it";
  Snapshot killed = Copy(f);
  Bytes& state = killed.at("state");
  if (state[newer.position + 20] == flipped[newer.position + 20]) state[newer.position + 20] ^= 4;
  std::vector<Held> held_again;
  const Status again = Open(killed, held_again);
  ASSERT_TRUE(again.ok()) << again.ToString();
  EXPECT_EQ(held_again, held);
}

TEST_F(FileLogDamageTest, FilesThatChangedPlacesAreNoticed) {
  for (const auto& [a, a_content] : closed_) {
    for (const auto& [b, b_content] : closed_) {
      if (a == b || a == "state" || b == "state") continue;
      Snapshot swapped = closed_;
      std::swap(swapped[a], swapped[b]);
      std::vector<Held> held;
      ASSERT_EQ(Open(swapped, held).code(), StatusCode::kDataLoss);
    }
  }
}

// A damaged number can be just small enough to be opened: no write may go beyond what opens again.
TEST_F(FileLogDamageTest, WritesThatWouldNotOpenAgainAreRefused) {
  struct Claim {
    uint64_t number;
    uint64_t first_offset;
    uint64_t writable;  // records
  };
  for (const Claim& claim : {Claim{1, kNextOffsetMax - 2, 2}, Claim{1, kNextOffsetMax, 0},
                             Claim{kNextFileNumberMax - 1, 1, 0}}) {
    SCOPED_TRACE(claim.number);
    Fixture f(9);
    FileHeader header;
    header.number = claim.number;
    header.first_offset = claim.first_offset;
    ASSERT_TRUE(f.files.CreateDirectory("/db/log").ok());
    f.files.SetContent(kDirectory + LogFileName(claim.number), EncodeFileHeader(header));
    ASSERT_TRUE(f.Open().ok());
    std::vector<Held> written;
    if (claim.writable > 0) {
      const uint32_t count = static_cast<uint32_t>(claim.writable);
      const Result<uint64_t> offset = f.Append(0, "last", count);
      ASSERT_TRUE(offset.ok()) << offset.status().ToString();
      written.push_back({*offset, count, "last"});
    }
    EXPECT_EQ(f.Append(0, "beyond").status().code(), StatusCode::kDataLoss);
    const Status again = f.Open();
    ASSERT_TRUE(again.ok()) << again.ToString();
    EXPECT_EQ(Everything(f), written);
  }
}

// A document that holds a log file's bytes must not be taken for frames after a torn write.
TEST_F(FileLogDamageTest, PayloadsThatLookLikeFramesAreNotFrames) {
  Fixture f(9);
  ASSERT_TRUE(f.Open().ok());
  ASSERT_TRUE(f.Append(1, "before").ok());
  const Bytes before = f.files.Content(kDirectory + "0000000001.log");
  ASSERT_TRUE(f.Append(1, Bytes(400, 'x') + before).ok());
  Snapshot running = Copy(f);
  Bytes& content = running["0000000001.log"];
  content[before.size() + kFrameHeaderBytes] ^= 1;
  Fixture g(10);
  (void)g.files.CreateDirectory("/db/log").ok();
  for (const auto& [name, bytes] : running) g.files.SetContent(kDirectory + name, bytes);
  ASSERT_TRUE(g.Open().ok());
  EXPECT_EQ(g.Read(1).size(), 1u);
}

}  // namespace
}  // namespace chroma::log
