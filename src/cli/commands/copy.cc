// chroma copy: collections from one place to another.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/copy.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "runtime/clock.h"

namespace chroma::cli {
namespace {

class CopyCommand final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("FROM", from_, "The place to copy from")->required()->type_name(kTypePlace);
    app.add_option("TO", to_, "The place to copy to; a directory is made when missing")
        ->required()
        ->type_name(kTypePlace);
    CLI::Option* names = app.add_option("--collections,-c", names_,
                                        "Only these; OLD=NEW copies OLD under the name NEW")
                             ->type_name("NAME,…")
                             ->delimiter(',');
    app.add_flag("--all", all_, "All collections (the default)")->excludes(names);
    app.add_flag("--create-database", create_database_,
                 "Make the target's tenant and database when missing");
    app.add_flag("--update", options_.update,
                 "Make collections that are there equal to the originals: records are added, "
                 "replaced and deleted");
    app.add_flag("!--no-check", options_.check, "Do not compare counts and contents at the end");
    app.add_option("--batch", options_.batch, "Records of one request. Default: 1000")
        ->check(CLI::Range(1, 100'000));
    app.add_flag("--json", json_, "Print one JSON object");
  }

  Result<int> Run(Terminal& terminal) override {
    const int64_t begin_ns = runtime::Clock::System().MonotonicNs();
    CHROMA_ASSIGN(const Place from_place, ParsePlace(from_));
    CHROMA_ASSIGN(const Place to_place, ParsePlace(to_));
    CHROMA_ASSIGN(const Client from, OpenPlace(from_place, Access::kRead));
    if (create_database_) CHROMA_TRY(CreateDatabase(to_place));
    CHROMA_ASSIGN(const Client to, OpenPlace(to_place, Access::kCreate));
    CHROMA_ASSIGN(const std::vector<Job> jobs, Jobs(from));
    CHROMA_TRY(CopyAll(terminal, to, jobs));
    Report(terminal, runtime::Clock::System().MonotonicNs() - begin_ns);
    return kExitOk;
  }

 private:
  struct Job {
    Collection from;
    std::string name;
  };

  static Status CreateDatabase(const Place& place) {
    CHROMA_ASSIGN(const Client client, OpenPlaceOutside(place, Access::kCreate));
    const auto made = [](const Status& status) {
      return status.code() == StatusCode::kAlreadyExists ? Status::Ok() : status;
    };
    if (!place.tenant.empty()) {
      CHROMA_TRY(made(client.CreateTenant(place.tenant)));
    }
    if (place.database.empty()) return Status::Ok();
    return made(client.CreateDatabase(place.database));
  }

  Result<std::vector<Job>> Jobs(const Client& from) const {
    std::vector<Job> jobs;
    if (names_.empty()) {
      CHROMA_ASSIGN(std::vector<Collection> all, from.ListCollections());
      for (Collection& collection : all) {
        std::string name = collection.name();
        jobs.push_back({std::move(collection), std::move(name)});
      }
      std::sort(jobs.begin(), jobs.end(),
                [](const Job& a, const Job& b) { return a.name < b.name; });
      return jobs;
    }
    for (const std::string& given : names_) {
      const size_t equals = given.find('=');
      const std::string old_name = given.substr(0, equals);
      CHROMA_ASSIGN(Collection collection, from.GetCollection(old_name));
      jobs.push_back({std::move(collection),
                      equals == std::string::npos ? old_name : given.substr(equals + 1)});
    }
    return jobs;
  }

  Status CopyAll(Terminal& terminal, const Client& to, const std::vector<Job>& jobs) {
    for (const Job& job : jobs) {
      CHROMA_ASSIGN(const uint64_t records, job.from.Count());
      Progress progress(terminal, job.name, records * PassesOf(options_));
      CopyOptions options = options_;
      options.on_progress = [&](uint64_t count) { progress.Advance(count); };
      CHROMA_ASSIGN(CopyReport report, CopyCollection(job.from, to, job.name, options));
      progress.Hide();
      if (!json_) SayDone(terminal, report);
      reports_.push_back(std::move(report));
    }
    return Status::Ok();
  }

  void SayDone(Terminal& terminal, const CopyReport& report) const {
    std::string text = report.name + ": " + CountText(report.records) + " records";
    if (report.existed && report.written == 0 && report.removed == 0) {
      text += ", was there and is equal";
    } else if (report.written != report.records) {
      text += ", " + CountText(report.written) + " written";
      if (report.removed > 0) text += ", " + CountText(report.removed) + " removed";
      if (report.resumed) text += ", the others by the copy that was interrupted";
    }
    if (options_.check) text += ", checked";
    terminal.Say(text);
  }

  void Report(Terminal& terminal, int64_t duration_ns) const {
    if (!json_) {
      terminal.Say(CountText(reports_.size()) + " collections in " + DurationText(duration_ns));
      return;
    }
    std::string text;
    JsonWriter out(&text);
    out.BeginObject();
    out.Key("collections");
    out.BeginArray();
    for (const CopyReport& report : reports_) {
      out.BeginObject();
      out.StringField("name", report.name);
      out.Key("records");
      out.Uint(report.records);
      out.Key("written");
      out.Uint(report.written);
      out.Key("removed");
      out.Uint(report.removed);
      out.Key("resumed");
      out.Bool(report.resumed);
      out.Key("checked");
      out.Bool(options_.check);
      out.EndObject();
    }
    out.EndArray();
    out.Key("seconds");
    out.F64(static_cast<double>(duration_ns) / 1e9);
    out.EndObject();
    terminal.Print(text + "\n");
  }

  std::string from_;
  std::string to_;
  std::vector<std::string> names_;
  bool all_ = false;
  bool create_database_ = false;
  bool json_ = false;
  CopyOptions options_;
  std::vector<CopyReport> reports_;
};

const Registration kCopy(
    {.path = "copy",
     .group = kGroupData,
     .summary = "Copy collections between directories, servers, tenants and databases",
     .examples = "chroma copy ./chroma http://localhost:8000\n"
                 "chroma copy ./chroma#drafts ./chroma#published --create-database\n"
                 "chroma copy work ./backup --collections docs,notes=old-notes\n"
                 "chroma copy http://localhost:8000 ./mirror --update",
     .notes = "A place is a directory, http://host:port, or a profile, with #database or "
              "#tenant/database\n"
              "behind it. A collection appears in the target when all of it is there and was "
              "compared with\n"
              "the original. When the copy is interrupted, the same command goes on where it "
              "was."},
    Make<CopyCommand>);

}  // namespace
}  // namespace chroma::cli
