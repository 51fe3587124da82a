#include "importer/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/coding.h"

namespace chroma::importer {
namespace {

std::string Text(const std::string& text) {
  Bytes out = "X";
  PutFixed(out, static_cast<uint32_t>(text.size()));
  return out + text;
}
std::string Int(int32_t number) {
  Bytes out = "J";
  PutFixed(out, number);
  return out;
}

// As the server of 1.x writes it.
std::string Plain() {
  return "\x80\x03}(" + Text("dimensionality") + "N" + Text("total_elements_added") + Int(3) +
         Text("max_seq_id") + "N" + Text("id_to_label") + "}(" + Text("a") + Int(1) + Text("b") +
         "K\x02u" + Text("label_to_id") + "}(" + Int(1) + Text("a") + Int(2) + Text("b") + "u" +
         Text("id_to_seq_id") + "}u.";
}

// As Python wrote it: an object, texts remembered and recalled, in a frame.
std::string Object(const std::string& module, const std::string& name) {
  const auto shorter = [](const std::string& text) {
    return "\x8c" + std::string(1, static_cast<char>(text.size())) + text + "\x94";
  };
  std::string body = shorter(module) + shorter(name) + "\x93\x94)\x81\x94}\x94(" +
                     shorter("dimensionality") + "K\x06" + shorter("max_seq_id") + "K\x07" +
                     shorter("id_to_label") + "}\x94(" + shorter("first") + "K\x01" +
                     shorter("second") + std::string("\x8a\x02\x00\x01u", 5);
  return "\x80\x04\x95" + std::string("\xff\0\0\0\0\0\0\0", 8) + body + "ub.";
}

std::vector<std::pair<std::string, uint64_t>> Pairs(const IndexMetadata& metadata) {
  std::vector<std::pair<std::string, uint64_t>> pairs;
  for (const LabelOfId& label : metadata.labels) pairs.emplace_back(label.id, label.label);
  return pairs;
}

TEST(Pickle, ReadsADictionary) {
  const auto decoded = DecodeIndexMetadata(Plain(), false);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->total_elements_added, 3u);
  EXPECT_FALSE(decoded->dimension.has_value());
  EXPECT_FALSE(decoded->max_seq_id.has_value());
  const std::string bytes = Plain();
  EXPECT_THAT(Pairs(*DecodeIndexMetadata(bytes, false)),
              testing::ElementsAre(testing::Pair("a", 1u), testing::Pair("b", 2u)));
}

TEST(Pickle, ReadsAnObject) {
  const std::string bytes =
      Object("chromadb.segment.impl.vector.local_persistent_hnsw", "PersistentData");
  const auto decoded = DecodeIndexMetadata(bytes, false);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->dimension, 6u);
  EXPECT_EQ(decoded->max_seq_id, 7u);
  EXPECT_THAT(Pairs(*decoded),
              testing::ElementsAre(testing::Pair("first", 1u), testing::Pair("second", 256u)));
}

TEST(Pickle, RefusesOtherClasses) {
  EXPECT_THAT(std::string(DecodeIndexMetadata(Object("os", "system"), false).status().message()),
              testing::HasSubstr("class"));
  EXPECT_EQ(DecodeIndexMetadata("cos\nsystem\n(X\x04\0\0\0exittR.", false).status().code(),
            StatusCode::kDataLoss);
}

TEST(Pickle, EveryPrefixIsDamageOrSalvaged) {
  const std::string bytes = Plain();
  size_t salvaged = 0;
  for (size_t n = 0; n < bytes.size(); ++n) {
    const std::string prefix = bytes.substr(0, n);
    EXPECT_EQ(DecodeIndexMetadata(prefix, false).status().code(), StatusCode::kDataLoss) << n;
    const auto rescued = DecodeIndexMetadata(prefix, true);
    if (!rescued.ok()) continue;
    EXPECT_FALSE(rescued->damage.empty());
    EXPECT_EQ(Pairs(*rescued).front(), std::pair(std::string("a"), uint64_t{1}));
    salvaged = std::max(salvaged, rescued->labels.size());
  }
  EXPECT_EQ(salvaged, 2u);
}

}  // namespace
}  // namespace chroma::importer
