#include "importer/hnsw_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/coding.h"

namespace chroma::importer {
namespace {

constexpr uint64_t kNeighbors = 3;
constexpr uint64_t kDimension = 2;
constexpr uint64_t kVectorAt = 4 + 4 * 2 * kNeighbors;
constexpr uint64_t kLabelAt = kVectorAt + 4 * kDimension;
constexpr uint64_t kElementBytes = kLabelAt + 8;

std::string Header(uint64_t elements) {
  Bytes out;
  PutFixed(out, int32_t{1});
  for (const uint64_t number :
       {uint64_t{0}, elements + 5, elements, kElementBytes, kLabelAt, kVectorAt}) {
    PutFixed(out, number);
  }
  out.resize(100);
  return out;
}

std::string Element(uint64_t label, float x, float y, bool deleted = false) {
  Bytes out(kVectorAt, '\0');
  out[2] = deleted ? 1 : 0;
  PutFixed(out, x);
  PutFixed(out, y);
  PutFixed(out, label);
  return out;
}

std::string Ids() {
  return std::string(
      "\x80\x03}(X\x0b\0\0\0id_to_label}(X\x01\0\0\0aK\x01X\x01\0\0\0bK\x02"
      "X\x01\0\0\0cK\x03uu.",
      49);
}

class HnswFilesTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<HnswFiles>> Open() {
    return HnswFiles::FromBytes(header_, data_, lengths_, ids_, options_, &damage_);
  }
  // "id x y" of every id that has a vector.
  std::vector<std::string> Vectors(const HnswFiles& files) {
    std::vector<std::string> found;
    std::vector<BytesView> missing;
    for (const HnswFiles::Element& element : files.Elements(&missing)) {
      float v[kDimension];
      if (!files.ReadVector(element.element, v)) continue;
      found.push_back(std::string(element.id) + " " + std::to_string(v[0]).substr(0, 4) + " " +
                      std::to_string(v[1]).substr(0, 4));
    }
    missing_.assign(missing.begin(), missing.end());
    return found;
  }

  std::string header_ = Header(3);
  std::string data_ = Element(2, 3, 4) + Element(1, 5, 6) + Element(3, 7, 8, true);
  std::string lengths_;
  std::string ids_ = Ids();
  HnswOptions options_;
  DamageList damage_;
  std::vector<std::string> missing_;
};

TEST_F(HnswFilesTest, FindsVectorsByLabel) {
  const auto files = Open();
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  EXPECT_EQ((*files)->dimension(), kDimension);
  EXPECT_THAT(Vectors(**files), testing::ElementsAre("a 5.00 6.00", "b 3.00 4.00"));
  EXPECT_THAT(missing_, testing::ElementsAre("c"));
  EXPECT_TRUE((*files)->InOrderOfInsertion().empty());
}

TEST_F(HnswFilesTest, GivesCosineVectorsTheirLengths) {
  options_.cosine = true;
  data_ = Element(2, 0.6f, 0.8f) + Element(1, 1, 0) + Element(3, 0.5f, 0.5f);
  for (const float length : {10.0f, 3.0f, 1.0f}) PutFixed(lengths_, length);
  const auto files = Open();
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  // The third has no length of 1, so it is damaged.
  EXPECT_THAT(Vectors(**files), testing::ElementsAre("a 3.00 0.00", "b 6.00 8.00"));
  lengths_.resize(5);
  EXPECT_EQ(Open().status().code(), StatusCode::kDataLoss);
  options_.salvage = true;
  EXPECT_THAT(Vectors(**Open()), testing::ElementsAre("a 1.00 0.00", "b 6.00 8.00"));
}

TEST_F(HnswFilesTest, RefusesDamage) {
  header_[30] ^= 0x40;
  EXPECT_EQ(Open().status().code(), StatusCode::kDataLoss);
  header_ = Header(3);
  data_.resize(data_.size() - 1);
  EXPECT_EQ(Open().status().code(), StatusCode::kDataLoss);
}

TEST_F(HnswFilesTest, SalvagesWithoutAHeader) {
  header_.clear();
  options_ = {.salvage = true, .dimension = kDimension, .max_neighbors = kNeighbors};
  EXPECT_THAT(Vectors(**Open()), testing::ElementsAre("a 5.00 6.00", "b 3.00 4.00"));
  EXPECT_FALSE(damage_.empty());
  // Another layout does not fit to the labels.
  options_.max_neighbors = kNeighbors + 1;
  EXPECT_TRUE(Vectors(**Open()).empty());
}

TEST_F(HnswFilesTest, KnowsTheOrderOfInsertion) {
  data_ = Element(2, 3, 4) + Element(1, 5, 6) + Element(3, 7, 8);
  EXPECT_THAT((*Open())->InOrderOfInsertion(), testing::ElementsAre(1, 0, 2));
  data_ = Element(2, 3, 4) + Element(1, 5, 6) + Element(4, 7, 8);
  EXPECT_TRUE((*Open())->InOrderOfInsertion().empty());
}

}  // namespace
}  // namespace chroma::importer
