#include "service/completeness.h"

#include <string>
#include <vector>

namespace chroma::service {
namespace {

constexpr const char* kLog = "log";

// False for a directory that is missing.
Result<bool> HoldsAnything(runtime::FileSystem& files, const std::string& path) {
  auto entries = files.List(path);
  if (entries.ok()) return !entries->empty();
  return entries.status().code() == StatusCode::kNotFound ? Result<bool>(false) : entries.status();
}

}  // namespace

Status CheckNothingMissing(runtime::Env env, const DataDirectory& directory) {
  uint64_t catalog_bytes = 0;
  auto catalog = env.files->Open(directory.catalog_path(), runtime::OpenMode::kRead);
  if (catalog.ok()) {
    CHROMA_ASSIGN(catalog_bytes, (*catalog)->Size());
  } else if (catalog.status().code() != StatusCode::kNotFound) {
    return catalog.status();
  }
  if (catalog_bytes > 0) return Status::Ok();
  for (const std::string& path :
       {runtime::JoinPath(directory.path(), kLog), directory.blobs_path()}) {
    CHROMA_ASSIGN(const bool holds, HoldsAnything(*env.files, path));
    if (!holds) continue;
    return Status::DataLoss("catalog " + directory.catalog_path() +
                            (catalog.ok() ? " is empty" : " is missing") + ", and " + path +
                            " holds what it should name; restore it from a backup");
  }
  return Status::Ok();
}

Status CheckLogExists(runtime::Context& ctx, runtime::Env env, const DataDirectory& directory,
                      catalog::Catalog& catalog) {
  const std::string log = runtime::JoinPath(directory.path(), kLog);
  CHROMA_ASSIGN(const bool exists, env.files->Exists(log));
  if (exists) return Status::Ok();
  CHROMA_ASSIGN(const auto heads, catalog.ListHeads(ctx));
  if (heads.empty()) return Status::Ok();
  return Status::DataLoss("the log in " + log +
                          " is missing, with every write that was not yet "
                          "compacted; restore it from a backup");
}

}  // namespace chroma::service
