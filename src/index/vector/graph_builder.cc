#include "index/vector/graph_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "base/split_mix.h"
#include "runtime/mutex.h"

namespace chroma::index {
namespace {

// The first rows: few enough to compare each with each.
constexpr size_t kSeedRows = 512;
// Rows that walk one unchanging graph: bounds the memory of what waits to be merged.
constexpr size_t kBatchRowsMax = 64 << 10;
// Rows handed out together.
constexpr size_t kChunkRows = 64;
// Shadowed candidates among which edges are chosen by direction, the nearest ones.
constexpr size_t kSpreadMax = 48;
// Rows to be connected, of all: where they are fewer, none of them is looked for in leaves.
constexpr size_t kCarvedShareMin = 8;
// Of so many rows one is inserted before the others and with all of the effort.
constexpr size_t kFirstRowsShare = 10;
// In place of a cosine.
constexpr float kChosen = 2;

// Nearest first, each once, without the row itself.
void PutInOrder(uint32_t row, std::vector<CodedCandidate>& candidates) {
  std::erase_if(candidates, [row](const CodedCandidate& one) { return one.row == row; });
  std::sort(candidates.begin(), candidates.end(), Nearer);
  candidates.erase(std::unique(candidates.begin(), candidates.end(), SameRow), candidates.end());
}

}  // namespace

// Walk states that are not in use.
class GraphBuilder::WalkStates {
 public:
  std::unique_ptr<WalkState> Take() {
    runtime::MutexLock lock(mutex_);
    if (free_.empty()) return std::make_unique<WalkState>();
    std::unique_ptr<WalkState> state = std::move(free_.back());
    free_.pop_back();
    return state;
  }
  void GiveBack(std::unique_ptr<WalkState> state) {
    runtime::MutexLock lock(mutex_);
    free_.push_back(std::move(state));
  }

 private:
  runtime::Mutex mutex_;
  std::vector<std::unique_ptr<WalkState>> free_ CHROMA_GUARDED_BY(mutex_);
};

GraphBuilder::GraphBuilder(const RowCoder& coder, const RowCodes& rows, const GraphOptions& options,
                           ParallelFor parallel_for, std::function<Status()> check,
                           std::shared_ptr<NodeMemory> memory)
    : coder_(coder),
      rows_(rows),
      options_(options),
      parallel_for_(std::move(parallel_for)),
      check_(std::move(check)),
      neighbors_(size_t{rows.n} * kDegree, kNoRow),
      kept_nodes_(coder, rows.n, std::move(memory)),
      nodes_(kept_nodes_.Hold()),
      states_(std::make_unique<WalkStates>()) {}

GraphBuilder::~GraphBuilder() = default;

Status GraphBuilder::ForEach(size_t n, const std::function<Status(size_t, WalkState&)>& job) {
  runtime::Mutex mutex;
  std::optional<Status> failure;  // guarded by mutex
  parallel_for_((n + kChunkRows - 1) / kChunkRows, [&](size_t chunk) {
    {
      runtime::MutexLock lock(mutex);
      if (failure) return;
    }
    std::unique_ptr<WalkState> state = states_->Take();
    Status status = check_ ? check_() : Status::Ok();
    const size_t end = std::min(n, (chunk + 1) * kChunkRows);
    for (size_t i = chunk * kChunkRows; i < end && status.ok(); ++i) status = job(i, *state);
    states_->GiveBack(std::move(state));
    if (status.ok()) return;
    runtime::MutexLock lock(mutex);
    if (!failure) failure = std::move(status);
  });
  runtime::MutexLock lock(mutex);
  return failure ? *failure : Status::Ok();
}

uint32_t GraphBuilder::DegreeOf(uint32_t row) const {
  const uint32_t* edges = neighbors_.data() + size_t{row} * kDegree;
  return static_cast<uint32_t>(std::find(edges, edges + kDegree, kNoRow) - edges);
}

void GraphBuilder::SetNeighbors(uint32_t row, const std::vector<uint32_t>& chosen) {
  const std::span<uint32_t> edges = Neighbors(row);
  std::copy(chosen.begin(), chosen.end(), edges.begin());
  std::fill(edges.begin() + static_cast<ptrdiff_t>(chosen.size()), edges.end(), kNoRow);
}

// The row nearest to the centre of the data, which is the code space's origin.
void GraphBuilder::ChooseEntry() {
  entry_ = kNoRow;
  for (size_t i = 0; i < inserted_; ++i) {
    const uint32_t row = order_[i];
    const bool nearer =
        entry_ == kNoRow || rows_.scales[row].squared_norm < rows_.scales[entry_].squared_norm;
    if (nearer) entry_ = row;
  }
}

Status GraphBuilder::Begin(const Graph& base, std::span<const uint32_t> new_rows) {
  std::vector<uint8_t> known(rows_.n, 0);
  std::vector<uint32_t> old_rows;
  for (uint32_t old = 0; old < new_rows.size(); ++old) {
    const uint32_t row = new_rows[old];
    if (row == kNoRow || !rows_.Has(row)) continue;
    known[row] = 1;
    order_.push_back(row);
    old_rows.push_back(old);
  }
  const auto here = [&](uint32_t old) {
    const uint32_t row = old < new_rows.size() ? new_rows[old] : kNoRow;
    return row != kNoRow && known[row] != 0 ? row : kNoRow;
  };
  inserted_ = order_.size();
  return ForEach(order_.size(), [&](size_t i, WalkState&) {
    const uint32_t row = order_[i];
    std::vector<uint32_t> kept;
    std::vector<uint32_t> beyond;  // what those that are gone led to
    std::array<uint32_t, kDegree> edges;
    std::array<uint32_t, kDegree> next_edges;
    base.edges.Read(old_rows[i], edges.data());
    for (const uint32_t old : edges) {
      if (old >= new_rows.size()) continue;
      if (here(old) != kNoRow) {
        kept.push_back(here(old));
        continue;
      }
      base.edges.Read(old, next_edges.data());
      for (const uint32_t next : next_edges) {
        const uint32_t second = here(next);
        if (second != kNoRow && second != row) beyond.push_back(second);
      }
    }
    if (!beyond.empty()) {
      kept.insert(kept.end(), beyond.begin(), beyond.end());
      kept = Choose(row, CandidatesOf(row, kept));
    }
    SetNeighbors(row, kept);
    return Status::Ok();
  });
}

std::vector<uint32_t> GraphBuilder::NewRows() const {
  std::vector<uint8_t> begun(rows_.n, 0);
  for (const uint32_t row : order_) begun[row] = 1;
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < rows_.n; ++row) {
    if (rows_.Has(row) && begun[row] == 0) rows.push_back(row);
  }
  return rows;
}

