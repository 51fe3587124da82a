#include "store/blob_store.h"

#include <utility>

namespace chroma::store {

BlobSlice OwnBytes(Bytes bytes) {
  auto owner = std::make_shared<const Bytes>(std::move(bytes));
  return BlobSlice{*owner, owner};
}

Status WriteBlob(runtime::Context& ctx, BlobStore& store, const std::string& name,
                 BytesView bytes) {
  CHROMA_ASSIGN(auto writer, store.Create(ctx, name));
  CHROMA_TRY(writer->Append(bytes));
  return writer->Finish(ctx);
}

Result<BlobSlice> ReadBlob(runtime::Context& ctx, BlobStore& store, const std::string& name) {
  CHROMA_ASSIGN(auto blob, store.Open(ctx, name));
  return blob->Read(ctx, 0, blob->size_bytes());
}

}  // namespace chroma::store
