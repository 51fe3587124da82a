#include "format/number_column.h"

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>

namespace chroma::format {
namespace {

bool FitsFloat(double value) {
  if (std::isfinite(value) && std::fabs(value) > FLT_MAX) return false;
  const auto narrow = static_cast<float>(value);
  return std::bit_cast<uint64_t>(static_cast<double>(narrow)) == std::bit_cast<uint64_t>(value);
}

}  // namespace

void EncodeBools(Bytes& out, std::span<const uint8_t> values) {
  Bytes words((values.size() + 63) / 64 * 8, '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0) words[i / 8] |= static_cast<char>(1u << (i % 8));
  }
  out += words;
}

void EncodeFloats(Bytes& out, std::span<const double> values) {
  const bool narrow = std::all_of(values.begin(), values.end(), FitsFloat);
  PutFixed(out, static_cast<uint8_t>(narrow ? 4 : 8));
  PutPadding(out, 8);
  for (const double value : values) {
    if (narrow) {
      PutFixed(out, static_cast<float>(value));
    } else {
      PutFixed(out, value);
    }
  }
  PutPadding(out, 8);
}

BoolReader BoolReader::Read(ByteReader& in, uint64_t count) {
  BoolReader column;
  if (count / 8 > in.remaining()) in.Fail();
  column.words_ = in.Raw((count + 63) / 64 * 8).data();
  return column;
}

FloatReader FloatReader::Read(ByteReader& in, uint64_t count) {
  FloatReader column;
  const auto width = in.Fixed<uint8_t>();
  in.Align(8);
  if ((width != 4 && width != 8) || count > in.remaining() / width) {
    in.Fail();
    return column;
  }
  column.narrow_ = width == 4;
  column.numbers_ = in.Raw(count * width).data();
  in.Align(8);
  return column;
}

}  // namespace chroma::format
