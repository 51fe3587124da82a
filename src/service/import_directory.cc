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

// What is begun in `new_path`: an import of `source`, or nothing.
Result<bool> CheckUnfinished(runtime::Env env, const std::string& new_path,
                             const std::string& source) {
  CHROMA_ASSIGN(const auto unfinished, DataDirectory::ImportSource(env, new_path));
  if (!unfinished || *unfinished == source) return unfinished.has_value();
  return Status::FailedPrecondition(new_path + " holds an import of " + *unfinished +
                                    " that was not finished; go on with that one, or import into "
                                    "another directory");
}

// From here on what is there counts as unfinished, so that nobody takes what an import that failed,
// or was killed, leaves for all there is. A database that is there already has more than this
// import's, and counts so only once nothing is in its way.
Status MarkIfNew(runtime::Env env, const std::string& new_path, const std::string& source) {
  CHROMA_ASSIGN(const bool exists, DataDirectory::Check(env, new_path, Purpose::kImport));
  if (exists) return Status::Ok();
  CHROMA_TRY(env.files->CreateDirectory(new_path));
  return DataDirectory::BeginImport(env, new_path, source);
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
  CHROMA_ASSIGN(const bool resume, CheckUnfinished(env, new_path, source));
  CHROMA_TRY(MarkIfNew(env, new_path, source));
  CHROMA_ASSIGN(DataDirectory directory, DataDirectory::Open(env, new_path, Purpose::kImport));
  local.path = new_path;
  CHROMA_ASSIGN(auto service, LocalService::Open(env, local, std::move(directory)));
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

Result<std::string> ImportIfUpstream(runtime::Context& ctx, runtime::Env env,
                                     const std::string& path, const LocalOptions& local) {
  CHROMA_ASSIGN(const bool is_old, importer::IsOldDirectory(env, path));
  if (!is_old) return path;
  std::string target = ImportedPath(path);
  CHROMA_ASSIGN(const bool exists, DataDirectory::Check(env, target, Purpose::kImport));
  if (exists) {
    CHROMA_ASSIGN(const auto unfinished, DataDirectory::ImportSource(env, target));
    if (!unfinished) return target;
  }
  runtime::Log(runtime::LogLevel::kInfo, "importing a directory of upstream's",
               {{"from", path}, {"to", target}});
  CHROMA_ASSIGN(const ImportReport report, ImportDirectory(ctx, env, path, target, {}, local));
  for (const ImportLoss& loss : report.losses) {
    runtime::Log(runtime::LogLevel::kWarning,
                 loss.saved ? "imported incompletely" : "could not be imported",
                 {{"collection", loss.collection}, {"record", loss.record}, {"what", loss.what}});
  }
  return target;
}

}  // namespace chroma::service
