#include "log/verify.h"

#include <gmock/gmock.h>

#include "log/test_support.h"
#include "runtime/log.h"

namespace chroma::log {
namespace {

using Mend = LogDamage::Mend;
using Files = std::map<std::string, Bytes>;
const std::string kLog = "/db/log";

class LogVerifyTest : public ::testing::Test {
 protected:
  // Several files, ended in order or not.
  Files Make(bool closed) {
    runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
    Fixture f(7);
    f.options.file_bytes_max = 400;
    EXPECT_TRUE(f.Open().ok());
    for (size_t i = 0; i < 9; ++i) {
      EXPECT_TRUE(f.Append(i % 2, Bytes(i * 11 + 1, static_cast<char>('a' + i)), 1).ok());
    }
    if (closed) f.log = nullptr;
    Files files;
    const auto entries = f.files.List(kLog);
    for (const auto& entry : *entries) {
      files[entry.name] = f.files.Content(kLog + "/" + entry.name);
    }
    return files;
  }

  LogExamination Examine(const Files& files) {
    Fixture f(8);
    Put(f, files);
    payloads_.clear();
    auto found = ExamineLog(f.env, kLog, [&](const FrameHeader& frame, BytesView payload) {
      EXPECT_EQ(frame.payload_bytes, payload.size());
      payloads_.push_back(Bytes(payload));
    });
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found.ok() ? *std::move(found) : LogExamination();
  }

  static void Put(Fixture& f, const Files& files) {
    EXPECT_TRUE(f.files.CreateDirectory(kLog).ok());
    for (const auto& [name, content] : files) f.files.SetContent(kLog + "/" + name, content);
  }

  static void Apply(Files& files, const LogExamination& found) {
    for (const LogDamage& damage : found.damages) {
      ASSERT_EQ(damage.mend, Mend::kPatch) << damage.path << ": " << damage.what;
      Bytes& file = files.at(damage.path.substr(kLog.size() + 1));
      file.replace(damage.position, damage.bytes.size(), damage.bytes);
    }
  }

  std::vector<Bytes> payloads_;
};

TEST_F(LogVerifyTest, AWholeLog) {
  for (const bool closed : {false, true}) {
    const LogExamination found = Examine(Make(closed));
    EXPECT_TRUE(found.damages.empty()) << found.damages[0].what;
    EXPECT_EQ(payloads_.size(), 9u);
    EXPECT_EQ(found.next_offset, 10u);
  }
  EXPECT_TRUE(Examine({}).damages.empty());
}

TEST_F(LogVerifyTest, EveryFlippedBitComesBack) {
  const Files whole = Make(true);
  for (const auto& [name, content] : whole) {
    for (size_t at = 0; at < content.size(); ++at) {
      const bool beyond = name == "state" && at % (64 << 10) > 300;
      if (beyond || at % 5 != 0) continue;
      Files files = whole;
      files[name][at] = static_cast<char>(content[at] ^ (1 << at % 7));
      SCOPED_TRACE(name + " byte " + std::to_string(at));
      const LogExamination found = Examine(files);
      EXPECT_EQ(payloads_.size(), 9u);
      ASSERT_NO_FATAL_FAILURE(Apply(files, found));
      // A bit behind the content of a slot says nothing.
      if (name != "state") {
        ASSERT_EQ(files[name], content);
      }
      ASSERT_TRUE(Examine(files).damages.empty());
    }
  }
}

TEST_F(LogVerifyTest, DamagedEntriesLeaveTheOthers) {
  Files files = Make(true);
  Bytes& file = files.begin()->second;
  for (size_t i = 0; i < 20; ++i) file[kFileHeaderBytes + i * 4] ^= 0x3c;
  const LogExamination found = Examine(files);
  ASSERT_EQ(found.damages.size(), 1u);
  EXPECT_EQ(found.damages[0].mend, Mend::kNone);
  EXPECT_THAT(found.damages[0].what, ::testing::HasSubstr("bytes 80 to"));
  EXPECT_EQ(payloads_.size(), 8u);
  EXPECT_EQ(found.next_offset, 10u);
}

TEST_F(LogVerifyTest, AnUnfinishedWriteIsCut) {
  Files files = Make(false);
  const std::string newest = std::prev(files.end(), 2)->first;
  ASSERT_TRUE(newest.ends_with(".log"));
  files[newest].resize(files[newest].size() - 10);
  const LogExamination found = Examine(files);
  ASSERT_EQ(found.damages.size(), 1u);
  EXPECT_EQ(found.damages[0].mend, Mend::kCut);
  EXPECT_EQ(payloads_.size(), 8u);
}

TEST_F(LogVerifyTest, MissingCutAndForeignFiles) {
  const Files whole = Make(true);
  const std::string first = whole.begin()->first;
  Files files = whole;
  files.erase(first);
  EXPECT_THAT(Examine(files).damages.at(0).what, ::testing::HasSubstr("missing"));
  files = whole;
  files[first].resize(files[first].size() - 8);
  EXPECT_FALSE(Examine(files).damages.empty());
  files = whole;
  files["0000000099.log"] = "";
  ASSERT_EQ(Examine(files).damages.size(), 1u);
  EXPECT_EQ(Examine(files).damages[0].mend, Mend::kRemove);
  files = whole;
  std::fill_n(files["state"].begin() + 8, 20, '\x7f');
  const LogExamination found = Examine(files);
  ASSERT_EQ(found.damages.size(), 1u);
  EXPECT_EQ(found.damages[0].mend, Mend::kRestore);
}

TEST_F(LogVerifyTest, WholeFramesAreCopied) {
  Files files = Make(true);
  Bytes& file = files.begin()->second;
  for (size_t i = 0; i < 20; ++i) file[kFileHeaderBytes + i * 4] ^= 0x3c;
  Fixture f(9);
  Put(f, files);
  const auto wanted = [](const FrameHeader& frame) { return frame.first_offset != 4; };
  ASSERT_TRUE(CopyWholeFrames(f.env, kLog, wanted, "/new").ok());
  size_t frames = 0;
  auto copied = ExamineLog(f.env, "/new/log", [&](const FrameHeader& frame, BytesView) {
    ++frames;
    EXPECT_GE(frame.first_offset, 10u);
  });
  ASSERT_TRUE(copied.ok());
  EXPECT_TRUE(copied->damages.empty());
  EXPECT_EQ(frames, 7u);
}

}  // namespace
}  // namespace chroma::log
