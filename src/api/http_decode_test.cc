// Answers as servers should not give them.
#include "api/http_decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chroma::api {
namespace {

using ::testing::HasSubstr;

TEST(HttpDecodeTest, ErrorsKeepTheServersText) {
  const Status status =
      StatusOf({404, R"({"error":"NotFoundError","message":"Collection [x] does not exist"})"});
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "Collection [x] does not exist");
  EXPECT_TRUE(StatusOf({201, "{}"}).ok());
  EXPECT_EQ(StatusOf({413, "Payload too large"}).message(),
            "The server answered 413: Payload too large");
  EXPECT_EQ(StatusOf({404, ""}).message(), "The server answered 404");
  EXPECT_EQ(StatusOf({502, "<html>" + std::string(1000, 'x')}).code(), StatusCode::kUnavailable);
  EXPECT_LT(StatusOf({500, std::string(1 << 20, 'x')}).message().size(), 300u);
  EXPECT_EQ(StatusOf({302, ""}).code(), StatusCode::kInternal);
  EXPECT_EQ(StatusOf({422, R"({"message":5})"}).code(), StatusCode::kInvalidArgument);
}

TEST(HttpDecodeTest, WrongShapesAreErrors) {
  constexpr model::IncludeSet kDocuments = model::kIncludeDocuments;
  for (const char* body : {"", "5", "{", "[]", R"({"ids":["a"],"documents":null})",
                           R"({"ids":["a"],"documents":["x","y"]})", R"({"ids":[1]})",
                           R"({"ids":["a"],"documents":["x"],"uris":["u"]})",
                           R"({"ids":["a"],"documents":["x"]} 1)"}) {
    const Status status = DecodeGet(body, kDocuments).status();
    EXPECT_EQ(status.code(), StatusCode::kInternal) << body;
    EXPECT_THAT(std::string(status.message()), HasSubstr("answer is not understood")) << body;
  }
  constexpr model::IncludeSet kVectors = model::kIncludeEmbeddings;
  EXPECT_FALSE(DecodeGet(R"({"ids":["a","b"],"embeddings":[[1],[1,2]]})", kVectors).ok());
  EXPECT_FALSE(DecodeGet(R"({"ids":["a"],"embeddings":[[]]})", kVectors).ok());
  EXPECT_FALSE(DecodeGet(R"({"ids":["a"],"embeddings":[null]})", kVectors).ok());
  constexpr model::IncludeSet kDistances = model::kIncludeDistances;
  EXPECT_FALSE(DecodeQuery(R"({"ids":[["a"]],"distances":[[1,2]]})", kDistances).ok());
  EXPECT_FALSE(DecodeQuery(R"({"ids":[["a"]],"distances":[]})", kDistances).ok());
  EXPECT_FALSE(DecodeQuery(R"({"ids":["a"]})", 0).ok());
  EXPECT_FALSE(DecodeCollection(R"({"name":"n"})").ok());
  EXPECT_FALSE(DecodeCollection(R"({"id":"no uuid","name":"n"})").ok());
  EXPECT_FALSE(DecodeCount("-1").ok());
}

TEST(HttpDecodeTest, UnknownMembersAreIgnored) {
  const auto records =
      DecodeGet(R"({"ids":["a"],"documents":[null],"new":{"x":[1]},"include":["documents"]})",
                model::kIncludeDocuments);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ(records->ids.size(), 1u);
  const auto collection = DecodeCollection(
      R"({"id":"00000000-0000-0000-0000-000000000001","name":"n","extra":[{}],"metadata":null,
          "configuration_json":{"hnsw":null,"spann":{"space":"cosine","m":1},"new":1}})");
  ASSERT_TRUE(collection.ok()) << collection.status().ToString();
  EXPECT_EQ(collection->configuration.hnsw.space, Space::kCosine);
}

}  // namespace
}  // namespace chroma::api
