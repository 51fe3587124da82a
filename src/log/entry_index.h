// Where every entry of the log is, by collection, with the newest payloads kept in memory.
//
// Not thread safe: FileLog guards it with its mutex.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "chroma/status.h"
#include "log/log.h"
#include "log/log_file_format.h"
#include "runtime/file_system.h"

namespace chroma::log {

// One file of the log. `end` and `chain` belong to whoever writes the file and do not change
// once it has a successor; `live_entries` belongs to the index.
struct LogFile {
  uint64_t number = 0;
  std::string path;
  std::shared_ptr<runtime::File> file;
  uint64_t salt = 0;
  uint64_t end = 0;    // of the acknowledged frames
  uint64_t chain = 0;  // of those
  uint64_t live_entries = 0;
};

class EntryIndex {
 public:
  explicit EntryIndex(size_t cached_bytes_max) : cached_bytes_max_(cached_bytes_max) {}
  EntryIndex(const EntryIndex&) = delete;
  EntryIndex& operator=(const EntryIndex&) = delete;

  // `file` outlives its entries. `payload` may be null: it is read from the file then. `hidden`:
  // End does not tell of the entry before Show does.
  void Add(LogFile& file, const FrameHeader& frame, std::shared_ptr<const Bytes> payload,
           bool hidden = false);
  // Once for each entry that was added as hidden; `end` is one past its last record.
  void Show(const Uuid& collection, uint64_t end);

  // An entry and all that is needed to read it without the index.
  struct Found {
    Entry entry;  // its payload is null when it must be read
    uint64_t position = 0;
    uint32_t payload_bytes = 0;
    uint64_t salt = 0;
    std::shared_ptr<const runtime::File> file;
    std::string path;
  };
  // kOutOfRange when entries from `from` on were trimmed.
  Result<std::vector<Found>> Find(const Uuid& collection, uint64_t from, size_t bytes_max) const;
  uint64_t End(const Uuid& collection) const;
  uint64_t PayloadBytes(const Uuid& collection) const;
  Log::AllBacklogs SumBacklogs() const { return {payload_bytes_, collections_.size()}; }
  // Both drop entries; true when a file lost its last one by it.
  bool Trim(const Uuid& collection, uint64_t offset);
  // Also what is known of it, but not at once: who still reads it notices that it was trimmed.
  bool Forget(const Uuid& collection);
  // By first_offset, ascending: those that keep the oldest files alive come first.
  std::vector<Log::Backlog> Backlogs() const;

 private:
  struct Place {
    uint64_t first_offset = 0;
    int64_t append_unix_ns = 0;
    uint64_t position = 0;
    uint32_t payload_bytes = 0;
    uint32_t count = 0;
    LogFile* file = nullptr;
    std::shared_ptr<const Bytes> payload;  // cached, and then in the list below
    Place* newer = nullptr;
    Place* older = nullptr;
  };
  struct Collection {
    std::deque<Place> places;  // by offset; elements never move
    uint64_t records = 0;
    uint64_t payload_bytes = 0;
  };
  // Of a collection with entries that are hidden.
  struct Hidden {
    uint64_t shown_end = 0;
    uint64_t entries = 0;  // that were not shown yet
  };

  void Cache(Place& place, std::shared_ptr<const Bytes> payload);
  void Uncache(Place& place);
  bool PopFront(Collection& collection);
  uint64_t LastEnd(const Uuid& collection) const;

  const size_t cached_bytes_max_;
  size_t cached_bytes_ = 0;
  Place* newest_cached_ = nullptr;
  Place* oldest_cached_ = nullptr;
  std::unordered_map<Uuid, Collection, UuidHash> collections_;
  std::unordered_map<Uuid, Hidden, UuidHash> hidden_;
  uint64_t payload_bytes_ = 0;  // of all
  // The end of the last entry that was trimmed since the log was opened.
  std::unordered_map<Uuid, uint64_t, UuidHash> trimmed_to_;
  std::deque<Uuid> forgotten_;  // the newest last; those that trimmed_to_ still knows
};

}  // namespace chroma::log
