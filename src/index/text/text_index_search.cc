// How the text index answers: each substring becomes clauses over terms, all of which have to
// hold, and clauses become rows, the rarest first.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json_string.h"
#include "index/text/contains.h"
#include "index/text/postings.h"
#include "index/text/text_index.h"
#include "index/text/text_index_format.h"

namespace chroma::index {
namespace {

// Reading a list takes some 2 ns a row, looking at the text of one row some microseconds.
constexpr uint64_t kListRowsPerText = 2000;
// More runs of a needle are not looked up: what is left is found by looking at the texts.
constexpr size_t kRunsMax = 64;
constexpr size_t kGramBytes = 3;

Status Undecodable() {
  return Status::DataLoss("the text index is malformed: a list of rows cannot be decoded");
}

// Whether reading a list of `listed` rows pays when `candidates` rows are left.
bool Pays(uint64_t listed, uint64_t candidates, uint64_t rows) {
  return listed <= candidates * kListRowsPerText && listed <= rows - rows / 10;
}

// As much of a needle as is looked up; whoever contains the needle contains this.
std::string_view BeginningOf(std::string_view needle) {
  constexpr size_t kBytesMax = 4096;
  if (needle.size() <= kBytesMax) return needle;
  size_t end = kBytesMax;
  while ((static_cast<unsigned char>(needle[end]) & 0xC0) == 0x80) --end;
  return needle.substr(0, end);
}

std::vector<std::string_view> PairsOf(std::string_view run) {
  std::vector<std::string_view> pairs;
  PairCutter cutter(run);
  for (std::string_view pair; cutter.Next(&pair);) pairs.push_back(pair);
  return pairs;
}

}  // namespace

class TextIndexSearch {
 public:
  TextIndexSearch(const TextIndexReader& index, const TextIndexReader::Check& check,
                  Counting counting = Counting::kAllTerms)
      : index_(index), check_(check), found_only_(counting == Counting::kFoundTerms) {}

  // A query with its terms looked up.
  struct Node {
    using Postings = TextIndexReader::Postings;
    // Rows of any of the terms, or of all of the pairs.
    struct Clause {
      std::vector<Postings> any;
      std::vector<Postings> pairs;
      uint64_t estimate = 0;
    };
    TextQuery::Kind kind = TextQuery::Kind::kSubstring;
    bool everything = false;      // a substring of which the index knows nothing
    bool one_run = false;         // rows of the only clause's terms have what is looked for
    std::vector<Clause> clauses;  // of a leaf; by estimate
    std::vector<Node> children;
    uint64_t estimate = 0;
  };

  Result<Node> Resolve(const TextQuery& query) const {
    if (query.kind == TextQuery::Kind::kSubstring) return ResolveSubstring(query.substring);
    if (query.kind == TextQuery::Kind::kWord || query.kind == TextQuery::Kind::kWordPrefix) {
      return ResolveWord(query);
    }
    Node node;
    node.kind = query.kind;
    node.everything = query.IsAll();
    for (const TextQuery& child : query.children) {
      CHROMA_ASSIGN(Node resolved, Resolve(child));
      node.children.push_back(std::move(resolved));
    }
    const bool all = query.kind == TextQuery::Kind::kAnd;
    node.estimate = all || node.everything ? index_.rows_ : 0;
    for (const Node& child : node.children) {
      node.estimate = all ? std::min(node.estimate, child.estimate)
                          : std::min<uint64_t>(index_.rows_, node.estimate + child.estimate);
    }
    std::sort(node.children.begin(), node.children.end(),
              [](const Node& a, const Node& b) { return a.estimate < b.estimate; });
    return node;
  }

  Result<TextRows> Rows(const Node& node) const {
    TextRows rows;
    if (node.everything) {
      rows.possible = Bitmap::Range(0, index_.rows_);
    } else if (!node.clauses.empty()) {
      return ClauseRows(node);
    } else if (node.kind == TextQuery::Kind::kOr) {
      for (const Node& child : node.children) {
        CHROMA_ASSIGN(const TextRows more, Rows(child));
        rows.certain |= more.certain;
        rows.possible |= more.possible;
      }
      rows.possible -= rows.certain;
    } else {
      return AllRows(node);
    }
    return rows;
  }

