// The recorded cases and our own, through sockets, against the program that users run.
#include <gtest/gtest.h>

#include "base/json_value.h"
#include "behaviour/expectation.h"
#include "behaviour/http_target.h"
#include "behaviour/runner.h"
#include "server_process.h"

namespace chroma::conformance {
namespace {

void Replay(const std::string& file, const behaviour::Pairs& exceptions) {
  const auto cases = behaviour::LoadCases(CHROMA_TESTS_DIR + file);
  ASSERT_TRUE(cases.ok()) << cases.status().ToString();
  const ServerProcess server({});
  behaviour::HttpTarget target(server.port());
  const behaviour::Tally tally =
      behaviour::RunCases(target, *cases, exceptions, [](const behaviour::Case&) { return true; });
  for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
  EXPECT_GT(tally.passed, 0);
  std::printf("%s: %d passed, %d excepted, %zu failed\n", file.c_str(), tally.passed,
              tally.excepted, tally.failures.size());
}

TEST(OverHttp, Recorded) {
  const auto exceptions = behaviour::LoadExceptions(CHROMA_TESTS_DIR "/conformance/excepted.txt");
  ASSERT_TRUE(exceptions.ok()) << exceptions.status().ToString();
  Replay("/conformance/cases.jsonl", *exceptions);
}

TEST(OverHttp, Deviations) {
  Replay("/behaviour/deviations.jsonl", {});
}
TEST(OverHttp, Search) {
  Replay("/behaviour/search.jsonl", {});
}
TEST(OverHttp, Extensions) {
  Replay("/behaviour/extensions.jsonl", {});
}
TEST(OverHttp, Records) {
  Replay("/behaviour/records.jsonl", {});
}

TEST(OverHttp, AFilterOfASearchHasAHundredThousandValues) {
  const ServerProcess server({});
  behaviour::HttpTarget target(server.port());
  const auto post = [&](const std::string& path, const std::string& body) {
    return target.Ask({"POST",
                       "/api/v2/tenants/default_tenant/databases/default_database" + path,
                       {{"content-type", "application/json"}},
                       body});
  };
  const behaviour::Answer created = post("/collections", R"({"name":"things"})");
  const std::string things =
      "/collections/" + *behaviour::Dig(*ParseJson(created.body), "id")->AsString();
  EXPECT_EQ(post(things + "/add", R"({"ids":["a","b"],"embeddings":[[1],[2]],
                                      "metadatas":[{"x":7},{"x":-7}]})")
                .status,
            201);
  std::string values = "0";
  for (int i = 1; i < 100'000; ++i) values += "," + std::to_string(i);
  const std::string begin = R"({"searches":[{"filter":{"x":{"$in":[)";
  const behaviour::Answer found = post(things + "/search", begin + values + "]}}}]}");
  EXPECT_EQ(found.status, 200) << found.body;
  EXPECT_NE(found.body.find(R"("ids":[["a"]])"), std::string::npos) << found.body;
  const behaviour::Answer refused = post(things + "/search", begin + values + ",7]}}}]}");
  EXPECT_EQ(refused.status, 422) << refused.body;
}

TEST(OverHttp, ResetForgetsEverythingWhereItIsAllowed) {
  const ServerProcess server({"--allow-reset"});
  behaviour::HttpTarget target(server.port());
  const std::string database = "/api/v2/tenants/default_tenant/databases/default_database";
  const behaviour::Pairs json = {{"content-type", "application/json"}};
  EXPECT_EQ(target.Ask({"POST", database + "/collections", json, "{\"name\":\"gone\"}"}).status,
            200);
  EXPECT_EQ(target.Ask({"GET", database + "/collections_count", {}, {}}).body, "1");
  const behaviour::Answer reset = target.Ask({"POST", "/api/v2/reset", {}, {}});
  EXPECT_EQ(reset.status, 200) << reset.body;
  EXPECT_EQ(reset.body, "true");
  EXPECT_EQ(target.Ask({"GET", database + "/collections_count", {}, {}}).body, "0");
}

}  // namespace
}  // namespace chroma::conformance
