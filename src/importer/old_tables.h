// What the tables of chroma.sqlite3 hold: the few small ones as values, the large ones as the
// places of their rows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "chroma/status.h"
#include "importer/sqlite_file.h"
#include "importer/sqlite_rows.h"
#include "importer/sqlite_schema.h"
#include "model/metadata.h"
#include "runtime/env.h"

namespace chroma::importer {

struct OldDatabase {
  std::string id;
  std::string name;
  std::string tenant;
};

struct OldCollection {
  std::string id;
  std::string name;
  std::string database_id;
  std::optional<int64_t> dimension;
  std::string configuration;  // config_json_str; empty: none
  std::string schema;         // schema_str; empty: none
  model::Metadata metadata;
  bool recovered = false;  // its row was lost; made up of what refers to it
};

struct OldSegment {
  std::string id;
  std::string collection;
  bool is_vector = false;  // else of metadata
  model::Metadata metadata;
};

// A row of a large table, by what it belongs to. A place of nowhere: a row that is lost.
struct RowOf {
  int64_t key = 0;
  RowPlace place;
};

struct OldTables {
  std::vector<std::string> tenants;
  std::vector<OldDatabase> databases;
  std::vector<OldCollection> collections;
  std::vector<OldSegment> segments;
  std::unordered_map<std::string, uint64_t> max_seq_id;  // by segment
  // By segment, rows of `embeddings` by rowid.
  std::unordered_map<std::string, std::vector<RowOf>> embeddings;
  // By the rowid of their embedding; of one, in order of insertion.
  std::vector<RowOf> scalars;
  std::vector<RowOf> arrays;
  // Copies of the documents, kept for full text search; only where something is damaged.
  std::vector<RowOf> documents;
  // What the indexes say there should be, where something is damaged: the ids of records whose
  // rows are lost, which are in `embeddings` too, and the keys of metadata of each record.
  std::unordered_map<int64_t, std::string> ids_of_lost_rows;
  std::unordered_map<int64_t, std::vector<std::string>> indexed_keys;
  // By collection, rows of `embeddings_queue` by seq_id.
  std::unordered_map<std::string, std::vector<RowOf>> queue;
  // Whether rows may be missing, though nothing refers to them.
  bool collections_damaged = false;
  bool records_damaged = false;
  // Rows are missing, and the indexes that would name them as well.
  bool losses_unknown = false;
};

// The columns of the large tables, as places in records.
struct OldLayouts {
  size_t embedding_segment = 1, embedding_user_id = 2, embedding_seq_id = 3;
  size_t key = 1, string_value = 2, int_value = 3, float_value = 4, bool_value = 5;
  size_t array_key = 1, array_string = 2, array_int = 3, array_float = 4, array_bool = 5;
  size_t queue_operation = 2, queue_topic = 3, queue_user_id = 4, queue_vector = 5,
         queue_encoding = 6, queue_metadata = 7;
};

// With `salvage`, where something is damaged, pages that no table leads to are searched for rows
// of them as well. `damage` gets what is wrong.
OldTables ReadOldTables(const SqliteFile& file, bool salvage, OldLayouts* layouts,
                        DamageList* damage);

// A position in the queue: an integer or, as older versions wrote it, the 8 bytes of a big-endian
// one.
std::optional<uint64_t> SeqIdOf(const SqliteValue& value);

// The typed value of a row of metadata; null when it has none.
model::MetadataValue ScalarOf(const Row& row, size_t string_at, size_t int_at, size_t float_at,
                              size_t bool_at);

}  // namespace chroma::importer
