// A data directory: what is in it, whose it is, and whether this program may open it.
//
//   FORMAT     one line, "chroma-cpp 1": refused when newer than this program
//   LOCK       held (OFD lock) by the process that owns the directory; holds its pid and host
//   SOCKET     where the owner serves the other processes on this directory
//   IMPORTING  only while an import of another directory is not finished; holds that one's path
//   catalog.sqlite3, log/, blobs/
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "chroma/status.h"
#include "runtime/env.h"

namespace chroma::service {

class DataDirectory {
 public:
  enum class Purpose : uint8_t { kUse, kImport };

  // Whether this program may use what is at `path`, without writing anything: true for a data
  // directory of this version, false where none is yet. kFailedPrecondition for one of a newer
  // version or of upstream, or (but to import) whose import was not finished; kDataLoss for a
  // damaged FORMAT.
  static Result<bool> Check(runtime::Env env, const std::string& path,
                            Purpose purpose = Purpose::kUse);
  // kFailedPrecondition, saying what to do, for a directory on a network file system.
  static Status CheckIsLocal(runtime::Env env, const std::string& path);

  // Makes this the owner: creates the directory when missing, takes the lock, writes FORMAT into
  // a new one. kUnavailable naming the process that holds the lock; the errors of Check, before
  // anything is written, and of CheckIsLocal; kPermissionDenied when it cannot be written.
  static Result<DataDirectory> Open(runtime::Env env, const std::string& path,
                                    Purpose purpose = Purpose::kUse);

  // The same to import `source` into it. A new directory is marked as an import that is not
  // finished before it is anything else; one that is there already has more than this import's, and
  // is marked by BeginImport. kUnavailable also names the other import that is under way;
  // kFailedPrecondition where one of another source was begun.
  static Result<DataDirectory> OpenToImport(runtime::Env env, const std::string& path,
                                            const std::string& source);
  // Whether OpenToImport found that this import was begun before.
  bool resumes_import() const { return resumes_import_; }

  // The owner, as FileSystem::LockHolder names it, or none.
  static Result<std::optional<std::string>> Holder(runtime::Env env, const std::string& path);
  static std::string SocketPath(const std::string& path);

  // Durable marks of an import that is under way: from where, or none.
  static Result<std::optional<std::string>> ImportSource(runtime::Env env, const std::string& path);
  static Status BeginImport(runtime::Env env, const std::string& path, const std::string& source);
  static Status EndImport(runtime::Env env, const std::string& path);

  std::string catalog_path() const;
  const std::string& path() const { return path_; }  // holds log/
  std::string blobs_path() const;

 private:
  DataDirectory(std::string path, std::unique_ptr<runtime::FileLock> lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  // Makes the directory and takes its lock.
  static Result<DataDirectory> Take(runtime::Env env, const std::string& path, Purpose purpose);
  // Writes FORMAT where there is none.
  Status Format(runtime::Env env, Purpose purpose) const;

  std::string path_;
  std::unique_ptr<runtime::FileLock> lock_;
  bool resumes_import_ = false;
};

// Where a directory of upstream's is imported to unless another place is named: beside it.
std::string ImportedPath(std::string_view path);

// What FORMAT says in a directory of this program.
std::string FormatText();
// OK for what a directory says that this program may open; kFailedPrecondition for one of a newer
// version, kDataLoss for anything else. `path` is for messages.
Status CheckFormatText(const std::string& path, std::string_view text);

}  // namespace chroma::service
