#include "gateway/docs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/json_value.h"
#include "gateway/route.h"

namespace chroma::gateway {
namespace {

class OpenApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<JsonValue> parsed = ParseJson(OpenApiDocument());
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    document_ = *std::move(parsed);
  }

  const JsonObject& Members(std::initializer_list<std::string_view> path) const {
    const JsonValue* at = &document_;
    for (std::string_view name : path) {
      if (at != nullptr) at = at->Find(name);
    }
    static const JsonObject empty;
    if (at == nullptr || at->AsObject() == nullptr) {
      ADD_FAILURE() << "no object at " << *path.begin();
      return empty;
    }
    return *at->AsObject();
  }

  JsonValue document_;
};

http::Method MethodOf(const std::string& name) {
  std::string token = name;
  std::transform(token.begin(), token.end(), token.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return http::ParseMethod(token);
}

// "/a/{b}" → "/a/x"
std::string Filled(std::string path) {
  for (size_t open = path.find('{'); open != path.npos; open = path.find('{')) {
    path.replace(open, path.find('}') - open + 1, "x");
  }
  return path;
}

// Both ways: what is described exists, and what exists is described.
TEST_F(OpenApiTest, DescribesEveryRoute) {
  std::set<Endpoint> described;
  for (const auto& [path, operations] : Members({"paths"})) {
    for (const auto& [method, operation] : *operations.AsObject()) {
      const RouteResult route = FindRoute(MethodOf(method), Filled(path));
      ASSERT_TRUE(route.match) << method << " " << path;
      described.insert(route.match->endpoint);
      const bool has_body = operation.Find("requestBody") != nullptr;
      EXPECT_EQ(has_body, route.match->body != BodyKind::kNone) << method << " " << path;
    }
  }
  for (int i = 0; i <= static_cast<int>(Endpoint::kOpenApi); ++i) {
    EXPECT_TRUE(described.contains(static_cast<Endpoint>(i))) << "endpoint " << i;
  }
}

// The 405 of each described path allows what is described, and HEAD.
TEST_F(OpenApiTest, DescribesEveryMethod) {
  for (const auto& [path, operations] : Members({"paths"})) {
    std::set<std::string> described;
    for (const auto& [method, operation] : *operations.AsObject()) {
      std::string token = method;
      std::transform(token.begin(), token.end(), token.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      if (token == "GET") described.insert("HEAD");
      described.insert(token);
    }
    std::set<std::string> allowed;
    std::string_view allow = FindRoute(http::Method::kOther, Filled(path)).allow;
    while (!allow.empty()) {
      const size_t end = std::min(allow.find(','), allow.size());
      allowed.insert(std::string(allow.substr(0, end)));
      allow.remove_prefix(std::min(end + 1, allow.size()));
    }
    EXPECT_EQ(described, allowed) << path;
  }
}

void CheckReferences(const JsonValue& document, const JsonValue& value) {
  if (const JsonArray* array = value.AsArray()) {
    for (const JsonValue& element : *array) CheckReferences(document, element);
  }
  if (value.AsObject() == nullptr) return;
  for (const auto& [name, member] : *value.AsObject()) {
    CheckReferences(document, member);
    if (name != "$ref") continue;
    constexpr std::string_view kPrefix = "#/components/";
    const std::string& reference = *member.AsString();
    ASSERT_TRUE(reference.starts_with(kPrefix)) << reference;
    const size_t slash = reference.find('/', kPrefix.size());
    const JsonValue* kind =
        document.Find("components")->Find(reference.substr(kPrefix.size(), slash - kPrefix.size()));
    ASSERT_NE(kind, nullptr) << reference;
    EXPECT_NE(kind->Find(reference.substr(slash + 1)), nullptr) << reference;
  }
}

TEST_F(OpenApiTest, ReferencesLeadSomewhere) {
  CheckReferences(document_, document_);
}

TEST_F(OpenApiTest, OperationsAreWhole) {
  std::set<std::string> ids;
  std::set<std::string> tags;
  for (const JsonValue& tag : *document_.Find("tags")->AsArray()) {
    tags.insert(*tag.Find("name")->AsString());
  }
  for (const auto& [path, operations] : Members({"paths"})) {
    for (const auto& [method, operation] : *operations.AsObject()) {
      const std::string& id = *operation.Find("operationId")->AsString();
      EXPECT_TRUE(ids.insert(id).second) << id << " is not unique";
      EXPECT_TRUE(tags.contains(*(*operation.Find("tags")->AsArray())[0].AsString())) << id;
      size_t in_path = 0;
      for (const JsonValue& parameter : *operation.Find("parameters")->AsArray()) {
        const std::string& name = *parameter.Find("name")->AsString();
        EXPECT_NE(*parameter.Find("description")->AsString(), "") << name;
        if (*parameter.Find("in")->AsString() != "path") continue;
        ++in_path;
        EXPECT_NE(path.find("{" + name + "}"), path.npos) << id;
      }
      EXPECT_EQ(in_path, static_cast<size_t>(std::count(path.begin(), path.end(), '{'))) << id;
      EXPECT_FALSE(operation.Find("responses")->AsObject()->empty()) << id;
    }
  }
}

// The page prefills its forms from them.
TEST_F(OpenApiTest, EveryBodyHasAnExample) {
  for (const auto& [path, operations] : Members({"paths"})) {
    for (const auto& [method, operation] : *operations.AsObject()) {
      const JsonValue* body = operation.Find("requestBody");
      if (body == nullptr) continue;
      const std::string& reference = *body->Find("content")
                                          ->Find("application/json")
                                          ->Find("schema")
                                          ->Find("$ref")
                                          ->AsString();
      const std::string name = reference.substr(reference.rfind('/') + 1);
      const JsonValue* schema = document_.Find("components")->Find("schemas")->Find(name);
      ASSERT_NE(schema, nullptr) << name;
      ASSERT_NE(schema->Find("examples"), nullptr) << name;
      const JsonValue& example = (*schema->Find("examples")->AsArray())[0];
      for (const auto& [member, value] : *example.AsObject()) {
        EXPECT_NE(schema->Find("properties")->Find(member), nullptr) << name << "." << member;
      }
    }
  }
}

TEST(DocsPageTest, FetchesNothingFromElsewhere) {
  const std::string_view page = DocsPage();
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_NE(page.find("openapi.json"), page.npos);
  EXPECT_EQ(page.find("http://"), page.npos);
  EXPECT_EQ(page.find("https://"), page.npos);
  EXPECT_EQ(page.find("src="), page.npos);
}

}  // namespace
}  // namespace chroma::gateway
