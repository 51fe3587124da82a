#include "segment/sparse_column.h"

#include <algorithm>

#include "index/sparse/postings_builder.h"

namespace chroma::segment {

using index::Candidate;
using index::SparseRequest;
using index::SparseView;

namespace {

constexpr uint32_t kRowsPerCheck = 4096;

bool IsWanted(const SparseRequest& request, uint32_t row) {
  return (request.allowed == nullptr || request.allowed->Contains(row)) &&
         (request.dead == nullptr || !request.dead->Contains(row));
}

}  // namespace

template <typename Visit>
Status SparseColumn::ForEach(runtime::Context& ctx, Visit&& visit) const {
  const uint32_t count = column_.presence().count();
  std::vector<uint64_t> all((count + 63) / 64, ~uint64_t{0});
  if (count % 64 != 0) all.back() = (uint64_t{1} << count % 64) - 1;
  const std::vector<uint32_t> rows = column_.presence().ToRows(all).ToVector();
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (i % kRowsPerCheck == 0) CHROMA_TRY(ctx.Check());
    visit(rows[i], i);
  }
  return Status::Ok();
}

std::optional<double> SparseColumn::DotOf(SparseView query, uint32_t ordinal) const {
  const format::PackedReader& indices = column_.indices();
  return index::SparseDot(
      query, column_.offsets()[ordinal], column_.offsets()[uint64_t{ordinal} + 1],
      [&](uint64_t i) { return indices[i]; }, [&](uint64_t i) { return column_.weight(i); });
}

std::optional<double> SparseColumn::Dot(SparseView query, uint32_t row) const {
  const uint32_t ordinal = column_.presence().Ordinal(row);
  if (ordinal == format::PresenceReader::kAbsent) return std::nullopt;
  return DotOf(query, ordinal);
}

Status SparseColumn::Search(runtime::Context& ctx, const SparseRequest& request,
                            std::vector<Candidate>* out) const {
  index::NearestSparse nearest(request.k, request.bound);
  const auto push = [&](uint32_t row, std::optional<double> dot) {
    if (dot) nearest.Push({index::SparseDistance(*dot), row});
  };
  if (request.allowed != nullptr && request.allowed->Count() < column_.presence().count() / 4) {
    uint32_t visited = 0;
    for (const uint32_t row : request.allowed->ToVector()) {
      if (visited++ % kRowsPerCheck == 0) CHROMA_TRY(ctx.Check());
      if (IsWanted(request, row)) push(row, Dot(request.query, row));
    }
  } else {
    CHROMA_TRY(ForEach(ctx, [&](uint32_t row, uint32_t ordinal) {
      if (IsWanted(request, row)) push(row, DotOf(request.query, ordinal));
    }));
  }
  nearest.Take(out);
  return Status::Ok();
}

Status SparseColumn::Count(runtime::Context& ctx, std::span<const uint32_t> dimensions,
                           const Bitmap& dead, std::span<uint64_t> counts) const {
  const format::PackedReader& indices = column_.indices();
  return ForEach(ctx, [&](uint32_t row, uint32_t ordinal) {
    if (dead.Contains(row)) return;
    CountShared(
        dimensions, column_.offsets()[ordinal], column_.offsets()[uint64_t{ordinal} + 1],
        [&](uint64_t i) { return indices[i]; }, counts);
  });
}

Status SparseColumn::EncodePostings(uint32_t rows, Bytes& out) const {
  std::vector<uint32_t> present;
  std::vector<uint64_t> ends{0};
  std::vector<uint64_t> indices;
  std::vector<float> weights;
  runtime::Context ctx;
  CHROMA_TRY(ForEach(ctx, [&](uint32_t row, uint32_t ordinal) {
    const uint64_t begin = column_.offsets()[ordinal];
    const uint64_t end = column_.offsets()[uint64_t{ordinal} + 1];
    // Empty ones have no postings, and take no bytes that would bound how many there are.
    if (begin == end) return;
    present.push_back(row);
    for (uint64_t i = begin; i < end; ++i) {
      indices.push_back(column_.indices()[i]);
      weights.push_back(column_.weight(i));
    }
    ends.push_back(indices.size());
  }));
  return index::EncodePostings({present, ends, indices, weights}, rows, out);
}

}  // namespace chroma::segment
