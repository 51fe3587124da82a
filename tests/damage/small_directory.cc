#include "small_directory.h"

#include <gtest/gtest.h>

#include <climits>
#include <utility>

#include "runtime/context.h"
#include "runtime/log.h"
#include "service/wiring.h"
#include "testing/seeded_random.h"

namespace chroma::damage {
namespace {

using engine::CollectionRef;
using service::LocalService;

constexpr uint32_t kDimension = 4;
constexpr size_t kQuestions = 4;  // of AskCollection
constexpr const char* kNames[] = {"compacted", "both", "logged", "empty"};

// Nothing is compacted but when asked for.
service::LocalOptions Options(bool indexed = false) {
  service::LocalOptions options;
  options.path = kDirectory;
  options.search_threads = 1;
  options.compaction.tail_records_max = UINT64_MAX;
  options.compaction.tail_bytes_max = UINT64_MAX;
  options.compaction.idle_ns = INT64_MAX / 4;
  options.compaction.settle_ns = INT64_MAX / 4;
  options.compaction.tail_age_ns = INT64_MAX / 4;
  if (indexed) options.compaction.index.rows_min = 1;
  return options;
}

model::RecordBatch Batch(model::Operation operation, int first, int n, uint64_t seed) {
  model::RecordBatch batch;
  batch.operation = operation;
  batch.vectors.dimension = kDimension;
  for (int i = first; i < first + n; ++i) {
    batch.ids.push_back("id" + std::to_string(i));
    batch.has_vector.push_back(1);
    for (uint32_t d = 0; d < kDimension; ++d) {
      batch.vectors.values.push_back(static_cast<float>(i) + static_cast<float>(d * seed) / 8);
    }
    batch.documents.push_back("document " + std::to_string(i) + " of " + std::to_string(seed));
    batch.uris.push_back("uri" + std::to_string(i));
    model::Metadata metadata;
    metadata.Set("n", int64_t{i});
    metadata.Set("tag", std::string(i % 2 == 0 ? "even" : "odd"));
    batch.metadatas.push_back(std::move(metadata));
  }
  return batch;
}

void Write(LocalService& service, const CollectionRef& collection, model::RecordBatch batch) {
  runtime::Context ctx;
  engine::WriteRequest request;
  request.shape = model::ShapeOf(batch);
  request.batch = std::move(batch);
  const Status written = service.engine().Write(ctx, collection, std::move(request));
  EXPECT_TRUE(written.ok()) << written.ToString();
}

void Delete(LocalService& service, const CollectionRef& collection, int i) {
  runtime::Context ctx;
  engine::DeleteRequest request;
  request.ids = {"id" + std::to_string(i)};
  EXPECT_TRUE(service.engine().Delete(ctx, collection, request).ok());
}

std::string Render(const executor::Records& records) {
  std::string text;
  for (size_t i = 0; i < records.ids.size(); ++i) {
    text += records.ids[i];
    if (i < records.documents.size() && records.documents[i]) text += "|" + *records.documents[i];
    if (i < records.uris.size() && records.uris[i]) text += "|" + *records.uris[i];
    if (i < records.metadatas.size() && records.metadatas[i]) {
      for (const auto& [key, value] : *records.metadatas[i]) {
        text += "|" + key + "=";
        if (const auto* number = std::get_if<int64_t>(&value)) text += std::to_string(*number);
        if (const auto* string = std::get_if<std::string>(&value)) text += *string;
      }
    }
    text += "\n";
  }
  for (const float value : records.embeddings.values) text += std::to_string(value) + " ";
  return text;
}

template <typename T, typename ToText>
Answer ToAnswer(const Result<T>& result, ToText to_text) {
  if (!result.ok()) return {result.status(), ""};
  return {Status(), to_text(*result)};
}

void AskCollection(engine::Engine& engine, const CollectionRef& collection, Answers* answers) {
  runtime::Context ctx;
  answers->push_back(ToAnswer(engine.Count(ctx, collection),
                              [](uint64_t count) { return std::to_string(count); }));
  engine::GetRequest all;
  all.include = model::kIncludeDocuments | model::kIncludeMetadatas | model::kIncludeEmbeddings |
                model::kIncludeUris;
  answers->push_back(ToAnswer(engine.Get(ctx, collection, all), Render));
  engine::GetRequest some;
  some.ids = {"id1", "id4", "id9"};
  answers->push_back(ToAnswer(engine.Get(ctx, collection, some), Render));
  engine::QueryRequest query;
  query.queries = {kDimension, {2, 2, 2, 2}};
  query.query_lengths = {kDimension};
  query.n_results = 3;
  answers->push_back(ToAnswer(engine.Query(ctx, collection, query), [](const auto& result) {
    std::string text;
    for (const executor::Records& records : result.records) text += Render(records);
    for (const auto& distances : result.distances) {
      for (const float distance : distances) text += std::to_string(distance) + " ";
    }
    return text;
  }));
}

Answers AskService(LocalService& service) {
  runtime::Context ctx;
  Answers answers;
  engine::Engine& engine = service.engine();
  const auto listed =
      engine.ListCollections(ctx, model::kDefaultTenant, model::kDefaultDatabase, catalog::Page());
  answers.push_back(ToAnswer(listed, [](const std::vector<model::Collection>& collections) {
    std::string text;
    for (const model::Collection& one : collections) text += one.name + " ";
    return text;
  }));
  for (const char* name : kNames) {
    auto collection =
        engine.GetCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, name);
    answers.push_back(
        ToAnswer(collection, [](const CollectionRef& found) { return found->id.ToString(); }));
    if (collection.ok()) {
      AskCollection(engine, *collection, &answers);
    } else {
      answers.insert(answers.end(), kQuestions, {collection.status(), ""});
    }
  }
  return answers;
}

void TakeFiles(runtime::FileSystem& files, const std::string& directory, Files* out) {
  const auto entries = files.List(directory);
  if (!entries.ok()) return;
  for (const runtime::DirectoryEntry& entry : *entries) {
    const std::string path = runtime::JoinPath(directory, entry.name);
    if (entry.is_directory) {
      (*out)[path + "/"] = "";
      TakeFiles(files, path, out);
      continue;
    }
    const auto file = files.Open(path, runtime::OpenMode::kRead);
    Bytes bytes(*(*file)->Size(), '\0');
    EXPECT_EQ(*(*file)->ReadAt(0, bytes.data(), bytes.size()), bytes.size());
    (*out)[path] = std::move(bytes);
  }
}

class Builder {
 public:
  Builder(uint64_t seed, bool indexed) : seed_(seed), indexed_(indexed), random_(seed) {
    env_.files = files_.get();
    env_.random = &random_;
  }

