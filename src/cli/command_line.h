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
  bool allow_reset = false;
  bool read_only = false;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
  std::optional<std::string> log_path;
  bool test = false;  // start, then stop at once
};

// The command, or the exit code where the answer was given already: help, version, a mistake.
std::variant<int, RunOptions> ParseCommandLine(int argc, const char* const* argv);

}  // namespace chroma::cli