Status GraphBuilder::Build(std::span<const uint32_t> later) {
  const std::vector<uint32_t> new_rows = NewRows();
  std::set_difference(new_rows.begin(), new_rows.end(), later.begin(), later.end(),
                      std::back_inserter(order_));
  const size_t first_rows = DrawFirstRows();
  const std::span<const uint32_t> order = order_;
  // Rows of the base, and of a Build before, have been through all this.
  const size_t first_new = inserted_ <= kSeedRows ? 0 : inserted_;
  // All rows are carved, whichever are wanted: for few of them that takes longer than their walks.
  NearRowsOptions leaves;
  const bool carved = (order.size() - first_new) * kCarvedShareMin >= order.size();
  if (!carved) leaves.rounds = 0;
  // Few rows come into a graph that is finished, and leave it so.
  spreads_ = !carved;
  CHROMA_ASSIGN(const NearRows near,
                NearRows::Find(coder_, rows_, order, first_new, leaves, parallel_for_, check_));
  // Where leaves show the near rows, walks need only lead there, once the first rows have chosen
  // the edges from one crowd of rows to another, of which leaves show nothing.
  const size_t insert_effort = options_.effort / (carved ? 8 : 1);
  const size_t refine_effort = options_.effort / (carved ? 4 : 2);
  if (inserted_ == 0) CHROMA_TRY(Seed(order.first(std::min(order.size(), kSeedRows))));
  while (inserted_ < order.size()) {
    const bool is_first = inserted_ < first_rows;
    const size_t end = is_first ? first_rows : order.size();
    const size_t n = std::min({inserted_, end - inserted_, kBatchRowsMax});
    CHROMA_TRY(Connect(inserted_, n, is_first ? options_.effort : insert_effort, near, first_new));
    inserted_ += n;
  }
  // Rows that were inserted early chose among few, and of a batch none among the others of it.
  spreads_ = true;
  for (uint32_t pass = 0; pass < options_.passes; ++pass) {
    for (size_t begin = first_new; begin < order.size(); begin += kBatchRowsMax) {
      const size_t n = std::min(kBatchRowsMax, order.size() - begin);
      CHROMA_TRY(Connect(begin, n, refine_effort, near, first_new));
    }
  }
  ChooseEntry();
  return Status::Ok();
}

