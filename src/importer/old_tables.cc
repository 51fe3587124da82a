#include "importer/old_tables.h"

#include <algorithm>
#include <functional>
#include <set>
#include <unordered_set>
#include <utility>

namespace chroma::importer {
namespace {

constexpr std::string_view kTopicPrefix = "persistent://";

bool IsUuid(std::string_view text) {
  return text.size() == 36 && Uuid::Parse(text).has_value();
}

// Text, or nothing, or (for `or_null`) null.
bool IsTextOrNull(const SqliteValue& value) {
  return value.IsText() || value.IsNull();
}
bool IsIntOrNull(const SqliteValue& value) {
  return value.IsInt() || value.IsNull();
}
bool IsNumberOrNull(const SqliteValue& value) {
  return IsIntOrNull(value) || value.kind == SqliteValue::Kind::kReal;
}

// Reads every table, and keeps what is read.
class Reader {
 public:
  Reader(const SqliteFile& file, OldLayouts* layouts, DamageList* damage)
      : file_(file),
        layouts_(*layouts),
        damage_(*damage),
        visited_(size_t{file.page_count()} + 1, false) {}

  OldTables Read(bool salvage) {
    // What is wrong with the file as a whole is known, and need not have hit anything.
    const uint64_t at_begin = damage_.total();
    tables_ = ReadSqliteSchema(file_, &visited_, &damage_);
    const bool schema_damaged = damage_.total() != at_begin;
    FindLayouts();
    ReadSmallTables();
    old_.collections_damaged = damage_.total() != at_begin;
    const uint64_t before = damage_.total();
    ReadLargeTables();
    old_.records_damaged = schema_damaged || damage_.total() != before;
    CheckCount("embeddings", "sqlite_autoindex_embeddings_1", embedding_rows_);
    CheckCount("embedding_metadata", "sqlite_autoindex_embedding_metadata_1", old_.scalars.size());
    if (salvage && !damage_.empty()) {
      ReadDocuments();
      Sweep();
      ReadIndexes();
      // A tenant is no more than its name.
      for (const OldDatabase& database : old_.databases) {
        if (std::find(old_.tenants.begin(), old_.tenants.end(), database.tenant) ==
            old_.tenants.end()) {
          old_.tenants.push_back(database.tenant);
        }
      }
    }
    Sort();
    return std::move(old_);
  }

 private:
  using Take = std::function<void(const Row&, RowPlace)>;

  const SqliteTable* Find(std::string_view name) const {
    const auto it = tables_.tables.find(name);
    return it == tables_.tables.end() || it->second.columns.empty() ? nullptr : &it->second;
  }
  // Some tables came with later versions, and are not missed.
  void Scan(const std::string& name, bool expected, const Take& take) {
    const SqliteTable* table = Find(name);
    if (table != nullptr) {
      ScanTable(file_, name, table->root, &visited_, &damage_, take);
    } else if (expected) {
      damage_.Add("chroma.sqlite3: table " + name + " is missing");
    }
  }
  // The column of a table that is there; else, or without such a column, `otherwise`.
  size_t ColumnOf(std::string_view table, std::string_view column, size_t otherwise) const {
    const SqliteTable* found = Find(table);
    return found == nullptr ? otherwise : found->Column(column);
  }

