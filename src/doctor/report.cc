#include "doctor/report.h"

#include <algorithm>
#include <string_view>

#include "base/json_writer.h"

namespace chroma::doctor {
namespace {

constexpr size_t kIdsShown = 10;

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHealthy:
      return "healthy";
    case Verdict::kMended:
      return "mended";
    case Verdict::kDamaged:
      break;
  }
  return "damaged";
}

std::string Count(uint64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string Line(const Finding& finding, bool verbose) {
  std::string line = finding.severity == Severity::kNote ? "note    " : "DAMAGE  ";
  line += finding.place + ": " + finding.what;
  if (!finding.collection.empty()) line += "; collection " + finding.collection;
  if (finding.records > 0) line += "; " + Count(finding.records, "record") + " affected";
  if (!finding.ids.empty()) {
    const size_t shown = verbose ? finding.ids.size() : std::min(finding.ids.size(), kIdsShown);
    line += ": ";
    for (size_t i = 0; i < shown; ++i) {
      line += i == 0 ? "" : ", ";
      JsonWriter(&line).String(finding.ids[i]);
    }
    if (shown < finding.ids.size()) line += ", … (--verbose shows all)";
  }
  line += "\n        " + (finding.outcome.empty() ? finding.remedy : finding.outcome) + "\n";
  return line;
}

std::string Summary(const Report& report) {
  const size_t mended = static_cast<size_t>(std::count_if(
      report.findings.begin(), report.findings.end(), [](const auto& f) { return f.mended; }));
  const size_t left = report.findings.size() - mended;
  switch (report.verdict) {
    case Verdict::kHealthy:
      return "healthy";
    case Verdict::kMended:
      return report.dry_run ? Count(report.findings.size(), "finding") +
                                  ", all of which can be mended: run without --dry-run"
                            : Count(mended, "finding") + ", all mended";
    case Verdict::kDamaged:
      break;
  }
  if (report.dry_run) return Count(report.findings.size(), "finding");
  return Count(mended, "finding") + " mended, " + std::to_string(left) + " left";
}

}  // namespace

std::string ToText(const Report& report, bool verbose) {
  std::string text;
  for (const Finding& finding : report.findings) text += Line(finding, verbose);
  text += report.path + ": " + Count(report.collections, "collection") + ", " +
          Count(report.segments, "segment") + ", " + Count(report.records, "record") + " and " +
          Count(report.log_records, "log record") + ": " + Summary(report) + "\n";
  if (!report.kept_in.empty()) {
    text += "files as they were before are kept in " + report.kept_in + "\n";
  }
  return text;
}

std::string ToJson(const Report& report) {
  std::string json;
  JsonWriter out(&json);
  out.BeginObject();
  out.StringField("path", report.path);
  out.StringField("verdict", VerdictName(report.verdict));
  out.Key("dry_run");
  out.Bool(report.dry_run);
  for (const auto& [key, value] :
       {std::pair("collections", report.collections), std::pair("segments", report.segments),
        std::pair("records", report.records), std::pair("log_records", report.log_records)}) {
    out.Key(key);
    out.Uint(value);
  }
  out.StringField("kept_in", report.kept_in);
  out.Key("findings");
  out.BeginArray();
  for (const Finding& finding : report.findings) {
    out.BeginObject();
    out.StringField("severity", finding.severity == Severity::kNote ? "note" : "damage");
    out.StringField("place", finding.place);
    out.StringField("what", finding.what);
    out.StringField("collection", finding.collection);
    out.Key("records");
    out.Uint(finding.records);
    out.Key("ids");
    out.BeginArray();
    for (const std::string& id : finding.ids) out.String(id);
    out.EndArray();
    const bool by_itself = finding.cure == Cure::kByItself;
    out.StringField("cure", by_itself                          ? "mend"
                            : finding.cure == Cure::kBySalvage ? "salvage"
                                                               : "none");
    out.StringField("remedy", finding.remedy);
    out.StringField("outcome", finding.outcome);
    out.Key("mended");
    out.Bool(finding.mended);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return json + "\n";
}

}  // namespace chroma::doctor
