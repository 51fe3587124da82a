// A read that has found its collection, which is then deleted under it.
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "engine/engine.h"
#include "engine/test_parts.h"

namespace chroma::engine {
namespace {

// Runs `before` between the lookup of the collection and the read.
class InterruptedNode final : public executor::QueryNode {
 public:
  InterruptedNode(executor::QueryNode& node, std::function<void()>& before)
      : node_(node), before_(before) {}

  Result<executor::Records> Get(runtime::Context& ctx, const segment::VersionRef& version,
                                const planner::GetPlan& plan) override {
    before_();
    return node_.Get(ctx, version, plan);
  }
  Result<executor::QueryResult> Query(runtime::Context& ctx, const segment::VersionRef& version,
                                      const planner::QueryPlan& plan) override {
    before_();
    return node_.Query(ctx, version, plan);
  }
  Result<executor::SearchResult> Search(runtime::Context& ctx, const segment::VersionRef& version,
                                        const planner::SearchBatchPlan& plan) override {
    before_();
    return node_.Search(ctx, version, plan);
  }
  Result<uint64_t> Count(runtime::Context& ctx, const segment::VersionRef& version,
                         const planner::CountPlan& plan) override {
    before_();
    return node_.Count(ctx, version, plan);
  }
  Result<executor::ListResult> List(runtime::Context& ctx, const segment::VersionRef& version,
                                    const planner::ListPlan& plan) override {
    before_();
    return node_.List(ctx, version, plan);
  }
  Result<executor::Explanation> Explain(runtime::Context& ctx, const segment::VersionRef& version,
                                        const planner::ExplainPlan& plan) override {
    before_();
    return node_.Explain(ctx, version, plan);
  }
  Result<executor::FacetResult> Facets(runtime::Context& ctx, const segment::VersionRef& version,
                                       const planner::FacetsPlan& plan) override {
    before_();
    return node_.Facets(ctx, version, plan);
  }
  Result<executor::RecallReport> MeasureRecall(runtime::Context& ctx,
                                               const segment::VersionRef& version,
                                               const planner::RecallPlan& plan) override {
    before_();
    return node_.MeasureRecall(ctx, version, plan);
  }
  Result<std::optional<uint32_t>> FindRequest(runtime::Context& ctx,
                                              const segment::VersionRef& version,
                                              const model::RequestTag& tag) override {
    return node_.FindRequest(ctx, version, tag);
  }
  Result<executor::CollectionStatus> Describe(runtime::Context& ctx,
                                              const segment::VersionRef& version,
                                              const model::Schema& schema) override {
    before_();
    return node_.Describe(ctx, version, schema);
  }
  void Prepare(const Uuid& collection, uint64_t log_end) override {
    node_.Prepare(collection, log_end);
  }
  void Forget(const Uuid& collection) override { node_.Forget(collection); }

 private:
  executor::QueryNode& node_;
  std::function<void()>& before_;
};

TEST(DeletedMeanwhile, IsNotFoundAndNotEmpty) {
  TestParts parts;
  std::function<void()> before = [] {};
  InterruptedNode node(*parts.node, before);
  Engine engine(parts.env, *parts.catalog, *parts.log, node, parts.nobody, {});

  runtime::Context ctx;
  CreateCollectionRequest create;
  create.name = "films";
  const CollectionRef films =
      *engine.CreateCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, create);
  ASSERT_TRUE(engine.Write(ctx, films, OneRecord("a", {1, 2})).ok());
  EXPECT_EQ(*engine.Count(ctx, films), 1U);

  bool deleted = false;
  before = [&] {
    if (std::exchange(deleted, true)) return;
    EXPECT_TRUE(
        engine.DeleteCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, "films").ok());
  };
  const Result<uint64_t> count = engine.Count(ctx, films);
  ASSERT_FALSE(count.ok()) << *count;
  EXPECT_EQ(count.status().code(), StatusCode::kNotFound) << count.status().ToString();
}

}  // namespace
}  // namespace chroma::engine
