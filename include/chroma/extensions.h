// What no other server of Chroma's API has (docs/extensions.md). Over HTTP the server must be one
// of this project's; any other answers kNotFound.
//
//   Result<FacetsResult> counted = collection.Facets({.where = Where("year") >= 2000,
//                                                     .facets = {{.key = "lang", .limit = 10}}});
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chroma/filter.h"
#include "chroma/metadata.h"
#include "chroma/types.h"

namespace chroma {

// ---- counts

struct Facet {
  std::string key = {};   // of the metadata
  uint32_t limit = 100;   // so many values at most
  bool by_value = false;  // ascending by value; else the most frequent first, then by value
};

struct FacetsOptions {
  std::optional<std::vector<std::string>> ids = {};  // absent: all records; empty: none
  Filter where = {};
  DocumentFilter where_document = {};
  std::vector<Facet> facets = {};
};

struct ValueCount {
  MetadataValue value;
  uint64_t count = 0;  // of records
};

struct FacetValues {
  std::string key;
  uint64_t records = 0;   // that match and have the key
  uint64_t distinct = 0;  // values among them
  // An array counts each of its elements once, a sparse vector none. Numbers are one value when
  // they are equal, whatever their types.
  std::vector<ValueCount> values;
};

struct FacetsResult {
  uint64_t count = 0;  // of records that match
  std::vector<FacetValues> facets;
};

// ---- recall

struct RecallOptions {
  uint32_t queries = 100;  // so many random records, each without itself among its answers
  uint32_t n_results = 10;
};

struct RecallReport {
  double recall = 1;     // the share of the nearest records that was found
  uint64_t records = 0;  // of the collection
  uint32_t queries = 0;  // fewer than asked for where there are fewer records
  double query_ms = 0;   // of one query, as usually answered
  double exact_ms = 0;   // of one query, comparing every record
};

// ---- lists: a get whose records may come in another order, with what was found in them

// By the values of a metadata key, or by kIdKey: booleans, numbers, strings, arrays. Records
// without the key come last, equal ones by the next key and then by id.
struct SortKey {
  std::string key = {};
  bool descending = false;
};

// Where what the filter looks for is in the documents.
struct HighlightOptions {
  uint32_t matches = 100;             // of a document, at most
  uint32_t snippets = 1;              // of a document, at most
  uint32_t snippet_characters = 160;  // of each, at most
};

struct ListRecordsOptions {
  std::optional<std::vector<std::string>> ids = {};  // absent: all records; empty: none
  Filter where = {};
  DocumentFilter where_document = {};
  std::vector<SortKey> order_by = {};  // none: in order of insertion
  std::optional<uint32_t> limit = {};  // absent: all
  uint32_t offset = 0;
  Include include = Include::kDocuments | Include::kMetadatas;
  std::optional<HighlightOptions> highlight = {};
};

// [begin, end) of a document, in characters (code points) and in bytes.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
  size_t begin_byte = 0;
  size_t end_byte = 0;
  bool operator==(const TextRange&) const = default;
};

struct Snippet {
  std::string text;
  TextRange range;
};

struct Highlights {
  std::vector<TextRange> matches;  // ascending; overlapping ones are one
  std::vector<Snippet> snippets;
  bool cut = false;  // finding all would have taken too long: there may be more
};

struct ListRecordsResult {
  GetResult records;
  // One for each record where highlights were asked for; none for one without a document.
  std::vector<std::optional<Highlights>> highlights;
};

// ---- what a collection is made of

struct IndexDescription {
  std::string blob;  // its name in the directory
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
};

struct SegmentDescription {
  std::string blob;
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
  uint64_t deleted = 0;         // of the rows; merging removes them
  uint64_t unindexed_rows = 0;  // in no vector index: few, or not indexed yet
  std::vector<IndexDescription> indexes;
};

struct CollectionDescription {
  uint64_t records = 0;
  uint64_t indexed_operations = 0;    // that were ever written, and are in segments and indexes
  uint64_t unindexed_operations = 0;  // that are not yet
  uint64_t version = 0;               // counts what was published
  std::string manifest;               // the blob that says what the version is made of
  uint64_t log_begin = 0;             // offsets of the log that are in no segment yet
  uint64_t log_end = 0;               // exclusive
  uint64_t log_operations = 0;        // of this collection between them
  std::vector<SegmentDescription> segments;
};

}  // namespace chroma
