#include "doctor/untouched_files.h"

#include <gtest/gtest.h>

#include "testing/fault_file_system.h"

namespace chroma::doctor {
namespace {

using runtime::OpenMode;

std::string Read(runtime::FileSystem& files, const std::string& path) {
  const auto file = files.Open(path, OpenMode::kRead);
  if (!file.ok()) return "none";
  Bytes bytes(*(*file)->Size(), '\0');
  EXPECT_EQ(*(*file)->ReadAt(0, bytes.data(), bytes.size()), bytes.size());
  return bytes;
}

TEST(UntouchedFilesTest, ChangesAreSeenAndNothingIsChanged) {
  testing::FaultFileSystem disk(1);
  ASSERT_TRUE(disk.CreateDirectory("/d").ok());
  for (const char* name : {"/d/a", "/d/b", "/d/c"}) disk.SetContent(name, name);
  disk.SetFault([](auto, const std::string& path) { return Status::Internal("changed " + path); });
  runtime::Env env;
  env.files = &disk;
  const auto files = UntouchedFiles(env);

  auto early = files->Open("/d/a", OpenMode::kRead);
  auto a = files->Open("/d/a", OpenMode::kReadWrite);
  ASSERT_TRUE(a.ok());
  ASSERT_TRUE((*a)->WriteAt(1, "XYZ!").ok());
  ASSERT_TRUE((*a)->Sync().ok());
  EXPECT_EQ(Read(*files, "/d/a"), "/XYZ!");
  ASSERT_TRUE(files->Remove("/d/b").ok());
  EXPECT_EQ(files->Remove("/d/b").code(), StatusCode::kNotFound);
  EXPECT_EQ(Read(*files, "/d/b"), "none");
  ASSERT_TRUE(files->Rename("/d/c", "/d/n").ok());
  EXPECT_EQ(Read(*files, "/d/n"), "/d/c");
  EXPECT_EQ(Read(*files, "/d/c"), "none");
  ASSERT_TRUE(files->Open("/d/new", OpenMode::kCreate).ok());
  EXPECT_EQ(files->Open("/d/a", OpenMode::kCreateExclusive).status().code(),
            StatusCode::kAlreadyExists);
  std::string names;
  const auto entries = files->List("/d");
  for (const auto& entry : *entries) names += entry.name + " ";
  EXPECT_EQ(names, "a n new ");
  // What was removed may be made again, empty.
  ASSERT_TRUE(files->Open("/d/b", OpenMode::kCreate).ok());
  EXPECT_EQ(Read(*files, "/d/b"), "");

  for (const char* name : {"/d/a", "/d/b", "/d/c"}) EXPECT_EQ(disk.Content(name), name);
  EXPECT_EQ(Read(disk, "/d/n"), "none");
}

}  // namespace
}  // namespace chroma::doctor
