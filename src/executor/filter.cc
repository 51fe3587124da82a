#include "executor/filter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "executor/clause_order.h"
#include "executor/estimate.h"
#include "executor/match_rows.h"
#include "index/text/contains.h"
#include "index/text/text_query.h"
#include "planner/describe.h"

namespace chroma::executor {
namespace {

using segment::Part;

bool IsOneOf(const std::vector<std::string>& sorted, std::string_view text) {
  return std::binary_search(sorted.begin(), sorted.end(), text);
}

// So few documents are read at once.
constexpr uint64_t kRowsReadMax = 16;

// The candidates whose document `test` accepts, read by all of the pool where they are many.
Result<Bitmap> Read(runtime::Context& ctx, const Part& part, const Bitmap& candidates,
                    runtime::ThreadPool* pool, const Part::TextTest& test) {
  constexpr uint64_t kRowsPerTask = 32;  // about as many blocks of documents: .4 ms
  const uint64_t tasks = pool == nullptr
                             ? 1
                             : std::min<uint64_t>(candidates.Count() / kRowsPerTask,
                                                  4 * static_cast<uint64_t>(pool->workers()));
  if (tasks <= 1) return part.MatchDocuments(ctx, &candidates, test);
  std::vector<Result<Bitmap>> found(tasks, Bitmap());
  pool->ParallelFor(tasks, [&](size_t i) {
    const auto bound = [&](uint64_t task) {
      return static_cast<uint32_t>(task * part.rows() / tasks);
    };
    Bitmap some = Bitmap::Range(bound(i), bound(i + 1));
    some &= candidates;
    found[i] = part.MatchDocuments(ctx, &some, test);
  });
  Bitmap all;
  for (const Result<Bitmap>& some : found) {
    CHROMA_TRY(some.status());
    all |= *some;
  }
  return all;
}

// `certain`, and the candidates whose document `test` accepts. Reads only as many documents as the
// first `options.rows_max` rows take.
Result<Bitmap> ReadFirst(runtime::Context& ctx, const Part& part, const Bitmap& candidates,
                         Bitmap certain, const FilterOptions& options, const Part::TextTest& test) {
  constexpr double kRowsAtOnceMin = 16;
  constexpr double kRowsAtOnceMax = 4096;
  constexpr uint64_t kGrowth = 4;
  const uint64_t rows_max = options.rows_max;
  if (rows_max >= candidates.Count() + certain.Count()) {
    if (candidates.Empty()) return certain;
    CHROMA_ASSIGN(Bitmap matching, Read(ctx, part, candidates, options.pool, test));
    certain |= matching;
    return certain;
  }
  const auto bounded = [&](double rows) {
    return static_cast<size_t>(std::clamp(rows, kRowsAtOnceMin, kRowsAtOnceMax));
  };
  std::vector<uint32_t> some(bounded(1.1 * static_cast<double>(rows_max)));
  Bitmap found;
  uint64_t read = 0;
  for (uint32_t from = 0; size_t n = candidates.Read(from, some.data(), some.size());) {
    const Bitmap next = Bitmap::FromSorted(some.data(), n);
    CHROMA_ASSIGN(const Bitmap matching, Read(ctx, part, next, options.pool, test));
    found |= matching;
    read += n;
    from = some[n - 1] + 1;
    const uint64_t have = found.Count() + certain.CountRange(0, from);
    if (have >= rows_max) break;
    // As many as will be enough if they match as often as those before.
    const double share =
        static_cast<double>(std::max<uint64_t>(have, 1)) / static_cast<double>(read);
    const double more = 1.1 * static_cast<double>(rows_max - have) / share;
    some.resize(std::min<size_t>(bounded(more), some.size() * kGrowth));
  }
  found |= certain;
  return found;
}

// Whether the first candidates match so often that reading documents until there are enough is
// quicker than looking at all terms.
Result<bool> MatchOften(runtime::Context& ctx, const Part& part, const Bitmap& candidates,
                        uint64_t rows_max, const Part::TextTest& test) {
  constexpr size_t kRowsTried = 256;
  constexpr uint64_t kShareRead = 16;  // of the candidates; about as long as all terms take
  if (rows_max > candidates.Count() / kShareRead) return false;
  std::vector<uint32_t> some(kRowsTried);
  some.resize(candidates.Read(0, some.data(), some.size()));
  const Bitmap tried = Bitmap::FromSorted(some.data(), some.size());
  CHROMA_ASSIGN(const Bitmap matching, part.MatchDocuments(ctx, &tried, test));
  return rows_max * some.size() * kShareRead <= matching.Count() * candidates.Count();
}

// The candidates whose document `test` accepts. No document that it accepts fails to satisfy the
// query; when that is exact, no other satisfies it.
Result<Bitmap> MatchText(runtime::Context& ctx, const Part& part, Bitmap candidates,
                         const FilterOptions& options, const index::TextQuery& query, bool exact,
                         const Part::TextTest& test) {
  const auto tell = [&](const std::string& how, uint64_t documents) {
    if (options.trace == nullptr) return;
    options.trace->How(how + std::to_string(documents) + " documents to read");
  };
  if (candidates.Count() <= kRowsReadMax) {
    tell("", candidates.Count());
    return part.MatchDocuments(ctx, &candidates, test);
  }
  if (options.rows_max < candidates.Count() && query.ReadsAllTerms()) {
    CHROMA_ASSIGN(const bool often, MatchOften(ctx, part, candidates, options.rows_max, test));
    if (often) {
      tell("most match, of ", candidates.Count());
      return ReadFirst(ctx, part, candidates, Bitmap(), options, test);
    }
  }
  CHROMA_ASSIGN(std::optional<index::TextRows> rows,
                part.FindText(query, [&ctx] { return ctx.Check(); }));
  if (!rows) {
    tell("no text index, ", candidates.Count());
    return ReadFirst(ctx, part, candidates, Bitmap(), options, test);
  }
  rows->certain &= candidates;
  candidates &= rows->possible;
  if (!exact) {
    candidates |= rows->certain;
    rows->certain = Bitmap();
  }
  tell("text index, ", candidates.Count());
  return ReadFirst(ctx, part, candidates, std::move(rows->certain), options, test);
}

// What a document contains that is the text.
index::TextQuery BeginningOf(std::string_view text) {
  constexpr size_t kBytesMax = 256;
  size_t end = std::min(text.size(), kBytesMax);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return index::TextQuery::Substring(std::string(text.substr(0, end)));
}

// What each of the documents satisfies, unless reading `candidates` documents takes no longer than
// looking so many things up: then it is everything. What has one or two bytes is looked for in all
// terms.
index::TextQuery BeginningsOf(const std::vector<std::string>& documents, uint64_t candidates) {
  constexpr size_t kShort = 3;
  constexpr uint64_t kDocumentsPerLookUp = 4;
  constexpr uint64_t kShareOfAllTerms = 16;  // of the candidates; as in MatchOften
  uint64_t reads = 0;
  for (const std::string& document : documents) {
    reads += document.size() < kShort ? candidates / kShareOfAllTerms + 1 : kDocumentsPerLookUp;
    if (document.empty() || reads > candidates) return index::TextQuery::All();
  }
  std::vector<index::TextQuery> any;
  for (const std::string& document : documents) any.push_back(BeginningOf(document));
  return index::TextQuery::Or(std::move(any));
}

std::vector<const planner::Predicate*> InGivenOrder(const planner::AnyOf& any) {
  std::vector<const planner::Predicate*> children;
  for (const planner::Predicate& child : any.children) children.push_back(&child);
  return children;
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

// How many values the predicate compares with.
size_t ValuesOf(const model::MetadataPredicate& predicate) {
  return std::visit(
      [](const auto& operand) -> size_t {
        using Operand = std::decay_t<decltype(operand)>;
        if constexpr (std::is_same_v<Operand, std::string> || !requires { operand.size(); }) {
          return 1;
        } else {
          return operand.size();
        }
      },
      predicate.operand);
}

// One overload per node; each returns a subset of `candidates`.
struct Evaluator {
  runtime::Context& ctx;
  const Part& part;
  const FilterOptions& options;

  Result<Bitmap> operator()(const planner::AllOf& all, Bitmap candidates) const {
    CHROMA_ASSIGN(const auto children, InOrderOfCost(ctx, all, part, candidates.Count()));
    const FilterOptions all_rows{kAllRows, options.pool, options.trace};
    for (const planner::Predicate* child : children) {
      if (candidates.Empty()) break;
      CHROMA_ASSIGN(candidates, Evaluate(ctx, *child, part, std::move(candidates),
                                         child == children.back() ? options : all_rows));
    }
    return candidates;
  }

  Result<Bitmap> operator()(const planner::AnyOf& any, Bitmap candidates) const {
    const bool limited = options.rows_max < candidates.Count();
    std::vector<const planner::Predicate*> children = InGivenOrder(any);
    if (limited) {
      CHROMA_ASSIGN(children, InOrderOfCost(ctx, any, part, candidates.Count()));
    }
    Bitmap found;
    for (const planner::Predicate* child : children) {
      if (candidates.Empty()) break;
      CHROMA_ASSIGN(Bitmap more, Evaluate(ctx, *child, part, candidates, options));
      candidates -= more;
      found |= more;
      if (limited && found.Count() >= options.rows_max) KeepFirst(found, &candidates);
    }
    return found;
  }

  // Candidates behind as many rows as are wanted need not be looked at.
  void KeepFirst(const Bitmap& found, Bitmap* candidates) const {
    if (options.rows_max == 0) {
      *candidates = Bitmap();
    } else {
      *candidates &= Bitmap::Range(0, found.Nth(static_cast<uint32_t>(options.rows_max - 1)));
    }
  }

  Result<Bitmap> operator()(const planner::Not& negation, Bitmap candidates) const {
    const FilterOptions all_rows{kAllRows, options.pool, options.trace};
    CHROMA_ASSIGN(Bitmap excluded, Evaluate(ctx, *negation.child, part, candidates, all_rows));
    candidates -= excluded;
    return candidates;
  }

  void How(const std::string& how) const {
    if (options.trace != nullptr) options.trace->How(how);
  }

  Result<Bitmap> operator()(const planner::IdIn& in, Bitmap candidates) const {
    How("index of ids");
    return FindRows(ctx, in, part, [&](uint32_t row) { return candidates.Contains(row); });
  }

  Result<Bitmap> operator()(const planner::HasMetadata& has, Bitmap candidates) const {
    if (options.trace != nullptr) options.trace->How(part.DescribeKey(has.predicate.key));
    const uint64_t rows = candidates.Count();
    // A list is put in order before rows are looked up in it.
    const bool is_short = ValuesOf(has.predicate) <= rows;
    if (rows <= kRowsReadMax || (is_short && rows <= part.MatchCost(has.predicate))) {
      Result<Bitmap> few = MatchRows(part, has.predicate, candidates);
      // Of values of another type, which Match does not read.
      const bool damaged = few.status().code() == StatusCode::kDataLoss;
      if (!damaged) return few;
    }
    CHROMA_ASSIGN(Bitmap matching, part.Match(ctx, has.predicate));
    candidates &= matching;
    return candidates;
  }

  Result<Bitmap> operator()(const planner::MetadataHasText& has, Bitmap candidates) const {
    const uint64_t rows = candidates.Count();
    if (rows <= kRowsReadMax || rows <= part.MatchTextCost(has.key, *has.pattern)) {
      How(part.DescribeKey(has.key) + ", " + std::to_string(rows) + " rows to read");
      Result<Bitmap> few = MatchTextRows(ctx, part, has.key, *has.pattern, candidates);
      // As of HasMetadata.
      const bool damaged = few.status().code() == StatusCode::kDataLoss;
      if (!damaged) return few;
    }
    std::string how;
    CHROMA_ASSIGN(const Bitmap matching, part.MatchText(ctx, has.key, *has.pattern, &how));
    How(part.DescribeKey(has.key) + ": " + how);
    candidates &= matching;
    return candidates;
  }

  Result<Bitmap> operator()(const planner::DocumentContains& contains, Bitmap candidates) const {
    return MatchText(
        ctx, part, std::move(candidates), options, index::TextQuery::Substring(contains.needle),
        true,
        [&](std::string_view document) { return index::Contains(document, contains.needle); });
  }

  Result<Bitmap> operator()(const planner::DocumentMatches& matches, Bitmap candidates) const {
    return MatchText(ctx, part, std::move(candidates), options, matches.regex->query(),
                     matches.regex->query_is_exact(),
                     [&](std::string_view document) { return matches.regex->Matches(document); });
  }

  Result<Bitmap> operator()(const planner::DocumentHasPhrase& has, Bitmap candidates) const {
    return MatchText(ctx, part, std::move(candidates), options, has.phrase->query(),
                     has.phrase->query_is_exact(),
                     [&](std::string_view document) { return has.phrase->Matches(document); });
  }

  Result<Bitmap> operator()(const planner::DocumentIn& in, Bitmap candidates) const {
    const index::TextQuery beginnings = BeginningsOf(in.documents, candidates.Count());
    return MatchText(ctx, part, std::move(candidates), options, beginnings, false,
                     [&](std::string_view document) { return IsOneOf(in.documents, document); });
  }

  Result<Bitmap> operator()(const planner::UriIn& in, Bitmap candidates) const {
    How("uris, one by one");
    return part.MatchUris(ctx, &candidates,
                          [&](std::string_view uri) { return IsOneOf(in.uris, uri); });
  }
};

Result<Bitmap> Run(runtime::Context& ctx, const planner::Predicate& predicate, const Part& part,
                   Bitmap candidates, const FilterOptions& options) {
  return std::visit(
      [&](const auto& node) {
        return Evaluator{ctx, part, options}(node, std::move(candidates));
      },
      predicate.node);
}

// As a step of the trace, with how many rows it is expected to leave.
Result<Bitmap> RunTraced(runtime::Context& ctx, const planner::Predicate& predicate,
                         const Part& part, Bitmap candidates, const FilterOptions& options) {
  const uint64_t rows_in = candidates.Count();
  options.trace->Pause();
  CHROMA_ASSIGN(const double share, Estimator(part, &candidates).Share(ctx, predicate));
  options.trace->Resume();
  options.trace->Begin(planner::Describe(predicate), rows_in, share * static_cast<double>(rows_in));
  Result<Bitmap> found = Run(ctx, predicate, part, std::move(candidates), options);
  options.trace->End(found.ok() ? found->Count() : 0);
  return found;
}

}  // namespace

Result<Bitmap> Evaluate(runtime::Context& ctx, const planner::Predicate& predicate,
                        const Part& part, Bitmap candidates, const FilterOptions& options) {
  CHROMA_TRY(ctx.Check());
  if (options.trace == nullptr) return Run(ctx, predicate, part, std::move(candidates), options);
  return RunTraced(ctx, predicate, part, std::move(candidates), options);
}

Result<Bitmap> SelectRows(runtime::Context& ctx, const planner::Predicate* predicate,
                          const segment::SnapshotPart& part, const FilterOptions& options) {
  if (predicate != nullptr && options.trace == nullptr) {
    // A few ids do not need the bitmap of all that lives.
    if (const auto* in = std::get_if<planner::IdIn>(&predicate->node)) {
      return FindRows(ctx, *in, *part.part,
                      [&](uint32_t row) { return !part.dead->Contains(row); });
    }
  }
  Bitmap live = Bitmap::Range(0, part.part->rows());
  live -= *part.dead;
  if (predicate == nullptr) return live;
  return Evaluate(ctx, *predicate, *part.part, std::move(live), options);
}

}  // namespace chroma::executor
