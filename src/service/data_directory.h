// A data directory: what is in it, whose it is, and whether this program may open it.
//
//   FORMAT     one line, "chroma-cpp 1": refused when newer than this program
//   LOCK       held (OFD lock) by the process that owns the directory; holds its pid
//   catalog.sqlite3, log/, blobs/
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "chroma/status.h"
#include "runtime/env.h"

namespace chroma::service {

class DataDirectory {
 public:
  // Creates the directory when missing, takes the lock, checks the format. kUnavailable naming
  // the pid of the process that holds it; kFailedPrecondition for a directory of a newer version
  // or of upstream; kPermissionDenied when it cannot be written.
  static Result<DataDirectory> Open(runtime::Env env, const std::string& path);

  std::string catalog_path() const;
  const std::string& path() const { return path_; }  // holds log/
  std::string blobs_path() const;

 private:
  DataDirectory(std::string path, std::unique_ptr<runtime::FileLock> lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  std::unique_ptr<runtime::FileLock> lock_;
};

// What FORMAT says in a directory of this program.
std::string FormatText();
// OK for what a directory says that this program may open; kFailedPrecondition for one of a newer
// version, kDataLoss for anything else. `path` is for messages.
Status CheckFormatText(const std::string& path, std::string_view text);

}  // namespace chroma::service
