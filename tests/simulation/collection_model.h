// What one collection holds, in the abstract: every value that the workload writes comes from a
// number (a stamp) that is used once, so that a record is a handful of numbers and a whole
// collection is compared in a few nanoseconds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/filter.h"
#include "model/record.h"

namespace chroma::simulation {

inline constexpr uint32_t kIds = 16;  // of each collection: "r0" …
inline constexpr uint32_t kDimension = 4;
inline constexpr uint32_t kKept = 0;  // of a change: what is there stays
inline constexpr uint32_t kCleared = UINT32_MAX;

// Stamps, 0 where there is none. A record exists when it has a vector.
struct RecordState {
  uint32_t vector = 0;
  uint32_t document = 0;
  uint32_t number = 0;  // metadata "n": stamp % kNumbers
  uint32_t tag = 0;     // metadata "t": "s" + stamp % kTags, and "stamp"
  bool operator==(const RecordState&) const = default;
};

inline constexpr uint32_t kNumbers = 7;
inline constexpr uint32_t kTags = 3;
inline constexpr uint32_t kWords = 5;  // of documents
// Under this key records may have vectors that were made of a document they have or had.
inline constexpr const char* kWordsKey = "words";

std::string IdText(uint32_t id);
std::vector<float> VectorOf(uint32_t stamp);
std::string DocumentOf(uint32_t stamp);

// A tree of one level: leaves joined by and, or by or.
struct Condition {
  struct Leaf {
    enum class Kind : uint8_t { kNumber, kNumberNot, kNumberFrom, kTag, kTagNot, kWord, kNoWord };
    Kind kind = Kind::kNumber;
    uint32_t value = 0;
  };
  bool all = true;
  std::vector<Leaf> leaves;

  bool Matches(const RecordState& record) const;
  model::Filter ToFilter() const;
  std::string Describe() const;
};

// add, update, upsert, delete of some records, or delete of those that a condition selects.
struct CollectionChange {
  model::Operation operation = model::Operation::kAdd;
  std::vector<uint32_t> ids;         // distinct
  std::vector<RecordState> records;  // of ids; empty for deletes
  std::optional<Condition> where;    // deletes only, with or without ids
  bool by_ids = true;
  std::optional<uint32_t> limit;

  model::RecordBatch ToBatch() const;
  std::string Describe() const;
};

// A record as a read showed it.
struct Observed {
  uint32_t id = 0;
  RecordState record;
};

struct CollectionState {
  uint32_t size = 0;
  std::array<uint8_t, kIds> order{};  // ids of records by first insertion
  std::array<RecordState, kIds> records{};

  bool operator==(const CollectionState&) const = default;
  size_t Hash() const;
  std::string Describe() const;

  // Returns how many records a delete by condition removed.
  uint64_t Change(const CollectionChange& change);
  // Whether something is there that only this change can have written.
  bool Shows(const CollectionChange& change) const;
  // The ids that match, in order.
  std::vector<uint32_t> Select(const std::vector<uint32_t>* ids, const Condition* where) const;

 private:
  void Insert(uint32_t id, const RecordState& record);
  void Erase(uint32_t id);
};

// The record that a read's columns show; nothing and a description when no write made it.
std::optional<RecordState> DecodeRecord(const std::vector<float>& vector,
                                        const std::optional<std::string>& document,
                                        const std::optional<model::Metadata>& metadata,
                                        std::string* damage);
std::optional<uint32_t> DecodeId(const std::string& text);

}  // namespace chroma::simulation
