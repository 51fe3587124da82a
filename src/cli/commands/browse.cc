// chroma browse: collections and records on a whole screen.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "cli/browse/views.h"
#include "cli/command.h"
#include "cli/place.h"

namespace chroma::cli {
namespace {

class Browse final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("COLLECTION", collection_, "Begin with the records of this collection");
    app.add_option("--theme", theme_, "dark or light. Default: dark")
        ->check(CLI::IsMember({"dark", "light"}));
    app.add_flag("--read-only", read_only_, "Change nothing");
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    static_cast<void>(terminal);
    CHROMA_ASSIGN(const Client client, place_.Open(read_only_ ? Access::kRead : Access::kWrite));
    std::unique_ptr<View> first;
    if (collection_.empty()) {
      first = MakeCollectionsView(client);
    } else {
      CHROMA_ASSIGN(Collection collection, client.GetCollection(collection_));
      first = MakeRecordsView(std::move(collection));
    }
    CHROMA_ASSIGN(Screen screen, Screen::Open(theme_ == "light"));
    CHROMA_TRY(RunViews(screen, std::move(first)));
    return kExitOk;
  }

 private:
  std::string collection_;
  std::string theme_ = "dark";
  bool read_only_ = false;
  PlaceOptions place_;
};

const Registration kBrowse(
    {.path = "browse",
     .group = kGroupData,
     .summary = "Look through collections and records on a whole screen, and edit them",
     .examples = "chroma browse --path ./chroma\n"
                 "chroma browse docs --at http://localhost:8000\n"
                 "chroma browse --at work --theme light",
     .notes = "The bottom line names the keys. Documents and metadata are edited with $VISUAL or "
              "$EDITOR,\n"
              "or on the bottom line."},
    Make<Browse>);

}  // namespace
}  // namespace chroma::cli