  Result<Bitmap> IrregularRows() const {
    if (index_.irregular_.count == 0) return Bitmap();
    return Union({index_.irregular_});
  }

 private:
  using Postings = TextIndexReader::Postings;
  using Clause = Node::Clause;

  Result<TextRows> AllRows(const Node& node) const {
    CHROMA_ASSIGN(TextRows rows, Rows(node.children[0]));
    for (size_t i = 1; i < node.children.size(); ++i) {
      const Node& child = node.children[i];
      Bitmap either = rows.certain;
      either |= rows.possible;
      if (either.Empty()) break;
      if (!Pays(child.estimate, either.Count(), index_.rows_)) {
        rows = TextRows{Bitmap(), std::move(either)};
        continue;
      }
      CHROMA_ASSIGN(const TextRows more, Rows(child));
      Bitmap also = more.certain;
      also |= more.possible;
      rows.certain &= more.certain;
      either &= also;
      either -= rows.certain;
      rows.possible = std::move(either);
    }
    return rows;
  }

  Result<TextRows> ClauseRows(const Node& node) const {
    TextRows rows;
    if (node.one_run) {
      const Clause& clause = node.clauses[0];
      CHROMA_ASSIGN(rows.certain, Union(clause.any));
      CHROMA_ASSIGN(rows.possible, Intersection(clause.pairs));
      rows.possible -= rows.certain;
      return rows;
    }
    bool first = true;
    for (const Clause& clause : node.clauses) {
      if (!first && rows.possible.Empty()) break;
      if (!first && !Pays(clause.estimate, rows.possible.Count(), index_.rows_)) continue;
      CHROMA_ASSIGN(Bitmap of_clause, Union(clause.any));
      CHROMA_ASSIGN(const Bitmap of_pairs, Intersection(clause.pairs));
      of_clause |= of_pairs;
      if (first) {
        rows.possible = std::move(of_clause);
      } else {
        rows.possible &= of_clause;
      }
      first = false;
    }
    return rows;
  }

  Result<Bitmap> Union(const std::vector<Postings>& lists) const {
    RowCollector rows(index_.rows_);
    for (const Postings& postings : lists) {
      CHROMA_TRY(CheckNowAndThen());
      CHROMA_ASSIGN(const BytesView list, index_.List(postings));
      if (!rows.Add(list, postings.count)) return Undecodable();
    }
    return rows.Take();
  }

  Result<Bitmap> Intersection(const std::vector<Postings>& lists) const {
    Bitmap rows;
    for (size_t i = 0; i < lists.size(); ++i) {
      if (i > 0 && rows.Empty()) break;
      if (i > 0 && !Pays(lists[i].count, rows.Count(), index_.rows_)) continue;
      CHROMA_ASSIGN(Bitmap more, Union({lists[i]}));
      if (i == 0) {
        rows = std::move(more);
      } else {
        rows &= more;
      }
    }
    return rows;
  }

  Result<Node> ResolveSubstring(std::string_view text) const {
    CHROMA_TRY(CheckNowAndThen());
    Node node;
    node.estimate = index_.rows_;
    if (text.empty() || !IsValidUtf8(text)) {
      node.everything = true;
      return node;
    }
    const std::string_view beginning = BeginningOf(text);
    std::vector<TextRun> runs;
    RunCutter cutter(beginning);
    for (TextRun run; cutter.Next(&run);) runs.push_back(run);
    if (runs.size() == 1) {
      node.one_run = beginning.size() == text.size();
      CHROMA_ASSIGN(Clause clause, Containing(runs[0]));
      node.clauses.push_back(std::move(clause));
    } else {
      const size_t end = std::min(runs.size() - 1, kRunsMax);
      for (size_t i = 1; i < end; ++i) {
        CHROMA_ASSIGN(Clause clause, Whole(runs[i]));
        node.clauses.push_back(std::move(clause));
      }
      CHROMA_ASSIGN(Clause last, BeginningWith(runs.back()));
      node.clauses.push_back(std::move(last));
      CHROMA_TRY(ResolveFirst(runs[0], &node.clauses));
    }
    std::sort(node.clauses.begin(), node.clauses.end(),
              [](const Clause& a, const Clause& b) { return a.estimate < b.estimate; });
    node.estimate = node.clauses[0].estimate;
    return node;
  }

