#include "compactor/indexer.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "compactor/merge.h"
#include "index/vector/graph_builder.h"
#include "runtime/log.h"
#include "runtime/memory_usage.h"
#include "segment/missing_indexes.h"

namespace chroma::compactor {
namespace {

constexpr size_t kJobsMax = 1024;
// What `ef_construction` asks for, doubled: half of the candidates that a walk over estimates keeps
// are as good as those that one over distances keeps.
constexpr uint64_t kEffortPerEf = 2;
constexpr uint64_t kEffortMin = 80;
constexpr uint64_t kEffortMax = 2000;
// Of the same graph for the same rows.
constexpr uint64_t kSeed = 0x6368726f6d61;
// A graph that holds less of the rows than this is not worth extending.
constexpr double kBaseShareMin = .3;

// All vectors of a part, verified.
Result<std::vector<const float*>> RowsOf(runtime::Context& ctx, const segment::Part& part) {
  std::vector<const float*> rows;
  rows.reserve(part.rows());
  while (rows.size() < part.rows()) {
    CHROMA_TRY(ctx.Check());
    CHROMA_ASSIGN(const segment::VectorRun run, part.Vectors(static_cast<uint32_t>(rows.size())));
    for (uint32_t i = 0; i < run.rows; ++i) {
      rows.push_back(run.values + size_t{i} * part.dimension());
    }
  }
  return rows;
}

// The index that holds most of the part's rows, if that is many.
const segment::PartIndex* BaseOf(const segment::SnapshotPart& part) {
  if (part.indexes == nullptr) return nullptr;
  const segment::PartIndex* base = nullptr;
  for (const segment::PartIndex& index : part.indexes->list) {
    if (base == nullptr || index.rows() > base->rows()) base = &index;
  }
  const bool large = base != nullptr && base->rows() > kBaseShareMin * part.part->rows();
  return large ? base : nullptr;
}

}  // namespace

// One index on its way.
struct Indexer::Job {
  Uuid collection;
  model::Space space = model::Space::kL2;
  uint32_t effort = 0;
  segment::SnapshotPart part;
  format::ManifestSegment named;
  segment::VectorIndexSummary built;
  // Not empty: the segment is to be written again, with these.
  std::vector<segment::MissingIndex> missing;
  model::Schema schema;  // which asks for them
  segment::SegmentSummary rewritten;
  bool filled = false;  // and its rows have more sparse vectors than before
  std::vector<format::ManifestIndex> handed_on;  // then: the vector indexes that it goes on with
};

// A version that names what a job made.
struct Indexer::Published {
  segment::VersionRef ref;
  size_t place = 0;                   // of the segment
  std::vector<std::string> replaced;  // blobs
};

Indexer::Indexer(Seams seams, Policy policy, CollectionLocks& locks, std::function<void()> prepare)
    : seams_(std::move(seams)),
      policy_(policy),
      locks_(locks),
      prepare_(std::move(prepare)),
      context_(*seams_.env.clock),
      pool_(std::make_unique<runtime::ThreadPool>(*seams_.env.scheduler, "index",
                                                  seams_.env.scheduler->Parallelism() - 1, kJobsMax,
                                                  runtime::Priority::kLow)) {}

Indexer::~Indexer() {
  {
    runtime::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  context_.Cancel();
  task_.reset();
}

Status Indexer::Start(std::function<void(const Uuid&)> on_built) {
  on_built_ = std::move(on_built);
  task_ = seams_.env.scheduler->Start("indexer", [this] { Run(); });
  if (task_ != nullptr) return Status::Ok();
  return Status::ResourceExhausted(
      "cannot start the indexer: this user's limit of threads is reached");
}

void Indexer::Notify(const Uuid& collection, bool busy, int64_t not_before_ns) {
  runtime::MutexLock lock(mutex_);
  Waiting& waiting = waiting_[collection];
  waiting.busy &= busy;
  waiting.not_before_ns = std::min(waiting.not_before_ns, not_before_ns);
  wake_.NotifyAll();
}

std::set<std::string> Indexer::Building() {
  runtime::MutexLock lock(mutex_);
  std::set<std::string> segments;
  if (!built_segment_.empty()) segments.insert(built_segment_);
  return segments;
}

std::optional<Uuid> Indexer::PickWaiting(int64_t now_ns, int64_t* wait_ns) {
  *wait_ns = -1;
  for (const auto& [collection, waiting] : waiting_) {
    const auto failed = failed_.find(collection);
    const int64_t failed_until_ns = failed == failed_.end() ? 0 : failed->second.not_before_ns;
    const int64_t ready_in_ns = std::max(waiting.not_before_ns, failed_until_ns) - now_ns;
    if (ready_in_ns <= 0) return collection;
    *wait_ns = *wait_ns < 0 ? ready_in_ns : std::min(*wait_ns, ready_in_ns);
  }
  return std::nullopt;
}

void Indexer::Run() {
  seams_.env.scheduler->LowerPriority();
  for (;;) {
    Uuid collection;
    bool busy = false;
    FailedJobs failed;
    {
      runtime::MutexLock lock(mutex_);
      if (stopping_) return;
      int64_t wait_ns = -1;
      const std::optional<Uuid> next = PickWaiting(seams_.env.clock->MonotonicNs(), &wait_ns);
      if (!next) {
        if (wait_ns < 0) {
          wake_.Wait(mutex_);
        } else {
          wake_.WaitFor(mutex_, wait_ns);
        }
        continue;
      }
      collection = *next;
      busy = waiting_[collection].busy;
      waiting_.erase(collection);
      if (const auto at = failed_.find(collection); at != failed_.end()) failed = at->second.jobs;
    }
    Result<bool> built = false;
    {
      runtime::MutexLock one_at_a_time(building_);
      built = IndexOne(context_, collection, busy, &failed);
    }
    Finished(collection, busy, built, std::move(failed));
  }
}

void Indexer::Finished(const Uuid& collection, bool busy, const Result<bool>& built,
                       FailedJobs failed) {
  constexpr int64_t kRetryNsMin = runtime::kSecond;
  constexpr int kBackoffDoublings = 6;
  const StatusCode code = built.status().code();
  const bool more = built.ok() && *built;  // it may have another segment
  const bool gone = code == StatusCode::kNotFound || code == StatusCode::kCancelled;
  const bool again = !more && !gone && (!built.ok() || !failed.empty());
  int failures = 0;
  {
    runtime::MutexLock lock(mutex_);
    if (!more && !again) {
      failed_.erase(collection);
    } else if (more) {
      if (!failed.empty()) failed_[collection] = {0, 0, std::move(failed)};
    } else {
      Failures& failures_of = failed_[collection];
      failures_of.not_before_ns = seams_.env.clock->MonotonicNs() +
                                  (kRetryNsMin << std::min(failures_of.count, kBackoffDoublings));
      failures = ++failures_of.count;
      if (built.ok()) failed.clear();  // nothing else was to be done
      failures_of.jobs = std::move(failed);
    }
  }
  if (more) on_built_(collection);
  if (more || again) Notify(collection, busy);
  if (!built.ok() && failures == 1 && code != StatusCode::kAborted) {
    runtime::Log(runtime::LogLevel::kWarning, "an index was not built, will be tried again",
                 {{"collection", collection.ToString()}, {"error", built.status().ToString()}});
  }
}

Status Indexer::IndexFully(runtime::Context& ctx, const Uuid& collection) {
  FailedJobs failed;
  Status first;
  for (;;) {
    CHROMA_TRY(ctx.Check());
    const size_t failures = failed.size();
    const Result<bool> built = IndexInTurn(ctx, collection, &failed);
    if (built.ok() && !*built) return first;
    // All of its rows may have been deleted meanwhile, and the segment dropped.
    if (built.ok() || built.status().code() == StatusCode::kAborted) continue;
    if (first.ok()) first = built.status();
    if (failed.size() == failures) return first;
  }
}

Result<bool> Indexer::IndexInTurn(runtime::Context& ctx, const Uuid& collection,
                                  FailedJobs* failed) {
  // An index may take minutes, and whoever waits may go away meanwhile.
  constexpr int64_t kCheckNs = 20 * runtime::kMillisecond;
  while (!building_.TryLock()) {
    CHROMA_TRY(ctx.Check());
    seams_.env.clock->SleepNs(kCheckNs);
  }
  Result<bool> built = false;
  try {
    built = IndexOne(ctx, collection, false, failed);
  } catch (const std::bad_alloc&) {
    built = Status::ResourceExhausted("there is no memory to build an index with");
  }
  building_.Unlock();
  return built;
}

Result<bool> Indexer::IndexOne(runtime::Context& ctx, const Uuid& collection, bool busy,
                               FailedJobs* failed) {
  Job job;
  CHROMA_ASSIGN(const bool found, Pick(ctx, collection, busy, failed, &job));
  if (!found) return false;
  const int64_t begin_ns = seams_.env.clock->MonotonicNs();
  const bool sections = !job.missing.empty();
  Status status;
  try {
    status = sections ? AddMissing(ctx, job) : Build(ctx, job);
  } catch (const std::bad_alloc&) {
    status = Status::ResourceExhausted("there is no memory to build an index with");
  }
  if (status.ok()) status = PublishIndex(ctx, job);
  if (!sections) runtime::ReleaseFreedMemory();
  {
    runtime::MutexLock lock(mutex_);
    built_segment_.clear();
  }
  if (!status.ok()) failed->emplace(job.named.blob, sections);
  CHROMA_TRY(status);
  runtime::Log(runtime::LogLevel::kDebug, sections ? "missing indexes added" : "vector index built",
               {{"collection", collection.ToString()},
                {"rows", job.named.rows},
                {"ms", (seams_.env.clock->MonotonicNs() - begin_ns) / runtime::kMillisecond}});
  return true;
}

Status Indexer::Choose(const segment::Version& version, const model::Schema& schema, bool busy,
                       uint64_t compared, FailedJobs* failed, Job* job) const {
  Status unreadable;
  for (size_t i = 0; i < version.parts.size(); ++i) {
    const segment::SnapshotPart& part = version.parts[i];
    const format::ManifestSegment& named = version.manifest.segments[i];
    // Merges to come write smaller ones again.
    if (busy && part.part->rows() < policy_.index.busy_rows_min) continue;
    if (failed->contains({named.blob, true})) continue;
    Result<std::vector<segment::MissingIndex>> missing = part.part->Missing(schema);
    if (!missing.ok()) {
      if (unreadable.ok()) unreadable = missing.status();
      failed->emplace(named.blob, true);
    } else if (!missing->empty()) {
      job->missing = *std::move(missing);
      job->part = part;
      job->named = named;
      return Status::Ok();
    }
  }
  for (size_t i = 0; i < version.parts.size(); ++i) {
    const segment::SnapshotPart& part = version.parts[i];
    const format::ManifestSegment& named = version.manifest.segments[i];
    if (!segment::NeedsIndex(policy_.index, part, busy, compared) ||
        failed->contains({named.blob, false})) {
      continue;
    }
    if (job->part.part != nullptr && job->part.part->rows() >= part.part->rows()) continue;
    job->part = part;
    job->named = named;
  }
  return job->part.part == nullptr ? unreadable : Status::Ok();
}

Result<bool> Indexer::Pick(runtime::Context& ctx, const Uuid& id, bool busy, FailedJobs* failed,
                           Job* job) {
  if (prepare_) prepare_();
  OpenEarly(ctx, id);
  CHROMA_TRY(locks_.Lock(ctx, id));
  const CollectionLocks::Hold hold(locks_, id);
  CHROMA_ASSIGN(const model::Collection collection, seams_.catalog->GetCollectionById(ctx, id));
  const auto live = OpenPublished(
      ctx, seams_, {id, collection.version, collection.manifest, collection.log_offset});
  if (!live.ok()) return IfStillThere(ctx, seams_, id, live.status());
  CHROMA_TRY(Choose(*(*live)->version(), collection.schema, busy, seams_.node->RowsCompared(id),
                    failed, job));
  if (job->part.part == nullptr) return false;
  job->collection = id;
  job->schema = collection.schema;
  job->space = collection.schema.space();
  job->effort = static_cast<uint32_t>(
      std::clamp(std::min(*collection.schema.hnsw().ef_construction, kEffortMax) * kEffortPerEf,
                 kEffortMin, kEffortMax));
  runtime::MutexLock lock(mutex_);
  built_segment_ = job->named.blob;
  return true;
}

Status Indexer::Build(runtime::Context& ctx, Job& job) {
  const segment::Part& part = *job.part.part;
  CHROMA_ASSIGN(const std::vector<const float*> rows, RowsOf(ctx, part));
  const index::ParallelFor parallel_for = [this](size_t n, const std::function<void(size_t)>& run) {
    pool_->ParallelFor(n, run);
  };
  const index::CodeSpace space = index::ChooseCodeSpace(job.space, part.dimension(), kSeed, rows);
  const index::RowCoder coder(simd::ActiveCodeKernels(), space);
  const index::CodedRows coded(coder, rows, parallel_for);
  CHROMA_TRY(ctx.Check());
  const index::RowCodes view = coded.view();
  index::GraphOptions options;
  options.effort = job.effort;
  index::GraphBuilder builder(
      coder, view, options, parallel_for, [&ctx] { return ctx.Check(); },
      seams_.node->node_memory());
  const segment::PartIndex* base = BaseOf(job.part);
  if (base != nullptr && !base->reader->VerifyAll(ctx).ok()) base = nullptr;
  size_t base_rows = 0;
  if (base != nullptr) {
    std::vector<uint32_t> now(base->reader->rows());
    for (uint32_t row = 0; row < now.size(); ++row) {
      now[row] = base->Moved()[row];
      base_rows += now[row] != index::MovedRows::kGone ? 1 : 0;
    }
    CHROMA_TRY(builder.Begin(base->reader->graph(), now));
  }
  const std::vector<uint32_t> new_rows = builder.NewRows();
  const std::vector<uint32_t> sample = index::DrawSample(new_rows);
  CHROMA_TRY(builder.Build(sample));
  index::VectorSource source;
  source.row_pointers = rows.data();
  source.n = part.rows();
  source.dimension = part.dimension();
  CHROMA_ASSIGN(index::Calibration calibration,
                index::Calibrate(coder, builder.graph(), source, sample, parallel_for,
                                 [&ctx] { return ctx.Check(); }));
  if (base != nullptr) {
    calibration.points = index::Mix(base->reader->index().calibration().points, base_rows,
                                    calibration.points, new_rows.size());
  }
  CHROMA_TRY(builder.Build());
  CHROMA_ASSIGN(job.built,
                segment::WriteVectorIndex(ctx, *seams_.store,
                                          NewBlobName(*seams_.env.random, job.collection, "index"),
                                          space, builder.graph(), calibration, job.named.checksum));
  return Status::Ok();
}

Status Indexer::AddMissing(runtime::Context& ctx, Job& job) {
  if (segment::HasFill(job.missing)) return Fill(ctx, job);
  CHROMA_ASSIGN(std::shared_ptr<const store::Blob> blob, seams_.store->Open(ctx, job.named.blob));
  std::vector<std::string> indexes;
  for (const format::ManifestIndex& index : job.named.indexes) indexes.push_back(index.blob);
  CHROMA_ASSIGN(job.rewritten,
                segment::WriteWithIndexes(
                    ctx, *seams_.store, NewBlobName(*seams_.env.random, job.collection, "segment"),
                    std::move(blob), job.missing, indexes));
  return Status::Ok();
}

Status Indexer::Fill(runtime::Context& ctx, Job& job) {
  // With its dead rows, so that those that die meanwhile are where they were.
  segment::SnapshotPart all = job.part;
  all.dead = std::make_shared<const Bitmap>();
  CHROMA_ASSIGN(auto written, MergeParts(ctx, *seams_.store,
                                         NewBlobName(*seams_.env.random, job.collection, "segment"),
                                         all.part->dimension(), {all}, &job.schema));
  if (!written) return Status::Internal("a segment without rows was to be filled");
  job.rewritten = {written->blob, static_cast<uint32_t>(written->rows), written->size_bytes,
                   written->checksum};
  job.filled = true;
  job.handed_on = std::move(written->indexes);
  return Status::Ok();
}

void Indexer::OpenEarly(runtime::Context& ctx, const Uuid& id) {
  const Result<model::Collection> collection = seams_.catalog->GetCollectionById(ctx, id);
  if (!collection.ok()) return;
  // It may be replaced meanwhile, and fail by that.
  static_cast<void>(seams_.node->Open(
      ctx, {id, collection->version, collection->manifest, collection->log_offset}));
}

Result<Indexer::Published> Indexer::Swap(runtime::Context& ctx, Job& job) {
  const bool rewrites = !job.missing.empty();
  const std::string& written = rewrites ? job.rewritten.blob : job.built.blob;
  const auto discard = [&](Status status) {
    Discard(seams_, {written});
    return status;
  };
  if (Status locked = locks_.Lock(ctx, job.collection); !locked.ok()) return discard(locked);
  const CollectionLocks::Hold hold(locks_, job.collection);
  Result<model::Collection> collection = seams_.catalog->GetCollectionById(ctx, job.collection);
  if (!collection.ok()) return discard(collection.status());
  const Result<std::shared_ptr<segment::LiveCollection>> live = OpenPublished(
      ctx, seams_,
      {job.collection, collection->version, collection->manifest, collection->log_offset});
  if (!live.ok()) return discard(IfStillThere(ctx, seams_, job.collection, live.status()));
  const std::shared_ptr<const segment::Version> before = (*live)->version();
  format::Manifest manifest = before->manifest;
  manifest.version = collection->version + 1;
  const auto segment =
      std::find_if(manifest.segments.begin(), manifest.segments.end(),
                   [&](const format::ManifestSegment& s) { return s.blob == job.named.blob; });
  if (segment == manifest.segments.end() || before->manifest.version != collection->version) {
    return discard(Status::Aborted("the segment was replaced while it was indexed"));
  }
  const auto place = static_cast<size_t>(segment - manifest.segments.begin());
  bool settled = IsSettled(policy_, manifest);
  for (size_t i = 0; i < before->parts.size(); ++i) {
    if (i == place) continue;
    settled &= !segment::NeedsIndex(policy_.index, before->parts[i], /*busy=*/false) &&
               !segment::MissesIndexes(*before->parts[i].part, collection->schema);
  }
  if (rewrites) {
    segment->blob = job.rewritten.blob;
    segment->size_bytes = job.rewritten.size_bytes;
    segment->checksum = job.rewritten.checksum;
    if (job.filled) segment->indexes = job.handed_on;
    settled &= job.schema == collection->schema &&
               !segment::NeedsIndex(policy_.index, before->parts[place], /*busy=*/false);
  } else {
    segment->indexes = {{job.built.blob, job.built.size_bytes, job.built.checksum}};
    settled &= !segment::MissesIndexes(*before->parts[place].part, collection->schema);
  }
  Published published;
  CHROMA_ASSIGN(published.ref, Publish(ctx, seams_, *collection, manifest, settled, {written}));
  published.place = place;
  published.replaced = Replaced(*collection, before->manifest, manifest);
  return published;
}

Status Indexer::PublishIndex(runtime::Context& ctx, Job& job) {
  OpenEarly(ctx, job.collection);
  CHROMA_ASSIGN(const Published published, Swap(ctx, job));
  // Others may publish again by now: what is not newer is ignored, and what this version replaced
  // no later one names.
  const Result<std::shared_ptr<segment::LiveCollection>> live =
      OpenPublished(ctx, seams_, published.ref);
  if (!live.ok()) {
    CHROMA_ASSIGN(const model::Collection now,
                  seams_.catalog->GetCollectionById(ctx, job.collection));
    if (now.version == published.ref.version) return live.status();
  }
  seams_.on_published(job.collection);
  if (live.ok() && job.missing.empty()) {
    seams_.node->ForgetRowsCompared(job.collection);
    const std::shared_ptr<const segment::Version> version = (*live)->version();
    if (version->manifest.version == published.ref.version &&
        version->parts[published.place].indexes->damaged()) {
      return Status::DataLoss("a vector index that was just written is damaged: check the disk");
    }
  }
  return GiveSpaceBack(ctx, seams_, job.collection, published.ref.log_offset, published.replaced);
}

}  // namespace chroma::compactor
