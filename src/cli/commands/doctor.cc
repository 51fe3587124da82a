// chroma doctor: checks and mends a data directory.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "runtime/log.h"
#include "service/examine.h"

namespace chroma::cli {
namespace {

// Exit codes of its own, which scripts tell apart.
constexpr int kDoctorHealthy = 0;
constexpr int kDoctorMended = 1;   // everything that was found (in a dry run: would be)
constexpr int kDoctorDamaged = 2;  // something remains
constexpr int kDoctorCannotCheck = 3;
constexpr int kDoctorUsage = 64;  // EX_USAGE

int ExitCodeOf(doctor::Verdict verdict) {
  switch (verdict) {
    case doctor::Verdict::kHealthy:
      return kDoctorHealthy;
    case doctor::Verdict::kMended:
      return kDoctorMended;
    case doctor::Verdict::kDamaged:
      break;
  }
  return kDoctorDamaged;
}

class Doctor final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("PATH", path_, "The directory of the data")
        ->required()
        ->type_name(kTypeDirectory);
    app.add_flag("--dry-run", options_.dry_run, "Say what would be done and change nothing");
    app.add_flag("--salvage", options_.salvage,
                 "Go on without records that cannot be read any more; they are named");
    app.add_flag("--json", json_, "Print one JSON object");
    app.add_flag("--verbose", verbose_, "Name all records that are affected");
  }

  Result<int> Run(Terminal& terminal) override {
    // What the parts log while they are looked at is in the report.
    runtime::ConfigureLog(runtime::LogLevel::kError, runtime::LogFormat::kText);
    const runtime::Env env;
    runtime::Context ctx(*env.clock);
    const Result<doctor::Report> report = service::ExamineDirectory(ctx, env, path_, options_);
    if (!report.ok()) {
      terminal.Say("chroma doctor: " + std::string(report.status().message()));
      return kDoctorCannotCheck;
    }
    terminal.Print(json_ ? doctor::ToJson(*report) : doctor::ToText(*report, verbose_));
    return ExitCodeOf(report->verdict);
  }

 private:
  std::string path_;
  service::ExamineOptions options_;
  bool json_ = false;
  bool verbose_ = false;
};

const Registration kDoctor(
    {.path = "doctor",
     .group = kGroupServer,
     .summary = "Check a data directory that no server has open, and mend what can be mended",
     .examples = "chroma doctor ./chroma --dry-run\n"
                 "chroma doctor ./chroma\n"
                 "chroma doctor ./chroma --salvage --json",
     .notes = "Nothing that can be read is lost: what checksums prove is put back as it was, and "
              "a file is\n"
              "kept under PATH/damaged before it is touched. Records are left out with --salvage "
              "only.\n"
              "Exit codes: 0 healthy, 1 everything mended (with --dry-run: can be), 2 damage "
              "remains,\n"
              "3 cannot be checked (in use, not a directory of chroma), 64 wrong arguments.",
     .usage_exit = kDoctorUsage},
    Make<Doctor>);

}  // namespace
}  // namespace chroma::cli
