#include "index/text/text_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/text/contains.h"
#include "index/text/regex.h"
#include "testing/seeded_random.h"

namespace chroma::index {
namespace {

using testing::SeededRandom;

using std::string_view_literals::operator""sv;

// Words, scripts without spaces, long runs of each kind, and bytes that are no UTF-8.
std::string RandomText(SeededRandom& random, bool valid) {
  static const std::string_view kPieces[] = {"river",      "rivers",
                                             "a",          "an",
                                             "North",      " ",
                                             "  ",         ", ",
                                             "-",          "日本",
                                             "語",         "日",
                                             "🙂",       "👩‍👩‍👧",
                                             "École",      "ключ",
                                             "é",          "\0"sv,
                                             "100%",       "x",
                                             "yx",         "...",
                                             "\n",         "Ω",
                                             "§",          "ab",
                                             "ba",         "0123456789abcdefghijklmnopqrstuvwxyz",
                                             "==========", "ไทยไม่มีช่องว่าง",
                                             "한국어",     "𝛼"};
  std::string text;
  for (uint32_t i = random.Below(8); i > 0; --i) {
    text += kPieces[random.Below(std::size(kPieces))];
  }
  if (!valid && random.Below(10) == 0) text += "\xC3";
  if (!valid && random.Below(10) == 0) text.insert(0, "\x97\xFF");
  return text;
}

struct Indexed {
  std::vector<std::optional<std::string>> texts;
  TextIndexPayloads payloads;

