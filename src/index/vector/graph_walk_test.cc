#include "index/vector/graph_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "index/vector/test_support.h"

namespace chroma::index {
namespace {

constexpr uint32_t kDimension = 64;
constexpr size_t kResults = 10;

std::vector<float> Gaussian(uint32_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(size_t{n} * kDimension);
  for (float& value : values) value = normal(random);
  return values;
}

class GraphWalkTest : public ::testing::Test {
 protected:
  // Of a row as a query, how far a walk must have gone: all that it has seen and that is nearer.
  void ExpectReached(const WalkState& state, const Depth& depth) {
    std::vector<float> results;
    for (const CodedCandidate& one : state.found) {
      if (depth.filter == nullptr || depth.filter->Passes(one.row)) results.push_back(one.distance);
    }
    std::sort(results.begin(), results.end());
    ASSERT_GE(results.size(), depth.results);
    const float reach = depth.reach * results[depth.results - 1];
    std::set<uint32_t> visited;
    for (const CodedCandidate& one : state.found) visited.insert(one.row);
    std::vector<uint32_t> neighbors(kDegree);
    for (const CodedCandidate& one : state.found) {
      built_.graph().edges.Read(one.row, neighbors.data());
      for (const uint32_t neighbor : neighbors) {
        if (neighbor == kNoRow || visited.contains(neighbor)) continue;
        EXPECT_GE(DistanceTo(state.query, neighbor), reach) << "row " << neighbor;
      }
    }
  }
  float DistanceTo(const CodedQuery& query, uint32_t row) const {
    const RowCodes& rows = built_.graph().rows;
    return RowCoder::Combine(
        query.squared_norm, query.scale, rows.scales[row],
        built_.coder().kernels().dot_i8(query.code.data(), rows.Row(row), rows.padded));
  }
  // A walk for a random query.
  size_t Walked(const Depth& depth) {
    EXPECT_TRUE(built_.coder().EncodeQuery(Gaussian(1, random_).data(), &state_.query));
    EXPECT_TRUE(Walk(walked_, depth, state_).ok());
    return state_.found.size();
  }

  std::mt19937 random_{1};
  const BuiltRows built_{Gaussian(3000, random_), kDimension};
  const WalkedGraph walked_{built_.graph(), built_.coder()};
  WalkState state_;
};

TEST_F(GraphWalkTest, VisitsAllThatIsWithinReach) {
  for (const float reach : {1.0F, 1.05F, 1.2F}) {
    const Depth depth{.candidates = 1000, .results = kResults, .reach = reach};
    for (int i = 0; i < 20; ++i) {
      Walked(depth);
      ExpectReached(state_, depth);
    }
  }
}

TEST_F(GraphWalkTest, KeepsNoMoreThanThreeTimesTheCandidates) {
  const Depth wide{.candidates = 20, .results = kResults, .reach = 100};
  for (int i = 0; i < 20; ++i) {
    const size_t visits = Walked(wide);
    EXPECT_GE(visits, 60U);
    EXPECT_LT(visits, 200U);
  }
}

TEST_F(GraphWalkTest, CountsTheResultsOfAFilterAlone) {
  Bitmap some;
  for (uint32_t row = 0; row < built_.n(); row += 2) some.Add(row);
  const RowFilter filter{&some, {}};
  const Depth depth{.candidates = 1000, .results = kResults, .reach = 1.1F, .filter = &filter};
  for (int i = 0; i < 20; ++i) {
    Walked(depth);
    ExpectReached(state_, depth);
    std::vector<CodedCandidate> results = state_.found;
    std::erase_if(results, [&](const CodedCandidate& one) { return !filter.Passes(one.row); });
    std::sort(results.begin(), results.end(), Nearer);
    const auto reached = WalkToResults(walked_, depth, SIZE_MAX, state_);
    ASSERT_TRUE(reached.ok() && *reached);
    std::sort(state_.found.begin(), state_.found.end(), Nearer);
    ASSERT_GE(state_.found.size(), kResults);
    for (size_t at = 0; at < kResults; ++at) EXPECT_EQ(state_.found[at].row, results[at].row);
  }
}

TEST_F(GraphWalkTest, AFilteredWalkGivesUpWhenToldTo) {
  const Bitmap none;
  const RowFilter filter{&none, {}};
  const Depth depth{.candidates = 100, .results = kResults, .filter = &filter};
  EXPECT_TRUE(built_.coder().EncodeQuery(built_.Row(7), &state_.query));
  const auto gave_up = WalkToResults(walked_, depth, 50, state_);
  ASSERT_TRUE(gave_up.ok());
  EXPECT_FALSE(*gave_up);
}

// Where all distances are zero nothing is within reach; a walk must not wander over them for ever.
TEST(GraphWalk, EndsAmongEqualRows) {
  const BuiltRows equal(std::vector<float>(size_t{5000} * kDimension, .5F), kDimension);
  const WalkedGraph walked{equal.graph(), equal.coder()};
  WalkState state;
  ASSERT_TRUE(equal.coder().EncodeQuery(equal.Row(0), &state.query));
  ASSERT_TRUE(Walk(walked, {.candidates = 100, .results = kResults, .reach = 2}, state).ok());
  EXPECT_GE(state.found.size(), kResults);
  EXPECT_LT(state.found.size(), 1000U);
}

}  // namespace
}  // namespace chroma::index
