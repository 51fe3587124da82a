// One look at a directory: findings, each with how it would be mended. The checks are spread over
// check_*.cc and share this. Nothing is changed by looking.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "catalog/verify.h"
#include "doctor/repairs.h"
#include "doctor/report.h"
#include "format/manifest.h"
#include "log/verify.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "segment/verify.h"
#include "store/blob_store.h"

namespace chroma::doctor {

struct Case {
  Finding finding;
  // Says what it did. Null without a cure.
  std::function<Result<std::string>(Repairs&)> mend;
};

// A segment of a version, as it was found.
struct ExaminedSegment {
  format::ManifestSegment named;
  segment::SegmentExamination found;
  bool missing = false;
};

class Inspection {
 public:
  // `format`: what the file FORMAT should say.
  Inspection(runtime::Context& ctx, runtime::Env env, std::string directory, std::string format)
      : ctx_(ctx), env_(env), directory_(std::move(directory)), format_(std::move(format)) {}

  // Fills cases() and the counts of the report.
  Status Run(Report* report);
  std::vector<Case>& cases() { return cases_; }

 private:
  Status CheckFormat();
  Result<bool> WasNeverUsed() const;
  // check_catalog.cc
  Status CheckCatalog();
  Status CheckCatalogLog(runtime::FileSystem& untouched);
  Status CopyNeeded(const std::string& why, const runtime::Env& untouched);
  // check_log.cc
  Status CheckLog(Report* report);
  void AddLogDamage(log::LogDamage& damage);
  // check_versions.cc
  Status CheckVersions(Report* report);
  Status CheckVersion(const catalog::CatalogCollection& collection, Report* report);
  Result<bool> ReadManifest(const catalog::CatalogCollection& collection,
                            format::Manifest* manifest);
  Status CheckSegment(const catalog::CatalogCollection& collection,
                      const format::ManifestSegment& named, ExaminedSegment* examined);
  // The vector indexes of a version, whose segments are whole. Those that are damaged, or do not
  // fit, are dropped by the mend, and built again by the next start.
  Status CheckIndexes(const catalog::CatalogCollection& collection,
                      const format::Manifest& manifest,
                      const std::vector<std::shared_ptr<ExaminedSegment>>& segments);
  Status CheckIndex(const catalog::CatalogCollection& collection,
                    const format::ManifestIndex& index, const ExaminedSegment& segment,
                    Bitmap* unindexed) const;
  void AddDamages(const catalog::CatalogCollection& collection, const ExaminedSegment& examined);
  void CheckIds(const catalog::CatalogCollection& collection,
                const std::vector<std::shared_ptr<ExaminedSegment>>& segments);
  Status CheckStrayBlobs();

  Case& Add(Severity severity, std::string place, std::string what);
  std::string PathOf(const std::string& path) const { return runtime::JoinPath(directory_, path); }
  // Of a path below the directory.
  std::string Relative(const std::string& path) const;

  runtime::Context& ctx_;
  const runtime::Env env_;
  const std::string directory_;
  const std::string format_;
  std::unique_ptr<store::BlobStore> store_;
  catalog::CatalogExamination catalog_;
  std::vector<Case> cases_;
};

// "tenant/database/name (id)".
std::string NameOf(const catalog::CatalogCollection& collection);

// Publishes a version of the collection without the vector indexes of these names.
Result<std::string> DropIndexes(runtime::Context& ctx, const runtime::Env& env,
                                const std::string& directory,
                                const catalog::CatalogCollection& collection,
                                const format::Manifest& manifest,
                                const std::set<std::string>& dropped, Repairs& repairs);

// Publishes a version of the collection without what could not be read of `segments`, and moves
// what it replaces aside.
Result<std::string> SalvageVersion(runtime::Context& ctx, const runtime::Env& env,
                                   const std::string& directory,
                                   const catalog::CatalogCollection& collection,
                                   const format::Manifest& manifest,
                                   const std::vector<std::shared_ptr<ExaminedSegment>>& segments,
                                   Repairs& repairs);

}  // namespace chroma::doctor
