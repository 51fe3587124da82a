// chroma import: directories that Chroma itself wrote, and files of records.
#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "chroma/import.h"
#include "cli/command.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "cli/record_streams.h"
#include "cli/signals.h"
#include "runtime/log.h"

namespace chroma::cli {
namespace {

const char* LabelOf(ImportProgress::Step step) {
  switch (step) {
    case ImportProgress::Step::kReading:
      return "reading ";
    case ImportProgress::Step::kWriting:
      return "writing ";
    case ImportProgress::Step::kChecking:
      return "checking ";
    case ImportProgress::Step::kIndexing:
      return "indexing ";
  }
  return "";
}

class Import final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("SOURCE", source_,
                   "A directory that Chroma 0.5 to 1.5 wrote; or a file of records, - for stdin")
        ->required()
        ->type_name(kTypeFile);
    app.add_option("DESTINATION", destination_,
                   "The new directory; for a file of records a directory, http://host:port, or a "
                   "profile")
        ->type_name(kTypePlace);
    app.add_option("COLLECTION", collection_,
                   "For a file of records: the collection, which is made when there is none");
    DefineDirectory(app);
    DefineRecords(app);
    app.add_flag("--json", json_, "Print the report as one JSON object");
  }

  Result<int> Run(Terminal& terminal) override {
    if (!collection_.empty()) return RunRecords(terminal);
    return RunDirectory(terminal);
  }

  std::string WhatIsLeft() const override {
    if (!collection_.empty()) {
      return " after " + CountText(done_) + " records were imported into " + collection_ +
             "; the same command imports all of them";
    }
    if (options_.dry_run) return "";
    return "; " + destination_ + " is not finished; the same command goes on with it";
  }

 private:
  void DefineDirectory(CLI::App& app) {
    constexpr const char* kGroup = "Of a directory";
    app.add_flag("--dry-run", options_.dry_run, "Read everything, report, and write nothing")
        ->group(kGroup);
    app.add_flag("--salvage", options_.salvage,
                 "Go on past damage and save what can be read; what cannot is named")
        ->group(kGroup);
    app.add_flag("--no-check", no_check_,
                 "Do not read every record again to compare it with the old one")
        ->group(kGroup);
    app.add_flag("--index", options_.build_indexes,
                 "Build the vector indexes before ending, not when the directory is opened")
        ->group(kGroup);
    app.add_option("--rejects", options_.rejects_path,
                   "Write what is left of records that cannot be saved to this file, as JSON Lines")
        ->type_name(kTypeFile)
        ->group(kGroup);
    app.add_flag("--verbose", verbose_, "Name all records that are affected")->group(kGroup);
  }

  void DefineRecords(CLI::App& app) {
    constexpr const char* kGroup = "Of a file";
    app.add_option("--format", format_, "jsonl or csv. Default: by the name of the file")
        ->check(CLI::IsMember({"jsonl", "csv"}))
        ->group(kGroup);
    app.add_option("--space", space_, "l2, cosine or ip, of a collection that is made. Default: l2")
        ->check(CLI::IsMember({"l2", "cosine", "ip"}))
        ->group(kGroup);
    app.add_option("--existing", existing_,
                   "What becomes of records whose id is there already: update or skip. Default: "
                   "update")
        ->check(CLI::IsMember({"update", "skip"}))
        ->group(kGroup);
  }

