#include "index/vector/node_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace chroma::index {
namespace {

constexpr uint32_t kRows = 100;

class NodeMemoryTest : public ::testing::Test {
 protected:
  NodeMemoryTest() : coder_(simd::ActiveCodeKernels(), Space()) {
    node_bytes_ = PackedNodes(coder_, kRows).size_bytes();
  }
  static CodeSpace Space() {
    const std::vector<float> row(64, 1.0F);
    const float* rows[] = {row.data()};
    return ChooseCodeSpace(model::Space::kL2, 64, 1, rows);
  }

  // Whether there is memory for them.
  static bool Make(KeptNodes& kept) {
    const std::shared_ptr<PackedNodes> nodes = kept.Make();
    if (nodes != nullptr) kept.SetComplete(*nodes);
    return nodes != nullptr;
  }

  const RowCoder coder_;
  uint64_t node_bytes_ = 0;
};

TEST_F(NodeMemoryTest, GivesWhatThereIs) {
  const auto memory = std::make_shared<NodeMemory>(2 * node_bytes_);
  KeptNodes first(coder_, kRows, memory);
  KeptNodes second(coder_, kRows, memory);
  EXPECT_EQ(memory->taken_bytes(), 0U);
  EXPECT_TRUE(Make(first));
  EXPECT_NE(first.Use(), nullptr);
  EXPECT_EQ(first.Use(), first.Use());
  EXPECT_TRUE(Make(second));
  EXPECT_EQ(memory->taken_bytes(), 2 * node_bytes_);
  KeptNodes third(coder_, kRows, memory);
  EXPECT_FALSE(Make(third));
  EXPECT_EQ(third.Use(), nullptr);
  EXPECT_NE(first.Use(), nullptr);
}

TEST_F(NodeMemoryTest, IsTakenOnceItPays) {
  constexpr uint32_t kMany = 1600;
  const auto memory = std::make_shared<NodeMemory>(UINT64_MAX);
  KeptNodes kept(coder_, kMany, memory);
  for (int i = 0; i < 99; ++i) EXPECT_EQ(kept.Use(), nullptr);
  EXPECT_FALSE(kept.Incomplete());
  EXPECT_EQ(memory->taken_bytes(), 0U);
  EXPECT_EQ(kept.Use(), nullptr);
  EXPECT_TRUE(kept.Incomplete());
  EXPECT_GT(memory->taken_bytes(), 0U);
  EXPECT_EQ(kept.Use(), nullptr) << "nobody has made them yet";
  EXPECT_TRUE(Make(kept));
  EXPECT_FALSE(kept.Incomplete());
  EXPECT_NE(kept.Use(), nullptr);

  KeptNodes wanted(coder_, kMany, memory);
  EXPECT_EQ(wanted.Use(/*beyond_limit=*/true), nullptr);
  EXPECT_TRUE(wanted.Incomplete());
}

TEST_F(NodeMemoryTest, TakesBackWhatIsGone) {
  const auto memory = std::make_shared<NodeMemory>(node_bytes_);
  {
    KeptNodes first(coder_, kRows, memory);
    EXPECT_TRUE(Make(first));
  }
  EXPECT_EQ(memory->taken_bytes(), 0U);
  KeptNodes second(coder_, kRows, memory);
  EXPECT_TRUE(Make(second));
}

TEST_F(NodeMemoryTest, TheLongestUnusedGivesWay) {
  const auto memory = std::make_shared<NodeMemory>(2 * node_bytes_);
  KeptNodes old(coder_, kRows, memory);
  KeptNodes used(coder_, kRows, memory);
  KeptNodes next(coder_, kRows, memory);
  EXPECT_TRUE(Make(old));
  const std::shared_ptr<PackedNodes> walked = old.Use();
  EXPECT_TRUE(Make(used));
  EXPECT_EQ(next.Use(), nullptr);
  for (int i = 0; i < 5000; ++i) EXPECT_NE(used.Use(), nullptr);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(next.Use(), nullptr);
  EXPECT_TRUE(next.Incomplete());
  EXPECT_TRUE(Make(next));
  EXPECT_NE(next.Use(), nullptr);
  EXPECT_NE(used.Use(), nullptr);
  EXPECT_EQ(old.Use(), nullptr);
  EXPECT_EQ(walked->size_bytes(), node_bytes_) << "who walks keeps what it walks over";
}

// A build walks over its nodes for minutes, and never asks again.
TEST_F(NodeMemoryTest, WhatIsHeldDoesNotGiveWay) {
  const auto memory = std::make_shared<NodeMemory>(node_bytes_);
  {
    KeptNodes built(coder_, kRows, memory);
    const std::shared_ptr<PackedNodes> held = built.Hold();
    EXPECT_NE(held, nullptr);
    KeptNodes searched(coder_, kRows, memory);
    for (int i = 0; i < 5000; ++i) EXPECT_EQ(searched.Use(), nullptr);
    EXPECT_FALSE(searched.Incomplete());
    EXPECT_EQ(memory->taken_bytes(), node_bytes_);
  }
  KeptNodes searched(coder_, kRows, memory);
  EXPECT_TRUE(Make(searched));
}

TEST_F(NodeMemoryTest, WhatIsTooLargeGetsNone) {
  const auto memory = std::make_shared<NodeMemory>(node_bytes_ - 1);
  KeptNodes nodes(coder_, kRows, memory);
  EXPECT_FALSE(Make(nodes));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(nodes.Use(), nullptr);
  EXPECT_FALSE(nodes.Incomplete());
  KeptNodes without(coder_, kRows, nullptr);
  EXPECT_FALSE(Make(without));
  EXPECT_EQ(without.Use(), nullptr);
}

}  // namespace
}  // namespace chroma::index
