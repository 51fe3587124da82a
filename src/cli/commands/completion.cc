// chroma completion: the script by which a shell completes command lines.
#include <CLI/CLI.hpp>
#include <string>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/completion.h"

namespace chroma::cli {
namespace {

class Completion final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("SHELL", shell_, "The shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  Result<int> Run(Terminal& terminal) override {
    const Shell shell = shell_ == "bash"  ? Shell::kBash
                        : shell_ == "zsh" ? Shell::kZsh
                                          : Shell::kFish;
    terminal.Print(CompletionScript(CommandLine().app(), shell));
    return kExitOk;
  }

 private:
  std::string shell_;
};

const Registration kCompletion(
    {.path = "completion",
     .summary = "Print a script that completes command lines in a shell",
     .examples = "source <(chroma completion bash)\n"
                 "chroma completion zsh > \"${fpath[1]}/_chroma\"\n"
                 "chroma completion fish > ~/.config/fish/completions/chroma.fish"},
    Make<Completion>);

}  // namespace
}  // namespace chroma::cli
