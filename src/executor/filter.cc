#include "executor/filter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "index/text/contains.h"

namespace chroma::executor {
namespace {

using segment::Part;

bool IsOneOf(const std::vector<std::string>& sorted, std::string_view text) {
  return std::binary_search(sorted.begin(), sorted.end(), text);
}

// The rows of ids that `wanted(row)`.
template <typename Wanted>
Result<Bitmap> FindRows(runtime::Context& ctx, const planner::IdIn& in, const Part& part,
                        Wanted wanted) {
  constexpr size_t kIdsPerCheck = 4096;
  std::vector<uint32_t> rows;
  for (size_t i = 0; i < in.ids.size(); ++i) {
    if (i % kIdsPerCheck == 0) CHROMA_TRY(ctx.Check());
    CHROMA_ASSIGN(std::optional<uint32_t> row, part.FindId(in.ids[i]));
    if (row && wanted(*row)) rows.push_back(*row);
  }
  std::sort(rows.begin(), rows.end());
  return Bitmap::FromSorted(rows.data(), rows.size());
}

// One overload per node; each returns a subset of `candidates`.
struct Evaluator {
  runtime::Context& ctx;
  const Part& part;

  Result<Bitmap> operator()(const planner::AllOf& all, Bitmap candidates) const {
    for (const planner::Predicate& child : all.children) {
      if (candidates.Empty()) break;
      CHROMA_ASSIGN(candidates, Evaluate(ctx, child, part, std::move(candidates)));
    }
    return candidates;
  }

  Result<Bitmap> operator()(const planner::AnyOf& any, Bitmap candidates) const {
    Bitmap found;
    for (const planner::Predicate& child : any.children) {
      if (candidates.Empty()) break;
      CHROMA_ASSIGN(Bitmap more, Evaluate(ctx, child, part, candidates));
      candidates -= more;
      found |= more;
    }
    return found;
  }

  Result<Bitmap> operator()(const planner::Not& negation, Bitmap candidates) const {
    CHROMA_ASSIGN(Bitmap excluded, Evaluate(ctx, *negation.child, part, candidates));
    candidates -= excluded;
    return candidates;
  }

  Result<Bitmap> operator()(const planner::IdIn& in, Bitmap candidates) const {
    return FindRows(ctx, in, part, [&](uint32_t row) { return candidates.Contains(row); });
  }

  Result<Bitmap> operator()(const planner::HasMetadata& has, Bitmap candidates) const {
    CHROMA_ASSIGN(Bitmap matching, part.Match(ctx, has.predicate));
    candidates &= matching;
    return candidates;
  }

  Result<Bitmap> operator()(const planner::DocumentContains& contains, Bitmap candidates) const {
    return part.MatchDocuments(ctx, &candidates, [&](std::string_view document) {
      return index::Contains(document, contains.needle);
    });
  }

  Result<Bitmap> operator()(const planner::DocumentMatches& matches, Bitmap candidates) const {
    return part.MatchDocuments(ctx, &candidates, [&](std::string_view document) {
      return matches.regex->Matches(document);
    });
  }

  Result<Bitmap> operator()(const planner::DocumentIn& in, Bitmap candidates) const {
    return part.MatchDocuments(ctx, &candidates, [&](std::string_view document) {
      return IsOneOf(in.documents, document);
    });
  }

  Result<Bitmap> operator()(const planner::UriIn& in, Bitmap candidates) const {
    CHROMA_ASSIGN(Bitmap matching,
                  part.MatchUris(ctx, [&](std::string_view uri) { return IsOneOf(in.uris, uri); }));
    candidates &= matching;
    return candidates;
  }
};

}  // namespace

Result<Bitmap> Evaluate(runtime::Context& ctx, const planner::Predicate& predicate,
                        const Part& part, Bitmap candidates) {
  CHROMA_TRY(ctx.Check());
  return std::visit(
      [&](const auto& node) {
        return Evaluator{ctx, part}(node, std::move(candidates));
      },
      predicate.node);
}

Result<Bitmap> SelectRows(runtime::Context& ctx, const planner::Predicate* predicate,
                          const segment::SnapshotPart& part) {
  if (predicate != nullptr) {
    // A few ids do not need the bitmap of all that lives.
    if (const auto* in = std::get_if<planner::IdIn>(&predicate->node)) {
      return FindRows(ctx, *in, *part.part,
                      [&](uint32_t row) { return !part.dead->Contains(row); });
    }
  }
  Bitmap live = Bitmap::Range(0, part.part->rows());
  live -= *part.dead;
  if (predicate == nullptr) return live;
  return Evaluate(ctx, *predicate, *part.part, std::move(live));
}

}  // namespace chroma::executor
