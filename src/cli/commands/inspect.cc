// chroma inspect: what a place, a collection, or a file of a directory holds.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/file_contents.h"
#include "cli/place.h"

namespace chroma::cli {
namespace {

const char* NameOf(Space space) {
  switch (space) {
    case Space::kCosine:
      return "cosine";
    case Space::kInnerProduct:
      return "ip";
    case Space::kL2:
      break;
  }
  return "l2";
}

// What a server of another make cannot tell is left out.
struct Inspected {
  Collection collection;
  uint64_t records = 0;
  bool is_described = false;
  CollectionDescription description;

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const SegmentDescription& segment : description.segments) {
      sum += segment.size_bytes;
      for (const IndexDescription& index : segment.indexes) sum += index.size_bytes;
    }
    return sum;
  }
};

Result<Inspected> Look(Collection collection) {
  CHROMA_ASSIGN(const uint64_t records, collection.Count());
  Result<CollectionDescription> description = collection.Describe();
  Inspected inspected{std::move(collection), records, description.ok(), {}};
  if (description.ok()) {
    inspected.description = *std::move(description);
  } else if (description.status().code() == StatusCode::kDataLoss) {
    return description.status();
  }
  return inspected;
}

void WriteSegment(JsonWriter& out, const SegmentDescription& segment) {
  const auto field = [&](const char* name, uint64_t value) {
    out.Key(name);
    out.Uint(value);
  };
  out.BeginObject();
  out.StringField("blob", segment.blob);
  field("rows", segment.rows);
  field("deleted", segment.deleted);
  field("unindexed_rows", segment.unindexed_rows);
  field("size_bytes", segment.size_bytes);
  out.Key("indexes");
  out.BeginArray();
  for (const IndexDescription& index : segment.indexes) {
    out.BeginObject();
    out.StringField("blob", index.blob);
    field("rows", index.rows);
    field("size_bytes", index.size_bytes);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

void WriteCollection(JsonWriter& out, const Inspected& inspected) {
  const CollectionInfo& info = inspected.collection.info();
  const CollectionDescription& description = inspected.description;
  const auto field = [&](const char* name, uint64_t value) {
    out.Key(name);
    out.Uint(value);
  };
  out.BeginObject();
  out.StringField("name", info.name);
  out.StringField("id", info.id);
  out.StringField("tenant", info.tenant);
  out.StringField("database", info.database);
  field("records", inspected.records);
  out.Key("dimension");
  info.dimension ? out.Uint(*info.dimension) : out.Null();
  out.StringField("space", NameOf(info.configuration.hnsw.space.value_or(Space::kL2)));
  if (inspected.is_described) {
    field("version", description.version);
    out.StringField("manifest", description.manifest);
    field("size_bytes", inspected.bytes());
    field("log_begin", description.log_begin);
    field("log_end", description.log_end);
    field("log_operations", description.log_operations);
    field("unindexed_operations", description.unindexed_operations);
    out.Key("segments");
    out.BeginArray();
    for (const SegmentDescription& segment : description.segments) WriteSegment(out, segment);
    out.EndArray();
  }
  out.EndObject();
}

std::string Details(const Terminal& terminal, const Inspected& inspected) {
  const CollectionInfo& info = inspected.collection.info();
  const CollectionDescription& description = inspected.description;
  std::string text = terminal.Paint(Style::kBold, info.name) + "  " + info.id + "\n";
  const auto line = [&](std::string label, const std::string& value) {
    label.resize(12, ' ');
    text += "  " + terminal.Paint(Style::kDim, label) + value + "\n";
  };
  line("database", info.tenant + "/" + info.database);
  line("records", CountText(inspected.records));
  line("vectors", (info.dimension ? std::to_string(*info.dimension) + " numbers, " : "none yet, ") +
                      NameOf(info.configuration.hnsw.space.value_or(Space::kL2)));
  if (!inspected.is_described) return text;
  line("version", CountText(description.version) +
                      (description.manifest.empty() ? "" : "  " + description.manifest));
  line("log", CountText(description.log_operations) + " operations in [" +
                  std::to_string(description.log_begin) + ", " +
                  std::to_string(description.log_end) + ")");
  line("to index", CountText(description.unindexed_operations) + " operations");
  TextTable table(
      {{"SEGMENT"}, {"ROWS", true}, {"DELETED", true}, {"UNINDEXED", true}, {"SIZE", true}});
  for (const SegmentDescription& segment : description.segments) {
    table.Add({segment.blob, CountText(segment.rows), CountText(segment.deleted),
               CountText(segment.unindexed_rows), SizeText(segment.size_bytes)});
    for (const IndexDescription& index : segment.indexes) {
      table.Add(
          {"  index " + index.blob, CountText(index.rows), "", "", SizeText(index.size_bytes)});
    }
  }
  return text + (table.empty() ? "" : "\n" + table.ToText(terminal));
}

class Inspect final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("WHAT", what_, "A place, or a file of a directory: of blobs/ or of log/")
        ->type_name(kTypePlace);
    app.add_option("--collection,-c", collection_, "Tell of this collection alone, and all of it");
    app.add_flag("--all-databases", all_databases_, "Of all databases of the tenant");
    app.add_flag("--json", json_, "Print one JSON object");
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    std::error_code error;
    if (std::filesystem::is_regular_file(what_, error)) {
      CHROMA_ASSIGN(const FileContents contents, ReadContents(what_));
      terminal.Print(json_ ? ToJson(contents) + "\n" : ToText(contents, terminal));
      return kExitOk;
    }
    Place place;
    if (what_.empty()) {
      CHROMA_ASSIGN(place, place_.Find());
    } else {
      CHROMA_ASSIGN(place, place_.FindAt(what_));
    }
    CHROMA_ASSIGN(const Client client, OpenPlace(place, Access::kRead));
    CHROMA_ASSIGN(const std::vector<Inspected> found, Collections(client));
    Show(terminal, place, found);
    return kExitOk;
  }

 private:
  Result<std::vector<Inspected>> Collections(const Client& client) const {
    std::vector<Collection> collections;
    if (!collection_.empty()) {
      CHROMA_ASSIGN(Collection one, client.GetCollection(collection_));
      collections.push_back(std::move(one));
    } else {
      std::vector<DatabaseInfo> databases = {{"", client.database(), client.tenant()}};
      if (all_databases_) {
        CHROMA_ASSIGN(databases, client.ListDatabases());
      }
      for (const DatabaseInfo& database : databases) {
        CHROMA_ASSIGN(std::vector<Collection> more,
                      client.At(database.tenant, database.name).ListCollections());
        for (Collection& collection : more) collections.push_back(std::move(collection));
      }
    }
    std::vector<Inspected> found;
    for (Collection& collection : collections) {
      CHROMA_ASSIGN(Inspected inspected, Look(std::move(collection)));
      found.push_back(std::move(inspected));
    }
    return found;
  }

  void Show(Terminal& terminal, const Place& place, const std::vector<Inspected>& found) const {
    std::vector<std::pair<std::string, uint64_t>> parts;
    if (place.is_directory() && collection_.empty()) parts = PartsOfDirectory(place.path);
    if (json_) {
      terminal.Print(Json(place, found, parts) + "\n");
      return;
    }
    if (!collection_.empty()) {
      terminal.Print(Details(terminal, found.front()));
      return;
    }
    TextTable table({{all_databases_ ? "DATABASE/COLLECTION" : "COLLECTION"},
                     {"RECORDS", true},
                     {"VECTORS", true},
                     {"SPACE"},
                     {"SEGMENTS", true},
                     {"IN LOG", true},
                     {"TO INDEX", true},
                     {"SIZE", true}});
    for (const Inspected& one : found) {
      const CollectionInfo& info = one.collection.info();
      const auto known = [&](const std::string& text) { return one.is_described ? text : "?"; };
      table.Add({(all_databases_ ? info.database + "/" : "") + info.name, CountText(one.records),
                 info.dimension ? std::to_string(*info.dimension) : "-",
                 NameOf(info.configuration.hnsw.space.value_or(Space::kL2)),
                 known(CountText(one.description.segments.size())),
                 known(CountText(one.description.log_operations)),
                 known(CountText(one.description.unindexed_operations)),
                 known(SizeText(one.bytes()))});
    }
    terminal.Print(table.ToText(terminal));
    if (found.empty()) terminal.Say("There are no collections");
    if (parts.empty()) return;
    TextTable files({{"FILES"}, {"SIZE", true}});
    for (const auto& [name, bytes] : parts) files.Add({name, SizeText(bytes)});
    terminal.Print("\n" + files.ToText(terminal));
  }

  static std::string Json(const Place& place, const std::vector<Inspected>& found,
                          const std::vector<std::pair<std::string, uint64_t>>& parts) {
    std::string text;
    JsonWriter out(&text);
    out.BeginObject();
    out.StringField("place", place.is_directory() ? place.path : place.url);
    out.Key("collections");
    out.BeginArray();
    for (const Inspected& one : found) WriteCollection(out, one);
    out.EndArray();
    out.Key("files");
    out.BeginObject();
    for (const auto& [name, bytes] : parts) {
      out.Key(name);
      out.Uint(bytes);
    }
    out.EndObject();
    out.EndObject();
    return text;
  }

  std::string what_;
  std::string collection_;
  bool all_databases_ = false;
  bool json_ = false;
  PlaceOptions place_;
};

const Registration kInspect(
    {.path = "inspect",
     .group = kGroupMeasure,
     .summary = "Tell what a place, a collection, or a file of a directory holds",
     .examples = "chroma inspect ./chroma\n"
                 "chroma inspect http://localhost:8000 --collection docs\n"
                 "chroma inspect ./chroma/blobs/COLLECTION/BLOB\n"
                 "chroma inspect ./chroma/log/FILE --json",
     .notes = "Collections are told of by whoever has the directory open, so this works beside a "
              "server.\n"
              "Of a file, every checksum is verified that tells what is in it; `chroma doctor` "
              "checks all."},
    Make<Inspect>);

}  // namespace
}  // namespace chroma::cli
