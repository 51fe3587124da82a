// Input that wants to break something: damaged bodies, filters of absurd shapes, numbers at the
// edges. The answer is a refusal or a result, never a failure of the server, and what was refused
// has changed nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <tuple>

#include "base/json_value.h"
#include "behaviour/expectation.h"
#include "behaviour/local_target.h"
#include "runtime/env.h"

namespace chroma::behaviour {
namespace {

const std::string kDatabase = "/api/v2/tenants/default_tenant/databases/default_database";

// A gateway with one collection of three records.
class World {
 public:
  // `schema`: of the collection, if not that of one made without.
  explicit World(const LocalSetting& setting = {}, const std::string& schema = "null")
      : target_(setting) {
    const Answer created =
        Post(kDatabase + "/collections", R"({"name":"things","schema":)" + schema + "}");
    collection_ = kDatabase + "/collections/" + *Dig(*ParseJson(created.body), "id")->AsString();
    const Answer added = Post(collection_ + "/add", R"({"ids":["a","b","c"],
        "embeddings":[[1,0],[0,1],[1,1]],"documents":["one","two",null],
        "metadatas":[{"x":1},{"x":2.5,"l":["p","q"]},null]})");
    EXPECT_EQ(added.status, 201) << added.body;
  }

  Answer Send(const std::string& method, const std::string& path, const std::string& body) {
    return target_.Ask({method, path, {{"content-type", "application/json"}}, body});
  }
  Answer Post(const std::string& path, const std::string& body) { return Send("POST", path, body); }
  Answer Get(const std::string& body) { return Post(collection_ + "/get", body); }
  Answer Search(const std::string& search) {
    return Post(collection_ + "/search", R"({"searches":[)" + search + "]}");
  }
  const std::string& collection() const { return collection_; }
  LocalTarget& target() { return target_; }

  // All that can be read, in one text.
  std::string State() {
    return target_.Ask({"GET", kDatabase + "/collections", {}, {}}).body +
           Get(R"({"include":["embeddings","documents","metadatas","uris"]})").body;
  }

