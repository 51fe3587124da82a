// index/sparse/postings.h: any bytes as the postings of a sparse key, counts in them and searches.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "fuzz.h"
#include "index/sparse/postings.h"

namespace chroma::fuzz {
namespace {

// More rows than these only take longer.
constexpr uint32_t kRowsMax = 1 << 20;

Result<std::optional<double>> AnyDot(uint32_t row) {
  return row % 7 == 0 ? std::optional<double>() : 0.25 * (row % 5);
}

void Search(const index::SparsePostings& postings, index::SparseView query) {
  const Bitmap some = Bitmap::Range(3, 4000);
  for (const Bitmap* allowed : {static_cast<const Bitmap*>(nullptr), &some}) {
    for (const Bitmap* dead : {static_cast<const Bitmap*>(nullptr), &some}) {
      index::SparseRequest request;
      request.query = query;
      request.k = 5;
      request.allowed = allowed;
      request.dead = dead;
      std::vector<index::Candidate> found;
      const Status status = postings.Search(request, AnyDot, &found);
      CHECK(status.ok() || status.code() == StatusCode::kDataLoss);
      CHECK(found.size() <= request.k && std::is_sorted(found.begin(), found.end()));
      for (const index::Candidate& candidate : found) CHECK(candidate.row < postings.rows());
    }
  }
  std::vector<uint64_t> counts(query.size());
  for (const uint32_t rows : {5U, 4000U}) {
    (void)postings.CountAmong(query.indices, Bitmap::Range(0, rows), counts);
  }
  for (const uint32_t dimension : query.indices) (void)postings.Count(dimension);
}

}  // namespace

void Run(BytesView input) {
  if (input.size() < sizeof(index::PostingsHeader)) return;
  const auto header = LoadFixed<index::PostingsHeader>(input.data());
  if (header.rows > kRowsMax) return;
  const auto postings = index::SparsePostings::Open(input, header.rows);
  if (!postings.ok()) {
    CHECK(postings.status().code() == StatusCode::kDataLoss);
    return;
  }
  const Status verified = postings->Verify({});
  CHECK(verified.ok() || verified.code() == StatusCode::kDataLoss);
  // Of dimensions that the seeds have, and weights of both signs.
  const std::vector<uint32_t> indices = {0, 1, 2, 3, 7, 1000, UINT32_MAX};
  const std::vector<float> values = {1, -1, 0.5F, 0, 3e38F, -1e-40F, 2};
  Search(*postings, {indices, values});
  Search(*postings, {std::span(indices).first(2), std::span(values).first(2)});
}

}  // namespace chroma::fuzz
