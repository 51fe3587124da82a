#include "random_world.h"

#include <unistd.h>

#include "model/schema.h"

namespace chroma {

using model::ValueType;

namespace {

constexpr ValueType kScalars[] = {ValueType::kBool, ValueType::kInt, ValueType::kFloat,
                                  ValueType::kString};

// The setting of a type, which is listed from now on.
std::optional<model::IndexSetting<model::NoConfig>>& Listed(model::ValueTypes* types,
                                                            ValueType type) {
  switch (type) {
    case ValueType::kBool:
      types->has_bool = true;
      return types->bool_inverted_index;
    case ValueType::kInt:
      types->has_int = true;
      return types->int_inverted_index;
    case ValueType::kFloat:
      types->has_float = true;
      return types->float_inverted_index;
    default:
      types->has_string = true;
      return types->string_inverted_index;
  }
}

bool IsListed(const model::ValueTypes& types, ValueType type) {
  return type == ValueType::kBool    ? types.has_bool
         : type == ValueType::kInt   ? types.has_int
         : type == ValueType::kFloat ? types.has_float
                                     : types.has_string;
}

}  // namespace

RandomWorld::RandomWorld(uint64_t seed, const Mode& mode, const Population& population)
    : RandomRecords(seed, population),
      oracle_(population.space),
      space_(population.space),
      mode_(mode),
      switched_at_first_(seed % 2 != 0) {
  if (!mode.on_disk) return;
  path_ = std::filesystem::temp_directory_path() /
          ("chroma-oracle-" + std::to_string(getpid()) + "-" + std::to_string(seed));
  std::filesystem::remove_all(path_);
}

RandomWorld::~RandomWorld() {
  service_.reset();
  if (mode_.on_disk) std::filesystem::remove_all(path_);
}

// ---- the collection

void RandomWorld::Create(const std::map<std::string, model::SparseIndexConfig>& sparse) {
  if (switched_at_first_ || !sparse.empty()) {
    wanted_.schema = FirstSchema(sparse);
  } else {
    wanted_.configuration.emplace();
    wanted_.configuration->hnsw.emplace();
    wanted_.configuration->hnsw->space = space_;
  }
  Open();
}

model::Schema RandomWorld::FirstSchema(
    const std::map<std::string, model::SparseIndexConfig>& sparse) {
  model::Schema schema;
  model::ValueTypes& embedding = schema.keys[std::string(model::kEmbeddingKey)];
  embedding.has_float_list = true;
  embedding.vector_index.emplace().enabled = true;
  embedding.vector_index->config.space = space_;
  for (const auto& [key, config] : sparse) {
    model::ValueTypes& types = schema.keys[key];
    types.has_sparse_vector = true;
    types.sparse_vector_index.emplace().config = config;
    if (!config.embedding_function) continue;
    schema_.SetEmbedding(key);
    if (config.source_key) sources_[key] = *config.source_key;
  }
  Switch(switched_at_first_ ? Switching::kRandom : Switching::kOn, /*is_new=*/true, &schema);
  return schema;
}

// The service, again if need be, and the collection.
void RandomWorld::Open() {
  service_.reset();
  service::LocalOptions options;
  options.path = path_.string();
  if (mode_.segment_rows_max > 0) options.compaction.segment_rows_max = mode_.segment_rows_max;
  // What is made when in the background can be told from outside then.
  if (mode_.compact_share == 0 || mode_.switch_share > 0) {
    options.compaction.idle_ns = options.compaction.settle_ns = 3600 * runtime::kSecond;
  }
  auto opened = service::LocalService::Open(runtime::Env(), options);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  service_ = *std::move(opened);
  wanted_.name = "things";
  wanted_.get_or_create = true;
  auto created =
      engine().CreateCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, wanted_);
  ASSERT_TRUE(created.ok()) << created.status().ToString();
  collection_ = *created;
  ASSERT_EQ(collection_->schema.space(), space_);
}

void RandomWorld::Fill() {
  Apply(BatchOfAll());
  if (mode_.compact_share > 0) Compact();
  for (int i = 0; i < 5; ++i) Apply(RandomBatch());
}

void RandomWorld::Refresh() {
  auto found = engine().FindCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase,
                                       collection_->id);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  collection_ = *found;
}

// ---- disturbances

