// What the user typed, as values.
#pragma once

#include <optional>
#include <string>
#include <variant>

namespace chroma::cli {

// Exit codes of every command.
constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;  // the command line or the configuration is wrong

// chroma run: what is given here wins over the configuration file, whose words it is in.
struct RunOptions {
  std::optional<std::string> config_path;
  std::optional<std::string> path;
  std::optional<std::string> host;
  std::optional<std::string> port;
  std::optional<std::string> memory_limit;  // bytes
  bool allow_reset = false;
  bool read_only = false;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
  std::optional<std::string> log_path;
  bool test = false;  // start, then stop at once
};

// chroma doctor has exit codes of its own, which scripts tell apart.
constexpr int kDoctorHealthy = 0;
constexpr int kDoctorMended = 1;   // everything that was found (in a dry run: would be)
constexpr int kDoctorDamaged = 2;  // something remains
constexpr int kDoctorCannotCheck = 3;
constexpr int kDoctorUsage = 64;  // EX_USAGE

struct DoctorOptions {
  std::string path;
  bool dry_run = false;
  bool salvage = false;
  bool json = false;
  bool verbose = false;
};

// The command, or the exit code where the answer was given already: help, version, a mistake.
std::variant<int, RunOptions, DoctorOptions> ParseCommandLine(int argc, const char* const* argv);

}  // namespace chroma::cli
