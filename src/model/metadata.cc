#include "model/metadata.h"

#include <algorithm>

namespace chroma::model {

namespace {

bool KeyLess(const Metadata::Entry& entry, std::string_view key) {
  return entry.first < key;
}

}  // namespace

ValueType ElementType(ValueType type) {
  switch (type) {
    case ValueType::kBoolArray:
      return ValueType::kBool;
    case ValueType::kIntArray:
      return ValueType::kInt;
    case ValueType::kFloatArray:
      return ValueType::kFloat;
    case ValueType::kStringArray:
      return ValueType::kString;
    default:
      return type;
  }
}

std::string_view PluralOf(ValueType type) {
  constexpr std::string_view kNames[] = {
      "nulls",          "booleans",       "integers",       "floats",       "strings",
      "sparse vectors", "boolean arrays", "integer arrays", "float arrays", "string arrays"};
  return kNames[static_cast<size_t>(type)];
}

bool IsArray(ValueType type) {
  return type >= ValueType::kBoolArray;
}

bool IsEmptyArray(const MetadataValue& value) {
  switch (TypeOf(value)) {
    case ValueType::kBoolArray:
      return std::get<BoolArray>(value).values.empty();
    case ValueType::kIntArray:
      return std::get<std::vector<int64_t>>(value).empty();
    case ValueType::kFloatArray:
      return std::get<std::vector<double>>(value).empty();
    case ValueType::kStringArray:
      return std::get<std::vector<std::string>>(value).empty();
    default:
      return false;
  }
}

void Metadata::Set(std::string_view key, MetadataValue value) {
  auto at = std::lower_bound(entries_.begin(), entries_.end(), key, KeyLess);
  if (at != entries_.end() && at->first == key) {
    at->second = std::move(value);
  } else {
    entries_.emplace(at, std::string(key), std::move(value));
  }
}

void Metadata::Erase(std::string_view key) {
  auto at = std::lower_bound(entries_.begin(), entries_.end(), key, KeyLess);
  if (at != entries_.end() && at->first == key) entries_.erase(at);
}

const MetadataValue* Metadata::Find(std::string_view key) const {
  auto at = std::lower_bound(entries_.begin(), entries_.end(), key, KeyLess);
  return at != entries_.end() && at->first == key ? &at->second : nullptr;
}

Metadata Metadata::FromEntries(std::vector<Entry> entries) {
  Metadata result;
  const auto disordered = [](const Entry& a, const Entry& b) { return a.first >= b.first; };
  if (std::adjacent_find(entries.begin(), entries.end(), disordered) == entries.end()) {
    result.entries_ = std::move(entries);
    return result;
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.first < b.first; });
  result.entries_.reserve(entries.size());
  for (Entry& entry : entries) {
    if (!result.entries_.empty() && result.entries_.back().first == entry.first) {
      result.entries_.back().second = std::move(entry.second);
    } else {
      result.entries_.push_back(std::move(entry));
    }
  }
  return result;
}

void Metadata::Merge(const Metadata& update) {
  std::vector<Entry> merged;
  merged.reserve(entries_.size() + update.entries_.size());
  auto old = entries_.begin();
  for (const Entry& entry : update.entries_) {
    while (old != entries_.end() && old->first < entry.first) merged.push_back(std::move(*old++));
    if (old != entries_.end() && old->first == entry.first) ++old;
    const bool deletes =
        std::holds_alternative<std::monostate>(entry.second) || IsEmptyArray(entry.second);
    if (!deletes) merged.push_back(entry);
  }
  std::move(old, entries_.end(), std::back_inserter(merged));
  entries_ = std::move(merged);
}

}  // namespace chroma::model