// Rows often come sorted, by what they are about or by time, and those that begin a graph are to
// show all there is. The others keep their order, in which near ones may still be in a cache.
size_t GraphBuilder::DrawFirstRows() {
  const auto begin = order_.begin() + static_cast<ptrdiff_t>(inserted_);
  const auto end = std::stable_partition(begin, order_.end(), [](uint32_t row) {
    uint64_t state = row;
    return SplitMix(&state) % kFirstRowsShare == 0;
  });
  uint64_t state = 1;
  for (auto last = end; last - begin > 1; --last) {
    std::iter_swap(last - 1, begin + static_cast<ptrdiff_t>(SplitMix(&state) %
                                                            static_cast<uint64_t>(last - begin)));
  }
  return static_cast<size_t>(end - order_.begin());
}

Status GraphBuilder::Seed(std::span<const uint32_t> rows) {
  CHROMA_TRY(ForEach(rows.size(), [&](size_t i, WalkState&) {
    SetNeighbors(rows[i], Choose(rows[i], CandidatesOf(rows[i], rows)));
    return Status::Ok();
  }));
  inserted_ = rows.size();
  return Status::Ok();
}

Status GraphBuilder::Connect(size_t begin, size_t n, size_t effort, const NearRows& near,
                             size_t first_near) {
  const std::span<const uint32_t> rows = std::span<const uint32_t>(order_).subspan(begin, n);
  ChooseEntry();
  std::vector<std::vector<uint32_t>> fresh(rows.size());
  const Graph graph = this->graph();
  const WalkedGraph walked{graph, coder_, nodes_.get(), /*makes_nodes=*/true, nullptr};
  CHROMA_TRY(ForEach(rows.size(), [&](size_t i, WalkState& state) {
    const uint32_t row = rows[i];
    coder_.EncodeQuery(rows_, row, &state.query);
    if (Status status = Walk(walked, {.candidates = effort}, state); !status.ok()) return status;
    std::vector<CodedCandidate> candidates = std::move(state.found);
    const auto before = CandidatesOf(row, Neighbors(row).first(DegreeOf(row)));
    candidates.insert(candidates.end(), before.begin(), before.end());
    const std::span<const CodedCandidate> shown = near.Of(begin - first_near + i);
    candidates.insert(candidates.end(), shown.begin(), shown.end());
    fresh[i] = Choose(row, std::move(candidates));
    return Status::Ok();
  }));
  MergeReverse(rows, fresh);
  return Status::Ok();
}

void GraphBuilder::MergeReverse(std::span<const uint32_t> rows,
                                const std::vector<std::vector<uint32_t>>& fresh) {
  std::vector<Edge> edges;
  std::vector<uint32_t> changed(rows.begin(), rows.end());
  for (size_t i = 0; i < rows.size(); ++i) {
    SetNeighbors(rows[i], fresh[i]);
    for (const uint32_t to : fresh[i]) edges.push_back({to, rows[i]});
  }
  std::sort(edges.begin(), edges.end());
  std::vector<size_t> begins;
  for (size_t i = 0; i < edges.size(); ++i) {
    if (i > 0 && edges[i].to == edges[i - 1].to) continue;
    begins.push_back(i);
    changed.push_back(edges[i].to);
  }
  begins.push_back(edges.size());
  parallel_for_((begins.size() - 1 + kChunkRows - 1) / kChunkRows, [&](size_t chunk) {
    const size_t end = std::min(begins.size() - 1, (chunk + 1) * kChunkRows);
    for (size_t i = chunk * kChunkRows; i < end; ++i) {
      const size_t begin = begins[i];
      AddReverse(edges[begin].to,
                 std::span<const Edge>(edges).subspan(begin, begins[i + 1] - begin));
    }
  });
  if (nodes_ != nullptr) nodes_->Forget(changed);
}

void GraphBuilder::AddReverse(uint32_t row, std::span<const Edge> edges) {
  const std::span<const uint32_t> before = Neighbors(row).first(DegreeOf(row));
  std::vector<uint32_t> all(before.begin(), before.end());
  for (const Edge& edge : edges) {
    if (std::find(before.begin(), before.end(), edge.from) == before.end()) {
      all.push_back(edge.from);
    }
  }
  if (all.size() == before.size()) return;
  if (all.size() > kDegree) all = Choose(row, CandidatesOf(row, all));
  SetNeighbors(row, all);
}

