#include "base/json_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace chroma {
namespace {

constexpr auto kSyntax = JsonError::Kind::kSyntax;
constexpr auto kShape = JsonError::Kind::kShape;

// The shapes of requests, small: a record payload with every kind of field.
void ReadStrings(JsonReader& r) {
  for (r.BeginArray(); r.NextElement();) r.ReadString();
}

void ReadMetadata(JsonReader& r) {
  std::string key;
  for (r.BeginObject(); r.NextKey(&key);) {
    const JsonReader::Kind kind = r.Peek();
    r.SkipValue();
    const bool scalar = kind == JsonReader::Kind::kBool || kind == JsonReader::Kind::kNumber ||
                        kind == JsonReader::Kind::kString;
    if (!scalar) r.NoVariant("MetadataValue");
  }
}

void ReadConfiguration(JsonReader& r) {
  std::string key;
  for (r.BeginObject("struct Hnsw"); r.NextKey(&key);) {
    if (key == "space") {
      r.ReadVariant({"l2", "cosine", "ip"});
    } else if (key == "ef_search") {
      r.ReadU64();
    } else {
      r.UnknownField(key, {"space", "ef_search"});
    }
  }
}

void ReadPayload(JsonReader& r) {
  std::string key;
  bool ids = false;
  std::vector<float> values;
  for (r.BeginObject("struct Payload"); r.NextKey(&key);) {
    if (key == "ids") {
      if (ids) r.DuplicateField(key);
      ids = true;
      ReadStrings(r);
    } else if (key == "embeddings") {
      for (r.BeginArray(); r.NextElement();) r.ReadF32Array(&values);
    } else if (key == "limit") {
      if (!r.TryNull()) r.ReadU32();
    } else if (key == "flag") {
      r.ReadBool();
    } else if (key == "include") {
      for (r.BeginArray(); r.NextElement();) r.ReadVariant({"documents", "uris"});
    } else if (key == "metadatas") {
      for (r.BeginArray(); r.NextElement();) ReadMetadata(r);
    } else if (key == "hnsw") {
      ReadConfiguration(r);
    } else {
      r.SkipValue(true);
    }
  }
  if (!ids) r.MissingField("ids");
  r.Finish();
}

struct Case {
  std::string text;
  JsonError::Kind kind;
  const char* message;
};

void Check(const Case& c, const std::function<void(JsonReader&)>& read) {
  SCOPED_TRACE(c.text.substr(0, 200));
  // An exact heap copy: a read beyond the end is then visible to a sanitizer.
  const std::vector<char> exact(c.text.begin(), c.text.end());
  JsonReader r(std::string_view(exact.data(), exact.size()));
  read(r);
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().message, c.message);
  EXPECT_EQ(r.error().kind, c.kind);
}

