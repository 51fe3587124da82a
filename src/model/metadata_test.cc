#include "model/metadata.h"

#include <gtest/gtest.h>

namespace chroma::model {
namespace {

TEST(Metadata, KeepsKeysSortedAndUnique) {
  Metadata metadata;
  metadata.Set("b", int64_t{1});
  metadata.Set("a", true);
  metadata.Set("c", 1.5);
  metadata.Set("b", "x");
  ASSERT_EQ(metadata.size(), 3u);
  EXPECT_EQ(metadata.begin()->first, "a");
  EXPECT_EQ(*metadata.Find("b"), MetadataValue("x"));
  EXPECT_EQ(metadata.Find("bb"), nullptr);
  metadata.Erase("a");
  metadata.Erase("nothing");
  EXPECT_EQ(metadata.Find("a"), nullptr);
  EXPECT_EQ(metadata.size(), 2u);
}

TEST(Metadata, FromEntriesKeepsTheLastOfEqualKeys) {
  const auto metadata = Metadata::FromEntries(
      {{"z", int64_t{1}}, {"a", int64_t{2}}, {"z", int64_t{3}}, {"a", int64_t{4}}});
  ASSERT_EQ(metadata.size(), 2u);
  EXPECT_EQ(*metadata.Find("a"), MetadataValue(int64_t{4}));
  EXPECT_EQ(*metadata.Find("z"), MetadataValue(int64_t{3}));
  EXPECT_EQ(metadata, Metadata::FromEntries({{"a", int64_t{4}}, {"z", int64_t{3}}}));
}

TEST(Metadata, MergeReplacesAndDeletes) {
  auto metadata = Metadata::FromEntries(
      {{"a", int64_t{1}}, {"b", "x"}, {"c", 2.5}, {"e", std::vector<int64_t>{1}}});
  metadata.Merge(Metadata::FromEntries({{"a", std::vector<std::string>{"s"}},
                                        {"b", std::monostate()},
                                        {"d", true},
                                        {"e", BoolArray()},
                                        {"f", std::monostate()}}));
  EXPECT_EQ(metadata,
            Metadata::FromEntries({{"a", std::vector<std::string>{"s"}}, {"c", 2.5}, {"d", true}}));
}

TEST(Metadata, MergeIntoNothingDropsDeletions) {
  Metadata metadata;
  metadata.Merge(Metadata::FromEntries({{"a", std::monostate()}, {"b", int64_t{1}}}));
  EXPECT_EQ(metadata, Metadata::FromEntries({{"b", int64_t{1}}}));
}

TEST(ValueType, TellsArraysFromScalars) {
  EXPECT_EQ(TypeOf(MetadataValue(BoolArray())), ValueType::kBoolArray);
  EXPECT_EQ(ElementType(ValueType::kBoolArray), ValueType::kBool);
  EXPECT_EQ(ElementType(ValueType::kStringArray), ValueType::kString);
  EXPECT_EQ(ElementType(ValueType::kSparseVector), ValueType::kSparseVector);
  EXPECT_FALSE(IsArray(ValueType::kSparseVector));
  EXPECT_TRUE(IsArray(ValueType::kFloatArray));
  EXPECT_TRUE(IsEmptyArray(std::vector<double>()));
  EXPECT_FALSE(IsEmptyArray(std::vector<double>{1}));
  EXPECT_FALSE(IsEmptyArray(SparseVector()));
  EXPECT_FALSE(IsEmptyArray(std::string()));
}

}  // namespace
}  // namespace chroma::model
