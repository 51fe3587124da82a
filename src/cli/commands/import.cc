// chroma import: directories that Chroma itself wrote, and files of records.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "chroma/import.h"
#include "cli/command.h"
#include "cli/progress.h"
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
    app.add_option("SOURCE", source_, "A directory that Chroma 0.5 to 1.5 wrote")
        ->required()
        ->type_name(kTypeDirectory);
    app.add_option("DESTINATION", destination_, "The new directory")->type_name(kTypeDirectory);
    app.add_flag("--dry-run", options_.dry_run, "Read everything, report, and write nothing");
    app.add_flag("--salvage", options_.salvage,
                 "Go on past damage and save what can be read; what cannot is named");
    app.add_flag("!--no-check", options_.check,
                 "Do not read every record again to compare it with the old one");
    app.add_flag("--index", options_.build_indexes,
                 "Build the vector indexes before ending, not when the directory is opened");
    app.add_option("--rejects", options_.rejects_path,
                   "Write records that cannot be saved, for want of an embedding, to this file, "
                   "as JSON Lines")
        ->type_name(kTypeFile);
    app.add_flag("--json", json_, "Print the report as one JSON object");
    app.add_flag("--verbose", verbose_, "Name all records that are affected");
  }

  Result<int> Run(Terminal& terminal) override {
    runtime::ConfigureLog(runtime::LogLevel::kError, runtime::LogFormat::kText);
    if (destination_.empty() && !options_.dry_run) {
      return Status::InvalidArgument("name the new directory too: chroma import " + source_ +
                                     " DESTINATION");
    }
    ImportDirectoryProgress progress(terminal);
    options_.progress = [&](const ImportProgress& step) { return progress.Show(step); };
    Result<ImportReport> report = ImportDirectory(source_, destination_, options_);
    progress.End();
    if (!report.ok()) return report.status();
    terminal.Print(json_ ? report->ToJson() : TextOf(*report));
    return report->complete() ? kExitOk : kExitFailed;
  }

 private:
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
      return true;
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
  ImportOptions options_;
  bool json_ = false;
  bool verbose_ = false;
};

const Registration kImport(
    {.path = "import",
     .group = kGroupData,
     .summary = "Import a directory that Chroma itself wrote",
     .examples = "chroma import ./chroma ./chroma-new\n"
                 "chroma import ./chroma --dry-run --json\n"
                 "chroma import ./damaged ./chroma-new --salvage --rejects lost.jsonl",
     .notes = "SOURCE is only read. Stop the program that has it open first. DESTINATION is new, "
              "empty, or has\n"
              "none of the collections. An import that was interrupted goes on when it is started "
              "again.\n"
              "Exit codes: 0 everything arrived, 1 something was not saved (the report says what), "
              "2 wrong\n"
              "arguments."},
    Make<Import>);

}  // namespace
}  // namespace chroma::cli
