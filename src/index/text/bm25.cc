#include "index/text/bm25.h"

#include <libstemmer.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "index/text/char_set.h"
#include "index/text/unicode.h"

namespace chroma::index {
namespace {

constexpr std::string_view kStopwords[] = {
    "a",          "about",    "above",     "after",      "again",   "against", "ain",
    "all",        "am",       "an",        "and",        "any",     "are",     "aren",
    "aren't",     "as",       "at",        "be",         "because", "been",    "before",
    "being",      "below",    "between",   "both",       "but",     "by",      "can",
    "couldn",     "couldn't", "d",         "did",        "didn",    "didn't",  "do",
    "does",       "doesn",    "doesn't",   "doing",      "don",     "don't",   "down",
    "during",     "each",     "few",       "for",        "from",    "further", "had",
    "hadn",       "hadn't",   "has",       "hasn",       "hasn't",  "have",    "haven",
    "haven't",    "having",   "he",        "her",        "here",    "hers",    "herself",
    "him",        "himself",  "his",       "how",        "i",       "if",      "in",
    "into",       "is",       "isn",       "isn't",      "it",      "it's",    "its",
    "itself",     "just",     "ll",        "m",          "ma",      "me",      "mightn",
    "mightn't",   "more",     "most",      "mustn",      "mustn't", "my",      "myself",
    "needn",      "needn't",  "no",        "nor",        "not",     "now",     "o",
    "of",         "off",      "on",        "once",       "only",    "or",      "other",
    "our",        "ours",     "ourselves", "out",        "over",    "own",     "re",
    "s",          "same",     "shan",      "shan't",     "she",     "she's",   "should",
    "should've",  "shouldn",  "shouldn't", "so",         "some",    "such",    "t",
    "than",       "that",     "that'll",   "the",        "their",   "theirs",  "them",
    "themselves", "then",     "there",     "these",      "they",    "this",    "those",
    "through",    "to",       "too",       "under",      "until",   "up",      "ve",
    "very",       "was",      "wasn",      "wasn't",     "we",      "were",    "weren",
    "weren't",    "what",     "when",      "where",      "which",   "while",   "who",
    "whom",       "why",      "will",      "with",       "won",     "won't",   "wouldn",
    "wouldn't",   "y",        "you",       "you'd",      "you'll",  "you're",  "you've",
    "your",       "yours",    "yourself",  "yourselves",
};

constexpr uint32_t kCapitalSigma = 0x3A3;
constexpr uint32_t kFinalSigma = 0x3C2;
constexpr uint32_t kDottedCapitalI = 0x130;
constexpr uint32_t kCombiningDot = 0x307;

CharSet PropertySet(std::initializer_list<std::string_view> names) {
  CharSet set;
  for (const std::string_view name : names) {
    CharSet property;
    CHECK(FindProperty(name, &property) == PropertyError::kNone);
    set.Union(property);
  }
  return set;
}

// Letters, numbers of every kind and the low line, but no marks: Python's \w.
bool IsWord(uint32_t c) {
  if (c < 0x80) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  static const CharSet words = PropertySet({"L", "N"});
  return words.Contains(c);
}

bool IsCased(uint32_t c) {
  static const CharSet cased = PropertySet({"Cased"});
  return cased.Contains(c);
}

bool IsCaseIgnorable(uint32_t c) {
  static const CharSet ignorable = PropertySet({"Case_Ignorable"});
  return ignorable.Contains(c);
}

using Characters = std::vector<uint32_t>;

// Unicode's condition Final_Sigma: the last cased letter of a word of several.
bool IsFinalSigma(const Characters& word, size_t at) {
  size_t before = at;
  while (before > 0 && IsCaseIgnorable(word[before - 1])) --before;
  if (before == 0 || !IsCased(word[before - 1])) return false;
  size_t after = at + 1;
  while (after < word.size() && IsCaseIgnorable(word[after])) ++after;
  return after == word.size() || !IsCased(word[after]);
}

// Full lower case: of what Unicode's SpecialCasing has without a locale, these two.
Characters ToLower(const Characters& word) {
  Characters lower;
  lower.reserve(word.size());
  for (size_t i = 0; i < word.size(); ++i) {
    const uint32_t c = word[i];
    if (c < 0x80) {
      lower.push_back(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    } else if (c == kCapitalSigma && IsFinalSigma(word, i)) {
      lower.push_back(kFinalSigma);
    } else if (c == kDottedCapitalI) {
      lower.insert(lower.end(), {'i', kCombiningDot});
    } else {
      lower.push_back(static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return lower;
}

std::string ToUtf8(const Characters& word) {
  std::string text;
  for (const uint32_t c : word) AppendUtf8(c, &text);
  return text;
}

Characters ToCharacters(std::string_view text) {
  Characters characters;
  for (size_t at = 0; at < text.size();) characters.push_back(DecodeUtf8(text, &at));
  return characters;
}

// One word after the other, in lower case; `visit(word, characters)`.
template <typename Visit>
void ForEachWord(std::string_view text, Visit&& visit) {
  Characters word;
  const auto end_word = [&] {
    if (word.empty()) return;
    const Characters lower = ToLower(word);
    visit(ToUtf8(lower), lower.size());
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const uint32_t c = DecodeUtf8(text, &at);
    if (IsWord(c)) {
      word.push_back(c);
    } else {
      end_word();
    }
  }
  end_word();
}

// Not thread safe, so each text gets its own.
class Stemmer {
 public:
  Stemmer() : stemmer_(sb_stemmer_new("english", "UTF_8")) { CHECK(stemmer_ != nullptr); }
  ~Stemmer() { sb_stemmer_delete(stemmer_); }
  Stemmer(const Stemmer&) = delete;
  Stemmer& operator=(const Stemmer&) = delete;

  // Valid until the next call.
  std::string_view Stem(std::string_view word) {
    const sb_symbol* stem = sb_stemmer_stem(
        stemmer_, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
    CHECK(stem != nullptr);  // out of memory
    return {reinterpret_cast<const char*>(stem), static_cast<size_t>(sb_stemmer_length(stemmer_))};
  }

 private:
  sb_stemmer* stemmer_;
};

uint32_t Dimension(std::string_view token) {
  const auto hash = static_cast<int32_t>(Murmur3(token, 0));
  return static_cast<uint32_t>(std::abs(int64_t{hash}));
}

bool ReadNumber(const JsonValue& value, double* out) {
  if (const int64_t* i = value.AsInt()) {
    *out = static_cast<double>(*i);
  } else if (const double* d = value.AsDouble()) {
    *out = *d;
  } else {
    return false;
  }
  return std::isfinite(*out);
}

bool ReadStopwords(const JsonValue& value, std::optional<std::vector<std::string>>* out) {
  if (value.IsNull()) return true;
  if (value.AsArray() == nullptr) return false;
  out->emplace();
  for (const JsonValue& word : *value.AsArray()) {
    if (word.AsString() == nullptr) return false;
    (*out)->push_back(*word.AsString());
  }
  return true;
}

bool ReadMember(const std::string& name, const JsonValue& value, Bm25Config* config) {
  if (name == "k") return ReadNumber(value, &config->k);
  if (name == "b") return ReadNumber(value, &config->b);
  if (name == "avg_doc_length") {
    return ReadNumber(value, &config->avg_doc_length) && config->avg_doc_length != 0;
  }
  if (name == "stopwords") return ReadStopwords(value, &config->stopwords);
  if (name == "include_tokens") {
    if (value.AsBool() != nullptr) config->include_tokens = *value.AsBool();
    return value.AsBool() != nullptr;
  }
  if (name == "token_max_length") {
    double length = 0;
    if (!ReadNumber(value, &length) || std::fabs(length) > 1e15) return false;
    config->token_max_length = static_cast<int64_t>(length);
  }
  return true;
}

struct WordHash {
  using is_transparent = void;
  size_t operator()(std::string_view word) const { return std::hash<std::string_view>()(word); }
};
using StopwordSet = std::unordered_set<std::string, WordHash, std::equal_to<>>;

}  // namespace

struct Bm25::State {
  Bm25Config config;
  StopwordSet stopwords;
};

Bm25::Bm25(const Bm25Config& config) {
  auto state = std::make_unique<State>();
  state->config = config;
  if (config.stopwords) {
    for (const std::string& word : *config.stopwords) {
      state->stopwords.insert(ToUtf8(ToLower(ToCharacters(word))));
    }
  } else {
    for (const std::string_view word : kStopwords) state->stopwords.emplace(word);
  }
  state_ = std::move(state);
}

Bm25::Bm25(Bm25&&) noexcept = default;
Bm25::~Bm25() = default;

Result<Bm25> Bm25::FromConfig(const JsonValue& json) {
  Bm25Config config;
  if (json.AsObject() == nullptr) {
    if (json.IsNull()) return Bm25(config);
    return Status::InvalidArgument("the configuration of chroma_bm25 is not an object");
  }
  for (const auto& [name, value] : *json.AsObject()) {
    if (ReadMember(name, value, &config)) continue;
    return Status::InvalidArgument("the configuration of chroma_bm25 has a wrong value for \"" +
                                   name + "\"");
  }
  return Bm25(config);
}

std::vector<std::string> Bm25::Tokenize(std::string_view text) const {
  std::vector<std::string> tokens;
  Stemmer stemmer;
  ForEachWord(text, [&](const std::string& word, size_t characters) {
    if (state_->stopwords.contains(word)) return;
    if (static_cast<int64_t>(characters) > state_->config.token_max_length) return;
    const std::string_view stem = stemmer.Stem(word);
    if (!stem.empty()) tokens.emplace_back(stem);
  });
  return tokens;
}

model::SparseVector Bm25::Embed(std::string_view text) const {
  const std::vector<std::string> tokens = Tokenize(text);
  const Bm25Config& config = state_->config;
  std::vector<std::pair<uint32_t, const std::string*>> hashed;
  hashed.reserve(tokens.size());
  for (const std::string& token : tokens) hashed.emplace_back(Dimension(token), &token);
  std::stable_sort(hashed.begin(), hashed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto length = static_cast<double>(tokens.size());
  const double norm = config.k * (1 - config.b + config.b * length / config.avg_doc_length);
  model::SparseVector vector;
  for (size_t begin = 0; begin < hashed.size();) {
    size_t end = begin + 1;
    while (end < hashed.size() && hashed[end].first == hashed[begin].first) ++end;
    const auto frequency = static_cast<double>(end - begin);
    vector.indices.push_back(hashed[begin].first);
    vector.values.push_back(static_cast<float>(frequency * (config.k + 1) / (frequency + norm)));
    if (config.include_tokens) vector.tokens.push_back(*hashed[begin].second);
    begin = end;
  }
  return vector;
}

uint32_t Murmur3(std::string_view bytes, uint32_t seed) {
  constexpr uint32_t kC1 = 0xCC9E2D51;
  constexpr uint32_t kC2 = 0x1B873593;
  uint32_t hash = seed;
  const size_t whole = bytes.size() / 4 * 4;
  for (size_t at = 0; at < whole; at += 4) {
    uint32_t block = LoadFixed<uint32_t>(bytes.data() + at) * kC1;
    block = std::rotl(block, 15) * kC2;
    hash = std::rotl(hash ^ block, 13) * 5 + 0xE6546B64;
  }
  uint32_t rest = 0;
  for (size_t at = bytes.size(); at-- > whole;) rest = rest << 8 | static_cast<uint8_t>(bytes[at]);
  hash ^= std::rotl(rest * kC1, 15) * kC2;
  hash ^= static_cast<uint32_t>(bytes.size());
  hash = (hash ^ hash >> 16) * 0x85EBCA6B;
  hash = (hash ^ hash >> 13) * 0xC2B2AE35;
  return hash ^ hash >> 16;
}

}  // namespace chroma::index
