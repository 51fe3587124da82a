// A part of a collection: n rows with dense ids 0 … n-1, some of which may be dead. Segments and
// the tail of the log are parts, so the executor knows one kind of thing.
//
// Immutable as seen through one pointer; thread safe. Reading may fail with kDataLoss, since
// sections of a segment are verified when first touched. Liveness is not a part's business: the
// snapshot that names the part also holds the bitmap of its dead rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "index/sparse/sparse_query.h"
#include "index/text/text_index.h"
#include "index/text/text_pattern.h"
#include "model/filter.h"
#include "model/metadata.h"
#include "model/record.h"
#include "runtime/context.h"
#include "segment/kept_signs.h"
#include "segment/key_values.h"
#include "segment/missing_indexes.h"

namespace chroma::segment {

struct SparseFill;

// `rows` vectors, one after the other.
struct VectorRun {
  const float* values = nullptr;
  uint32_t rows = 0;
};

class Part {
 public:
  virtual ~Part() = default;

  virtual uint32_t rows() const = 0;
  virtual uint32_t dimension() const = 0;
  // Whether row order is insertion order.
  virtual bool InInsertionOrder() const = 0;

  // The latest row of the id, dead or alive; none when the part does not hold it.
  virtual Result<std::optional<uint32_t>> FindId(std::string_view id) const = 0;
  virtual Result<std::string_view> Id(uint32_t row) const = 0;
  // The log offset at which the record was first inserted: its place in `get`.
  virtual Result<uint64_t> InsertionOffset(uint32_t row) const = 0;
  // The vectors from `row` on, as many as lie together and have been verified together.
  virtual Result<VectorRun> Vectors(uint32_t row) const = 0;

  // One vector, of dimension() floats. For rows here and there of a part that is seldom read: where
  // rows are mapped, this one does not become a part of this process's memory.
  virtual Status CopyVector(uint32_t row, float* out) const {
    CHROMA_ASSIGN(const VectorRun run, Vectors(row));
    std::copy_n(run.values, dimension(), out);
    return Status::Ok();
  }

  // For searches among rows that no vector index holds.
  virtual const KeptSigns& signs() const = 0;

  // Whether few rows can be read with these columns without loading anything large first.
  virtual bool IsLoaded(model::IncludeSet include) const {
    static_cast<void>(include);
    return true;
  }
  // The same of finding rows by their ids.
  virtual bool IdsAreLoaded() const { return true; }

  // One element per row of `rows` (ascending), appended.
  virtual Status ReadDocuments(std::span<const uint32_t> rows,
                               std::vector<std::optional<std::string>>* out) const = 0;
  virtual Status ReadUris(std::span<const uint32_t> rows,
                          std::vector<std::optional<std::string>>* out) const = 0;
  // With hidden keys; an empty Metadata when the row has none.
  virtual Status ReadMetadata(std::span<const uint32_t> rows,
                              std::vector<model::Metadata>* out) const = 0;

