#include "cli/command_line.h"

#include <CLI/CLI.hpp>

namespace chroma::cli {
namespace {

void AddRun(CLI::App& app, RunOptions* run) {
  CLI::App* command = app.add_subcommand("run", "Start a local Chroma server");
  command->add_option("CONFIG_PATH", run->config_path,
                      "The path to the Chroma config file (YAML); the options below win over it");
  command->add_option("--path", run->path, "The directory of the data. Default: ./chroma");
  command->add_option("--host", run->host,
                      "The address to listen on. Default: localhost (with a config file: its "
                      "listen_address, or 0.0.0.0)");
  command->add_option("--port", run->port,
                      "The port to listen on; 0 is any free one. "
                      "Default: 8000");
  command
      ->add_option("--memory-limit", run->memory_limit,
                   "What the server should keep in memory, as 800MB or 4GB. "
                   "Default: half of the machine's")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false));
  command->add_flag("--allow-reset", run->allow_reset,
                    "Let clients delete everything with POST /api/v2/reset");
  command->add_flag("--read-only", run->read_only,
                    "Serve what is there, refuse writes, and write nothing in the directory");
  command->add_option("--log-level", run->log_level,
                      "debug, info, warning, error or off. Default: info");
  command->add_option("--log-format", run->log_format, "text or json. Default: text");
  command->add_option("--log-path", run->log_path, "Append the log to this file. Default: stderr");
  command->add_flag("--test", run->test, "Start, then stop at once")->group("");
  command->footer("SIGTERM or Ctrl-C lets running requests finish; a second one does not wait.");
}

void AddDoctor(CLI::App& app, DoctorOptions* doctor) {
  CLI::App* command = app.add_subcommand(
      "doctor", "Check a data directory that no server has open, and mend what can be mended");
  command->add_option("PATH", doctor->path, "The directory of the data")->required();
  command->add_flag("--dry-run", doctor->dry_run, "Say what would be done and change nothing");
  command->add_flag("--salvage", doctor->salvage,
                    "Go on without records that cannot be read any more; they are named");
  command->add_flag("--json", doctor->json, "Print one JSON object");
  command->add_flag("--verbose", doctor->verbose, "Name all records that are affected");
  command->footer(
      "Nothing that can be read is lost: what checksums prove is put back as it was, and a file "
      "is\n"
      "kept under PATH/damaged before it is touched. Records are left out with --salvage only.\n"
      "Exit codes: 0 healthy, 1 everything mended (with --dry-run: can be), 2 damage remains,\n"
      "3 cannot be checked (in use, not a directory of chroma), 64 wrong arguments.");
}

}  // namespace

std::variant<int, RunOptions, DoctorOptions> ParseCommandLine(int argc, const char* const* argv) {
  RunOptions run;
  DoctorOptions doctor;
  CLI::App app("Chroma, the vector database", "chroma");
  app.set_version_flag("--version,-V", "chroma " CHROMA_VERSION, "Print version");
  app.set_help_flag("--help,-h", "Print help");
  app.require_subcommand(1);
  AddRun(app, &run);
  AddDoctor(app, &doctor);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    if (argc > 1) {
      app.exit(e);
    } else {
      std::cerr << app.help();
    }
    return app.got_subcommand("doctor") ? kDoctorUsage : kExitUsage;
  }
  if (app.got_subcommand("doctor")) return doctor;
  return run;
}

}  // namespace chroma::cli