bool RandomWorld::Disturb(double dice) {
  if (dice < mode_.compact_share) {
    Compact();
    return true;
  }
  if (dice > 1 - mode_.switch_share) {
    SwitchIndexes(Switching::kOff);
    if (!Chance(30)) Compact();
    SwitchIndexes(Chance(60) ? Switching::kOn : Switching::kRandom);
    return true;
  }
  if (!mode_.on_disk || dice >= mode_.compact_share + mode_.restart_share) return false;
  Open();
  return true;
}

void RandomWorld::Compact() {
  const Status compacted = service_->Compact(ctx_, collection_->id);
  EXPECT_TRUE(compacted.ok()) << compacted.ToString();
  oracle_.Settle();
}

bool RandomWorld::IsOn(Switching to) {
  return to == Switching::kRandom ? Chance(85) : to == Switching::kOn;
}

void RandomWorld::SwitchKey(Switching to, bool is_new, const std::string& key,
                            model::ValueTypes* types) {
  for (const ValueType type : kScalars) {
    if (!IsListed(*types, type) && !(is_new && Chance(40))) continue;
    const bool on = IsOn(to);
    Listed(types, type).emplace().enabled = on;
    schema_.Set(key, type, on);
  }
  if (!types->has_sparse_vector || !types->sparse_vector_index) return;
  // What the defaults of sparse vectors say is copied to keys too; only those of the first schema
  // have settings of their own.
  const bool indexable = wanted_.schema && wanted_.schema->keys.contains(key) &&
                         wanted_.schema->keys.at(key).sparse_vector_index;
  const bool on = (is_new || indexable) && IsOn(to);
  types->sparse_vector_index->enabled = on;
  schema_.Set(key, ValueType::kSparseVector, on);
}

void RandomWorld::Switch(Switching to, bool is_new, model::Schema* schema) {
  model::ValueTypes& document = schema->keys[std::string(model::kDocumentKey)];
  const bool text = IsOn(to);
  document.has_string = true;
  document.fts_index.emplace().enabled = text;
  schema_.SetFullText(text);
  for (const ValueType type : kScalars) {
    const bool on = IsOn(to);
    Listed(&schema->defaults, type).emplace().enabled = on;
    schema_.SetDefault(type, on);
  }
  if (is_new) {
    for (const std::string& key : Keys()) {
      if (Chance(30)) schema->keys[key];
    }
  }
  std::map<std::string, std::string> embedded;
  for (auto& [key, types] : schema->keys) {
    if (key.starts_with('#')) continue;
    SwitchKey(to, is_new, key, &types);
    if (sources_.contains(key) && schema_.IsOn(key, ValueType::kSparseVector)) {
      embedded[key] = sources_[key];
    }
  }
  oracle_.SetEmbedded(std::move(embedded));
}

void RandomWorld::SwitchIndexes(Switching to) {
  Refresh();
  engine::ModifyCollectionRequest request;
  request.new_schema = collection_->schema;
  Switch(to, /*is_new=*/false, &*request.new_schema);
  const Status modified = engine().ModifyCollection(ctx_, collection_, request);
  ASSERT_TRUE(modified.ok()) << modified.ToString();
}

// ---- requests

void RandomWorld::Apply(const model::RecordBatch& batch) {
  Refresh();
  Status written;
  if (batch.operation == model::Operation::kDelete) {
    engine::DeleteRequest request;
    request.ids = batch.ids;
    written = engine().Delete(ctx_, collection_, request).status();
  } else {
    written = engine().Write(ctx_, collection_, {batch, model::ShapeOf(batch)});
  }
  ASSERT_TRUE(written.ok()) << written.ToString();
  schema_.Apply(batch);
  oracle_.Apply(batch);
}

std::vector<const testing::OracleRecord*> RandomWorld::Expected(
    const Conditions& conditions) const {
  return oracle_.Select(conditions.ids ? &*conditions.ids : nullptr,
                        conditions.where ? &*conditions.where : nullptr,
                        conditions.where_document ? &*conditions.where_document : nullptr);
}

std::optional<std::string> RandomWorld::Refusal(const Conditions& conditions) const {
  for (const std::optional<model::Filter>* filter :
       {&conditions.where, &conditions.where_document}) {
    if (!*filter) continue;
    if (auto refusal = schema_.Refusal(**filter)) return refusal;
  }
  return std::nullopt;
}

bool RandomWorld::IsServed(const Status& status, const std::optional<std::string>& refusal) {
  if (!refusal) {
    EXPECT_TRUE(status.ok()) << status.ToString();
    return status.ok();
  }
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << "instead of " << *refusal;
  EXPECT_EQ(status.message(), *refusal);
  return false;
}

}  // namespace chroma
