#include "store/patched_blob.h"

#include <algorithm>
#include <utility>

namespace chroma::store {
namespace {

class PatchedBlob final : public Blob {
 public:
  PatchedBlob(std::shared_ptr<const Blob> blob, std::vector<Patch> patches)
      : blob_(std::move(blob)), patches_(std::move(patches)), size_bytes_(blob_->size_bytes()) {
    for (const Patch& patch : patches_) {
      size_bytes_ = std::max(size_bytes_, patch.offset + patch.bytes.size());
    }
  }

  const std::string& name() const override { return blob_->name(); }
  uint64_t size_bytes() const override { return size_bytes_; }

  Result<BlobSlice> Read(runtime::Context& ctx, uint64_t offset,
                         uint64_t size_bytes) const override {
    if (offset > size_bytes_ || size_bytes > size_bytes_ - offset) {
      return Status::DataLoss("blob " + name() + " has " + std::to_string(size_bytes_) +
                              " bytes; " + std::to_string(size_bytes) + " at " +
                              std::to_string(offset) + " were asked for");
    }
    const uint64_t end = offset + size_bytes;
    const bool untouched = std::none_of(patches_.begin(), patches_.end(), [&](const Patch& patch) {
      return patch.offset < end && offset < patch.offset + patch.bytes.size();
    });
    if (untouched && end <= blob_->size_bytes()) return blob_->Read(ctx, offset, size_bytes);
    Bytes bytes(size_bytes, '\0');
    if (offset < blob_->size_bytes()) {
      const uint64_t inside = std::min(end, blob_->size_bytes()) - offset;
      CHROMA_ASSIGN(const BlobSlice slice, blob_->Read(ctx, offset, inside));
      bytes.replace(0, slice.bytes.size(), slice.bytes);
    }
    for (const Patch& patch : patches_) {
      const uint64_t from = std::max(offset, patch.offset);
      const uint64_t to = std::min(end, patch.offset + patch.bytes.size());
      if (from >= to) continue;
      bytes.replace(from - offset, to - from,
                    BytesView(patch.bytes).substr(from - patch.offset, to - from));
    }
    return OwnBytes(std::move(bytes));
  }
  Status CheckReadable(uint64_t offset, uint64_t size_bytes) const override {
    return blob_->CheckReadable(offset, size_bytes);
  }
  void WillNeed(uint64_t offset, uint64_t size_bytes) const override {
    blob_->WillNeed(offset, size_bytes);
  }
  void DontNeed(uint64_t offset, uint64_t size_bytes) const override {
    blob_->DontNeed(offset, size_bytes);
  }

 private:
  const std::shared_ptr<const Blob> blob_;
  const std::vector<Patch> patches_;
  uint64_t size_bytes_;
};

}  // namespace

std::shared_ptr<const Blob> PatchBlob(std::shared_ptr<const Blob> blob,
                                      std::vector<Patch> patches) {
  if (patches.empty()) return blob;
  return std::make_shared<PatchedBlob>(std::move(blob), std::move(patches));
}

}  // namespace chroma::store
