// A whole directory, damaged in every way that one change of a file can be: whatever is asked then,
// the answer is right or an error says what is damaged. CHROMA_DAMAGE_FULL=1 tries all bits and all
// lengths of the large files, too.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <span>

#include "small_directory.h"

namespace chroma::damage {
namespace {

const SmallDirectory& Directory() {
  static const SmallDirectory directory = MakeDirectory(1);
  return directory;
}

bool Full() {
  return std::getenv("CHROMA_DAMAGE_FULL") != nullptr;
}

bool IsDamageReport(const Status& status) {
  return status.code() == StatusCode::kDataLoss || status.code() == StatusCode::kFailedPrecondition;
}

bool NamesAFile(const Status& status) {
  const std::string_view message = status.message();
  for (const char* name : {".log", "state", "catalog", ".manifest", ".segment", "FORMAT", "log in ",
                           "segment ", "manifest ", "blob ", "/log", "/blobs", "(format "}) {
    if (message.find(name) != std::string_view::npos) return true;
  }
  return false;
}

// What became of a damaged directory.
struct Outcome {
  bool right = false;     // every answer was
  bool reported = false;  // something was refused
};

class DamagedDirectoryTest : public ::testing::Test {
 protected:
  // Fails the test on an answer that is neither right nor a report. `allowed`: answers that are
  // right; one of them must explain all that were given.
  static Outcome Check(const Files& files, std::span<const Answers> allowed) {
    const auto memory = Put(files);
    Result<Answers> answers = Ask(*memory);
    if (!answers.ok()) {
      EXPECT_TRUE(IsDamageReport(answers.status()) && NamesAFile(answers.status()))
          << answers.status().ToString();
      return {false, true};
    }
    Outcome outcome;
    std::string wrong;
    for (auto state = allowed.rbegin(); state != allowed.rend(); ++state) {
      if (Explains(*state, *answers, &outcome, &wrong)) return outcome;
    }
    ADD_FAILURE() << "a wrong answer: " << wrong;
    return outcome;
  }

  static bool Explains(const Answers& right, const Answers& given, Outcome* outcome,
                       std::string* wrong) {
    *outcome = Outcome();
    outcome->right = true;
    size_t r = 0;
    for (size_t g = 0; g < given.size(); ++g, ++r) {
      if (r >= right.size()) return false;
      if (!given[g].status.ok() && IsDamageReport(given[g].status)) {
        outcome->right = false;
        outcome->reported = true;
        EXPECT_FALSE(given[g].status.message().empty());
        // A collection that cannot be found is not asked any further.
        continue;
      }
      const bool same =
          given[g].status.code() == right[r].status.code() && given[g].text == right[r].text;
      if (!same) {
        *wrong = "question " + std::to_string(g) + ": " + given[g].status.ToString() + " " +
                 given[g].text + "\ninstead of: " + right[r].status.ToString() + " " +
                 right[r].text;
        return false;
      }
    }
    return r == right.size() || outcome->reported;
  }

  static std::span<const Answers> Last() {
    return std::span<const Answers>(Directory().history).last(1);
  }