  // Rows that satisfy a positive predicate (not kNotEqual, kNotIn, kArrayNotContains), dead rows
  // included; exactly semantics.md §1.3-1.5 with exact numbers. Evaluated column by column.
  virtual Result<Bitmap> Match(runtime::Context& ctx,
                               const model::MetadataPredicate& predicate) const = 0;
  // About how many rows Match will find, without a look at the rows; none where nothing is known.
  // In far less time than Match takes, but for the first time of a key (column_statistics.h).
  virtual Result<std::optional<double>> EstimateMatch(
      const model::MetadataPredicate& predicate) const {
    static_cast<void>(predicate);
    return std::optional<double>();
  }
  // About how many rows can be looked at one by one, by Key, in the time that Match takes.
  virtual uint64_t MatchCost(const model::MetadataPredicate& predicate) const {
    static_cast<void>(predicate);
    return rows() / 2;
  }
  // The same of the rows with a string under `key`, or an array with one, that the pattern matches.
  // The rows; and, where *how is wanted, what was done, in words.
  virtual Result<Bitmap> MatchText(runtime::Context& ctx, std::string_view key,
                                   const index::TextPattern& pattern, std::string* how) const = 0;
  virtual Result<std::optional<double>> EstimateMatchText(runtime::Context& ctx,
                                                          std::string_view key,
                                                          const index::TextPattern& pattern) const {
    static_cast<void>(ctx);
    static_cast<void>(key);
    static_cast<void>(pattern);
    return std::optional<double>();
  }
  virtual uint64_t MatchTextCost(std::string_view key, const index::TextPattern& pattern) const {
    static_cast<void>(key);
    static_cast<void>(pattern);
    return rows() / 2;
  }
  // The values under `key`. kDataLoss when those of a live one of `rows` cannot be read.
  virtual Result<std::unique_ptr<KeyValues>> Key(std::string_view key,
                                                 const Bitmap& rows) const = 0;
  // What answers for `key`, in words.
  virtual std::string DescribeKey(std::string_view key) const = 0;
  // Rows among `candidates` (null: all) that have a document (or uri) which `test` accepts.
  using TextTest = std::function<bool(std::string_view)>;
  virtual Result<Bitmap> MatchDocuments(runtime::Context& ctx, const Bitmap* candidates,
                                        const TextTest& test) const = 0;
  virtual Result<Bitmap> MatchUris(runtime::Context& ctx, const Bitmap* candidates,
                                   const TextTest& test) const = 0;
  // The rows whose documents satisfy the query, and those that have to be looked at, dead ones
  // included; about how many they are. None where there is no index: any row may.
  // check() as TextIndexReader has it.
  using TextCheck = index::TextIndexReader::Check;
  virtual Result<std::optional<index::TextRows>> FindText(const index::TextQuery& query,
                                                          const TextCheck& check = {}) const {
    static_cast<void>(query);
    static_cast<void>(check);
    return std::optional<index::TextRows>();
  }
  virtual Result<std::optional<uint64_t>> EstimateText(const index::TextQuery& query,
                                                       const TextCheck& check = {},
                                                       index::Counting counting = {}) const {
    static_cast<void>(query);
    static_cast<void>(check);
    static_cast<void>(counting);
    return std::optional<uint64_t>();
  }

  // The rows nearest to a sparse query, by the vectors under `key` (index/sparse/sparse_query.h
  // says how, and what is exact: all of it); nearest first, equal ones in row order, appended. Rows
  // that share no dimension with the query are never among them. The request's `check` is not used.
  // kInvalidArgument when the query is none.
  virtual Status SearchSparse(runtime::Context& ctx, std::string_view key,
                              const index::SparseRequest& request,
                              std::vector<index::Candidate>* out) const = 0;
  // Adds to counts[i] how many rows that are not in `dead` have dimensions[i] under `key`.
  // Dimensions ascend strictly.
  virtual Status CountSparse(runtime::Context& ctx, std::string_view key,
                             std::span<const uint32_t> dimensions, const Bitmap& dead,
                             std::span<uint64_t> counts) const = 0;

  // Whether the row, if it has nothing under the key of the fill, lacks it because it was not made
  // yet; else that is on purpose.
  virtual bool AwaitsFill(uint32_t row, const SparseFill& fill) const = 0;

  // What the schema asks for and a segment was written without: indexes and fills. A tail has none
  // ever.
  virtual Result<std::vector<MissingIndex>> Missing(const model::Schema& schema) const {
    static_cast<void>(schema);
    return std::vector<MissingIndex>();
  }

  // Lets the operating system take back the pages of files that reads have mapped. They are mapped
  // again when they are read, without the disk as long as the system keeps them. Frees what was
  // decompressed.
  virtual void ReleasePages() const {}
  // Of those, the vectors'.
  virtual void ReleaseVectors() const {}
};

}  // namespace chroma::segment
