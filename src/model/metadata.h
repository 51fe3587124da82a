// Metadata: typed values under string keys, of a record or of a collection.
//
// A null value exists only in requests, where it deletes the key. An empty array is accepted in
// requests too and, as upstream does, stored as nothing. Keys are kept sorted by bytes, so that
// equal metadata has equal bytes everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chroma/status.h"

namespace chroma::model {

// Indices strictly ascending; tokens empty or as many as indices.
struct SparseVector {
  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::vector<std::string> tokens;
  bool operator==(const SparseVector&) const = default;
};

// Never reorder: the numbers are on disk.
enum class ValueType : uint8_t {
  kNull = 0,
  kBool = 1,
  kInt = 2,
  kFloat = 3,
  kString = 4,
  kSparseVector = 5,
  kBoolArray = 6,
  kIntArray = 7,
  kFloatArray = 8,
  kStringArray = 9,
};

struct BoolArray {
  std::vector<uint8_t> values;  // 0 or 1
  bool operator==(const BoolArray&) const = default;
};

// The alternatives are in the order of ValueType.
using MetadataValue =
    std::variant<std::monostate, bool, int64_t, double, std::string, SparseVector, BoolArray,
                 std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

inline ValueType TypeOf(const MetadataValue& value) {
  return static_cast<ValueType>(value.index());
}
// The type of the elements of an array type; every other type itself.
ValueType ElementType(ValueType type);
bool IsArray(ValueType type);
// In the plural, for people: "strings".
std::string_view PluralOf(ValueType type);
bool IsEmptyArray(const MetadataValue& value);

class Metadata {
 public:
  using Entry = std::pair<std::string, MetadataValue>;

  // Replaces an earlier value of the key.
  void Set(std::string_view key, MetadataValue value);
  void Erase(std::string_view key);
  const MetadataValue* Find(std::string_view key) const;
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  // Sorts and keeps the last of equal keys: for decoders that append in document order.
  static Metadata FromEntries(std::vector<Entry> entries);
  // Applies an update: null and empty arrays delete their key, everything else replaces it.
  void Merge(const Metadata& update);

  bool operator==(const Metadata&) const = default;

 private:
  std::vector<Entry> entries_;  // sorted by key, unique
};

// Keys that upstream stores documents and uris under. They are accepted as metadata of string
// type, stored in the record's document or uri, and never shown.
inline constexpr std::string_view kDocumentMetadataKey = "chroma:document";
inline constexpr std::string_view kUriMetadataKey = "chroma:uri";
// Keys with this prefix are stored and can be filtered by, but are not shown.
inline constexpr std::string_view kHiddenKeyPrefix = "chroma:";

}  // namespace chroma::model
