#include "importer/old_collection.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/limits.h"

namespace chroma::importer {
namespace {

// embeddings_queue.operation
constexpr int64_t kAdd = 0;
constexpr int64_t kUpdate = 1;
constexpr int64_t kUpsert = 2;
constexpr int64_t kDelete = 3;

}  // namespace

Result<std::unique_ptr<CollectionReader>> CollectionReader::Open(const OldDirectory& old,
                                                                 const OldShape& shape,
                                                                 DamageList* damage) {
  std::unique_ptr<CollectionReader> reader(new CollectionReader(old, shape));
  CHROMA_TRY(reader->Build(damage));
  return reader;
}

Status CollectionReader::Build(DamageList* damage) {
  const auto queued = old_.tables.queue.find(shape_.collection->id);
  if (queued != old_.tables.queue.end()) queue_ = &queued->second;
  AddRows();
  ApplyQueueToMetadata();
  CHROMA_TRY(OpenVectors(damage));
  AttachElements(damage);
  ApplyQueueToVectors();
  CHROMA_TRY(CheckQueueIsWhole(damage));
  if (old_.salvage) RescueVectorsFromQueue();
  TakeStrays();
  by_id_.clear();
  records_.reserve(slots_.size());
  for (const Slot& slot : slots_) {
    if (slot.alive) records_.push_back(&slot);
  }
  return Status();
}

template <typename Take>
void CollectionReader::ForQueue(uint64_t after, uint64_t upto, Take take) const {
  if (queue_ == nullptr) return;
  const OldLayouts& l = old_.layouts;
  const auto begin = std::upper_bound(
      queue_->begin(), queue_->end(), after,
      [](uint64_t seq, const RowOf& row) { return static_cast<int64_t>(seq) < row.key; });
  Row row;
  for (auto it = begin; it != queue_->end() && static_cast<uint64_t>(it->key) <= upto; ++it) {
    if (!ReadRow(*old_.file, it->place, &row)) continue;
    const SqliteValue& operation = row[l.queue_operation];
    if (!operation.IsInt() || !row[l.queue_user_id].IsText()) continue;
    take(Write{static_cast<uint64_t>(it->key), operation.integer, row.Text(l.queue_user_id),
               row[l.queue_vector].kind == SqliteValue::Kind::kBlob, it->place});
  }
}

// Rows after these are not in the tables yet.
uint64_t CollectionReader::AppliedToMetadata() const {
  const auto it = old_.tables.max_seq_id.find(shape_.metadata_id);
  return it == old_.tables.max_seq_id.end() ? 0 : std::min<uint64_t>(it->second, INT64_MAX);
}

// Rows after these are not in the HNSW files yet: all, where there are none.
uint64_t CollectionReader::AppliedToVectors() const {
  if (vectors_ == nullptr || !vectors_->exists()) return 0;
  const auto it = old_.tables.max_seq_id.find(shape_.vector_id);
  const uint64_t applied =
      it == old_.tables.max_seq_id.end() ? vectors_->max_seq_id().value_or(0) : it->second;
  return std::min<uint64_t>(applied, INT64_MAX);
}

CollectionReader::Slot* CollectionReader::Find(std::string_view id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

CollectionReader::Slot* CollectionReader::Insert(std::string_view id) {
  slots_.emplace_back();
  Slot* slot = &slots_.back();
  slot->id = id;
  by_id_.emplace(slot->id, slot);
  return slot;
}

void CollectionReader::AddRows() {
  const auto it = old_.tables.embeddings.find(shape_.metadata_id);
  if (it == old_.tables.embeddings.end()) return;
  by_id_.reserve(it->second.size());
  Row row;
  for (const RowOf& at : it->second) {
    std::string_view id;
    uint64_t seq_id = 0;
    if (const auto lost = old_.tables.ids_of_lost_rows.find(at.key);
        lost != old_.tables.ids_of_lost_rows.end()) {
      id = lost->second;
    } else if (ReadRow(*old_.file, at.place, &row)) {
      id = row.Text(old_.layouts.embedding_user_id);
      seq_id = SeqIdOf(row[old_.layouts.embedding_seq_id]).value_or(0);
    }
    // An id twice is damage; the first is the one that an index would find.
    if (id.empty() || Find(id) != nullptr) continue;
    Slot* slot = Insert(id);
    slot->rowid = at.key;
    slot->seq_id = seq_id;
  }
}

void CollectionReader::ApplyQueueToMetadata() {
  ForQueue(AppliedToMetadata(), INT64_MAX, [&](const Write& write) {
    Slot* slot = Find(write.id);
    switch (write.operation) {
      case kAdd:
        if (slot == nullptr) Insert(write.id)->writes.push_back(write.place);
        break;
      case kUpdate:
        if (slot != nullptr) slot->writes.push_back(write.place);
        break;
      case kUpsert:
        if (slot == nullptr) slot = Insert(write.id);
        slot->writes.push_back(write.place);
        break;
      case kDelete:
        if (slot == nullptr) break;
        slot->alive = false;
        by_id_.erase(write.id);
        break;
      default:
        break;  // what functions leave for themselves
    }
  });
}

Status CollectionReader::OpenVectors(DamageList* damage) {
  HnswOptions options;
  options.salvage = old_.salvage;
  options.cosine = shape_.schema.space() == model::Space::kCosine;
  options.max_neighbors = *shape_.schema.hnsw().max_neighbors;
  const std::optional<int64_t>& stated = shape_.collection->dimension;
  if (stated && *stated > 0 && *stated <= model::kDimensionMax) {
    dimension_ = static_cast<uint32_t>(*stated);
  }
  options.dimension = dimension_;
  options.saved = old_.tables.max_seq_id.contains(shape_.vector_id);
  if (!shape_.vector_id.empty()) {
    const std::string directory = runtime::JoinPath(old_.path, shape_.vector_id);
    auto opened = HnswFiles::Open(old_.env, directory, options, damage);
    CHROMA_TRY(opened.status());
    vectors_ = *std::move(opened);
    if (vectors_->exists() && vectors_->dimension() != 0) {
      if (dimension_ != 0 && dimension_ != vectors_->dimension()) {
        const std::string text = directory + ": vectors have " +
                                 std::to_string(vectors_->dimension()) + " dimensions, not " +
                                 std::to_string(dimension_);
        if (!old_.salvage) return Status::DataLoss(text);
        damage->Add(text);
        vectors_.reset();
      } else {
        dimension_ = vectors_->dimension();
      }
    }
  }
  // Never written to the files yet: the first vector of the queue says it.
  if (dimension_ == 0) {
    Row row;
    ForQueue(0, INT64_MAX, [&](const Write& write) {
      if (dimension_ != 0 || !write.has_vector || !ReadRow(*old_.file, write.place, &row)) return;
      const size_t floats = row[old_.layouts.queue_vector].bytes.size() / sizeof(float);
      if (floats <= model::kDimensionMax) dimension_ = static_cast<uint32_t>(floats);
    });
  }
  return Status();
}

void CollectionReader::AttachElements(DamageList* damage) {
  if (vectors_ == nullptr || !vectors_->exists()) return;
  if (!vectors_->has_ids()) {
    if (old_.salvage) AttachByOrder(damage);
    return;
  }
  std::vector<BytesView> missing;
  for (const HnswFiles::Element& element : vectors_->Elements(&missing)) {
    VectorSource source{VectorSource::Kind::kElement, element.element, {}};
    if (Slot* slot = Find(element.id)) {
      slot->vector = source;
    } else {
      strays_.emplace(element.id, source);
    }
  }
}

// Without the ids, where nothing was ever deleted: since 1.0 labels are given in the order of
// insertion, which the tables tell too. Vectors that are in the queue as well have to agree.
void CollectionReader::AttachByOrder(DamageList* damage) {
  const OldCollection& collection = *shape_.collection;
  const bool since_1_0 =
      shape_.has_key_list || collection.configuration.find("\"vector_index\"") != std::string::npos;
  if (!since_1_0) return;
  const std::vector<uint32_t> elements = vectors_->InOrderOfInsertion();
  std::vector<Slot*> slots;
  for (Slot& slot : slots_) {
    if (!slot.alive) return;
    if (slot.rowid != 0) slots.push_back(&slot);
  }
  bool deletes = false;
  ForQueue(AppliedToVectors(), INT64_MAX,
           [&](const Write& write) { deletes = deletes || write.operation == kDelete; });
  if (elements.empty() || elements.size() > slots.size() || deletes) return;
  if (!MatchesQueue(elements, slots)) return;
  for (size_t i = 0; i < elements.size(); ++i) {
    slots[i]->vector = {VectorSource::Kind::kElement, elements[i], {}};
  }
  damage->Add(shape_.collection->name +
              ": which vector belongs to which id was lost; as nothing "
              "was ever deleted, it was taken from the order of insertion");
}

bool CollectionReader::MatchesQueue(const std::vector<uint32_t>& elements,
                                    const std::vector<Slot*>& slots) const {
  constexpr double kTolerance = 1e-3;
  std::unordered_map<std::string_view, size_t> index;
  for (size_t i = 0; i < elements.size(); ++i) index.emplace(slots[i]->id, i);
  bool matches = true;
  // The last write of an id that the files have.
  std::unordered_map<size_t, RowPlace> last;
  ForQueue(0, AppliedToVectors(), [&](const Write& write) {
    const auto it = index.find(write.id);
    if (it == index.end() || !write.has_vector) return;
    if (write.operation == kAdd) {
      last.emplace(it->second, write.place);
    } else {
      last[it->second] = write.place;
    }
  });
  std::vector<float> stored(dimension_);
  std::vector<float> given;
  for (const auto& [i, place] : last) {
    if (!vectors_->ReadVector(elements[i], stored) || !ReadQueuedVector(place, &given)) continue;
    double difference = 0;
    double length = 0;
    for (size_t d = 0; d < stored.size(); ++d) {
      difference += std::pow(static_cast<double>(stored[d]) - static_cast<double>(given[d]), 2);
      length += std::pow(static_cast<double>(given[d]), 2);
    }
    matches = matches && difference <= kTolerance * length;
  }
  return matches;
}

void CollectionReader::ApplyQueueToVectors() {
  ForQueue(AppliedToVectors(), INT64_MAX, [&](const Write& write) {
    Slot* slot = Find(write.id);
    const auto stray = slot == nullptr ? strays_.find(std::string(write.id)) : strays_.end();
    VectorSource* vector = slot != nullptr          ? &slot->vector
                           : stray != strays_.end() ? &stray->second
                                                    : nullptr;
    const bool present = vector != nullptr && vector->kind != VectorSource::Kind::kNone;
    if (write.operation == kDelete) {
      if (slot != nullptr) slot->vector = VectorSource();
      if (stray != strays_.end()) strays_.erase(stray);
      return;
    }
    const bool applies = (write.operation == kAdd && !present) ||
                         (write.operation == kUpdate && present) || write.operation == kUpsert;
    if (!applies || !write.has_vector) return;
    const VectorSource source{VectorSource::Kind::kQueue, 0, write.place};
    if (vector != nullptr) {
      *vector = source;
    } else {
      strays_.emplace(write.id, source);
    }
  });
}

// Rows of the tables tell of their last write. Where the files do not have it yet, the queue has
// to.
Status CollectionReader::CheckQueueIsWhole(DamageList* damage) {
  const uint64_t applied = AppliedToVectors();
  uint64_t lost = 0;
  for (Slot& slot : slots_) {
    slot.write_lost = slot.alive && slot.seq_id > applied;
    lost += slot.write_lost ? 1 : 0;
  }
  if (lost == 0) return Status();
  ForQueue(applied, INT64_MAX, [&](const Write& write) {
    Slot* slot = Find(write.id);
    if (slot == nullptr || slot->seq_id != write.seq_id || !slot->write_lost) return;
    slot->write_lost = false;
    --lost;
  });
  if (lost == 0) return Status();
  const std::string text = "chroma.sqlite3: embeddings_queue lacks the last writes of " +
                           std::to_string(lost) + " records of " + shape_.collection->name;
  if (!old_.salvage) return Status::DataLoss(text);
  damage->Add(text);
  return Status();
}

// What the files should have and do not: the queue keeps writes for a while after they were
// applied.
void CollectionReader::RescueVectorsFromQueue() {
  std::unordered_map<std::string, RowPlace> last;
  ForQueue(0, AppliedToVectors(), [&](const Write& write) {
    if (write.operation == kDelete) last.erase(std::string(write.id));
    if (!write.has_vector) return;
    if (write.operation == kAdd) {
      last.emplace(write.id, write.place);
    } else {
      last[std::string(write.id)] = write.place;
    }
  });
  std::vector<float> probe(dimension_);
  for (const auto& [id, place] : last) {
    Slot* slot = Find(id);
    if (slot == nullptr) continue;
    const bool lost = slot->vector.kind == VectorSource::Kind::kNone ||
                      (slot->vector.kind == VectorSource::Kind::kElement &&
                       (!vectors_->ReadVector(slot->vector.element, probe) ||
                        !vectors_->HasLength(slot->vector.element)));
    if (lost) slot->vector = {VectorSource::Kind::kQueue, 0, place};
  }
}

// Vectors of ids that no row names: of records whose rows are lost, where rows are missing.
void CollectionReader::TakeStrays() {
  if (strays_.empty()) return;
  if (!old_.salvage || !old_.tables.records_damaged) {
    warnings_.push_back(std::to_string(strays_.size()) +
                        " vectors belong to records that do not exist, and were left out");
    return;
  }
  std::vector<const std::pair<const std::string, VectorSource>*> in_order;
  for (const auto& stray : strays_) in_order.push_back(&stray);
  std::sort(in_order.begin(), in_order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.element, a->first) < std::pair(b->second.element, b->first);
  });
  for (const auto* stray : in_order) {
    Slot* slot = Insert(stray->first);
    slot->vector = stray->second;
    slot->vector_only = true;
  }
}

}  // namespace chroma::importer