  void FindLayouts() {
    OldLayouts& l = layouts_;
    l.embedding_segment = ColumnOf("embeddings", "segment_id", l.embedding_segment);
    l.embedding_user_id = ColumnOf("embeddings", "embedding_id", l.embedding_user_id);
    l.embedding_seq_id = ColumnOf("embeddings", "seq_id", l.embedding_seq_id);
    const std::string scalar = "embedding_metadata";
    l.key = ColumnOf(scalar, "key", l.key);
    l.string_value = ColumnOf(scalar, "string_value", l.string_value);
    l.int_value = ColumnOf(scalar, "int_value", l.int_value);
    l.float_value = ColumnOf(scalar, "float_value", l.float_value);
    l.bool_value = ColumnOf(scalar, "bool_value", l.bool_value);
    const std::string array = "embedding_metadata_array";
    l.array_key = ColumnOf(array, "key", l.array_key);
    l.array_string = ColumnOf(array, "string_value", l.array_string);
    l.array_int = ColumnOf(array, "int_value", l.array_int);
    l.array_float = ColumnOf(array, "float_value", l.array_float);
    l.array_bool = ColumnOf(array, "bool_value", l.array_bool);
    const std::string queue = "embeddings_queue";
    l.queue_operation = ColumnOf(queue, "operation", l.queue_operation);
    l.queue_topic = ColumnOf(queue, "topic", l.queue_topic);
    l.queue_user_id = ColumnOf(queue, "id", l.queue_user_id);
    l.queue_vector = ColumnOf(queue, "vector", l.queue_vector);
    l.queue_encoding = ColumnOf(queue, "encoding", l.queue_encoding);
    l.queue_metadata = ColumnOf(queue, "metadata", l.queue_metadata);
  }

  void ReadSmallTables() {
    Scan("tenants", true, [&](const Row& row, RowPlace) { TakeTenant(row); });
    Scan("databases", true, [&](const Row& row, RowPlace) { TakeDatabase(row); });
    const SqliteTable* collections = Find("collections");
    if (collections != nullptr) {
      collection_columns_ = {collections->Column("id"),
                             collections->Column("name"),
                             collections->Column("dimension"),
                             collections->Column("database_id"),
                             collections->Column("config_json_str"),
                             collections->Column("schema_str")};
    }
    Scan("collections", true, [&](const Row& row, RowPlace) { TakeCollection(row); });
    const SqliteTable* segments = Find("segments");
    if (segments != nullptr) {
      segment_columns_ = {segments->Column("id"), segments->Column("scope"),
                          segments->Column("collection")};
    }
    Scan("segments", true, [&](const Row& row, RowPlace) { TakeSegment(row); });
    const auto take_metadata = [&](const Row& row, RowPlace) { TakeOwnMetadata(row); };
    Scan("collection_metadata", true, take_metadata);
    Scan("segment_metadata", true, take_metadata);
    Scan("max_seq_id", true, [&](const Row& row, RowPlace) { TakeMaxSeqId(row); });
  }

  void ReadLargeTables() {
    Scan("embeddings", true, [&](const Row& row, RowPlace place) { TakeEmbedding(row, place); });
    const size_t id = ColumnOf("embedding_metadata", "id", 0);
    Scan("embedding_metadata", true, [&](const Row& row, RowPlace place) {
      if (row[id].IsInt()) old_.scalars.push_back({row[id].integer, place});
    });
    const size_t array_id = ColumnOf("embedding_metadata_array", "id", 0);
    Scan("embedding_metadata_array", false, [&](const Row& row, RowPlace place) {
      if (row[array_id].IsInt()) TakeArrayRow(row[array_id].integer, row, place);
    });
    Scan("embeddings_queue", true, [&](const Row& row, RowPlace place) { TakeQueued(row, place); });
  }

  // The name of the table differs between versions.
  void ReadDocuments() {
    for (const char* name : {"embedding_fulltext_search_content", "embedding_fulltext_content"}) {
      Scan(name, false, [&](const Row& row, RowPlace place) {
        if (row[1].IsText()) old_.documents.push_back({row.rowid(), place});
      });
    }
  }

  // ---- rows

