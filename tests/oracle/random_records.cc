#include "random_records.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace chroma {

using model::CompareOperator;
using model::MetadataValue;
using model::Operation;

namespace {

constexpr int64_t kTwoTo53 = int64_t{1} << 53;

void Append(const std::vector<float>& vector, model::RecordBatch* batch) {
  batch->vectors.dimension = static_cast<uint32_t>(vector.size());
  batch->vectors.values.insert(batch->vectors.values.end(), vector.begin(), vector.end());
}

}  // namespace

const std::vector<std::string>& RandomRecords::Keys() {
  static const std::vector<std::string> kKeys = {"k", "l", "p", "m", "n", "o", "t"};
  return kKeys;
}

std::vector<std::string> RandomRecords::RandomIds(int n_max) {
  std::vector<std::string> ids;
  for (int i = Below(n_max + 1); i > 0; --i) ids.push_back(RandomId());
  return ids;
}

std::string RandomRecords::RandomText() {
  static const char* kWords[] = {"red",  "green",    "blue", "École",   "100%", "a",
                                 "日本", "greenish", "東京", "red-hot", "",     "BLUE"};
  static const char* kGaps[] = {" ", " ", " ", "  ", ", ", "-", ""};
  // Short ones come again, so that whole documents can be asked for.
  if (Chance(20)) return kWords[Below(12)];
  std::string text;
  for (int i = Below(6); i >= 0; --i) {
    // Some of many words: a dictionary of one block has no second one.
    text += Chance(10) ? "w" + std::to_string(Below(300)) : kWords[Below(12)];
    text += kGaps[Below(7)];
  }
  return text;
}

// In wide worlds many are long, so that their column gets a text index.
std::string RandomRecords::RandomTitle() {
  std::string title = RandomText();
  if (is_wide_ && Chance(90)) {
    while (title.size() < 1000) title += RandomText() + (Chance(10) ? " 🚀" : "; ");
  }
  return title;
}

// Small, at the edge of what doubles say exactly, or at the edge of integers.
int64_t RandomRecords::RandomInteger() {
  if (Chance(70)) return Below(6) - 2;
  if (Chance(80)) return (Chance(80) ? 1 : -1) * (kTwoTo53 + Below(3));
  return Chance(50) ? std::numeric_limits<int64_t>::max() - Below(2)
                    : std::numeric_limits<int64_t>::min();
}

double RandomRecords::RandomFloat() {
  if (Chance(80)) return 0.5 * (Below(9) - 4);
  static const double kEdges[] = {0x1p53, 0x1p53 + 2, -0x1p53, 0x1p63, -0x1p63,
                                  1e300,  -0.0,       1e-300,  0.1};
  return kEdges[Below(9)];
}

std::string RandomRecords::RandomName() {
  if (is_wide_ && Chance(90)) return "v" + std::to_string(Below(population_.ids));
  return std::string(1, static_cast<char>('a' + Below(5)));
}

MetadataValue RandomRecords::RandomValue() {
  switch (Below(10)) {
    case 0:
    case 1:
      return Chance(50);
    case 2:
    case 3:
      return RandomInteger();
    case 4:
      return RandomFloat();
    case 5:
      return std::string(1, static_cast<char>('a' + Below(4)));
    case 6:
      return std::vector<int64_t>{Below(3), Below(3), RandomInteger()};
    case 7:
      return std::vector<double>{0.5 * Below(3), RandomFloat()};
    case 8:
      return std::vector<std::string>{"a", std::string(1, static_cast<char>('a' + Below(3)))};
    default:
      if (Chance(20)) return RandomSparse(3);
      return model::BoolArray{{static_cast<uint8_t>(Below(2)), 1}};
  }
}

MetadataValue RandomRecords::RandomValueOf(const std::string& key) {
  if (key == "m") return RandomName();
  if (key == "n") return is_wide_ && Chance(20) ? RandomInteger() : int64_t{Below(100) - 50};
  if (key == "o") return is_wide_ ? RandomFloat() : 0.5 * (Below(9) - 4);
  if (key == "t" && Chance(70)) return RandomTitle();
  if (key == "t" && Chance(90)) return std::vector<std::string>{RandomTitle(), RandomTitle()};
  return RandomValue();
}

model::SparseVector RandomRecords::RandomSparse(int size_max) {
  constexpr uint32_t kIndices = 12;
  model::SparseVector vector;
  for (uint32_t index = 0; index < kIndices; ++index) {
    if (Below(kIndices) >= size_max) continue;
    vector.indices.push_back(index * 1000);
    vector.values.push_back(static_cast<float>(Below(513) - 200) / 64);
  }
  return vector;
}

