#include "runtime/network_file_system.h"

#include <gtest/gtest.h>

namespace chroma::runtime {
namespace {

constexpr std::string_view kMountInfo =
    "22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
    "36 35 0:98 /mnt1 /mnt2 rw,noatime master:1 shared:3 - fuse.sshfs me@host:/ "
    "rw,errors=continue\n"
    "37 35 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "38 35 0:99 / /local rw - fuse.gocryptfs /cipher rw";

TEST(NetworkFileSystem, FindsTheTypeOfAMount) {
  EXPECT_EQ(MountTypeOf(kMountInfo, "0:98"), "fuse.sshfs");
  EXPECT_EQ(MountTypeOf(kMountInfo, "8:1"), "ext4");
  EXPECT_EQ(MountTypeOf(kMountInfo, "0:99"), "fuse.gocryptfs");
  EXPECT_EQ(MountTypeOf(kMountInfo, "0:9"), "");
  EXPECT_EQ(MountTypeOf("", "8:1"), "");
  EXPECT_EQ(MountTypeOf("37 35 8:1 / / rw ext4", "8:1"), "");
}

TEST(NetworkFileSystem, KnowsWhichFuseIsRemote) {
  EXPECT_TRUE(IsRemoteFuse("fuse.sshfs"));
  EXPECT_TRUE(IsRemoteFuse("fuse.s3fs"));
  EXPECT_FALSE(IsRemoteFuse("fuse.gocryptfs"));
  EXPECT_FALSE(IsRemoteFuse("fuse"));
  EXPECT_FALSE(IsRemoteFuse("ext4"));
  EXPECT_FALSE(IsRemoteFuse("sshfs"));
}

TEST(NetworkFileSystem, TheRootIsLocal) {
  EXPECT_EQ(*NetworkFileSystemOf("/"), "");
  EXPECT_EQ(NetworkFileSystemOf("/no/such/place").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace chroma::runtime
