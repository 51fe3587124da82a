// What the user typed, to the command that it names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"

namespace CLI {
class App;
}

namespace chroma::cli {

// The program: the parser with every command in it, and the commands that it fills.
class CommandLine {
 public:
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App& app() { return *app_; }
  // Parses, runs, and returns the exit code.
  int Run(int argc, const char* const* argv);

 private:
  struct Entry {
    CommandSpec spec;
    std::unique_ptr<Command> command;
    CLI::App* app = nullptr;  // of app_
  };
  // The parser of `chroma NAME`, of a command that has subcommands; made when missing.
  CLI::App* Family(const std::string& name);
  void Add(const RegisteredCommand& registered);
  const Entry* Chosen() const;

  std::unique_ptr<CLI::App> app_;
  std::vector<Entry> entries_;
};

}  // namespace chroma::cli
