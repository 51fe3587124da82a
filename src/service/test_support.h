// For tests that ask the engine of a LocalService.
#pragma once

#include <string>
#include <utility>

#include "service/wiring.h"

namespace chroma::service {

inline Result<engine::CollectionRef> GetOrCreate(LocalService& service, const std::string& name) {
  engine::CreateCollectionRequest request;
  request.name = name;
  request.get_or_create = true;
  runtime::Context ctx;
  return service.engine().CreateCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase,
                                           request);
}

// Records "id<first>" and on, with 64 numbers each.
inline Status AddRows(LocalService& service, const engine::CollectionRef& collection, int first,
                      int n) {
  constexpr uint32_t kDimension = 64;
  engine::WriteRequest request;
  model::RecordBatch& batch = request.batch;
  batch.vectors.dimension = kDimension;
  for (int i = first; i < first + n; ++i) {
    batch.ids.push_back("id" + std::to_string(i));
    batch.has_vector.push_back(1);
    for (uint32_t d = 0; d < kDimension; ++d) {
      batch.vectors.values.push_back(static_cast<float>(i) + static_cast<float>(d));
    }
  }
  request.shape = model::ShapeOf(batch);
  runtime::Context ctx;
  return service.engine().Write(ctx, collection, std::move(request));
}

}  // namespace chroma::service