  SmallDirectory Build() {
    Reopen();
    std::vector<CollectionRef> collections;
    for (const char* name : kNames) {
      engine::CreateCollectionRequest request;
      request.name = name;
      auto created = service_->engine().CreateCollection(ctx_, model::kDefaultTenant,
                                                         model::kDefaultDatabase, request);
      EXPECT_TRUE(created.ok()) << created.status().ToString();
      collections.push_back(*created);
      Remember();
    }
    for (const int which : {0, 1}) {
      WriteAndRemember(collections[which], Batch(model::Operation::kAdd, 0, 6, seed_));
      EXPECT_TRUE(service_->Compact(ctx_, collections[which]->id).ok());
      Remember();
    }
    // Another log file, and dead rows below what comes now.
    Reopen();
    WriteAndRemember(collections[1], Batch(model::Operation::kUpsert, 4, 3, seed_ + 1));
    Delete(*service_, collections[1], 1);
    Remember();
    WriteAndRemember(collections[2], Batch(model::Operation::kAdd, 0, 3, seed_));
    // Again; and of the older entries, none is needed any more than by their own collections.
    Reopen();
    WriteAndRemember(collections[2], Batch(model::Operation::kAdd, 3, 2, seed_));
    WriteAndRemember(collections[1], Batch(model::Operation::kUpdate, 5, 1, seed_ + 2));
    // So that the catalog's log is not empty, either; no answer shows it.
    for (const CollectionRef& collection : collections) {
      engine::ModifyCollectionRequest same;
      same.new_name = collection->name;
      const Status renamed = service_->engine().ModifyCollection(ctx_, collection, same);
      EXPECT_TRUE(renamed.ok()) << renamed.ToString();
    }
    SmallDirectory directory;
    directory.running = Take(*files_);
    EXPECT_FALSE(directory.running[std::string(kDirectory) + "/catalog.sqlite3-wal"].empty());
    service_.reset();
    directory.closed = Take(*files_);
    directory.history = std::move(history_);
    return directory;
  }

