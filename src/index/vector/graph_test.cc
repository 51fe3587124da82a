#include "index/vector/graph.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace chroma::index {
namespace {

TEST(Edges, ReadsWhatWasPacked) {
  std::mt19937 random(1);
  for (const uint32_t n : {1U, 2U, 3U, 255U, 256U, 116'659U, 1U << 20, (1U << 31) - 2}) {
    const uint32_t bits = Edges::BitsFor(n);
    std::vector<uint32_t> neighbors;
    std::vector<uint8_t> bytes;
    for (int row = 0; row < 20; ++row) {
      for (uint32_t i = 0; i < kDegree; ++i) {
        neighbors.push_back(random() % 4 == 0 ? kNoRow : random() % n);
      }
      bytes.resize(bytes.size() + Edges::Bytes(bits));
      PackEdges(&neighbors[neighbors.size() - kDegree], bits,
                &bytes[bytes.size() - Edges::Bytes(bits)]);
    }
    const Edges edges{bytes.data(), bits};
    const Edges plain = Edges::Of(neighbors.data());
    for (uint32_t row = 0; row < 20; ++row) {
      uint32_t read[kDegree];
      edges.Read(row, read);
      uint32_t expected[kDegree];
      plain.Read(row, expected);
      for (uint32_t i = 0; i < kDegree; ++i) {
        ASSERT_EQ(expected[i], neighbors[row * kDegree + i]);
        ASSERT_EQ(read[i], expected[i]) << n << ", row " << row << ", edge " << i;
      }
    }
  }
}

}  // namespace
}  // namespace chroma::index
