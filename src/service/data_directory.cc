#include "service/data_directory.h"

#include <charconv>
#include <utility>

#include "runtime/test_points.h"

namespace chroma::service {
namespace {

constexpr std::string_view kFormatName = "chroma-cpp ";
constexpr int kFormatVersion = 1;
constexpr const char* kFormatFile = "FORMAT";
constexpr const char* kLockFile = "LOCK";
constexpr const char* kUpstreamFile = "chroma.sqlite3";
constexpr const char* kImportFile = "IMPORTING";
constexpr size_t kFormatBytesMax = 64;
constexpr size_t kSourceBytesMax = 1 << 16;

Status CheckFormat(const std::string& path, std::string_view text) {
  int version = 0;
  const bool named = text.starts_with(kFormatName);
  if (named) {
    text.remove_prefix(kFormatName.size());
    std::from_chars(text.data(), text.data() + text.size(), version);
  }
  if (version < 1) {
    return Status::DataLoss(path + ": the file FORMAT is damaged; it should read \"" +
                            std::string(kFormatName) + std::to_string(kFormatVersion) + "\"");
  }
  if (version > kFormatVersion) {
    return Status::FailedPrecondition(path + " was written by a newer version of chroma (format " +
                                      std::to_string(version) + ", this program knows " +
                                      std::to_string(kFormatVersion) +
                                      "); upgrade this program or use another path");
  }
  return Status::Ok();
}

// Written to a file that is renamed into place: it is whole or absent.
Status WriteSmallFile(runtime::FileSystem& files, const std::string& path, const std::string& name,
                      const std::string& text) {
  const std::string temporary = runtime::JoinPath(path, name + ".tmp");
  CHROMA_ASSIGN(std::unique_ptr<runtime::File> file,
                files.Open(temporary, runtime::OpenMode::kCreate));
  CHROMA_TEST_POINT("service.format_created");
  CHROMA_TRY(file->Truncate(0));
  CHROMA_TRY(file->WriteAt(0, text));
  CHROMA_TRY(file->Sync());
  CHROMA_TEST_POINT("service.format_synced");
  CHROMA_TRY(files.Rename(temporary, runtime::JoinPath(path, name)));
  CHROMA_TEST_POINT("service.format_named");
  return files.SyncDirectory(path);
}

Status CheckNotImporting(runtime::Env env, const std::string& path) {
  CHROMA_ASSIGN(const std::optional<std::string> source, DataDirectory::ImportSource(env, path));
  if (!source) return Status();
  return Status::FailedPrecondition(path + " holds an import of " + *source +
                                    " that was not finished; go on with `chroma import " + *source +
                                    " " + path + "`, or remove " + path + " and begin anew");
}

}  // namespace

Result<bool> DataDirectory::Check(runtime::Env env, const std::string& path, Purpose purpose) {
  runtime::FileSystem& files = *env.files;
  const std::string format_path = runtime::JoinPath(path, kFormatFile);
  CHROMA_ASSIGN(bool exists, files.Exists(format_path));
  if (exists) {
    CHROMA_ASSIGN(std::unique_ptr<runtime::File> file,
                  files.Open(format_path, runtime::OpenMode::kRead));
    char text[kFormatBytesMax];
    CHROMA_ASSIGN(size_t n, file->ReadAt(0, text, sizeof(text)));
    CHROMA_TRY(CheckFormat(path, std::string_view(text, n)));
    if (purpose == Purpose::kUse) CHROMA_TRY(CheckNotImporting(env, path));
    return true;
  }
  CHROMA_ASSIGN(bool upstream, files.Exists(runtime::JoinPath(path, kUpstreamFile)));
  if (upstream) {
    return Status::FailedPrecondition(
        path +
        " holds a database written by Chroma (chroma.sqlite3), which this program does not "
        "open in place; import it into a new directory with `chroma import " +
        path + " " + ImportedPath(path) + "`, which leaves it as it is");
  }
  CHROMA_ASSIGN(const bool importing, files.Exists(runtime::JoinPath(path, kImportFile)));
  if (importing && purpose == Purpose::kUse) CHROMA_TRY(CheckNotImporting(env, path));
  return false;
}

Status DataDirectory::CheckIsLocal(runtime::Env env, const std::string& path) {
  CHROMA_ASSIGN(std::string kind, env.files->NetworkKind(path));
  if (kind.empty()) return Status::Ok();
  return Status::FailedPrecondition(
      path + " is on a network file system (" + kind +
      "), where processes on other machines cannot be kept out; use a directory on a local disk, "
      "or start `chroma run` on the machine that has the disk and connect to it");
}

Result<DataDirectory> DataDirectory::Take(runtime::Env env, const std::string& path,
                                          Purpose purpose) {
  // Before anything is written: the directory may be somebody else's.
  CHROMA_TRY(Check(env, path, purpose).status());
  if (const Status made = env.files->CreateDirectory(path); !made.ok()) {
    if (made.code() != StatusCode::kAlreadyExists) return made;
    return Status::FailedPrecondition(path +
                                      " is a file; choose the path of a directory, or of none");
  }
  CHROMA_TEST_POINT("service.directory_made");
  CHROMA_TRY(CheckIsLocal(env, path));
  Result<std::unique_ptr<runtime::FileLock>> lock =
      env.files->Lock(runtime::JoinPath(path, kLockFile));
  if (lock.status().code() == StatusCode::kFailedPrecondition) {
    return Status::FailedPrecondition(std::string(lock.status().message()) +
                                      "; use a directory on a local disk");
  }
  CHROMA_TRY(lock.status());
  CHROMA_TEST_POINT("service.directory_locked");
  return DataDirectory(path, *std::move(lock));
}

Status DataDirectory::Format(runtime::Env env, Purpose purpose) const {
  CHROMA_ASSIGN(const bool formatted, Check(env, path_, purpose));
  if (formatted) return Status::Ok();
  return WriteSmallFile(*env.files, path_, kFormatFile, FormatText());
}

Result<DataDirectory> DataDirectory::Open(runtime::Env env, const std::string& path,
                                          Purpose purpose) {
  CHROMA_ASSIGN(DataDirectory directory, Take(env, path, purpose));
  CHROMA_TRY(directory.Format(env, purpose));
  return directory;
}

Result<DataDirectory> DataDirectory::OpenToImport(runtime::Env env, const std::string& path,
                                                  const std::string& source) {
  Result<DataDirectory> taken = Take(env, path, Purpose::kImport);
  if (taken.status().code() == StatusCode::kUnavailable) {
    CHROMA_ASSIGN(const auto under_way, ImportSource(env, path));
    if (!under_way) {
      return Status::Unavailable(path + " is open already, and an import needs it for itself: " +
                                 std::string(taken.status().message()));
    }
    return Status::Unavailable("an import of " + *under_way + " into " + path +
                               " is under way already: " + std::string(taken.status().message()));
  }
  CHROMA_TRY(taken.status());
  // What others have written is whole: they have ended.
  CHROMA_ASSIGN(const auto begun, ImportSource(env, path));
  if (begun && *begun != source) {
    return Status::FailedPrecondition(path + " holds an import of " + *begun +
                                      " that was not finished; go on with that one, or import "
                                      "into another directory");
  }
  taken->resumes_import_ = begun.has_value();
  CHROMA_ASSIGN(const bool exists, Check(env, path, Purpose::kImport));
  if (!begun && !exists) CHROMA_TRY(BeginImport(env, path, source));
  CHROMA_TRY(taken->Format(env, Purpose::kImport));
  return taken;
}

Result<std::optional<std::string>> DataDirectory::Holder(runtime::Env env,
                                                         const std::string& path) {
  return env.files->LockHolder(runtime::JoinPath(path, kLockFile));
}

std::string DataDirectory::SocketPath(const std::string& path) {
  return runtime::JoinPath(path, "SOCKET");
}

Result<std::optional<std::string>> DataDirectory::ImportSource(runtime::Env env,
                                                               const std::string& path) {
  const std::string mark = runtime::JoinPath(path, kImportFile);
  auto file = env.files->Open(mark, runtime::OpenMode::kRead);
  if (file.status().code() == StatusCode::kNotFound) return std::optional<std::string>();
  CHROMA_TRY(file.status());
  std::string text(kSourceBytesMax, '\0');
  CHROMA_ASSIGN(const size_t n, (*file)->ReadAt(0, text.data(), text.size()));
  text.resize(n);
  return std::optional<std::string>(std::move(text));
}

Status DataDirectory::BeginImport(runtime::Env env, const std::string& path,
                                  const std::string& source) {
  return WriteSmallFile(*env.files, path, kImportFile, source);
}

Status DataDirectory::EndImport(runtime::Env env, const std::string& path) {
  CHROMA_TRY(env.files->Remove(runtime::JoinPath(path, kImportFile)));
  return env.files->SyncDirectory(path);
}

std::string DataDirectory::catalog_path() const {
  return runtime::JoinPath(path_, "catalog.sqlite3");
}
std::string DataDirectory::blobs_path() const {
  return runtime::JoinPath(path_, "blobs");
}

std::string ImportedPath(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path) + "-imported";
}

std::string FormatText() {
  return std::string(kFormatName) + std::to_string(kFormatVersion) + "\n";
}

Status CheckFormatText(const std::string& path, std::string_view text) {
  return CheckFormat(path, text);
}

}  // namespace chroma::service
