// Changes that come again, as they do after the owner of a directory died: each takes effect once,
// whatever others did in between.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "gateway/gateway.h"
#include "gateway/peer.h"
#include "service/test_support.h"
#include "testing/fault_file_system.h"

namespace chroma::service {
namespace {

const std::string kCollections =
    "/api/v2/tenants/default_tenant/databases/default_database/collections";

class RepeatedWriteTest : public ::testing::Test {
 protected:
  RepeatedWriteTest() {
    env_.files = &files_;
    Open();
    things_ = *GetOrCreate(*service_, "things");
  }

  void Open() {
    LocalOptions options;
    options.path = "/db";
    options.compaction.idle_ns = 3600 * runtime::kSecond;
    service_ = *LocalService::Open(env_, options);
    const gateway::GatewayOptions trusting{.cors_allow_origins = {}, .trusts_peers = true};
    gateway_ = std::make_unique<gateway::Gateway>(service_->engine(), trusting);
  }
  // Another process takes the directory over.
  void TakeOver() {
    gateway_.reset();
    service_.reset();
    Open();
  }

  http::Response Send(http::Method method, std::string target, std::string body,
                      const model::RequestTag& tag = {}) {
    http::Request request;
    request.method = method;
    request.target = std::move(target);
    request.headers = {{"content-type", "application/json"}};
    if (tag.id != 0) {
      request.headers.emplace_back(gateway::kPeerTagHeader, gateway::EncodeTag(tag));
    }
    request.body = std::move(body);
    runtime::Context context;
    return gateway_->Handle(std::move(request), context);
  }
  http::Response Post(const std::string& operation, std::string body,
                      const model::RequestTag& tag = {}) {
    return Send(http::Method::kPost, kCollections + "/" + things_->id.ToString() + "/" + operation,
                std::move(body), tag);
  }
  model::RequestTag Tag(uint64_t id, bool repeated) const { return {id, now_ns_, repeated}; }

  // Documents of ids "a" and "b", as JSON.
  std::string Documents() {
    const std::string body = Post("get", R"({"include":["documents"]})").body;
    const size_t begin = body.find("\"documents\":");
    return begin == std::string::npos ? body
                                      : body.substr(begin, body.find(']', begin) - begin + 1);
  }
  std::string Write(const char* id, const char* document) {
    return std::string(R"({"ids":[")") + id + R"("],"embeddings":[[1,2]],"documents":[")" +
           document + R"("]})";
  }

  testing::FaultFileSystem files_{1};
  runtime::Env env_;
  const int64_t now_ns_ = runtime::Clock::System().MonotonicNs();
  std::unique_ptr<LocalService> service_;
  std::unique_ptr<gateway::Gateway> gateway_;
  engine::CollectionRef things_;
};

TEST_F(RepeatedWriteTest, AnUpsertDoesNotUndoWhatCameAfterIt) {
  for (const bool compacted : {false, true}) {
    const uint64_t id = compacted ? 11 : 10;
    EXPECT_EQ(Post("upsert", Write("a", "first"), Tag(id, false)).status, 200);
    TakeOver();
    EXPECT_EQ(Post("upsert", Write("a", "second")).status, 200);
    if (compacted) {
      EXPECT_EQ(Post("compact", "{}").status, 200);
    }
    EXPECT_EQ(Post("upsert", Write("a", "first"), Tag(id, true)).status, 200);
    EXPECT_EQ(Documents(), R"("documents":["second"])") << compacted;
  }
}

TEST_F(RepeatedWriteTest, WhatDidNotTakePlaceDoesNow) {
  EXPECT_EQ(Post("add", Write("a", "first"), Tag(20, true)).status, 201);
  EXPECT_EQ(Documents(), R"("documents":["first"])");
}

TEST_F(RepeatedWriteTest, ADeleteDoesNotTakeWhatCameAfterItAndTellsItsCount) {
  EXPECT_EQ(Post("add", Write("a", "x"), Tag(30, false)).status, 201);
  EXPECT_EQ(Post("add", Write("b", "x"), Tag(31, false)).status, 201);
  const std::string where = R"({"where_document":{"$contains":"x"},"limit":1})";
  const http::Response first = Post("delete", where, Tag(32, false));
  EXPECT_EQ(first.status, 200);
  TakeOver();
  EXPECT_EQ(Post("delete", where, Tag(32, true)).body, first.body);
  EXPECT_EQ(Documents(), R"("documents":["x"])");
  const http::Response by_ids = Post("delete", R"({"ids":["b"]})", Tag(33, false));
  EXPECT_EQ(Post("add", Write("b", "again")).status, 201);
  EXPECT_EQ(Post("delete", R"({"ids":["b"]})", Tag(33, true)).body, by_ids.body);
  EXPECT_EQ(Documents(), R"("documents":["again"])");
}

// Out of a connection that broke, when its sender was answered already.
TEST_F(RepeatedWriteTest, AnAttemptThatComesAfterItsRepetitionIsNotCarriedOut) {
  EXPECT_EQ(Post("upsert", Write("a", "first"), Tag(40, true)).status, 200);
  EXPECT_EQ(Post("upsert", Write("a", "second")).status, 200);
  EXPECT_NE(Post("upsert", Write("a", "first"), Tag(40, false)).status, 200);
  EXPECT_EQ(Documents(), R"("documents":["second"])");
}

TEST_F(RepeatedWriteTest, OneThatComesTooLateIsNotCarriedOut) {
  EXPECT_EQ(Post("upsert", Write("a", "first"), Tag(50, false)).status, 200);
  EXPECT_EQ(Post("compact", "{}").status, 200);
  const model::RequestTag old{51, now_ns_ - model::kTagKeptNs, true};
  // Everything since the directory was made is known, so this one did not take place.
  EXPECT_EQ(Post("upsert", Write("b", "new"), old).status, 200);
  EXPECT_EQ(Documents(), R"("documents":["first","new"])");
}

TEST_F(RepeatedWriteTest, CollectionsToo) {
  const std::string mine = kCollections + "/" + things_->id.ToString();
  const std::string rename = R"({"new_name":"mine"})";
  EXPECT_EQ(Send(http::Method::kPut, mine, rename, Tag(60, false)).status, 200);
  TakeOver();
  EXPECT_EQ(Send(http::Method::kPut, mine, R"({"new_name":"theirs"})").status, 200);
  EXPECT_EQ(Send(http::Method::kPut, mine, rename, Tag(60, true)).status, 200);
  EXPECT_EQ(Send(http::Method::kGet, kCollections + "/mine", "").status, 404);
  EXPECT_EQ(Send(http::Method::kDelete, kCollections + "/theirs", "", Tag(61, false)).status, 200);
  EXPECT_EQ(Send(http::Method::kPost, kCollections, R"({"name":"theirs"})").status, 200);
  EXPECT_EQ(Send(http::Method::kDelete, kCollections + "/theirs", "", Tag(61, true)).status, 200);
  EXPECT_EQ(Send(http::Method::kGet, kCollections + "/theirs", "").status, 200);
}

}  // namespace
}  // namespace chroma::service
