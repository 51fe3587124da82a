// Which rows contain a string: an index over the terms of texts (text_terms.h), not over trigrams,
// because rows have a tenth as many terms as trigrams, and because a needle inside one word is
// answered exactly, without a look at the texts: by the words that contain it, which are found
// by trigrams over the dictionary. docs/text-search.md has the reasons and the measurements.
//
// Three payloads; integers are little-endian, lists are those of index/text/postings.h:
//
//   terms     u32 layout (1), u32 rows, u32 terms, u32 irregular rows, u64 bytes of their list,
//             then per block of 32 terms: u32 offset of the block, u64 offset of the lists of its
//             terms; then the blocks: per term, in byte order of kind and bytes: varint bytes
//             shared with the term before (0 at the start of a block), varint bytes that follow,
//             these bytes, varint rows, varint bytes of the list
//   postings  the list of irregular rows, then the lists of the terms
//   grams     u32 count, u32 trigrams in ascending order, u32 offsets of their lists, then per
//             trigram: varint blocks, the list of the blocks that have a term which contains it
//
// A term is its kind, one byte, and its bytes. Irregular rows have texts that are not UTF-8: they
// have no terms, and may contain anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "chroma/status.h"
#include "index/text/text_query.h"
#include "index/text/text_terms.h"

namespace chroma::index {

struct TextIndexPayloads {
  Bytes terms;
  Bytes postings;
  Bytes grams;
};

// Collects texts by ascending rows. Memory: about 1.5 times the postings, and the dictionary.
class TextIndexBuilder {
 public:
  TextIndexBuilder();
  ~TextIndexBuilder();
  TextIndexBuilder(const TextIndexBuilder&) = delete;
  TextIndexBuilder& operator=(const TextIndexBuilder&) = delete;

  void Add(uint32_t row, std::string_view text);
  // More was added than the format can hold.
  bool too_large() const;
  // That, or nothing.
  bool Unusable() const;
  // Of a part with `rows` rows; a function of what was added.
  TextIndexPayloads Finish(uint32_t rows);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Rows that satisfy a query certainly, and rows whose texts have to be looked at. Disjoint.
struct TextRows {
  Bitmap certain;
  Bitmap possible;
};

// What an estimate looks at.
enum class Counting : uint8_t {
  kAllTerms,
  // Only terms that are found by trigrams: what contains or ends with one or two bytes is taken to
  // be in every row.
  kFoundTerms,
};

// Does not own the bytes. Immutable; thread safe. The bytes are untrusted: kDataLoss when they are
// found not to be what a builder made.
class TextIndexReader {
 public:
  static Result<TextIndexReader> Open(BytesView terms, BytesView postings, BytesView grams,
                                      uint32_t rows);

  // The rows in question. `query` is not All(). Rows in `certain` satisfy the query.
  // check(), if any, is asked now and then where that takes long; a failure ends it.
  using Check = std::function<Status()>;
  Result<TextRows> Find(const TextQuery& query, const Check& check = {}) const;
  // About how many rows Find() would return, from the counts of terms; at least as many.
  Result<uint64_t> Estimate(const TextQuery& query, const Check& check = {},
                            Counting counting = Counting::kAllTerms) const;
  uint32_t terms() const { return terms_count_; }
  // Decodes everything.
  Status VerifyAll() const;

 private:
  friend class TextIndexSearch;
  // A term's list.
  struct Postings {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint32_t count = 0;
  };
  using TermVisit = std::function<void(std::string_view term, const Postings& postings)>;

  TextIndexReader() = default;
  Status CheckDirectory() const;
  uint32_t blocks() const { return blocks_; }
  uint64_t BlockBegin(uint32_t block) const;
  uint64_t BlockEnd(uint32_t block) const;
  uint64_t PostingsBegin(uint32_t block) const;
  // Calls visit(term, postings) for each term of a block.
  Status VisitBlock(uint32_t block, const TermVisit& visit) const;
  std::string_view FirstTerm(uint32_t block) const;
  // The block that has the term, if any has.
  uint32_t BlockOf(std::string_view term) const;
  // The blocks with terms that may contain `bytes`.
  Result<std::vector<uint32_t>> BlocksContaining(std::string_view bytes) const;
  Result<BytesView> Gram(uint32_t index, uint32_t* count) const;
  Result<BytesView> List(const Postings& postings) const;

  uint32_t rows_ = 0;
  uint32_t terms_count_ = 0;
  uint32_t blocks_ = 0;
  uint32_t grams_count_ = 0;
  Postings irregular_;
  BytesView directory_;
  BytesView terms_;
  BytesView postings_;
  BytesView gram_keys_;
  BytesView gram_offsets_;
  BytesView gram_lists_;
};

}  // namespace chroma::index
