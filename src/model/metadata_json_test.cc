#include "model/metadata_json.h"

#include <gtest/gtest.h>

#include <cmath>

namespace chroma::model {
namespace {

std::string Encode(const Metadata& metadata) {
  std::string text;
  JsonWriter out(&text);
  EncodeMetadata(out, metadata);
  return text;
}

// The metadata read back as JSON, or the error.
std::string RoundTrip(std::string_view text, bool allow_null = false) {
  JsonReader reader(text);
  const Metadata metadata = DecodeMetadata(reader, allow_null);
  reader.Finish();
  return reader.ok() ? Encode(metadata) : reader.error().message;
}

struct Case {
  std::string_view in;
  std::string_view out;
};

class MetadataJson : public testing::TestWithParam<Case> {};

TEST_P(MetadataJson, Decodes) {
  EXPECT_EQ(RoundTrip(GetParam().in), GetParam().out);
}

INSTANTIATE_TEST_SUITE_P(
    Values, MetadataJson,
    testing::Values(
        Case{R"({})", R"({})"}, Case{R"({"k":true})", R"({"k":true})"},
        Case{R"({"k":1})", R"({"k":1})"},
        Case{R"({"k":-9223372036854775808})", R"({"k":-9223372036854775808})"},
        Case{R"({"k":9223372036854775807})", R"({"k":9223372036854775807})"},
        Case{R"({"k":9223372036854775808})", R"({"k":9.223372036854776e+18})"},
        Case{R"({"k":18446744073709551616})", R"({"k":1.8446744073709552e+19})"},
        Case{R"({"k":-9223372036854775809})", R"({"k":-9.223372036854776e+18})"},
        Case{R"({"k":2.0})", R"({"k":2.0})"}, Case{R"({"k":1e2})", R"({"k":100.0})"},
        Case{R"({"k":-0})", R"({"k":0.0})"}, Case{R"({"k":-0.0})", R"({"k":0.0})"},
        Case{R"({"k":[-0.0,1]})", R"({"k":[0.0,1.0]})"}, Case{R"({"k":""})", R"({"k":""})"},
        Case{R"({"k":[1,2]})", R"({"k":[1,2]})"}, Case{R"({"k":[1,2.5]})", R"({"k":[1.0,2.5]})"},
        Case{R"({"k":[1.5,2,3]})", R"({"k":[1.5,2.0,3.0]})"},
        Case{R"({"k":[1,9223372036854775808]})", R"({"k":[1.0,9.223372036854776e+18]})"},
        Case{R"({"k":[true,false]})", R"({"k":[true,false]})"},
        Case{R"({"k":["a",""]})", R"({"k":["a",""]})"}, Case{R"({"k":[]})", R"({"k":[]})"},
        Case{R"({"k":1,"a":2,"k":3})", R"({"a":2,"k":3})"},
        Case{R"({"k":{"indices":[1,7],"values":[0.5,2]}})",
             R"({"k":{"#type":"sparse_vector","indices":[1,7],"values":[0.5,2.0]}})"},
        Case{
            R"({"k":{"values":[0.5],"tokens":["t"],"x":[],"indices":[1],"#type":"sparse_vector"}})",
            R"({"k":{"#type":"sparse_vector","indices":[1],"values":[0.5],"tokens":["t"]}})"},
        Case{R"({"k":{"values":[],"tokens":null,"indices":[]}})",
             R"({"k":{"#type":"sparse_vector","indices":[],"values":[]}})"}));

constexpr std::string_view kNoVariant =
    "k: data did not match any variant of untagged enum MetadataValue at line 1 column ";

class BadMetadataJson : public testing::TestWithParam<std::string_view> {};

// The error stands at the brace after the value: the last byte of these texts.
TEST_P(BadMetadataJson, IsRefused) {
  EXPECT_EQ(RoundTrip(GetParam()),
            std::string(kNoVariant).append(std::to_string(GetParam().size())));
}

INSTANTIATE_TEST_SUITE_P(Values, BadMetadataJson,
                         testing::Values(R"({"k":null})", R"({"k":[true,1]})", R"({"k":[1,"x"]})",
                                         R"({"k":[1,null]})", R"({"k":["x",1]})", R"({"k":[[1]]})",
                                         R"({"k":[[1],{"a":[]}]})", R"({"k":{"x":1}})",
                                         R"({"k":{"indices":[1]}})",
                                         R"({"k":{"indices":[-1],"values":[1]}})",
                                         R"({"k":{"indices":[1.0],"values":[1]}})",
                                         R"({"k":{"indices":[4294967296],"values":[1]}})",
                                         R"({"k":{"indices":[1],"values":["x"]}})",
                                         R"({"k":{"indices":1,"values":[1]}})",
                                         R"({"k":{"indices":[1],"values":[1],"tokens":[1]}})",
                                         R"({"k":{"indices":[1],"indices":[1],"values":[1]}})",
                                         R"({"k":{"indices":[1],"values":[1],"#type":"bogus"}})",
                                         R"({"k":{"indices":[1],"values":[1],"#type":[5,{}]}})"));

TEST(DecodeMetadata, NamesTheEnumOfUpdates) {
  EXPECT_EQ(RoundTrip(R"({"k":null,"a":1})", true), R"({"a":1,"k":null})");
  EXPECT_EQ(RoundTrip(R"({"k":[null]})", true),
            "k: data did not match any variant of untagged enum UpdateMetadataValue at line 1 "
            "column 12");
}

TEST(DecodeMetadata, PositionsErrorsAsRecorded) {
  JsonReader reader(R"({"ids":["a"],"embeddings":[[1]],"metadatas":[{"k":[1,"x"]}]})");
  std::string key;
  for (reader.BeginObject(); reader.NextKey(&key);) {
    if (key != "metadatas") {
      reader.SkipValue();
      continue;
    }
    for (reader.BeginArray(); reader.NextElement();) DecodeMetadata(reader, false);
  }
  EXPECT_EQ(reader.error().message,
            "metadatas[0].k: data did not match any variant of untagged enum MetadataValue at "
            "line 1 column 58");
}

TEST(DecodeMetadata, ReportsSyntaxInsideAMixedArrayFirst) {
  EXPECT_NE(RoundTrip(R"({"k":[1,"x",nope]})").find("expected"), std::string::npos);
  EXPECT_EQ(RoundTrip(R"([])"), "invalid type: sequence, expected a map at line 1 column 0");
  EXPECT_EQ(RoundTrip(R"(5)"), "invalid type: integer `5`, expected a map at line 1 column 1");
}

TEST(DecodeMetadata, SurvivesEveryTruncation) {
  const std::string text =
      R"({"a":[1,2.5],"b":{"indices":[1],"values":[1e39],"tokens":["t"]},"c":[true,1],)"
      R"("d":"\u00e9"})";
  for (size_t n = 0; n < text.size(); ++n) {
    JsonReader reader(std::string_view(text).substr(0, n));
    DecodeMetadata(reader, true);
    reader.Finish();
    EXPECT_FALSE(reader.ok()) << n;
  }
}

TEST(DecodeMetadata, WeightsBeyondFloatAreInfinite) {
  JsonReader reader(R"({"k":{"indices":[1],"values":[1e39]}})");
  const Metadata metadata = DecodeMetadata(reader, false);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(std::isinf(std::get<SparseVector>(*metadata.Find("k")).values[0]));
}

}  // namespace
}  // namespace chroma::model