  Result<int> RunRecords(Terminal& terminal) {
    CHROMA_ASSIGN(const transfer::FileFormat format, FormatOf(format_, source_));
    CHROMA_ASSIGN(const Place place, ParsePlace(destination_));
    CHROMA_ASSIGN(auto source, OpenRecords(source_));
    CHROMA_ASSIGN(const Client client, OpenPlace(place, Access::kCreate));
    CreateCollectionOptions create;
    if (space_ == "cosine") create.configuration.hnsw.space = Space::kCosine;
    if (space_ == "ip") create.configuration.hnsw.space = Space::kInnerProduct;
    CHROMA_ASSIGN(const Collection collection, client.GetOrCreateCollection(collection_, create));
    Progress progress(terminal, "importing into " + collection_, 0);
    const Result<uint64_t> records = transfer::ImportRecords(
        collection, format, *source,
        existing_ == "skip" ? transfer::Existing::kSkip : transfer::Existing::kUpdate,
        [&](uint64_t done, uint64_t total) {
          progress.SetTotal(total);
          progress.Set(done);
          done_ = done;
          return !IsInterrupted();
        });
    progress.Hide();
    // A mistake in a file is none of the command line.
    if (records.status().code() == StatusCode::kInvalidArgument) {
      return Status::FailedPrecondition(source_ + ": " + std::string(records.status().message()));
    }
    CHROMA_TRY(records.status());
    if (json_) {
      terminal.Print("{\"records\":" + std::to_string(*records) + "}\n");
    } else {
      terminal.Say(CountText(*records) + " records imported");
    }
    return kExitOk;
  }

  Result<int> RunDirectory(Terminal& terminal) {
    runtime::ConfigureLog(runtime::LogLevel::kError, runtime::LogFormat::kText);
    if (destination_.empty() && !options_.dry_run) {
      return Status::InvalidArgument("name the new directory too: chroma import " + source_ +
                                     " DESTINATION");
    }
    options_.check = !no_check_;
    ImportDirectoryProgress progress(terminal);
    options_.progress = [&](const ImportProgress& step) { return progress.Show(step); };
    Result<ImportReport> report = ImportDirectory(source_, destination_, options_);
    progress.End();
    if (!report.ok()) return report.status();
    terminal.Print(json_ ? report->ToJson() : TextOf(*report));
    return report->complete() ? kExitOk : kExitFailed;
  }

  // One bar for each step of each collection.
  class ImportDirectoryProgress {
   public:
    explicit ImportDirectoryProgress(const Terminal& terminal) : terminal_(terminal) {}
    bool Show(const ImportProgress& progress) {
      std::string label = LabelOf(progress.step) + progress.collection;
      if (bar_ == nullptr || label != label_) {
        bar_.reset();
        bar_ = std::make_unique<Progress>(terminal_, label, progress.total);
        label_ = std::move(label);
      }
      bar_->Set(progress.done);
      return !IsInterrupted();
    }
    void End() { bar_.reset(); }

   private:
    const Terminal& terminal_;
    std::string label_;
    std::unique_ptr<Progress> bar_;
  };

  std::string TextOf(ImportReport& report) const {
    constexpr size_t kShown = 20;
    const size_t losses = report.losses.size();
    if (!verbose_ && losses > kShown) {
      report.losses.resize(kShown);
      std::string text = report.ToText();
      return text + "and " + std::to_string(losses - kShown) +
             " more; --verbose or --json names them all\n";
    }
    return report.ToText();
  }

  std::string source_;
  std::string destination_;
  std::string collection_;
  std::string format_;
  std::string space_;
  std::string existing_;
  ImportOptions options_;
  bool no_check_ = false;
  bool json_ = false;
  bool verbose_ = false;
  std::atomic<uint64_t> done_ = 0;  // of the records of a file
};

const Registration kImport(
    {.path = "import",
     .group = kGroupData,
     .summary = "Import a directory that Chroma itself wrote, or a file of records",
     .examples = "chroma import ./chroma ./chroma-new\n"
                 "chroma import ./chroma --dry-run --json\n"
                 "chroma import ./damaged ./chroma-new --salvage --rejects lost.jsonl\n"
                 "chroma import docs.jsonl ./chroma docs --space cosine\n"
                 "zcat docs.csv.gz | chroma import - http://localhost:8000 docs --format csv",
     .notes = "A directory is only read; stop the program that has it open first. The new one has "
              "none of\n"
              "its collections yet. An import that was interrupted goes on when it is started "
              "again.\n"
              "docs/import.md and docs/import-export.md tell more.\n"
              "Exit codes: 0 everything arrived, 1 something was not saved (the report says what), "
              "2 wrong\n"
              "arguments.",
     .interruptible = true},
    Make<Import>);

}  // namespace
}  // namespace chroma::cli
