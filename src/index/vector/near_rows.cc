#include "index/vector/near_rows.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/split_mix.h"

namespace chroma::index {
namespace {

constexpr size_t kPivotsMax = 64;
// Of carving; each divides groups by up to kPivotsMax.
constexpr int kLevelsMax = 8;
// Rows compared with all pivots, or with all of a leaf, together.
constexpr size_t kBlockRows = 64;

}  // namespace

class NearRowsFinder {
 public:
  NearRowsFinder(const RowCoder& coder, const RowCodes& rows, std::span<const uint32_t> members,
                 size_t first_wanted, const NearRowsOptions& options,
                 const ParallelFor& parallel_for, const std::function<Status()>& check)
      : coder_(coder),
        rows_(rows),
        members_(members),
        first_wanted_(first_wanted),
        options_(options),
        parallel_for_(parallel_for),
        check_(check),
        random_state_(options.seed),
        order_(members.size()),
        pivot_of_(members.size()),
        found_(members.size() - first_wanted, options.kept) {
    for (uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
  }

  Result<NearRows> Find() {
    for (uint32_t round = 0; round < options_.rounds; ++round) {
      CHROMA_ASSIGN(const std::vector<Group> leaves, Carve());
      CHROMA_TRY(ForEach(leaves.size(), [&](size_t i) { CompareLeaf(leaves[i]); }));
    }
    return std::move(found_);
  }

 private:
  struct Group {
    size_t begin, end;   // of order_
    bool alike = false;  // no pivot tells its rows apart: they are cut up as they come
    size_t size() const { return end - begin; }
  };
  // A group on its way to be carved.
  struct Carved {
    Group group;
    std::vector<uint32_t> pivots;  // rows
    std::vector<Group> parts;
  };

  // Nothing more is done once `check` failed.
  Status ForEach(size_t n, const std::function<void(size_t)>& job) {
    if (check_) CHROMA_TRY(check_());
    parallel_for_(n, [&](size_t i) {
      if (check_ && !check_().ok()) return;
      job(i);
    });
    return check_ ? check_() : Status::Ok();
  }

  // Puts order_ into the order of new leaves.
  Result<std::vector<Group>> Carve() {
    std::vector<Group> open = {{0, order_.size()}};
    std::vector<Group> leaves;
    for (int level = 0; !open.empty(); ++level) {
      std::vector<Carved> carved = TakeLarge(open, level, &leaves);
      CHROMA_TRY(AssignToPivots(carved));
      CHROMA_TRY(ForEach(carved.size(), [&](size_t i) { Split(&carved[i]); }));
      open.clear();
      for (const Carved& one : carved) {
        open.insert(open.end(), one.parts.begin(), one.parts.end());
      }
    }
    return leaves;
  }

  // Groups that are too large to be leaves, each with its pivots.
  std::vector<Carved> TakeLarge(std::span<const Group> open, int level,
                                std::vector<Group>* leaves) {
    const size_t leaf = options_.leaf_rows;
    std::vector<Carved> carved;
    for (const Group& group : open) {
      if (group.size() <= leaf || group.alike || level == kLevelsMax) {
        for (size_t at = group.begin; at < group.end; at += leaf) {
          leaves->push_back({at, std::min(group.end, at + leaf)});
        }
        continue;
      }
      Carved& one = carved.emplace_back();
      one.group = group;
      one.pivots.resize(std::clamp<size_t>(2 * group.size() / leaf, 2, kPivotsMax));
      for (uint32_t& pivot : one.pivots) {
        pivot = members_[order_[group.begin + SplitMix(&random_state_) % group.size()]];
      }
    }
    return carved;
  }

  Status AssignToPivots(std::span<const Carved> carved) {
    struct Block {
      const Carved* carved;
      Group part;
    };
    std::vector<Block> blocks;
    for (const Carved& one : carved) {
      for (size_t at = one.group.begin; at < one.group.end; at += kBlockRows) {
        blocks.push_back({&one, {at, std::min(one.group.end, at + kBlockRows)}});
      }
    }
    return ForEach(blocks.size(), [&](size_t i) {
      const Group part = blocks[i].part;
      const std::vector<uint32_t>& pivots = blocks[i].carved->pivots;
      std::array<uint32_t, kBlockRows> rows;
      for (size_t at = part.begin; at < part.end; ++at) {
        rows[at - part.begin] = members_[order_[at]];
      }
      std::array<float, kBlockRows * kPivotsMax> distances;
      coder_.Distances(rows_, std::span(rows).first(part.size()), pivots, distances.data());
      const float* to = distances.data();
      for (size_t at = part.begin; at < part.end; ++at, to += pivots.size()) {
        pivot_of_[at] = static_cast<uint8_t>(std::min_element(to, to + pivots.size()) - to);
      }
    });
  }

  // The rows of each pivot together, in the order they were in.
  void Split(Carved* carved) {
    const Group group = carved->group;
    std::array<size_t, kPivotsMax + 1> ends = {};
    for (size_t at = group.begin; at < group.end; ++at) ++ends[pivot_of_[at] + 1];
    for (size_t p = 0; p < kPivotsMax; ++p) ends[p + 1] += ends[p];
    std::array<size_t, kPivotsMax + 1> begins = ends;
    std::vector<uint32_t> sorted(group.size());
    for (size_t at = group.begin; at < group.end; ++at) {
      sorted[begins[pivot_of_[at]]++] = order_[at];
    }
    std::copy(sorted.begin(), sorted.end(), order_.begin() + static_cast<ptrdiff_t>(group.begin));
    for (size_t p = 0; p < kPivotsMax; ++p) {
      if (ends[p] == ends[p + 1]) continue;
      const Group part = {group.begin + ends[p], group.begin + ends[p + 1]};
      carved->parts.push_back({part.begin, part.end, part.size() == group.size()});
    }
  }

  // Distances are the same both ways, so each is computed once.
  void CompareLeaf(const Group& leaf) {
    static thread_local std::vector<float> distances;  // of a block, to the rows from its first on
    static thread_local std::vector<float> all;        // of each wanted row, to all
    std::vector<uint32_t> rows;                        // those that are wanted first
    std::vector<size_t> lists;                         // of those
    for (const bool wanted : {true, false}) {
      for (size_t at = leaf.begin; at < leaf.end; ++at) {
        if ((order_[at] >= first_wanted_) != wanted) continue;
        rows.push_back(members_[order_[at]]);
        if (wanted) lists.push_back(order_[at] - first_wanted_);
      }
    }
    const size_t width = rows.size();
    distances.resize(kBlockRows * width);
    all.resize(lists.size() * width);
    for (size_t begin = 0; begin < lists.size(); begin += kBlockRows) {
      const size_t n = std::min(kBlockRows, lists.size() - begin);
      const auto from_here = std::span<const uint32_t>(rows).subspan(begin);
      coder_.Distances(rows_, from_here.first(n), from_here, distances.data());
      for (size_t i = 0; i < n; ++i) {
        std::copy_n(distances.data() + i * from_here.size(), from_here.size(),
                    all.data() + (begin + i) * width + begin);
      }
      for (size_t later = begin + n; later < lists.size(); ++later) {
        float* const to = all.data() + later * width + begin;
        for (size_t i = 0; i < n; ++i) to[i] = distances[i * from_here.size() + later - begin];
      }
    }
    for (size_t i = 0; i < lists.size(); ++i) Keep(lists[i], i, rows, all.data() + i * width);
  }

  // Those of a leaf's `rows` that are nearer to rows[self] than what its list has.
  void Keep(size_t list, size_t self, std::span<const uint32_t> rows, const float* distances) {
    static thread_local std::vector<CodedCandidate> nearer;
    static thread_local std::vector<CodedCandidate> merged;
    CodedCandidate* const kept = found_.lists_.data() + list * found_.kept_;
    uint32_t& size = found_.sizes_[list];
    const float bound =
        size == found_.kept_ ? kept[size - 1].distance : std::numeric_limits<float>::infinity();
    nearer.resize(rows.size());
    size_t n = 0;
    // Without branches, which nothing could predict.
    for (size_t i = 0; i < rows.size(); ++i) {
      nearer[n] = {distances[i], rows[i]};
      n += static_cast<size_t>(distances[i] < bound) & static_cast<size_t>(i != self);
    }
    if (n == 0) return;
    const auto begin = nearer.begin();
    auto end = begin + static_cast<ptrdiff_t>(n);
    if (n > found_.kept_) {
      end = begin + static_cast<ptrdiff_t>(found_.kept_);
      std::nth_element(begin, end, begin + static_cast<ptrdiff_t>(n), Nearer);
    }
    std::sort(begin, end, Nearer);
    merged.resize(static_cast<size_t>(end - begin) + size);
    std::merge(begin, end, kept, kept + size, merged.begin(), Nearer);
    merged.erase(std::unique(merged.begin(), merged.end(), SameRow), merged.end());
    size = static_cast<uint32_t>(std::min(merged.size(), found_.kept_));
    std::copy_n(merged.begin(), size, kept);
  }

  const RowCoder& coder_;
  const RowCodes& rows_;
  const std::span<const uint32_t> members_;
  const size_t first_wanted_;
  const NearRowsOptions& options_;
  const ParallelFor& parallel_for_;
  const std::function<Status()>& check_;
  uint64_t random_state_;
  std::vector<uint32_t> order_;  // of members_, places there
  std::vector<uint8_t> pivot_of_;
  NearRows found_;
};

Result<NearRows> NearRows::Find(const RowCoder& coder, const RowCodes& rows,
                                std::span<const uint32_t> members, size_t first_wanted,
                                const NearRowsOptions& options, const ParallelFor& parallel_for,
                                const std::function<Status()>& check) {
  return NearRowsFinder(coder, rows, members, first_wanted, options, parallel_for, check).Find();
}

}  // namespace chroma::index
