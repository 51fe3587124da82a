// Rows in six bits per component: a fifth of their size, and distances between them good enough to
// order neighbours by. A graph walks over these; what users see is computed from the exact rows.
//
// The codes are cut in two, which lie in planes of their own: the four high bits of a component are
// what a walk goes through, and enough to say which rows are worth a visit.
//
// A row is first brought into the *code space*, where nearer always means a smaller squared
// Euclidean distance, whatever the collection's space:
//   l2      the row less the centre of the data
//   cosine  the row scaled to length one, less the centre
//   ip      the row with one more component, which gives all rows one length L ("An Efficient
//           Reduction from Maximum Inner Product Search", A. Shrivastava, P. Li, 2014; Y. Bachrach
//           et al. 2014), less the centre; a query is brought to the length L, which changes no
//           order, and has 0 there
// then rotated (rotation.h) and rounded with one scale per row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/huge_memory.h"
#include "index/vector/parallel_for.h"
#include "index/vector/rotation.h"
#include "model/schema.h"
#include "simd/code_kernels.h"

namespace chroma::index {

// Beside each code.
struct RowScale {
  float scale = 0;         // component = scale * code
  float squared_norm = 0;  // of the decoded row; negative: the row has no code
};

// The codes of n rows. A view: the memory belongs to a segment or to CodedRows.
struct RowCodes {
  // A code plus 32 is 4 times its number in the high plane, of 4 bits, plus that in the low one, of
  // 2 bits; the layout of the planes is that of CodeKernels::dot_u4 and dot_u2.
  const uint8_t* high = nullptr;  // of row r at high + r * high_bytes()
  const uint8_t* low = nullptr;
  const RowScale* scales = nullptr;
  uint32_t n = 0;
  uint32_t padded = 0;

  static uint32_t HighBytes(uint32_t padded) { return padded / 2; }
  static uint32_t LowBytes(uint32_t padded) { return padded / 4; }
  uint32_t high_bytes() const { return HighBytes(padded); }
  uint32_t low_bytes() const { return LowBytes(padded); }
  const uint8_t* High(uint32_t row) const { return high + size_t{row} * high_bytes(); }
  const uint8_t* Low(uint32_t row) const { return low + size_t{row} * low_bytes(); }
  bool Has(uint32_t row) const { return scales[row].squared_norm >= 0; }
};

// One vector, to be compared with rows. A view.
struct CodedVector {
  const int8_t* code;
  int32_t sum;  // of the code
  float scale;
  float squared_norm;
};

// What of the rows' codes is read.
enum class Planes : uint8_t { kHigh, kBoth };

// A query in the code space. Reused from search to search, to spare the allocations.
struct CodedQuery {
  std::vector<float> rotated;
  std::vector<int8_t> code;
  int32_t code_sum = 0;
  std::vector<uint8_t> tables;
  simd::CodeTables code_tables{};
  float scale = 0;
  float squared_norm = 0;
  float factor = 1;  // what the query was multiplied with on the way

  CodedVector vector() const { return {code.data(), code_sum, scale, squared_norm}; }
};

// What all rows of one graph share. Immutable once made; written beside the codes.
struct CodeSpace {
  model::Space space = model::Space::kL2;
  uint32_t dimension = 0;
  uint64_t seed = 0;
  float length = 0;           // ip: L; rows that are longer cannot be coded
  std::vector<float> center;  // code_dimension() floats
  uint32_t code_dimension() const {
    return dimension + (space == model::Space::kInnerProduct ? 1 : 0);
  }
};

// Thread safe.
class RowCoder {
 public:
  RowCoder(const simd::CodeKernels& kernels, CodeSpace space);

  const CodeSpace& space() const { return space_; }
  uint32_t padded() const { return rotation_.padded(); }
  const simd::CodeKernels& kernels() const { return kernels_; }

  // `code` has room for padded() bytes. False, with a scale that says so, when the row cannot be
  // coded: components that are not finite, no direction under cosine, too long under ip.
  bool Encode(const float* row, int8_t* code, RowScale* scale) const;
  // False when no distance to the query means anything.
  bool EncodeQuery(const float* query, CodedQuery* out) const;
  // A row as a query.
  void EncodeQuery(const RowCodes& rows, uint32_t row, CodedQuery* out) const;

  // The whole codes of a row: `out` has room for padded().
  void Read(const RowCodes& rows, uint32_t row, int8_t* out) const {
    kernels_.join_i6(rows.High(row), rows.Low(row), rows.padded, out);
  }
  // Squared distances in the code space from `from` to each of `others`.
  void Distances(const CodedVector& from, const RowCodes& rows, std::span<const uint32_t> others,
                 Planes planes, float* out) const;
  // From `row`.
  void Distances(const RowCodes& rows, uint32_t row, std::span<const uint32_t> others,
                 float* out) const;
  // From each of `some` to each of `others`: of some[i] at out + i * others.size().
  void Distances(const RowCodes& rows, std::span<const uint32_t> some,
                 std::span<const uint32_t> others, float* out) const;
  // Of two vectors whose codes have this product.
  static float Combine(float squared_norm, float scale, const RowScale& other, float dot) {
    return squared_norm + other.squared_norm - 2 * scale * other.scale * dot;
  }
  // What such a distance is off by, as a standard deviation: both vectors are rounded, to within
  // half a step of their scale in every component.
  static float ErrorOf(const CodedQuery& query, const RowScale& row);
  // By the high planes alone, whose steps are 4 times as long.
  static float ErrorByHigh(const CodedQuery& query, const RowScale& row);
  // Whether a row that seems `distance` away by these planes may be nearer than `than`, unless its
  // distance is off by more than so many `errors`.
  static bool MayBeNearer(const CodedQuery& query, const RowScale& row, Planes planes,
                          float distance, float errors, float than);

 private:
  float ToLength(double squared_norm) const;
  bool IntoCodeSpace(const float* vector, bool is_query, float* factor, float* out) const;
  void Finish(CodedQuery* out) const;

  const simd::CodeKernels& kernels_;
  const CodeSpace space_;
  const Rotation rotation_;
};

// The codes of rows in memory.
class CodedRows {
 public:
  // Codes each of `rows`; null ones have no code.
  CodedRows(const RowCoder& coder, std::span<const float* const> rows,
            const ParallelFor& parallel_for);

  RowCodes view() const;
  size_t size_bytes() const { return planes_.size_bytes() + scales_.size() * sizeof(RowScale); }

 private:
  const uint32_t padded_;
  HugeMemory planes_;  // the high one, then the low one
  std::vector<RowScale> scales_;
};

// The space for a set of rows: their centre, of a sample, and L. `rows[i]` may be null.
CodeSpace ChooseCodeSpace(model::Space space, uint32_t dimension, uint64_t seed,
                          std::span<const float* const> rows);

}  // namespace chroma::index
