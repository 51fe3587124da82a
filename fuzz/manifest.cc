// format/manifest.h. The first byte of an input says whether the rest is a whole manifest or only
// its body, which then gets a right header and checksum.
#include "format/manifest.h"

#include <string>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "fuzz.h"

namespace chroma::fuzz {
namespace {

constexpr size_t kPrefixBytes = 16;  // magic, version, zero; then the length of the body

Bytes Wrap(BytesView body) {
  Bytes bytes = format::EncodeManifest({}).substr(0, kPrefixBytes);
  PutFixed(bytes, static_cast<uint64_t>(body.size()));
  bytes += body;
  PutFixed(bytes, Checksum(bytes));
  return bytes;
}

}  // namespace

void Run(BytesView input) {
  if (input.empty()) return;
  const bool whole = (input[0] & 1) == 0;
  const Bytes bytes = whole ? Bytes(input.substr(1)) : Wrap(input.substr(1));
  const Result<format::Manifest> manifest = format::DecodeManifest(bytes, "m");
  if (!manifest.ok()) {
    const StatusCode code = manifest.status().code();
    CHECK(code == StatusCode::kDataLoss || code == StatusCode::kFailedPrecondition);
    return;
  }
  const Bytes written = format::EncodeManifest(*manifest);
  const Result<format::Manifest> again = format::DecodeManifest(written, "m");
  CHECK(again.ok());
  CHECK(format::EncodeManifest(*again) == written);
}

}  // namespace chroma::fuzz
