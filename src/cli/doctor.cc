#include "cli/doctor.h"

#include <cstdio>
#include <string>

#include "runtime/context.h"
#include "runtime/env.h"
#include "runtime/log.h"
#include "service/examine.h"

namespace chroma::cli {

int Doctor(const DoctorOptions& options) {
  // What the parts log while they are looked at is in the report.
  runtime::ConfigureLog(runtime::LogLevel::kError, runtime::LogFormat::kText);
  const runtime::Env env;
  runtime::Context ctx(*env.clock);
  const Result<doctor::Report> report =
      service::ExamineDirectory(ctx, env, options.path, {options.dry_run, options.salvage});
  if (!report.ok()) {
    std::fprintf(stderr, "chroma doctor: %s\n", std::string(report.status().message()).c_str());
    return kDoctorCannotCheck;
  }
  const std::string text =
      options.json ? doctor::ToJson(*report) : doctor::ToText(*report, options.verbose);
  std::fputs(text.c_str(), stdout);
  switch (report->verdict) {
    case doctor::Verdict::kHealthy:
      return kDoctorHealthy;
    case doctor::Verdict::kMended:
      return kDoctorMended;
    case doctor::Verdict::kDamaged:
      break;
  }
  return kDoctorDamaged;
}

}  // namespace chroma::cli
