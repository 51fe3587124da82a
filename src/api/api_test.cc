// One suite over the three clients: they differ in nothing but where the data is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "api/clients_fixture.h"
#include "chroma/chroma.h"

namespace chroma::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::string>;
using Texts = std::vector<std::optional<std::string>>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

#define EXPECT_FAILS(expr, expected_code, expected_message)                   \
  do {                                                                        \
    const Status failed = (expr);                                             \
    EXPECT_EQ(failed.code(), StatusCode::expected_code) << failed.ToString(); \
    EXPECT_EQ(failed.message(), expected_message);                            \
  } while (false)

Records FiveBooks() {
  Records books;
  books.ids = {"a", "b", "c", "d", "e"};
  books.embeddings = {{1, 0}, {0, 1}, {1, 1}, {-1, 0}, {2, 0}};
  books.documents = {"a river runs", "deep sea", std::nullopt, "River of stars", ""};
  books.metadatas = {
      Metadata{{"year", 1990}, {"price", 9.5}, {"tags", std::vector<std::string>{"x", "y"}}},
      Metadata{{"year", 2000}, {"sold", true}, {"sizes", std::vector<int64_t>{1, 2}}}, Metadata{},
      Metadata{{"year", 2010}, {"ratings", std::vector<double>{0.5, 1.0}}},
      Metadata{{"year", 2020}, {"flags", std::vector<bool>{true, false}}, {"note", "n"}}};
  books.uris = {std::nullopt, "file://b", std::nullopt, std::nullopt, std::nullopt};
  return books;
}

template <typename Kind>
class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<Client> client = kind_.Open(/*allow_reset=*/true);
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_.emplace(*std::move(client));
  }

  Collection Create(const std::string& name, CreateCollectionOptions options = {}) {
    Result<Collection> created = client_->CreateCollection(name, std::move(options));
    EXPECT_TRUE(created.ok()) << created.status().ToString();
    return *created;
  }
  Collection CreateBooks() {
    Collection books = Create("books");
    const Status added = books.Add(FiveBooks());
    EXPECT_TRUE(added.ok()) << added.ToString();
    return books;
  }
  static Ids Find(const Collection& collection, Filter where, DocumentFilter document = {}) {
    GetOptions options;
    options.where = std::move(where);
    options.where_document = std::move(document);
    options.include = Include::kNone;
    Result<GetResult> found = collection.Get(options);
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found.ok() ? found->ids : Ids{};
  }

  Kind kind_;
  std::optional<Client> client_;
};

using Kinds = ::testing::Types<Ephemeral, Persistent, Http>;
TYPED_TEST_SUITE(ApiTest, Kinds);

TYPED_TEST(ApiTest, HandlesElsewhereAndCollectionsById) {
  const Collection books = this->CreateBooks();
  Result<Collection> same = this->client_->GetCollectionById(books.id());
  ASSERT_TRUE(same.ok()) << same.status().ToString();
  EXPECT_EQ(same->name(), "books");
  EXPECT_THAT(same->info().configuration_json, HasSubstr(R"("space":"l2")"));
  EXPECT_FAILS(this->client_->GetCollectionById("books").status(), kInvalidArgument,
               "Collection ID is not a valid UUIDv4");

  ASSERT_TRUE(this->client_->CreateTenant("other_tenant").ok());
  const Client elsewhere = this->client_->At("other_tenant", "shelf");
  EXPECT_EQ(elsewhere.GetDatabase("shelf").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(elsewhere.CreateDatabase("shelf").ok());
  EXPECT_EQ(*elsewhere.CountCollections(), 0u);
  EXPECT_EQ(elsewhere.GetCollectionById(books.id()).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(this->client_->tenant(), kDefaultTenant);
}

TYPED_TEST(ApiTest, HandlesWithAnOldNameModify) {
  Collection books = this->CreateBooks();
  Collection same = books;
  ASSERT_TRUE(books.Modify({.new_name = "tomes"}).ok());
  const Status modified = same.Modify({.new_metadata = Metadata{{"shelf", 3}}});
  ASSERT_TRUE(modified.ok()) << modified.ToString();
  EXPECT_EQ(same.name(), "tomes");
}

TYPED_TEST(ApiTest, ConfigurationsAndSearchesAsJson) {
  CreateCollectionOptions options;
  options.configuration_json = R"({"hnsw": {"space": "cosine", "ef_search": 50}})";
  Collection books = this->Create("books", options);
  EXPECT_EQ(books.configuration().hnsw.space, Space::kCosine);
  ASSERT_TRUE(books.Add(FiveBooks()).ok());
  ASSERT_TRUE(books.Modify({.new_configuration_json = R"({"hnsw": {"ef_search": 70}})"}).ok());
  EXPECT_EQ(books.configuration().hnsw.ef_search, 70u);

  options.configuration.hnsw.space = Space::kL2;
  EXPECT_FAILS(this->client_->CreateCollection("both", options).status(), kInvalidArgument,
               "configuration and configuration_json must not both be given");

  Result<SearchOptions> search = SearchOptions::FromJson(
      R"({"filter": {"year": {"$gte": 2000}}, "rank": {"$knn": {"query": [1, 0], "limit": 5}},
          "limit": {"limit": 2, "offset": 0}, "select": {"keys": ["#score", "year"]}})");
  ASSERT_TRUE(search.ok()) << search.status().ToString();
  Result<SearchResult> found = books.Search(*search);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_THAT(found->ids, ElementsAre("e", "b"));
  EXPECT_EQ(SearchOptions::FromJson("{").status().code(), StatusCode::kInvalidArgument);
}

TYPED_TEST(ApiTest, RecallAndIndexingStatus) {
  const Collection books = this->CreateBooks();
  Result<RecallReport> report = books.MeasureRecall({.queries = 3, .n_results = 2});
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->recall, 1.0);
  EXPECT_EQ(report->records, 5u);
  EXPECT_LE(report->queries, 3u);
  Result<IndexingStatus> status = books.GetIndexingStatus();
  ASSERT_TRUE(status.ok()) << status.status().ToString();
  EXPECT_EQ(status->indexed_operations + status->unindexed_operations, 5u);
}

