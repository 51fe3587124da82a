// What a gateway answers at once, on an I/O thread, and what it leaves to a worker.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <utility>

#include "gateway/gateway.h"
#include "runtime/scheduler.h"
#include "service/test_support.h"

namespace chroma::service {
namespace {

using engine::CollectionRef;
using http::Response;

const std::string kDatabase = "/api/v2/tenants/default_tenant/databases/default_database";

class AtOnceTest : public ::testing::Test {
 protected:
  AtOnceTest() {
    LocalOptions options;
    options.path.clear();
    options.compaction.idle_ns = 3600 * runtime::kSecond;
    service_ = *LocalService::Open(env_, options);
    gateway_ = std::make_unique<gateway::Gateway>(service_->engine(), gateway::GatewayOptions());
    things_ = *GetOrCreate(*service_, "things");
    EXPECT_TRUE(AddRows(*service_, things_, 0, 20).ok());
  }

  static http::Request Make(http::Method method, std::string target, std::string body) {
    http::Request request;
    request.method = method;
    request.target = std::move(target);
    request.headers = {{"content-type", "application/json"}};
    request.body = std::move(body);
    return request;
  }
  http::Request Post(const std::string& operation, std::string body) const {
    return Make(http::Method::kPost,
                kDatabase + "/collections/" + things_->id.ToString() + "/" + operation,
                std::move(body));
  }
  http::Request Count() const {
    return Make(http::Method::kGet, kDatabase + "/collections/" + things_->id.ToString() + "/count",
                "");
  }

  std::optional<Response> Try(const http::Request& request) {
    runtime::Context context;
    return gateway_->TryHandle(request, context);
  }
  Response Handle(http::Request request) {
    runtime::Context context;
    return gateway_->Handle(std::move(request), context);
  }
  // Whether the answer comes at once; it is then the same as a worker's.
  bool IsAtOnce(const http::Request& request) {
    const std::optional<Response> response = Try(request);
    if (!response) return false;
    const Response handled = Handle(request);
    EXPECT_EQ(response->status, handled.status);
    EXPECT_EQ(response->headers, handled.headers);
    EXPECT_EQ(response->body, handled.body);
    return true;
  }

