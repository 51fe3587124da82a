// Sparse vectors of records that were there before their key was switched on, from the outside.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json_value.h"
#include "index/text/bm25.h"
#include "service/test_support.h"
#include "service/wiring.h"
#include "testing/fault_file_system.h"

namespace chroma::service {
namespace {

using engine::CollectionRef;
using model::Operation;
using model::SparseVector;
using testing::FaultFileSystem;

constexpr const char* kKey = "words";

// A record as a test writes it.
struct Given {
  std::string id;
  std::optional<std::string> document = std::nullopt;
  std::optional<model::Metadata> metadata = std::nullopt;
};
model::Metadata With(const std::string& key, model::MetadataValue value) {
  model::Metadata metadata;
  metadata.Set(key, std::move(value));
  return metadata;
}
model::Metadata WithoutVector() {
  return With(kKey, std::monostate());
}
SparseVector Bm25(const std::string& text) {
  return index::Bm25().Embed(text);
}

class SparseFillTest : public ::testing::Test {
 protected:
  SparseFillTest() {
    env_.files = &files_;
    // Nothing happens by itself unless a test wants it.
    options_.path = "/db";
    options_.compaction.idle_ns = options_.compaction.settle_ns = 3600 * runtime::kSecond;
    Open();
  }

  void Open() {
    service_.reset();
    auto opened = LocalService::Open(env_, options_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    service_ = *std::move(opened);
  }
  CollectionRef Things() { return *GetOrCreate(*service_, "things"); }

  Status TryWrite(Operation operation, const std::vector<Given>& records) {
    engine::WriteRequest request;
    model::RecordBatch& batch = request.batch;
    batch.operation = operation;
    const bool has_vectors = operation != Operation::kUpdate;
    batch.vectors.dimension = has_vectors ? 2 : 0;
    for (const Given& record : records) {
      batch.ids.push_back(record.id);
      batch.documents.push_back(record.document);
      batch.metadatas.push_back(record.metadata);
      if (has_vectors) batch.vectors.values.insert(batch.vectors.values.end(), {1, 2});
    }
    request.shape = model::ShapeOf(batch);
    runtime::Context ctx;
    return service_->engine().Write(ctx, Things(), std::move(request));
  }
  void Add(const std::vector<Given>& records) {
    const Status written = TryWrite(Operation::kAdd, records);
    ASSERT_TRUE(written.ok()) << written.ToString();
  }
  void Update(const Given& record) {
    const Status written = TryWrite(Operation::kUpdate, {record});
    ASSERT_TRUE(written.ok()) << written.ToString();
  }
  void Delete(const std::string& id) {
    engine::DeleteRequest request;
    request.ids.emplace({id});
    ASSERT_TRUE(service_->engine().Delete(ctx_, Things(), request).ok());
  }

  Status TrySwitch(bool on, const std::string& source = "#document",
                   const std::string& config = "{}") {
    engine::ModifyCollectionRequest request;
    model::ValueTypes& types = request.new_schema.emplace().keys[kKey];
    types.has_sparse_vector = true;
    model::SparseIndexConfig& settings = types.sparse_vector_index.emplace().config;
    types.sparse_vector_index->enabled = on;
    settings.source_key = source;
    settings.embedding_function = {model::EmbeddingFunction::Type::kKnown, "chroma_bm25",
                                   *ParseJson(config)};
    return service_->engine().ModifyCollection(ctx_, Things(), request);
  }
  void Switch(bool on, const std::string& source = "#document", const std::string& config = "{}") {
    const Status modified = TrySwitch(on, source, config);
    ASSERT_TRUE(modified.ok()) << modified.ToString();
  }
  void Compact() {
    const Status compacted = service_->Compact(ctx_, Things()->id);
    ASSERT_TRUE(compacted.ok()) << compacted.ToString();
  }

  using Vectors = std::map<std::string, SparseVector>;
  // What `get` shows under the key; of records without a sparse vector nothing.
  Vectors Shown() {
    engine::GetRequest request;
    request.include = model::kIncludeMetadatas;
    const auto records = service_->engine().Get(ctx_, Things(), request);
    EXPECT_TRUE(records.ok()) << records.status().ToString();
    Vectors vectors;
    for (size_t i = 0; records.ok() && i < records->ids.size(); ++i) {
      if (!records->metadatas[i]) continue;
      const model::MetadataValue* value = records->metadatas[i]->Find(kKey);
      const auto* vector = value == nullptr ? nullptr : std::get_if<SparseVector>(value);
      if (vector != nullptr) vectors[records->ids[i]] = *vector;
    }
    return vectors;
  }
  std::vector<std::string> Find(const std::string& text) {
    model::Search search;
    model::Knn knn;
    knn.query = text;
    knn.key = kKey;
    search.rank.emplace().AddKnn(knn);
    const auto found = service_->engine().Search(ctx_, Things(), {{search}});
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found.ok() ? found->records[0].ids : std::vector<std::string>();
  }
  uint64_t Unindexed() {
    return service_->engine().GetIndexingStatus(ctx_, Things())->unindexed_operations;
  }

  FaultFileSystem files_{1};
  runtime::Env env_;
  runtime::Context ctx_;
  LocalOptions options_;
  std::unique_ptr<LocalService> service_;
};

TEST_F(SparseFillTest, RecordsThatWereThereGetTheirVectors) {
  const SparseVector own{{7}, {.5F}, {}};
  Add({{"a", "the river"}, {"b"}, {"own", "a river", With(kKey, own)}});
  Compact();
  Add({{"c", "rivers and lakes", With("k", int64_t{1})},
       {"text", "a river", With(kKey, std::string("no vector"))},
       {"none", "the"}});
  Delete("nobody");
  Switch(true);
  EXPECT_EQ(Shown(), (Vectors{{"own", own}})) << "in the background";
  EXPECT_GT(Unindexed(), 0U);
  Add({{"new", "the river"}});
  EXPECT_EQ(Find("rivers"), std::vector<std::string>{"new"});
  Compact();
  const Vectors expected = {{"a", Bm25("the river")},
                            {"own", own},
                            {"c", Bm25("rivers and lakes")},
                            {"none", SparseVector()},
                            {"new", Bm25("the river")}};
  EXPECT_EQ(Shown(), expected);
  EXPECT_EQ(Shown()["a"], Shown()["new"]);
  EXPECT_EQ(Find("rivers"), (std::vector<std::string>{"a", "new", "c"}));
  EXPECT_EQ(Unindexed(), 0U);
  Open();
  EXPECT_EQ(Shown(), expected);
  EXPECT_EQ(Unindexed(), 0U);
  const uint64_t version = Things()->version;
  Compact();
  EXPECT_EQ(Things()->version, version) << "nothing was to be done";
}

// Nothing but the switch happens, and the process ends before anything is done about it.
TEST_F(SparseFillTest, HappensByItselfAfterARestart) {
  Add({{"a", "the river"}});
  Compact();
  Switch(true);
  options_.compaction.idle_ns = options_.compaction.settle_ns = runtime::kMillisecond;
  Open();
  for (int i = 0; i < 5000 && Unindexed() > 0; ++i) env_.clock->SleepNs(2 * runtime::kMillisecond);
  EXPECT_EQ(Shown(), (Vectors{{"a", Bm25("the river")}}));
  EXPECT_EQ(Find("river"), std::vector<std::string>{"a"});
}

TEST_F(SparseFillTest, WhoReadsOnlySeesWhatWasDone) {
  Add({{"a", "the river"}});
  Compact();
  Switch(true);
  options_.read_only = true;
  Open();
  const auto before = files_.calls();
  EXPECT_EQ(Shown(), Vectors());
  EXPECT_GT(Unindexed(), 0U);
  EXPECT_EQ(files_.calls(), before);
  options_.read_only = false;
  Open();
  Compact();
  options_.read_only = true;
  Open();
  EXPECT_EQ(Shown(), (Vectors{{"a", Bm25("the river")}}));
}

TEST_F(SparseFillTest, WhatIsRemovedAfterTheSwitchStaysAway) {
  for (const bool compacts : {false, true}) {  // the tail, or a segment
    const std::string n = compacts ? "2" : "1";
    Switch(false);
    Add({{"early" + n, "river"}, {"late" + n, "river"}, {"updated" + n, "river"}});
    if (compacts) Compact();
    Update({"early" + n, std::nullopt, WithoutVector()});
    Switch(true);
    Update({"late" + n, std::nullopt, WithoutVector()});
    Update({"updated" + n, "lake", WithoutVector()});
    Add({{"added" + n, "lake", std::nullopt}});
    Update({"added" + n, std::nullopt, WithoutVector()});
    Compact();
    Vectors shown = Shown();
    EXPECT_EQ(shown.count("early" + n), 1U) << "what was there before was filled";
    for (const char* id : {"late", "updated", "added"}) EXPECT_EQ(shown.count(id + n), 0U) << id;
    // Nor by what is written and merged later.
    Update({"late" + n, std::nullopt, With("k", int64_t{1})});
    Compact();
    Open();
    EXPECT_EQ(Shown(), shown);
    Update({"late" + n, "lakes", std::nullopt});
    EXPECT_EQ(Shown()["late" + n], Bm25("lakes"));
  }
}

TEST_F(SparseFillTest, WhatIsWrittenBeforeItIsDoneCounts) {
  Add({{"a", "river"}, {"b", "river"}, {"c", "river"}, {"d", "river"}, {"e", "river"}});
  Compact();
  Switch(true);
  const SparseVector own{{7}, {.5F}, {}};
  Update({"a", "lake"});
  Update({"b", std::nullopt, With("k", int64_t{1})});
  Update({"c", std::nullopt, With(kKey, own)});
  Delete("d");
  Delete("e");
  Add({{"e", "lakes"}});
  Compact();
  EXPECT_EQ(Shown(),
            (Vectors{{"a", Bm25("lake")}, {"b", Bm25("river")}, {"c", own}, {"e", Bm25("lakes")}}));
}

TEST_F(SparseFillTest, OffAndOnAgain) {
  Add({{"a", "river"}});
  Switch(true);
  Switch(false);
  Compact();
  EXPECT_EQ(Shown(), Vectors()) << "it was off by then";
  Switch(true);
  Compact();
  EXPECT_EQ(Shown(), (Vectors{{"a", Bm25("river")}}));
  Update({"a", std::nullopt, WithoutVector()});
  Compact();
  Switch(false);
  Add({{"b", "lake"}});
  Compact();
  EXPECT_EQ(Shown(), Vectors());
  Switch(true);
  Compact();
  EXPECT_EQ(Shown(), (Vectors{{"a", Bm25("river")}, {"b", Bm25("lake")}}));
}

TEST_F(SparseFillTest, AnotherSourceOrConfigurationFillsWhatIsMissing) {
  Add({{"a", "river", With("title", std::string("lake"))},
       {"b", "sea"},
       {"c", std::nullopt, With("title", int64_t{1})}});
  Switch(true, "title");
  Compact();
  EXPECT_EQ(Shown(), (Vectors{{"a", Bm25("lake")}}));
  Switch(true, "title", R"({"k":"?"})");  // as at creation
  Compact();
  EXPECT_EQ(Unindexed(), 0U);
  Switch(true, "#document", R"({"k":2})");
  Compact();
  index::Bm25Config config;
  config.k = 2;
  EXPECT_EQ(Shown(), (Vectors{{"a", Bm25("lake")}, {"b", index::Bm25(config).Embed("sea")}}));
}

// As the other way round: a vector is made by the schema that holds when the write takes place.
TEST_F(SparseFillTest, AWriteThatLookedTheCollectionUpBefore) {
  const CollectionRef before = Things();
  Add({{"a", "river"}});
  Switch(true);
  Compact();
  engine::WriteRequest request;
  request.batch.ids = {"late"};
  request.batch.vectors = {2, {1, 2}};
  request.batch.documents = {"lake"};
  request.shape = model::ShapeOf(request.batch);
  ASSERT_TRUE(service_->engine().Write(ctx_, before, std::move(request)).ok());
  EXPECT_EQ(Shown()["late"], Bm25("lake"));
}

TEST_F(SparseFillTest, UsersNeitherSeeNorSetWhenItWasSwitchedOn) {
  Add({{"a", "river"}});
  Switch(true);
  EXPECT_EQ(Things()->schema.fills.count(kKey), 1U);
  engine::ModifyCollectionRequest request;
  request.new_schema = Things()->schema;
  request.new_schema->fills = {{kKey, 0}, {"other", 5}};
  const auto fills = Things()->schema.fills;
  ASSERT_TRUE(service_->engine().ModifyCollection(ctx_, Things(), request).ok());
  EXPECT_EQ(Things()->schema.fills, fills);
  engine::CreateCollectionRequest create;
  create.name = "copy";
  create.schema = Things()->schema;
  const auto copy = service_->engine().CreateCollection(ctx_, model::kDefaultTenant,
                                                        model::kDefaultDatabase, create);
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  EXPECT_TRUE((*copy)->schema.fills.empty()) << "all that it will have is written with the key";
}

// Power fails at each call that changes a file in turn: while a merge makes the vectors, or, where
// nothing is to be merged, a segment is written again for them.
TEST_F(SparseFillTest, StandsACrashAtEveryStep) {
  const Vectors filled = {{"a", Bm25("river")}, {"b", Bm25("lake")}};
  for (const bool merges : {true, false}) {
    bool whole = false;
    int crashes = 0;
    for (uint64_t calls = 0; !whole && !HasFailure(); calls += 1 + calls / 16, ++crashes) {
      SCOPED_TRACE(std::to_string(calls) + (merges ? " calls, with a merge" : " calls"));
      Add({{"a", "river"}, {"removed", "sea"}});
      if (merges) Compact();
      Add({{"b", "lake"}});
      if (!merges) Compact();
      files_.CrashAfter(calls);
      const bool switched = TrySwitch(true).ok();
      bool removed = false;
      if (merges && switched) {
        const Given removal{"removed", std::nullopt, WithoutVector()};
        removed = TryWrite(Operation::kUpdate, {removal}).ok();
      }
      whole = switched && service_->Compact(ctx_, Things()->id).ok();
      service_.reset();
      files_.Restart();
      Open();
      const bool on = Things()->schema.IsSparseIndexed(kKey);
      EXPECT_TRUE(on || !switched);
      Compact();
      if (!on) {
        EXPECT_EQ(Shown(), Vectors()) << "all of the switch or nothing";
        Switch(true);
        Compact();
      }
      Vectors shown = Shown();
      EXPECT_TRUE(shown.erase("removed") == 0 || !removed);
      EXPECT_EQ(shown, filled);
      EXPECT_EQ(Unindexed(), 0U);
      ASSERT_TRUE(
          service_->engine()
              .DeleteCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, "things")
              .ok());
    }
    EXPECT_GT(crashes, 10);
  }
}

TEST_F(SparseFillTest, WritersGoOnMeanwhile) {
  constexpr int kRecords = 400;
  std::vector<Given> records;
  for (int i = 0; i < kRecords; ++i) records.push_back({"id" + std::to_string(i), "river"});
  Add(records);
  Compact();
  Switch(true);
  Vectors expected;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < kRecords; ++i) {
      const std::string id = "id" + std::to_string(i);
      switch (i % 5) {
        case 0:
          Update({id, "lake"});
          expected[id] = Bm25("lake");
          break;
        case 1:
          Update({id, std::nullopt, WithoutVector()});
          break;
        case 2:
          Delete(id);
          break;
        case 3:
          Update({id, std::nullopt, With("k", int64_t{i})});
          expected[id] = Bm25("river");
          break;
        default:
          expected[id] = Bm25("river");
      }
    }
    done = true;
  });
  while (!done) {
    runtime::Context ctx;
    const Status compacted = service_->Compact(ctx, Things()->id);
    EXPECT_TRUE(compacted.ok()) << compacted.ToString();
  }
  writer.join();
  Compact();
  EXPECT_EQ(Shown(), expected);
}

}  // namespace
}  // namespace chroma::service
