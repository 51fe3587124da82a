// segment/vector_index_blob.h: any bytes as a vector index, and searches of it. The first byte of
// an input says whether the rest is a whole blob, or sections (fuzz_sections.h) that get a right
// frame, footer and checksums around them.
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "fuzz.h"
#include "fuzz_sections.h"
#include "segment/vector_index_blob.h"
#include "testing/memory_blobs.h"

namespace chroma::fuzz {
namespace {

constexpr uint32_t kRowsMax = 4096;
constexpr uint32_t kDimensionMax = 4096;

// Real rows for whatever the index finds.
class AnyRow final : public index::RowReader {
 public:
  explicit AnyRow(uint32_t dimension) : row_(dimension, 0.25F) {}
  Result<const float*> Row(uint32_t) const override { return row_.data(); }

 private:
  const std::vector<float> row_;
};

void Search(const segment::VectorIndexReader& reader) {
  const AnyRow rows(reader.space().dimension);
  index::VectorSource source;
  source.n = reader.rows();
  source.dimension = reader.space().dimension;
  source.reader = &rows;
  const std::vector<float> query(source.dimension, 0.5F);
  const Bitmap some = Bitmap::Range(1, 5);
  for (const size_t effort : {1, 50}) {
    for (const Bitmap* allowed : {static_cast<const Bitmap*>(nullptr), &some}) {
      index::SearchRequest request;
      request.query = query.data();
      request.space = reader.space().space;
      request.k = 3;
      request.tuning.effort = effort;
      request.allowed = allowed;
      std::vector<index::Candidate> found;
      const Status status = reader.index().Search(source, request, &found);
      CHECK(status.ok() || status.code() == StatusCode::kDataLoss);
      CHECK(found.size() <= request.k);
      for (const index::Candidate& candidate : found) CHECK(candidate.row < reader.rows());
    }
  }
}

}  // namespace

void Run(BytesView input) {
  const std::optional<Bytes> bytes = ContainerOf(input);
  if (!bytes) return;
  runtime::Context ctx;
  auto memory = std::make_shared<index::NodeMemory>(input.size() % 2 == 0 ? UINT64_MAX : 0);
  auto reader = segment::VectorIndexReader::Open(
      ctx, std::make_shared<testing::MemoryBlob>("i", *bytes), memory);
  if (!reader.ok()) {
    const StatusCode code = reader.status().code();
    CHECK(code == StatusCode::kDataLoss || code == StatusCode::kFailedPrecondition ||
          code == StatusCode::kUnimplemented);
    return;
  }
  if ((*reader)->rows() > kRowsMax || (*reader)->space().dimension > kDimensionMax) return;
  Search(**reader);
  (void)(*reader)->VerifyAll(ctx);
  (*reader)->ReleasePages();
}

}  // namespace chroma::fuzz
