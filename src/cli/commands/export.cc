// chroma export: the records of a collection as a file.
#include <CLI/CLI.hpp>
#include <utility>

#include "cli/command.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "cli/record_streams.h"
#include "cli/signals.h"

namespace chroma::cli {
namespace {

class Export final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("PLACE", place_, "A directory, http://host:port, or a profile")
        ->required()
        ->type_name(kTypePlace);
    app.add_option("COLLECTION", collection_, "The collection")->required();
    app.add_option("FILE", file_, "The file to write; - is stdout")
        ->required()
        ->type_name(kTypeFile);
    app.add_option("--format", format_, "jsonl or csv. Default: by the name of the file")
        ->check(CLI::IsMember({"jsonl", "csv"}));
  }

  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const transfer::FileFormat format, FormatOf(format_, file_));
    CHROMA_TRY(CheckDescriptor(file_));
    CHROMA_ASSIGN(const Place place, ParsePlace(place_));
    CHROMA_ASSIGN(const Client client, OpenPlace(place, Access::kRead));
    CHROMA_ASSIGN(const Collection collection, client.GetCollection(collection_));
    CHROMA_ASSIGN(auto sink, CreateRecords(file_, terminal));
    Progress progress(terminal, "exporting " + collection_, 0);
    const Result<uint64_t> records =
        transfer::ExportRecords(collection, format, *sink, [&](uint64_t done, uint64_t total) {
          progress.SetTotal(total);
          progress.Set(done);
          return !IsInterrupted();
        });
    progress.Hide();
    CHROMA_TRY(records.status());
    terminal.Say(CountText(*records) + " records exported");
    return kExitOk;
  }

  std::string WhatIsLeft() const override {
    return IsStream(file_) ? "; what was written is a part" : "; " + file_ + " was not written";
  }

 private:
  std::string place_;
  std::string collection_;
  std::string file_;
  std::string format_;
};

const Registration kExport(
    {.path = "export",
     .group = kGroupData,
     .summary = "Write the records of a collection to a JSON Lines or CSV file",
     .examples = "chroma export ./chroma docs docs.jsonl\n"
                 "chroma export http://localhost:8000 docs docs.csv\n"
                 "chroma export ./chroma docs - --format jsonl | gzip > docs.jsonl.gz",
     .notes = "`chroma import FILE PLACE COLLECTION` reads it again: every value comes back as it "
              "was.\n"
              "docs/import-export.md has the formats.",
     .interruptible = true},
    Make<Export>);

}  // namespace
}  // namespace chroma::cli
