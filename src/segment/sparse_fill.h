// Sparse vectors that records lack because they were written before their key was switched on, and
// that are made of their texts in the background.
//
// A key of model::Schema::fills has vectors that the server makes. Writes from that log offset on
// bring theirs along, or go without where the user removed it (null). What was written before is
// filled by whatever writes a segment: merges, and the rewriting of segments that nothing else is
// to be merged with. Such a segment says in an empty section, whose key names the filling, that its
// rows have all that they are to have; so what is missing there later is missing on purpose. Until
// then a row has no vector under the key.
//
// The tail cannot say so of its rows one by one: it keeps which of them lost which key when, and
// which segment they come from (Part::AwaitsFill).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chroma/status.h"
#include "index/text/bm25.h"
#include "model/metadata.h"
#include "model/schema.h"
#include "runtime/context.h"

namespace chroma::segment {

class Part;

struct SparseFill {
  std::string key;
  std::string source;       // model::kDocumentKey, or a metadata key
  uint64_t log_offset = 0;  // see model::Schema::fills
  // Of the section in a filled segment: u64 log offset, u64 checksum of source and configuration,
  // and the key.
  std::string section_key;
};

// What the schema asks for; nothing where it is null.
std::vector<SparseFill> FillsOf(const model::Schema* schema);

// Fills rows on their way into a segment. One task at a time.
class SparseFiller {
 public:
  // `ctx` and the schema, which may be null, outlive it.
  SparseFiller(runtime::Context& ctx, const model::Schema* schema);
  SparseFiller(const SparseFiller&) = delete;
  SparseFiller& operator=(const SparseFiller&) = delete;

  // Adds to the metadata of `rows` (ascending) of the part the vectors that they lack.
  Status Fill(const Part& part, std::span<const uint32_t> rows,
              std::span<model::Metadata> metadata) const;
  // What the rows that went through Fill have.
  const std::vector<SparseFill>& fills() const { return fills_; }

 private:
  Status FillKey(const Part& part, std::span<const uint32_t> rows, const SparseFill& fill,
                 const index::Bm25& bm25, std::span<model::Metadata> metadata) const;
  Status FillOfDocuments(const Part& part, std::span<const uint32_t> rows,
                         std::span<const size_t> lacking, const SparseFill& fill,
                         const index::Bm25& bm25, std::span<model::Metadata> metadata) const;

  runtime::Context& ctx_;
  const std::vector<SparseFill> fills_;
  std::vector<std::pair<const SparseFill*, index::Bm25>> makers_;
};

}  // namespace chroma::segment
