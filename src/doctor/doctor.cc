#include "doctor/doctor.h"

#include <algorithm>
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

// What is put back as it was comes first: a salvage replaces whole files.
void Mend(std::vector<Case>& cases, Cure cure, const Options& options, Repairs& repairs) {
  for (Case& found : cases) {
    if (found.finding.cure != cure || !MayMend(found.finding, options)) continue;
    if (found.mend == nullptr) continue;
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

void TakeFindings(std::vector<Case>& cases, std::vector<Finding>* out) {
  for (Case& found : cases) out->push_back(std::move(found.finding));
}

// What was found before mending and is not found any more, then what remains.
std::vector<Finding> Join(std::vector<Finding> before, std::vector<Finding> remaining) {
  std::vector<Finding> all;
  for (Finding& finding : before) {
    const bool there = std::any_of(remaining.begin(), remaining.end(), [&](const Finding& other) {
      return other.place == finding.place && other.what == finding.what;
    });
    if (there) continue;
    // One mend may be that of several findings.
    if (!finding.mended) finding.outcome = "mended: with the others";
    finding.mended = true;
    all.push_back(std::move(finding));
  }
  for (Finding& finding : remaining) {
    finding.mended = false;
    all.push_back(std::move(finding));
  }
  return all;
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

// Made, and its maker died before the catalog had its name: the next start begins again.
Result<bool> Inspection::WasNeverUsed() const {
  for (const char* made_with_it : {"catalog.sqlite3", "blobs", "log"}) {
    CHROMA_ASSIGN(const bool exists, env_.files->Exists(PathOf(made_with_it)));
    if (exists) return false;
  }
  return true;
}

Status Inspection::Run(Report* report) {
  CHROMA_TRY(CheckFormat());
  CHROMA_ASSIGN(const bool unused, WasNeverUsed());
  if (unused) return Status::Ok();
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
  std::vector<Finding> before;
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
    if (!options.dry_run && !last) {
      Mend(cases, Cure::kByItself, options, repairs);
      Mend(cases, Cure::kBySalvage, options, repairs);
    }
    if (options.dry_run || last || !AnyMended(cases)) {
      // What is found now remains.
      TakeFindings(cases, &report.findings);
      break;
    }
    TakeFindings(cases, &before);
  }
  if (options.dry_run) {
    report.verdict = ExpectedVerdict(report.findings, options);
    return report;
  }
  report.verdict = !report.findings.empty() ? Verdict::kDamaged
                   : before.empty()         ? Verdict::kHealthy
                                            : Verdict::kMended;
  report.findings = Join(std::move(before), std::move(report.findings));
  report.kept_in = repairs.kept_in();
  return report;
}

}  // namespace chroma::doctor
