// Sparse searches and counts of parts, in every way that they are answered, against every row.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "format/section_reader.h"
#include "format/section_writer.h"
#include "index/sparse/postings.h"
#include "segment/sparse_frequency.h"
#include "segment/tail_rows.h"
#include "segment/test_support.h"
#include "segment/verify.h"

namespace chroma::segment {
namespace {

using format::SectionType;
using model::SparseVector;

constexpr uint32_t kTerms = 200;

SparseVector AnyVector(RowGenerator& generator, size_t elements) {
  std::map<uint32_t, float> vector;
  for (size_t i = 0; i < elements; ++i) {
    const auto term = static_cast<uint32_t>(generator.Below(1 + generator.Below(kTerms)));
    vector[term * 1'000'003] = static_cast<float>(generator.Below(1000)) / 100 - 2;
  }
  SparseVector out;
  for (const auto& [index, value] : vector) {
    out.indices.push_back(index);
    out.values.push_back(value);
  }
  return out;
}

std::vector<OracleRow> SparseRows(RowGenerator& generator, uint32_t n) {
  std::vector<OracleRow> rows(n);
  for (uint32_t row = 0; row < n; ++row) {
    rows[row].id = "id-" + std::to_string(row);
    rows[row].insertion_offset = row;
    if (generator.Chance(80)) rows[row].metadata.Set("s", AnyVector(generator, generator.Below(9)));
    if (generator.Chance(5)) rows[row].metadata.Set("s", std::string("no vector"));
    if (generator.Chance(30)) rows[row].metadata.Set("t", AnyVector(generator, 3));
  }
  return rows;
}

std::shared_ptr<const SegmentReader> Open(const Bytes& bytes) {
  runtime::Context ctx;
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes));
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  return segment.ok() ? *segment : nullptr;
}

// The same segment, where a section of postings is left out, or has the bytes that `change` makes.
Bytes ChangePostings(const Bytes& bytes, const std::function<std::optional<Bytes>(Bytes)>& change) {
  runtime::Context ctx;
  auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes),
                                              [](SectionType) { return true; });
  EXPECT_TRUE(sections.ok());
  MemoryBlobStore store;
  format::SectionWriter out(*store.Create(ctx, "test"));
  for (const format::SectionInfo& section : sections->sections()) {
    Bytes payload(sections->ReadRange(ctx, section, 0, section.length)->bytes);
    if (section.type == SectionType::kSparsePostings) {
      std::optional<Bytes> changed = change(std::move(payload));
      if (!changed) continue;
      payload = *std::move(changed);
    }
    format::SectionOptions options;
    options.required = section.type != SectionType::kSparsePostings;
    EXPECT_EQ(section.block_size, 0U);
    EXPECT_TRUE(out.Write(section.type, section.key, payload, options).ok());
  }
  EXPECT_TRUE(out.Finish(ctx).ok());
  return store.Content("test");
}

std::shared_ptr<const Part> TailOf(const std::vector<OracleRow>& rows) {
  auto tail = std::make_shared<TailRows>();
  for (const OracleRow& row : rows) {
    TailRow added;
    added.id = row.id;
    added.insertion_offset = row.insertion_offset;
    added.metadata = row.metadata;
    tail->Append(std::move(added));
  }
  return std::make_shared<TailView>(tail, 0);
}

const SparseVector* VectorOf(const OracleRow& row, std::string_view key) {
  const model::MetadataValue* value = row.metadata.Find(key);
  return value == nullptr ? nullptr : std::get_if<SparseVector>(value);
}

std::vector<index::Candidate> Naive(const std::vector<OracleRow>& rows, std::string_view key,
                                    const index::SparseRequest& request) {
  std::vector<index::Candidate> all;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    const SparseVector* vector = VectorOf(rows[row], key);
    if (vector == nullptr || (request.allowed != nullptr && !request.allowed->Contains(row)) ||
        (request.dead != nullptr && request.dead->Contains(row))) {
      continue;
    }
    const std::optional<double> dot = index::SparseDot(request.query, *vector);
    if (dot) all.push_back({index::SparseDistance(*dot), row});
  }
  std::sort(all.begin(), all.end());
  if (all.size() > request.k) all.resize(request.k);
  return all;
}

Bitmap Some(RowGenerator& generator, uint32_t n, int percent) {
  Bitmap rows;
  for (uint32_t row = 0; row < n; ++row) {
    if (generator.Chance(percent)) rows.Add(row);
  }
  return rows;
}

