// segment/segment_reader.h: any bytes as a segment, and everything that can be asked of it. The
// first byte of an input says whether the rest is a whole blob, or sections (sections.h) that get
// a right frame, footer and checksums around them.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "fuzz.h"
#include "fuzz_sections.h"
#include "segment/segment_reader.h"
#include "testing/memory_blobs.h"

namespace chroma::fuzz {
namespace {

// A segment may truly hold 2^32 - 2 rows in few bytes; asking for each takes too long.
constexpr uint32_t kRowsMax = 300;

void ReadRows(const segment::SegmentReader& segment) {
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < std::min(segment.rows(), kRowsMax); ++row) {
    rows.push_back(row);
    const auto id = segment.Id(row);
    if (id.ok()) (void)segment.FindId(*id);
    (void)segment.InsertionOffset(row);
    const auto run = segment.dimension() > 0 ? segment.Vectors(row) : segment::VectorRun();
    if (!run.ok() || run->rows == 0) continue;
    CHECK(run->rows <= segment.rows() - row);
    const volatile float last = run->values[size_t{run->rows} * segment.dimension() - 1];
    (void)last;
  }
  std::vector<std::optional<std::string>> texts;
  if (segment.ReadDocuments(rows, &texts).ok()) CHECK(texts.size() == rows.size());
  texts.clear();
  if (segment.ReadUris(rows, &texts).ok()) CHECK(texts.size() == rows.size());
  std::vector<model::Metadata> metadata;
  if (segment.ReadMetadata(rows, &metadata).ok()) CHECK(metadata.size() == rows.size());
}

void MatchAndEstimate(runtime::Context& ctx, const segment::SegmentReader& segment,
                      const model::MetadataPredicate& predicate) {
  (void)segment.Match(ctx, predicate);
  (void)segment.EstimateMatch(predicate);
  (void)segment.MatchCost(predicate);
}

void MatchRows(runtime::Context& ctx, const segment::SegmentReader& segment) {
  using model::CompareOperator;
  const model::MetadataValue scalars[] = {true, int64_t{3}, 2.5, std::string("red")};
  const model::MetadataValue arrays[] = {model::BoolArray{{1}}, std::vector<int64_t>{1, 3},
                                         std::vector<double>{2.5}, std::vector<std::string>{"red"}};
  for (const char* key : {"k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "none"}) {
    for (const auto op : {CompareOperator::kEqual, CompareOperator::kLess,
                          CompareOperator::kGreaterOrEqual, CompareOperator::kArrayContains}) {
      for (const auto& value : scalars) MatchAndEstimate(ctx, segment, {key, op, value});
    }
    for (const auto& value : arrays) {
      MatchAndEstimate(ctx, segment, {key, CompareOperator::kIn, value});
    }
  }
  const index::TextPattern patterns[] = {
      index::TextPattern::AnyOf({"d-1", "9"}), index::TextPattern::AnyOf({"d-42"}),
      index::TextPattern::Of(*index::Phrase::Parse("id 3", /*ends_with_prefix=*/true))};
  for (const char* key : {"k4", "k9", "title", "none"}) {
    for (const index::TextPattern& pattern : patterns) {
      std::string how;
      (void)segment.MatchText(ctx, key, pattern, &how);
      (void)segment.EstimateMatchText(ctx, key, pattern);
      (void)segment.MatchTextCost(key, pattern);
    }
  }
  const auto has_text = [](std::string_view text) { return !text.empty(); };
  (void)segment.MatchDocuments(ctx, nullptr, has_text);
  const Bitmap some = Bitmap::Range(1, 3);
  (void)segment.MatchDocuments(ctx, &some, has_text);
  (void)segment.MatchUris(ctx, nullptr, has_text);
  for (const char* needle : {"document", "r 1", "9"}) {
    (void)segment.FindText(index::TextQuery::Substring(needle));
  }
}

void SearchSparse(runtime::Context& ctx, const segment::SegmentReader& segment) {
  if (segment.rows() > kRowsMax) return;
  const model::SparseVector query{{1, 70'000, 80'000}, {0.5F, -1.0F, 2.0F}, {}};
  const Bitmap some = Bitmap::Range(1, 200);
  for (const char* key : {"k5", "none"}) {
    index::SparseRequest request;
    request.query = query;
    request.k = 5;
    for (const Bitmap* dead : {static_cast<const Bitmap*>(nullptr), &some}) {
      request.dead = dead;
      std::vector<index::Candidate> found;
      if (!segment.SearchSparse(ctx, key, request, &found).ok()) continue;
      CHECK(found.size() <= request.k);
      for (const index::Candidate& candidate : found) CHECK(candidate.row < segment.rows());
    }
    std::vector<uint64_t> counts(query.indices.size());
    (void)segment.CountSparse(ctx, key, query.indices, some, counts);
  }
}

}  // namespace

void Run(BytesView input) {
  const std::optional<Bytes> bytes = ContainerOf(input);
  if (!bytes) return;
  runtime::Context ctx;
  auto segment =
      segment::SegmentReader::Open(ctx, std::make_shared<testing::MemoryBlob>("s", *bytes));
  if (!segment.ok()) {
    const StatusCode code = segment.status().code();
    CHECK(code == StatusCode::kDataLoss || code == StatusCode::kFailedPrecondition);
    return;
  }
  ReadRows(**segment);
  MatchRows(ctx, **segment);
  SearchSparse(ctx, **segment);
  (void)(*segment)->VerifyAll(ctx);
  (*segment)->ReleasePages();
}

}  // namespace chroma::fuzz