TEST(JsonReader, SyntaxErrorsOfThePayload) {
  const Case kCases[] = {
      {"", kSyntax, "EOF while parsing a value at line 1 column 0"},
      {"{", kSyntax, "EOF while parsing an object at line 1 column 1"},
      {R"({"ids":})", kSyntax, "ids: expected value at line 1 column 8"},
      {R"({"ids":[]} x)", kSyntax, "trailing characters at line 1 column 12"},
      {R"({"ids":["a"],})", kSyntax, "trailing comma at line 1 column 14"},
      {R"({'ids':['a']})", kSyntax, "key must be a string at line 1 column 2"},
      {"{bad", kSyntax, "key must be a string at line 1 column 2"},
      {"{\"ids\":[\"\xff\"]}", kSyntax, "ids[0]: invalid unicode code point at line 1 column 11"},
      {R"({"ids":["\ud800"],"embeddings":[[1]]})", kSyntax,
       "ids[0]: unexpected end of hex escape at line 1 column 16"},
      {R"({"ids":["\ud800\u0041"]})", kSyntax,
       "ids[0]: lone leading surrogate in hex escape at line 1 column 21"},
      {R"({"ids":["\udc00"]})", kSyntax,
       "ids[0]: lone leading surrogate in hex escape at line 1 column 15"},
      {R"({"ids":["\x"]})", kSyntax, "ids[0]: invalid escape at line 1 column 11"},
      {R"({"ids":["\u12g4"]})", kSyntax, "ids[0]: invalid escape at line 1 column 15"},
      {"{\"ids\":[\"a\nb\"],\"embeddings\":[[1]]}", kSyntax,
       "ids[0]: control character (\\u0000-\\u001F) found while parsing a string"
       " at line 2 column 0"},
      {R"({"ids":["a)", kSyntax, "ids[0]: EOF while parsing a string at line 1 column 10"},
      {R"({"ids":["a")", kSyntax, "ids: EOF while parsing a list at line 1 column 11"},
      {R"({"ids":["a",)", kSyntax, "ids: EOF while parsing a value at line 1 column 12"},
      {R"({"ids":["a" "b"]})", kSyntax, "ids: expected `,` or `]` at line 1 column 13"},
      {R"({"ids":["a",]})", kSyntax, "ids: trailing comma at line 1 column 13"},
      {R"({"ids":["a"] "b":1})", kSyntax, "expected `,` or `}` at line 1 column 14"},
      {R"({"ids" ["a"]})", kSyntax, "expected `:` at line 1 column 8"},
      {R"({"ids")", kSyntax, "EOF while parsing an object at line 1 column 6"},
      {R"({"ids":["a"],"embeddings":[[NaN]]})", kSyntax,
       "embeddings[0][0]: expected value at line 1 column 29"},
      {R"({"ids":["a"],"embeddings":[[Infinity]]})", kSyntax,
       "embeddings[0][0]: expected value at line 1 column 29"},
      {R"({"ids":["a"],"embeddings":[[1e400]]})", kSyntax,
       "embeddings[0][0]: number out of range at line 1 column 33"},
      {R"({"embeddings":[[1,2],[3,01]]})", kSyntax,
       "embeddings[1][1]: invalid number at line 1 column 26"},
      {R"({"embeddings":[[1,2.]]})", kSyntax,
       "embeddings[0][1]: invalid number at line 1 column 21"},
      {R"({"embeddings":[[.5]]})", kSyntax, "embeddings[0][0]: expected value at line 1 column 17"},
      {R"({"embeddings":[[+1]]})", kSyntax, "embeddings[0][0]: expected value at line 1 column 17"},
      {R"({"embeddings":[[1,-]]})", kSyntax,
       "embeddings[0][1]: invalid number at line 1 column 20"},
      {R"({"embeddings":[[1e]]})", kSyntax, "embeddings[0][0]: invalid number at line 1 column 19"},
      {R"({"embeddings":[[1,2)", kSyntax,
       "embeddings[0]: EOF while parsing a list at line 1 column 19"},
      {R"({"include":[1]})", kSyntax, "include[0]: expected value at line 1 column 13"},
      {R"({"hnsw":{x}})", kSyntax, "hnsw.?: key must be a string at line 1 column 10"},
      {R"({"flag":trUe})", kSyntax, "flag: expected ident at line 1 column 11"},
      {R"({"limit":nul)", kSyntax, "limit: EOF while parsing a value at line 1 column 12"},
      {"\xEF\xBB\xBF{}", kSyntax, "expected value at line 1 column 1"},
  };
  for (const Case& c : kCases) Check(c, ReadPayload);
}

