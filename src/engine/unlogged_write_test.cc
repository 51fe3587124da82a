// The first write of a collection, which would fix its dimension, is not logged.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <utility>

#include "engine/engine.h"
#include "engine/test_parts.h"
#include "testing/forwarding_log.h"

namespace chroma::engine {
namespace {

// Runs `before` where a write reaches the log; what it returns, unless OK, is the append's failure.
class FailingLog final : public testing::ForwardingLog {
 public:
  using Before = std::function<Status(runtime::Context&)>;
  FailingLog(log::Log& log, Before& before) : ForwardingLog(log), before_(before) {}

  Result<uint64_t> Append(runtime::Context& ctx, const Uuid& collection, Bytes payload,
                          uint32_t count, const Prepare& prepare) override {
    CHROMA_TRY(before_(ctx));
    return ForwardingLog::Append(ctx, collection, std::move(payload), count, prepare);
  }

 private:
  Before& before_;
};

class UnloggedWriteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    CreateCollectionRequest create;
    create.name = "films";
    runtime::Context ctx;
    films_ = *engine_.CreateCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, create);
  }

  Status Write(const std::string& id, std::vector<float> vector) {
    runtime::Context ctx;
    return engine_.Write(ctx, films_, OneRecord(id, std::move(vector)));
  }
  std::optional<uint32_t> Dimension() {
    runtime::Context ctx;
    return (*engine_.FindCollection(ctx, films_->tenant, films_->database, films_->id))->dimension;
  }

  TestParts parts_;
  FailingLog::Before before_ = [](runtime::Context&) { return Status::Ok(); };
  FailingLog log_{*parts_.log, before_};
  Engine engine_{parts_.env, *parts_.catalog, log_, *parts_.node, parts_.nobody, {}};
  CollectionRef films_;
};

TEST_F(UnloggedWriteTest, AFailedAppendLeavesTheDimensionOpen) {
  before_ = [](runtime::Context&) { return Status::ResourceExhausted("no space"); };
  EXPECT_EQ(Write("a", {1, 2, 3}).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Dimension(), std::nullopt);
  before_ = [](runtime::Context&) { return Status::Ok(); };
  EXPECT_TRUE(Write("a", {1, 2}).ok());
  EXPECT_EQ(Dimension(), 2U);
}

TEST_F(UnloggedWriteTest, AWriteGivenUpAtTheLogLeavesTheDimensionOpen) {
  before_ = [](runtime::Context& ctx) {
    ctx.Cancel();
    return Status::Ok();
  };
  EXPECT_EQ(Write("a", {1, 2, 3}).code(), StatusCode::kCancelled);
  EXPECT_EQ(Dimension(), std::nullopt);
}

TEST_F(UnloggedWriteTest, AWriteGivenUpBeforeItReachesTheCatalogAsksNothingOfIt) {
  bool reached_log = false;
  before_ = [&](runtime::Context&) {
    reached_log = true;
    return Status::Ok();
  };
  runtime::Context ctx;
  ctx.Cancel();
  EXPECT_EQ(engine_.Write(ctx, films_, OneRecord("a", {1, 2, 3})).code(), StatusCode::kCancelled);
  EXPECT_FALSE(reached_log);
  EXPECT_EQ(Dimension(), std::nullopt);
}

TEST_F(UnloggedWriteTest, ADimensionThatAnotherWriteReliesOnStays) {
  // The other comes between the first one's registration and its append.
  int calls = 0;
  before_ = [&](runtime::Context&) {
    if (++calls == 2) return Status::Ok();
    EXPECT_TRUE(Write("b", {4, 5, 6}).ok());
    return Status::ResourceExhausted("no space");
  };
  EXPECT_EQ(Write("a", {1, 2, 3}).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Dimension(), 3U);
  before_ = [](runtime::Context&) { return Status::Ok(); };
  EXPECT_EQ(Write("c", {1, 2}).code(), StatusCode::kInvalidArgument);
}

TEST_F(UnloggedWriteTest, ADimensionOfRecordsThatAreGoneStays) {
  EXPECT_TRUE(Write("a", {1, 2, 3}).ok());
  runtime::Context ctx;
  DeleteRequest remove;
  remove.ids = {"a"};
  EXPECT_TRUE(engine_.Delete(ctx, films_, remove).ok());
  before_ = [](runtime::Context&) { return Status::ResourceExhausted("no space"); };
  EXPECT_EQ(Write("a", {1, 2, 3}).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Dimension(), 3U);
}

}  // namespace
}  // namespace chroma::engine
