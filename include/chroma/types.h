// The values that the C++ API takes and gives: metadata, vectors, requests and results. Plain
// structs whose members have the names of Chroma's other clients. Strings are UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chroma/export.h"
#include "chroma/filter.h"
#include "chroma/metadata.h"

namespace chroma {

// ---- vectors

// The vectors of one request or result: a matrix of floats, row after row. It owns its numbers,
// or shows those of the caller (View), which must then outlive the call it is passed to.
//
//   Embeddings three = {{1, 0}, {0, 1}, {1, 1}};
//   Embeddings bulk(std::move(values), 384);             // takes the vector over, no copy
//   Embeddings mapped = Embeddings::View(numbers, 384);  // copied once, by the call
//
// Rows of different lengths can be held, since it is the operation that refuses them, with the
// message that every client of Chroma gets.
class CHROMA_EXPORT Embeddings {
 public:
  Embeddings() = default;
  Embeddings(std::initializer_list<std::initializer_list<float>> rows);
  Embeddings(const std::vector<std::vector<float>>& rows);  // NOLINT(google-explicit-constructor)
  // Numbers that do not fill the last row make it a shorter one; a `dimension` of 0 makes all of
  // them one row.
  Embeddings(std::vector<float> values, size_t dimension);
  static Embeddings View(std::span<const float> values, size_t dimension);

  void Append(std::span<const float> row);  // copies a View first

  size_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  // Of every row, or of the first when !uniform().
  size_t dimension() const { return dimension_; }
  bool uniform() const { return lengths_.empty(); }
  // All numbers, row after row.
  std::span<const float> values() const { return is_view_ ? view_ : std::span(values_); }
  // i < rows(). Takes constant time when uniform().
  std::span<const float> row(size_t i) const;
  size_t row_length(size_t i) const { return uniform() ? dimension_ : lengths_[i]; }
  // Gives the numbers away, leaving nothing. Copies a View.
  std::vector<float> Release();

 private:
  void SetShape(size_t count, size_t dimension);

