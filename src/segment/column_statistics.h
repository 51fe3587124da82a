// How often the values of one metadata column occur: from this the rows that a predicate matches
// are estimated without a look at the column. Made of a column when its first estimate is wanted
// and kept as long as it is open, never stored.
//
// Where the values are few (booleans, strings with a dictionary, integers close to one another)
// each is counted: such estimates are exact. Of other columns some 4096 values are kept in order:
// the share of a range is off by less than .021 with a probability of 95 % (A. Dvoretzky,
// J. Kiefer, J. Wolfowitz, 1956; P. Massart, 1990). A value that the sample has twice is taken to
// be as frequent as it is there; any other as the mean of those that the sample has once, whose
// number is estimated after P. Haas, J. Naughton, S. Seshadri, L. Stokes, "Sampling-based
// estimation of the number of distinct values of an attribute", 1995.
#pragma once

#include <cstdint>
#include <vector>

#include "format/metadata_column.h"
#include "model/filter.h"
#include "segment/value_order.h"

namespace chroma::segment {

// Does not keep the column. Immutable; thread safe.
class ColumnStatistics {
 public:
  // Takes a nanosecond a value at most where values are counted, else the time of reading 4096.
  // Not of sparse vectors.
  static ColumnStatistics Of(const format::MetadataColumnReader& column);

  // About how many rows of the column that these are of satisfy a positive predicate. Requires
  // CanMatch(column.type(), predicate).
  double Rows(const format::MetadataColumnReader& column,
              const model::MetadataPredicate& predicate) const;

  // Whether values are counted.
  bool exact() const { return !before_.empty() || sampled_ == count_; }
  // At most a byte for each row of the column, or 32 KiB; of arrays some 256 KiB.
  uint64_t SizeBytes() const {
    return before_.size() * sizeof(uint32_t) + sample_.size() * sizeof(uint64_t);
  }

 private:
  bool CountEach(const format::MetadataColumnReader& column);
  void Sample(const format::MetadataColumnReader& column);
  double Between(uint64_t low, uint64_t high) const;
  double Equal(uint64_t code) const;

  uint32_t count_ = 0;    // rows that have a value
  uint32_t sampled_ = 0;  // rows whose values are in sample_
  // Counted: the rows with a value whose code is below origin_ + i.
  uint64_t origin_ = 0;
  std::vector<uint32_t> before_;
  // Or else: codes in order; of an array each of its different elements.
  std::vector<uint64_t> sample_;
  double rare_ = 0;  // rows with a value that sample_ does not have twice
};

// Rows() where the column has an order of its values, which is exact.
double RowsByOrder(const format::MetadataColumnReader& column, const ValueOrder& order,
                   const model::MetadataPredicate& predicate);

}  // namespace chroma::segment