  // A whole word is a term, or has pairs that are; of a longer word that begins with a single
  // character it is not known whether the pair is its beginning.
  Result<Node> ResolveWord(const TextQuery& query) const {
    Node node;
    node.kind = query.kind;
    const bool is_word = query.kind == TextQuery::Kind::kWord;
    const std::string_view bytes = BeginningOf(query.substring);
    TextRun run;
    RunCutter(bytes).Next(&run);
    CHROMA_ASSIGN(Clause clause, is_word ? Whole(run) : BeginningWith(run));
    node.one_run = is_word || !PairsOf(run.bytes).empty();
    node.estimate = clause.estimate;
    node.clauses.push_back(std::move(clause));
    return node;
  }

  // What ends with one or two bytes is found by reading the whole dictionary: not where the other
  // clauses leave few rows.
  Status ResolveFirst(const TextRun& run, std::vector<Clause>* clauses) const {
    const bool few = std::any_of(clauses->begin(), clauses->end(), [&](const Clause& clause) {
      return clause.estimate < index_.rows_ / 16;
    });
    if (run.bytes.size() < kGramBytes && (few || found_only_)) return Status::Ok();
    CHROMA_ASSIGN(Clause first, EndingWith(run));
    clauses->push_back(std::move(first));
    return Status::Ok();
  }

  Result<Clause> Containing(const TextRun& run) const {
    Clause clause;
    if (run.bytes.size() < kGramBytes && found_only_) {
      clause.estimate = index_.rows_;
      return clause;
    }
    CHROMA_TRY(Collect(run.bytes, &clause,
                       [&](std::string_view term) { return Contains(term.substr(1), run.bytes); }));
    const std::vector<std::string_view> pairs = PairsOf(run.bytes);
    // One or two characters are inside a pair, or nowhere.
    if (pairs.size() > 1) CHROMA_TRY(AddPairs(pairs, &clause));
    return clause;
  }

  Result<Clause> EndingWith(const TextRun& run) const {
    Clause clause;
    const std::vector<std::string_view> pairs = PairsOf(run.bytes);
    CHROMA_TRY(Collect(run.bytes, &clause, [&](std::string_view term) {
      const bool may_end = term[0] == static_cast<char>(TermKind::kRun) || pairs.empty();
      return may_end && term.substr(1).ends_with(run.bytes);
    }));
    if (!pairs.empty()) CHROMA_TRY(AddPairs(pairs, &clause));
    return clause;
  }

  Result<Clause> BeginningWith(const TextRun& run) const {
    Clause clause;
    const std::vector<std::string_view> pairs = PairsOf(run.bytes);
    CHROMA_TRY(CollectPrefix(TermKind::kRun, run.bytes, &clause));
    if (pairs.empty()) CHROMA_TRY(CollectPrefix(TermKind::kPair, run.bytes, &clause));
    if (!pairs.empty()) CHROMA_TRY(AddPairs(pairs, &clause));
    return clause;
  }

  Result<Clause> Whole(const TextRun& run) const {
    Clause clause;
    if (run.whole) {
      CHROMA_TRY(FindTerm(TermKind::kRun, run.bytes, &clause.any));
      for (const Postings& postings : clause.any) clause.estimate += postings.count;
      return clause;
    }
    const std::vector<std::string_view> pairs = PairsOf(run.bytes);
    CHROMA_TRY(AddPairs(pairs, &clause));
    return clause;
  }