  std::vector<float> values_;
  std::span<const float> view_;
  bool is_view_ = false;
  size_t rows_ = 0;
  size_t dimension_ = 0;
  std::vector<uint32_t> lengths_;  // of the rows; empty while all have `dimension_`
};

// ---- what a read brings along

enum class Include : uint32_t {
  kNone = 0,  // ids alone
  kDocuments = 1u << 0,
  kMetadatas = 1u << 1,
  kEmbeddings = 1u << 2,
  kUris = 1u << 3,
  kDistances = 1u << 4,  // of Query
};
constexpr Include operator|(Include a, Include b) {
  return static_cast<Include>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
constexpr bool Includes(Include set, Include one) {
  return (static_cast<uint32_t>(set) & static_cast<uint32_t>(one)) != 0;
}

// ---- tenants, databases, collections

inline constexpr const char* kDefaultTenant = "default_tenant";
inline constexpr const char* kDefaultDatabase = "default_database";

struct TenantInfo {
  std::string name;
};

struct DatabaseInfo {
  std::string id;  // a UUID
  std::string name;
  std::string tenant;
};

// Who a server says the caller is.
struct UserIdentity {
  std::string user_id;  // empty: nobody in particular
  std::string tenant;
  std::vector<std::string> databases;  // "*": all
};

// How far two vectors are apart: the squared Euclidean distance, 1 - cosine, 1 - inner product.
enum class Space : uint8_t { kL2 = 0, kCosine = 1, kInnerProduct = 2 };

// Absent members are the defaults: l2, 100, 100, 16, the processors, 100, 1000, 1.2.
struct HnswConfiguration {
  std::optional<Space> space = {};               // fixed when the collection is created
  std::optional<uint64_t> ef_construction = {};  // fixed when the collection is created
  std::optional<uint64_t> ef_search = {};
  std::optional<uint64_t> max_neighbors = {};
  std::optional<uint64_t> num_threads = {};
  std::optional<uint64_t> batch_size = {};
  std::optional<uint64_t> sync_threshold = {};
  std::optional<double> resize_factor = {};
};

struct CollectionConfiguration {
  HnswConfiguration hnsw = {};
  // A descriptor that clients of other languages store here, as JSON; kept and never run. Empty:
  // none.
  std::string embedding_function = {};
};

struct CollectionInfo {
  std::string id;  // a UUID
  std::string name;
  std::string tenant;
  std::string database;
  Metadata metadata;
  CollectionConfiguration configuration;  // without num_threads and batch_size
  std::string configuration_json;         // the same as JSON, as other clients read it
  std::string schema;                     // JSON
  std::optional<uint32_t> dimension;      // fixed by the first write with vectors
};

struct CreateCollectionOptions {
  Metadata metadata = {};  // empty: none
  CollectionConfiguration configuration = {};
  std::string configuration_json = {};  // in place of `configuration`, as other clients send it
  std::string schema = {};              // JSON; empty: the default one
  bool get_or_create = false;           // an existing collection is returned as it is
};

// What is given is changed.
struct ModifyCollectionOptions {
  std::optional<std::string> new_name = {};
  std::optional<Metadata> new_metadata = {};  // replaces all of it
  std::optional<CollectionConfiguration> new_configuration = {};
  std::string new_configuration_json = {};  // in its place, as other clients send it
  // JSON, laid over the schema index by index; empty: the schema stays. An index that it switches
  // on is built in the background. The space stays.
  std::string new_schema = {};
};

// How much of what was written to a collection is in its vector index. The rest is found as well,
// by comparing, and will be indexed in the background.
struct IndexingStatus {
  uint64_t indexed_operations = 0;
  uint64_t unindexed_operations = 0;
};

// A part of a list.
struct ListOptions {
  std::optional<uint32_t> limit = {};  // absent: all
  uint32_t offset = 0;
};

// ---- requests
//
// Made for designated initialisers, with only what matters named:
//   collection.Get({.where = Where("year") >= 2000, .limit = 10})

// What Add, Update and Upsert write: n records by column. A column is empty, which leaves it out,
// or has n elements.
struct Records {
  std::vector<std::string> ids = {};
  Embeddings embeddings = {};
  std::vector<std::optional<std::string>> documents = {};
  // An empty element is a record without metadata; for Update and Upsert, one whose metadata
  // stays. They also take null values (std::monostate), each of which deletes its key.
  std::vector<Metadata> metadatas = {};
  std::vector<std::optional<std::string>> uris = {};
  // For Update: which records have a vector, when not all do; row i of `embeddings` then belongs
  // to the i-th of them.
  std::vector<bool> has_embedding = {};
};

struct GetOptions {
  std::optional<std::vector<std::string>> ids = {};  // absent: all records; empty: none
  Filter where = {};
  DocumentFilter where_document = {};
  std::optional<uint32_t> limit = {};  // absent: all
  uint32_t offset = 0;
  Include include = Include::kDocuments | Include::kMetadatas;
};

struct QueryOptions {
  Embeddings query_embeddings = {};
  uint32_t n_results = 10;
  std::optional<std::vector<std::string>> ids = {};  // absent: among all records
  Filter where = {};
  DocumentFilter where_document = {};
  Include include = Include::kDocuments | Include::kMetadatas | Include::kDistances;
};

// Deletes the records that satisfy everything that is given; nothing given deletes nothing.
struct DeleteOptions {
  std::optional<std::vector<std::string>> ids = {};
  Filter where = {};
  DocumentFilter where_document = {};
  std::optional<uint32_t> limit = {};  // only with a filter: the first so many, in insertion order
};

// ---- results

// Records in the order of their first insertion. A column that was not included is empty, every
// other has as many elements as `ids`.
struct GetResult {
  std::vector<std::string> ids;
  Embeddings embeddings;
  std::vector<std::optional<std::string>> documents;
  std::vector<Metadata> metadatas;  // empty where the record has none
  std::vector<std::optional<std::string>> uris;

  size_t size() const { return ids.size(); }
};

// For every query vector, the nearest records first: ids[q][i], distances[q][i]. A column that
// was not included is empty.
struct QueryResult {
  std::vector<std::vector<std::string>> ids;
  std::vector<Embeddings> embeddings;
  std::vector<std::vector<std::optional<std::string>>> documents;
  std::vector<std::vector<Metadata>> metadatas;
  std::vector<std::vector<std::optional<std::string>>> uris;
  std::vector<std::vector<float>> distances;  // infinity where a float cannot hold it

  size_t size() const { return ids.size(); }  // the number of query vectors
};

}  // namespace chroma
