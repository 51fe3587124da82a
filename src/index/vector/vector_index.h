// How the executor asks for nearest rows, whatever structure answers: an exact scan
// (flat_index.h) or a graph. An index is pure data structure over dense row ids: it does no
// I/O, starts no threads, keeps no reference to what a request points to after it returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "model/schema.h"
#include "model/tuning.h"

namespace chroma::index {

// Gives single rows, where not all of them are at hand at once.
class RowReader {
 public:
  virtual ~RowReader() = default;
  // VectorSource::dimension floats.
  virtual Result<const float*> Row(uint32_t row) const = 0;
};

// Where the exact float32 rows are. A view: the memory belongs to the caller (a mapped segment,
// the materialised tail) and must outlive the call. Rows need only be 4-byte aligned.
struct VectorSource {
  // Row r is at rows + r * stride (stride counts floats), or at row_pointers[r] when those are
  // given; a null row pointer is a row without a vector and is never returned.
  const float* rows = nullptr;
  size_t stride = 0;
  const float* const* row_pointers = nullptr;
  // Or comes from here; only GraphIndex and SignCodes, which need few of them, can do with that.
  const RowReader* reader = nullptr;
  uint32_t n = 0;
  uint32_t dimension = 0;
  // Optional, for cosine: 1 / ||row||, and 0 for a zero row. Spares computing norms in the scan.
  const float* inverse_norms = nullptr;
};

// Rows have other numbers now than when an index over them was built.
struct MovedRows {
  static constexpr uint32_t kGone = UINT32_MAX;

  const uint32_t* to = nullptr;  // row r of the index is to[r] elsewhere; null: r
  bool some_gone = false;        // whether any of them is kGone

  uint32_t operator[](uint32_t row) const { return to == nullptr ? row : to[row]; }
};

// How a graph is walked; an exact scan ignores it.
struct SearchTuning {
  // How many candidates a walk keeps (ef), or as many more as find the same where it goes by
  // estimates; 0 means the index's own choice.
  size_t effort = 0;
  // In place of the effort, where the index was calibrated (calibration.h); 0: not asked for.
  float target_recall = 0;
  // Of an effort that nobody chose, where the index was calibrated: more, where finding the first
  // takes more; and for as few results as calibration counts less, but half of it at least, where
  // finding the second takes less. 0: not asked for.
  float least_recall = 0;
  float enough_recall = 0;
  // Of a search for other than SearchRequest::k results, whose effort this one is to take; 0: of k.
  size_t results = 0;
  // What walks may go over: packed nodes, or codes alone.
  model::IndexMemory memory = model::IndexMemory::kAuto;
};

struct SearchRequest {
  const float* query = nullptr;  // VectorSource::dimension floats
  model::Space space = model::Space::kL2;
  size_t k = 0;
  // Rows that may be returned; null means all. Members >= VectorSource::n are ignored.
  const Bitmap* allowed = nullptr;
  // What `allowed`, the source and the answer call the rows of the index; an exact scan ignores it.
  MovedRows moved;
  // Rows farther than this are of no use to the caller (the worst of a full top-k elsewhere).
  float bound = std::numeric_limits<float>::infinity();
  SearchTuning tuning;
  // Called every few thousand rows; a failure ends the search with that Status. May be empty.
  std::function<Status()> check;
};

// One found row. `distance` is as users see it (rest-api.md §10), +inf where that is NaN.
struct Candidate {
  float distance;
  uint32_t row;
  bool operator<(const Candidate& other) const {
    return distance != other.distance ? distance < other.distance : row < other.row;
  }
  bool operator==(const Candidate&) const = default;
};

// Immutable and safe to search from many threads.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  // Appends to `out` the k nearest allowed rows, or all of them when there are fewer, in
  // ascending (distance, row) order. On failure `out` is unchanged.
  virtual Status Search(const VectorSource& source, const SearchRequest& request,
                        std::vector<Candidate>* out) const = 0;
};

}  // namespace chroma::index
