// The write-ahead log: what makes a write durable.
//
// An entry is one write request: an encoded model::RecordBatch (log/record_codec.h) of `count`
// records. Every record has an offset; offsets of one collection grow strictly, but are dense
// only inside an entry. An entry is atomic: after a crash all of it is there or none of it.
// Implementations: FileLog (one directory, group commit); object storage later.
// Thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "chroma/status.h"
#include "runtime/context.h"

namespace chroma::log {

struct Entry {
  uint64_t first_offset = 0;  // of the first record; the others follow
  uint32_t count = 0;
  std::shared_ptr<const Bytes> payload;
  uint64_t end_offset() const { return first_offset + count; }
};

class Log {
 public:
  virtual ~Log() = default;

  // What a writer does for those who will read its entry, when that is durable and before End tells
  // of it; `end` is one past its last record. End tells of it also when this throws, which comes
  // out of Append; better that it does not.
  using Prepare = std::function<void(uint64_t end)>;

  // Returns the first record's offset once the entry is durable and `prepare` (may be empty),
  // called by this task, has returned. On any failure the entry will never be read, except that
  // after a crash during the call it may be there, whole. kResourceExhausted when the disk is full;
  // the log takes writes again when there is room.
  virtual Result<uint64_t> Append(runtime::Context& ctx, const Uuid& collection, Bytes payload,
                                  uint32_t count, const Prepare& prepare) = 0;
  Result<uint64_t> Append(runtime::Context& ctx, const Uuid& collection, Bytes payload,
                          uint32_t count) {
    return Append(ctx, collection, std::move(payload), count, Prepare());
  }

  // Durable entries of the collection with first_offset >= `from`, ascending, at least one when
  // there is any, and no more once their payloads exceed `bytes_max`. kOutOfRange when some of them
  // were trimmed or forgotten: the caller's version of the collection is outdated.
  virtual Result<std::vector<Entry>> Read(runtime::Context& ctx, const Uuid& collection,
                                          uint64_t from, size_t bytes_max) = 0;

  // One past the last record of the collection that Append has returned for, or a later one, also
  // when that was trimmed since the log was opened, so that a reader who missed it notices; 0 when
  // the log knows none. Read may give more.
  virtual Result<uint64_t> End(runtime::Context& ctx, const Uuid& collection) = 0;

  // Entries of the collection below `offset` are not needed any more: a published version
  // covers them. Space comes back when nobody needs it. Idempotent.
  virtual Status Trim(runtime::Context& ctx, const Uuid& collection, uint64_t offset) = 0;

  // The collection is deleted: all of its entries may go.
  virtual Status Forget(runtime::Context& ctx, const Uuid& collection) = 0;

  // Collections that have entries, with how much of them the log holds; and whether they keep
  // old log files alive, so that the compactor can take those first.
  struct Backlog {
    Uuid collection;
    uint64_t records = 0;
    uint64_t payload_bytes = 0;
    uint64_t first_offset = 0;
    int64_t oldest_unix_ns = 0;  // when its oldest entry was appended
  };
  virtual std::vector<Backlog> Backlogs() = 0;
  // Payload bytes of one collection that were not trimmed yet; cheap.
  virtual uint64_t BacklogBytes(const Uuid& collection) = 0;
  // The same of all collections, and how many these are; cheap.
  struct AllBacklogs {
    uint64_t payload_bytes = 0;
    uint64_t collections = 0;
  };
  virtual AllBacklogs SumBacklogs() = 0;
};

}  // namespace chroma::log
