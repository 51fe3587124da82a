// Moves the records of a collection to a file and back, a batch at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "chroma/collection.h"
#include "chroma/status.h"
#include "runtime/env.h"
#include "transfer/record_file.h"

namespace chroma::transfer {

// Where bytes come from and go to.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `n` bytes; none at the end.
  virtual Result<size_t> Read(char* out, size_t n) = 0;
};
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status Write(std::string_view bytes) = 0;
  // Everything was written: makes it durable, under its name.
  virtual Status Finish() = 0;
};

Result<std::unique_ptr<ByteSource>> OpenSourceFile(const runtime::Env& env,
                                                   const std::string& path);
// Written beside `path` and renamed in the end: `path` is whole, or as it was.
Result<std::unique_ptr<ByteSink>> CreateSinkFile(const runtime::Env& env, const std::string& path);

// Told how many records are done, and of how many (0: not known); false stops with kCancelled.
using TransferProgress = std::function<bool(uint64_t done, uint64_t total)>;

// All records, in order of insertion. Returns how many. kAborted when the collection was written
// to meanwhile in a way that would tear it.
Result<uint64_t> ExportRecords(const Collection& collection, FileFormat format, ByteSink& sink,
                               const TransferProgress& progress);

enum class Existing : uint8_t { kUpdate, kSkip };  // records whose id is there already

// Returns how many records the file has. kInvalidArgument naming the line for what is wrong in the
// file; the records before it, by whole batches, are in the collection then.
Result<uint64_t> ImportRecords(const Collection& collection, FileFormat format, ByteSource& source,
                               Existing existing, const TransferProgress& progress);

}  // namespace chroma::transfer
