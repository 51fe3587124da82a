// Top-k search in postings: MaxScore with block maxima, over windows of rows.
//
// Rows are taken in windows of kWindow. In each, the dimensions of the query are ordered by the
// most that they can give a row there, which the block maxima tell (S. Ding, T. Suel: "Faster top-k
// document retrieval using block-max indexes", SIGIR 2011). Those that cannot lift a row over the
// k-th best so far, all together, are left out at first: a row that has nothing else cannot get in
// (H. Turtle, J. Flood: "Query evaluation: strategies and optimizations", 1995). The others are
// added up in an array, one after the other, which is quicker than merging them row by row (A.
// Mallia, T. Suel, N. Tonellotto: "Faster learned sparse retrieval with block-max pruning", SIGIR
// 2024, accumulates in windows likewise); then the rest is looked up for rows that may still get
// in.
//
// What is added up is the most that a row can have: with codes that are one number that is its dot
// product, but for rounding, and otherwise a bound. Who passes gets an exact distance. Weights of
// any sign are allowed: the most of a dimension is 0 at least, what rows have that lack it.
#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <utility>
#include <vector>

#include "index/sparse/postings.h"
#include "index/sparse/postings_cursor.h"

namespace chroma::index {
namespace {

constexpr uint32_t kWindow = 2048;
constexpr uint32_t kWordBits = 64;
constexpr uint32_t kWindowsPerCheck = 16;

Status Damaged() {
  return Status::DataLoss("sparse postings are damaged: a block cannot be decoded");
}

class PostingsSearch {
 public:
  PostingsSearch(const SparsePostings& postings, const SparseRequest& request,
                 const SparsePostings::ExactDot& exact)
      : postings_(postings), request_(request), exact_(exact), nearest_(request.k, request.bound) {}

  Status Run(std::vector<Candidate>* out);

 private:
  struct Term {
    PostingsCursor* cursor;
    double bound;
  };
  struct Partial {
    uint32_t offset;  // of the row in the window
    double most;
    bool is_exact;  // but for rounding
  };
  using Mask = std::array<uint64_t, kWindow / kWordBits>;

  Status Prepare();
  Status SearchIrregular();
  // Moves `end` to where the next window may begin.
  Status SearchWindow(uint64_t begin, uint64_t* end);
  // Where the next window begins; kNone when no row can get in any more.
  uint64_t NextWindow(uint64_t from);
  void ChooseTerms(uint64_t begin, uint64_t end);
  void AddUp(uint64_t begin, uint64_t end);
  template <bool kSomeExact>
  void AddTerm(PostingsCursor& cursor, uint64_t begin, uint64_t end);
  void Collect(uint64_t begin, uint64_t end, double rest);
  void LookUpRest(uint64_t begin, double rest);
  Status PushPartials(uint64_t begin);
  Status PushExact(uint32_t row);
  void UpdateThreshold();
  bool IsAllowed(uint32_t row) const {
    return (request_.allowed == nullptr || request_.allowed->Contains(row)) &&
           (request_.dead == nullptr || !request_.dead->Contains(row));
  }

  const SparsePostings& postings_;
  const SparseRequest& request_;
  const SparsePostings::ExactDot& exact_;
  NearestSparse nearest_;
  // By code, 1 for those that are not one number; those that do not occur count as such.
  std::array<uint8_t, kCodesMax> is_inexact_{};
  std::vector<PostingsCursor> cursors_;
  std::vector<Term> by_bound_;    // of whole lists, ascending
  double rounding_ = 0;           // how far a sum may be from the exact dot product
  double threshold_ = -INFINITY;  // a row whose dot product is below cannot get in

