#include "log/record_codec.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "model/metadata_codec.h"

namespace chroma::log {
namespace {

// The second has the request's id; what has none is written as the first.
constexpr uint8_t kVersion = 2;
constexpr size_t kHeaderBytes = 32;
constexpr size_t kVectorAlignment = 16;
static_assert(kHeaderBytes % kVectorAlignment == 0, "the vectors follow the header");

enum Flags : uint16_t {
  kSomeVectors = 1u << 0,  // a bit per row says which have one; else all have, or none
  kDocuments = 1u << 1,
  kUris = 1u << 2,
  kMetadatas = 1u << 3,
  kAllFlags = (1u << 4) - 1,
};

struct Header {
  uint8_t version = 1;
  uint8_t operation = 0;
  uint16_t flags = 0;
  uint32_t rows = 0;
  uint32_t dimension = 0;
  uint32_t vectors = 0;
  uint64_t size_bytes = 0;  // of the whole payload
  uint64_t request = 0;
};
static_assert(sizeof(Header) == kHeaderBytes && std::is_trivially_copyable_v<Header>);

// A length plus one, then the bytes; 0 for none.
void PutOptional(Bytes& out, const std::optional<std::string>& value) {
  PutVarint(out, value ? value->size() + 1 : 0);
  if (value) out += *value;
}

std::optional<BytesView> ReadOptional(ByteReader& reader) {
  const uint64_t length = reader.Varint();
  if (length == 0) return std::nullopt;
  if (length - 1 > reader.remaining()) reader.Fail();
  return reader.Raw(static_cast<size_t>(length - 1));
}

// Bit i, low bits first, of n.
bool BitOf(BytesView bits, size_t i) {
  return (static_cast<uint8_t>(bits[i / 8]) >> (i % 8) & 1) != 0;
}

bool SomeVectors(const model::RecordBatch& batch) {
  return std::find(batch.has_vector.begin(), batch.has_vector.end(), 0) != batch.has_vector.end();
}

void PutVectorBits(Bytes& out, const std::vector<uint8_t>& has_vector) {
  const size_t start = out.size();
  out.resize(start + (has_vector.size() + 7) / 8, '\0');
  for (size_t i = 0; i < has_vector.size(); ++i) {
    if (has_vector[i] == 0) continue;
    char& byte = out[start + i / 8];
    byte = static_cast<char>(static_cast<uint8_t>(byte) | 1u << (i % 8));
  }
}

size_t EstimateBytes(const model::RecordBatch& batch) {
  size_t bytes = kHeaderBytes + batch.vectors.values.size() * sizeof(float) + batch.size();
  for (const std::string& id : batch.ids) bytes += id.size() + 2;
  for (const auto& document : batch.documents) bytes += document ? document->size() + 4 : 1;
  for (const auto& uri : batch.uris) bytes += uri ? uri->size() + 2 : 1;
  return bytes;
}

Status Damaged() {
  return Status::DataLoss("a batch of records in the log is damaged");
}

// The rows from where the reader stands, without their vectors.
bool ReadRows(ByteReader& reader, const Header& header, std::vector<BatchView::Row>& rows) {
  rows.reserve(header.rows);
  for (uint32_t i = 0; i < header.rows && reader.ok(); ++i) {
    BatchView::Row& row = rows.emplace_back();
    row.id = reader.String();
    if ((header.flags & kDocuments) != 0) row.document = ReadOptional(reader);
    if ((header.flags & kUris) != 0) row.uri = ReadOptional(reader);
    if ((header.flags & kMetadatas) != 0) {
      const std::optional<BytesView> metadata = ReadOptional(reader);
      if (metadata && metadata->empty()) reader.Fail();
      if (metadata) row.metadata = *metadata;
    }
  }
  return reader.ok() && reader.AtEnd();
}

}  // namespace

Bytes EncodeBatch(const model::RecordBatch& batch, uint64_t request) {
  const size_t n = batch.size();
  const bool some_vectors = SomeVectors(batch);
  CHECK(batch.has_vector.empty() || batch.has_vector.size() == n);
  CHECK(batch.documents.empty() || batch.documents.size() == n);
  CHECK(batch.uris.empty() || batch.uris.size() == n);
  CHECK(batch.metadatas.empty() || batch.metadatas.size() == n);
  Header header;
  header.operation = static_cast<uint8_t>(batch.operation);
  header.rows = static_cast<uint32_t>(n);
  header.dimension = batch.vectors.dimension;
  header.vectors = static_cast<uint32_t>(batch.vectors.rows());
  header.version = request == 0 ? 1 : kVersion;
  header.request = request;
  if (some_vectors && header.vectors > 0) header.flags |= kSomeVectors;
  if (!batch.documents.empty()) header.flags |= kDocuments;
  if (!batch.uris.empty()) header.flags |= kUris;
  if (!batch.metadatas.empty()) header.flags |= kMetadatas;

  Bytes out;
  out.reserve(EstimateBytes(batch));
  PutFixed(out, header);
  out.append(reinterpret_cast<const char*>(batch.vectors.values.data()),
             size_t{header.vectors} * header.dimension * sizeof(float));
  if ((header.flags & kSomeVectors) != 0) PutVectorBits(out, batch.has_vector);
  Bytes metadata;
  for (size_t i = 0; i < n; ++i) {
    PutString(out, batch.ids[i]);
    if (!batch.documents.empty()) PutOptional(out, batch.documents[i]);
    if (!batch.uris.empty()) PutOptional(out, batch.uris[i]);
    if (batch.metadatas.empty()) continue;
    metadata.clear();
    if (batch.metadatas[i]) model::PutMetadata(metadata, *batch.metadatas[i]);
    PutVarint(out, batch.metadatas[i] ? metadata.size() + 1 : 0);
    out += metadata;
  }
  header.size_bytes = out.size();
  std::memcpy(out.data(), &header, sizeof(header));
  return out;
}

Result<BatchView> DecodeBatch(BytesView payload) {
  ByteReader reader(payload);
  const auto header = reader.Fixed<Header>();
  if (!reader.ok()) return Damaged();
  if (header.version > kVersion) {
    return Status::FailedPrecondition(
        "a batch of records in the log was written by a newer version of this program");
  }
  const bool known = header.version == (header.request == 0 ? 1 : kVersion) &&
                     (header.flags & ~kAllFlags) == 0 && header.size_bytes == payload.size() &&
                     header.operation <= static_cast<uint8_t>(model::Operation::kDelete);
  const bool some_vectors = (header.flags & kSomeVectors) != 0;
  const bool counts = some_vectors ? header.vectors > 0 && header.vectors < header.rows
                                   : header.vectors == 0 || header.vectors == header.rows;
  const uint64_t floats = uint64_t{header.vectors} * header.dimension;
  if (!known || !counts || (header.vectors > 0 && header.dimension == 0) ||
      floats > reader.remaining() / sizeof(float)) {
    return Damaged();
  }
  const BytesView block = reader.Raw(static_cast<size_t>(floats) * sizeof(float));
  BytesView bits;
  if (some_vectors) bits = reader.Raw((size_t{header.rows} + 7) / 8);
  // Every row takes a byte at least, so this bounds what the rows may allocate.
  if (!reader.ok() || header.rows > reader.remaining()) return Damaged();

  BatchView view;
  view.operation = static_cast<model::Operation>(header.operation);
  view.dimension = header.dimension;
  view.request = header.request;
  if (!ReadRows(reader, header, view.rows)) return Damaged();
  const auto* vectors = reinterpret_cast<const float*>(block.data());
  uint32_t used = 0;
  for (uint32_t i = 0; i < header.rows; ++i) {
    if (header.vectors == 0 || (some_vectors && !BitOf(bits, i))) continue;
    if (used == header.vectors) return Damaged();
    view.rows[i].vector = vectors + size_t{used++} * header.dimension;
  }
  if (used != header.vectors) return Damaged();
  return view;
}

Result<model::Metadata> DecodeRowMetadata(BytesView metadata) {
  model::Metadata decoded;
  ByteReader reader(metadata);
  if (!model::ReadMetadata(reader, &decoded) || !reader.AtEnd()) {
    return Status::DataLoss("the metadata of a record in the log is damaged");
  }
  return decoded;
}

}  // namespace chroma::log
