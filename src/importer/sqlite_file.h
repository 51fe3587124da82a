// The pages of a SQLite database, read without SQLite and without ever writing: that is what lets
// an import go past damage page by page, and leave the original as it is.
//
// What a crash of the writer left beside the file is applied in memory, as SQLite would apply it
// to the file: the write-ahead log up to its last commit, or the rollback journal.
// The formats: https://www.sqlite.org/fileformat2.html.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "runtime/context.h"
#include "runtime/env.h"

namespace chroma::importer {

// Big-endian, as all of SQLite's numbers are. `at` has as many bytes.
inline uint32_t LoadBig16(const char* at) {
  const auto* b = reinterpret_cast<const uint8_t*>(at);
  return uint32_t{b[0]} << 8 | b[1];
}
inline uint32_t LoadBig32(const char* at) {
  return LoadBig16(at) << 16 | LoadBig16(at + 2);
}

// A list of what is wrong, that stays short.
class DamageList {
 public:
  void Add(std::string what);
  bool empty() const { return total_ == 0; }
  uint64_t total() const { return total_; }
  // The first ones, and how many more there are.
  std::vector<std::string> Texts() const;

 private:
  static constexpr size_t kTextsMax = 50;
  std::vector<std::string> texts_;
  uint64_t total_ = 0;
};

// Immutable once open; thread safe. The bytes of pages stay valid as long as it lives.
class SqliteFile {
 public:
  // Damage of the header and a file that is too short go to `damage`; then numbers are guessed.
  // kNotFound when there is no such file; kDataLoss when nothing of it can be used;
  // kFailedPrecondition for a database in an encoding that Chroma does not write.
  static Result<std::unique_ptr<SqliteFile>> Open(const runtime::Env& env, const std::string& path,
                                                  DamageList* damage);
  // From bytes, for tests and fuzzing: the file and its companions (empty: there is none).
  static Result<std::unique_ptr<SqliteFile>> FromBytes(BytesView file, BytesView log,
                                                       BytesView journal, DamageList* damage);

  uint32_t page_size() const { return page_size_; }
  // Without the bytes that are reserved at the end of each page.
  uint32_t usable_size() const { return usable_size_; }
  // As the database should have; those beyond the end of a file that was cut cannot be read.
  uint32_t page_count() const { return page_count_; }
  // Once `ctx`, which outlives it, is given up, no page can be read any more, so that whoever reads
  // ends soon; what then looks like damage is none.
  void EndWith(const runtime::Context* ctx) { ctx_ = ctx; }
  // All of a page, or nothing. Pages count from 1.
  BytesView Page(uint32_t number) const;
  // Pages that hold nothing any more.
  std::vector<bool> FreePages() const;

 private:
  SqliteFile() = default;
  Status ReadHeader(DamageList* damage);
  // Both leave the overlay as it is when the bytes are no log or journal that applies.
  void ApplyLog(BytesView log, DamageList* damage);
  void ApplyJournal(BytesView journal);

  std::vector<std::shared_ptr<const runtime::MappedFile>> maps_;
  BytesView file_;
  std::unordered_map<uint32_t, BytesView> overlay_;  // by page, in the log or the journal
  const runtime::Context* ctx_ = nullptr;
  uint32_t page_size_ = 0;
  uint32_t usable_size_ = 0;
  uint32_t page_count_ = 0;
};

// What changes whenever a program writes to the database at `path`.
Result<uint64_t> ReadChangeMark(const runtime::Env& env, const std::string& path);

}  // namespace chroma::importer
