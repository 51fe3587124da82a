#include "index/vector/near_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

namespace chroma::index {
namespace {

constexpr uint32_t kDimension = 24;

void OnThreads(size_t n, const std::function<void(size_t)>& job) {
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < n; i += 3) job(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Coded rows.
class Rows {
 public:
  explicit Rows(const std::vector<std::vector<float>>& rows)
      : pointers_(Pointers(rows)),
        coder_(simd::ActiveCodeKernels(),
               ChooseCodeSpace(model::Space::kL2, kDimension, 1, pointers_)),
        codes_(coder_, pointers_, InOrder),
        members_(rows.size()) {
    std::iota(members_.begin(), members_.end(), 0);
    std::shuffle(members_.begin(), members_.end(), std::mt19937(7));
  }
  static Rows Random(uint32_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<std::vector<float>> rows(n, std::vector<float>(kDimension));
    for (auto& row : rows) std::generate(row.begin(), row.end(), [&] { return normal(random); });
    return Rows(rows);
  }

  RowCodes view() const { return codes_.view(); }
  const std::vector<uint32_t>& members() const { return members_; }
  Result<NearRows> Find(size_t first_wanted, const NearRowsOptions& options = {},
                        const ParallelFor& parallel_for = InOrder,
                        const std::function<Status()>& check = {}) const {
    return NearRows::Find(coder_, view(), members_, first_wanted, options, parallel_for, check);
  }
  // The others, nearest first.
  std::vector<CodedCandidate> Exact(uint32_t row) const {
    std::vector<float> distances(members_.size());
    coder_.Distances(view(), row, members_, distances.data());
    std::vector<CodedCandidate> all;
    for (size_t i = 0; i < members_.size(); ++i) {
      if (members_[i] != row) all.push_back({distances[i], members_[i]});
    }
    std::sort(all.begin(), all.end(), Nearer);
    return all;
  }

 private:
  static std::vector<const float*> Pointers(const std::vector<std::vector<float>>& rows) {
    std::vector<const float*> pointers;
    for (const auto& row : rows) pointers.push_back(row.data());
    return pointers;
  }

  std::vector<const float*> pointers_;  // of use in the constructor only
  RowCoder coder_;
  CodedRows codes_;
  std::vector<uint32_t> members_;
};

std::vector<std::vector<std::pair<float, uint32_t>>> AllOf(const NearRows& near, size_t n) {
  std::vector<std::vector<std::pair<float, uint32_t>>> lists(n);
  for (size_t i = 0; i < n; ++i) {
    for (const CodedCandidate& one : near.Of(i)) lists[i].emplace_back(one.distance, one.row);
  }
  return lists;
}

TEST(NearRows, AreExactWithinOneLeaf) {
  const Rows rows = Rows::Random(200, 1);
  const Result<NearRows> near = rows.Find(0);
  ASSERT_TRUE(near.ok());
  for (size_t i = 0; i < rows.members().size(); ++i) {
    const std::vector<CodedCandidate> exact = rows.Exact(rows.members()[i]);
    const std::span<const CodedCandidate> found = near->Of(i);
    ASSERT_EQ(found.size(), NearRowsOptions().kept);
    for (size_t j = 0; j < found.size(); ++j) {
      EXPECT_EQ(found[j].row, exact[j].row);
      EXPECT_EQ(found[j].distance, exact[j].distance);
    }
  }
}

TEST(NearRows, AreMostOfTheNearestAmongMany) {
  const Rows rows = Rows::Random(3000, 2);
  const Result<NearRows> near = rows.Find(0);
  ASSERT_TRUE(near.ok());
  size_t found = 0;
  for (size_t i = 0; i < rows.members().size(); ++i) {
    const std::vector<CodedCandidate> exact = rows.Exact(rows.members()[i]);
    const std::span<const CodedCandidate> list = near->Of(i);
    for (size_t j = 0; j < list.size(); ++j) {
      EXPECT_NE(list[j].row, rows.members()[i]);
      if (j > 0) {
        EXPECT_LE(list[j - 1].distance, list[j].distance);
        EXPECT_NE(list[j - 1].row, list[j].row);
      }
    }
    for (size_t j = 0; j < 10; ++j) {
      const bool is_there = std::any_of(list.begin(), list.end(), [&](const CodedCandidate& one) {
        return SameRow(one, exact[j]);
      });
      found += is_there ? 1 : 0;
    }
  }
  EXPECT_GT(found, rows.members().size() * 10 * 8 / 10);
}

TEST(NearRows, AreFoundForTheWantedAlone) {
  const Rows rows = Rows::Random(150, 3);
  const Result<NearRows> near = rows.Find(140);
  ASSERT_TRUE(near.ok());
  for (size_t i = 0; i < 10; ++i) {
    const std::vector<CodedCandidate> exact = rows.Exact(rows.members()[140 + i]);
    ASSERT_EQ(near->Of(i).size(), NearRowsOptions().kept);
    EXPECT_EQ(near->Of(i).front().row, exact.front().row);
  }
}

TEST(NearRows, AreTheSameForAnyNumberOfThreads) {
  const Rows rows = Rows::Random(2000, 4);
  const Result<NearRows> one = rows.Find(100);
  const Result<NearRows> three = rows.Find(100, {}, OnThreads);
  ASSERT_TRUE(one.ok() && three.ok());
  EXPECT_EQ(AllOf(*one, 1900), AllOf(*three, 1900));
}

TEST(NearRows, OfRowsThatAreAllAlikeAreAnyOfThem) {
  const Rows rows(std::vector<std::vector<float>>(1000, std::vector<float>(kDimension, 1)));
  const Result<NearRows> near = rows.Find(0);
  ASSERT_TRUE(near.ok());
  for (size_t i = 0; i < 1000; ++i) EXPECT_EQ(near->Of(i).size(), NearRowsOptions().kept);
}

TEST(NearRows, OfFewRowsAreFew) {
  EXPECT_TRUE(Rows::Random(1, 5).Find(0)->Of(0).empty());
  EXPECT_EQ(Rows::Random(5, 5).Find(0)->Of(4).size(), 4);
}

TEST(NearRows, EndWhenTheCheckFails) {
  const Rows rows = Rows::Random(2000, 6);
  int calls = 0;
  const auto check = [&calls] { return ++calls > 50 ? Status::Cancelled("enough") : Status::Ok(); };
  EXPECT_EQ(rows.Find(0, {}, InOrder, check).status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace chroma::index
