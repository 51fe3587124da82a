// One collection opened for reading: the segments of its published version and the tail of the
// log above them. Thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "chroma/status.h"
#include "log/log.h"
#include "runtime/context.h"
#include "runtime/mutex.h"
#include "segment/requests.h"
#include "segment/snapshot.h"
#include "segment/tail.h"
#include "segment/version.h"
#include "store/blob_store.h"

namespace chroma::segment {

class LiveCollection {
 public:
  // All outlive it; `memory` (may be null): see OpenVersion.
  static Result<std::shared_ptr<LiveCollection>> Open(
      runtime::Context& ctx, log::Log& log, store::BlobStore& store,
      const std::shared_ptr<index::NodeMemory>& memory, const VersionRef& ref);

  // Everything that was acknowledged, and all else that the log told of, when this was called.
  Result<std::shared_ptr<const Snapshot>> Read(runtime::Context& ctx);

  // Everything that is durable, also what the log does not tell of yet: for compactions, which
  // would find nothing to do in a log that grows.
  Result<std::shared_ptr<const Snapshot>> ReadDurable(runtime::Context& ctx);

  // As Read, for who cannot wait: kUnavailable unless the last snapshot is of `ref` or a newer
  // version and nothing that the log tells of was written since.
  Result<std::shared_ptr<const Snapshot>> ReadAtOnce(runtime::Context& ctx, const VersionRef& ref);

  // Makes what Read and searches in that space need up to `end` of the log, so that they find it,
  // unless that is much. Others read the last snapshot meanwhile, as long as the log does not tell
  // of `end`.
  Status Prepare(runtime::Context& ctx, uint64_t end, model::Space searched);

  // Moves to a newer published version; the tail keeps only what that does not cover. A version
  // that is not newer is ignored. Readers go on during the work. `searched`: vectors of it are, so
  // that codes of rows that are in no vector index yet are made before searches wait for them.
  Status Advance(runtime::Context& ctx, const VersionRef& ref,
                 std::optional<model::Space> searched = std::nullopt);

  // As segment::FindRequest, over everything that the log told of when this was called.
  Result<std::optional<uint32_t>> FindRequest(runtime::Context& ctx, const model::RequestTag& tag);
  // The tagged writes of the tail below `log_end`, which a snapshot of it has. kAborted when the
  // tail was begun anew since and does not have them.
  Result<std::vector<LoggedRequest>> RequestsBelow(uint64_t log_end) const;

  std::shared_ptr<const Version> version() const;
  // See Part: of all segments.
  void ReleaseVectors() const;
  void ReleaseRowPages() const;
  void ReleaseAllPages() const;  // of their vector indexes, too
  // An estimate of the memory that the tail holds.
  uint64_t tail_bytes() const;

 private:
  LiveCollection(log::Log& log, store::BlobStore& store, std::shared_ptr<index::NodeMemory> memory,
                 Uuid id)
      : log_(log), store_(store), memory_(std::move(memory)), id_(id) {}

  // The tail of the log above a version, and how far it has read.
  struct State {
    std::shared_ptr<const Version> version;
    std::unique_ptr<Tail> tail;  // null: to be begun anew, by CatchUp
    uint64_t log_end = 0;
  };
  Result<State> NewState(runtime::Context& ctx, const VersionRef& ref, const Version* before) const;
  Status CatchUp(runtime::Context& ctx, State& state, uint64_t end) const;
  Result<std::shared_ptr<const Snapshot>> ReadUpTo(runtime::Context& ctx, uint64_t end);
  // Of state_.
  std::shared_ptr<const Snapshot> MakeSnapshot() CHROMA_REQUIRES(mutex_);
  std::shared_ptr<const Snapshot> Shown() const;
  void Show(std::shared_ptr<const Snapshot> snapshot) CHROMA_REQUIRES(mutex_);
  void Replace(State& next) CHROMA_REQUIRES(mutex_);

  log::Log& log_;
  store::BlobStore& store_;
  const std::shared_ptr<index::NodeMemory> memory_;
  const Uuid id_;
  mutable runtime::Mutex mutex_;
  State state_ CHROMA_GUARDED_BY(mutex_);
  // The version of state_, and the last snapshot of it; null: none yet. Who finds in them what it
  // looks for need not wait for who catches up with the log.
  mutable runtime::Mutex shown_mutex_;  // locked after mutex_, and held for moments
  std::shared_ptr<const Version> version_ CHROMA_GUARDED_BY(shown_mutex_);
  std::shared_ptr<const Snapshot> shown_ CHROMA_GUARDED_BY(shown_mutex_);
};

}  // namespace chroma::segment
