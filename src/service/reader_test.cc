// Opening a directory for reading only.
#include <gmock/gmock.h>

#include <chrono>
#include <map>
#include <tuple>

#include "runtime/file_system.h"
#include "service/directory_fixture.h"

namespace chroma::service {
namespace {

using ::testing::HasSubstr;

class ReaderTest : public DirectoryFixture {
 protected:
  // Names, sizes, times and contents of everything in the directory.
  std::map<std::string, std::string> Contents() const {
    std::map<std::string, std::string> all;
    const auto add = [&](const std::filesystem::path& path) {
      std::string text =
          std::to_string(std::filesystem::last_write_time(path).time_since_epoch().count());
      if (std::filesystem::is_regular_file(path)) {
        auto file = runtime::FileSystem::System().Open(path, runtime::OpenMode::kRead);
        std::string bytes(*(*file)->Size(), '\0');
        EXPECT_TRUE((*file)->ReadAt(0, bytes.data(), bytes.size()).ok());
        text += ":" + bytes;
      }
      all[path.string()] = std::move(text);
    };
    add(path_);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) add(entry);
    return all;
  }
  void MakeWith(int records) {
    const auto directory = Open();
    const std::string things = Things(*directory);
    for (int i = 0; i < records; ++i) ASSERT_EQ(Add(*directory, things, i), 201);
  }
};

TEST_F(ReaderTest, ReadsAndWritesNothing) {
  MakeWith(10);
  const auto before = Contents();
  {
    const auto reader = Open(/*read_only=*/true);
    ASSERT_NE(reader->Local(), nullptr);
    const std::string things = Things(*reader);  // get-or-create gets
    EXPECT_EQ(Count(*reader, things), "10");
    EXPECT_EQ(Add(*reader, things, 11), 403);
    EXPECT_EQ(Send(*reader, "POST", things + "/delete", R"({"ids":["i1"]})").status, 403);
    EXPECT_EQ(Send(*reader, "POST", kCollections, R"({"name":"other"})").status, 403);
    EXPECT_EQ(Send(*reader, "DELETE", kCollections + "/things").status, 403);
    EXPECT_EQ(Send(*reader, "POST", "/api/v2/reset").status, 403);
    EXPECT_EQ(Send(*reader, "POST", "/api/v2/tenants", R"({"name":"tenant"})").status, 403);
    EXPECT_EQ(
        Send(*reader, "POST", things + "/query", R"({"query_embeddings":[[1,1]],"n_results":3})")
            .status,
        200);
    EXPECT_EQ(Count(*reader, things), "10");
  }
  EXPECT_TRUE(Contents() == before);
}

TEST_F(ReaderTest, ReadsADirectoryThatCannotBeWritten) {
  MakeWith(5);
  for (const char* below : {"", "/log", "/blobs"}) {
    std::filesystem::permissions(path_ + below, std::filesystem::perms(0555));
  }
  const auto before = Contents();
  const auto reader = Open(/*read_only=*/true);
  EXPECT_EQ(Count(*reader, Things(*reader)), "5");
  EXPECT_TRUE(Contents() == before);
  for (const char* below : {"", "/log", "/blobs"}) {
    std::filesystem::permissions(path_ + below, std::filesystem::perms(0755));
  }
}

TEST_F(ReaderTest, MakesNoDirectory) {
  EXPECT_EQ(TryOpen(/*read_only=*/true).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ReaderTest, FollowsOwnersThatComeAndGo) {
  MakeWith(3);
  const auto reader = Open(/*read_only=*/true);
  const std::string things = Things(*reader);
  EXPECT_EQ(Count(*reader, things), "3");
  for (int round = 1; round <= 3; ++round) {
    {
      const auto owner = Open();
      ASSERT_NE(owner->Local(), nullptr);
      EXPECT_EQ(Add(*owner, things, round * 10), 201);
      EXPECT_EQ(Count(*reader, things), std::to_string(3 + round));
      EXPECT_EQ(reader->Local(), nullptr);
      EXPECT_EQ(Add(*reader, things, 99), 403);
    }
    EXPECT_EQ(Count(*reader, things), std::to_string(3 + round));
    EXPECT_NE(reader->Local(), nullptr);
  }
  // An owner that came and went between two requests.
  { EXPECT_EQ(Add(*Open(), things, 1000), 201); }
  EXPECT_EQ(Count(*reader, things), "7");
}

#if !defined(CHROMA_THREAD_SANITIZER)
TEST_F(ReaderTest, ReadsWhatAKilledOwnerLeft) {
  auto owner = Owner(50);
  ASSERT_TRUE(owner->Started());
  const auto reader = Open(/*read_only=*/true);
  const std::string things = Things(*reader);
  EXPECT_EQ(Count(*reader, things), "50");
  EXPECT_EQ(reader->Local(), nullptr);
  owner->Kill();
  const auto before = Contents();
  EXPECT_EQ(Count(*reader, things), "50");
  EXPECT_NE(reader->Local(), nullptr);
  EXPECT_TRUE(Contents() == before);
}

TEST_F(ReaderTest, AForkedChildReadsOn) {
  MakeWith(4);
  const auto reader = Open(/*read_only=*/true);
  const std::string things = Things(*reader);
  ChildProcess child([&](const std::function<void()>& ready) {
    if (Count(*reader, things) == "4") ready();
  });
  EXPECT_TRUE(child.Started());
  EXPECT_EQ(Count(*reader, things), "4");
}
#endif

}  // namespace
}  // namespace chroma::service