void ComparePart(RowGenerator& generator, const Part& part, const std::vector<OracleRow>& rows) {
  runtime::Context ctx;
  const auto n = static_cast<uint32_t>(rows.size());
  for (int i = 0; i < 10; ++i) {
    const SparseVector query = AnyVector(generator, 1 + generator.Below(6));
    const Bitmap allowed = Some(generator, n, i % 2 == 0 ? 1 : 40);
    const Bitmap dead = Some(generator, n, 20);
    index::SparseRequest request;
    request.query = query;
    request.k = 1 + generator.Below(30);
    if (generator.Chance(60)) request.allowed = &allowed;
    if (generator.Chance(60)) request.dead = &dead;
    for (const char* key : {"s", "t", "u"}) {
      std::vector<index::Candidate> found;
      const Status searched = part.SearchSparse(ctx, key, request, &found);
      ASSERT_TRUE(searched.ok()) << searched.ToString();
      ASSERT_EQ(found, Naive(rows, key, request)) << key;
      std::vector<uint64_t> counts(query.indices.size(), 7);
      ASSERT_TRUE(part.CountSparse(ctx, key, query.indices, dead, counts).ok());
      for (size_t at = 0; at < counts.size(); ++at) {
        uint64_t expected = 7;
        for (uint32_t row = 0; row < n; ++row) {
          const SparseVector* vector = VectorOf(rows[row], key);
          if (vector == nullptr || dead.Contains(row)) continue;
          expected += std::count(vector->indices.begin(), vector->indices.end(), query.indices[at]);
        }
        ASSERT_EQ(counts[at], expected) << key;
      }
    }
  }
}

TEST(SparseTest, EveryPartFindsWhatItsRowsSay) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RowGenerator generator(seed);
    const uint32_t sizes[] = {1, 70, 500, 5000};
    const std::vector<OracleRow> rows = SparseRows(generator, sizes[seed % 4]);
    const Bytes bytes = WriteSegment(rows, 0);
    const auto zeros = [](Bytes payload) { return Bytes(payload.size(), '\0'); };
    const auto cut = [](Bytes payload) { return payload.substr(0, payload.size() - 1); };
    const auto none = [](Bytes) { return std::nullopt; };
    ComparePart(generator, *Open(bytes), rows);
    ComparePart(generator, *Open(ChangePostings(bytes, zeros)), rows);
    ComparePart(generator, *Open(ChangePostings(bytes, cut)), rows);
    ComparePart(generator, *Open(ChangePostings(bytes, none)), rows);
    ComparePart(generator, *TailOf(rows), rows);
    if (HasFailure()) return;
  }
}

TEST(SparseTest, AQueryOfManyDimensionsComparesTheRows) {
  std::vector<OracleRow> rows(200);
  SparseVector query;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    rows[row].id = "id-" + std::to_string(row);
    rows[row].insertion_offset = row;
    SparseVector vector;
    for (uint32_t i = 0; i < 100; ++i) {
      vector.indices.push_back(row * 100 + i);
      vector.values.push_back(static_cast<float>(row % 17));
    }
    query.indices.insert(query.indices.end(), vector.indices.begin(), vector.indices.end());
    rows[row].metadata.Set("s", std::move(vector));
  }
  query.values.assign(query.indices.size(), 1.0F);
  ASSERT_GT(query.indices.size(), index::SparsePostings::kSharedMax);
  index::SparseRequest request;
  request.query = query;
  request.k = 10;
  runtime::Context ctx;
  std::vector<index::Candidate> found;
  const auto segment = Open(WriteSegment(rows, 0));
  const Status searched = segment->SearchSparse(ctx, "s", request, &found);
  ASSERT_TRUE(searched.ok()) << searched.ToString();
  EXPECT_EQ(found, Naive(rows, "s", request));
}

TEST(SparseTest, WritesPostings) {
  RowGenerator generator(3);
  const Bytes bytes = WriteSegment(SparseRows(generator, 500), 0);
  std::set<size_t> sizes;
  (void)ChangePostings(bytes, [&](Bytes payload) {
    sizes.insert(payload.size());
    return payload;
  });
  EXPECT_EQ(sizes.size(), 2U);
  EXPECT_GT(*sizes.begin(), 500U);
}

TEST(SparseTest, QueriesThatAreNone) {
  RowGenerator generator(3);
  const std::vector<OracleRow> rows = SparseRows(generator, 50);
  const auto segment = Open(WriteSegment(rows, 0));
  const auto tail = TailOf(rows);
  runtime::Context ctx;
  for (const SparseVector& query :
       {SparseVector{{2, 1}, {1, 1}, {}}, SparseVector{{1, 1}, {1, 1}, {}},
        SparseVector{{1, 2}, {1}, {}}}) {
    index::SparseRequest request;
    request.query = query;
    request.k = 3;
    std::vector<index::Candidate> found;
    for (const Part* part : {static_cast<const Part*>(segment.get()), tail.get()}) {
      EXPECT_EQ(part->SearchSparse(ctx, "s", request, &found).code(), StatusCode::kInvalidArgument);
    }
  }
  SparseVector infinite = AnyVector(generator, 4);
  infinite.values[0] = INFINITY;
  index::SparseRequest request;
  request.query = infinite;
  request.k = 50;
  std::vector<index::Candidate> found;
  ASSERT_TRUE(segment->SearchSparse(ctx, "s", request, &found).ok());
  EXPECT_EQ(found, Naive(rows, "s", request));
}

