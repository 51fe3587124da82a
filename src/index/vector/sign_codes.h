// Nearest rows among many that no graph holds yet: a scan of one bit a component instead of 32, and
// exact distances of the few that may be near.
//
// A row r of the code space (row_codes.h) is coded by its signs, as the neighbours in a packed node
// are (packed_nodes.h), with the origin in place of the node's row:
//   <q, r> ≈ (|r|² / Σ|r_i|) · Σ sign(r_i) q_i
// whose error has a standard deviation of |q| |r| √((1 - x²) / x² / (D - 1)), x = Σ|r_i| / (|r| √D)
// ("RaBitQ", J. Gao, C. Long, SIGMOD 2024, theorem 3.2). Rows that are nearer by less than three of
// these than the k-th nearest are compared exactly, which finds .999 of the nearest.
//
// Codes are made by who has the time (Extend), else by the searches themselves, for a few hundred
// rows each, so that no search waits long; until a row has its code it is compared exactly.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "index/vector/row_codes.h"
#include "index/vector/vector_index.h"
#include "runtime/mutex.h"

namespace chroma::index {

// Of rows that never change, to which others may be appended. Thread safe.
class SignCodes {
 public:
  // With fewer rows than this comparing them exactly takes no longer.
  static constexpr uint32_t kRowsMin = 4096;
  // Nor where fewer than one in so many of the rows that are scanned is wanted.
  static constexpr uint32_t kShareMin = 8;
  // Whether a search that wants so many of the rows goes by their signs.
  static bool Pay(uint64_t wanted, uint64_t rows);

  SignCodes(model::Space space, uint32_t dimension)
      : space_(space), dimension_(dimension), all_(std::make_shared<const View>()) {}

  // As VectorIndex::Search, of a source with a `reader`, in which row i is always the same; it may
  // have more rows than in other calls, or fewer.
  Status Search(const VectorSource& source, const SearchRequest& request,
                std::vector<Candidate>* out);

  // How many rows have codes.
  uint32_t coded() const;

  // Makes the codes of up to `rows_max` further rows; of none while another thread does.
  Status Extend(const VectorSource& source, uint32_t rows_max);

 private:
  struct Block;
  // What a search sees. Of the last block the groups before `rows` do not change any more.
  struct View {
    std::shared_ptr<const RowCoder> coder;
    std::vector<std::shared_ptr<Block>> blocks;
    uint32_t rows = 0;
  };
  class Encoder;
  class Scan;

  std::shared_ptr<const View> Seen() const;
  // Held by the thread that makes codes.
  Status ExtendAlone(const VectorSource& source, uint32_t rows_max) CHROMA_REQUIRES(extending_);
  std::shared_ptr<const RowCoder> CoderFor(const VectorSource& source) const;

  const model::Space space_;
  const uint32_t dimension_;
  runtime::Mutex extending_;  // locked before mutex_
  mutable runtime::Mutex mutex_;
  std::shared_ptr<const View> all_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::index
