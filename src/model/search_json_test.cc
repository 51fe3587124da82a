#include "model/search_json.h"

#include <gtest/gtest.h>

namespace chroma::model {
namespace {

std::string Encoded(const Search& search) {
  std::string text;
  JsonWriter out(&text);
  EncodeSearch(out, search);
  return text;
}

Search Decoded(const std::string& text) {
  JsonReader reader(text);
  Search search = DecodeSearch(reader);
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  return search;
}

TEST(SearchJsonTest, EncodesWhatItDecodes) {
  for (const char* text :
       {R"({"limit":{"offset":0},"select":{"keys":[]}})",
        R"({"filter":{"$and":[{"#id":{"$in":["a"]}},{"x":{"$gt":1}}]},)"
        R"("rank":{"$mul":[{"$val":-1.0},{"$sum":[]},{"$log":{"$abs":{"$exp":{"$val":0.5}}}}]},)"
        R"("limit":{"offset":3,"limit":4},"select":{"keys":["#score","t"]}})",
        R"({"rank":{"$sub":{"left":{"$knn":{"query":[1.0,2.5],"key":"#embedding","limit":16,)"
        R"("return_rank":false}},"right":{"$div":{"left":{"$max":[{"$val":1.0}]},"right":)"
        R"({"$min":[{"$knn":{"query":{"#type":"sparse_vector","indices":[1],"values":[2.0]},)"
        R"("key":"s","limit":7,"default":1.5,"return_rank":true}}]}}}}},)"
        R"("group_by":{"keys":["g"],"aggregate":{"$max_k":{"keys":["#score","p"],"k":2}}},)"
        R"("limit":{"offset":0},"select":{"keys":["#document","#embedding","#metadata"]}})"}) {
    EXPECT_EQ(Encoded(Decoded(text)), text);
  }
}

TEST(SearchJsonTest, RankOfNothing) {
  EXPECT_EQ(RankToJson(Rank()), "null");
}

}  // namespace
}  // namespace chroma::model
