// chroma help: what --help says, in the words of other programs.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/command_line.h"

namespace chroma::cli {
namespace {

class Help final : public Command {
 public:
  void Define(CLI::App& app) override { app.add_option("COMMAND", words_, "Of this command"); }

  Result<int> Run(Terminal& terminal) override {
    CommandLine line;
    const CLI::App* app = &line.app();
    std::string before;
    for (const std::string& word : words_) {
      const auto named =
          app->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
      if (named.empty()) return Status::InvalidArgument("there is no command " + word);
      before += (before.empty() ? "" : " ") + app->get_name();
      app = named.front();
    }
    terminal.Print(app->help(before));
    return kExitOk;
  }

 private:
  std::vector<std::string> words_;
};

const Registration kHelp({.path = "help",
                          .summary = "Print help, of a command or of all",
                          .examples = "chroma help\nchroma help db create"},
                         Make<Help>);

}  // namespace
}  // namespace chroma::cli
