#include "segment/value_order.h"

#include <string>
#include <vector>

#include "format/section_reader.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

using format::SectionType;
using model::CompareOperator;

// Values that are nearly all different, as scalars and in arrays.
std::vector<OracleRow> SomeRows() {
  std::vector<OracleRow> rows;
  for (uint32_t i = 0; i < 2000; ++i) {
    OracleRow row;
    row.id = "id" + std::to_string(i);
    row.insertion_offset = i;
    row.vector = {1};
    const std::string url = "https://example.com/" + std::to_string(i % 1900);
    if (i % 3 != 2) row.metadata.Set("url", url);
    if (i % 2 == 0) row.metadata.Set("tags", std::vector<std::string>{url + "/a", url + "/b"});
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<format::SectionInfo> Orders(const Bytes& bytes) {
  runtime::Context ctx;
  const auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes),
                                                    [](SectionType) { return true; });
  std::vector<format::SectionInfo> orders;
  for (const format::SectionInfo& section : sections->sections()) {
    if (section.type == SectionType::kValueOrder) orders.push_back(section);
  }
  return orders;
}

std::vector<uint32_t> Match(const Bytes& bytes, const model::MetadataPredicate& predicate) {
  runtime::Context ctx;
  const auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes));
  EXPECT_TRUE(segment.ok());
  const auto rows = (*segment)->Match(ctx, predicate);
  EXPECT_TRUE(rows.ok()) << rows.status().ToString();
  return rows->ToVector();
}

const std::string kUrl = "https://example.com/";

void ExpectAllFound(const Bytes& bytes) {
  using List = std::vector<std::string>;
  using Rows = std::vector<uint32_t>;
  const auto equal = CompareOperator::kEqual;
  EXPECT_EQ(Match(bytes, {"url", equal, kUrl + "0"}), (Rows{0, 1900}));
  EXPECT_EQ(Match(bytes, {"url", equal, kUrl + "2"}), (Rows{1902}));
  EXPECT_EQ(Match(bytes, {"url", equal, kUrl + "5"}), (Rows{1905}));
  EXPECT_EQ(Match(bytes, {"url", equal, kUrl}), (Rows{}));
  EXPECT_EQ(Match(bytes, {"url", CompareOperator::kIn, List{kUrl + "3", kUrl + "1800", "x"}}),
            (Rows{3, 1800, 1903}));
  EXPECT_EQ(Match(bytes, {"tags", CompareOperator::kArrayContains, kUrl + "4/b"}), (Rows{4, 1904}));
  EXPECT_EQ(Match(bytes, {"tags", CompareOperator::kArrayContains, kUrl + "5/b"}), (Rows{}));
  List many;
  for (int i = 0; i < 1900; ++i) many.push_back(kUrl + std::to_string(i));
  EXPECT_EQ(Match(bytes, {"url", CompareOperator::kIn, many}).size(), 1334u);
}

TEST(ValueOrderTest, StringsAreFound) {
  const Bytes bytes = WriteSegment(SomeRows(), 1);
  EXPECT_EQ(Orders(bytes).size(), 2u);
  ExpectAllFound(bytes);
}

TEST(ValueOrderTest, FewOrRepeatedValuesHaveNone) {
  std::vector<OracleRow> rows = SomeRows();
  rows.resize(60);
  EXPECT_TRUE(Orders(WriteSegment(rows, 1)).empty());
  rows = SomeRows();
  for (OracleRow& row : rows) {
    row.metadata = model::Metadata();
    row.metadata.Set("url", std::string(row.id.size() % 2 == 0 ? "even" : "odd"));
    row.metadata.Set("n", static_cast<int64_t>(row.insertion_offset * 1'000'003));
  }
  EXPECT_TRUE(Orders(WriteSegment(rows, 1)).empty());
}

TEST(ValueOrderTest, DamageCostsTimeOnly) {
  const Bytes whole = WriteSegment(SomeRows(), 1);
  Bytes bytes = whole;
  for (const format::SectionInfo& order : Orders(whole)) bytes[order.offset + 40] ^= 4;
  ExpectAllFound(bytes);
  runtime::Context ctx;
  const auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes));
  EXPECT_EQ((*segment)->VerifyAll(ctx).code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace chroma::segment
