#include "executor/local_node.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "executor/answer_size.h"
#include "executor/highlight.h"
#include "executor/part_search.h"
#include "executor/scan.h"
#include "executor/search.h"
#include "executor/sorted.h"
#include "runtime/memory_usage.h"

namespace chroma::executor {

using segment::LiveCollection;
using segment::VersionRef;

namespace {

// Rows that were mapped for a batch of queries are given back so long after the last one: batches
// that follow each other find them mapped.
constexpr int64_t kMappedRowsKeptNs = 20 * runtime::kMillisecond;

}  // namespace

LocalNode::LocalNode(const runtime::Env& env, log::Log& log, store::BlobStore& store,
                     runtime::ThreadPool& pool, LocalNodeOptions options)
    : env_(env),
      log_(log),
      store_(store),
      pool_(pool),
      options_(std::move(options)),
      node_memory_(std::make_shared<index::NodeMemory>(
          options_.memory_bytes_max == 0 ? UINT64_MAX : options_.memory_bytes_max / 2)),
      warmer_(env, options_.memory_bytes_max) {
  release_task_ = env_.scheduler->Start("release-pages", [this] { ReleasePages(); });
}

LocalNode::~LocalNode() {
  {
    runtime::MutexLock lock(mutex_);
    stopping_ = true;
  }
  release_wake_.NotifyAll();
  release_task_.reset();
}

Result<std::shared_ptr<LiveCollection>> LocalNode::Open(runtime::Context& ctx,
                                                        const VersionRef& version, bool prepares) {
  std::shared_ptr<LiveCollection> collection = FindOpen(version.collection);
  if (!collection) {
    // Opened and closed without the lock, since it reads files; when two tasks open one, one wins.
    CHROMA_ASSIGN(collection, LiveCollection::Open(ctx, log_, store_, node_memory_, version));
    std::shared_ptr<LiveCollection> evicted;
    runtime::MutexLock lock(mutex_);
    Slot& slot = open_[version.collection];
    if (!slot.collection) slot.collection = std::move(collection);
    NoteRead(slot);
    collection = slot.collection;
    if (open_.size() > options_.open_collections_max) evicted = TakeLongestIdle();
  }
  // What was open, or what won, may be of an older version.
  const std::shared_ptr<const segment::Version> before = collection->version();
  if (before->manifest.version >= version.version) return collection;
  const std::optional<model::Space> searched = SearchedLately(version.collection);
  CHROMA_TRY(collection->Advance(ctx, version, prepares ? searched : std::nullopt));
  if (searched) {
    warmer_.NotePublished(*before, *collection->version());
  }
  return collection;
}

std::optional<model::Space> LocalNode::SearchedLately(const Uuid& collection) {
  constexpr int64_t kLatelyNs = 10 * runtime::kSecond;
  runtime::MutexLock lock(mutex_);
  const auto at = open_.find(collection);
  if (at == open_.end() || at->second.searched_ns == 0) return std::nullopt;
  if (env_.clock->MonotonicNs() - at->second.searched_ns >= kLatelyNs) return std::nullopt;
  return at->second.searched_space;
}

void LocalNode::Prepare(const Uuid& collection, uint64_t log_end) {
  const std::optional<model::Space> searched = SearchedLately(collection);
  if (!searched) return;
  const std::shared_ptr<LiveCollection> open = FindOpen(collection);
  if (open == nullptr) return;
  // Not the request's: what it wrote is durable, whether anybody waits for the answer or not.
  runtime::Context ctx(*env_.clock);
  try {
    // Who reads will be told of what is wrong.
    static_cast<void>(open->Prepare(ctx, log_end, *searched));
  } catch (const std::bad_alloc&) {
    // It is left to those who search.
  }
}

void LocalNode::NoteSearches(const Uuid& collection, const segment::Snapshot& snapshot,
                             model::Space space, uint64_t n) {
  TellDamage(collection, snapshot);
  warmer_.NoteSearch(snapshot);
  uint64_t unindexed = 0;
  for (size_t i = 0; i < snapshot.segments; ++i) {
    unindexed += segment::UnindexedRows(snapshot.parts[i]);
  }
  runtime::MutexLock lock(mutex_);
  const auto at = open_.find(collection);
  if (at == open_.end()) return;
  at->second.searched_ns = env_.clock->MonotonicNs();
  at->second.searched_space = space;
  at->second.compared += n * unindexed;
}

// A batch of queries that maps rows, while it is under way. They are given back unless another one
// follows.
class LocalNode::Batch {
 public:
  Batch(LocalNode& node, const Uuid& id) : node_(node), id_(id) {
    runtime::MutexLock lock(node_.mutex_);
    const auto at = node_.open_.find(id_);
    if (at == node_.open_.end()) return;
    collection_ = at->second.collection;
    ++at->second.batches;
  }
  ~Batch() {
    runtime::MutexLock lock(node_.mutex_);
    const auto at = node_.open_.find(id_);
    // It may have been forgotten meanwhile.
    if (collection_ == nullptr || at == node_.open_.end()) return;
    if (at->second.collection != collection_) return;
    --at->second.batches;
    node_.NoteRead(at->second);  // what it took to read the rest stays for as long as after others
    at->second.batch_end_ns = at->second.read_ns;
    if (node_.maps_rows_) return;
    node_.maps_rows_ = true;
    node_.release_wake_.NotifyOne();
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

 private:
  LocalNode& node_;
  const Uuid id_;
  std::shared_ptr<LiveCollection> collection_;  // so that nobody closes it; null: not open
};

uint64_t LocalNode::RowsCompared(const Uuid& collection) {
  runtime::MutexLock lock(mutex_);
  const auto at = open_.find(collection);
  return at == open_.end() ? 0 : at->second.compared;
}

void LocalNode::ForgetRowsCompared(const Uuid& collection) {
  runtime::MutexLock lock(mutex_);
  if (const auto at = open_.find(collection); at != open_.end()) at->second.compared = 0;
}

std::shared_ptr<LiveCollection> LocalNode::FindOpen(const Uuid& collection) {
  runtime::MutexLock lock(mutex_);
  const auto found = open_.find(collection);
  if (found == open_.end()) return nullptr;
  NoteRead(found->second);
  return found->second.collection;
}

void LocalNode::NoteRead(Slot& slot) {
  slot.used = ++use_clock_;
  slot.read_ns = env_.clock->MonotonicNs();
  slot.holds_pages = true;
  if (holds_pages_) return;
  holds_pages_ = true;
  release_wake_.NotifyOne();
}

void LocalNode::ReleasePages() {
  for (;;) {
    std::vector<std::shared_ptr<LiveCollection>> unused;
    std::vector<std::shared_ptr<LiveCollection>> mapped;
    {
      runtime::MutexLock lock(mutex_);
      while (!holds_pages_ && !maps_rows_ && !stopping_) release_wake_.Wait(mutex_);
      if (!stopping_) {
        release_wake_.WaitFor(mutex_, maps_rows_ ? kMappedRowsKeptNs : options_.pages_kept_ns);
      }
      if (stopping_) return;
      mapped = TakeMapped();
      unused = TakeUnused();
    }
    for (const auto& collection : mapped) collection->ReleaseVectors();
    for (const auto& collection : unused) collection->ReleaseAllPages();
    ReleaseUsedPages();
  }
}

void LocalNode::ReleaseUsedPages() {
  const auto exceeded = [this] { return runtime::ResidentBytes() > options_.memory_bytes_max; };
  if (options_.memory_bytes_max == 0 || !exceeded()) return;
  std::vector<std::pair<int64_t, std::shared_ptr<LiveCollection>>> used;
  {
    runtime::MutexLock lock(mutex_);
    for (const auto& [id, slot] : open_) {
      if (slot.holds_pages) used.emplace_back(slot.read_ns, slot.collection);
    }
  }
  std::sort(used.begin(), used.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [read_ns, collection] : used) {
    collection->ReleaseRowPages();
    if (!exceeded()) return;
  }
  for (const auto& [read_ns, collection] : used) {
    collection->ReleaseAllPages();
    if (!exceeded()) return;
  }
}

std::vector<std::shared_ptr<LiveCollection>> LocalNode::TakeUnused() {
  std::vector<std::shared_ptr<LiveCollection>> unused;
  const int64_t now_ns = env_.clock->MonotonicNs();
  holds_pages_ = false;
  for (auto& [id, slot] : open_) {
    if (!slot.holds_pages) continue;
    slot.holds_pages = slot.batches > 0 || now_ns - slot.read_ns < options_.pages_kept_ns;
    holds_pages_ |= slot.holds_pages;
    if (!slot.holds_pages) unused.push_back(slot.collection);
  }
  return unused;
}

std::vector<std::shared_ptr<LiveCollection>> LocalNode::TakeMapped() {
  std::vector<std::shared_ptr<LiveCollection>> mapped;
  const int64_t now_ns = env_.clock->MonotonicNs();
  maps_rows_ = false;
  for (auto& [id, slot] : open_) {
    if (slot.batch_end_ns == 0) continue;
    if (slot.batches > 0 || now_ns - slot.batch_end_ns < kMappedRowsKeptNs) {
      maps_rows_ = true;
      continue;
    }
    slot.batch_end_ns = 0;
    mapped.push_back(slot.collection);
  }
  return mapped;
}

std::shared_ptr<LiveCollection> LocalNode::TakeLongestIdle() {
  auto oldest = open_.end();
  for (auto it = open_.begin(); it != open_.end(); ++it) {
    if (it->second.collection.use_count() > 1) continue;
    if (oldest == open_.end() || it->second.used < oldest->second.used) oldest = it;
  }
  if (oldest == open_.end()) return nullptr;
  std::shared_ptr<LiveCollection> taken = std::move(oldest->second.collection);
  open_.erase(oldest);
  return taken;
}

void LocalNode::CloseIdle() {
  std::vector<std::shared_ptr<LiveCollection>> idle;
  runtime::MutexLock lock(mutex_);
  std::erase_if(open_, [&idle](auto& slot) {
    if (slot.second.collection.use_count() > 1) return false;
    idle.push_back(std::move(slot.second.collection));
    return true;
  });
}

void LocalNode::Forget(const Uuid& collection) {
  decltype(open_)::node_type forgotten;
  runtime::MutexLock lock(mutex_);
  forgotten = open_.extract(collection);
}

Result<std::shared_ptr<const segment::Snapshot>> LocalNode::Snapshot(runtime::Context& ctx,
                                                                     const VersionRef& version) {
  if (ctx.at_once()) {
    const std::shared_ptr<LiveCollection> collection = FindOpen(version.collection);
    return collection ? collection->ReadAtOnce(ctx, version) : ctx.CheckMayWait();
  }
  CHROMA_ASSIGN(std::shared_ptr<LiveCollection> collection, Open(ctx, version));
  return collection->Read(ctx);
}

namespace {

const planner::Predicate* PredicateOf(const std::optional<planner::Predicate>& predicate) {
  return predicate ? &*predicate : nullptr;
}

// What one record holds in memory, about, but for its vector.
uint64_t SizeBytes(const Records& records, size_t i) {
  constexpr uint64_t kMetadataEntryBytes = 100;
  uint64_t size_bytes = sizeof(std::string) + records.ids[i].size();
  for (const auto* texts : {&records.documents, &records.uris}) {
    if (texts->empty()) continue;
    size_bytes += sizeof((*texts)[i]) + ((*texts)[i] ? (*texts)[i]->size() : 0);
  }
  if (!records.metadatas.empty()) {
    const std::optional<model::Metadata>& metadata = records.metadatas[i];
    size_bytes += sizeof(metadata) + (metadata ? metadata->size() * kMetadataEntryBytes : 0);
  }
  return size_bytes;
}

uint64_t SizeBytes(const Records& records) {
  uint64_t size_bytes = records.embeddings.values.size() * sizeof(float);
  for (size_t i = 0; i < records.ids.size(); ++i) size_bytes += SizeBytes(records, i);
  return size_bytes;
}

// What an answer takes until it is sent: the records, and about as much again as JSON text.
constexpr uint64_t kTextBytesPerFloat = 12;

uint64_t VectorAnswerBytes(const segment::Snapshot& snapshot, size_t rows,
                           model::IncludeSet include) {
  if ((include & model::kIncludeEmbeddings) == 0) return 0;
  return rows * snapshot.dimension * (sizeof(float) + kTextBytesPerFloat);
}

// An answer that is made at once is no larger than this: written in 100 µs.
constexpr uint64_t kAtOnceBytesMax = 64 << 10;

Status CheckSize(const runtime::Context& ctx, uint64_t answer_bytes) {
  return answer_bytes <= kAtOnceBytesMax ? Status::Ok() : ctx.CheckMayWait();
}

Status CheckLoaded(const runtime::Context& ctx, const segment::Snapshot& snapshot,
                   model::IncludeSet include) {
  for (const segment::SnapshotPart& part : snapshot.parts) {
    if (!part.part->IsLoaded(include)) return ctx.CheckMayWait();
  }
  return Status::Ok();
}

Status CheckIdsLoaded(const runtime::Context& ctx, const segment::Snapshot& snapshot) {
  for (const segment::SnapshotPart& part : snapshot.parts) {
    if (!part.part->IdsAreLoaded()) return ctx.CheckMayWait();
  }
  return Status::Ok();
}

// Vectors are accounted for before they are fetched, the rest, whose size is not known, after, some
// records at a time.
Result<std::vector<Records>> ProjectWithin(runtime::Context& ctx, runtime::ThreadPool& pool,
                                           const segment::Snapshot& snapshot,
                                           std::span<const std::vector<RowRef>> lists,
                                           model::IncludeSet include,
                                           const AnswerLimit& limit = {}) {
  size_t rows = 0;
  for (const std::vector<RowRef>& list : lists) rows += list.size();
  const uint64_t vector_answer_bytes = VectorAnswerBytes(snapshot, rows, include);
  CHROMA_TRY(CheckSize(ctx, vector_answer_bytes));
  CHROMA_TRY(ctx.ReserveAnswer(vector_answer_bytes));
  const uint64_t vector_bytes =
      include & model::kIncludeEmbeddings ? rows * snapshot.dimension * sizeof(float) : 0;
  CHROMA_TRY(limit.Check(vector_bytes));
  uint64_t rest_bytes = 0;
  const auto note = [&](std::span<const Records> records, std::span<const Place> places) {
    uint64_t some_bytes = 0;
    for (const Place& place : places) some_bytes += SizeBytes(records[place.list], place.at);
    rest_bytes += some_bytes;
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(limit.Check(vector_bytes + rest_bytes));
    CHROMA_TRY(CheckSize(ctx, 2 * rest_bytes));
    return ctx.ReserveAnswer(2 * some_bytes);
  };
  return Project(snapshot, lists, include, note, ctx.at_once() ? nullptr : &pool);
}

Result<Records> ProjectWithin(runtime::Context& ctx, runtime::ThreadPool& pool,
                              const segment::Snapshot& snapshot, const std::vector<RowRef>& rows,
                              model::IncludeSet include) {
  CHROMA_ASSIGN(std::vector<Records> lists,
                ProjectWithin(ctx, pool, snapshot, std::span(&rows, 1), include));
  return std::move(lists.front());
}

}  // namespace

Result<Records> LocalNode::Get(runtime::Context& ctx, const VersionRef& version,
                               const planner::GetPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  CHROMA_TRY(CheckLoaded(ctx, *snapshot, plan.include));
  CHROMA_TRY(CheckIdsLoaded(ctx, *snapshot));
  CHROMA_ASSIGN(std::vector<RowRef> rows, SelectInOrder(ctx, *snapshot, PredicateOf(plan.predicate),
                                                        plan.offset, plan.limit, &pool_));
  return ProjectWithin(ctx, pool_, *snapshot, rows, plan.include);
}

Result<QueryResult> LocalNode::Query(runtime::Context& ctx, const VersionRef& version,
                                     const planner::QueryPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  // Rows are compared, whatever is answered.
  CHROMA_TRY(CheckLoaded(ctx, *snapshot, plan.include | model::kIncludeEmbeddings));
  if (ctx.at_once() && !IsQuick(*snapshot, plan)) CHROMA_TRY(ctx.CheckMayWait());
  const bool is_batch =
      std::any_of(snapshot->parts.begin(), snapshot->parts.end(),
                  [&](const auto& part) { return PartSearch::MapsRows(plan, part); });
  std::optional<Batch> batch;
  if (is_batch) batch.emplace(*this, version.collection);
  CHROMA_ASSIGN(std::vector<NearestRows> nearest,
                SelectNearest(ctx, pool_, *snapshot, plan, /*trace=*/nullptr, is_batch));
  batch.reset();
  NoteSearches(version.collection, *snapshot, plan.space, plan.queries.rows());
  QueryResult result;
  std::vector<std::vector<RowRef>> lists;
  for (NearestRows& one : nearest) {
    lists.push_back(std::move(one.rows));
    result.distances.push_back(std::move(one.distances));
  }
  // Together: what lies side by side is read once for all queries.
  CHROMA_ASSIGN(result.records,
                ProjectWithin(ctx, pool_, *snapshot, lists, plan.include,
                              {plan.answer_bytes_max,
                               "lower n_results, include less or send fewer query vectors"}));
  return result;
}

Result<SearchResult> LocalNode::Search(runtime::Context& ctx, const VersionRef& version,
                                       const planner::SearchBatchPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  CHROMA_ASSIGN(std::vector<ScoredRows> found, RunSearches(ctx, pool_, *snapshot, plan));
  NoteSearches(version.collection, *snapshot, plan.space, plan.searches.size());
  const AnswerLimit limit{plan.answer_bytes_max,
                          "lower the limit, select less or send fewer searches"};
  SearchResult result;
  uint64_t size_bytes = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    CHROMA_TRY(ctx.Check());
    const model::Select& select = plan.searches[i].select;
    CHROMA_ASSIGN(Records records,
                  ProjectWithin(ctx, pool_, *snapshot, found[i].rows, IncludeOf(select)));
    size_bytes += SizeBytes(records);
    CHROMA_TRY(limit.Check(size_bytes));
    KeepSelected(select, &records);
    result.records.push_back(std::move(records));
    result.scores.push_back(select.score ? std::move(found[i].scores) : std::vector<float>());
  }
  return result;
}

void LocalNode::TellDamage(const Uuid& collection, const segment::Snapshot& snapshot) const {
  if (!options_.on_damaged_index) return;
  for (const segment::SnapshotPart& part : snapshot.parts) {
    if (part.indexes != nullptr && part.indexes->damaged()) options_.on_damaged_index(collection);
  }
}

Result<uint64_t> LocalNode::Count(runtime::Context& ctx, const VersionRef& version,
                                  const planner::CountPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  return CountRows(ctx, *snapshot, PredicateOf(plan.predicate), &pool_);
}

Result<ListResult> LocalNode::List(runtime::Context& ctx, const VersionRef& version,
                                   const planner::ListPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  CHROMA_ASSIGN(const std::vector<RowRef> rows, SelectList(ctx, *snapshot, plan, &pool_));
  ListResult result;
  CHROMA_ASSIGN(result.records, ProjectWithin(ctx, pool_, *snapshot, rows, plan.get.include));
  if (plan.highlight) {
    CHROMA_ASSIGN(result.highlights,
                  HighlightRows(ctx, *snapshot, PredicateOf(plan.get.predicate),
                                {*plan.highlight, plan.highlight_bytes_max}, rows));
  }
  return result;
}

Result<Explanation> LocalNode::Explain(runtime::Context& ctx, const VersionRef& version,
                                       const planner::ExplainPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  return executor::Explain(ctx, pool_, *env_.clock, *snapshot, plan);
}

Result<FacetResult> LocalNode::Facets(runtime::Context& ctx, const VersionRef& version,
                                      const planner::FacetsPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  return CountFacets(ctx, *snapshot, plan, &pool_);
}

Result<RecallReport> LocalNode::MeasureRecall(runtime::Context& ctx, const VersionRef& version,
                                              const planner::RecallPlan& plan) {
  CHROMA_ASSIGN(auto snapshot, Snapshot(ctx, version));
  return executor::MeasureRecall(ctx, pool_, *env_.clock, *env_.random, *snapshot, plan);
}

namespace {

SegmentStatus StatusOf(const format::ManifestSegment& named, const segment::SnapshotPart& part) {
  SegmentStatus status;
  status.blob = named.blob;
  status.size_bytes = named.size_bytes;
  status.rows = part.part->rows();
  status.deleted = part.dead->Count();
  status.unindexed_rows = segment::UnindexedRows(part);
  if (part.indexes == nullptr) return status;
  for (const segment::PartIndex& index : part.indexes->list) {
    status.indexes.push_back({index.reader->blob(), index.reader->size_bytes(), index.rows()});
  }
  return status;
}

}  // namespace

Result<std::optional<uint32_t>> LocalNode::FindRequest(runtime::Context& ctx,
                                                       const VersionRef& version,
                                                       const model::RequestTag& tag) {
  CHROMA_ASSIGN(const std::shared_ptr<LiveCollection> collection, Open(ctx, version));
  return collection->FindRequest(ctx, tag);
}

Result<CollectionStatus> LocalNode::Describe(runtime::Context& ctx, const VersionRef& version,
                                             const model::Schema& schema) {
  CHROMA_ASSIGN(const std::shared_ptr<LiveCollection> collection, Open(ctx, version));
  std::shared_ptr<const segment::Version> opened;
  std::shared_ptr<const segment::Snapshot> snapshot;
  do {
    opened = collection->version();
    CHROMA_ASSIGN(snapshot, collection->Read(ctx));
  } while (snapshot->version != opened->manifest.version);
  CollectionStatus status;
  status.records = snapshot->live;
  status.version = snapshot->version;
  status.manifest = version.version == snapshot->version ? version.manifest : "";
  status.log_offset = snapshot->log_offset;
  status.log_end = snapshot->log_end;
  for (size_t i = 0; i < snapshot->segments; ++i) {
    status.segment_list.push_back(StatusOf(opened->manifest.segments[i], snapshot->parts[i]));
  }
  // Rows that wait for their index: at most as many operations as brought them.
  uint64_t unindexed = 0;
  for (size_t i = 0; i < snapshot->segments; ++i) {
    const segment::SnapshotPart& part = snapshot->parts[i];
    if (segment::MissesIndexes(*part.part, schema)) {
      unindexed += part.part->rows();
    } else if (segment::NeedsIndex(options_.index, part, /*busy=*/false)) {
      unindexed += segment::UnindexedRows(part);
    }
  }
  status.indexed_operations =
      snapshot->indexed_operations - std::min(unindexed, snapshot->indexed_operations);
  status.total_operations = snapshot->indexed_operations + snapshot->tail_operations;
  status.segments = static_cast<uint32_t>(snapshot->parts.size());
  status.tail_records = snapshot->tail_operations;
  return status;
}

}  // namespace chroma::executor
