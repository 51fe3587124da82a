// The manifest: one immutable blob that says what a version of a collection is made of.
// Layout: docs/formats.md "Manifest". Decoding checks magic, version, length and checksum.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/uuid.h"
#include "chroma/status.h"

namespace chroma::format {

// A vector index over rows of a segment.
struct ManifestIndex {
  std::string blob;
  uint64_t size_bytes = 0;
  uint64_t checksum = 0;  // of its footer
};

struct ManifestSegment {
  std::string blob;
  uint32_t rows = 0;
  uint64_t size_bytes = 0;
  Bitmap deleted;         // tombstones: rows of it that are dead in this version
  uint64_t checksum = 0;  // which segment it is: that of its footer; 0: not known
  // Made for this segment, or for one that it was merged from: then the segment says what has
  // become of its rows.
  std::vector<ManifestIndex> indexes = {};
};

// A tagged write (model::RequestTag) that the manifest covers.
struct ManifestRequest {
  uint64_t id = 0;
  uint32_t records = 0;
  int64_t covered_ns = 0;  // Clock::MonotonicNs when it was folded in
};

struct Manifest {
  Uuid collection;
  uint64_t version = 0;
  uint64_t log_offset = 0;                // the log below it is covered
  uint32_t dimension = 0;                 // 0: no vectors yet
  uint64_t operations = 0;                // log records that were ever folded into it
  std::vector<ManifestSegment> segments;  // oldest first
  // Tagged writes that were folded in, but for some of those that were at `requests_since_ns`, or
  // before.
  std::vector<ManifestRequest> requests = {};
  int64_t requests_since_ns = 0;
  // Updates that the log does not hold any more and no segment yet (segment/carried_updates.h).
  Bytes carried = {};
};

// Every blob that the manifest names.
std::vector<std::string> BlobsOf(const Manifest& manifest);

Bytes EncodeManifest(const Manifest& manifest);
// `name` is for messages. kDataLoss naming it when the bytes are damaged; kFailedPrecondition
// when a newer program wrote them.
Result<Manifest> DecodeManifest(BytesView bytes, const std::string& name);

}  // namespace chroma::format
