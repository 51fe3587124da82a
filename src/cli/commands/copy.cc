// chroma copy: collections from one place to another.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/copy.h"
#include "cli/place.h"
#include "cli/profiles.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "runtime/clock.h"

namespace chroma::cli {
namespace {

class CopyCommand final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("FROM", from_, "The place to copy from")->type_name(kTypePlace);
    app.add_option("TO", to_, "The place to copy to; a directory is made when missing")
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
    DefineUpstreams(app);
  }

  Result<int> Run(Terminal& terminal) override {
    const int64_t begin_ns = runtime::Clock::System().MonotonicNs();
    CHROMA_TRY(TakeUpstreams());
    CHROMA_ASSIGN(const Place from_place, ParsePlace(from_));
    CHROMA_ASSIGN(const Place to_place, ParsePlace(to_));
    CHROMA_TRY(CheckApart(from_place, to_place));
    CHROMA_ASSIGN(const Client from, OpenPlace(from_place, Access::kRead));
    if (create_database_) CHROMA_TRY(CreateDatabase(to_place));
    CHROMA_ASSIGN(const Client to, OpenPlace(to_place, Access::kCreate));
    CHROMA_ASSIGN(const std::vector<Job> jobs, Jobs(from));
    CHROMA_TRY(CopyAll(terminal, to, jobs));
    Report(terminal, runtime::Clock::System().MonotonicNs() - begin_ns);
    return kExitOk;
  }

  std::string WhatIsLeft() const override {
    return " after " + CountText(done_) + " collections; " +
           (options_.update ? "one that was there may be updated in part; " : "") +
           "the same command goes on where it was";
  }

 private:
  struct Job {
    Collection from;
    std::string name;
  };

  // The words of upstream's program for two places.
  void DefineUpstreams(CLI::App& app) {
    constexpr const char* kGroup = "In upstream's words";
    app.add_flag("--from-local", from_local_, "FROM is --path, --host or ./chroma")->group(kGroup);
    app.add_flag("--from-cloud", from_cloud_, "FROM is the current profile")->group(kGroup);
    app.add_flag("--to-local", to_local_, "TO is --path, --host or ./chroma")->group(kGroup);
    app.add_flag("--to-cloud", to_cloud_, "TO is the current profile")->group(kGroup);
    app.add_option("--db", cloud_database_, "The database of the profile")->group(kGroup);
    app.add_option("--path", local_path_, "A directory")->type_name(kTypeDirectory)->group(kGroup);
    app.add_option("--host", local_host_, "The URL of a server")->group(kGroup);
    app.add_option("--concurrent", concurrent_, "Accepted; without effect")->group(kGroup);
  }

  Status TakeUpstreams() {
    const std::string local = !local_path_.empty()   ? local_path_
                              : !local_host_.empty() ? UrlOfHost(local_host_)
                                                     : "./chroma";
    std::string cloud;
    if (from_cloud_ || to_cloud_) {
      CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
      CHROMA_ASSIGN(const std::string current, store.Current());
      if (current.empty()) {
        return Status::FailedPrecondition("no profile is in use; `chroma login` adds one");
      }
      cloud = "profile:" + current + (cloud_database_.empty() ? "" : "#" + cloud_database_);
    }
    const auto take = [&](bool is_local, bool is_cloud, std::string* place) {
      const int ways = (is_local ? 1 : 0) + (is_cloud ? 1 : 0) + (place->empty() ? 0 : 1);
      if (is_local) *place = local;
      if (is_cloud) *place = cloud;
      return ways == 1;
    };
    // TO alone is what stands where FROM would.
    if ((from_local_ || from_cloud_) && to_.empty()) to_.swap(from_);
    if (take(from_local_, from_cloud_, &from_) && take(to_local_, to_cloud_, &to_)) {
      return Status::Ok();
    }
    return Status::InvalidArgument("two places are needed: chroma copy FROM TO");
  }

  // A data directory has no other one within it.
  static Status CheckApart(const Place& from, const Place& to) {
    if (!from.is_directory() || !to.is_directory()) return Status::Ok();
    std::error_code error;
    const auto a = std::filesystem::weakly_canonical(from.path, error);
    const auto b = std::filesystem::weakly_canonical(to.path, error);
    if (a == b || (!IsWithin(a, b) && !IsWithin(b, a))) return Status::Ok();
    return Status::InvalidArgument("one of " + from.path + " and " + to.path +
                                   " is within the other; name a place outside of it");
  }
  static bool IsWithin(const std::filesystem::path& inner, const std::filesystem::path& outer) {
    const auto way = inner.lexically_relative(outer);
    return !way.empty() && *way.begin() != "..";
  }

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
      if (IsInterrupted()) return Status::Cancelled("stopped");
      CHROMA_ASSIGN(const uint64_t records, job.from.Count());
      Progress progress(terminal, job.name, records * PassesOf(options_));
      CopyOptions options = options_;
      options.on_progress = [&](uint64_t count) {
        progress.Advance(count);
        return !IsInterrupted();
      };
      CHROMA_ASSIGN(CopyReport report, CopyCollection(job.from, to, job.name, options));
      progress.Hide();
      if (!json_) SayDone(terminal, report);
      reports_.push_back(std::move(report));
      ++done_;
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
  bool from_local_ = false;
  bool from_cloud_ = false;
  bool to_local_ = false;
  bool to_cloud_ = false;
  std::string cloud_database_;
  std::string local_path_;
  std::string local_host_;
  uint32_t concurrent_ = 1;
  CopyOptions options_;
  std::vector<CopyReport> reports_;
  std::atomic<uint64_t> done_ = 0;  // of them
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
              "was.",
     .interruptible = true},
    Make<CopyCommand>);

}  // namespace
}  // namespace chroma::cli
