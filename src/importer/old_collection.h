// The records of one old collection, joined from the places where Chroma keeps the parts of them:
// the tables of metadata, the HNSW files, and the queue of writes that have not reached these yet.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chroma/import.h"
#include "chroma/status.h"
#include "importer/hnsw_files.h"
#include "importer/old_tables.h"
#include "importer/sqlite_file.h"
#include "model/record.h"
#include "model/schema.h"
#include "runtime/env.h"

namespace chroma::importer {

// A whole old directory, open.
struct OldDirectory {
  runtime::Env env;
  std::string path;
  bool salvage = false;
  std::unique_ptr<SqliteFile> file;
  OldTables tables;
  OldLayouts layouts;
};

// What is known of a collection before its records are read.
struct OldShape {
  const OldCollection* collection = nullptr;
  const OldSegment* metadata_segment = nullptr;  // null: lost, or there never was one
  const OldSegment* vector_segment = nullptr;
  std::string metadata_id;  // of the segments; of lost ones where they could be found again
  std::string vector_id;
  model::Schema schema;       // resolved
  bool has_key_list = false;  // the schema names every key that was ever written
};

// Not thread safe.
class CollectionReader {
 public:
  // `old` and `shape` outlive it. kDataLoss without `salvage` when files are damaged.
  static Result<std::unique_ptr<CollectionReader>> Open(const OldDirectory& old,
                                                        const OldShape& shape, DamageList* damage);

  // Records that are live.
  uint64_t size() const { return records_.size(); }
  // The id of record `i`, as it is: damage may have left something that is no UTF-8.
  std::string_view id(uint64_t i) const { return records_[i]->id; }
  uint32_t dimension() const { return dimension_; }
  // What there is to say about the collection as a whole.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Record `i`, with whatever of it can be read; `losses` gets what cannot (collection, tenant and
  // database are left open). False when it has no embedding, hence cannot be saved: the rest of it
  // is in `record`.
  bool Read(uint64_t i, model::Record* record, std::vector<ImportLoss>* losses);

 private:
  // Where a record's vector is.
  struct VectorSource {
    enum class Kind : uint8_t { kNone, kElement, kQueue };
    Kind kind = Kind::kNone;
    uint32_t element = 0;
    RowPlace row;
  };
  struct Slot {
    std::string id;
    int64_t rowid = 0;    // of its row in `embeddings`; 0: none
    uint64_t seq_id = 0;  // of its last write, by that row
    bool alive = true;
    bool vector_only = false;  // everything but its vector was lost
    bool write_lost = false;   // its last one, which may have changed its vector
    VectorSource vector;
    std::vector<RowPlace> writes;  // of the queue, that its rows do not show yet
  };
  // A row of the queue.
  struct Write {
    uint64_t seq_id = 0;
    int64_t operation = 0;
    std::string_view id;
    bool has_vector = false;
    RowPlace place;
  };

  CollectionReader(const OldDirectory& old, const OldShape& shape) : old_(old), shape_(shape) {}
  Status Build(DamageList* damage);
  void AddRows();
  void ApplyQueueToMetadata();
  Status OpenVectors(DamageList* damage);
  void AttachElements(DamageList* damage);
  void AttachByOrder(DamageList* damage);
  bool MatchesQueue(const std::vector<uint32_t>& elements, const std::vector<Slot*>& slots) const;
  void ApplyQueueToVectors();
  Status CheckQueueIsWhole(DamageList* damage);
  void RescueVectorsFromQueue();
  void TakeStrays();

  // Calls `take` for the rows of the queue whose seq_id is in (after, upto].
  template <typename Take>
  void ForQueue(uint64_t after, uint64_t upto, Take take) const;
  uint64_t AppliedToMetadata() const;
  uint64_t AppliedToVectors() const;
  Slot* Find(std::string_view id) const;
  Slot* Insert(std::string_view id);

  void ReadScalars(const Slot& slot, model::Metadata* metadata, std::vector<ImportLoss>* losses);
  std::vector<std::string> LostKeys(const Slot& slot, const model::Metadata& found) const;
  void ReadArrays(const Slot& slot, model::Metadata* metadata, std::vector<ImportLoss>* losses);
  void ApplyWrites(const Slot& slot, model::Metadata* metadata, std::vector<ImportLoss>* losses);
  std::optional<std::string> RescuedDocument(const Slot& slot) const;
  bool ReadVector(const Slot& slot, std::vector<float>* vector) const;
  bool ReadQueuedVector(RowPlace place, std::vector<float>* vector) const;

  const OldDirectory& old_;
  const OldShape& shape_;
  const std::vector<RowOf>* queue_ = nullptr;  // null: no rows
  std::unique_ptr<HnswFiles> vectors_;
  uint32_t dimension_ = 0;
  std::deque<Slot> slots_;
  std::unordered_map<std::string_view, Slot*> by_id_;     // that are alive
  std::unordered_map<std::string, VectorSource> strays_;  // vectors of ids without a record
  std::vector<const Slot*> records_;
  std::vector<std::string> warnings_;
};

}  // namespace chroma::importer
