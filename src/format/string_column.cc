#include "format/string_column.h"

#include <algorithm>
#include <unordered_map>

#include "base/checksum.h"

namespace chroma::format {
namespace {

enum class StringEncoding : uint8_t { kPlain = 0, kDictionary = 1 };

struct StringHash {
  size_t operator()(std::string_view value) const { return Hash64(value); }
};

}  // namespace

void StringWriter::Encode(Bytes& out, uint32_t width_min) const {
  EncodePacked(out, ends_, width_min);
  PutFixed(out, static_cast<uint64_t>(bytes_.size()));
  out += bytes_;
  PutPadding(out, 8);
}

void StringWriter::EncodeValues(Bytes& out, uint32_t width_min) const {
  if (EncodeDictionary(out, width_min)) return;
  PutFixed(out, static_cast<uint8_t>(StringEncoding::kPlain));
  PutPadding(out, 8);
  Encode(out, width_min);
}

// False, and nothing written, when plain strings are not larger.
bool StringWriter::EncodeDictionary(Bytes& out, uint32_t width_min) const {
  const uint64_t n = count();
  std::unordered_map<std::string_view, uint64_t, StringHash> distinct;
  for (uint64_t i = 0; i < n; ++i) {
    distinct.try_emplace((*this)[i], 0);
    if (distinct.size() > n / 2) return false;
  }
  if (distinct.empty()) return false;
  std::vector<std::string_view> sorted;
  sorted.reserve(distinct.size());
  for (const auto& [value, code] : distinct) sorted.push_back(value);
  std::sort(sorted.begin(), sorted.end());
  StringWriter entries;
  for (size_t code = 0; code < sorted.size(); ++code) {
    entries.Add(sorted[code]);
    distinct[sorted[code]] = code;
  }
  std::vector<uint64_t> codes(n);
  for (uint64_t i = 0; i < n; ++i) codes[i] = distinct[(*this)[i]];
  PutFixed(out, static_cast<uint8_t>(StringEncoding::kDictionary));
  PutPadding(out, 8);
  PutFixed(out, entries.count());
  entries.Encode(out);
  EncodePacked(out, codes, width_min);
  return true;
}

StringReader StringReader::Read(ByteReader& in, uint64_t count, uint32_t width_min) {
  StringReader strings;
  strings.offsets_ = PackedReader::Read(in, count + 1, width_min);
  const auto length = in.Fixed<uint64_t>();
  if (!in.ok() || length > in.remaining() || !strings.offsets_.AreOffsets(0, length)) {
    in.Fail();
    return StringReader();
  }
  strings.bytes_ = in.Raw(length);
  in.Align(8);
  return strings;
}

StringValuesReader StringValuesReader::Read(ByteReader& in, uint64_t count, uint32_t width_min) {
  StringValuesReader values;
  const auto encoding = in.Fixed<uint8_t>();
  in.Align(8);
  if (encoding == static_cast<uint8_t>(StringEncoding::kPlain)) {
    values.strings_ = StringReader::Read(in, count, width_min);
    return values;
  }
  if (encoding != static_cast<uint8_t>(StringEncoding::kDictionary)) in.Fail();
  const auto entries = in.Fixed<uint64_t>();
  // Codes may take no bytes each, so the bytes bound the entries only.
  if (entries == 0 || entries > in.remaining()) in.Fail();
  if (!in.ok()) return values;
  values.dictionary_ = true;
  values.strings_ = StringReader::Read(in, entries);
  values.codes_ = PackedReader::Read(in, count, width_min);
  if (!in.ok() || !values.codes_.AllBelow(entries)) {
    in.Fail();
    return values;
  }
  for (uint64_t i = 1; i < entries; ++i) {
    if (values.strings_[i - 1] >= values.strings_[i]) in.Fail();
  }
  return values;
}

std::optional<uint64_t> StringValuesReader::FindCode(std::string_view value) const {
  uint64_t low = 0;
  uint64_t high = strings_.count();
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (strings_[middle] < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low < strings_.count() && strings_[low] == value) return low;
  return std::nullopt;
}

}  // namespace chroma::format
