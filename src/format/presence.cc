#include "format/presence.h"

#include <bit>

namespace chroma::format {
namespace {

constexpr uint32_t kRankRows = 512;
constexpr uint32_t kListRowsPerValue = 32;

uint64_t WordCount(uint32_t rows) {
  return (uint64_t{rows} + 63) / 64;
}
uint64_t RankCount(uint32_t rows) {
  return (uint64_t{rows} + kRankRows - 1) / kRankRows;
}

}  // namespace

void EncodePresence(Bytes& out, std::span<const uint32_t> present, uint32_t rows) {
  using Kind = PresenceReader::Kind;
  Kind kind = Kind::kBitmap;
  if (present.size() == rows) {
    kind = Kind::kAll;
  } else if (present.size() < rows / kListRowsPerValue) {
    kind = Kind::kList;
  }
  PutFixed(out, static_cast<uint8_t>(kind));
  PutPadding(out, 8);
  PutFixed(out, static_cast<uint64_t>(present.size()));
  if (kind == Kind::kList) {
    out.append(reinterpret_cast<const char*>(present.data()), present.size_bytes());
  } else if (kind == Kind::kBitmap) {
    std::vector<uint64_t> words(WordCount(rows), 0);
    for (const uint32_t row : present) words[row / 64] |= uint64_t{1} << (row % 64);
    std::vector<uint32_t> ranks(RankCount(rows), 0);
    uint32_t rank = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      if (i % (kRankRows / 64) == 0) ranks[i / (kRankRows / 64)] = rank;
      rank += static_cast<uint32_t>(std::popcount(words[i]));
    }
    out.append(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t));
    out.append(reinterpret_cast<const char*>(ranks.data()), ranks.size() * sizeof(uint32_t));
  }
  PutPadding(out, 8);
}

PresenceReader PresenceReader::Read(ByteReader& in, uint32_t rows) {
  PresenceReader presence;
  const auto kind = in.Fixed<uint8_t>();
  in.Align(8);
  const auto count = in.Fixed<uint64_t>();
  if (!in.ok() || kind > static_cast<uint8_t>(Kind::kList) || count > rows) {
    in.Fail();
    return presence;
  }
  presence.kind_ = static_cast<Kind>(kind);
  presence.count_ = static_cast<uint32_t>(count);
  bool valid = true;
  switch (presence.kind_) {
    case Kind::kAll:
      valid = count == rows;
      break;
    case Kind::kBitmap:
      presence.body_ = in.Raw(WordCount(rows) * sizeof(uint64_t)).data();
      presence.ranks_ = in.Raw(RankCount(rows) * sizeof(uint32_t)).data();
      valid = in.ok() && presence.CheckBitmap(rows);
      break;
    case Kind::kList:
      presence.body_ = in.Raw(count * sizeof(uint32_t)).data();
      valid = in.ok() && presence.CheckList(rows);
      break;
  }
  in.Align(8);
  if (!valid) in.Fail();
  return presence;
}

bool PresenceReader::CheckBitmap(uint32_t rows) const {
  uint64_t rank = 0;
  bool valid = true;
  const uint64_t words = WordCount(rows);
  for (uint64_t i = 0; i < words; ++i) {
    if (i % (kRankRows / 64) == 0) {
      valid &= LoadFixed<uint32_t>(ranks_ + i / (kRankRows / 64) * 4) == rank;
    }
    rank += static_cast<uint64_t>(std::popcount(Word(i)));
  }
  const bool no_excess = rows % 64 == 0 || Word(words - 1) >> (rows % 64) == 0;
  return valid && no_excess && rank == count_;
}

bool PresenceReader::CheckList(uint32_t rows) const {
  uint64_t next = 0;
  bool valid = true;
  for (uint32_t i = 0; i < count_; ++i) {
    const uint64_t row = ListRow(i);
    valid &= row >= next;
    next = row + 1;
  }
  return valid && next <= rows;
}

uint32_t PresenceReader::Ordinal(uint32_t row) const {
  if (kind_ == Kind::kAll) return row;
  if (kind_ == Kind::kBitmap) {
    const uint64_t word = Word(row / 64);
    if ((word >> (row % 64) & 1) == 0) return kAbsent;
    auto rank = LoadFixed<uint32_t>(ranks_ + uint64_t{row / kRankRows} * 4);
    for (uint64_t i = row / kRankRows * (kRankRows / 64); i < row / 64; ++i) {
      rank += static_cast<uint32_t>(std::popcount(Word(i)));
    }
    const uint64_t below = word & ((uint64_t{1} << (row % 64)) - 1);
    return rank + static_cast<uint32_t>(std::popcount(below));
  }
  uint32_t low = 0;
  uint32_t high = count_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (ListRow(middle) < row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count_ && ListRow(low) == row ? low : kAbsent;
}

namespace {

// Deposit() for each byte of places and of bits.
struct DepositTable {
  DepositTable() {
    for (uint32_t places = 0; places < 256; ++places) {
      for (uint32_t bits = 0; bits < 256; ++bits) {
        uint32_t left = places;
        uint32_t out = 0;
        for (uint32_t rest = bits; rest != 0; rest >>= 1, left &= left - 1) {
          if ((rest & 1) != 0) out |= left & (0 - left);
        }
        of[places][bits] = static_cast<uint8_t>(out);
      }
    }
  }
  uint8_t of[256][256];
};

// The lowest bits of `bits` at the places of the set bits of `places`: what the instruction pdep
// does, which not every processor has.
uint64_t Deposit(const DepositTable& table, uint64_t bits, uint64_t places) {
  uint64_t out = 0;
  for (int shift = 0; shift < 64 && bits != 0; shift += 8) {
    const auto byte = static_cast<uint8_t>(places >> shift);
    out |= uint64_t{table.of[byte][static_cast<uint8_t>(bits)]} << shift;
    bits >>= std::popcount(byte);
  }
  return out;
}

}  // namespace

Bitmap PresenceReader::ToRows(std::span<const uint64_t> ordinals) const {
  if (kind_ == Kind::kAll) return Bitmap::FromWords(ordinals);
  if (kind_ == Kind::kList) {
    std::vector<uint32_t> rows;
    for (size_t i = 0; i < ordinals.size(); ++i) {
      for (uint64_t word = ordinals[i]; word != 0; word &= word - 1) {
        rows.push_back(ListRow(i * 64 + static_cast<uint64_t>(std::countr_zero(word))));
      }
    }
    return Bitmap::FromSorted(rows.data(), rows.size());
  }
  static const DepositTable table;
  std::vector<uint64_t> rows;
  for (uint64_t at = 0; at < ordinals.size() * 64 && at < count_;) {
    const uint64_t places = Word(rows.size());
    const auto count = static_cast<uint32_t>(std::popcount(places));
    uint64_t bits = ordinals[at / 64] >> at % 64;
    if (at % 64 != 0 && at / 64 + 1 < ordinals.size())
      bits |= ordinals[at / 64 + 1] << (64 - at % 64);
    if (count < 64) bits &= (uint64_t{1} << count) - 1;
    const bool all = count == 64 ? bits == UINT64_MAX : bits == (uint64_t{1} << count) - 1;
    rows.push_back(all ? places : Deposit(table, bits, places));
    at += count;
  }
  return Bitmap::FromWords(rows);
}

}  // namespace chroma::format
