#include "segment/test_support.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "base/split_mix.h"

namespace chroma::segment {

using model::MetadataValue;
using model::ValueType;

uint64_t RowGenerator::Next() {
  return SplitMix(&state_);
}

std::string RowGenerator::Text() {
  static const char* const kWords[] = {"",
                                       "a",
                                       "b",
                                       "red",
                                       "green",
                                       "naïve",
                                       "日本語",
                                       "🦀🦀",
                                       "with space",
                                       "quote\"",
                                       "long long long long long text"};
  std::string text = kWords[Below(std::size(kWords))];
  if (Chance(20)) text += std::to_string(Below(1000));
  if (Chance(3)) text += std::string(1, '\0') + "after nul";
  return text;
}

int64_t RowGenerator::Integer() {
  switch (Below(6)) {
    case 0:
      return static_cast<int64_t>(Below(4));
    case 1:
      return static_cast<int64_t>(Below(600)) - 300;
    case 2:
      return static_cast<int64_t>(Below(200'000)) - 100'000;
    case 3:
      return static_cast<int64_t>(Next());
    case 4:
      return (int64_t{1} << 53) + static_cast<int64_t>(Below(5)) - 2;
    default:
      return Chance(50) ? INT64_MIN + static_cast<int64_t>(Below(3))
                        : INT64_MAX - static_cast<int64_t>(Below(3));
  }
}

double RowGenerator::Float() {
  switch (Below(7)) {
    case 0:
      return static_cast<double>(Below(4));
    case 1:
      return static_cast<double>(Below(1200)) / 2 - 300;
    case 2:
      return -0.0;
    case 3:
      return 9007199254740992.0 + static_cast<double>(Below(3)) * 2;
    case 4:
      return Chance(50) ? 9223372036854775808.0 : -9223372036854775808.0;
    case 5:
      return std::ldexp(static_cast<double>(Below(1000)), static_cast<int>(Below(120)) - 60);
    default:
      return static_cast<double>(Below(1'000'000)) / 1000 * (Chance(50) ? 1 : -1);
  }
}

MetadataValue RowGenerator::Value(ValueType type) {
  const size_t n = 1 + Below(4);
  const auto fill = [&](auto array, auto&& element) {
    for (size_t i = 0; i < n; ++i) array.push_back(element());
    return array;
  };
  switch (type) {
    case ValueType::kBool:
      return Chance(50);
    case ValueType::kInt:
      return Integer();
    case ValueType::kFloat:
      return Float();
    case ValueType::kString:
      return Text();
    case ValueType::kSparseVector: {
      model::SparseVector sparse;
      const bool tokens = Chance(50);
      for (size_t i = 0; i < n - 1; ++i) {
        sparse.indices.push_back(static_cast<uint32_t>(i * 1'000'000'000 + Below(10)));
        sparse.values.push_back(static_cast<float>(Below(100)) / 7);
        if (tokens) sparse.tokens.push_back(Text());
      }
      return sparse;
    }
    case ValueType::kBoolArray:
      return model::BoolArray{
          fill(std::vector<uint8_t>(), [&] { return static_cast<uint8_t>(Below(2)); })};
    case ValueType::kIntArray:
      return fill(std::vector<int64_t>(), [&] { return Integer(); });
    case ValueType::kFloatArray:
      return fill(std::vector<double>(), [&] { return Float(); });
    case ValueType::kStringArray:
      return fill(std::vector<std::string>(), [&] { return Text(); });
    default:
      return std::monostate();
  }
}

std::vector<OracleRow> RowGenerator::Rows(uint32_t n, uint32_t dimension) {
  // Each key has a density and either one type or a mix of all.
  struct Key {
    std::string name;
    int percent;
    std::optional<ValueType> type;
    std::optional<MetadataValue> constant;
  };
  std::vector<Key> keys = {{"", 30, std::nullopt, std::nullopt},
                           {"ключ", 100, ValueType::kString, std::nullopt}};
  for (int type = 1; type <= 9; ++type) {
    const auto value_type = static_cast<ValueType>(type);
    const int percents[] = {1, 40, 100};
    keys.push_back({"k" + std::to_string(type), percents[Below(3)], value_type, std::nullopt});
    if (Chance(30)) keys.push_back({"c" + std::to_string(type), 50, value_type, Value(value_type)});
  }
  const int documents = static_cast<int>(Below(3)) * 50;
  const int uris = static_cast<int>(Below(3)) * 20;
  const bool dense_offsets = Chance(50);
  std::vector<OracleRow> rows(n);
  uint64_t offset = Below(1000);
  for (uint32_t row = 0; row < n; ++row) {
    OracleRow& out = rows[row];
    out.id = "id-" + std::to_string(row) + (Chance(5) ? "-é" : "");
    out.insertion_offset = offset;
    offset += dense_offsets ? 1 : 1 + Below(5) * Below(5);
    for (uint32_t i = 0; i < dimension; ++i) {
      out.vector.push_back(static_cast<float>(Below(2000)) / 1000 - 1);
    }
    if (Chance(documents)) out.document = Text() + Text();
    if (Chance(uris)) out.uri = "file://" + Text();
    for (const Key& key : keys) {
      if (!Chance(key.percent)) continue;
      out.metadata.Set(key.name, key.constant ? *key.constant
                                 : key.type   ? Value(*key.type)
                                              : AnyValue());
    }
  }
  return rows;
}

Bytes WriteSegment(const std::vector<OracleRow>& rows, uint32_t dimension,
                   const model::Schema* schema) {
  runtime::Context ctx;
  MemoryBlobStore store;
  auto writer = SegmentWriter::Create(ctx, store, "test", dimension, schema);
  EXPECT_TRUE(writer.ok());
  for (const OracleRow& row : rows) {
    RowView view;
    view.id = row.id;
    view.insertion_offset = row.insertion_offset;
    view.vector = dimension > 0 ? row.vector.data() : nullptr;
    if (row.document) view.document = *row.document;
    if (row.uri) view.uri = *row.uri;
    view.metadata = &row.metadata;
    const Status added = (*writer)->Add(view);
    EXPECT_TRUE(added.ok()) << added.ToString();
  }
  auto summary = (*writer)->Finish(ctx);
  EXPECT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->rows, rows.size());
  EXPECT_EQ(summary->size_bytes, store.Content("test").size());
  return store.Content("test");
}

namespace {

Status CompareRow(const SegmentReader& segment, const OracleRow& row, uint32_t number,
                  uint32_t dimension) {
  CHROMA_ASSIGN(const std::string_view id, segment.Id(number));
  EXPECT_EQ(id, row.id);
  CHROMA_ASSIGN(const std::optional<uint32_t> found, segment.FindId(row.id));
  EXPECT_EQ(found, number);
  CHROMA_ASSIGN(const uint64_t offset, segment.InsertionOffset(number));
  EXPECT_EQ(offset, row.insertion_offset);
  if (dimension > 0) {
    CHROMA_ASSIGN(const VectorRun run, segment.Vectors(number));
    EXPECT_GE(run.rows, 1u);
    EXPECT_LE(run.rows, segment.rows() - number);
    EXPECT_EQ(std::vector<float>(run.values, run.values + dimension), row.vector);
  }
  return Status::Ok();
}

}  // namespace

Status CompareWithRows(const SegmentReader& segment, const std::vector<OracleRow>& rows,
                       uint32_t dimension) {
  EXPECT_EQ(segment.rows(), rows.size());
  EXPECT_EQ(segment.dimension(), dimension);
  for (uint32_t row = 0; row < rows.size(); ++row) {
    CHROMA_TRY(CompareRow(segment, rows[row], row, dimension));
  }
  CHROMA_ASSIGN(const std::optional<uint32_t> missing, segment.FindId("no such id"));
  EXPECT_EQ(missing, std::nullopt);
  std::vector<uint32_t> all(rows.size());
  std::iota(all.begin(), all.end(), 0u);
  std::vector<std::optional<std::string>> texts;
  CHROMA_TRY(segment.ReadDocuments(all, &texts));
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(texts[i], rows[i].document);
  texts.clear();
  CHROMA_TRY(segment.ReadUris(all, &texts));
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(texts[i], rows[i].uri);
  std::vector<model::Metadata> metadata;
  CHROMA_TRY(segment.ReadMetadata(all, &metadata));
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(metadata[i], rows[i].metadata);
  return Status::Ok();
}

}  // namespace chroma::segment