  // Runs `damage` over the files of a kind, and says how often it was noticed.
  using Damage = std::function<void(const std::string& path, const Bytes& content)>;
  static void ForEach(const Files& files, const std::string& kind, const Damage& damage) {
    int seen = 0;
    for (const auto& [path, content] : files) {
      if (path.ends_with('/') || KindOf(path) != kind) continue;
      SCOPED_TRACE(path);
      ++seen;
      damage(path, content);
      ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(seen, 0) << kind;
  }

  // Every `stride`-th bit.
  static void FlipBits(const std::string& kind, size_t stride) {
    if (Full()) stride = 1;
    size_t tried = 0;
    size_t noticed = 0;
    ForEach(Directory().closed, kind, [&](const std::string& path, const Bytes& content) {
      Files files = Directory().closed;
      for (size_t bit = 0; bit < content.size() * 8; bit += stride) {
        // Long runs of zeros are all the same.
        const size_t from = bit / 8 < 16 ? 0 : bit / 8 - 16;
        if (content.find_first_not_of('\0', from) > bit / 8 + 16) continue;
        Bytes& bytes = files[path];
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        SCOPED_TRACE("bit " + std::to_string(bit % 8) + " of byte " + std::to_string(bit / 8));
        ++tried;
        noticed += Check(files, Last()).right ? 0 : 1;
        bytes[bit / 8] = content[bit / 8];
        ASSERT_FALSE(HasFailure());
      }
    });
    std::printf("%s: %zu bits flipped, %zu noticed\n", kind.c_str(), tried, noticed);
  }

  static void Cut(const std::string& kind, size_t stride) {
    if (Full()) stride = 1;
    ForEach(Directory().closed, kind, [&](const std::string& path, const Bytes& content) {
      Files files = Directory().closed;
      for (size_t length = 0; length < content.size(); length += stride) {
        files[path] = content.substr(0, length);
        SCOPED_TRACE("cut to " + std::to_string(length));
        const Outcome outcome = Check(files, Last());
        // What ends too early is noticed, but for zeros that mean nothing.
        const bool zeros = content.find_first_not_of('\0', length) == Bytes::npos;
        EXPECT_TRUE(outcome.reported || zeros || kind == "state" || kind == "FORMAT");
        ASSERT_FALSE(HasFailure());
      }
    });
  }
};

TEST_F(DamagedDirectoryTest, TheIntactOneIsRight) {
  for (const Files* files : {&Directory().closed, &Directory().running}) {
    const Outcome outcome = Check(*files, Last());
    EXPECT_TRUE(outcome.right);
  }
  // The questions can tell states from each other.
  const std::vector<Answers>& history = Directory().history;
  for (size_t i = 0; i + 2 < history.size(); ++i) {
    Outcome outcome;
    std::string wrong;
    EXPECT_FALSE(Explains(history[i], history.back(), &outcome, &wrong)) << i;
  }
}

TEST_F(DamagedDirectoryTest, FlippedBitsOfFormat) {
  FlipBits("FORMAT", 1);
}
TEST_F(DamagedDirectoryTest, FlippedBitsOfTheState) {
  FlipBits("state", 1);
}
TEST_F(DamagedDirectoryTest, FlippedBitsOfLogFiles) {
  FlipBits("log", 3);
}
TEST_F(DamagedDirectoryTest, FlippedBitsOfManifests) {
  FlipBits("manifest", 1);
}
TEST_F(DamagedDirectoryTest, FlippedBitsOfSegments) {
  FlipBits("segment", 31);
}
TEST_F(DamagedDirectoryTest, FlippedBitsOfTheCatalog) {
  FlipBits("catalog", 331);
}

TEST_F(DamagedDirectoryTest, CutLogFiles) {
  Cut("log", 1);
}
TEST_F(DamagedDirectoryTest, CutManifestsAndFormat) {
  Cut("manifest", 1);
  Cut("FORMAT", 1);
}
TEST_F(DamagedDirectoryTest, CutSegments) {
  Cut("segment", 13);
}
TEST_F(DamagedDirectoryTest, CutState) {
  Cut("state", 509);
}
TEST_F(DamagedDirectoryTest, CutCatalog) {
  Cut("catalog", 251);
}

// After a kill the end of the newest log file, and of the catalog's log, is what was written last:
// nothing tells a cut from a write that never was. So an earlier state is right, too.
TEST_F(DamagedDirectoryTest, CutAfterAKill) {
  for (const char* kind : {"log", "catalog log"}) {
    ForEach(Directory().running, kind, [&](const std::string& path, const Bytes& content) {
      Files files = Directory().running;
      const size_t stride = Full() || content.size() < 4096 ? 1 : 199;
      for (size_t length = 0; length < content.size(); length += stride) {
        files[path] = content.substr(0, length);
        SCOPED_TRACE("cut to " + std::to_string(length));
        Check(files, Directory().history);
        ASSERT_FALSE(HasFailure());
      }
    });
  }
}

TEST_F(DamagedDirectoryTest, DeletedFiles) {
  for (const auto& [path, content] : Directory().closed) {
    SCOPED_TRACE(path);
    Files files = Directory().closed;
    for (auto it = files.lower_bound(path); it != files.end() && it->first.starts_with(path);) {
      it = files.erase(it);
    }
    const Outcome outcome = Check(files, Last());
    const std::string kind = KindOf(path);
    const bool harmless = kind == "FORMAT" || kind == "LOCK" || kind == "state";
    EXPECT_EQ(outcome.right, harmless);
  }
}

TEST_F(DamagedDirectoryTest, SwappedFiles) {
  const Files& whole = Directory().closed;
  int swaps = 0;
  for (auto a = whole.begin(); a != whole.end(); ++a) {
    for (auto b = std::next(a); b != whole.end(); ++b) {
      if (a->first.ends_with('/') || KindOf(a->first) != KindOf(b->first)) continue;
      SCOPED_TRACE(a->first + " and " + b->first);
      Files files = whole;
      std::swap(files[a->first], files[b->first]);
      const Outcome outcome = Check(files, Last());
      EXPECT_FALSE(outcome.right);
      ++swaps;
    }
  }
  EXPECT_GT(swaps, 2);
}

TEST_F(DamagedDirectoryTest, FilesOfAnotherDirectory) {
  const SmallDirectory other = MakeDirectory(2);
  for (const auto& [path, content] : Directory().closed) {
    if (path.ends_with('/') || content.empty()) continue;
    const std::string kind = KindOf(path);
    for (const auto& [their_path, their_content] : other.closed) {
      if (KindOf(their_path) != kind || their_content == content || their_path.ends_with('/')) {
        continue;
      }
      SCOPED_TRACE(path + " from " + their_path);
      Files files = Directory().closed;
      files[path] = their_content;
      const Outcome outcome = Check(files, Last());
      EXPECT_FALSE(outcome.right && kind != "state") << "taken for its own";
    }
  }
}

TEST_F(DamagedDirectoryTest, ZeroedRanges) {
  for (const auto& [path, content] : Directory().closed) {
    if (content.empty() || KindOf(path) == "LOCK") continue;
    for (const size_t range : {size_t{8}, size_t{64}, size_t{512}, content.size()}) {
      const size_t stride = std::max<size_t>(range, Full() ? 1 : content.size() / 40 + 1);
      for (size_t at = 0; at < content.size(); at += stride) {
        SCOPED_TRACE(path + " zeroed at " + std::to_string(at) + ", " + std::to_string(range));
        Files files = Directory().closed;
        const size_t n = std::min(range, content.size() - at);
        files[path].replace(at, n, n, '\0');
        Check(files, Last());
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

}  // namespace
}  // namespace chroma::damage
