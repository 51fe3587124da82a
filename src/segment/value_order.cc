#include "segment/value_order.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/checksum.h"

namespace chroma::segment {
namespace {

// Fewer are compared as quickly.
constexpr uint64_t kValuesMin = 64;

}  // namespace

bool HasValueOrder(const format::MetadataColumnReader& column) {
  return model::ElementType(column.type()) == model::ValueType::kString &&
         !column.strings().has_dictionary() && column.strings().strings().count() >= kValuesMin &&
         column.strings().strings().count() < UINT32_MAX;
}

Bytes EncodeValueOrder(const format::StringReader& values) {
  std::vector<std::pair<uint64_t, uint64_t>> keyed;
  keyed.reserve(values.count());
  for (uint64_t i = 0; i < values.count(); ++i) keyed.emplace_back(Hash64(values[i]), i);
  std::sort(keyed.begin(), keyed.end());
  std::vector<uint64_t> numbers(keyed.size());
  for (size_t i = 0; i < keyed.size(); ++i) numbers[i] = keyed[i].second;
  Bytes payload;
  format::EncodePacked(payload, numbers, 1);
  return payload;
}

std::string ValueIndexKey(std::string_view key, model::ValueType type) {
  return std::string(1, static_cast<char>(type)) + std::string(key);
}

ValueOrder ValueOrder::Read(ByteReader& in, uint64_t count) {
  ValueOrder order;
  order.numbers_ = format::PackedReader::Read(in, count, 1);
  if (in.ok() && !order.numbers_.AllBelow(count)) in.Fail();
  return order;
}

void ValueOrder::Find(const format::StringReader& values, std::string_view wanted,
                      std::vector<uint32_t>* numbers) const {
  const uint64_t hash = Hash64(wanted);
  uint64_t low = 0;
  uint64_t high = numbers_.count();
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (Hash64(values[numbers_[middle]]) < hash) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const size_t begin = numbers->size();
  for (; low < numbers_.count(); ++low) {
    const std::string_view value = values[numbers_[low]];
    if (value == wanted) {
      numbers->push_back(static_cast<uint32_t>(numbers_[low]));
    } else if (Hash64(value) != hash) {
      break;
    }
  }
  std::sort(numbers->begin() + static_cast<ptrdiff_t>(begin), numbers->end());
}

}  // namespace chroma::segment