 private:
  void Reopen() {
    service_.reset();
    auto opened = LocalService::Open(env_, Options(indexed_));
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    service_ = *std::move(opened);
  }
  void Remember() { history_.push_back(AskService(*service_)); }
  void WriteAndRemember(const CollectionRef& collection, model::RecordBatch batch) {
    Write(*service_, collection, std::move(batch));
    Remember();
  }

  const uint64_t seed_;
  const bool indexed_;
  testing::SeededRandom random_;
  std::unique_ptr<runtime::FileSystem> files_ = runtime::FileSystem::InMemory();
  runtime::Env env_;
  runtime::Context ctx_;
  std::unique_ptr<LocalService> service_;
  std::vector<Answers> history_;
};

}  // namespace

SmallDirectory MakeDirectory(uint64_t seed, bool indexed) {
  runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
  return Builder(seed, indexed).Build();
}

std::unique_ptr<runtime::FileSystem> Put(const Files& files) {
  auto memory = runtime::FileSystem::InMemory();
  EXPECT_TRUE(memory->CreateDirectory(kDirectory).ok());
  for (const auto& [path, content] : files) {
    if (path.ends_with('/')) {
      EXPECT_TRUE(memory->CreateDirectory(path.substr(0, path.size() - 1)).ok());
      continue;
    }
    const auto file = memory->Open(path, runtime::OpenMode::kCreate);
    EXPECT_TRUE(file.ok()) << path;
    EXPECT_TRUE((*file)->WriteAt(0, content).ok());
  }
  return memory;
}

Files Take(runtime::FileSystem& files) {
  Files taken;
  TakeFiles(files, kDirectory, &taken);
  return taken;
}

std::string KindOf(const std::string& path) {
  if (path.ends_with(".log")) return "log";
  if (path.ends_with("/log/state")) return "state";
  if (path.ends_with(".manifest")) return "manifest";
  if (path.ends_with(".segment")) return "segment";
  if (path.ends_with(".sqlite3")) return "catalog";
  if (path.ends_with(".sqlite3-wal")) return "catalog log";
  return path.substr(path.rfind('/') + 1);
}

Result<Answers> Ask(runtime::FileSystem& files) {
  runtime::Env env;
  env.files = &files;
  CHROMA_ASSIGN(const auto service, LocalService::Open(env, Options()));
  return AskService(*service);
}

Result<std::string> UpdateAndCompact(runtime::FileSystem& files, const std::string& id) {
  runtime::Env env;
  env.files = &files;
  runtime::Context ctx;
  CHROMA_ASSIGN(const auto service, LocalService::Open(env, Options()));
  CHROMA_ASSIGN(const CollectionRef collection,
                service->engine().GetCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase,
                                                kNames[0]));
  model::RecordBatch batch;
  batch.operation = model::Operation::kUpdate;
  batch.ids = {id};
  batch.metadatas.emplace_back(model::Metadata::FromEntries({{"n", int64_t{77}}}));
  Write(*service, collection, std::move(batch));
  CHROMA_TRY(service->Compact(ctx, collection->id));
  engine::GetRequest request;
  request.ids = {id};
  request.include = model::kIncludeMetadatas | model::kIncludeEmbeddings;
  CHROMA_ASSIGN(const executor::Records records, service->engine().Get(ctx, collection, request));
  return Render(records);
}

}  // namespace chroma::damage
