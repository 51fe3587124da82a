#include "importer/old_directory.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "importer/old_schema.h"
#include "model/collection.h"

namespace chroma::importer {
namespace {

constexpr const char* kVectorFile = "data_level0.bin";

// Of the directories beside the database, those that hold HNSW files: their names are the ids of
// segments.
Result<std::vector<std::string>> FindHnswDirectories(const runtime::Env& env,
                                                     const std::string& path) {
  CHROMA_ASSIGN(const auto entries, env.files->List(path));
  std::vector<std::string> names;
  for (const runtime::DirectoryEntry& entry : entries) {
    if (!entry.is_directory || !Uuid::Parse(entry.name)) continue;
    const std::string directory = runtime::JoinPath(path, entry.name);
    for (const char* file : {kVectorFile, "index_metadata.pickle"}) {
      CHROMA_ASSIGN(const bool exists, env.files->Exists(runtime::JoinPath(directory, file)));
      if (!exists) continue;
      names.push_back(entry.name);
      break;
    }
  }
  return names;
}

const OldSegment* FindSegment(const OldTables& tables, const std::string& collection,
                              bool is_vector) {
  for (const OldSegment& segment : tables.segments) {
    if (segment.collection == collection && segment.is_vector == is_vector) return &segment;
  }
  return nullptr;
}

// Finds again what collections are made of, where rows of the small tables are lost.
class Finder {
 public:
  Finder(OldDirectory& old, std::vector<std::string> hnsw_directories)
      : old_(old), hnsw_(std::move(hnsw_directories)) {}

  // Collections that something refers to and that have no row.
  void AddUnnamed() {
    OldTables& tables = old_.tables;
    std::set<std::string> known;
    for (const OldCollection& collection : tables.collections) known.insert(collection.id);
    const auto add = [&](const std::string& id) {
      if (!Uuid::Parse(id) || !known.insert(id).second) return;
      OldCollection collection;
      collection.id = id;
      collection.name = "recovered-" + id;
      collection.recovered = true;
      tables.collections.push_back(std::move(collection));
    };
    for (const OldSegment& segment : tables.segments) add(segment.collection);
    for (const auto& [id, rows] : tables.queue) add(id);
    AdoptMetadataSegments(add);
  }

  // The directories of segments whose rows are lost, by the ids that are in both. Those of nobody
  // become collections of their own.
  void MatchDirectories(std::vector<OldShape>* shapes) {
    std::set<std::string> taken;
    for (const OldSegment& segment : old_.tables.segments) taken.insert(segment.id);
    for (const std::string& name : hnsw_) {
      if (taken.contains(name)) continue;
      OldShape* best = nullptr;
      size_t best_common = 0;
      for (OldShape& shape : *shapes) {
        if (!shape.vector_id.empty()) continue;
        const size_t common = CountCommonIds(shape, name);
        if (common > best_common) {
          best = &shape;
          best_common = common;
        }
      }
      if (best != nullptr) best->vector_id = name;
    }
  }

  std::vector<std::string> UnmatchedDirectories(const std::vector<OldShape>& shapes) const {
    std::set<std::string> taken;
    for (const OldShape& shape : shapes) taken.insert(shape.vector_id);
    std::vector<std::string> left;
    for (const std::string& name : hnsw_) {
      if (!taken.contains(name)) left.push_back(name);
    }
    return left;
  }

 private:
  // Rows of embeddings whose segment has no row: of the one collection without such a segment,
  // else of one that is named after it.
  template <typename Add>
  void AdoptMetadataSegments(Add add) {
    OldTables& tables = old_.tables;
    std::vector<std::string> unknown;
    for (const auto& entry : tables.embeddings) {
      const auto& id = entry.first;
      const bool known = std::any_of(tables.segments.begin(), tables.segments.end(),
                                     [&](const OldSegment& s) { return s.id == id; });
      if (!known) unknown.push_back(id);
    }
    std::sort(unknown.begin(), unknown.end());
    std::vector<std::string> without;
    for (const OldCollection& collection : tables.collections) {
      if (FindSegment(tables, collection.id, false) == nullptr) without.push_back(collection.id);
    }
    const bool unique = unknown.size() == 1 && without.size() == 1;
    for (const std::string& id : unknown) {
      if (!unique) add(id);
      tables.segments.push_back({id, unique ? without.front() : id, false, {}});
    }
  }

  size_t CountCommonIds(const OldShape& shape, const std::string& directory) const {
    constexpr size_t kSample = 200;
    const auto rows = old_.tables.embeddings.find(shape.metadata_id);
    if (rows == old_.tables.embeddings.end()) return 0;
    const auto map = old_.env.files->Map(
        runtime::JoinPath(runtime::JoinPath(old_.path, directory), "index_metadata.pickle"));
    if (!map.ok()) return 0;
    const auto metadata = DecodeIndexMetadata((*map)->bytes(), /*salvage=*/true);
    if (!metadata.ok()) return 0;
    std::unordered_set<std::string_view> ids;
    for (const LabelOfId& label : metadata->labels) ids.insert(label.id);
    size_t common = 0;
    Row row;
    const size_t step = std::max<size_t>(rows->second.size() / kSample, 1);
    for (size_t i = 0; i < rows->second.size(); i += step) {
      if (!ReadRow(*old_.file, rows->second[i].place, &row)) continue;
      if (ids.contains(row.Text(old_.layouts.embedding_user_id))) ++common;
    }
    return common;
  }

