#include "log/record_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/coding.h"

namespace chroma::log {
namespace {

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  model::RecordBatch Batch() {
    model::RecordBatch batch;
    batch.operation = static_cast<model::Operation>(Below(4));
    const size_t n = Below(12);
    for (size_t i = 0; i < n; ++i) batch.ids.push_back(Text(20));
    batch.vectors.dimension = static_cast<uint32_t>(1 + Below(20));
    size_t vectors = Below(2) == 0 ? n : 0;
    if (n > 0 && Below(3) == 0) {
      vectors = 0;
      for (size_t i = 0; i < n; ++i) {
        batch.has_vector.push_back(Below(2) == 0);
        vectors += batch.has_vector.back();
      }
    }
    for (size_t i = 0; i < vectors * batch.vectors.dimension; ++i) {
      batch.vectors.values.push_back(static_cast<float>(Below(1000)) / 7);
    }
    if (Below(2) == 0) Column(batch.documents, n, [&] { return Text(300); });
    if (Below(2) == 0) Column(batch.uris, n, [&] { return Text(3); });
    if (Below(2) == 0) Column(batch.metadatas, n, [&] { return Metadata(); });
    return batch;
  }
  uint64_t Below(uint64_t n) { return random_() % n; }

 private:
  template <typename T, typename Make>
  void Column(std::vector<std::optional<T>>& column, size_t n, Make make) {
    for (size_t i = 0; i < n; ++i) {
      column.push_back(Below(3) == 0 ? std::nullopt : std::optional<T>(make()));
    }
  }
  std::string Text(uint64_t bytes_max) {
    std::string text(Below(bytes_max), '\0');
    for (char& c : text) c = static_cast<char>(random_());
    return text;
  }
  model::Metadata Metadata() {
    model::Metadata metadata;
    for (uint64_t i = Below(4); i-- > 0;) metadata.Set(Text(8), int64_t{3} << i);
    return metadata;
  }

  std::mt19937_64 random_;
};

void ExpectSame(const model::RecordBatch& batch, const BatchView& view) {
  ASSERT_EQ(view.rows.size(), batch.size());
  EXPECT_EQ(view.operation, batch.operation);
  EXPECT_EQ(view.dimension, batch.vectors.dimension);
  size_t next_vector = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const BatchView::Row& row = view.rows[i];
    EXPECT_EQ(row.id, batch.ids[i]);
    const bool has_vector =
        batch.has_vector.empty() ? batch.vectors.rows() > 0 : batch.has_vector[i] != 0;
    ASSERT_EQ(row.vector != nullptr, has_vector);
    if (has_vector) {
      EXPECT_EQ(std::memcmp(row.vector, batch.vectors.row(next_vector++), view.dimension * 4), 0);
    }
    EXPECT_EQ(row.document, batch.documents.empty() ? std::nullopt : batch.documents[i]);
    EXPECT_EQ(row.uri, batch.uris.empty() ? std::nullopt : batch.uris[i]);
    const auto metadata = batch.metadatas.empty() ? std::nullopt : batch.metadatas[i];
    ASSERT_EQ(row.metadata.empty(), !metadata.has_value());
    if (!metadata) continue;
    auto decoded = DecodeRowMetadata(row.metadata);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, *metadata);
  }
}

TEST(RecordCodecTest, RoundTrips) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const model::RecordBatch batch = Generator(seed).Batch();
    const uint64_t request = seed % 2 == 0 ? 0 : ~seed;
    const Bytes bytes = EncodeBatch(batch, request);
    auto view = DecodeBatch(bytes);
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, *view));
    EXPECT_EQ(view->request, request);
    EXPECT_EQ(bytes[0], request == 0 ? 1 : 2);  // an older program reads what has none
  }
}

TEST(RecordCodecTest, VectorsAreAligned) {
  model::RecordBatch batch;
  batch.ids = {"a", "b"};
  batch.vectors = {3, {1, 2, 3, 4, 5, 6}};
  const Bytes bytes = EncodeBatch(batch);
  auto view = DecodeBatch(bytes);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ((reinterpret_cast<const char*>(view->rows[0].vector) - bytes.data()) % 16, 0);
  EXPECT_EQ(view->rows[1].vector, view->rows[0].vector + 3);
}

TEST(RecordCodecTest, CutsAreRefused) {
  const Bytes bytes = EncodeBatch(Generator(3).Batch());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Bytes cut = bytes.substr(0, size);
    EXPECT_EQ(DecodeBatch(cut).status().code(), StatusCode::kDataLoss) << size;
  }
  EXPECT_FALSE(DecodeBatch(bytes + "x").ok());
}

TEST(RecordCodecTest, HostileBytesAreSurvived) {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator generator(seed);
    Bytes bytes = EncodeBatch(generator.Batch());
    for (uint64_t flips = 1 + generator.Below(6); flips-- > 0;) {
      const uint64_t at = generator.Below(2) == 0 ? generator.Below(32) : generator.Below(1 << 20);
      bytes[at % bytes.size()] = static_cast<char>(generator.Below(256));
    }
    // Reading everything the view shows lets a sanitizer see a bad view.
    auto view = DecodeBatch(bytes);
    if (!view.ok()) continue;
    uint64_t sum = 0;
    for (const BatchView::Row& row : view->rows) {
      for (char c : row.id) sum += static_cast<uint8_t>(c);
      for (char c : row.document.value_or("")) sum += static_cast<uint8_t>(c);
      for (uint32_t d = 0; row.vector != nullptr && d < view->dimension; ++d) {
        uint32_t word;
        std::memcpy(&word, row.vector + d, sizeof(word));
        sum += word;
      }
      (void)DecodeRowMetadata(row.metadata).ok();
    }
    ASSERT_NE(sum, UINT64_MAX);
  }
}

TEST(RecordCodecTest, HugeClaimsAllocateNothing) {
  model::RecordBatch batch;
  batch.ids = {"a"};
  Bytes bytes = EncodeBatch(batch);
  for (size_t field : {4u, 8u, 12u}) {
    Bytes huge = bytes;
    for (size_t i = 0; i < 4; ++i) huge[field + i] = '\xff';
    if (field == 8) huge[12] = 1;
    EXPECT_EQ(DecodeBatch(huge).status().code(), StatusCode::kDataLoss) << field;
  }
}

TEST(RecordCodecTest, NewerVersionsAreNamed) {
  Bytes bytes = EncodeBatch({});
  bytes[0] = 3;
  EXPECT_EQ(DecodeBatch(bytes).status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace chroma::log
