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

struct ManifestSegment {
  std::string blob;
  uint32_t rows = 0;
  uint64_t size_bytes = 0;
  Bitmap deleted;  // tombstones: rows of it that are dead in this version
  uint64_t checksum = 0;  // which segment it is: that of its footer; 0: not known
};

struct Manifest {
  Uuid collection;
  uint64_t version = 0;
  uint64_t log_offset = 0;                // the log below it is covered
  uint32_t dimension = 0;                 // 0: no vectors yet
  uint64_t operations = 0;                // log records that were ever folded into it
  std::vector<ManifestSegment> segments;  // oldest first
};

Bytes EncodeManifest(const Manifest& manifest);
// `name` is for messages. kDataLoss naming it when the bytes are damaged; kFailedPrecondition
// when a newer program wrote them.
Result<Manifest> DecodeManifest(BytesView bytes, const std::string& name);

}  // namespace chroma::format