  void TakeTenant(const Row& row) {
    if (!row.Text(0).empty()) old_.tenants.emplace_back(row.Text(0));
  }
  void TakeDatabase(const Row& row) {
    old_.databases.push_back(
        {std::string(row.Text(0)), std::string(row.Text(1)), std::string(row.Text(2))});
  }
  void TakeCollection(const Row& row) {
    const auto& at = collection_columns_;
    OldCollection collection;
    collection.id = row.Text(at[0]);
    collection.name = row.Text(at[1]);
    if (row[at[2]].IsInt()) collection.dimension = row[at[2]].integer;
    collection.database_id = row.Text(at[3]);
    collection.configuration = row.Text(at[4]);
    collection.schema = row.Text(at[5]);
    if (CheckNew(collection.id, "collections", old_.collections)) {
      old_.collections.push_back(std::move(collection));
    }
  }
  void TakeSegment(const Row& row) {
    const auto& at = segment_columns_;
    OldSegment segment;
    segment.id = row.Text(at[0]);
    segment.collection = row.Text(at[2]);
    segment.is_vector = row.Text(at[1]) == "VECTOR";
    if (CheckNew(segment.id, "segments", old_.segments)) {
      old_.segments.push_back(std::move(segment));
    }
  }
  // Whether `id` is one that the list has not yet.
  template <typename Item>
  bool CheckNew(const std::string& id, const char* table, const std::vector<Item>& items) {
    const bool known =
        std::any_of(items.begin(), items.end(), [&](const Item& item) { return item.id == id; });
    const bool sound = IsUuid(id) && !known;
    if (!sound) {
      damage_.Add(std::string("chroma.sqlite3: table ") + table + " has a row that is wrong");
    }
    return sound;
  }
  // Of a collection or a segment, by whose id it is; both tables have the same columns.
  void TakeOwnMetadata(const Row& row) {
    const std::string_view id = row.Text(0);
    const std::string_view key = row.Text(1);
    model::MetadataValue value = ScalarOf(row, 2, 3, 4, 5);
    for (OldCollection& collection : old_.collections) {
      if (collection.id == id) collection.metadata.Set(key, value);
    }
    for (OldSegment& segment : old_.segments) {
      if (segment.id == id) segment.metadata.Set(key, value);
    }
  }
  void TakeMaxSeqId(const Row& row) {
    if (const auto seq_id = SeqIdOf(row[1])) old_.max_seq_id[std::string(row.Text(0))] = *seq_id;
  }
  void TakeEmbedding(const Row& row, RowPlace place) {
    const std::string_view segment = row.Text(layouts_.embedding_segment);
    ++embedding_rows_;
    // Rows of a segment follow each other: the last one is it, most of the time.
    if (last_embeddings_ == nullptr || segment != last_segment_) {
      last_segment_ = segment;
      last_embeddings_ = &old_.embeddings[last_segment_];
    }
    last_embeddings_->push_back({row.rowid(), place});
  }
  void TakeArrayRow(int64_t id, const Row& row, RowPlace place) {
    if (array_rows_.insert(row.rowid()).second) old_.arrays.push_back({id, place});
  }
  void TakeQueued(const Row& row, RowPlace place) {
    const std::string_view topic = row.Text(layouts_.queue_topic);
    const std::string_view collection = topic.substr(topic.rfind('/') + 1);
    old_.queue[std::string(collection)].push_back({row.rowid(), place});
  }

  // ---- rows of pages that no table leads to

  void Sweep() {
    const std::vector<bool> free = file_.FreePages();
    std::vector<std::pair<uint32_t, std::vector<Row>>> pages;
    uint64_t found = 0;
    std::vector<uint32_t> own_metadata;
    for (uint32_t page = 2; page <= file_.page_count(); ++page) {
      if (visited_[page] || free[page] || !LooksLikeLeaf(file_, page)) continue;
      const bool arrays = HoldsArrays(page);
      ScanLeaf(file_, "", page, nullptr, [&](const Row& row, RowPlace place) {
        if (IsUuid(row.Text(0)) && IsOwnMetadata(row)) {
          if (own_metadata.empty() || own_metadata.back() != page) own_metadata.push_back(page);
        } else if (TakeStray(row, place, arrays)) {
          ++found;
        }
      });
    }
    // After the collections and segments that they are of.
    for (const uint32_t page : own_metadata) {
      ScanLeaf(file_, "", page, nullptr, [&](const Row& row, RowPlace) { TakeOwnMetadata(row); });
    }
    if (found != 0) {
      damage_.Add("chroma.sqlite3: " + std::to_string(found) +
                  " rows were found on pages that no table leads to any more");
    }
  }

