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
  // How far a walk must have gone: all that it has seen and that is nearer, by what it went by.
  void ExpectReached(const WalkState& state, const Depth& depth) {
    const auto by_high = NotVisited(state, depth, Planes::kHigh);
    const auto by_both = NotVisited(state, depth, Planes::kBoth);
    EXPECT_TRUE(by_high.empty() || by_both.empty()) << by_high.size() << ", " << by_both.size();
  }
  std::set<uint32_t> NotVisited(const WalkState& state, const Depth& depth, Planes planes) {
    std::vector<float> results;
    for (const CodedCandidate& one : state.found) {
      if (depth.filter != nullptr && !depth.filter->Passes(one.row)) continue;
      results.push_back(DistanceTo(state.query, one.row, planes));
    }
    std::sort(results.begin(), results.end());
    EXPECT_GE(results.size(), depth.results);
    const float reach = depth.reach * results[depth.results - 1];
    std::set<uint32_t> visited;
    for (const CodedCandidate& one : state.found) visited.insert(one.row);
    std::set<uint32_t> nearer;
    std::vector<uint32_t> neighbors(kDegree);
    for (const CodedCandidate& one : state.found) {
      built_.graph().edges.Read(one.row, neighbors.data());
      for (const uint32_t neighbor : neighbors) {
        if (neighbor == kNoRow || visited.contains(neighbor)) continue;
        if (DistanceTo(state.query, neighbor, planes) < reach) nearer.insert(neighbor);
      }
    }
    return nearer;
  }
  float DistanceTo(const CodedQuery& query, uint32_t row, Planes planes) const {
    float distance = 0;
    built_.coder().Distances(query.vector(), built_.graph().rows, std::span(&row, 1), planes,
                             &distance);
    return distance;
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

// From a row in the middle, where walks begin, all others are far: nothing near it is within reach.
TEST_F(GraphWalkTest, DoesNotEndWhereItBegins) {
  std::vector<float> values = Gaussian(3000, random_);
  std::fill_n(values.begin(), kDimension, 0.0F);
  const BuiltRows built(std::move(values), kDimension);
  ASSERT_EQ(built.graph().entry, 0U);
  const WalkedGraph walked{built.graph(), built.coder()};
  Depth depth{.candidates = 100, .results = 1, .reach = 1.01F};
  Bitmap all = Bitmap::Range(0, built.n());
  const RowFilter filter{&all, {}};
  for (const bool filtered : {false, true}) {
    depth.filter = filtered ? &filter : nullptr;
    for (const size_t visits_min : {1, 40}) {
      depth.visits_min = visits_min;
      size_t visits = 0;
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(built.coder().EncodeQuery(Gaussian(1, random_).data(), &state_.query));
        if (filtered) {
          ASSERT_TRUE(WalkToResults(walked, depth, SIZE_MAX, state_).ok());
        } else {
          ASSERT_TRUE(Walk(walked, depth, state_).ok());
        }
        EXPECT_GE(state_.found.size(), visits_min);
        visits += state_.found.size();
      }
      if (visits_min == 1) {
        EXPECT_LT(visits, 20U * 40);  // or the others would show nothing
      }
    }
  }
}

TEST_F(GraphWalkTest, FindsNoMoreThanTwiceTheCandidatesByAFilter) {
  const Bitmap all = Bitmap::Range(0, built_.n());
  const RowFilter filter{&all, {}};
  const Depth depth{.candidates = 50, .results = kResults, .reach = 100, .filter = &filter};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(built_.coder().EncodeQuery(Gaussian(1, random_).data(), &state_.query));
    const auto reached = WalkToResults(walked_, depth, SIZE_MAX, state_);
    ASSERT_TRUE(reached.ok() && *reached);
    EXPECT_EQ(state_.found.size(), 100U);
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