std::vector<float> RandomRecords::RandomVector() {
  if (population_.exact_distances && population_.space == model::Space::kCosine) {
    return VectorOfWholeNorm();
  }
  std::vector<float> vector(dimension());
  for (float& value : vector) value = Coordinate();
  return vector;
}

// Of whole numbers whose squares add up to a power of 4, times a power of 2; seldom of zeros.
std::vector<float> RandomRecords::VectorOfWholeNorm() {
  constexpr int kNorm = 32;
  std::vector<float> vector(dimension());
  if (Chance(3)) return vector;
  const float scale = std::ldexp(1.0f, Below(5) - 7);
  while (true) {
    int rest = kNorm * kNorm;
    for (float& value : vector) {
      const int largest = static_cast<int>(std::sqrt(rest));
      const bool last = &value == &vector.back();
      const int whole = last ? largest : Below(2 * largest + 1) - largest;
      rest -= whole * whole;
      value = scale * static_cast<float>(whole);
    }
    if (rest == 0) break;
  }
  std::shuffle(vector.begin(), vector.end(), random_);
  return vector;
}

// ---- records

model::Metadata RandomRecords::RandomMetadata(Operation operation) {
  model::Metadata metadata;
  for (int keys = Below(6); keys > 0; --keys) {
    const std::string key = RandomKey();
    metadata.Set(key, RandomValueOf(key));
  }
  const bool may_erase = operation != Operation::kAdd;
  if (may_erase && Chance(25)) metadata.Set(RandomKey(), std::monostate());
  for (const auto& [key, share] : sparse_keys_) {
    if (Chance(share)) metadata.Set(key, RandomSparse(3));
    if (Chance(5)) metadata.Set(key, std::string("text"));
    if (may_erase && Chance(10)) metadata.Set(key, std::monostate());
  }
  return metadata;
}

void RandomRecords::AddColumns(model::RecordBatch* batch) {
  const bool has_vector = batch->operation != Operation::kUpdate || Chance(50);
  batch->has_vector.push_back(has_vector ? 1 : 0);
  if (has_vector) Append(RandomVector(), batch);
  batch->documents.push_back(Chance(30) ? std::nullopt : std::optional(RandomText()));
  batch->uris.push_back(Chance(75) ? std::nullopt : std::optional(RandomText()));
  batch->metadatas.push_back(Chance(15) ? std::nullopt
                                        : std::optional(RandomMetadata(batch->operation)));
}

model::RecordBatch RandomRecords::RandomBatch() {
  model::RecordBatch batch;
  batch.operation = static_cast<Operation>(Below(4));
  for (int i = Chance(40) ? 1 + Below(50) : 1 + Below(4); i > 0; --i) {
    batch.ids.push_back(RandomId());
    if (batch.operation != Operation::kDelete) AddColumns(&batch);
  }
  return batch;
}

model::RecordBatch RandomRecords::BatchOfAll() {
  model::RecordBatch batch;
  for (int i = 0; i < population_.ids; ++i) {
    batch.ids.push_back("id" + std::to_string(i));
    AddColumns(&batch);
  }
  return batch;
}

// ---- filters

model::Filter RandomRecords::RandomFilter(int depth) {
  if (depth > 0 && Chance(40)) {
    model::LogicalFilter logical;
    logical.op = static_cast<model::LogicalOperator>(Below(2));
    for (int i = Below(4); i > 0; --i) logical.children.push_back(RandomFilter(depth - 1));
    return {std::move(logical)};
  }
  if (Chance(25)) return {RandomDocumentPredicate()};
  if (Chance(25)) return {RandomTextPredicate()};
  if (Chance(15)) return {RandomReservedPredicate()};
  return {RandomMetadataPredicate()};
}

model::DocumentPredicate RandomRecords::RandomDocumentPredicate() {
  static const char* kPatterns[] = {"red",        "é",    "École", "%",      "",   "blue ",
                                    "zzz",        "日",   "een ",  " ",      "a",  "a red",
                                    "日本 blue",  "d",    "本",    "京",     "w1", "blue red",
                                    "red hot 東", "Blue", "w17",   "0% 日本"};
  static const char* kRegexes[] = {"gr..n (red|blue)", "(?i)RED|école", "^red",
                                   "[0-9]+%",          "a $",           "w[12]\\d*\\b"};
  // A phrase has words.
  static const char* kPhrases[] = {"red", "green",      "blue red", "zzz", "京",
                                   "w1",  "red hot 東", "日本",     "a",   "École 100"};
  using enum model::DocumentOperator;
  const auto op = static_cast<model::DocumentOperator>(Below(8));
  if (op >= kPhrase) return {op, kPhrases[Below(10)]};
  const bool regex = op == kRegex || op == kNotRegex;
  if (regex && Chance(50)) return {op, kRegexes[Below(6)]};
  return {op, kPatterns[Below(22)]};
}