 private:
  LocalTarget target_;
  std::string collection_;
};

std::string Repeat(const std::string& text, size_t times, const std::string& separator = "") {
  std::string repeated;
  for (size_t i = 0; i < times; ++i) repeated += (i == 0 ? "" : separator) + text;
  return repeated;
}

std::string Wide(const std::string& op, size_t width) {
  return R"({"where":{")" + op + R"(":[)" + Repeat(R"({"x":1})", width, ",") + "]}}";
}

std::string Deep(const std::string& op, size_t depth) {
  return R"({"where":)" + Repeat(R"({")" + op + R"(":[)", depth) + R"({"x":1})" +
         Repeat("]}", depth) + "}";
}

TEST(Hostile, WideFilters) {
  World world;
  for (const size_t width : {1000u, 5000u, 9999u}) {
    EXPECT_EQ(Dig(*ParseJson(world.Get(Wide("$or", width)).body), "ids")->AsArray()->size(), 1u);
    EXPECT_EQ(Dig(*ParseJson(world.Get(Wide("$and", width)).body), "ids")->AsArray()->size(), 1u);
  }
  for (const size_t width : {20'000u, 200'000u}) {
    const Answer refused = world.Get(Wide("$or", width));
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_NE(refused.body.find("InvalidArgumentError"), std::string::npos) << refused.body;
  }
}

TEST(Hostile, DeepFilters) {
  World world;
  for (const char* op : {"$and", "$or"}) {
    EXPECT_EQ(world.Get(Deep(op, 50)).status, 200);
    for (const size_t depth : {200u, 5000u, 1'000'000u}) {
      EXPECT_EQ(world.Get(Deep(op, depth)).status, 400) << depth;
      EXPECT_EQ(world.Post(world.collection() + "/delete", Deep(op, depth)).status, 400);
    }
  }
  // Depth in what nobody reads is nobody's business.
  const std::string ignored = R"({"ids":["d"],"embeddings":[[1,2]],"zz":)" + Repeat("[", 100'000) +
                              Repeat("]", 100'000) + "}";
  EXPECT_EQ(world.Post(world.collection() + "/add", ignored).status, 201);
}

TEST(Hostile, LongLists) {
  World world;
  const std::string members = Repeat("1", 99'000, ",");
  const Answer served = world.Get(R"({"where":{"x":{"$in":[)" + members + "]}}}");
  EXPECT_EQ(served.status, 200) << served.body;
  const std::string too_many = Repeat("1", 150'000, ",");
  const Answer refused = world.Get(R"({"where":{"x":{"$in":[)" + too_many + "]}}}");
  EXPECT_EQ(refused.status, 400) << refused.body;
}

TEST(Hostile, LongListsInSearches) {
  World world;
  for (const char* member : {"1", "2.5", "\"p\"", "true"}) {
    for (const char* key : {"x", "none", "#id"}) {
      const std::string begin = R"({"filter":{")" + std::string(key) + R"(":{"$in":[)";
      const Answer served = world.Search(begin + Repeat(member, 100'000, ",") + "]}}}");
      EXPECT_EQ(served.status, 200) << key << served.body;
      const Answer refused = world.Search(begin + Repeat(member, 100'001, ",") + "]}}}");
      EXPECT_EQ(refused.status, 422) << key << refused.body;
      EXPECT_NE(refused.body.find("$in list longer than 100000 values"), std::string::npos)
          << refused.body;
    }
  }
  const Answer found =
      world.Search(R"({"filter":{"x":{"$in":[)" + Repeat("1", 100'000, ",") + "]}}}");
  EXPECT_EQ(Dig(*ParseJson(found.body), "ids.0")->AsArray()->size(), 1u) << found.body;
}

TEST(Hostile, NumbersThatAreNone) {
  World world;
  const std::string before = world.State();
  for (const char* number : {"NaN", "Infinity", "-Infinity", "1e400", "-1e400", "01", "+1", ".5",
                             "1.", "1e", "0x10", "--1", "1_000", "null", "true", "\"1\"", "1e39"}) {
    const std::string body = std::string(R"({"ids":["z"],"embeddings":[[1,)") + number + "]]}";
    const Answer added = world.Post(world.collection() + "/add", body);
    EXPECT_TRUE(added.status == 400 || added.status == 422) << number << ": " << added.body;
    const std::string limit = std::string(R"({"limit":)") + number + "}";
    const Answer got = world.Get(limit);
    EXPECT_TRUE(got.status == 400 || got.status == 422 || number == std::string("null"))
        << number << ": " << got.body;
  }
  EXPECT_EQ(world.State(), before);
}

TEST(Hostile, RegularExpressionsThatExplode) {
  World world;
  runtime::Clock& clock = *runtime::Env().clock;
  const int64_t begin_ns = clock.MonotonicNs();
  const std::string text = Repeat("a", 5000);
  EXPECT_EQ(world
                .Post(world.collection() + "/add",
                      R"({"ids":["t"],"embeddings":[[1,2]],"documents":[")" + text + "\"]}")
                .status,
            201);
  for (const std::string& pattern :
       {std::string("(a*)*b"), std::string("(a|aa)+$b"), std::string("(a?){50}a{50}b"),
        std::string("((a{100}){100}){100}"), Repeat("(", 2000), Repeat("a?", 3000),
        std::string("a{1000}{1000}")}) {
    const Answer answer = world.Get(R"({"where_document":{"$regex":")" + pattern + "\"}}");
    EXPECT_TRUE(answer.status == 200 || answer.status == 400)
        << pattern.substr(0, 40) << ": " << answer.status << answer.body.substr(0, 200);
    const Answer searched =
        world.Search(R"({"filter":{"#document":{"$regex":")" + pattern + "\"}}}");
    EXPECT_EQ(searched.status, answer.status) << pattern.substr(0, 40) << searched.body;
  }
  // What backtracks takes longer than anybody waits. All of them take .3 s here, most of it to
  // refuse what is too large.
  EXPECT_LT(clock.MonotonicNs() - begin_ns, 20 * runtime::kSecond);
}

TEST(Hostile, PathsAndQueries) {
  World world;
  for (const std::string& path :
       {std::string("/api/v2/tenants/%ff/databases/x"), "/api/v2/" + Repeat("a/", 5000),
        std::string("/api/v2/tenants/%00"), std::string("/api/v2/tenants/%"),
        std::string("/api/v2/tenants/%zz"), std::string("/../../etc/passwd"),
        std::string("/api/v2/tenants/..%2f..%2fetc/databases"), std::string(""), std::string("*"),
        std::string("//"), kDatabase + "/collections?limit=1&limit=2",
        kDatabase + "/collections?limit=-1", kDatabase + "/collections?limit=99999999999999999999",
        kDatabase + "/collections?" + Repeat("a=b&", 10'000)}) {
    const Answer answer = world.target().Ask({"GET", path, {}, {}});
    EXPECT_LT(answer.status, 500) << path.substr(0, 100) << ": " << answer.body;
    EXPECT_GE(answer.status, 200) << path.substr(0, 100);
  }
}

// The target that compacts does compact: else its configurations would test nothing.
TEST(Hostile, TheConfigurationsDoWhatTheySay) {
  World tail;
  World compacted({.on_disk = true, .compact_after_write = true});
  const auto unindexed = [](World& world) {
    const Answer status =
        world.target().Ask({"GET", world.collection() + "/indexing_status", {}, {}});
    return *Dig(*ParseJson(status.body), "num_unindexed_ops")->AsInt();
  };
  EXPECT_EQ(unindexed(tail), 3);
  EXPECT_EQ(unindexed(compacted), 0);
}

// ---- damaged bodies

struct Request {
  std::string method;
  std::string path;  // with {{C}} for the collection, or absolute
  std::string body;
};

// The bodies of the cases of a file that were accepted and can be sent to any collection.
std::vector<Request> RequestsOf(const std::string& file) {
  std::vector<Request> requests;
  const Result<std::vector<Case>> cases = LoadCases(CHROMA_TESTS_DIR + file);
  EXPECT_TRUE(cases.ok()) << cases.status().ToString();
  if (!cases.ok()) return requests;
  constexpr size_t kBodyBytesMax = 4096;
  for (const Case& one : *cases) {
    for (const Step& step : one.steps) {
      const bool sendable = step.body && step.body->size() <= kBodyBytesMax &&
                            step.expect.statuses.front() < 300 &&
                            (step.path.starts_with("{{C}}") || step.path == "{{DB}}/collections");
      if (sendable) requests.push_back({step.method, step.path, *step.body});
    }
  }
  return requests;
}

class Damage {
 public:
  explicit Damage(uint64_t seed) : random_(seed) {}

  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  std::string Of(std::string body) {
    for (size_t hits = 1 + Below(2); hits > 0 && !body.empty(); --hits) Hit(&body);
    return body;
  }

 private:
  void Hit(std::string* body) {
    static const std::vector<std::string> kTokens = {"null",
                                                     "true",
                                                     "{}",
                                                     "[]",
                                                     "{",
                                                     "}",
                                                     "[",
                                                     "]",
                                                     "\"",
                                                     ",",
                                                     ":",
                                                     "-1",
                                                     "1e400",
                                                     "0.5",
                                                     "4294967296",
                                                     "18446744073709551616",
                                                     "\\u0000",
                                                     "\\ud800",
                                                     "\xff",
                                                     "\xc3",
                                                     "\"ids\":",
                                                     "\"$and\":",
                                                     "\"#type\":\"sparse_vector\"",
                                                     "\"chroma:document\":1",
                                                     "\"\"",
                                                     " ",
                                                     "\n"};
    const size_t at = Below(body->size());
    const size_t length = 1 + Below(std::min<size_t>(body->size() - at, 12));
    switch (Below(8)) {
      case 0:
        body->resize(at);
        break;
      case 1:
        (*body)[at] = static_cast<char>(Below(256));
        break;
      case 2:
        body->erase(at, length);
        break;
      case 3:
        body->insert(Below(body->size()), body->substr(at, length));
        break;
      case 4:
        body->replace(at, length, kTokens[Below(kTokens.size())]);
        break;
      case 5:
        body->insert(at, kTokens[Below(kTokens.size())]);
        break;
      default:  // often still a request, but another one
        if (std::isdigit(static_cast<unsigned char>((*body)[at])) != 0) {
          (*body)[at] = static_cast<char>('0' + Below(10));
        } else if (std::isalpha(static_cast<unsigned char>((*body)[at])) != 0) {
          (*body)[at] = static_cast<char>('a' + Below(26));
        }
    }
  }

  std::mt19937_64 random_;
};

// Sends bodies that were damaged to collections with the schema: none breaks the server, and what
// is refused has changed nothing.
void SendDamaged(const std::vector<Request>& requests, const std::string& schema) {
  constexpr int kRounds = 40;
  constexpr int kBodiesPerRound = 250;
  int accepted = 0;
  for (uint64_t seed = 1; seed <= kRounds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world({}, schema);
    Damage damage(seed);
    std::string before = world.State();
    for (int i = 0; i < kBodiesPerRound; ++i) {
      const Request& request = requests[damage.Below(requests.size())];
      const std::string body = damage.Of(request.body);
      const std::string path = request.path.starts_with("{{C}}")
                                   ? world.collection() + request.path.substr(5)
                                   : kDatabase + "/collections";
      const Answer answer = world.Send(request.method, path, body);
      // 501: a sparse vector may have come about, or a search.
      ASSERT_TRUE(answer.status < 500 || answer.status == 501)
          << request.method << " " << path << " " << body << "\n"
          << answer.body;
      const std::string after = world.State();
      if (answer.status < 300) ++accepted;
      if (answer.status >= 400) {
        ASSERT_EQ(after, before) << request.method << " " << path << " " << body << "\n"
                                 << answer.body;
      }
      before = after;
    }
  }
  // Some damage is harmless; were it all, or none, the bodies would not be what they should be.
  EXPECT_GT(accepted, kRounds * kBodiesPerRound / 20);
  EXPECT_LT(accepted, kRounds * kBodiesPerRound / 2);
}

TEST(Hostile, DamagedBodies) {
  const std::vector<Request> requests = RequestsOf("/conformance/cases.jsonl");
  ASSERT_GT(requests.size(), 300u);
  SendDamaged(requests, "null");
}

// A key with sparse vectors, another one that is made of documents.
const std::string kSparseSchema = R"({"defaults":{},"keys":{
    "s":{"sparse_vector":{"sparse_vector_index":{"enabled":true,"config":{}}}},
    "w":{"sparse_vector":{"sparse_vector_index":{"enabled":true,"config":{"bm25":true,
        "source_key":"#document",
        "embedding_function":{"type":"known","name":"chroma_bm25","config":{}}}}}}}})";

TEST(Hostile, DamagedBodiesOfSearches) {
  const std::vector<Request> requests = RequestsOf("/behaviour/search.jsonl");
  ASSERT_GT(requests.size(), 50u);
  SendDamaged(requests, kSparseSchema);
}

TEST(Hostile, DamagedBodiesOfExtensions) {
  const std::vector<Request> requests = RequestsOf("/behaviour/extensions.jsonl");
  for (const char* route : {"{{C}}/list", "{{C}}/facets", "{{C}}/explain"}) {
    EXPECT_TRUE(std::any_of(requests.begin(), requests.end(), [&](const Request& request) {
      return request.path == route;
    })) << route;
  }
  SendDamaged(requests, kSparseSchema);
}

// ---- what is refused

TEST(Hostile, RefusedSearchesChangeNothing) {
  World world({}, kSparseSchema);
  const std::string before = world.State();
  const auto refuse = [&](const std::string& route, int status, const std::string& body) {
    const Answer answer = world.Post(world.collection() + route, body);
    EXPECT_EQ(answer.status, status) << route << " " << body << "\n" << answer.body;
    EXPECT_EQ(world.State(), before) << route << " " << body;
  };
  refuse("/search", 422, "{}");
  // Keys that no record has, of which the schema must not hear.
  refuse("/search", 400, R"({"searches":[{"rank":{"$knn":{"query":[1,0,0]}}}]})");
  refuse("/search", 400, R"({"searches":[{"rank":{"$knn":{"query":"text","key":"new"}}}]})");
  refuse(
      "/search", 400,
      R"({"searches":[{},{"rank":{"$knn":{"query":{"indices":[1],"values":[1]},"key":"new"}}}]})");
  refuse(
      "/search", 400,
      R"({"searches":[{"rank":{"$knn":{"query":{"indices":[2,1],"values":[1,1]},"key":"s"}}}]})");
  refuse("/search", 400, R"({"searches":[{"filter":{"#document":"one"}}]})");
  refuse("/search", 422, R"({"searches":[{"filter":{"new":{"$near":1}}}]})");
  refuse("/search", 400, R"({"searches":[{"group_by":{"keys":["new"]}}]})");
  refuse("/list", 400, R"({"where":{"new":{"$in":[]}}})");
  refuse("/list", 400, R"({"order_by":[{"key":"#document"}]})");
  refuse("/facets", 400, R"({"facets":[{"key":"#document"}]})");
  refuse("/facets", 400, R"({"where":{"#document":"one"},"facets":[{"key":"new"}]})");
  refuse("/explain", 400, R"({"search":{"rank":{"$knn":{"query":[1,0,0]}}}})");
  refuse("/explain", 400, R"({"records":["a"]})");
}

TEST(Hostile, RefusedSchemasChangeNothing) {
  World world({}, kSparseSchema);
  EXPECT_EQ(world.Post(kDatabase + "/collections", R"({"name":"taken"})").status, 200);
  const std::string before = world.State();
  const auto refuse = [&](const std::string& body, const std::string& schema) {
    for (const auto& [method, path, member] :
         {std::tuple("PUT", world.collection(), R"("new_schema":)"),
          {"POST", kDatabase + "/collections", R"("name":"fresh","schema":)"}}) {
      if (method == std::string("POST") && !body.empty()) continue;
      const Answer answer = world.Send(method, path, "{" + body + member + schema + "}");
      EXPECT_TRUE(answer.status >= 400 && answer.status < 500)
          << method << " " << body << schema << "\n"
          << answer.status << answer.body;
      EXPECT_EQ(world.State(), before) << method << " " << body << schema;
    }
  };
  const std::string index = R"({"enabled":true,"config":{}})";
  refuse("", "[]");
  refuse("", R"({"keys":{}})");
  refuse("", R"({"defaults":{},"keys":{"x":{"string":{"fts_index":)" + index + "}}}}");
  refuse("", R"({"defaults":{},"keys":{"#x":{"int":{"int_inverted_index":)" + index + "}}}}");
  refuse("", R"({"defaults":{"string":{"fts_index":)" + index + R"(}},"keys":{}})");
  refuse("",
         R"({"defaults":{"sparse_vector":{"sparse_vector_index":)" + index + R"(}},"keys":{}})");
  refuse("", R"({"defaults":{},"keys":{"#document":{"string":{"string_inverted_index":)" + index +
                 "}}}}");
  refuse("", R"({"defaults":{},"keys":{"x":{"int":{"int_inverted_index":{"enabled":1}}}}})");
  EXPECT_EQ(world
                .Send("PUT", world.collection(), R"({"new_schema":{"defaults":{},"keys":{
                    "#embedding":{"float_list":{"vector_index":{"enabled":true,
                        "config":{"space":"cosine"}}}}}}})")
                .status,
            400);
  EXPECT_EQ(world.State(), before);
  // One member of a request that is refused takes the others along.
  const std::string good =
      R"({"defaults":{},"keys":{"x":{"int":{"int_inverted_index":{"enabled":false,"config":{}}}}}})";
  refuse(R"("new_name":"taken",)", good);
  refuse(R"("new_name":"?",)", good);
  refuse(R"("new_metadata":{"#x":1},)", good);
  refuse(R"("new_configuration":{"hnsw":{"ef_search":-1}},)", good);
  EXPECT_EQ(world.Send("PUT", world.collection(), R"({"new_schema":)" + good + "}").status, 200);
  EXPECT_NE(world.State(), before);
}

}  // namespace
}  // namespace chroma::behaviour
