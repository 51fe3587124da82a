// chroma docs, support, update: where to read on. They say it, and open a browser only when asked.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>

#include "cli/command.h"
#include "cli/open_page.h"

namespace chroma::cli {
namespace {

constexpr const char* kDocsUrl = "https://docs.trychroma.com";
constexpr const char* kSupportUrl = "https://discord.gg/MMeYNTmh3x";

class Page : public Command {
 public:
  void Define(CLI::App& app) override { app.add_flag("--open", open_, "Open it in a browser"); }
  Result<int> Run(Terminal& terminal) override {
    terminal.Print(Text());
    if (!open_) return kExitOk;
    CHROMA_TRY(OpenInBrowser(Url()));
    return kExitOk;
  }

 private:
  virtual std::string Url() const = 0;
  virtual std::string Text() const = 0;

  bool open_ = false;
};

class Docs final : public Page {
  std::string Url() const override { return kDocsUrl; }
  std::string Text() const override {
    return std::string("Chroma's documentation: ") + kDocsUrl +
           "\n"
           "The API of a running server: http://localhost:8000/docs\n"
           "Every command: chroma COMMAND --help\n";
  }
};

class Support final : public Page {
  std::string Url() const override { return kSupportUrl; }
  std::string Text() const override {
    return std::string("Chroma's Discord: ") + kSupportUrl +
           "\n"
           "Worth telling: `chroma --version`, what `chroma inspect` says, and the server's log\n";
  }
};

class Update final : public Command {
 public:
  Result<int> Run(Terminal& terminal) override {
    terminal.Print("This is chroma " CHROMA_VERSION
                   ".\n"
                   "Nothing is looked up from here. A newer version comes the way this one did: "
                   "by the package\n"
                   "manager, by `pip install --upgrade chroma-cpp`, or by building newer "
                   "sources.\n"
                   "Data directories are opened by newer versions as they are.\n");
    return kExitOk;
  }
};

const Registration kDocs({.path = "docs",
                          .summary = "Say where the documentation is",
                          .examples = "chroma docs\nchroma docs --open"},
                         Make<Docs>);
const Registration kSupport({.path = "support",
                             .summary = "Say where to ask for help",
                             .examples = "chroma support\nchroma support --open"},
                            Make<Support>);
const Registration kUpdate({.path = "update",
                            .summary = "Say which version this is and how a newer one comes",
                            .examples = "chroma update"},
                           Make<Update>);

}  // namespace
}  // namespace chroma::cli
