#include "store/blob_store.h"

namespace chroma::store {

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