std::vector<CodedCandidate> GraphBuilder::CandidatesOf(uint32_t row,
                                                       std::span<const uint32_t> others) const {
  std::vector<float> distances(others.size());
  coder_.Distances(rows_, row, others, distances.data());
  std::vector<CodedCandidate> candidates(others.size());
  for (size_t i = 0; i < others.size(); ++i) candidates[i] = {distances[i], others[i]};
  return candidates;
}

std::vector<uint32_t> GraphBuilder::Choose(uint32_t row,
                                           std::vector<CodedCandidate> candidates) const {
  PutInOrder(row, candidates);
  const float slack = options_.slack * options_.slack;  // distances are squared
  std::vector<CodedCandidate> chosen;
  std::vector<CodedCandidate> shadowed;
  std::vector<CodedCandidate> equal;  // to one that is chosen
  std::vector<CodedCandidate>& open = candidates;
  std::vector<uint32_t> open_rows;
  std::vector<float> apart(open.size());
  // Each that is chosen casts its shadow on all that are farther, which are compared together.
  while (!open.empty() && chosen.size() < kDegree) {
    chosen.push_back(open.front());
    open_rows.clear();
    for (const CodedCandidate& candidate : open) open_rows.push_back(candidate.row);
    coder_.Distances(rows_, open_rows.front(), open_rows, apart.data());
    size_t kept = 0;
    for (size_t i = 1; i < open.size(); ++i) {
      // From a row and its equals any other is equally far: that is no shadow.
      if (apart[i] <= 0) {
        equal.push_back(open[i]);
      } else if (slack * apart[i] < open[i].distance) {
        shadowed.push_back(open[i]);
      } else {
        open[kept++] = open[i];
      }
    }
    open.resize(kept);
  }
  std::sort(shadowed.begin(), shadowed.end(), Nearer);
  std::sort(equal.begin(), equal.end(), Nearer);
  const auto fill = [&chosen](std::vector<CodedCandidate>& more, size_t n) {
    n = std::min({n, more.size(), kDegree - chosen.size()});
    chosen.insert(chosen.end(), more.begin(), more.begin() + static_cast<ptrdiff_t>(n));
    more.erase(more.begin(), more.begin() + static_cast<ptrdiff_t>(n));
  };
  // Some equal rows, so that they find each other, but not all first: they would keep the others
  // out.
  fill(equal, kDegree / 4);
  if (spreads_) {
    FillSpread(shadowed, &chosen);
  } else {
    fill(shadowed, kDegree);
  }
  fill(equal, kDegree);
  std::vector<uint32_t> neighbors;
  for (const CodedCandidate& candidate : chosen) neighbors.push_back(candidate.row);
  return neighbors;
}

void GraphBuilder::FillSpread(std::span<const CodedCandidate> more,
                              std::vector<CodedCandidate>* chosen) const {
  more = more.first(std::min(more.size(), kSpreadMax));
  std::array<float, kSpreadMax> cosines;  // to the nearest direction chosen
  std::fill_n(cosines.begin(), more.size(), -1.0F);
  std::array<uint32_t, kSpreadMax> rows;
  std::array<float, kSpreadMax> apart;
  for (size_t i = 0; i < more.size(); ++i) rows[i] = more[i].row;
  const auto see = [&](const CodedCandidate& edge) {
    coder_.Distances(rows_, edge.row, std::span(rows).first(more.size()), apart.data());
    for (size_t i = 0; i < more.size(); ++i) {
      if (cosines[i] == kChosen) continue;
      const float lengths = 2 * std::sqrt(edge.distance * more[i].distance);
      if (!(lengths > 0)) continue;  // an equal row is in no direction
      cosines[i] = std::max(cosines[i], (edge.distance + more[i].distance - apart[i]) / lengths);
    }
  };
  for (const CodedCandidate& edge : *chosen) see(edge);
  for (size_t left = more.size(); left > 0 && chosen->size() < kDegree; --left) {
    const auto end = cosines.begin() + static_cast<ptrdiff_t>(more.size());
    const auto widest =
        static_cast<size_t>(std::min_element(cosines.begin(), end) - cosines.begin());
    chosen->push_back(more[widest]);
    cosines[widest] = kChosen;
    see(more[widest]);
  }
}

}  // namespace chroma::index