  OldDirectory& old_;
  const std::vector<std::string> hnsw_;
};

OldShape ShapeOf(const OldTables& tables, const OldCollection& collection) {
  OldShape shape;
  shape.collection = &collection;
  shape.metadata_segment = FindSegment(tables, collection.id, false);
  shape.vector_segment = FindSegment(tables, collection.id, true);
  if (shape.metadata_segment != nullptr) shape.metadata_id = shape.metadata_segment->id;
  if (shape.vector_segment != nullptr) shape.vector_id = shape.vector_segment->id;
  return shape;
}

}  // namespace

Result<bool> IsOldDirectory(const runtime::Env& env, const std::string& path) {
  auto entries = env.files->List(path);
  if (entries.status().code() == StatusCode::kNotFound) return false;
  CHROMA_TRY(entries.status());
  for (const runtime::DirectoryEntry& entry : *entries) {
    if (entry.name == "FORMAT") return false;
  }
  for (const runtime::DirectoryEntry& entry : *entries) {
    if (entry.name == kDatabaseFile && !entry.is_directory) return true;
  }
  CHROMA_ASSIGN(const auto directories, FindHnswDirectories(env, path));
  return !directories.empty();
}

Result<std::unique_ptr<OldDirectory>> OpenOldDirectory(const runtime::Context& ctx,
                                                       const runtime::Env& env,
                                                       const std::string& path, bool salvage,
                                                       DamageList* damage) {
  CHROMA_ASSIGN(const bool is_old, IsOldDirectory(env, path));
  if (!is_old) {
    return Status::NotFound(path + " holds no database written by Chroma (there is no " +
                            kDatabaseFile + " in it)");
  }
  auto old = std::make_unique<OldDirectory>();
  old->env = env;
  old->path = path;
  old->salvage = salvage;
  auto file = SqliteFile::Open(env, runtime::JoinPath(path, kDatabaseFile), damage);
  if (file.ok()) {
    old->file = *std::move(file);
    old->file->EndWith(&ctx);
    old->tables = ReadOldTables(*old->file, salvage, &old->layouts, damage);
    CHROMA_TRY(ctx.Check());
    return old;
  }
  if (!salvage) {
    if (file.status().code() != StatusCode::kNotFound) return file.status();
    return Status::DataLoss(path + ": " + kDatabaseFile + " is missing");
  }
  // The vectors and their ids are in other files.
  damage->Add(std::string(file.status().message()));
  old->tables.collections_damaged = old->tables.records_damaged = true;
  return old;
}

std::vector<OldShape> FindCollections(uint64_t num_threads, OldDirectory* old,
                                      ImportReport* report) {
  const bool search = old->salvage && old->tables.collections_damaged;
  auto directories = FindHnswDirectories(old->env, old->path);
  Finder finder(*old, directories.ok() ? *std::move(directories) : std::vector<std::string>());
  if (search) finder.AddUnnamed();
  std::vector<OldShape> shapes;
  for (const OldCollection& collection : old->tables.collections) {
    shapes.push_back(ShapeOf(old->tables, collection));
  }
  if (search) {
    finder.MatchDirectories(&shapes);
    std::vector<std::string> ids;
    for (const OldShape& shape : shapes) ids.push_back(shape.vector_id);
    // Shapes point to collections, which move.
    for (const std::string& name : finder.UnmatchedDirectories(shapes)) {
      OldCollection collection;
      collection.id = name;
      collection.name = "recovered-" + name;
      collection.recovered = true;
      old->tables.collections.push_back(std::move(collection));
      ids.push_back(name);
    }
    shapes.clear();
    for (size_t i = 0; i < ids.size(); ++i) {
      shapes.push_back(ShapeOf(old->tables, old->tables.collections[i]));
      shapes.back().vector_id = ids[i];
    }
  }
  for (OldShape& shape : shapes) {
    std::vector<std::string> warnings;
    ResolveOldSchema(num_threads, &shape, &warnings);
    for (const std::string& warning : warnings) {
      report->losses.push_back(
          {.collection = shape.collection->name, .saved = true, .what = warning});
    }
    if (shape.collection->recovered) {
      report->losses.push_back({.collection = shape.collection->name,
                                .saved = true,
                                .what = "its name, metadata and configuration are lost"});
    }
  }
  return shapes;
}

OldScope ScopeOf(const OldTables& tables, const OldCollection& collection) {
  for (const OldDatabase& database : tables.databases) {
    if (database.id == collection.database_id) {
      return {database.tenant, database.name, database.id};
    }
  }
  return {model::kDefaultTenant, model::kDefaultDatabase, ""};
}

}  // namespace chroma::importer