TYPED_TEST(ApiTest, DescribesAndCompacts) {
  const Collection books = this->CreateBooks();
  Result<CollectionDescription> before = books.Describe();
  ASSERT_TRUE(before.ok()) << before.status().ToString();
  EXPECT_EQ(before->records, 5u);
  EXPECT_EQ(before->indexed_operations + before->unindexed_operations, 5u);
  const Result<uint64_t> deleted = books.Delete({.ids = {{"a"}}});
  ASSERT_TRUE(deleted.ok());

  const Status compacted = books.Compact();
  ASSERT_TRUE(compacted.ok()) << compacted.ToString();
  const Result<CollectionDescription> after = books.Describe();
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(after->records, *books.Count());
  EXPECT_EQ(after->log_operations, 0u);
  EXPECT_EQ(after->unindexed_operations, 0u);
  EXPECT_GT(after->version, 0u);
  EXPECT_GE(after->log_end, after->log_begin);
  ASSERT_EQ(after->segments.size(), 1u);
  EXPECT_EQ(after->segments[0].rows, after->records);
  EXPECT_EQ(after->segments[0].deleted, 0u);
  EXPECT_GT(after->segments[0].size_bytes, 0u);
  EXPECT_THAT(after->segments[0].blob, HasSubstr("/"));

  ASSERT_TRUE(this->client_->DeleteCollection("books").ok());
  EXPECT_EQ(books.Describe().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(books.Compact().code(), StatusCode::kNotFound);
}

TYPED_TEST(ApiTest, SystemCallsAnswer) {
  const Result<UserIdentity> identity = this->client_->GetIdentity();
  ASSERT_TRUE(identity.ok()) << identity.status().ToString();
  EXPECT_EQ(identity->tenant, kDefaultTenant);
  EXPECT_EQ(identity->databases, std::vector<std::string>{kDefaultDatabase});

  Result<int64_t> heartbeat = this->client_->Heartbeat();
  ASSERT_TRUE(heartbeat.ok());
  EXPECT_GT(*heartbeat, int64_t{1'600'000'000} * 1'000'000'000);
  EXPECT_EQ(*this->client_->Version(), "1.0.0");
  EXPECT_EQ(*this->client_->GetMaxBatchSize(), 5461u);
}

TYPED_TEST(ApiTest, TenantsAndDatabasesSeparateCollections) {
  Client& client = *this->client_;
  EXPECT_EQ(client.tenant(), "default_tenant");
  ASSERT_TRUE(client.CreateTenant("Zweig & Söhne/2").ok());
  EXPECT_FAILS(client.CreateTenant("Zweig & Söhne/2"), kAlreadyExists,
               "Tenant [Zweig & Söhne/2] already exists");
  EXPECT_EQ(client.GetTenant("Zweig & Söhne/2")->name, "Zweig & Söhne/2");
  EXPECT_FAILS(client.GetTenant("nobody").status(), kNotFound, "Tenant [nobody] not found");

  ASSERT_TRUE(client.CreateDatabase("second").ok());
  EXPECT_EQ(client.GetDatabase("second")->tenant, "default_tenant");
  Result<std::vector<DatabaseInfo>> all = client.ListDatabases();
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(1).name, "second");
  EXPECT_EQ(all->at(1).id.size(), 36u);
  EXPECT_EQ(client.ListDatabases({.limit = 1, .offset = 1})->at(0).name, "second");

  Client other = client;
  ASSERT_TRUE(other.SetDatabase("second").ok());
  ASSERT_TRUE(other.CreateCollection("only_here").ok());
  EXPECT_EQ(*client.CountCollections(), 0u);
  EXPECT_EQ(*other.CountCollections(), 1u);
  EXPECT_FALSE(other.SetDatabase("third").ok());
  EXPECT_EQ(other.database(), "second");
  EXPECT_FALSE(other.SetTenant("nobody").ok());

  ASSERT_TRUE(client.DeleteDatabase("second").ok());
  EXPECT_FAILS(client.DeleteDatabase("second"), kNotFound, "Database [second] not found");
  EXPECT_FAILS(other.CreateCollection("late").status(), kInvalidArgument,
               "Database [second] does not exist");
}

TYPED_TEST(ApiTest, NamesAreChecked) {
  Client& client = *this->client_;
  EXPECT_FAILS(client.CreateCollection("ab").status(), kInvalidArgument,
               "Validation error: name: Expected a name containing 3-512 characters from "
               "[a-zA-Z0-9._-], starting and ending with a character in [a-zA-Z0-9]. Got: ab");
  EXPECT_FAILS(client.CreateDatabase("a..b"), kInvalidArgument,
               "Expected a name that does not contains two consecutive periods (..). Got a..b");
  EXPECT_FAILS(client.GetCollection("").status(), kInvalidArgument,
               "The collection's name must not be empty");
  EXPECT_FAILS(client.CreateTenant("\xff\xfe\xfd"), kInvalidArgument,
               "The tenant's name must be UTF-8");
  EXPECT_FAILS(client.GetCollection("../collections").status(), kNotFound,
               "Collection [../collections] does not exist");
}

TYPED_TEST(ApiTest, CollectionsKeepWhatTheyWereCreatedWith) {
  CreateCollectionOptions options;
  options.metadata = {{"topic", "maths"}, {"level", 3}, {"score", 0.5}, {"open", true}};
  options.configuration.hnsw.space = Space::kCosine;
  options.configuration.hnsw.ef_search = 50;
  options.configuration.embedding_function = R"({"type":"known","name":"n","config":{"a":[1]}})";
  Collection created = this->Create("first", options);
  EXPECT_EQ(created.name(), "first");
  EXPECT_EQ(created.id().size(), 36u);
  EXPECT_EQ(created.metadata(), options.metadata);
  EXPECT_EQ(created.configuration().hnsw.space, Space::kCosine);
  EXPECT_EQ(created.configuration().hnsw.ef_search, 50u);
  EXPECT_EQ(created.configuration().hnsw.max_neighbors, 16u);
  EXPECT_EQ(created.configuration().hnsw.resize_factor, 1.2);
  EXPECT_EQ(created.configuration().embedding_function,
            R"({"type":"known","name":"n","config":{"a":[1]}})");
  EXPECT_THAT(created.info().schema, HasSubstr("\"#embedding\""));
  EXPECT_EQ(created.info().dimension, std::nullopt);

  Result<Collection> same = this->client_->GetCollection("first");
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->id(), created.id());
  EXPECT_EQ(same->metadata(), options.metadata);
  EXPECT_EQ(same->info().schema, created.info().schema);
  // A schema that was read can be given again.
  Collection copy = this->Create("copy", {.schema = created.info().schema});
  EXPECT_EQ(copy.configuration().hnsw.space, Space::kCosine);

  EXPECT_FAILS(this->client_->CreateCollection("first").status(), kAlreadyExists,
               "Collection [first] already exists");
  Result<Collection> again = this->client_->GetOrCreateCollection("first", {.metadata = {}});
  EXPECT_EQ(again->id(), created.id());
  EXPECT_FAILS(this->client_->GetCollection("none").status(), kNotFound,
               "Collection [none] does not exist");
  EXPECT_EQ(*this->client_->CountCollections(), 2u);
  EXPECT_EQ(this->client_->ListCollections()->size(), 2u);
  EXPECT_EQ(this->client_->ListCollections({.limit = 1})->size(), 1u);
  ASSERT_TRUE(this->client_->DeleteCollection("first").ok());
  EXPECT_FAILS(this->client_->DeleteCollection("first"), kNotFound,
               "Collection [first] does not exist");
  EXPECT_FAILS(created.Count().status(), kNotFound,
               "Collection [" + created.id() + "] does not exist.");
}