model::TextPredicate RandomRecords::RandomTextPredicate() {
  model::TextPredicate predicate;
  predicate.key = Chance(80) ? "t" : RandomKey();
  predicate.op = static_cast<model::TextOperator>(Below(6));
  // Patterns of documents, which "t" has the words of.
  const bool any = predicate.op <= model::TextOperator::kNotContainsAny;
  const int texts = !any ? 1 : Chance(5) ? 300 : 1 + Below(3);
  while (static_cast<int>(predicate.texts.size()) < texts) {
    const model::DocumentPredicate document = RandomDocumentPredicate();
    const bool phrase = document.op >= model::DocumentOperator::kPhrase;
    const bool contains = document.op <= model::DocumentOperator::kNotContains;
    if (any ? !contains : !phrase) continue;
    // Of many the empty one would say nothing more.
    if (texts > 3 && document.pattern.size() < 3) {
      predicate.texts.push_back("w" + std::to_string(Below(900)) + " ");
    } else {
      predicate.texts.push_back(any && Chance(5) ? "🚀" : document.pattern);
    }
  }
  return predicate;
}

// Of what is no metadata: ids, whole documents and uris.
model::MetadataPredicate RandomRecords::RandomReservedPredicate() {
  const bool is_id = Chance(70);
  const std::string key(is_id        ? model::kIdKey
                        : Chance(50) ? model::kDocumentMetadataKey
                                     : model::kUriMetadataKey);
  const auto next = [&] { return is_id ? RandomId() : RandomText(); };
  if (Chance(30)) return {key, static_cast<CompareOperator>(Below(2)), next()};
  std::vector<std::string> values;
  for (int i = 1 + Below(40); i > 0; --i) values.push_back(next());
  return {key, Chance(50) ? CompareOperator::kIn : CompareOperator::kNotIn, std::move(values)};
}

// Often of the type that the key has.
MetadataValue RandomRecords::RandomScalarOf(const std::string& key) {
  MetadataValue value = Chance(60) ? RandomValueOf(key) : RandomValue();
  while (model::IsArray(model::TypeOf(value)) ||
         std::holds_alternative<model::SparseVector>(value)) {
    value = RandomValue();
  }
  return value;
}

MetadataValue RandomRecords::RandomListOf(const std::string& key) {
  const MetadataValue first = RandomScalarOf(key);
  const int others = Chance(20) ? Below(200) : Below(4);
  const auto fill = [&](auto list, auto&& next) {
    for (int i = 0; i < others; ++i) list.push_back(next());
    return list;
  };
  if (const auto* one = std::get_if<int64_t>(&first)) {
    return fill(std::vector<int64_t>{*one}, [&] { return RandomInteger(); });
  }
  if (const auto* one = std::get_if<double>(&first)) {
    return fill(std::vector<double>{*one}, [&] { return RandomFloat(); });
  }
  if (const auto* one = std::get_if<std::string>(&first)) {
    return fill(std::vector<std::string>{*one}, [&] { return RandomName(); });
  }
  return model::BoolArray{{static_cast<uint8_t>(std::get<bool>(first)), 1}};
}

model::MetadataPredicate RandomRecords::RandomMetadataPredicate() {
  // Keys that no record can have, and those of columns of their own, are keys too.
  static const char* kSpecialKeys[] = {"#id",  "#document",       "#embedding",
                                       "none", "chroma:document", "chroma:uri"};
  const std::string key = Chance(6) ? kSpecialKeys[Below(6)] : RandomKey();
  const auto op = static_cast<CompareOperator>(Below(10));
  switch (op) {
    case CompareOperator::kLess:
    case CompareOperator::kLessOrEqual:
    case CompareOperator::kGreater:
    case CompareOperator::kGreaterOrEqual:
      if (key == "n" && Chance(50)) return {key, op, int64_t{Below(100) - 50}};
      if (Chance(50)) return {key, op, RandomInteger()};
      return {key, op, RandomFloat()};
    case CompareOperator::kIn:
    case CompareOperator::kNotIn:
      return {key, op, RandomListOf(key)};
    default:
      return {key, op, RandomScalarOf(key)};
  }
}

RandomRecords::Conditions RandomRecords::RandomConditions() {
  Conditions conditions;
  if (Chance(25)) conditions.ids = RandomIds(40);
  if (Chance(55)) conditions.where = RandomFilter(3);
  if (Chance(25)) conditions.where_document = model::Filter{RandomDocumentPredicate()};
  return conditions;
}

}  // namespace chroma