TEST(SparseTest, RarityIsOfAllLiveRecords) {
  RowGenerator generator(5);
  const std::vector<OracleRow> rows = SparseRows(generator, 300);
  Snapshot snapshot;
  const auto dead = std::make_shared<Bitmap>(Some(generator, 300, 30));
  snapshot.parts.push_back({Open(WriteSegment(rows, 0)), dead});
  snapshot.parts.push_back({TailOf(rows), std::make_shared<Bitmap>()});
  snapshot.live = 600 - dead->Count();
  const SparseVector query = AnyVector(generator, 5);
  runtime::Context ctx;
  const auto scaled = ScaleByRarity(ctx, snapshot, "s", query);
  ASSERT_TRUE(scaled.ok()) << scaled.status().ToString();
  EXPECT_EQ(scaled->indices, query.indices);
  for (size_t i = 0; i < query.indices.size(); ++i) {
    uint64_t df = 0;
    for (uint32_t row = 0; row < rows.size(); ++row) {
      const SparseVector* vector = VectorOf(rows[row], "s");
      if (vector == nullptr) continue;
      const auto has = std::count(vector->indices.begin(), vector->indices.end(), query.indices[i]);
      df += static_cast<uint64_t>(has) * (dead->Contains(row) ? 1 : 2);
    }
    EXPECT_FLOAT_EQ(scaled->values[i],
                    static_cast<float>(double{query.values[i]} *
                                       index::InverseDocumentFrequency(snapshot.live, df)));
  }
}

TEST(SparseTest, DamagedPostingsAreMadeAgain) {
  RowGenerator generator(6);
  const std::vector<OracleRow> rows = SparseRows(generator, 300);
  const Bytes whole = WriteSegment(rows, 0);
  runtime::Context ctx;
  auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", whole),
                                              [](SectionType) { return true; });
  ASSERT_TRUE(sections.ok());
  const format::SectionInfo section = *sections->Find(SectionType::kSparsePostings, "s");
  Bytes bytes = whole;
  bytes.replace(section.offset + 10, 50, 50, '\x55');
  EXPECT_EQ(Open(bytes)->VerifyAll(ctx).code(), StatusCode::kDataLoss);
  ComparePart(generator, *Open(bytes), rows);
  const auto found = ExamineSegment(ctx, std::make_shared<MemoryBlob>("s", bytes));
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->damages.size(), 1U);
  EXPECT_TRUE(found->damages[0].mended) << found->damages[0].what;
  for (const store::Patch& patch : found->patches) {
    bytes.replace(patch.offset, patch.bytes.size(), patch.bytes);
  }
  EXPECT_EQ(bytes, whole);
}

TEST(SparseFrequenciesTest, WhatWasCountedIsKept) {
  RowGenerator generator(21);
  Snapshot snapshot;
  for (int part = 0; part < 2; ++part) {
    const Bytes bytes = WriteSegment(SparseRows(generator, 500), 0);
    auto dead = std::make_shared<Bitmap>();
    for (uint32_t row = 0; row < 500; row += 7) dead->Add(row);
    snapshot.parts.push_back({*SegmentReader::Open(*std::make_unique<runtime::Context>(),
                                                   std::make_shared<MemoryBlob>("test", bytes)),
                              dead});
  }
  Snapshot keeps = snapshot;
  keeps.frequencies = std::make_shared<SparseFrequencies>();
  runtime::Context ctx;
  for (int i = 0; i < 50; ++i) {
    const std::vector<uint32_t> dimensions = AnyVector(generator, 6).indices;
    for (const char* key : {"s", "t", "none"}) {
      const auto counted = CountSparse(ctx, snapshot, key, dimensions);
      EXPECT_EQ(*CountSparse(ctx, keeps, key, dimensions), *counted);
      for (size_t at = 0; at < dimensions.size(); ++at) {
        EXPECT_EQ(keeps.frequencies->Find(key, dimensions[at]), (*counted)[at]);
      }
    }
  }
}

TEST(SparseFrequenciesTest, HoldsSoManyAtMost) {
  SparseFrequencies frequencies;
  const std::vector<uint64_t> one{1};
  for (uint32_t i = 0; i < 3 * SparseFrequencies::kCountsMax; ++i) {
    frequencies.Add("k", std::vector<uint32_t>{i}, one);
  }
  uint32_t held = 0;
  for (uint32_t i = 0; i < 3 * SparseFrequencies::kCountsMax; ++i) {
    held += frequencies.Find("k", i) ? 1 : 0;
  }
  EXPECT_LE(held, SparseFrequencies::kCountsMax);
  EXPECT_GT(held, 0U);
}

}  // namespace
}  // namespace chroma::segment