TYPED_TEST(ApiTest, BadOptionsOfCollectionsAreRefused) {
  Client& client = *this->client_;
  EXPECT_FAILS(client.CreateCollection("abc", {.schema = "{"}).status(), kInvalidArgument,
               "schema: EOF while parsing an object at line 1 column 1");
  EXPECT_FAILS(client.CreateCollection("abc", {.metadata = {{"x", std::monostate()}}}).status(),
               kInvalidArgument, "metadata.x must not be null: nulls are for updates");
  EXPECT_FAILS(client.CreateCollection("abc", {.metadata = {{"#x", 1}}}).status(), kInvalidArgument,
               "Validation error: metadata: Metadata key cannot start with '#' or '$': #x");
  EXPECT_EQ(*client.CountCollections(), 0u);
}

TYPED_TEST(ApiTest, ModifyChangesTheHandle) {
  Collection collection = this->Create("before", {.metadata = {{"k", 1}}});
  ASSERT_TRUE(collection.Modify({.new_name = "after"}).ok());
  EXPECT_EQ(collection.name(), "after");
  EXPECT_EQ(collection.metadata(), (Metadata{{"k", 1}}));
  ASSERT_TRUE(collection.Modify({.new_metadata = Metadata{{"z", "v"}}}).ok());
  EXPECT_EQ(collection.metadata(), (Metadata{{"z", "v"}}));
  CollectionConfiguration configuration;
  configuration.hnsw.ef_search = 77;
  ASSERT_TRUE(collection.Modify({.new_configuration = configuration}).ok());
  EXPECT_EQ(collection.configuration().hnsw.ef_search, 77u);
  configuration.hnsw.space = Space::kInnerProduct;
  EXPECT_FAILS(collection.Modify({.new_configuration = configuration}), kInvalidArgument,
               "new_configuration: space and ef_construction are fixed when a collection is "
               "created");
  this->Create("taken");
  EXPECT_EQ(collection.Modify({.new_name = "taken"}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(collection.name(), "after");
}

TYPED_TEST(ApiTest, GetReturnsWhatWasAdded) {
  Collection books = this->CreateBooks();
  EXPECT_EQ(*books.Count(), 5u);
  const Records given = FiveBooks();
  Result<GetResult> got = books.Get({.include = Include::kDocuments | Include::kMetadatas |
                                                Include::kEmbeddings | Include::kUris});
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_EQ(got->ids, given.ids);
  EXPECT_EQ(got->documents, given.documents);
  EXPECT_EQ(got->metadatas, given.metadatas);
  EXPECT_EQ(got->uris, given.uris);
  ASSERT_EQ(got->embeddings.rows(), 5u);
  EXPECT_EQ(got->embeddings.dimension(), 2u);
  EXPECT_THAT(got->embeddings.row(3), ElementsAre(-1, 0));

  Result<GetResult> some = books.Get({.ids = Ids{"e", "none", "b"}, .include = Include::kNone});
  EXPECT_THAT(some->ids, ElementsAre("b", "e"));
  EXPECT_TRUE(some->documents.empty());
  EXPECT_TRUE(some->metadatas.empty());
  EXPECT_EQ(books.Get({.ids = Ids{}})->size(), 0u);
  EXPECT_THAT(books.Get({.limit = 2, .offset = 1})->ids, ElementsAre("b", "c"));
  EXPECT_EQ(books.Get({.limit = 0})->size(), 0u);
  Result<GetResult> first = books.Peek(1);
  EXPECT_THAT(first->ids, ElementsAre("a"));
  EXPECT_THAT(first->embeddings.row(0), ElementsAre(1, 0));
}

TYPED_TEST(ApiTest, FiltersSelect) {
  Collection books = this->CreateBooks();
  const auto find = [&](Filter where, DocumentFilter document = {}) {
    return this->Find(books, std::move(where), std::move(document));
  };
  EXPECT_THAT(find(Where("year") == 2000), ElementsAre("b"));
  EXPECT_THAT(find(Where("year") != 2000), ElementsAre("a", "c", "d", "e"));
  EXPECT_THAT(find(Where("year") > 2000), ElementsAre("d", "e"));
  EXPECT_THAT(find(Where("year") >= 2000.0), ElementsAre("b", "d", "e"));
  EXPECT_THAT(find(Where("year") < 2000), ElementsAre("a"));
  EXPECT_THAT(find(Where("price") <= 9.5), ElementsAre("a"));
  EXPECT_THAT(find(Where("sold") == true), ElementsAre("b"));
  EXPECT_THAT(find(Where("note") == "n"), ElementsAre("e"));
  EXPECT_THAT(find(Where("year").In({1990, 2020})), ElementsAre("a", "e"));
  EXPECT_THAT(find(Where("note").In({"m", "n"})), ElementsAre("e"));
  EXPECT_THAT(find(Where("year").NotIn({1990, 2020})), ElementsAre("b", "c", "d"));
  EXPECT_THAT(find(Where("tags").Contains("x")), ElementsAre("a"));
  EXPECT_THAT(find(Where("sizes").Contains(2)), ElementsAre("b"));
  EXPECT_THAT(find(Where("tags").NotContains("x")), ElementsAre("b", "c", "d", "e"));
  EXPECT_THAT(find((Where("year") > 1995 && Where("year") < 2015) || Where("note") == "n"),
              ElementsAre("b", "d", "e"));
  EXPECT_THAT(find(Filter(), Document().Contains("river")), ElementsAre("a"));
  EXPECT_THAT(find(Filter(), Document().NotContains("river")), ElementsAre("b", "c", "d", "e"));
  EXPECT_THAT(find(Filter(), Document().Matches("(?i)^river|sea$")), ElementsAre("b", "d"));
  EXPECT_THAT(find(Where("year") < 2005, Document().NotMatches("sea")), ElementsAre("a"));
  EXPECT_THAT(find(Where("year") == 2000 || Where(kDocumentKey).Contains("stars")),
              ElementsAre("b", "d"));
  EXPECT_THAT(find(*Filter::FromJson(R"({"$or":[{"year":1990},{"note":{"$in":["n"]}}]})")),
              ElementsAre("a", "e"));
  EXPECT_THAT(find(Filter(), *DocumentFilter::FromJson(R"({"$contains":"stars"})")),
              ElementsAre("d"));
}

TYPED_TEST(ApiTest, BadFiltersAreRefused) {
  Collection books = this->CreateBooks();
  const auto get = [&](Filter where, DocumentFilter document = {}) {
    return books.Get({.where = std::move(where), .where_document = std::move(document)}).status();
  };
  EXPECT_FAILS(get(Where("year") > "text"), kInvalidArgument, "Invalid where clause");
  EXPECT_FAILS(get(Where("$year") == 1), kInvalidArgument, "Invalid where clause");
  EXPECT_FAILS(get(Where("year").In(std::vector<int64_t>())), kInvalidArgument,
               "Invalid where clause");
  EXPECT_FAILS(get(Where("year") == std::nan("")), kInvalidArgument, "Invalid where clause");
  EXPECT_FAILS(get(Where("year").Matches("x")), kInvalidArgument, "Invalid where clause");
  const Status regex = get(Filter(), Document().Matches("[a"));
  EXPECT_EQ(regex.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(regex.message()), HasSubstr("Regex syntax errror"));
  EXPECT_FAILS(get(Where(kDocumentKey) == "x"), kInvalidArgument,
               "Cannot filter using metadata key '#document' with type 'Str' because indexing is "
               "disabled");
}

TYPED_TEST(ApiTest, QueryFindsTheNearest) {
  Collection books = this->CreateBooks();
  Result<QueryResult> found = books.Query({.query_embeddings = {{1, 0}, {0, 2}}, .n_results = 3});
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_THAT(found->ids[0], ElementsAre("a", "c", "e"));
  EXPECT_THAT(found->distances[0], ElementsAre(0, 1, 1));
  EXPECT_THAT(found->documents[0], ElementsAre("a river runs", std::nullopt, ""));
  EXPECT_EQ(found->metadatas[0][0], FiveBooks().metadatas[0]);
  EXPECT_THAT(found->ids[1], ElementsAre("b", "c", "a"));
  EXPECT_TRUE(found->embeddings.empty());
  EXPECT_TRUE(found->uris.empty());

  QueryOptions options;
  options.query_embeddings = Embeddings(std::vector<float>{1, 0}, 2);
  options.ids = Ids{"b", "d", "e"};
  options.where = Where("year") > 2005;
  options.where_document = Document().Contains("stars");
  options.include = Include::kEmbeddings;
  found = books.Query(options);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_THAT(found->ids, ElementsAre(ElementsAre("d")));
  EXPECT_THAT(found->embeddings[0].row(0), ElementsAre(-1, 0));
  EXPECT_TRUE(found->distances.empty());

  EXPECT_EQ(books.Query({.query_embeddings = {}})->size(), 0u);
  EXPECT_TRUE(books.Query({.query_embeddings = {{1, 0}}, .n_results = 0})->ids[0].empty());
  EXPECT_EQ(books.Query({.query_embeddings = {{1, 0}}, .n_results = 4294967295})->ids[0].size(),
            5u);
  EXPECT_FAILS(books.Query({.query_embeddings = {{1, 0, 0}}}).status(), kInvalidArgument,
               "Collection expecting embedding with dimension of 2, got 3");
  EXPECT_FAILS(books.Query({.query_embeddings = {{1, 0}, {1}}}).status(), kInvalidArgument,
               "Inconsistent dimensions in provided embeddings");
  EXPECT_FAILS(books.Query({.query_embeddings = {{1, kInfinity}}}).status(), kInvalidArgument,
               "query_embeddings must not contain NaN or infinities");
}

TYPED_TEST(ApiTest, DistancesBeyondAFloatAreInfinite) {
  Collection collection = this->Create("far");
  ASSERT_TRUE(collection.Add({.ids = {"a"}, .embeddings = {{3e38f}}}).ok());
  Result<QueryResult> found = collection.Query({.query_embeddings = {{-3e38f}}});
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_THAT(found->distances, ElementsAre(ElementsAre(kInfinity)));
}

TYPED_TEST(ApiTest, EmptyCollectionsAnswer) {
  Collection collection = this->Create("empty");
  EXPECT_EQ(*collection.Count(), 0u);
  EXPECT_EQ(collection.Peek()->size(), 0u);
  Result<QueryResult> found = collection.Query({.query_embeddings = {{1, 2}, {3, 4}}});
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_THAT(found->ids, ElementsAre(Ids{}, Ids{}));
  EXPECT_EQ(found->distances.size(), 2u);
}

TYPED_TEST(ApiTest, UpdateAndUpsertMerge) {
  Collection books = this->CreateBooks();
  Records update;
  update.ids = {"a", "none", "b"};
  update.embeddings = {{5, 5}};
  update.has_embedding = {false, false, true};
  update.documents = {"new text", "x", std::nullopt};
  update.metadatas = {Metadata{{"price", std::monostate()}, {"extra", "v"}}, Metadata{},
                      Metadata{}};
  const Status updated = books.Update(update);
  ASSERT_TRUE(updated.ok()) << updated.ToString();
  Result<GetResult> got =
      books.Get({.ids = Ids{"a", "b"},
                 .include = Include::kDocuments | Include::kMetadatas | Include::kEmbeddings});
  EXPECT_THAT(got->documents, ElementsAre("new text", "deep sea"));
  EXPECT_EQ(
      got->metadatas[0],
      (Metadata{{"extra", "v"}, {"tags", std::vector<std::string>{"x", "y"}}, {"year", 1990}}));
  EXPECT_THAT(got->embeddings.row(0), ElementsAre(1, 0));
  EXPECT_THAT(got->embeddings.row(1), ElementsAre(5, 5));

  ASSERT_TRUE(books
                  .Upsert({.ids = {"b", "f"},
                           .embeddings = {{7, 7}, {8, 8}},
                           .documents = {std::nullopt, "sixth"}})
                  .ok());
  EXPECT_EQ(*books.Count(), 6u);
  got = books.Get({.ids = Ids{"b", "f"}});
  EXPECT_THAT(got->documents, ElementsAre("deep sea", "sixth"));
}

TYPED_TEST(ApiTest, DeleteCountsWhatItDeletes) {
  Collection books = this->CreateBooks();
  EXPECT_EQ(*books.Delete({}), 0u);
  EXPECT_EQ(*books.Delete({.ids = Ids{"a"}}), 1u);
  EXPECT_EQ(*books.Delete({.where = Where("year") > 1900, .limit = 1}), 1u);
  EXPECT_EQ(*books.Delete({.where_document = Document().Contains("stars")}), 1u);
  EXPECT_THAT(books.Get({.include = Include::kNone})->ids, ElementsAre("c", "e"));
  EXPECT_FAILS(books.Delete({.ids = Ids{}}).status(), kInvalidArgument,
               "Validation error: ids, where: Either ids or where must be specified");
  EXPECT_FAILS(books.Delete({.ids = Ids{"c"}, .limit = 1}).status(), kInvalidArgument,
               "Validation error: limit, where: limit can only be specified when a where clause "
               "is provided");
}

TYPED_TEST(ApiTest, BadWritesChangeNothing) {
  Collection collection = this->Create("strict");
  const auto add = [&](Records records) { return collection.Add(std::move(records)); };
  EXPECT_TRUE(add({}).ok());
  EXPECT_FAILS(add({.ids = {"a"}}), kInvalidArgument,
               "Inconsistent number of IDs, embeddings, documents, URIs and metadatas");
  EXPECT_FAILS(add({.ids = {"a"}, .embeddings = {{}}}), kInvalidArgument,
               "Validation error: embeddings: Each embedding must have at least 1 dimension");
  EXPECT_FAILS(add({.ids = {"a", "b"}, .embeddings = {{1}, {1, 2}}}), kInvalidArgument,
               "Inconsistent dimensions in provided embeddings");
  EXPECT_FAILS(add({.ids = {"a"}, .embeddings = {{std::nanf("")}}}), kInvalidArgument,
               "Validation error: embeddings: Embeddings must not contain NaN or Infinity values");
  EXPECT_FAILS(add({.ids = {""}, .embeddings = {{1}}}), kInvalidArgument,
               "Empty ID, ID must have at least one character");
  EXPECT_FAILS(add({.ids = {"a"}, .embeddings = {{1}}, .documents = {"\xc3("}}), kInvalidArgument,
               "documents[0] must be UTF-8");
  EXPECT_FAILS(add({.ids = {"a"}, .embeddings = {{1}}, .metadatas = {{{"x", kInfinity}}}}),
               kInvalidArgument, "metadatas[0].x must not be NaN or infinite");
  EXPECT_FAILS(add({.ids = {"a"}, .embeddings = {{1}}, .metadatas = {{{"$x", 1}}}}),
               kInvalidArgument, "Validation error: metadatas: Invalid metadata at index 0");
  EXPECT_FAILS(add({.ids = {"a"}, .embeddings = {{1}}, .has_embedding = {false}}), kInvalidArgument,
               "has_embedding marks 0 records, but there are 1 embeddings");
  EXPECT_FAILS(add({.ids = {"a"},
                    .embeddings = {{1}},
                    .metadatas = {{{"s", SparseVector{{2, 1}, {0.5f, 1}, {}}}}}}),
               kInvalidArgument, "Validation error: metadatas: Invalid metadata at index 0");
  EXPECT_EQ(*collection.Count(), 0u);
  EXPECT_EQ(this->client_->GetCollection("strict")->info().dimension, std::nullopt);
}

constexpr const char* kSparseSchema =
    R"({"defaults":{},"keys":{"s":{"sparse_vector":{"sparse_vector_index":)"
    R"({"enabled":true,"config":{}}}}}})";

// No template: GCC 12 fails inside one.
void CheckSearches(const Collection& collection) {
  const auto sparse = [](std::vector<uint32_t> indices, std::vector<float> values) {
    return SparseVector{std::move(indices), std::move(values), {}};
  };
  ASSERT_TRUE(collection
                  .Add({.ids = {"a", "b", "c", "d"},
                        .embeddings = {{0, 0}, {1, 0}, {0, 2}, {1, 1}},
                        .documents = {"red", "blue", std::nullopt, "green"},
                        .metadatas = {{{"g", "x"}, {"s", sparse({1, 2}, {1, 2})}},
                                      {{"g", "x"}, {"s", sparse({2}, {1})}},
                                      {{"g", "y"}},
                                      {}}})
                  .ok());
  const Rank near = Knn({.query = {0, 0}, .limit = 3});
  const Rank words = SparseKnn({.key = "s", .query = sparse({2}, {1}), .default_score = 5.0f});
  Result<SearchResult> all = collection.Search(
      {.rank = near + words, .select = {kDocumentKey, kEmbeddingKey, kMetadataKey, kScoreKey}});
  ASSERT_TRUE(all.ok()) << all.status().ToString();
  EXPECT_THAT(all->ids, ElementsAre("a", "b", "d"));
  EXPECT_THAT(all->scores, ElementsAre(-1, 1, 7));
  EXPECT_THAT(all->documents, ElementsAre("red", "blue", "green"));
  EXPECT_THAT(all->embeddings.row(2), ElementsAre(1, 1));
  EXPECT_EQ(all->metadatas[0].at("s"), MetadataValue(sparse({1, 2}, {1, 2})));
  EXPECT_TRUE(all->metadatas[2].empty());

  Result<std::vector<SearchResult>> batch = collection.SearchBatch(
      {{.where = Where(kIdKey).NotIn({"a"}),
        .rank = near,
        .limit = 1,
        .offset = 1,
        .select = {"g"}},
       {.rank = Knn({.query = {0, 0}}), .group_by = {.keys = {"g"}}},
       {.where = Where(kDocumentKey).Contains("e"), .limit = 2, .select = {kScoreKey}}});
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  ASSERT_EQ(batch->size(), 3u);
  EXPECT_THAT((*batch)[0].ids, ElementsAre("d"));
  EXPECT_TRUE((*batch)[0].scores.empty());
  EXPECT_THAT((*batch)[0].metadatas, ElementsAre(Metadata()));
  EXPECT_THAT((*batch)[1].ids, ElementsAre("a", "d", "c"));
  EXPECT_THAT((*batch)[2].ids, ElementsAre("a", "b"));
  EXPECT_THAT((*batch)[2].scores, ElementsAre(0, 1));
  EXPECT_TRUE(collection.SearchBatch({})->empty());

  Result<Rank> fused =
      Rrf({Knn({.query = {0, 0}, .return_rank = true}),
           SparseKnn({.key = "s", .query = sparse({2}, {1}), .return_rank = true})});
  ASSERT_TRUE(fused.ok());
  EXPECT_THAT(collection.Search({.rank = *fused})->ids, ElementsAre("a", "b"));
  Result<SearchResult> none = collection.Search({.rank = 0 / near, .select = {kScoreKey}});
  EXPECT_THAT(none->ids, ElementsAre("b", "d", "a"));
  EXPECT_TRUE(std::isnan(none->scores[2]));
}

TYPED_TEST(ApiTest, Search) {
  CheckSearches(this->Create("searched", {.schema = kSparseSchema}));
}

void CheckWrongSearches(const Collection& collection) {
  const auto search = [&](SearchOptions options) {
    return collection.Search(std::move(options)).status();
  };
  EXPECT_FAILS(search({.rank = Knn({.query = {1}})}), kInvalidArgument,
               "Collection expecting embedding with dimension of 2, got 1");
  EXPECT_FAILS(search({.rank = SparseKnn({.key = "s", .query = {{1}, {1}, {}}})}), kInvalidArgument,
               "Cannot filter using metadata key 's' with type 'SparseVector' because indexing is "
               "disabled");
  EXPECT_FAILS(search({.group_by = {.keys = {"g"}}}), kInvalidArgument,
               "Validation error: searches[0].__all__: group_by requires rank expression to be "
               "specified");
  EXPECT_FAILS(search({.rank = Knn({.query = {1, kInfinity}})}), kInvalidArgument,
               "rank must not contain NaN or infinities");
  EXPECT_FAILS(search({.rank = Knn({.query = {1, 1}}), .select = {"\xc3("}}), kInvalidArgument,
               "select[0] must be UTF-8");
  EXPECT_FAILS(search({.where = Where("x").Matches("y")}), kInvalidArgument,
               "Invalid where clause");
}

TYPED_TEST(ApiTest, WrongSearchesAreRefused) {
  CheckWrongSearches(this->CreateBooks());
}

TYPED_TEST(ApiTest, FacetsCount) {
  const Collection books = this->CreateBooks();
  Result<FacetsResult> counted =
      books.Facets({.where = Where("year") >= 2000,
                    .facets = {{.key = "year", .limit = 2, .by_value = true}, {.key = "flags"}}});
  ASSERT_TRUE(counted.ok()) << counted.status().ToString();
  EXPECT_EQ(counted->count, 3u);
  ASSERT_EQ(counted->facets.size(), 2u);
  const FacetValues& years = counted->facets[0];
  EXPECT_EQ(years.key, "year");
  EXPECT_EQ(years.records, 3u);
  EXPECT_EQ(years.distinct, 3u);
  ASSERT_EQ(years.values.size(), 2u);
  EXPECT_EQ(years.values[0].value, MetadataValue(2000));
  EXPECT_EQ(years.values[1].value, MetadataValue(2010));
  ASSERT_EQ(counted->facets[1].values.size(), 2u);
  EXPECT_EQ(counted->facets[1].values[1].value, MetadataValue(true));
  EXPECT_FAILS(books.Facets({.facets = {{.key = "#document"}}}).status(), kInvalidArgument,
               "Validation error: facets[0].key: \"#document\" is no metadata key of the "
               "collection's own");
}

TYPED_TEST(ApiTest, ListsAreSortedAndHighlighted) {
  const Collection books = this->CreateBooks();
  ListRecordsOptions options;
  options.where_document = Document().HasPhrase("river runs") || Document().ContainsAny({"ee"});
  options.order_by = {{.key = "year", .descending = true}};
  options.highlight = HighlightOptions{.snippet_characters = 4};
  Result<ListRecordsResult> listed = books.ListRecords(options);
  ASSERT_TRUE(listed.ok()) << listed.status().ToString();
  EXPECT_THAT(listed->records.ids, ElementsAre("b", "a"));
  EXPECT_EQ(listed->records.documents, (Texts{"deep sea", "a river runs"}));
  ASSERT_EQ(listed->highlights.size(), 2u);
  EXPECT_THAT(listed->highlights[0]->matches, ElementsAre(TextRange{1, 3, 1, 3}));
  ASSERT_EQ(listed->highlights[0]->snippets.size(), 1u);
  EXPECT_EQ(listed->highlights[0]->snippets[0].text, "deep");
  EXPECT_THAT(listed->highlights[1]->matches, ElementsAre(TextRange{2, 12, 2, 12}));

  Result<ListRecordsResult> all = books.ListRecords({.order_by = {{.key = "sold"}}, .limit = 2});
  ASSERT_TRUE(all.ok()) << all.status().ToString();
  EXPECT_THAT(all->records.ids, ElementsAre("b", "a"));
  EXPECT_TRUE(all->highlights.empty());
  EXPECT_FAILS(books.Get({.where_document = Document().HasPrefix("a")}).status(), kInvalidArgument,
               "Invalid where document clause");
}

TYPED_TEST(ApiTest, TextsInMetadata) {
  Collection books = this->CreateBooks();
  const Metadata title = {{"title", "red-hot, really"}};
  const Metadata titles = {{"title", std::vector<std::string>{"hot", "東京 red"}}};
  const Metadata number = {{"title", 5}};
  ASSERT_TRUE(books
                  .Upsert({.ids = {"x", "y", "z"},
                           .embeddings = {{1, 0}, {1, 0}, {1, 0}},
                           .metadatas = {title, titles, number}})
                  .ok());
  const auto found = [&](const Filter& where) {
    ListRecordsOptions options{.ids = Ids{"x", "y", "z"}, .where = where};
    Result<ListRecordsResult> listed = books.ListRecords(options);
    EXPECT_TRUE(listed.ok()) << listed.status().ToString();
    return listed.ok() ? listed->records.ids : Ids();
  };
  EXPECT_THAT(found(Where("title").ContainsAny({"d-h", "京"})), ElementsAre("x", "y"));
  EXPECT_THAT(found(Where("title").NotContainsAny({"d-h"})), ElementsAre("y", "z"));
  EXPECT_THAT(found(Where("title").HasPhrase("red hot")), ElementsAre("x"));
  EXPECT_THAT(found(Where("title").NotHasPhrase("red hot")), ElementsAre("y", "z"));
  EXPECT_THAT(found(Where("title").HasPrefix("hot rea")), ElementsAre("x"));
  EXPECT_THAT(found(Where("title").NotHasPrefix("re")), ElementsAre("z"));
  const Result<FacetsResult> counted = books.Facets({.where = Where("title").HasPrefix("re")});
  EXPECT_EQ(counted->count, 2u);
  EXPECT_FAILS(books.Get({.where = Where("title").HasPrefix("re")}).status(), kInvalidArgument,
               "Invalid where clause");
  EXPECT_FAILS(books.ListRecords({.where = Where("title").HasPhrase("?")}).status(),
               kInvalidArgument, "Invalid where clause: a phrase without words");
}

TYPED_TEST(ApiTest, Explanations) {
  const Collection books = this->CreateBooks();
  ListRecordsOptions list;
  list.where = Where("year") >= 2000;
  Result<std::string> of_list = books.ExplainList(list, {"a"});
  ASSERT_TRUE(of_list.ok()) << of_list.status().ToString();
  EXPECT_THAT(*of_list, HasSubstr(R"("reason":"the filter refuses it: )"));
  QueryOptions query;
  query.query_embeddings = {{1, 0}};
  Result<std::string> of_query = books.ExplainQuery(query, {"a"});
  ASSERT_TRUE(of_query.ok()) << of_query.status().ToString();
  EXPECT_THAT(*of_query, HasSubstr(R"("reason":"it is among the nearest","place":0)"));
  SearchOptions search;
  search.rank = Knn({.query = {1, 0}});
  Result<std::string> of_search = books.ExplainSearch(search, {"nobody"});
  ASSERT_TRUE(of_search.ok()) << of_search.status().ToString();
  EXPECT_THAT(*of_search, HasSubstr(R"("reason":"no record has this id")"));
}

TYPED_TEST(ApiTest, UncommonNumbersAndTextSurvive) {
  Collection collection = this->Create("odd");
  const Metadata odd = {{"min", INT64_MIN}, {"max", INT64_MAX},
                        {"tiny", 5e-324},   {"third", 1.0 / 3},
                        {"one", 1.0},       {"text", std::string("\0\"\\\n\x7f é", 8)},
                        {"ключ", ""}};
  const std::string id("id\0 with \"everything\"\t/ü", 25);
  ASSERT_TRUE(collection
                  .Add({.ids = {id},
                        .embeddings = {{1e-45f, 3.4028235e38f, -0.1f}},
                        .documents = {id},
                        .metadatas = {odd},
                        .uris = {id}})
                  .ok());
  Result<GetResult> got = collection.Get({.ids = Ids{id},
                                          .include = Include::kDocuments | Include::kMetadatas |
                                                     Include::kEmbeddings | Include::kUris});
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_THAT(got->ids, ElementsAre(id));
  EXPECT_THAT(got->documents, ElementsAre(id));
  EXPECT_THAT(got->metadatas, ElementsAre(odd));
  EXPECT_THAT(got->uris, ElementsAre(id));
  EXPECT_THAT(got->embeddings.row(0), ElementsAre(1e-45f, 3.4028235e38f, -0.1f));
}

TYPED_TEST(ApiTest, ManyThreadsShareAClient) {
  constexpr int kThreads = 8;
  constexpr int kWrites = 20;
  Collection collection = this->Create("shared");
  runtime::Scheduler& scheduler = runtime::Scheduler::System();
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  for (int t = 0; t < kThreads; ++t) {
    tasks.push_back(scheduler.Start("writer", [&collection, t] {
      for (int i = 0; i < kWrites; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        EXPECT_TRUE(collection.Add({.ids = {id}, .embeddings = {{1.0f * t, 1.0f * i}}}).ok());
        Result<GetResult> own = collection.Get({.ids = Ids{id}});
        EXPECT_TRUE(own.ok() && own->size() == 1) << own.status().ToString();
      }
    }));
  }
  tasks.clear();  // joins
  EXPECT_EQ(*collection.Count(), static_cast<uint64_t>(kThreads * kWrites));
}

TYPED_TEST(ApiTest, ResetForgetsEverything) {
  this->CreateBooks();
  ASSERT_TRUE(this->client_->Reset().ok());
  EXPECT_EQ(*this->client_->CountCollections(), 0u);
}

template <typename Kind>
class LockedApiTest : public ::testing::Test {};
TYPED_TEST_SUITE(LockedApiTest, Kinds);

TYPED_TEST(LockedApiTest, ResetMustBeAllowed) {
  TypeParam kind;
  Result<Client> client = kind.Open(/*allow_reset=*/false);
  ASSERT_TRUE(client.ok()) << client.status().ToString();
  EXPECT_FAILS(client->Reset(), kPermissionDenied, "Reset is disabled by config");
}

TEST(PersistentClientTest, OpensWhereNothingIsYet) {
  const api::TemporaryDirectory directory;
  LocalOptions options;
  options.tenant = "acme_tenant";
  options.database = "shelf";
  EXPECT_EQ(PersistentClient(directory.path(), options).status().code(), StatusCode::kNotFound);
  options.must_exist = false;
  const Result<Client> client = PersistentClient(directory.path(), options);
  ASSERT_TRUE(client.ok()) << client.status().ToString();
  ASSERT_TRUE(client->CreateTenant("acme_tenant").ok());
  ASSERT_TRUE(client->CreateDatabase("shelf").ok());
  EXPECT_EQ(*client->CountCollections(), 0u);
}

TEST(PersistentClientTest, KeepsItsData) {
  TemporaryDirectory directory;
  {
    Result<Client> client = PersistentClient(directory.path());
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    Collection books = *client->CreateCollection("books");
    ASSERT_TRUE(books.Add(FiveBooks()).ok());
  }
  Result<Client> client = PersistentClient(directory.path());
  ASSERT_TRUE(client.ok()) << client.status().ToString();
  EXPECT_EQ(*client->GetCollection("books")->Count(), 5u);
}

TEST(ClientTest, CollectionsOutliveTheirClient) {
  std::optional<Collection> collection;
  {
    Result<Client> client = EphemeralClient();
    ASSERT_TRUE(client.ok());
    collection.emplace(*client->CreateCollection("alone"));
  }
  EXPECT_EQ(*collection->Count(), 0u);
}

TEST(ClientTest, OptionsAreChecked) {
  EXPECT_EQ(PersistentClient("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_FAILS(EphemeralClient({.tenant = "nobody"}).status(), kNotFound,
               "Tenant [nobody] not found");
  EXPECT_FAILS(EphemeralClient({.database = "none"}).status(), kNotFound,
               "Database [none] not found. Are you sure it exists?");
}

}  // namespace
}  // namespace chroma::api