  static bool IsOwnMetadata(const Row& row) {
    return (row.size() == 5 || row.size() == 6) && row[1].IsText() && IsTextOrNull(row[2]) &&
           IsIntOrNull(row[3]) && IsNumberOrNull(row[4]) && IsIntOrNull(row[5]);
  }
  static bool IsMetadata(const Row& row) {
    return (row.size() == 5 || row.size() == 6) && row[0].IsInt() && row[1].IsText() &&
           IsTextOrNull(row[2]) && IsIntOrNull(row[3]) && IsNumberOrNull(row[4]) &&
           IsIntOrNull(row[5]);
  }
  // Both tables of metadata look alike, but only arrays have a key of a record more than once.
  bool HoldsArrays(uint32_t page) const {
    std::set<std::pair<int64_t, std::string>> seen;
    bool repeated = false;
    ScanLeaf(file_, "", page, nullptr, [&](const Row& row, RowPlace) {
      if (!IsMetadata(row)) return;
      repeated = repeated || !seen.emplace(row[0].integer, row.Text(1)).second;
    });
    return repeated;
  }

  // By the shape of the row, as the tables of all versions since 0.5 have it.
  bool TakeStray(const Row& row, RowPlace place, bool arrays) {
    const size_t n = row.size();
    if (n == 5 && row[0].IsNull() && IsUuid(row.Text(1)) && row[2].IsText() && SeqIdOf(row[3]) &&
        row[4].IsText()) {
      TakeEmbedding(row, place);
    } else if (IsMetadata(row)) {
      if (arrays) {
        TakeArrayRow(row[0].integer, row, place);
      } else {
        old_.scalars.push_back({row[0].integer, place});
      }
    } else if (n == 8 && row[0].IsNull() && row[2].IsInt() &&
               row.Text(3).starts_with(kTopicPrefix) && row[4].IsText()) {
      TakeQueued(row, place);
    } else if (n == 2 && row[0].IsNull() && row[1].IsText() &&
               !row.Text(1).starts_with("{\"automatically_purge\"")) {
      old_.documents.push_back({row.rowid(), place});
    } else if (n == 4 && IsUuid(row.Text(0)) && row.Text(1).starts_with("urn:chroma:segment/")) {
      TakeSegment(row);
    } else if (n >= 4 && n <= 6 && IsUuid(row.Text(0)) && row[1].IsText() && IsIntOrNull(row[2]) &&
               IsUuid(row.Text(3))) {
      TakeCollection(row);
    } else if (n == 2 && IsUuid(row.Text(0)) && SeqIdOf(row[1])) {
      TakeMaxSeqId(row);
    } else if (n == 3 && IsUuid(row.Text(0)) && row[1].IsText() && row[2].IsText()) {
      TakeDatabase(row);
    } else {
      return false;
    }
    return true;
  }

  // ---- what the indexes know

  // A table and its index have as many rows: else pages are others than they should be, though
  // each looks right.
  void CheckCount(const std::string& table, std::string_view index, uint64_t rows) {
    if (!tables_.indexes.contains(index)) return;
    uint64_t entries = 0;
    if (!ScanOwnIndex(index, [&](const Row&) { ++entries; })) {
      damage_.Add("chroma.sqlite3: the index of table " + table + " is damaged");
    } else if (entries != rows) {
      damage_.Add("chroma.sqlite3: table " + table + " has " + std::to_string(rows) +
                  " rows, its index " + std::to_string(entries));
      old_.records_damaged = true;
    }
  }

