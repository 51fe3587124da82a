#include "service/import_directory.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "importer/import.h"
#include "importer/old_directory.h"
#include "runtime/log.h"
#include "service/data_directory.h"

namespace chroma::service {
namespace {

using Purpose = DataDirectory::Purpose;

// One name for a directory, however it was written.
std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  std::string text = error ? path : absolute.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

// A file of rejects that is where it may be: it must not replace one of the directories'.
Status CheckRejects(const ImportOptions& options, const std::string& old_path,
                    const std::string& new_path) {
  if (options.rejects_path.empty()) return Status();
  if (options.dry_run) {
    return Status::InvalidArgument("a dry run writes nothing: no file of rejects either");
  }
  namespace fs = std::filesystem;
  for (const std::string& directory : {old_path, new_path}) {
    std::error_code error;
    const fs::path root = fs::weakly_canonical(AbsolutePath(directory), error);
    const fs::path file = fs::weakly_canonical(AbsolutePath(options.rejects_path), error);
    if (error ||
        std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first != root.end()) {
      continue;
    }
    return Status::InvalidArgument("the file of rejects must not be in " + directory +
                                   "; name another place");
  }
  return Status();
}

}  // namespace

Result<ImportReport> ImportDirectory(runtime::Context& ctx, runtime::Env env,
                                     const std::string& old_path, const std::string& new_path,
                                     const ImportOptions& options, LocalOptions local) {
  // Before the new directory is made.
  CHROMA_ASSIGN(const bool is_old, importer::IsOldDirectory(env, old_path));
  if (!is_old) {
    return Status::NotFound(old_path + " holds no database written by Chroma (there is no " +
                            std::string(importer::kDatabaseFile) + " in it)");
  }
  CHROMA_TRY(CheckRejects(options, old_path, new_path));
  if (options.dry_run) return importer::Import(ctx, env, old_path, {}, options);
  const std::string source = AbsolutePath(old_path);
  if (source == AbsolutePath(new_path)) {
    return Status::InvalidArgument("the new directory must be another one than the old");
  }
  CHROMA_ASSIGN(DataDirectory directory, DataDirectory::OpenToImport(env, new_path, source));
  const bool resume = directory.resumes_import();
  local.path = new_path;
  CHROMA_ASSIGN(auto service, LocalService::Open(ctx, env, local, std::move(directory)));
  importer::ImportTarget target;
  target.engine = &service->engine();
  target.resume = resume;
  target.begin = [&] { return DataDirectory::BeginImport(env, new_path, source); };
  target.index = [&](runtime::Context& context, const Uuid& id) {
    return service->Compact(context, id);
  };
  CHROMA_ASSIGN(ImportReport report, importer::Import(ctx, env, old_path, target, options));
  CHROMA_TRY(DataDirectory::EndImport(env, new_path));
  return report;
}

namespace {

// Where another process has `target`: until that has finished its import, or has ended. Whether it
// was finished.
Result<bool> AwaitImport(runtime::Context& ctx, runtime::Env env, const std::string& target) {
  constexpr int64_t kPauseNs = 20 * runtime::kMillisecond;
  for (bool told = false;; told = true) {
    CHROMA_TRY(ctx.Check());
    CHROMA_ASSIGN(const bool exists, DataDirectory::Check(env, target, Purpose::kImport));
    CHROMA_ASSIGN(const auto unfinished, DataDirectory::ImportSource(env, target));
    if (exists && !unfinished) return true;
    CHROMA_ASSIGN(const auto holder, DataDirectory::Holder(env, target));
    if (!holder) return false;
    if (!told) {
      runtime::Log(runtime::LogLevel::kInfo, "waiting for an import by another process",
                   {{"to", target}, {"process", *holder}});
    }
    env.clock->SleepNs(kPauseNs);
  }
}

// Whether an import failed since another process began one at the same moment, and was first. It
// may be done by now.
Result<bool> IsOthers(runtime::Env env, const std::string& target, const Status& failed) {
  if (failed.code() != StatusCode::kUnavailable && failed.code() != StatusCode::kAlreadyExists) {
    return false;
  }
  CHROMA_ASSIGN(const auto unfinished, DataDirectory::ImportSource(env, target));
  CHROMA_ASSIGN(const auto holder, DataDirectory::Holder(env, target));
  return !unfinished || holder;
}

}  // namespace

Result<std::string> ImportIfUpstream(runtime::Context& ctx, runtime::Env env,
                                     const std::string& path, const LocalOptions& local) {
  CHROMA_ASSIGN(const bool is_old, importer::IsOldDirectory(env, path));
  if (!is_old) return path;
  std::string target = ImportedPath(path);
  Result<ImportReport> report = ImportReport();
  for (bool others = true; others;) {
    CHROMA_ASSIGN(const bool finished, AwaitImport(ctx, env, target));
    if (finished) return target;
    runtime::Log(runtime::LogLevel::kInfo, "importing a directory of upstream's",
                 {{"from", path}, {"to", target}});
    report = ImportDirectory(ctx, env, path, target, {}, local);
    CHROMA_ASSIGN(others, IsOthers(env, target, report.status()));
  }
  CHROMA_TRY(report.status());
  for (const ImportLoss& loss : report->losses) {
    runtime::Log(runtime::LogLevel::kWarning,
                 loss.saved ? "imported incompletely" : "could not be imported",
                 {{"collection", loss.collection}, {"record", loss.record}, {"what", loss.what}});
  }
  return target;
}

}  // namespace chroma::service