TEST(JsonReader, ShapeErrorsOfThePayload) {
  const Case kCases[] = {
      {"null", kShape, "invalid type: null, expected struct Payload at line 1 column 4"},
      {"[]", kShape, "invalid type: sequence, expected struct Payload at line 1 column 0"},
      {"\"s\"", kShape, "invalid type: string \"s\", expected struct Payload at line 1 column 3"},
      {R"({"ids":["a"],"ids":["b"]})", kShape, "duplicate field `ids` at line 1 column 18"},
      {R"({"ids":["a"],"ids" )", kShape, "duplicate field `ids` at line 1 column 19"},
      {"{}", kShape, "missing field `ids` at line 1 column 2"},
      {R"({"ids":null})", kShape,
       "ids: invalid type: null, expected a sequence at line 1 column 11"},
      {R"({"ids":{}})", kShape, "ids: invalid type: map, expected a sequence at line 1 column 7"},
      {R"({"ids":[1]})", kShape,
       "ids[0]: invalid type: integer `1`, expected a string at line 1 column 9"},
      {R"({"ids":"\"\t'\u0007"})", kShape,
       "ids: invalid type: string \"\\\"\\t'\\u{7}\", expected a sequence at line 1 column 20"},
      {R"({"limit":-1})", kShape,
       "limit: invalid value: integer `-1`, expected u32 at line 1 column 11"},
      {R"({"limit": 1.5})", kShape,
       "limit: invalid type: floating point `1.5`, expected u32 at line 1 column 13"},
      {R"({"limit":1e2})", kShape,
       "limit: invalid type: floating point `100.0`, expected u32 at line 1 column 12"},
      {R"({"limit": "5"})", kShape,
       "limit: invalid type: string \"5\", expected u32 at line 1 column 13"},
      {R"({"limit": 4294967296})", kShape,
       "limit: invalid value: integer `4294967296`, expected u32 at line 1 column 20"},
      {R"({"flag":null})", kShape,
       "flag: invalid type: null, expected a boolean at line 1 column 12"},
      {R"({"embeddings":[[1,true]]})", kShape,
       "embeddings[0][1]: invalid type: boolean `true`, expected f32 at line 1 column 22"},
      {R"({"embeddings": [1, 2]})", kShape,
       "embeddings[0]: invalid type: integer `1`, expected a sequence at line 1 column 17"},
      {R"({"include": ["bogus"]})", kShape,
       "include[0]: unknown variant `bogus`, expected `documents` or `uris` at line 1 column 20"},
      {R"({"hnsw":{"space":"L2"}})", kShape,
       "hnsw.space: unknown variant `L2`, expected one of `l2`, `cosine`, `ip`"
       " at line 1 column 21"},
      {R"({"hnsw":{"bogus": 1}})", kShape,
       "hnsw.bogus: unknown field `bogus`, expected `space` or `ef_search` at line 1 column 16"},
      {R"({"hnsw":{"ef_search": -1}})", kShape,
       "hnsw.ef_search: invalid value: integer `-1`, expected usize at line 1 column 24"},
      {R"({"metadatas":[{"k":null}]})", kShape,
       "metadatas[0].k: data did not match any variant of untagged enum MetadataValue"
       " at line 1 column 24"},
      {R"({"metadatas":[{"a.b":[1] ,"c":2}]})", kShape,
       "metadatas[0].a.b: data did not match any variant of untagged enum MetadataValue"
       " at line 1 column 25"},
      {R"({"metadatas":[{"\u0041":{"x":1}}]})", kShape,
       "metadatas[0].A: data did not match any variant of untagged enum MetadataValue"
       " at line 1 column 32"},
  };
  for (const Case& c : kCases) Check(c, ReadPayload);
}

TEST(JsonReader, PositionalArrays) {
  const auto read = [](JsonReader& r) {
    r.BeginArray("struct Pair");
    for (int i = 0; i < 2; ++i) {
      if (!r.NextElement()) {
        r.FailShape("invalid length " + std::to_string(i) + ", expected struct Pair");
        return;
      }
      r.ReadU32();
    }
    r.EndArrayNow();
    r.Finish();
  };
  JsonReader good("[1, 2 ]");
  read(good);
  EXPECT_TRUE(good.ok());
  Check({"[1]", kShape, "invalid length 1, expected struct Pair at line 1 column 3"}, read);
  Check({"[1,2,3]", kSyntax, "trailing characters at line 1 column 6"}, read);
  Check({"[1,2,]", kSyntax, "trailing comma at line 1 column 6"}, read);
  Check({"[1,\"x\"]", kShape, "[1]: invalid type: string \"x\", expected u32 at line 1 column 6"},
        read);
}

