// The numbers of one type that satisfy a comparison with a number of any type, as one closed
// range: exact where the operand has no equal of that type.
#pragma once

#include <cstdint>

#include "model/filter.h"
#include "model/metadata.h"

namespace chroma::segment {

template <typename T>
struct NumberRange {
  T low;
  T high;
  bool empty = false;
};

// `op` is kEqual or an order; `operand` is kInt or kFloat. NaN satisfies nothing.
NumberRange<int64_t> IntRange(model::CompareOperator op, const model::MetadataValue& operand);
NumberRange<double> FloatRange(model::CompareOperator op, const model::MetadataValue& operand);

}  // namespace chroma::segment
