#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "runtime/file_system.h"

namespace chroma::runtime {
namespace {

class OverlayTest : public ::testing::Test {
 protected:
  static std::string Read(FileSystem& files, const std::string& path) {
    auto file = files.Open(path, OpenMode::kRead);
    if (!file.ok()) return "(" + file.status().ToString() + ")";
    std::string bytes(*(*file)->Size(), '\0');
    EXPECT_EQ(*(*file)->ReadAt(0, bytes.data(), bytes.size()), bytes.size());
    return bytes;
  }
  static void Write(FileSystem& files, const std::string& path, const std::string& text) {
    auto file = files.Open(path, OpenMode::kCreate);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->WriteAt(0, text).ok());
  }
  static std::string Names(FileSystem& files, const std::string& path) {
    std::string names;
    for (const DirectoryEntry& entry : *files.List(path)) {
      names +=
          entry.name + (entry.is_directory ? "/ " : ":" + std::to_string(entry.size_bytes) + " ");
    }
    return names;
  }

  OverlayTest() {
    EXPECT_TRUE(base_->CreateDirectory("/d/sub").ok());
    Write(*base_, "/d/a", "from the base");
    Write(*base_, "/d/b", "second");
  }

  std::unique_ptr<FileSystem> base_ = FileSystem::InMemory();
  std::unique_ptr<FileSystem> files_ = FileSystem::Overlay(*base_);
};

TEST_F(OverlayTest, ShowsTheBaseAndKeepsChangesToItself) {
  EXPECT_EQ(Read(*files_, "/d/a"), "from the base");
  EXPECT_EQ((*files_->Map("/d/a"))->bytes(), "from the base");
  Write(*files_, "/d/a", "FROM");
  EXPECT_EQ(Read(*files_, "/d/a"), "FROM the base");
  EXPECT_EQ((*files_->Map("/d/a"))->bytes(), "FROM the base");
  EXPECT_EQ(Read(*base_, "/d/a"), "from the base");
  Write(*files_, "/d/new", "x");
  EXPECT_EQ(Names(*files_, "/d"), "a:13 b:6 new:1 sub/ ");
  EXPECT_EQ(Names(*base_, "/d/"), "a:13 b:6 sub/ ");
}

TEST_F(OverlayTest, RemovesAndRenames) {
  EXPECT_TRUE(files_->Remove("/d/a").ok());
  EXPECT_FALSE(*files_->Exists("/d/a"));
  EXPECT_EQ(files_->Remove("/d/a").code(), StatusCode::kNotFound);
  EXPECT_EQ(files_->Map("/d/a").status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(files_->Rename("/d/b", "/d/sub/c").ok());
  EXPECT_EQ(Names(*files_, "/d"), "sub/ ");
  EXPECT_EQ(Read(*files_, "/d/sub/c"), "second");
  EXPECT_EQ((*files_->Map("/d/sub/c"))->bytes(), "second");
  EXPECT_EQ(files_->Rename("/d/b", "/d/x").code(), StatusCode::kNotFound);
  Write(*files_, "/d/a", "again");
  EXPECT_EQ(Read(*files_, "/d/a"), "again");
  EXPECT_EQ(files_->Remove("/d/sub").code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(files_->Remove("/d/sub/c").ok());
  EXPECT_TRUE(files_->Remove("/d/sub").ok());
  EXPECT_FALSE(*files_->Exists("/d/sub"));
  EXPECT_EQ(Names(*base_, "/d"), "a:13 b:6 sub/ ");
}

TEST_F(OverlayTest, MakesDirectoriesAndRefusesWhatIsNotThere) {
  EXPECT_EQ(files_->Open("/d/no/x", OpenMode::kCreate).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files_->Open("/d/x", OpenMode::kReadWrite).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files_->Open("/d/a", OpenMode::kCreateExclusive).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(files_->List("/no").status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(files_->CreateDirectory("/d/x/y/").ok());
  Write(*files_, "/d/x/y/z", "1");
  EXPECT_EQ(Names(*files_, "/d/x"), "y/ ");
  EXPECT_EQ(Names(*files_, "/d/x/y"), "z:1 ");
  EXPECT_TRUE(files_->SyncDirectory("/d/x").ok());
  EXPECT_FALSE(*base_->Exists("/d/x"));
}

// Random writes, truncations and reads over block borders, against a string.
TEST_F(OverlayTest, FilesBehaveAsFilesDo) {
  constexpr uint64_t kSeed = 20240611;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  uint64_t state = kSeed;
  const auto below = [&state](uint64_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % limit;
  };
  std::string model;
  for (int i = 0; i < 60'000; ++i) model += static_cast<char>('a' + i % 26);
  Write(*base_, "/d/big", model);
  const std::string original = model;
  auto one = *files_->Open("/d/big", OpenMode::kReadWrite);
  auto two = *files_->Open("/d/big", OpenMode::kRead);
  for (int step = 0; step < 2000; ++step) {
    const uint64_t offset = below(90'000);
    switch (below(4)) {
      case 0: {
        const std::string text(below(40'000), static_cast<char>('A' + step % 26));
        ASSERT_TRUE(one->WriteAt(offset, text).ok());
        if (text.empty()) break;
        if (model.size() < offset + text.size()) model.resize(offset + text.size());
        model.replace(offset, text.size(), text);
        break;
      }
      case 1:
        if (step % 5 != 0) break;
        ASSERT_TRUE(one->Truncate(offset).ok());
        model.resize(offset);
        break;
      default: {
        std::string bytes(below(50'000), '\0');
        const size_t n = *two->ReadAt(offset, bytes.data(), bytes.size());
        const std::string expected =
            offset < model.size() ? model.substr(offset, bytes.size()) : std::string();
        ASSERT_EQ(n, expected.size()) << "step " << step;
        ASSERT_TRUE(std::string_view(bytes).substr(0, n) == expected) << "step " << step;
      }
    }
    ASSERT_EQ(*two->Size(), model.size()) << "step " << step;
  }
  EXPECT_TRUE((*files_->Map("/d/big"))->bytes() == model);
  EXPECT_TRUE(Read(*base_, "/d/big") == original);
  EXPECT_FALSE(two->WriteAt(0, "x").ok());
}

}  // namespace
}  // namespace chroma::runtime