TEST(JsonReader, NestingIsLimitedUnlessIgnored) {
  const auto value = [](JsonReader& r) { r.ReadValue(); };
  const auto skip = [](JsonReader& r) { r.SkipValue(); };
  std::string path;
  for (int i = 0; i < 127; ++i) path += "[0]";
  const std::string message = path + ": recursion limit exceeded at line 1 column 128";
  Check({std::string(200, '['), kSyntax, message.c_str()}, value);
  Check({std::string(200, '['), kSyntax, message.c_str()}, skip);
  const std::string fits = std::string(127, '[') + std::string(127, ']');
  JsonReader r(fits);
  r.SkipValue();
  r.Finish();
  EXPECT_TRUE(r.ok()) << r.error().message;

  std::string deep(4000000, '[');
  Check({deep, kSyntax, "EOF while parsing a list at line 1 column 4000000"},
        [](JsonReader& reader) { reader.SkipValue(true); });
  deep.append(deep.size(), ']');
  JsonReader ignoring(deep);
  ignoring.SkipValue(true);
  ignoring.Finish();
  EXPECT_TRUE(ignoring.ok()) << ignoring.error().message;
}

TEST(JsonReader, IgnoredFieldsAreCheckedLoosely) {
  JsonReader r("{\"x\":[1e999,\"\xff\\ud800\",{\"a\":-0.0}],\"ids\":[]}");
  ReadPayload(r);
  EXPECT_TRUE(r.ok()) << r.error().message;
  Check({R"({"x":[1,]})", kSyntax, "x: expected value at line 1 column 9"}, ReadPayload);
  Check({R"({"x":{"a":1,}})", kSyntax, "x: key must be a string at line 1 column 13"}, ReadPayload);
  Check({R"({"x":{"a" 1}})", kSyntax, "x: expected `:` at line 1 column 11"}, ReadPayload);
  Check({R"({"x":[1}})", kSyntax, "x: expected `,` or `]` at line 1 column 8"}, ReadPayload);
  Check({R"({"x":"\q"})", kSyntax, "x: invalid escape at line 1 column 8"}, ReadPayload);
  Check({R"({"x":01})", kSyntax, "x: invalid number at line 1 column 7"}, ReadPayload);
}

TEST(JsonReader, ReadsScalars) {
  JsonReader r(R"([true, 4294967295, 18446744073709551615, -9223372036854775808, 2.5, 7, "a\u00e9b",
                   "\ud83d\ude00\u0000", null, "uris", {"uris": null}])");
  r.BeginArray();
  const auto next = [&r] { ASSERT_TRUE(r.NextElement()) << r.error().message; };
  next();
  EXPECT_TRUE(r.ReadBool());
  next();
  EXPECT_EQ(r.ReadU32(), 4294967295u);
  next();
  EXPECT_EQ(r.ReadU64(), 18446744073709551615u);
  next();
  EXPECT_EQ(r.ReadI64(), std::numeric_limits<int64_t>::min());
  next();
  EXPECT_EQ(r.ReadF64(), 2.5);
  next();
  EXPECT_EQ(r.ReadF32(), 7.0f);
  next();
  EXPECT_EQ(r.ReadString(), "a\u00e9b");
  next();
  EXPECT_EQ(r.ReadStringView(), std::string_view("\U0001F600\0", 5));
  next();
  EXPECT_TRUE(r.TryNull());
  next();
  EXPECT_EQ(r.ReadVariant({"documents", "uris"}), 1u);
  next();
  EXPECT_EQ(r.ReadVariant({"documents", "uris"}), 1u);
  EXPECT_FALSE(r.NextElement());
  r.Finish();
  EXPECT_TRUE(r.ok()) << r.error().message;
}

