// The values of one metadata key in a part, by row: what orders and counts records without
// fetching any. Views and codes are taken from the columns as they are stored.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "format/metadata_column.h"
#include "index/text/text_pattern.h"
#include "model/metadata.h"
#include "runtime/context.h"
#include "segment/value_counts.h"

namespace chroma::segment {

// A value, as a view into the part where it is a string; arrays and sparse vectors are copies.
using ValueView =
    std::variant<std::monostate, bool, int64_t, double, std::string_view, model::MetadataValue>;

ValueView ViewOf(const model::MetadataValue& value);
model::MetadataValue ToValue(const ValueView& view);
// Whether it is a string that the pattern matches, or an array with one.
bool HasText(const ValueView& view, const index::TextPattern& pattern);
bool HasText(const model::MetadataValue& value, const index::TextPattern& pattern);
// The order of model::CompareValues.
std::weak_ordering CompareViews(const ValueView& a, const ValueView& b);

// Immutable; thread safe. Valid as long as the part that it came from.
class KeyValues {
 public:
  virtual ~KeyValues() = default;

  // std::monostate where the row has none.
  virtual ValueView At(uint32_t row) const = 0;
  // Whether there are codes: one number per value, and they compare as the values do.
  virtual bool has_codes() const { return false; }
  // None where the row has no value; requires has_codes().
  virtual std::optional<uint64_t> Code(uint32_t row) const {
    static_cast<void>(row);
    return std::nullopt;
  }
  // Adds the values of `rows`: of an array each of its different elements; of a sparse vector
  // nothing but that there is one.
  virtual Status Count(runtime::Context& ctx, const Bitmap& rows, ValueCounts* counts) const = 0;
};

// Of a segment: its columns of the key, at most one of each type, which outlive this.
std::unique_ptr<KeyValues> ValuesOfColumns(
    std::vector<const format::MetadataColumnReader*> columns);

// Adds one value as KeyValues::Count does.
void CountValue(const model::MetadataValue& value, ValueCounts* counts);

}  // namespace chroma::segment
