#include "service/examine.h"

#include <memory>
#include <utility>

#include "doctor/doctor.h"
#include "service/data_directory.h"

namespace chroma::service {
namespace {

// Whether something of ours is there. A directory may lack one of these and still be one.
Status CheckIsOurs(runtime::FileSystem& files, const std::string& path) {
  auto entries = files.List(path);
  if (!entries.ok()) {
    return entries.status().code() == StatusCode::kNotFound
               ? Status::NotFound("there is no directory " + path)
               : entries.status();
  }
  bool ours = false;
  bool upstream = false;
  for (const runtime::DirectoryEntry& entry : *entries) {
    ours = ours || entry.name == "FORMAT" || entry.name == "catalog.sqlite3" || entry.name == "log";
    upstream = upstream || entry.name == "chroma.sqlite3";
  }
  if (ours) return Status::Ok();
  if (upstream) {
    return Status::FailedPrecondition(path +
                                      " holds a database written by Chroma (chroma.sqlite3), which "
                                      "this program does not check; `chroma import` reads it");
  }
  return Status::NotFound(path + " holds no data directory of chroma");
}

// A newer program's directory is refused; a damaged FORMAT is the doctor's.
Status CheckVersion(runtime::FileSystem& files, const std::string& path) {
  auto file = files.Open(runtime::JoinPath(path, "FORMAT"), runtime::OpenMode::kRead);
  if (file.status().code() == StatusCode::kNotFound) return Status::Ok();
  CHROMA_TRY(file.status());
  char text[64];
  CHROMA_ASSIGN(const size_t n, (*file)->ReadAt(0, text, sizeof(text)));
  Status checked = CheckFormatText(path, std::string_view(text, n));
  return checked.code() == StatusCode::kFailedPrecondition ? checked : Status::Ok();
}

}  // namespace

Result<doctor::Report> ExamineDirectory(runtime::Context& ctx, runtime::Env env,
                                        const std::string& path, const ExamineOptions& options) {
  CHROMA_TRY(CheckIsOurs(*env.files, path));
  CHROMA_TRY(CheckVersion(*env.files, path));
  const std::string lock_path = runtime::JoinPath(path, "LOCK");
  CHROMA_ASSIGN(const bool has_lock, env.files->Exists(lock_path));
  std::unique_ptr<runtime::FileLock> lock;
  // Nobody holds a lock that does not exist, and a dry run makes no files.
  if (has_lock || !options.dry_run) {
    auto taken = env.files->Lock(lock_path);
    if (taken.status().code() == StatusCode::kUnavailable) {
      return Status::Unavailable(std::string(taken.status().message()) +
                                 "; stop it, then check the directory");
    }
    CHROMA_TRY(taken.status());
    lock = *std::move(taken);
  }
  return doctor::Examine(ctx, env, path, {FormatText(), options.dry_run, options.salvage});
}

}  // namespace chroma::service
