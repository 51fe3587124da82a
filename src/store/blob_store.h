// Where immutable bytes live: segments and manifests, under names that are never reused for
// other bytes. A directory, memory, or object storage; decorators add caching, retries, limits.
//
// A blob is invisible until its writer's Finish() returned OK; from then on it is durable, and
// it is whole or absent after any crash. All classes are thread safe except BlobWriter, which
// belongs to one task. Names are made of [a-z0-9._/-].
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "runtime/context.h"

namespace chroma::store {

// Some bytes of a blob and whatever keeps them alive (a mapping, a cache entry).
struct BlobSlice {
  BytesView bytes;
  std::shared_ptr<const void> owner;
};

// A slice that keeps its own bytes.
BlobSlice OwnBytes(Bytes bytes);

// One open blob. Stays readable after the blob was deleted, where the store can do that.
class Blob {
 public:
  virtual ~Blob() = default;
  virtual const std::string& name() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // Exactly `size_bytes` bytes at `offset`: without a copy where the blob is mapped.
  // kDataLoss when the range lies outside the blob.
  virtual Result<BlobSlice> Read(runtime::Context& ctx, uint64_t offset,
                                 uint64_t size_bytes) const = 0;
  // Copies a range that lies within the blob: where the blob is mapped, without making the range a
  // part of this process's memory. For little here and there of a large blob.
  virtual Status Copy(uint64_t offset, uint64_t size_bytes, char* out) const {
    runtime::Context ctx;
    CHROMA_TRY(CheckReadable(offset, size_bytes));
    CHROMA_ASSIGN(const BlobSlice slice, Read(ctx, offset, size_bytes));
    std::memcpy(out, slice.bytes.data(), slice.bytes.size());
    return Status::Ok();
  }
  // kDataLoss when the disk cannot read a range. To be asked before bytes of a slice are looked at
  // for the first time: looking at mapped ones that cannot be read ends the process.
  virtual Status CheckReadable(uint64_t offset, uint64_t size_bytes) const {
    static_cast<void>(offset);
    static_cast<void>(size_bytes);
    return Status::Ok();
  }
  // Hints for a range that will be read soon, or not again soon. Never fails.
  virtual void WillNeed(uint64_t offset, uint64_t size_bytes) const = 0;
  virtual void DontNeed(uint64_t offset, uint64_t size_bytes) const = 0;
};

// Writes one blob from front to back. Destroying it without Finish() leaves no trace.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Status Append(BytesView bytes) = 0;
  virtual uint64_t size_bytes() const = 0;  // appended so far
  virtual Status Finish(runtime::Context& ctx) = 0;
};

struct BlobInfo {
  std::string name;
  uint64_t size_bytes = 0;
  int64_t modified_unix_ns = 0;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // kNotFound when there is none of that name.
  virtual Result<std::shared_ptr<const Blob>> Open(runtime::Context& ctx,
                                                   const std::string& name) = 0;
  // kAlreadyExists, here or from Finish(), when the name is taken.
  virtual Result<std::unique_ptr<BlobWriter>> Create(runtime::Context& ctx,
                                                     const std::string& name) = 0;
  // OK when it is gone already.
  virtual Status Delete(runtime::Context& ctx, const std::string& name) = 0;
  // Sorted by name. Unfinished blobs are not listed.
  virtual Result<std::vector<BlobInfo>> List(runtime::Context& ctx, const std::string& prefix) = 0;
  // Removes what writers that died left behind. Only while no writer is open in any process.
  virtual Status RemoveUnfinished(runtime::Context& ctx) = 0;
};

// Writes a whole small blob.
Status WriteBlob(runtime::Context& ctx, BlobStore& store, const std::string& name, BytesView bytes);
// Reads a whole small blob.
Result<BlobSlice> ReadBlob(runtime::Context& ctx, BlobStore& store, const std::string& name);

}  // namespace chroma::store
