// log/record_codec.h: the payload of a log entry, read in place.
#include <numeric>
#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "log/record_codec.h"

namespace chroma::fuzz {
namespace {

size_t Touch(const log::BatchView& batch) {
  size_t sum = 0;
  const auto add = [&](std::string_view text) {
    for (const char c : text) sum += static_cast<unsigned char>(c);
  };
  for (const log::BatchView::Row& row : batch.rows) {
    add(row.id);
    if (row.document) add(*row.document);
    if (row.uri) add(*row.uri);
    if (row.vector != nullptr) {
      // As bytes: a vector may hold any bits.
      add({reinterpret_cast<const char*>(row.vector), sizeof(float) * batch.dimension});
      CHECK(reinterpret_cast<uintptr_t>(row.vector) % alignof(float) == 0);
    }
    (void)log::DecodeRowMetadata(row.metadata);
  }
  return sum;
}

}  // namespace

void Run(BytesView input) {
  const Bytes payload(input);
  const Result<log::BatchView> batch = log::DecodeBatch(payload);
  if (!batch.ok()) {
    const StatusCode code = batch.status().code();
    CHECK(code == StatusCode::kDataLoss || code == StatusCode::kFailedPrecondition);
    return;
  }
  CHECK(Touch(*batch) == Touch(*batch));
}

}  // namespace chroma::fuzz
