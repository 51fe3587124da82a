#include "model/tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chroma::model {
namespace {

using ::testing::HasSubstr;

TEST(VectorTuning, IsWhatTheMetadataSays) {
  EXPECT_EQ(TuningOf(std::nullopt)->target_recall, 0);
  const auto tuning = TuningOf(Metadata::FromEntries({{"a", int64_t{1}},
                                                      {"vector:memory", std::string("compact")},
                                                      {"vector:target_recall", .95}}));
  ASSERT_TRUE(tuning.ok());
  EXPECT_FLOAT_EQ(tuning->target_recall, .95F);
  EXPECT_EQ(tuning->memory, IndexMemory::kCompact);
  EXPECT_EQ(TuningOf(Metadata::FromEntries({{"vector:memory", std::string("roomy")}}))->memory,
            IndexMemory::kRoomy);
  EXPECT_EQ(TuningOf(Metadata::FromEntries({{"vector:target_recall", int64_t{1}}}))->target_recall,
            1);
}

TEST(VectorTuning, RefusesWhatMeansNothing) {
  for (const MetadataValue& value :
       {MetadataValue(0.0), MetadataValue(1.5), MetadataValue(-1.0), MetadataValue(int64_t{2}),
        MetadataValue(std::string("high")), MetadataValue(true)}) {
    const Status status =
        TuningOf(Metadata::FromEntries({{"vector:target_recall", value}})).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("vector:target_recall must be"));
  }
  const Status memory =
      TuningOf(Metadata::FromEntries({{"vector:memory", std::string("tiny")}})).status();
  EXPECT_THAT(std::string(memory.message()), HasSubstr("auto, roomy or compact"));
  EXPECT_TRUE(TuningOf(Metadata::FromEntries({{"vector:x", int64_t{1}}})).ok());
}

}  // namespace
}  // namespace chroma::model
