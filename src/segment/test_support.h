// For the tests of segments: random rows and an oracle.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/metadata.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "testing/memory_blobs.h"

namespace chroma::segment {

using testing::MemoryBlob;
using testing::MemoryBlobStore;

struct OracleRow {
  std::string id;
  uint64_t insertion_offset = 0;
  std::vector<float> vector;
  std::optional<std::string> document;
  std::optional<std::string> uri;
  model::Metadata metadata;
};

class RowGenerator {
 public:
  explicit RowGenerator(uint64_t seed) : state_(seed) {}

  // 64 uniform bits: SplitMix64 (Steele, Lea, Flood 2014).
  uint64_t Next();
  uint64_t Below(uint64_t n) { return Next() % n; }
  bool Chance(int percent) { return Below(100) < static_cast<uint64_t>(percent); }
  std::string Text();
  int64_t Integer();
  double Float();
  // Any type but kNull; arrays are not empty.
  model::MetadataValue Value(model::ValueType type);
  model::MetadataValue AnyValue() { return Value(static_cast<model::ValueType>(1 + Below(9))); }
  std::vector<OracleRow> Rows(uint32_t n, uint32_t dimension);

 private:
  uint64_t state_;
};

// A segment made of the rows, with the indexes of the schema; fails the test when writing fails.
Bytes WriteSegment(const std::vector<OracleRow>& rows, uint32_t dimension,
                   const model::Schema* schema = nullptr);

// Reads everything and compares. OK when all is as in `rows`; the first failure otherwise. A wrong
// answer fails the test.
Status CompareWithRows(const SegmentReader& segment, const std::vector<OracleRow>& rows,
                       uint32_t dimension);

}  // namespace chroma::segment