TEST(JsonReader, RestoresACheckpoint) {
  JsonReader r(R"({"e":["x",[1]],"f":5})");
  std::string key;
  r.BeginObject();
  ASSERT_TRUE(r.NextKey(&key));
  const auto mark = r.Save();
  std::vector<float> values;
  r.ReadF32Array(&values);
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().kind, kShape);
  r.Restore(mark);
  r.SkipValue();
  ASSERT_TRUE(r.NextKey(&key));
  EXPECT_EQ(key, "f");
  EXPECT_EQ(r.ReadU32(), 5u);
  EXPECT_FALSE(r.NextKey(&key));
  r.Finish();
  EXPECT_TRUE(r.ok());
}

TEST(JsonReader, FailuresAreSticky) {
  JsonReader r("[1,2");
  r.BeginArray("a map");
  while (r.NextElement()) r.ReadU32();
  const std::string message = r.error().message;
  EXPECT_EQ(r.ReadString(), "");
  EXPECT_EQ(r.Peek(), JsonReader::Kind::kEnd);
  EXPECT_FALSE(r.TryNull());
  EXPECT_TRUE(r.ReadValue().IsNull());
  r.MissingField("x");
  r.NoVariant("X");
  r.Finish();
  EXPECT_EQ(r.error().message, message);
}

// Truncated, damaged and spliced requests: no crash (a sanitizer watches), the three ways to
// read an array of numbers agree, and skipping strictly agrees with reading.
TEST(JsonReader, SurvivesDamagedTexts) {
  constexpr uint32_t kSeed = 1812;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  const std::string kTexts[] = {
      R"({"ids":["a","b\u00e9"],"limit":5,"include":["documents"],"metadatas":[{"k":1}],"x":{}})",
      R"([[0.012345,-0.23456,1,2e3],[1.17549435e-38,12345678901234567890, 0.10000000149011612]])",
      R"({"hnsw":{"space":"l2","ef_search":10},"e":[[],[{}]],"f":null,"g":"\ud83d\ude00"})",
  };
  const std::string_view kBytes = "[]{},:\"\\ 0123456789.-+eEntfu\n\x01\xff\xc3";
  for (int round = 0; round < 20000; ++round) {
    std::string text = kTexts[random() % 3];
    for (uint32_t n = random() % 4; n > 0; --n) {
      const size_t at = random() % text.size();
      const char byte = kBytes[random() % kBytes.size()];
      switch (random() % 4) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        case 2:
          text.erase(at, 1 + random() % 3);
          break;
        default:
          text.resize(at + 1);
      }
      if (text.empty()) text = "[";
    }
    const std::vector<char> exact(text.begin(), text.end());
    const std::string_view view(exact.data(), exact.size());
    JsonReader payload(view);
    ReadPayload(payload);

    JsonReader tree(view);
    tree.ReadValue();
    tree.Finish();
    JsonReader skipped(view);
    skipped.SkipValue();
    skipped.Finish();
    ASSERT_EQ(tree.ok(), skipped.ok()) << text;
    ASSERT_EQ(tree.error().message, skipped.error().message) << text;

    std::vector<float> fast;
    std::vector<float> slow;
    JsonReader by_array(view);
    for (by_array.BeginArray(); by_array.NextElement();) by_array.ReadF32Array(&fast);
    JsonReader by_number(view);
    for (by_number.BeginArray(); by_number.NextElement();) {
      for (by_number.BeginArray(); by_number.NextElement();) slow.push_back(by_number.ReadF32());
    }
    ASSERT_EQ(by_array.error().message, by_number.error().message) << text;
    if (by_array.ok()) {
      ASSERT_EQ(fast, slow) << text;
    }
  }
}

}  // namespace
}  // namespace chroma