  // All terms that contain the bytes and that `wanted` accepts.
  template <typename Wanted>
  Status Collect(std::string_view bytes, Clause* clause, Wanted wanted) const {
    CHROMA_ASSIGN(const std::vector<uint32_t> blocks, index_.BlocksContaining(bytes));
    for (const uint32_t block : blocks) {
      CHROMA_TRY(CheckNowAndThen());
      CHROMA_TRY(index_.VisitBlock(block, [&](std::string_view term, const Postings& postings) {
        if (wanted(term)) AddTerm(postings, clause);
      }));
    }
    return Status::Ok();
  }

  // Called for every block of the dictionary and for every list of rows.
  Status CheckNowAndThen() const {
    constexpr uint32_t kStepsPerCheck = 16;
    if (steps_++ % kStepsPerCheck != 0 || !check_) return Status::Ok();
    return check_();
  }

  void AddTerm(const Postings& postings, Clause* clause) const {
    clause->any.push_back(postings);
    clause->estimate = std::min<uint64_t>(index_.rows_, clause->estimate + postings.count);
  }

  static std::string TermOf(TermKind kind, std::string_view bytes) {
    return std::string(1, static_cast<char>(kind)) + std::string(bytes);
  }

  Status CollectPrefix(TermKind kind, std::string_view bytes, Clause* clause) const {
    const std::string prefix = TermOf(kind, bytes);
    bool beyond = false;
    for (uint32_t block = index_.BlockOf(prefix); block < index_.blocks_ && !beyond; ++block) {
      CHROMA_TRY(CheckNowAndThen());
      CHROMA_TRY(index_.VisitBlock(block, [&](std::string_view term, const Postings& postings) {
        const bool begins = term.starts_with(prefix);
        if (begins) AddTerm(postings, clause);
        beyond = !begins && term > prefix;
      }));
    }
    return Status::Ok();
  }

  Status FindTerm(TermKind kind, std::string_view bytes, std::vector<Postings>* found) const {
    if (index_.blocks_ == 0) return Status::Ok();
    const std::string wanted = TermOf(kind, bytes);
    return index_.VisitBlock(index_.BlockOf(wanted),
                             [&](std::string_view term, const Postings& postings) {
                               if (term == wanted) found->push_back(postings);
                             });
  }

  // Rows that have all pairs; none when a pair is in no row.
  Status AddPairs(const std::vector<std::string_view>& pairs, Clause* clause) const {
    std::vector<std::string_view> distinct = pairs;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    for (const std::string_view pair : distinct) {
      const size_t before = clause->pairs.size();
      CHROMA_TRY(FindTerm(TermKind::kPair, pair, &clause->pairs));
      if (clause->pairs.size() == before) {
        clause->pairs.clear();
        return Status::Ok();
      }
    }
    std::sort(clause->pairs.begin(), clause->pairs.end(),
              [](const Postings& a, const Postings& b) { return a.count < b.count; });
    clause->estimate = std::min<uint64_t>(index_.rows_, clause->estimate + clause->pairs[0].count);
    return Status::Ok();
  }

  const TextIndexReader& index_;
  const TextIndexReader::Check& check_;
  const bool found_only_;  // for estimates
  mutable uint32_t steps_ = 0;
};

Result<TextRows> TextIndexReader::Find(const TextQuery& query, const Check& check) const {
  const TextIndexSearch search(*this, check);
  CHROMA_ASSIGN(const TextIndexSearch::Node node, search.Resolve(query));
  CHROMA_ASSIGN(TextRows rows, search.Rows(node));
  CHROMA_ASSIGN(Bitmap irregular, search.IrregularRows());
  irregular -= rows.certain;
  rows.possible |= irregular;
  return rows;
}

Result<uint64_t> TextIndexReader::Estimate(const TextQuery& query, const Check& check,
                                           Counting counting) const {
  const TextIndexSearch search(*this, check, counting);
  CHROMA_ASSIGN(const TextIndexSearch::Node node, search.Resolve(query));
  return std::min<uint64_t>(rows_, node.estimate + irregular_.count);
}

}  // namespace chroma::index
