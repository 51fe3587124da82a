#include "segment/kept_signs.h"

#include "segment/index_policy.h"
#include "segment/snapshot.h"

namespace chroma::segment {
namespace {

constexpr uint32_t kRowsMadeMax = 1 << 19;

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
  return UnindexedRows(part) >= index::SignCodes::kRowsMin;
}

void MakeSigns(const SnapshotPart& part, model::Space space) {
  if (!NeedsSigns(part)) return;
  const RowsOfPart reader(*part.part);
  index::VectorSource source;
  source.reader = &reader;
  source.n = part.part->rows();
  source.dimension = part.part->dimension();
  static_cast<void>(part.part->signs().Get(space, source.dimension)->Extend(source, kRowsMadeMax));
}

}  // namespace chroma::segment