  void ReadIndexes() {
    if (!old_.records_damaged) return;
    std::unordered_set<int64_t> known;
    for (const auto& [segment, rows] : old_.embeddings) {
      for (const RowOf& row : rows) known.insert(row.key);
    }
    // segment_id, embedding_id, rowid
    bool whole = ScanOwnIndex("sqlite_autoindex_embeddings_1", [&](const Row& row) {
      if (!IsUuid(row.Text(0)) || !row[1].IsText() || !row[2].IsInt()) return;
      if (!known.insert(row[2].integer).second) return;
      old_.ids_of_lost_rows.emplace(row[2].integer, row.Text(1));
      old_.embeddings[std::string(row.Text(0))].push_back({row[2].integer, {}});
    });
    // id, key, rowid; of an array one for each element
    for (const char* index :
         {"sqlite_autoindex_embedding_metadata_1", "embedding_metadata_array_id_key"}) {
      if (index[0] == 'e' && Find("embedding_metadata_array") == nullptr) continue;
      const bool read = ScanOwnIndex(index, [&](const Row& row) {
        if (!row[0].IsInt() || !row[1].IsText()) return;
        std::vector<std::string>& keys = old_.indexed_keys[row[0].integer];
        if (std::find(keys.begin(), keys.end(), row.Text(1)) == keys.end()) {
          keys.emplace_back(row.Text(1));
        }
      });
      whole = whole && read;
    }
    old_.losses_unknown = !whole;
    if (!old_.ids_of_lost_rows.empty()) {
      damage_.Add("chroma.sqlite3: " + std::to_string(old_.ids_of_lost_rows.size()) +
                  " rows of embeddings were found again in their index");
    }
  }
  // False when not all of it could be read.
  bool ScanOwnIndex(std::string_view name, const std::function<void(const Row&)>& take) {
    const auto it = tables_.indexes.find(name);
    std::vector<bool> visited(visited_.size(), false);
    return it != tables_.indexes.end() && ScanIndex(file_, it->second, &visited, take);
  }

  void Sort() {
    const auto by_key = [](const RowOf& a, const RowOf& b) { return a.key < b.key; };
    const auto same_key = [](const RowOf& a, const RowOf& b) { return a.key == b.key; };
    for (auto* rows : {&old_.embeddings, &old_.queue}) {
      for (auto& [name, of_one] : *rows) {
        std::stable_sort(of_one.begin(), of_one.end(), by_key);
        // A row that was found twice: the one that its table leads to came first.
        of_one.erase(std::unique(of_one.begin(), of_one.end(), same_key), of_one.end());
      }
    }
    for (auto* rows : {&old_.scalars, &old_.arrays, &old_.documents}) {
      if (!std::is_sorted(rows->begin(), rows->end(), by_key)) {
        std::stable_sort(rows->begin(), rows->end(), by_key);
      }
    }
  }

  const SqliteFile& file_;
  OldLayouts& layouts_;
  DamageList& damage_;
  std::vector<bool> visited_;
  SqliteTables tables_;
  OldTables old_;
  // As in the newest version, for rows whose table's definition was lost.
  std::vector<size_t> collection_columns_ = {0, 1, 2, 3, 4, 5};
  std::vector<size_t> segment_columns_ = {0, 2, 3};
  uint64_t embedding_rows_ = 0;
  std::unordered_set<int64_t> array_rows_;  // a row that is found twice is one
  std::string last_segment_;
  std::vector<RowOf>* last_embeddings_ = nullptr;
};

}  // namespace

std::optional<uint64_t> SeqIdOf(const SqliteValue& value) {
  if (value.IsInt() && value.integer >= 0) return static_cast<uint64_t>(value.integer);
  if (value.kind != SqliteValue::Kind::kBlob || value.bytes.size() != 8) return std::nullopt;
  const uint64_t high = LoadBig32(value.bytes.data());
  return high << 32 | LoadBig32(value.bytes.data() + 4);
}

model::MetadataValue ScalarOf(const Row& row, size_t string_at, size_t int_at, size_t float_at,
                              size_t bool_at) {
  if (row[string_at].IsText()) return std::string(row[string_at].bytes);
  if (row[int_at].IsInt()) return row[int_at].integer;
  const SqliteValue& number = row[float_at];
  if (number.kind == SqliteValue::Kind::kReal) return number.real;
  // A whole number in a column of type REAL is kept as an integer.
  if (number.IsInt()) return static_cast<double>(number.integer);
  if (row[bool_at].IsInt()) return row[bool_at].integer != 0;
  return std::monostate();
}

OldTables ReadOldTables(const SqliteFile& file, bool salvage, OldLayouts* layouts,
                        DamageList* damage) {
  return Reader(file, layouts, damage).Read(salvage);
}

}  // namespace chroma::importer
