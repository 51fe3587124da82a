#include "format/manifest.h"

#include <utility>

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {
namespace {

constexpr BytesView kManifestMagic{
    "\x89"
    "CHRMMAN",
    8};
constexpr uint32_t kManifestVersion = 4;
// Magic, version, u32 zero, u64 body length, before the body; u64 checksum after it.
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8;
constexpr size_t kChecksumBytes = 8;

Status Damaged(const std::string& name, std::string_view what) {
  return Status::DataLoss("manifest " + name + " is damaged: " + std::string(what) +
                          "; restore it from a backup");
}

Result<ManifestSegment> DecodeSegment(ByteReader& in, uint32_t version, const std::string& name) {
  ManifestSegment segment;
  segment.blob = std::string(in.String());
  segment.rows = static_cast<uint32_t>(in.VarintAtMost(UINT32_MAX));
  segment.size_bytes = in.Varint();
  if (version >= 2) segment.checksum = in.Fixed<uint64_t>();
  const BytesView deleted = in.String();
  if (!in.ok()) return Damaged(name, "a segment cannot be decoded");
  if (!deleted.empty()) {
    Result<Bitmap> rows = Bitmap::Deserialize(deleted);
    if (!rows.ok()) return Damaged(name, rows.status().message());
    segment.deleted = *std::move(rows);
  }
  if (segment.deleted.Count() != segment.deleted.CountRange(0, segment.rows)) {
    return Damaged(name, "it deletes rows that segment " + segment.blob + " does not have");
  }
  // An index takes at least ten bytes.
  const uint64_t indexes = version >= 3 ? in.VarintAtMost(in.remaining() / 10) : 0;
  for (uint64_t i = 0; i < indexes && in.ok(); ++i) {
    ManifestIndex index;
    index.blob = std::string(in.String());
    index.size_bytes = in.Varint();
    index.checksum = in.Fixed<uint64_t>();
    segment.indexes.push_back(std::move(index));
  }
  if (!in.ok()) return Damaged(name, "an index cannot be decoded");
  return segment;
}

void DecodeRequests(ByteReader& in, Manifest* manifest) {
  constexpr uint64_t kBytesMin = 17;  // of one
  const uint64_t count = in.VarintAtMost(in.remaining() / kBytesMin);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    ManifestRequest request;
    request.id = in.Fixed<uint64_t>();
    request.records = static_cast<uint32_t>(in.VarintAtMost(UINT32_MAX));
    request.covered_ns = in.Fixed<int64_t>();
    manifest->requests.push_back(request);
  }
  manifest->requests_since_ns = in.Fixed<int64_t>();
}

}  // namespace

std::vector<std::string> BlobsOf(const Manifest& manifest) {
  std::vector<std::string> blobs;
  for (const ManifestSegment& segment : manifest.segments) {
    blobs.push_back(segment.blob);
    for (const ManifestIndex& index : segment.indexes) blobs.push_back(index.blob);
  }
  return blobs;
}

Bytes EncodeManifest(const Manifest& manifest) {
  Bytes body;
  PutFixed(body, manifest.collection.bytes);
  PutVarint(body, manifest.version);
  PutVarint(body, manifest.log_offset);
  PutVarint(body, manifest.dimension);
  PutVarint(body, manifest.operations);
  PutVarint(body, manifest.segments.size());
  for (const ManifestSegment& segment : manifest.segments) {
    PutString(body, segment.blob);
    PutVarint(body, segment.rows);
    PutVarint(body, segment.size_bytes);
    PutFixed(body, segment.checksum);
    PutString(body, segment.deleted.Empty() ? Bytes() : segment.deleted.Serialize());
    PutVarint(body, segment.indexes.size());
    for (const ManifestIndex& index : segment.indexes) {
      PutString(body, index.blob);
      PutVarint(body, index.size_bytes);
      PutFixed(body, index.checksum);
    }
  }
  PutVarint(body, manifest.requests.size());
  for (const ManifestRequest& request : manifest.requests) {
    PutFixed(body, request.id);
    PutVarint(body, request.records);
    PutFixed(body, request.covered_ns);
  }
  PutFixed(body, manifest.requests_since_ns);
  PutString(body, manifest.carried);
  Bytes out(kManifestMagic);
  PutFixed(out, kManifestVersion);
  PutFixed(out, uint32_t{0});
  PutFixed(out, static_cast<uint64_t>(body.size()));
  out += body;
  PutFixed(out, Checksum(out));
  return out;
}

Result<Manifest> DecodeManifest(BytesView bytes, const std::string& name) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) return Damaged(name, "it is too short");
  if (bytes.substr(0, kManifestMagic.size()) != kManifestMagic) {
    return Damaged(name, "it does not begin as a manifest does");
  }
  const BytesView checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (Checksum(checked) != LoadFixed<uint64_t>(checked.data() + checked.size())) {
    return Damaged(name, "its checksum does not match");
  }
  ByteReader in(checked.substr(kManifestMagic.size()));
  const auto version = in.Fixed<uint32_t>();
  if (version > kManifestVersion) {
    return Status::FailedPrecondition("manifest " + name + " has format version " +
                                      std::to_string(version) + ", this program reads up to " +
                                      std::to_string(kManifestVersion) + "; upgrade the program");
  }
  in.Fixed<uint32_t>();
  if (in.Fixed<uint64_t>() != in.remaining()) return Damaged(name, "its length does not match");
  Manifest manifest;
  manifest.collection.bytes = in.Fixed<std::array<uint8_t, 16>>();
  manifest.version = in.Varint();
  manifest.log_offset = in.Varint();
  manifest.dimension = static_cast<uint32_t>(in.VarintAtMost(UINT32_MAX));
  manifest.operations = in.Varint();
  // A segment takes at least four bytes.
  const uint64_t segments = in.VarintAtMost(in.remaining() / 4);
  if (!in.ok()) return Damaged(name, "it cannot be decoded");
  for (uint64_t i = 0; i < segments; ++i) {
    CHROMA_ASSIGN(ManifestSegment segment, DecodeSegment(in, version, name));
    manifest.segments.push_back(std::move(segment));
  }
  if (version >= 4) {
    DecodeRequests(in, &manifest);
    manifest.carried = Bytes(in.String());
  }
  if (!in.ok() || !in.AtEnd()) return Damaged(name, "it has excess bytes");
  return manifest;
}

}  // namespace chroma::format
