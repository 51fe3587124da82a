#include "runtime/network_file_system.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "runtime/errno_status.h"
#include "runtime/file_system.h"

namespace chroma::runtime {
namespace {

constexpr uint32_t kFuseMagic = 0x65735546;

// From statfs(2). FUSE may be either, and is asked for by name.
constexpr std::pair<uint32_t, const char*> kNetworkMagics[] = {
    {0x6969, "nfs"},       {0x517b, "smb"},       {0xff534d42, "cifs"}, {0xfe534d42, "smb2"},
    {0x5346414f, "afs"},   {0x6b414653, "afs"},   {0x00c36400, "ceph"}, {0x0bd00bd0, "lustre"},
    {0x73757245, "coda"},  {0x564c, "ncp"},       {0x47504653, "gpfs"}, {0x01161970, "gfs2"},
    {0x7461636f, "ocfs2"}, {0xaad7aaea, "panfs"},
};

constexpr std::string_view kRemoteFuses[] = {
    "sshfs",    "s3fs",      "glusterfs", "gcsfuse",    "goofys",   "rclone",        "ceph",
    "davfs",    "davfs2",    "curlftpfs", "juicefs",    "JuiceFS",  "mfs",           "moosefs",
    "lizardfs", "seaweedfs", "blobfuse",  "blobfuse2",  "mount-s3", "mountpoint-s3", "beegfs",
    "s3ql",     "geesefs",   "smbnetfs",  "gvfsd-fuse", "nfs",
};

Result<std::string> ReadMountInfo() {
  CHROMA_ASSIGN(auto file, FileSystem::System().Open("/proc/self/mountinfo", OpenMode::kRead));
  std::string text;
  char part[4096];
  for (;;) {
    CHROMA_ASSIGN(size_t n, file->ReadAt(text.size(), part, sizeof(part)));
    text.append(part, n);
    if (n == 0) return text;
  }
}

}  // namespace

bool IsRemoteFuse(std::string_view mount_type) {
  for (std::string_view prefix : {"fuse.", "fuseblk."}) {
    if (!mount_type.starts_with(prefix)) continue;
    const std::string_view name = mount_type.substr(prefix.size());
    for (std::string_view remote : kRemoteFuses) {
      if (name == remote) return true;
    }
  }
  return false;
}

// A line is "36 35 98:0 /root /mount/point options [optional fields …] - type source options".
std::string MountTypeOf(std::string_view mountinfo, std::string_view device) {
  while (!mountinfo.empty()) {
    const size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    const std::string wanted = " " + std::string(device) + " ";
    const size_t separator = line.find(" - ");
    const size_t at = line.find(wanted);
    // The first two fields are numbers: the device is the first thing that looks like one.
    if (at == std::string_view::npos || separator == std::string_view::npos || at > separator) {
      continue;
    }
    line.remove_prefix(separator + 3);
    return std::string(line.substr(0, line.find(' ')));
  }
  return "";
}

Result<std::string> NetworkFileSystemOf(const std::string& path) {
  struct statfs info {};
  if (statfs(path.c_str(), &info) != 0) return ErrnoStatus("statfs", path, errno);
  const auto magic = static_cast<uint32_t>(info.f_type);
  for (const auto& [number, name] : kNetworkMagics) {
    if (magic == number) return std::string(name);
  }
  struct stat status {};
  if (magic != kFuseMagic || stat(path.c_str(), &status) != 0) return std::string();
  const Result<std::string> mounts = ReadMountInfo();
  if (!mounts.ok()) return std::string();
  std::string type = MountTypeOf(
      *mounts, std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev)));
  return IsRemoteFuse(type) ? type : std::string();
}

}  // namespace chroma::runtime