  uint32_t rows() const { return static_cast<uint32_t>(texts.size()); }
  Result<TextIndexReader> Open() const {
    return TextIndexReader::Open(payloads.terms, payloads.postings, payloads.grams, rows());
  }
};

Indexed Index(std::vector<std::optional<std::string>> texts) {
  Indexed indexed;
  TextIndexBuilder builder;
  for (uint32_t row = 0; row < texts.size(); ++row) {
    if (texts[row]) builder.Add(row, *texts[row]);
  }
  EXPECT_FALSE(builder.Unusable());
  indexed.payloads = builder.Finish(static_cast<uint32_t>(texts.size()));
  indexed.texts = std::move(texts);
  return indexed;
}

Indexed RandomIndex(SeededRandom& random, uint32_t rows, bool valid) {
  std::vector<std::optional<std::string>> texts(rows);
  for (auto& text : texts) {
    if (random.Below(6) != 0) text = RandomText(random, valid);
  }
  texts[0] = "river";
  return Index(std::move(texts));
}

// No row that satisfies the query is left out, and every certain one does.
void Check(const Indexed& indexed, const TextQuery& query) {
  const auto reader = indexed.Open();
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const auto found = reader->Find(query);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  for (uint32_t row = 0; row < indexed.rows(); ++row) {
    const auto& text = indexed.texts[row];
    const bool satisfied = text && query.IsSatisfiedBy(*text);
    const bool certain = found->certain.Contains(row);
    ASSERT_FALSE(certain && found->possible.Contains(row)) << row;
    ASSERT_FALSE(certain && !satisfied) << row << ": " << query.ToString();
    ASSERT_FALSE(satisfied && !certain && !found->possible.Contains(row))
        << query.ToString() << " is in row " << row << ": " << *text;
  }
}

TEST(TextIndexTest, EverySubstringIsFound) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const Indexed indexed = RandomIndex(random, 1 + random.Below(150), seed % 3 != 0);
    for (int i = 0; i < 40; ++i) {
      // Any bytes of a text, often not whole characters, or another text.
      std::string needle = RandomText(random, true);
      const auto& source = indexed.texts[random.Below(indexed.rows())];
      if (source && !source->empty() && random.Below(4) != 0) {
        const size_t begin = random.Below(static_cast<uint32_t>(source->size()));
        needle = source->substr(begin, 1 + random.Below(12));
      }
      if (needle.empty()) continue;
      Check(indexed, TextQuery::Substring(needle));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(TextIndexTest, TreesOfSubstrings) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const Indexed indexed = RandomIndex(random, 200, true);
    std::vector<TextQuery> any;
    for (uint32_t i = 2 + random.Below(3); i > 0; --i) {
      TextQuery query = TextQuery::Substring(RandomText(random, true));
      for (uint32_t j = random.Below(3); j > 0; --j) {
        query = TextQuery::And(std::move(query), TextQuery::Substring(RandomText(random, true)));
      }
      any.push_back(std::move(query));
    }
    Check(indexed, TextQuery::Or(std::move(any)));
    if (HasFatalFailure()) return;
  }
}

TEST(TextIndexTest, ANeedleInsideAWordNeedsNoTexts) {
  const Indexed indexed =
      Index({"the river flows", "driver", "rivet", std::nullopt, "日本語", "up-river", "RIVER"});
  const auto reader = indexed.Open();
  ASSERT_TRUE(reader.ok());
  const auto rows = [&](std::string_view needle) {
    return *reader->Find(TextQuery::Substring(std::string(needle)));
  };
  EXPECT_EQ(rows("river").certain.ToVector(), (std::vector<uint32_t>{0, 1, 5}));
  EXPECT_TRUE(rows("river").possible.Empty());
  EXPECT_EQ(rows("r").certain.ToVector(), (std::vector<uint32_t>{0, 1, 2, 5}));
  EXPECT_EQ(rows("本").certain.ToVector(), (std::vector<uint32_t>{4}));
  EXPECT_EQ(rows("日本").certain.ToVector(), (std::vector<uint32_t>{4}));
  EXPECT_EQ(rows("日本語").possible.ToVector(), (std::vector<uint32_t>{4}));
  EXPECT_EQ(rows("river flows").possible.ToVector(), (std::vector<uint32_t>{0}));
  EXPECT_EQ(rows("-").certain.ToVector(), (std::vector<uint32_t>{5}));
  EXPECT_TRUE(rows("lake").certain.Empty());
  EXPECT_TRUE(rows("lake").possible.Empty());
  EXPECT_TRUE(rows("the lake").possible.Empty());
}

TEST(TextIndexTest, EstimatesAreUpperBoundsOfWhatIsFound) {
  SeededRandom random(11);
  const Indexed indexed = RandomIndex(random, 500, true);
  const auto reader = indexed.Open();
  ASSERT_TRUE(reader.ok());
  for (const std::string_view needle : {"river", "a", "日本", "North", ", ", "zzz", "river a"}) {
    const TextQuery query = TextQuery::Substring(std::string(needle));
    const auto found = reader->Find(query);
    ASSERT_TRUE(found.ok());
    EXPECT_GE(*reader->Estimate(query), found->certain.Count() + found->possible.Count()) << needle;
  }
  EXPECT_EQ(*reader->Estimate(TextQuery::Substring("zzz")), 0u);
}

TEST(TextIndexTest, EstimatesOfFoundTermsDoNotLookAtTheOthers) {
  std::vector<std::optional<std::string>> texts;
  for (uint32_t row = 0; row < 3000; ++row) texts.push_back("a" + std::to_string(row * 7) + " b");
  const Indexed indexed = Index(std::move(texts));
  const auto reader = indexed.Open();
  ASSERT_TRUE(reader.ok());
  const auto estimate = [&](std::string_view needle, Counting counting, int* asked) {
    return *reader->Estimate(
        TextQuery::Substring(std::string(needle)),
        [asked] {
          ++*asked;
          return Status::Ok();
        },
        counting);
  };
  int counted = 0;
  int found = 0;
  EXPECT_EQ(estimate("c", Counting::kAllTerms, &counted), 0u);
  EXPECT_EQ(estimate("c", Counting::kFoundTerms, &found), 3000u);
  EXPECT_GT(counted, 2);
  EXPECT_EQ(found, 1);
  for (const std::string_view needle : {"a7007", "7 b", "a21 b", "xyz"}) {
    int unused = 0;
    EXPECT_GE(estimate(needle, Counting::kFoundTerms, &unused),
              estimate(needle, Counting::kAllTerms, &unused))
        << needle;
  }
}

// A dictionary of many blocks.
TEST(TextIndexTest, ManyTerms) {
  std::vector<std::optional<std::string>> texts;
  SeededRandom random(5);
  for (uint32_t row = 0; row < 3000; ++row) {
    texts.push_back("w" + std::to_string(row * 7) + " common v" + std::to_string(random.Below(40)));
  }
  const Indexed indexed = Index(std::move(texts));
  for (const std::string_view needle :
       {"w7", "w70 ", "common", " common v3", "77", "v39", "w2099", "7 c", "mm", "0"}) {
    Check(indexed, TextQuery::Substring(std::string(needle)));
  }
  const auto reader = indexed.Open();
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(reader->VerifyAll().ok());
  EXPECT_EQ(reader->Find(TextQuery::Substring("common"))->certain.Count(), 3000u);
}

// Only the beginning of a long needle is looked up, and a long text is read in pieces.
TEST(TextIndexTest, LongTextsAndNeedles) {
  SeededRandom random(17);
  std::string words;
  for (int i = 0; i < 20'000; ++i) words += "word" + std::to_string(random.Below(3000)) + " ";
  std::string runs;
  for (int i = 0; i < 5000; ++i) runs += "日月火水木";
  const std::string dashes(10'000, '-');
  const Indexed indexed = Index({words, runs, dashes, words.substr(0, 5000), "word1", "日月"});
  for (const std::string& needle :
       {words, words.substr(3, 30'000), words.substr(70'000, 9000), runs, runs.substr(6, 6000),
        dashes, dashes + "-", dashes.substr(0, 4096), words + "x", std::string(5000, 'x')}) {
    Check(indexed, TextQuery::Substring(needle));
  }
}

TEST(TextIndexTest, NothingToIndex) {
  TextIndexBuilder builder;
  EXPECT_TRUE(builder.Unusable());
  EXPECT_FALSE(builder.too_large());
}

TEST(TextIndexTest, DocumentsWithoutWords) {
  const Indexed indexed = Index({"", std::nullopt, ""});
  Check(indexed, TextQuery::Substring("a"));
  Check(indexed, TextQuery::Substring("river"));
}

// The bytes are a function of the texts: a damaged index is made again and compared.
TEST(TextIndexTest, Deterministic) {
  SeededRandom one(3);
  SeededRandom other(3);
  const Indexed a = RandomIndex(one, 300, false);
  const Indexed b = RandomIndex(other, 300, false);
  EXPECT_EQ(a.payloads.terms, b.payloads.terms);
  EXPECT_EQ(a.payloads.postings, b.payloads.postings);
  EXPECT_EQ(a.payloads.grams, b.payloads.grams);
}

TEST(TextIndexTest, HostileBytes) {
  SeededRandom random(1);
  const Indexed indexed = RandomIndex(random, 120, false);
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random = SeededRandom(seed);
    TextIndexPayloads bytes = indexed.payloads;
    for (Bytes* payload : {&bytes.terms, &bytes.postings, &bytes.grams}) {
      for (uint32_t i = random.Below(4); i > 0 && !payload->empty(); --i) {
        const size_t at = random.Below(static_cast<uint32_t>(
            random.Below(2) == 0 ? payload->size() : std::min<size_t>(payload->size(), 64)));
        (*payload)[at] = static_cast<char>(random.Below(256));
      }
      if (random.Below(8) == 0)
        payload->resize(random.Below(static_cast<uint32_t>(payload->size())));
    }
    const auto reader =
        TextIndexReader::Open(bytes.terms, bytes.postings, bytes.grams, indexed.rows());
    if (!reader.ok()) continue;
    (void)reader->VerifyAll();
    for (const std::string_view needle : {"river", "a", "日本語", "North, ", "x yx ab"}) {
      (void)reader->Find(TextQuery::Substring(std::string(needle)));
    }
  }
}

}  // namespace
}  // namespace chroma::index
