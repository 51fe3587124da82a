#include "doctor/doctor.h"

#include <utility>
#include <vector>

#include "doctor/inspection.h"
#include "store/dir_store.h"

namespace chroma::doctor {
namespace {

// A mended catalog lets versions be looked at, which may need mending, too; then it must be good.
constexpr int kRoundsMax = 4;

bool MayMend(const Finding& finding, const Options& options) {
  return finding.cure == Cure::kByItself || (finding.cure == Cure::kBySalvage && options.salvage);
}

void Mend(std::vector<Case>& cases, const Options& options, Repairs& repairs) {
  for (Case& found : cases) {
    if (!MayMend(found.finding, options) || found.mend == nullptr) continue;
    Result<std::string> done = found.mend(repairs);
    if (done.ok()) {
      found.finding.outcome = "mended: " + *done;
      found.finding.mended = true;
    } else {
      found.finding.outcome = "not mended: " + std::string(done.status().message());
    }
  }
}

bool AnyMended(const std::vector<Case>& cases) {
  for (const Case& found : cases) {
    if (found.finding.mended) return true;
  }
  return false;
}

Verdict ExpectedVerdict(const std::vector<Finding>& findings, const Options& options) {
  if (findings.empty()) return Verdict::kHealthy;
  for (const Finding& finding : findings) {
    if (!MayMend(finding, options)) return Verdict::kDamaged;
  }
  return Verdict::kMended;
}

void TakeFindings(std::vector<Case>& cases, bool only_mended, std::vector<Finding>* out) {
  for (Case& found : cases) {
    if (!only_mended || found.finding.mended) out->push_back(std::move(found.finding));
  }
}

}  // namespace

Case& Inspection::Add(Severity severity, std::string place, std::string what) {
  Case& added = cases_.emplace_back();
  added.finding.severity = severity;
  added.finding.place = std::move(place);
  added.finding.what = std::move(what);
  added.finding.remedy = "restore the directory from a backup";
  return added;
}

std::string Inspection::Relative(const std::string& path) const {
  const std::string prefix = PathOf("");
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

Status Inspection::CheckFormat() {
  constexpr const char* kFormat = "FORMAT";
  const auto file = env_.files->Open(PathOf(kFormat), runtime::OpenMode::kRead);
  const bool missing = file.status().code() == StatusCode::kNotFound;
  if (!missing) {
    CHROMA_TRY(file.status());
    Bytes text(format_.size() + 1, '\0');
    CHROMA_ASSIGN(const size_t n, (*file)->ReadAt(0, text.data(), text.size()));
    text.resize(n);
    if (text == format_) return Status::Ok();
  }
  Case& added = Add(Severity::kDamage, kFormat, missing ? "it is missing" : "it is damaged");
  added.finding.cure = Cure::kByItself;
  added.finding.remedy = "it is written anew";
  added.mend = [format = format_](Repairs& repairs) -> Result<std::string> {
    CHROMA_TRY(repairs.Replace(kFormat, format));
    return std::string("written anew");
  };
  return Status::Ok();
}

Status Inspection::Run(Report* report) {
  CHROMA_TRY(CheckFormat());
  CHROMA_TRY(CheckCatalog());
  CHROMA_TRY(CheckLog(report));
  CHROMA_ASSIGN(const bool exists, env_.files->Exists(PathOf("blobs")));
  if (!exists) {
    for (const catalog::CatalogCollection& collection : catalog_.collections) {
      if (collection.manifest.empty()) continue;
      Add(Severity::kDamage, "blobs", "it is missing, with all segments");
      return Status::Ok();
    }
    return Status::Ok();
  }
  CHROMA_ASSIGN(store_, store::OpenDirStore(env_, PathOf("blobs")));
  CHROMA_TRY(CheckVersions(report));
  return CheckStrayBlobs();
}

Result<Report> Examine(runtime::Context& ctx, runtime::Env env, const std::string& directory,
                       const Options& options) {
  Report report;
  report.path = directory;
  report.dry_run = options.dry_run;
  Repairs repairs(env, directory);
  std::vector<Finding> mended;
  for (int round = 0; round < kRoundsMax; ++round) {
    Report counts;
    Inspection inspection(ctx, env, directory, options.format);
    CHROMA_TRY(inspection.Run(&counts));
    report.collections = counts.collections;
    report.segments = counts.segments;
    report.records = counts.records;
    report.log_records = counts.log_records;
    std::vector<Case>& cases = inspection.cases();
    const bool last = round + 1 == kRoundsMax;
    if (!options.dry_run && !last) Mend(cases, options, repairs);
    if (options.dry_run || last || !AnyMended(cases)) {
      // What is found now remains.
      TakeFindings(cases, false, &report.findings);
      break;
    }
    TakeFindings(cases, true, &mended);
  }
  if (options.dry_run) {
    report.verdict = ExpectedVerdict(report.findings, options);
    return report;
  }
  if (report.findings.empty()) {
    report.verdict = mended.empty() ? Verdict::kHealthy : Verdict::kMended;
  } else {
    report.verdict = Verdict::kDamaged;
  }
  for (Finding& finding : report.findings) {
    // Mended, and found again.
    finding.mended = false;
    mended.push_back(std::move(finding));
  }
  report.findings = std::move(mended);
  report.kept_in = repairs.kept_in();
  return report;
}

}  // namespace chroma::doctor
