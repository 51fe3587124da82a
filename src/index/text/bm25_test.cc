#include "index/text/bm25.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace chroma::index {
namespace {

using model::SparseVector;

double Number(const JsonValue& value) {
  return value.AsInt() != nullptr ? static_cast<double>(*value.AsInt()) : *value.AsDouble();
}

// Written by tests/clients/bm25_test.py with the Python client's function.
TEST(Bm25Test, MakesTheVectorsOfThePythonClient) {
  Bm25Config config;
  config.include_tokens = true;
  const Bm25 bm25(config);
  std::ifstream lines(CHROMA_TESTDATA "/bm25_golden.jsonl");
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto golden = ParseJson(line);
    ASSERT_TRUE(golden.ok()) << golden.status().ToString();
    const std::string& text = *golden->Find("text")->AsString();
    SCOPED_TRACE(text);
    SparseVector expected;
    for (const JsonValue& index : *golden->Find("indices")->AsArray()) {
      expected.indices.push_back(static_cast<uint32_t>(*index.AsInt()));
    }
    for (const JsonValue& value : *golden->Find("values")->AsArray()) {
      expected.values.push_back(static_cast<float>(Number(value)));
    }
    for (const JsonValue& token : *golden->Find("tokens")->AsArray()) {
      expected.tokens.push_back(*token.AsString());
    }
    const SparseVector vector = bm25.Embed(text);
    ASSERT_EQ(vector.tokens, expected.tokens);
    ASSERT_EQ(vector.indices, expected.indices);
    ASSERT_EQ(vector.values, expected.values);
  }
  EXPECT_GT(count, 200);
}

TEST(Bm25Test, KnownVectors) {
  const Bm25 bm25;
  const SparseVector speed = bm25.Embed("Usain Bolt's top speed reached ~27.8 mph (44.72 km/h)");
  EXPECT_EQ(speed.indices, (std::vector<uint32_t>{230246813, 395514983, 458027949, 488165615,
                                                  729632045, 734978415, 997512866, 1114505193,
                                                  1381820790, 1501587190, 1649421877, 1837285388}));
  for (const float value : speed.values) EXPECT_FLOAT_EQ(value, 1.6391153F);
  EXPECT_TRUE(speed.tokens.empty());
  EXPECT_TRUE(bm25.Embed("").indices.empty());
  EXPECT_TRUE(bm25.Embed("The of -- AND").indices.empty());
}

TEST(Bm25Test, Configuration) {
  const auto json =
      ParseJson(R"({"k":1,"b":0,"avg_doc_length":10,"token_max_length":4,"stopwords":["DOG"],)"
                R"("include_tokens":true,"unknown":{}})");
  const auto bm25 = Bm25::FromConfig(*json);
  ASSERT_TRUE(bm25.ok()) << bm25.status().ToString();
  const SparseVector vector = bm25->Embed("the dog the horses run");
  EXPECT_EQ(bm25->Tokenize("the dog the horses run"),
            (std::vector<std::string>{"the", "the", "run"}));
  ASSERT_EQ(vector.values.size(), 2U);
  const size_t the = vector.tokens[0] == "the" ? 0 : 1;
  EXPECT_FLOAT_EQ(vector.values[the], 2.0F * 2 / (2 + 1));
  EXPECT_FLOAT_EQ(vector.values[1 - the], 1.0F * 2 / (1 + 1));
  EXPECT_TRUE(Bm25::FromConfig(JsonValue()).ok());
  for (const char* wrong :
       {"[]", R"({"k":"x"})", R"({"b":null})", R"({"stopwords":[1]})", R"({"stopwords":"a"})",
        R"({"include_tokens":1})", R"({"token_max_length":"4"})", R"({"avg_doc_length":0})",
        R"({"token_max_length":1e99})"}) {
    const auto config = ParseJson(wrong);
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(Bm25::FromConfig(*config).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(Bm25Test, AnyBytes) {
  const Bm25 bm25;
  EXPECT_EQ(bm25.Tokenize("a\xFF"
                          "dog\xC3 \xE4\xB8 cat\xF0"),
            (std::vector<std::string>{"dog", "cat"}));
  const std::string long_word(1'000'000, 'x');
  EXPECT_TRUE(bm25.Embed(long_word).indices.empty());
  EXPECT_EQ(bm25.Embed(std::string(1'000'000, ' ') + "dog").indices.size(), 1U);
}

TEST(Murmur3Test, KnownValues) {
  EXPECT_EQ(Murmur3("", 0), 0U);
  EXPECT_EQ(Murmur3("", 1), 0x514E28B7U);
  EXPECT_EQ(Murmur3("test", 0), 0xBA6BD213U);
  EXPECT_EQ(Murmur3("Hello, world!", 0), 0xC0363E43U);
  EXPECT_EQ(Murmur3("The quick brown fox jumps over the lazy dog", 0x9747B28C), 0x2FA826CDU);
}

}  // namespace
}  // namespace chroma::index
