#include "segment/kept_signs.h"

#include <algorithm>
#include <utility>

#include "segment/index_policy.h"
#include "segment/snapshot.h"

namespace chroma::segment {
namespace {

constexpr uint32_t kRowsAtOnce = 4096;

class RowsOfPart final : public index::RowReader {
 public:
  explicit RowsOfPart(const Part& part) : part_(part) {}
  Result<const float*> Row(uint32_t row) const override {
    CHROMA_ASSIGN(const VectorRun run, part_.Vectors(row));
    return run.values;
  }

 private:
  const Part& part_;
};

Status MakeSigns(runtime::Context& ctx, const SnapshotPart& part, model::Space space,
                 uint64_t* bytes_left) {
  const RowsOfPart reader(*part.part);
  index::VectorSource source;
  source.reader = &reader;
  source.n = part.part->rows();
  source.dimension = part.part->dimension();
  const auto signs = part.part->signs().Get(space, source.dimension);
  const uint64_t bytes = uint64_t{kRowsAtOnce} * source.dimension * sizeof(float);
  for (uint32_t coded = signs->coded();
       *bytes_left >= bytes && coded + index::kDegree <= source.n;) {
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(signs->Extend(source, kRowsAtOnce));
    *bytes_left -= bytes;
    const uint32_t before = std::exchange(coded, signs->coded());
    if (coded == before) break;  // another thread is at it
  }
  return Status::Ok();
}

}  // namespace

std::shared_ptr<index::SignCodes> KeptSigns::Get(model::Space space, uint32_t dimension) const {
  runtime::MutexLock lock(mutex_);
  if (signs_ == nullptr) signs_ = std::make_shared<index::SignCodes>(space, dimension);
  return signs_;
}

void KeptSigns::Forget() const {
  runtime::MutexLock lock(mutex_);
  signs_ = nullptr;
}

bool NeedsSigns(const SnapshotPart& part) {
  return index::SignCodes::Pay(UnindexedRows(part), part.part->rows());
}

uint64_t RowsWithoutSigns(const SnapshotPart& part, model::Space space) {
  const uint32_t rows = part.part->rows();
  const uint32_t coded = part.part->signs().Get(space, part.part->dimension())->coded();
  return rows - std::min(coded, rows);
}

Status MakeSigns(runtime::Context& ctx, std::span<const SnapshotPart> parts, model::Space space,
                 uint64_t bytes_max) {
  uint64_t bytes_left = bytes_max;
  for (const SnapshotPart& part : parts) {
    if (NeedsSigns(part)) CHROMA_TRY(MakeSigns(ctx, part, space, &bytes_left));
  }
  return Status::Ok();
}

}  // namespace chroma::segment
