#include "segment/live_collection.h"

#include <algorithm>
#include <span>
#include <utility>

#include "runtime/test_points.h"
#include "segment/sparse_frequency.h"

namespace chroma::segment {
namespace {

constexpr size_t kReadBytesMax = 16 << 20;  // of the log at once
// What a writer does for searches to come takes some tens of milliseconds at most; a search does
// the rest. Offsets are of all collections, so there may be fewer records between two of them.
constexpr uint64_t kPreparedRecordsMax = 16384;
constexpr uint64_t kPreparedBytesMax = 64 << 20;

// The tail of a version, before the log is read.
Result<std::unique_ptr<Tail>> NewTail(const std::shared_ptr<const Version>& version) {
  auto tail = std::make_unique<Tail>(version->parts);
  const Bytes& carried = version->manifest.carried;
  if (!carried.empty()) {
    CHROMA_TRY(tail->ApplyCarried(std::shared_ptr<const Bytes>(version, &carried)));
  }
  return tail;
}

}  // namespace

Result<std::shared_ptr<LiveCollection>> LiveCollection::Open(
    runtime::Context& ctx, log::Log& log, store::BlobStore& store,
    const std::shared_ptr<index::NodeMemory>& memory, const VersionRef& ref) {
  std::shared_ptr<LiveCollection> live(new LiveCollection(log, store, memory, ref.collection));
  CHROMA_ASSIGN(State state, live->NewState(ctx, ref, nullptr));
  // Read now, whatever the log holds: it refuses when `ref` is outdated and the log that an
  // outdated version needs was trimmed.
  CHROMA_TRY(live->CatchUp(ctx, state, UINT64_MAX));
  runtime::MutexLock lock(live->mutex_);
  live->Replace(state);
  return live;
}

Result<LiveCollection::State> LiveCollection::NewState(runtime::Context& ctx, const VersionRef& ref,
                                                       const Version* before) const {
  State state;
  CHROMA_ASSIGN(state.version, OpenVersion(ctx, store_, memory_, ref, before));
  state.log_end = state.version->manifest.log_offset;
  if (CHROMA_PLANTED_BUG("segment.skip_tail_record")) state.log_end = ref.log_offset + 1;
  CHROMA_ASSIGN(state.tail, NewTail(state.version));
  return state;
}

Status LiveCollection::CatchUp(runtime::Context& ctx, State& state, uint64_t end) const {
  if (state.tail == nullptr) {
    state.log_end = state.version->manifest.log_offset;
    CHROMA_ASSIGN(state.tail, NewTail(state.version));
  }
  while (state.log_end < end) {
    CHROMA_ASSIGN(std::vector<log::Entry> entries,
                  log_.Read(ctx, id_, state.log_end, kReadBytesMax));
    if (entries.empty()) return Status::Ok();
    for (const log::Entry& entry : entries) {
      // Between entries: a reader that gives up leaves what it did to the next one.
      CHROMA_TRY(ctx.Check());
      // On failure, also where memory ends, half an entry may be in: the next read begins anew.
      std::unique_ptr<Tail> tail = std::move(state.tail);
      if (const Status applied = tail->Apply(entry); !applied.ok()) {
        return applied.Annotate("reading the log of collection " + id_.ToString());
      }
      state.tail = std::move(tail);
      state.log_end = entry.end_offset();
    }
  }
  return Status::Ok();
}

std::shared_ptr<const Snapshot> LiveCollection::Shown() const {
  runtime::MutexLock lock(shown_mutex_);
  return shown_;
}

void LiveCollection::Show(std::shared_ptr<const Snapshot> snapshot) {
  runtime::MutexLock lock(shown_mutex_);
  shown_.swap(snapshot);  // the old one is destroyed without the lock
}

std::shared_ptr<const Snapshot> LiveCollection::MakeSnapshot() {
  const format::Manifest& manifest = state_.version->manifest;
  std::shared_ptr<const Snapshot> last = Shown();
  if (last && last->version == manifest.version && last->log_end == state_.log_end) return last;
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->parts = state_.tail->Parts();
  snapshot->unreadable = state_.tail->Unreadable();
  snapshot->segments = manifest.segments.size();
  snapshot->version = manifest.version;
  snapshot->log_offset = manifest.log_offset;
  snapshot->log_end = state_.log_end;
  snapshot->indexed_operations = manifest.operations;
  snapshot->tail_operations = state_.tail->operations();
  snapshot->dimension =
      state_.tail->dimension() != 0 ? state_.tail->dimension() : manifest.dimension;
  for (const SnapshotPart& part : snapshot->parts) snapshot->live += part.live();
  snapshot->frequencies = std::make_shared<SparseFrequencies>();
  return snapshot;
}

Result<std::shared_ptr<const Snapshot>> LiveCollection::Read(runtime::Context& ctx) {
  CHROMA_ASSIGN(const uint64_t end, log_.End(ctx, id_));
  if (auto last = Shown(); last != nullptr && last->log_end >= end) return last;
  return ReadUpTo(ctx, end);
}

Result<std::shared_ptr<const Snapshot>> LiveCollection::ReadDurable(runtime::Context& ctx) {
  return ReadUpTo(ctx, UINT64_MAX);
}

Result<std::shared_ptr<const Snapshot>> LiveCollection::ReadUpTo(runtime::Context& ctx,
                                                                 uint64_t end) {
  runtime::MutexLock lock(mutex_);
  CHROMA_TRY(CatchUp(ctx, state_, end));
  std::shared_ptr<const Snapshot> snapshot = MakeSnapshot();
  Show(snapshot);
  return snapshot;
}

Status LiveCollection::Prepare(runtime::Context& ctx, uint64_t end, model::Space searched) {
  std::shared_ptr<const Snapshot> snapshot;
  {
    runtime::MutexLock lock(mutex_);
    if (end > state_.log_end + kPreparedRecordsMax) return Status::Ok();
    CHROMA_TRY(CatchUp(ctx, state_, end));
    snapshot = MakeSnapshot();
  }
  const std::span parts(snapshot->parts);
  CHROMA_TRY(MakeSigns(ctx, parts.subspan(snapshot->segments), searched, kPreparedBytesMax));
  runtime::MutexLock lock(mutex_);
  const std::shared_ptr<const Snapshot> last = Shown();
  const bool newer = last == nullptr || last->log_end < snapshot->log_end;
  if (newer && snapshot->version == state_.version->manifest.version) Show(std::move(snapshot));
  return Status::Ok();
}

Result<std::shared_ptr<const Snapshot>> LiveCollection::ReadAtOnce(runtime::Context& ctx,
                                                                   const VersionRef& ref) {
  CHROMA_ASSIGN(const uint64_t end, log_.End(ctx, id_));
  std::shared_ptr<const Snapshot> last = Shown();
  if (last != nullptr && last->log_end >= end && last->version >= ref.version) return last;
  return Status::Unavailable("collection " + id_.ToString() + " has changed since it was read");
}

Result<std::optional<uint32_t>> LiveCollection::FindRequest(runtime::Context& ctx,
                                                            const model::RequestTag& tag) {
  CHROMA_ASSIGN(const uint64_t end, log_.End(ctx, id_));
  runtime::MutexLock lock(mutex_);
  CHROMA_TRY(CatchUp(ctx, state_, end));
  return segment::FindRequest(state_.version->manifest, state_.tail->requests(), tag,
                              ctx.clock().MonotonicNs());
}

Result<std::vector<LoggedRequest>> LiveCollection::RequestsBelow(uint64_t log_end) const {
  runtime::MutexLock lock(mutex_);
  if (state_.tail == nullptr || state_.log_end < log_end) {
    return Status::Aborted("the log of collection " + id_.ToString() + " is being read anew");
  }
  std::vector<LoggedRequest> below;
  for (const LoggedRequest& request : state_.tail->requests()) {
    if (request.end_offset <= log_end) below.push_back(request);
  }
  return below;
}

Status LiveCollection::Advance(runtime::Context& ctx, const VersionRef& ref,
                               std::optional<model::Space> searched) {
  const std::shared_ptr<const Version> before = version();
  if (before->manifest.version >= ref.version) return Status::Ok();
  CHROMA_ASSIGN(State next, NewState(ctx, ref, before.get()));
  // Most of the log is read before the lock is taken, so that readers hardly wait.
  // What is appended meanwhile is not waited for: writers may be quicker than this task.
  CHROMA_ASSIGN(const uint64_t end, log_.End(ctx, id_));
  CHROMA_TRY(CatchUp(ctx, next, end));
  if (searched) CHROMA_TRY(MakeSigns(ctx, next.tail->Parts(), *searched));
  runtime::MutexLock lock(mutex_);
  if (state_.version->manifest.version >= ref.version) return Status::Ok();
  const std::shared_ptr<const Snapshot> shown = Shown();
  CHROMA_TRY(CatchUp(ctx, next, std::max(state_.log_end, shown ? shown->log_end : 0)));
  Replace(next);
  Show(MakeSnapshot());
  return Status::Ok();
}

// Leaves the old state in `next`, to be destroyed without the locks.
void LiveCollection::Replace(State& next) {
  std::swap(state_, next);
  std::shared_ptr<const Snapshot> old;
  runtime::MutexLock lock(shown_mutex_);
  version_ = state_.version;
  shown_.swap(old);
}

std::shared_ptr<const Version> LiveCollection::version() const {
  runtime::MutexLock lock(shown_mutex_);
  return version_;
}

void LiveCollection::ReleaseVectors() const {
  for (const SnapshotPart& segment : version()->parts) segment.part->ReleaseVectors();
}

void LiveCollection::ReleaseRowPages() const {
  for (const SnapshotPart& segment : version()->parts) segment.part->ReleasePages();
}

void LiveCollection::ReleaseAllPages() const {
  ReleaseRowPages();
  for (const SnapshotPart& segment : version()->parts) {
    segment.part->signs().Forget();
    if (segment.indexes == nullptr) continue;
    for (const PartIndex& index : segment.indexes->list) index.reader->ReleasePages();
  }
}

uint64_t LiveCollection::tail_bytes() const {
  runtime::MutexLock lock(mutex_);
  return state_.tail == nullptr ? 0 : state_.tail->payload_bytes();
}

}  // namespace chroma::segment
