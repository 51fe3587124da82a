// What is written is read again as it was, however the bytes come.
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "transfer/csv.h"
#include "transfer/json_lines.h"
#include "transfer/record_file.h"

namespace chroma::transfer {
namespace {

using Rng = std::mt19937_64;

std::string RandomText(Rng& rng) {
  static const std::vector<std::string> kPieces = {"a",    "7",  ".5", "-",    ",",    "\"",  "\n",
                                                   "\r\n", "\r", " ",  "true", "null", "[1]", "{",
                                                   "ü",    "🌍",  "\t", "e5",   "0",    "\\"};
  std::string text;
  for (uint64_t n = rng() % 6; n > 0; --n) text += kPieces[rng() % kPieces.size()];
  return text;
}

MetadataValue RandomValue(Rng& rng) {
  switch (rng() % 8) {
    case 0:
      return rng() % 2 == 0;
    case 1:
      return static_cast<int64_t>(rng());
    case 2:
      return static_cast<double>(static_cast<int64_t>(rng() % 100)) / (rng() % 2 == 0 ? 1 : 8);
    case 3:
      return std::vector<std::string>{RandomText(rng), RandomText(rng)};
    case 4:
      return std::vector<int64_t>{1, -2, std::numeric_limits<int64_t>::max()};
    case 5:
      return std::vector<double>{1.0, 1e300, -0.0};
    case 6:
      return std::vector<bool>{true, false};
    default:
      return RandomText(rng);
  }
}

GetResult RandomRecords(Rng& rng, size_t n) {
  GetResult records;
  for (size_t i = 0; i < n; ++i) {
    records.ids.push_back(RandomText(rng) + "#" + std::to_string(i));
    std::vector<float> vector(3);
    for (float& x : vector) x = static_cast<float>(static_cast<int64_t>(rng())) * 1e-19f;
    records.embeddings.Append(vector);
    const auto maybe = [&] {
      return rng() % 3 == 0 ? std::nullopt : std::optional<std::string>(RandomText(rng));
    };
    records.documents.push_back(maybe());
    records.uris.push_back(maybe());
    Metadata metadata;
    for (const char* key : {"k", "with, comma", "ö"}) {
      if (rng() % 3 != 0) metadata[key] = RandomValue(rng);
    }
    records.metadatas.push_back(metadata);
  }
  return records;
}

void ExpectRead(FileFormat format, const std::string& text, size_t piece, const GetResult& wanted) {
  const auto reader = MakeRecordReader(format);
  size_t next = 0;
  for (size_t at = 0;; at += piece) {
    const bool end = at >= text.size();
    if (end) {
      reader->Finish();
    } else {
      reader->Feed(std::string_view(text).substr(at, piece));
    }
    for (;;) {
      const auto record = reader->Next();
      ASSERT_TRUE(record.ok()) << record.status().ToString();
      if (!*record) break;
      ASSERT_LT(next, wanted.size());
      EXPECT_EQ((*record)->id, wanted.ids[next]);
      const auto row = wanted.embeddings.row(next);
      EXPECT_EQ((*record)->embedding, std::vector<float>(row.begin(), row.end()));
      EXPECT_EQ((*record)->document, wanted.documents[next]) << (*record)->id;
      EXPECT_EQ((*record)->uri, wanted.uris[next]) << (*record)->id;
      EXPECT_EQ((*record)->metadata, wanted.metadatas[next]) << (*record)->id;
      ++next;
    }
    if (end) break;
  }
  EXPECT_EQ(next, wanted.size());
}

class RoundTrip : public ::testing::TestWithParam<FileFormat> {};

TEST_P(RoundTrip, KeepsEveryValue) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const GetResult records = RandomRecords(rng, 40);
    const auto writer = MakeRecordWriter(GetParam(), {"k", "with, comma", "ö"});
    std::string text;
    writer->Begin(&text);
    for (size_t i = 0; i < records.size(); ++i) writer->Write(records, i, &text);
    for (const size_t piece : {size_t{1}, size_t{13}, text.size()}) {
      ExpectRead(GetParam(), text, piece, records);
    }
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip,
                         testing::Values(FileFormat::kJsonLines, FileFormat::kCsv));

std::string ErrorOf(FileFormat format, const std::string& text) {
  const auto reader = MakeRecordReader(format);
  reader->Feed(text);
  reader->Finish();
  for (;;) {
    const auto record = reader->Next();
    if (!record.ok()) return std::string(record.status().message());
    if (!*record) return "";
  }
}

TEST(JsonLines, NamesTheLine) {
  const std::string good = "{\"id\":\"a\",\"embedding\":[1]}\n";
  EXPECT_EQ(ErrorOf(FileFormat::kJsonLines, good + "\r\n\n" + good), "");
  EXPECT_TRUE(ErrorOf(FileFormat::kJsonLines, good + "\n{\"id\":1}").starts_with("line 3: "));
  EXPECT_TRUE(ErrorOf(FileFormat::kJsonLines, good + "{\"id\":\"\"}").starts_with("line 2: "));
  EXPECT_TRUE(ErrorOf(FileFormat::kJsonLines, "[1]").starts_with("line 1: "));
  EXPECT_TRUE(ErrorOf(FileFormat::kJsonLines, good + "{\"id\":\"b\"").starts_with("line 2: "));
}

TEST(Csv, NamesTheLine) {
  const std::string head = "id,document,embedding\n";
  EXPECT_EQ(ErrorOf(FileFormat::kCsv, head + "a,\"two\nlines\",[1]\n"), "");
  EXPECT_TRUE(
      ErrorOf(FileFormat::kCsv, head + "a,\"two\nlines\",[1]\nb\n").starts_with("line 4: "));
  EXPECT_TRUE(ErrorOf(FileFormat::kCsv, head + "a,\"no end,[1]\n").starts_with("line 2: "));
  EXPECT_TRUE(ErrorOf(FileFormat::kCsv, head + "a,,[1\n").starts_with("line 2: "));
  EXPECT_TRUE(ErrorOf(FileFormat::kCsv, "document\n").starts_with("line 1: "));
  EXPECT_TRUE(ErrorOf(FileFormat::kCsv, "id,what\n").starts_with("line 1: "));
}

TEST(Csv, ReadsWhatOthersWrite) {
  const auto reader = MakeRecordReader(FileFormat::kCsv);
  reader->Feed(
      "id,embedding,metadata,metadata.code,metadata.n\r\n"
      "x,\"[1, 2]\",\"{\"\"a\"\": [1, 2]}\",007,5\r\n");
  reader->Finish();
  const auto record = reader->Next();
  ASSERT_TRUE(record.ok() && *record) << record.status().ToString();
  const Metadata wanted = {{"a", std::vector<int64_t>{1, 2}}, {"code", "007"}, {"n", int64_t{5}}};
  EXPECT_EQ((*record)->metadata, wanted);
}

}  // namespace
}  // namespace chroma::transfer