  // Of the window.
  std::vector<Term> terms_;  // ascending by bound; the first `optional_` cannot lift a row alone
  size_t optional_ = 0;
  std::array<double, kWindow> sums_{};  // all 0 between windows
  Mask touched_{};                      // likewise
  Mask inexact_{};                      // rows with a code that is not one number, where some are
  std::vector<Partial> partials_;
};

Status PostingsSearch::Prepare() {
  is_inexact_.fill(1);
  for (uint32_t code = 0; code < postings_.codes(); ++code) {
    const CodeRange range = postings_.Range(code);
    is_inexact_[code] = range.low == range.high ? 0 : 1;
  }
  // A cursor takes some kilobytes, and a query may have millions of dimensions that no row has.
  std::vector<std::pair<PostingList, float>> found;
  for (size_t i = 0; i < request_.query.size(); ++i) {
    CHROMA_ASSIGN(const PostingList list, postings_.Find(request_.query.indices[i]));
    if (list.count() == 0) continue;
    if (found.size() == SparsePostings::kSharedMax) {
      return Status::ResourceExhausted("the query shares too many dimensions with the postings");
    }
    found.emplace_back(list, request_.query.values[i]);
  }
  cursors_.reserve(found.size());
  double magnitude = 0;
  for (const auto& [list, weight] : found) {
    cursors_.emplace_back(postings_, list, weight);
    magnitude += cursors_.back().magnitude();
  }
  for (PostingsCursor& cursor : cursors_) by_bound_.push_back({&cursor, cursor.bound()});
  std::sort(by_bound_.begin(), by_bound_.end(),
            [](const Term& a, const Term& b) { return a.bound < b.bound; });
  // Sums in any two orders differ by less than this.
  rounding_ = 4 * DBL_EPSILON * static_cast<double>(cursors_.size() + 1) * magnitude;
  return Status::Ok();
}

void PostingsSearch::UpdateThreshold() {
  // Infinite distances are of dot products that a float cannot hold; others are rounded.
  const double worst = std::nextafter(std::max(nearest_.worst(), -FLT_MAX), INFINITY);
  if (worst > FLT_MAX) return;
  threshold_ = (1 - worst) - 4 * DBL_EPSILON * (1 + std::fabs(worst)) - 2 * rounding_;
}

Status PostingsSearch::PushExact(uint32_t row) {
  CHROMA_ASSIGN(const std::optional<double> dot, exact_(row));
  if (dot) nearest_.Push({SparseDistance(*dot), row});
  return Status::Ok();
}

Status PostingsSearch::SearchIrregular() {
  for (uint32_t i = 0; i < postings_.irregular(); ++i) {
    const uint32_t row = postings_.IrregularRow(i);
    if (row < postings_.rows() && IsAllowed(row)) CHROMA_TRY(PushExact(row));
  }
  return Status::Ok();
}

uint64_t PostingsSearch::NextWindow(uint64_t from) {
  double rest = 0;
  uint64_t next = PostingsCursor::kNone;
  for (const Term& term : by_bound_) {
    rest += term.bound;
    if (rest >= threshold_) next = std::min(next, term.cursor->NextRow(from));
  }
  if (request_.allowed != nullptr && next != PostingsCursor::kNone) {
    uint32_t row = 0;
    if (request_.allowed->Read(static_cast<uint32_t>(next), &row, 1) == 0) {
      return PostingsCursor::kNone;
    }
    next = row;
  }
  return next;
}

void PostingsSearch::ChooseTerms(uint64_t begin, uint64_t end) {
  terms_.clear();
  for (const Term& term : by_bound_) {
    const double bound = term.cursor->BoundWithin(begin, end);
    if (bound >= 0) terms_.push_back({term.cursor, bound});
  }
  std::sort(terms_.begin(), terms_.end(),
            [](const Term& a, const Term& b) { return a.bound < b.bound; });
  double rest = 0;
  optional_ = 0;
  for (const Term& term : terms_) {
    rest += term.bound;
    if (rest >= threshold_) break;
    ++optional_;
  }
}

template <bool kSomeExact>
void PostingsSearch::AddTerm(PostingsCursor& cursor, uint64_t begin, uint64_t end) {
  cursor.ForEachWithin(begin, end, [this, &cursor](uint32_t offset, uint8_t code) {
    sums_[offset] += cursor.Most(code);
    touched_[offset / kWordBits] |= uint64_t{1} << (offset % kWordBits);
    if constexpr (kSomeExact) {
      inexact_[offset / kWordBits] |= uint64_t{is_inexact_[code]} << (offset % kWordBits);
    }
  });
}

void PostingsSearch::AddUp(uint64_t begin, uint64_t end) {
  const bool some = postings_.exact_codes() > 0;
  if (!some) inexact_.fill(~uint64_t{0});
  for (size_t i = optional_; i < terms_.size(); ++i) {
    if (some) {
      AddTerm<true>(*terms_[i].cursor, begin, end);
    } else {
      AddTerm<false>(*terms_[i].cursor, begin, end);
    }
  }
}

// Takes the rows of the window that may get in, of those that the filter lets pass where it lets
// pass only a few.
void PostingsSearch::Collect(uint64_t begin, uint64_t end, double rest) {
  constexpr uint64_t kFew = kWindow / 8;
  const auto first = static_cast<uint32_t>(begin);
  const auto last = static_cast<uint32_t>(end);
  const bool few = request_.allowed != nullptr && request_.allowed->CountRange(first, last) <= kFew;
  Mask mask{};
  if (few) {
    std::array<uint32_t, kFew> rows;
    const size_t n = request_.allowed->Read(first, rows.data(), rows.size());
    for (size_t i = 0; i < n && rows[i] < last; ++i) {
      const uint32_t offset = rows[i] - first;
      mask[offset / kWordBits] |= uint64_t{1} << (offset % kWordBits);
    }
  }
  partials_.clear();
  for (uint32_t word = 0; word < touched_.size(); ++word) {
    const uint64_t usable = few ? mask[word] : ~uint64_t{0};
    for (uint64_t bits = touched_[word]; bits != 0; bits &= bits - 1) {
      const uint32_t offset = word * kWordBits + static_cast<uint32_t>(std::countr_zero(bits));
      const double most = sums_[offset];
      sums_[offset] = 0;
      const bool is_usable = (usable >> (offset % kWordBits) & 1) != 0;
      const bool is_exact = (inexact_[word] >> (offset % kWordBits) & 1) == 0;
      if (most + rest >= threshold_ && is_usable) partials_.push_back({offset, most, is_exact});
    }
    touched_[word] = 0;
    inexact_[word] = 0;
  }
}

void PostingsSearch::LookUpRest(uint64_t begin, double rest) {
  const auto first = static_cast<uint32_t>(begin);
  for (size_t i = optional_; i-- > 0 && !partials_.empty();) {
    rest -= terms_[i].bound;
    // Subtracting leaves a rounding error, which the threshold allows for; below zero it must not
    // fall.
    rest = std::max(rest, 0.0);
    size_t kept = 0;
    for (Partial partial : partials_) {
      const std::optional<uint8_t> code = terms_[i].cursor->Lookup(first + partial.offset);
      if (code) {
        partial.most += terms_[i].cursor->Most(*code);
        partial.is_exact = partial.is_exact && is_inexact_[*code] == 0;
      }
      if (partial.most + rest >= threshold_) partials_[kept++] = partial;
    }
    partials_.resize(kept);
  }
}

Status PostingsSearch::PushPartials(uint64_t begin) {
  const auto first = static_cast<uint32_t>(begin);
  for (const Partial& partial : partials_) {
    const uint32_t row = first + partial.offset;
    if (partial.most < threshold_ || !IsAllowed(row)) continue;
    if (postings_.irregular() > 0 && postings_.IsIrregular(row)) continue;
    const float near = SparseDistance(partial.most + rounding_);
    const float far = SparseDistance(partial.most - rounding_);
    if (partial.is_exact && near == far) {
      // However the sum is rounded, the distance is the same.
      nearest_.Push({near, row});
    } else {
      CHROMA_TRY(PushExact(row));
    }
    UpdateThreshold();
  }
  return Status::Ok();
}

Status PostingsSearch::SearchWindow(uint64_t begin, uint64_t* end) {
  ChooseTerms(begin, *end);
  if (optional_ == terms_.size()) {
    // No row here can get in, nor behind, until some dimension comes to its next block.
    uint64_t holds = postings_.rows();
    for (const Term& term : by_bound_) holds = std::min(holds, term.cursor->BoundHoldsTo(*end));
    *end = std::max(*end, holds & ~uint64_t{kWordBits - 1});
    return Status::Ok();
  }
  double rest = 0;
  for (size_t i = 0; i < optional_; ++i) rest += terms_[i].bound;
  AddUp(begin, *end);
  Collect(begin, *end, rest);
  LookUpRest(begin, rest);
  return PushPartials(begin);
}

Status PostingsSearch::Run(std::vector<Candidate>* out) {
  if (request_.k == 0) return Status::Ok();
  CHROMA_TRY(Prepare());
  CHROMA_TRY(SearchIrregular());
  UpdateThreshold();
  uint32_t windows = 0;
  for (uint64_t begin = NextWindow(0); begin < postings_.rows(); begin = NextWindow(begin)) {
    if (windows++ % kWindowsPerCheck == 0 && request_.check) CHROMA_TRY(request_.check());
    begin &= ~uint64_t{kWordBits - 1};
    uint64_t end = std::min<uint64_t>(begin + kWindow, postings_.rows());
    CHROMA_TRY(SearchWindow(begin, &end));
    begin = end;
  }
  const auto damaged = [](const PostingsCursor& cursor) { return cursor.damaged(); };
  if (std::any_of(cursors_.begin(), cursors_.end(), damaged)) return Damaged();
  nearest_.Take(out);
  return Status::Ok();
}

}  // namespace

Status SparsePostings::Search(const SparseRequest& request, const ExactDot& exact,
                              std::vector<Candidate>* out) const {
  return PostingsSearch(*this, request, exact).Run(out);
}

}  // namespace chroma::index
