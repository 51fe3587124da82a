// The commands of the program. Each is one file in cli/commands/ that defines a class and registers
// it; nothing else names it (but the list of sources):
//
//   class Count final : public Command {
//    public:
//     void Define(CLI::App& app) override {
//       place_.Define(app);
//       app.add_option("COLLECTION", name_, "The collection")->required();
//     }
//     Result<int> Run(Terminal& terminal) override {
//       CHROMA_ASSIGN(Client client, place_.Open(Access::kRead));
//       …
//       return kExitOk;
//     }
//    private:
//     PlaceOptions place_;
//     std::string name_;
//   };
//   const Registration kCount({.path = "count", .group = kGroupData, .summary = "…",
//                              .examples = "chroma count docs --at ./data"}, Make<Count>);
//
// Completion and --help come from what Define adds: an option's type_name() tells what its value is
// (kTypeDirectory, kTypeFile, kTypePlace, kTypeProfile, or choices by CLI::IsMember).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "cli/terminal.h"

namespace CLI {
class App;
}

namespace chroma::cli {

// Exit codes of every command but doctor, which has its own; one that a signal ends has none.
constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;  // the command line or the configuration is wrong

// Where `chroma --help` lists a command.
constexpr const char* kGroupServer = "Serve and keep";
constexpr const char* kGroupData = "Databases and records";
constexpr const char* kGroupMeasure = "Look inside and measure";
constexpr const char* kGroupService = "Services and profiles";
constexpr const char* kGroupProgram = "This program";

// What an option's value is, as its type_name().
constexpr const char* kTypeDirectory = "DIR";
constexpr const char* kTypeFile = "FILE";
constexpr const char* kTypePlace = "PLACE";
constexpr const char* kTypeProfile = "PROFILE";

class Command {
 public:
  virtual ~Command() = default;
  // Adds options and arguments that are bound to members.
  virtual void Define(CLI::App& app) { static_cast<void>(app); }
  // With the members set. Returns the exit code; a failure is printed on stderr, and the exit code
  // is kExitUsage for kInvalidArgument and kExitFailed for all others.
  virtual Result<int> Run(Terminal& terminal) = 0;
  // Of an `interruptible` command, after a signal: what is there of its work and how it goes on, as
  // what follows "interrupted". May be called by another thread while Run() is under way.
  virtual std::string WhatIsLeft() const { return {}; }
};

struct CommandSpec {
  std::string path;  // "copy"; "db create" is a subcommand
  const char* group = kGroupProgram;
  std::string summary;        // one line, no period
  std::string examples = {};  // command lines, one a line, for --help
  std::string notes = {};     // below the examples
  int usage_exit = kExitUsage;
  // Runs within an Interruption: it ends soon with kCancelled when IsInterrupted(), and the user is
  // told WhatIsLeft(). Others are ended by a signal at once.
  bool interruptible = false;
};

// The words of a path that have subcommands: `chroma db --help`.
struct CommandFamily {
  std::string path;
  const char* group;
  std::string summary;
};

using MakeCommand = std::unique_ptr<Command> (*)();
template <typename T>
std::unique_ptr<Command> Make() {
  return std::make_unique<T>();
}

// Of static duration, one for each command and family.
class Registration {
 public:
  Registration(CommandSpec spec, MakeCommand make);
  explicit Registration(CommandFamily family);
};

struct RegisteredCommand {
  CommandSpec spec;
  MakeCommand make = nullptr;
};
// By group and path.
std::vector<RegisteredCommand> AllCommands();
std::vector<CommandFamily> AllFamilies();

}  // namespace chroma::cli
