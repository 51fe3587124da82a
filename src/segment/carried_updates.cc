#include "segment/carried_updates.h"

#include <string>

#include "log/record_codec.h"
#include "segment/tail_rows.h"

namespace chroma::segment {

Bytes EncodeCarried(const Snapshot& snapshot) {
  if (snapshot.unreadable.empty()) return {};
  // Rows are unreadable in a tail only, which is the last part.
  const auto& tail = static_cast<const TailView&>(*snapshot.parts.back().part);
  model::RecordBatch batch;
  batch.operation = model::Operation::kUpdate;
  for (const UnreadableRow& unreadable : snapshot.unreadable) {
    const TailRow& row = tail.At(unreadable.tail_row);
    const RowDamage& damage = *row.damage;
    batch.ids.emplace_back(row.id);
    batch.has_vector.push_back(damage.given_vector != nullptr ? 1 : 0);
    if (damage.given_vector != nullptr) {
      batch.vectors.dimension = snapshot.dimension;
      batch.vectors.values.insert(batch.vectors.values.end(), damage.given_vector,
                                  damage.given_vector + snapshot.dimension);
    }
    batch.documents.emplace_back(damage.given_document);
    batch.uris.emplace_back(damage.given_uri);
    batch.metadatas.emplace_back();
    if (!damage.given_metadata.empty()) batch.metadatas.back() = damage.given_metadata;
  }
  return log::EncodeBatch(batch);
}

}  // namespace chroma::segment
