// chroma vacuum: merges and indexes now what would be in time.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/place.h"
#include "cli/progress.h"

namespace chroma::cli {
namespace {

uint64_t BytesBelow(const std::string& path) {
  uint64_t bytes = 0;
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(path, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;  // a file may vanish meanwhile
    if (!entry->is_regular_file(gone)) continue;
    const uintmax_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

class Vacuum final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("--collections,-c", names_,
                   "Only these of the database. Default: all "
                   "collections of all databases of the tenant")
        ->type_name("NAME,…")
        ->delimiter(',');
    app.add_flag("--json", json_, "Print one JSON object");
    app.add_flag("--force", force_, "Accepted for upstream's sake: there is nothing to ask");
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(Place place, place_.Find());
    place.timeout_ms = 0;  // it takes as long as there is work
    CHROMA_ASSIGN(const Client client, OpenPlaceOutside(place, Access::kWrite));
    CHROMA_ASSIGN(const std::vector<Collection> collections, Collections(client, place));
    const uint64_t before = place.is_directory() ? BytesBelow(place.path) : 0;
    {
      Progress progress(terminal, "vacuum", collections.size());
      for (const Collection& collection : collections) {
        progress.Advance(0);
        const Status compacted = collection.Compact();
        if (compacted.code() == StatusCode::kNotFound && collection.Count().ok()) {
          return Status::Unimplemented(place.name() +
                                       " is a server of another make, which cannot be told to");
        }
        // One that was deleted meanwhile needs nothing any more.
        if (!compacted.ok() && compacted.code() != StatusCode::kNotFound) return compacted;
        progress.Advance();
      }
    }
    const uint64_t after = place.is_directory() ? BytesBelow(place.path) : 0;
    if (json_) {
      terminal.Print("{\"collections\":" + std::to_string(collections.size()) +
                     (place.is_directory() ? ",\"bytes_before\":" + std::to_string(before) +
                                                 ",\"bytes_after\":" + std::to_string(after)
                                           : "") +
                     "}\n");
      return kExitOk;
    }
    std::string text = CountText(collections.size()) + " collections are merged and indexed";
    if (place.is_directory())
      text += "; " + SizeText(before) + " before, " + SizeText(after) + " now";
    terminal.Say(text);
    return kExitOk;
  }

 private:
  Result<std::vector<Collection>> Collections(const Client& client, const Place& place) const {
    std::vector<Collection> collections;
    for (const std::string& name : names_) {
      CHROMA_ASSIGN(Collection collection, client.GetCollection(name));
      collections.push_back(std::move(collection));
    }
    if (!names_.empty()) return collections;
    if (!place.database.empty()) return client.ListCollections();
    CHROMA_ASSIGN(const std::vector<DatabaseInfo> databases, client.ListDatabases());
    for (const DatabaseInfo& database : databases) {
      CHROMA_ASSIGN(std::vector<Collection> more,
                    client.At(database.tenant, database.name).ListCollections());
      for (Collection& collection : more) collections.push_back(std::move(collection));
    }
    return collections;
  }

  std::vector<std::string> names_;
  bool json_ = false;
  bool force_ = false;
  PlaceOptions place_;
};

const Registration kVacuum(
    {.path = "vacuum",
     .group = kGroupServer,
     .summary = "Merge and index everything now, and give back the space",
     .examples = "chroma vacuum --path ./chroma\n"
                 "chroma vacuum --at http://localhost:8000 --collections docs",
     .notes = "Nobody has to do this: it happens by itself in the background. It is of use before "
              "a\n"
              "measurement, or before a directory is put away. Others may use the directory "
              "meanwhile."},
    Make<Vacuum>);

}  // namespace
}  // namespace chroma::cli