  runtime::Env env_;
  std::unique_ptr<LocalService> service_;
  std::unique_ptr<gateway::Gateway> gateway_;
  CollectionRef things_;
  int rows_ = 20;
};

TEST_F(AtOnceTest, AnswersOnceSomebodyHasReadTheCollection) {
  const http::Request get = Post("get", R"({"ids":["id3","none","id1"],"include":["embeddings"]})");
  EXPECT_FALSE(IsAtOnce(get));
  EXPECT_FALSE(IsAtOnce(Count()));
  EXPECT_EQ(Handle(get).status, 200);
  EXPECT_TRUE(IsAtOnce(get));
  EXPECT_TRUE(IsAtOnce(Count()));
  EXPECT_EQ(Try(Count())->body, "20");
  EXPECT_NE(Try(get)->body.find(R"("ids":["id1","id3"])"), std::string::npos);
  EXPECT_TRUE(IsAtOnce(Post("get", R"({"ids":[]})")));
  EXPECT_TRUE(IsAtOnce(Post("get", R"({"ids":["id3","id4","id5"],"limit":1,"offset":1})")));
}

// A query body with `n` vectors of ones.
std::string QueryBody(int n, const std::string& more = "") {
  std::string vector = "[1";
  for (int i = 1; i < 64; ++i) vector += ",1";
  vector += "]";
  std::string body = R"({"query_embeddings":[)" + vector;
  for (int i = 1; i < n; ++i) body += "," + vector;
  return body + "]" + more + "}";
}

TEST_F(AtOnceTest, AnswersQueriesByOneVector) {
  EXPECT_FALSE(IsAtOnce(Post("query", QueryBody(1))));
  EXPECT_EQ(Handle(Count()).status, 200);
  EXPECT_TRUE(IsAtOnce(Post("query", QueryBody(1))));
  EXPECT_NE(Try(Post("query", QueryBody(1)))->body.find("id0"), std::string::npos);
  for (const std::string& body :
       {QueryBody(2), QueryBody(1, R"(,"n_results":101)"), QueryBody(1, R"(,"where":{"a":1})"),
        QueryBody(1, R"(,"where_document":{"$contains":"a"})"), QueryBody(1, R"(,"ids":["id1"])"),
        QueryBody(1, R"(,"include":[)" + std::string(70'000, ' ') + "]")}) {
    EXPECT_FALSE(Try(Post("query", body)).has_value()) << body.substr(0, 300);
  }
}

TEST_F(AtOnceTest, LeavesQueriesThatCompareMany) {
  ASSERT_TRUE(AddRows(*service_, things_, 20, 10'000).ok());
  EXPECT_EQ(Handle(Count()).status, 200);
  EXPECT_FALSE(Try(Post("query", QueryBody(1))).has_value()) << "it scans 2.5 MB";
}

TEST_F(AtOnceTest, NeverMissesAWrite) {
  const http::Request get = Post("get", R"({"ids":["id20"]})");
  EXPECT_EQ(Handle(get).status, 200);
  EXPECT_TRUE(IsAtOnce(get));
  ASSERT_TRUE(AddRows(*service_, things_, 20, 1).ok());
  EXPECT_FALSE(IsAtOnce(get));
  EXPECT_FALSE(IsAtOnce(Count()));
  EXPECT_NE(Handle(get).body.find("id20"), std::string::npos);
  EXPECT_TRUE(IsAtOnce(get));
  EXPECT_EQ(Try(Count())->body, "21");
}

// Who writes to a collection that is searched makes what the next search needs.
TEST_F(AtOnceTest, AnswersQueriesRightAfterWrites) {
  EXPECT_EQ(Handle(Post("query", QueryBody(1))).status, 200);
  for (const int rows : {1, 4'000, 300, 3'000}) {
    ASSERT_TRUE(AddRows(*service_, things_, rows_, rows).ok());
    rows_ += rows;
    const std::optional<Response> count = Try(Count());
    ASSERT_TRUE(count.has_value());
    EXPECT_EQ(count->body, std::to_string(rows_));
  }
  EXPECT_TRUE(IsAtOnce(Post("query", QueryBody(1))));
}

TEST_F(AtOnceTest, LeavesWhatMayTakeLong) {
  EXPECT_EQ(Handle(Count()).status, 200);
  std::string many = R"({"ids":["id0")";
  for (int i = 1; i < 17; ++i) many += ",\"id" + std::to_string(i) + "\"";
  many += "]}";
  for (const http::Request& request :
       {Post("get", "{}"), Post("get", R"({"limit":1})"), Post("get", many),
        Post("get", R"({"ids":["id1"],"where":{"a":1}})"),
        Post("get", R"({"ids":["id1"],"where_document":{"$contains":"a"}})"),
        Post("query", R"({"query_embeddings":[[1],[2]]})"), Post("delete", R"({"ids":["id1"]})"),
        Post("add", R"({"ids":["id1"],"embeddings":[[1]]})"),
        Make(http::Method::kGet, kDatabase, ""),
        Make(http::Method::kGet, kDatabase + "/collections/things", "")}) {
    EXPECT_FALSE(Try(request).has_value()) << request.target << " " << request.body;
  }
  EXPECT_EQ(Handle(Count()).body, "20");
}

TEST_F(AtOnceTest, LeavesLargeAnswers) {
  engine::WriteRequest request;
  request.batch.ids = {"large"};
  request.batch.documents = {std::string(100'000, 'x')};
  request.batch.has_vector = {1};
  request.batch.vectors = {64, std::vector<float>(64, 1)};
  request.shape = model::ShapeOf(request.batch);
  runtime::Context context;
  ASSERT_TRUE(service_->engine().Write(context, things_, std::move(request)).ok());
  EXPECT_EQ(Handle(Count()).status, 200);
  EXPECT_FALSE(IsAtOnce(Post("get", R"({"ids":["large"],"include":["documents"]})")));
  EXPECT_TRUE(IsAtOnce(Post("get", R"({"ids":["large"],"include":["embeddings"]})")));
}

TEST_F(AtOnceTest, LeavesErrors) {
  EXPECT_EQ(Handle(Count()).status, 200);
  EXPECT_FALSE(Try(Post("get", R"({"ids":["id1"})")).has_value());
  EXPECT_FALSE(Try(Post("get", R"({"ids":1})")).has_value());
  http::Request text = Post("get", R"({"ids":["id1"]})");
  text.headers = {{"content-type", "text/plain"}};
  EXPECT_FALSE(Try(text).has_value());
  const std::string unknown = kDatabase + "/collections/00000000-0000-4000-8000-000000000000/count";
  EXPECT_FALSE(Try(Make(http::Method::kGet, unknown, "")).has_value());
  EXPECT_FALSE(Try(Make(http::Method::kGet, kDatabase + "/collections/x/count", "")).has_value());
}

TEST_F(AtOnceTest, HeedsDeadlineAndCancellation) {
  const http::Request get = Post("get", R"({"ids":["id1"]})");
  EXPECT_EQ(Handle(get).status, 200);
  runtime::Context late(*env_.clock, env_.clock->MonotonicNs() - 1);
  EXPECT_FALSE(gateway_->TryHandle(get, late).has_value());
  EXPECT_EQ(gateway_->Handle(http::Request(get), late).status, 504);
  runtime::Context cancelled;
  cancelled.Cancel();
  EXPECT_FALSE(gateway_->TryHandle(get, cancelled).has_value());
  // The context is as it was: a worker may wait in it.
  runtime::Context context;
  ASSERT_TRUE(gateway_->TryHandle(get, context).has_value());
  EXPECT_FALSE(context.at_once());
}

TEST_F(AtOnceTest, SectionsAreLoadedByAWorker) {
  runtime::Context context;
  ASSERT_TRUE(service_->Compact(context, things_->id).ok());
  EXPECT_FALSE(IsAtOnce(Count()));
  EXPECT_EQ(Handle(Count()).body, "20");
  EXPECT_TRUE(IsAtOnce(Count()));
  const http::Request plain = Post("get", R"({"ids":["id1"],"include":[]})");
  const http::Request vectors = Post("get", R"({"ids":["id1"],"include":["embeddings"]})");
  EXPECT_FALSE(IsAtOnce(plain));
  EXPECT_EQ(Handle(plain).status, 200);
  EXPECT_TRUE(IsAtOnce(plain));
  EXPECT_FALSE(IsAtOnce(vectors));
  EXPECT_EQ(Handle(vectors).status, 200);
  EXPECT_TRUE(IsAtOnce(vectors));
  service_->CloseIdleCollections();
  EXPECT_FALSE(IsAtOnce(plain));
}

TEST_F(AtOnceTest, QueriesNeedNoLookUpOfIds) {
  runtime::Context context;
  ASSERT_TRUE(service_->Compact(context, things_->id).ok());
  const http::Request query = Post("query", QueryBody(1));
  EXPECT_FALSE(IsAtOnce(query));
  EXPECT_EQ(Handle(query).status, 200);
  EXPECT_TRUE(IsAtOnce(query));
  const http::Request get = Post("get", R"({"ids":["id1"],"include":[]})");
  EXPECT_FALSE(IsAtOnce(get));
  EXPECT_EQ(Handle(get).status, 200);
  EXPECT_TRUE(IsAtOnce(get));
}

TEST_F(AtOnceTest, ADeletedCollectionIsGone) {
  EXPECT_EQ(Handle(Count()).status, 200);
  EXPECT_TRUE(IsAtOnce(Count()));
  EXPECT_EQ(Handle(Make(http::Method::kDelete, kDatabase + "/collections/things", "")).status, 200);
  EXPECT_FALSE(IsAtOnce(Count()));
  EXPECT_EQ(Handle(Count()).status, 404);
}

// Writers, compactions and readers together: whoever was told that a record is there finds it.
TEST_F(AtOnceTest, SeesAcknowledgedWritesWhileOthersWorkOnTheCollection) {
  constexpr int kWrites = 200;
  std::atomic<int> written{20};
  std::atomic<bool> done{false};
  const auto compacting = env_.scheduler->Start("compact", [&] {
    runtime::Context context;
    while (!done.load()) EXPECT_TRUE(service_->Compact(context, things_->id).ok());
  });
  const auto reading = env_.scheduler->Start("read", [&] {
    while (!done.load()) EXPECT_EQ(Handle(Count()).status, 200);
  });
  const auto writing = env_.scheduler->Start("write", [&] {
    for (int i = 0; i < kWrites; ++i) {
      EXPECT_TRUE(AddRows(*service_, things_, written.load(), 1).ok());
      written.fetch_add(1);
    }
    done = true;
  });
  int answers = 0;
  while (!done.load()) {
    const int last = written.load() - 1;
    const std::string id = "\"id" + std::to_string(last) + "\"";
    if (const auto got = Try(Post("get", R"({"ids":[)" + id + R"(],"include":[]})"))) {
      EXPECT_NE(got->body.find(id), std::string::npos) << got->body;
    }
    if (const auto count = Try(Count())) {
      EXPECT_GE(std::stoi(count->body), last + 1);
      ++answers;
    }
  }
  writing->Join();
  reading->Join();
  compacting->Join();
  RecordProperty("answers", answers);
}

}  // namespace
}  // namespace chroma::service
