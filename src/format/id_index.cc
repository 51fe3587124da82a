#include "format/id_index.h"

#include <vector>

#include "base/checksum.h"

namespace chroma::format {
namespace {

constexpr uint32_t kEmptySlot = UINT32_MAX;

uint64_t HomeSlot(uint64_t hash, uint64_t slots) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(hash) * slots >> 64);
}

}  // namespace

void EncodeIdIndex(Bytes& out, const StringWriter& ids) {
  const uint64_t slots = ids.count() + ids.count() * 3 / 7 + 1;
  std::vector<uint32_t> rows(slots, kEmptySlot);
  std::vector<uint8_t> tags(slots, 0);
  for (uint64_t row = 0; row < ids.count(); ++row) {
    const uint64_t hash = Hash64(ids[row]);
    const auto tag = static_cast<uint8_t>(hash);
    uint64_t slot = HomeSlot(hash, slots);
    while (rows[slot] != kEmptySlot && !(tags[slot] == tag && ids[rows[slot]] == ids[row])) {
      slot = slot + 1 == slots ? 0 : slot + 1;
    }
    rows[slot] = static_cast<uint32_t>(row);
    tags[slot] = tag;
  }
  PutFixed(out, slots);
  out.append(reinterpret_cast<const char*>(rows.data()), slots * sizeof(uint32_t));
  out.append(reinterpret_cast<const char*>(tags.data()), slots);
  PutPadding(out, 8);
}

IdIndexReader IdIndexReader::Read(ByteReader& in, uint32_t rows) {
  IdIndexReader index;
  const auto slots = in.Fixed<uint64_t>();
  if (!in.ok() || slots == 0 || slots > in.remaining() / (sizeof(uint32_t) + 1)) {
    in.Fail();
    return index;
  }
  index.slots_ = slots;
  index.rows_ = in.Raw(slots * sizeof(uint32_t)).data();
  index.tags_ = in.Raw(slots).data();
  in.Align(8);
  bool valid = true;
  for (uint64_t slot = 0; slot < slots; ++slot) {
    const auto row = LoadFixed<uint32_t>(index.rows_ + slot * sizeof(uint32_t));
    valid &= row < rows || row == kEmptySlot;
  }
  if (!valid) in.Fail();
  return index;
}

std::optional<uint32_t> IdIndexReader::Find(const StringReader& ids, std::string_view id) const {
  const uint64_t hash = Hash64(id);
  const auto tag = static_cast<uint8_t>(hash);
  uint64_t slot = HomeSlot(hash, slots_);
  // Ends even if a damaged table has no free slot.
  for (uint64_t probes = 0; probes < slots_; ++probes) {
    const auto row = LoadFixed<uint32_t>(rows_ + slot * sizeof(uint32_t));
    if (row == kEmptySlot) return std::nullopt;
    if (static_cast<uint8_t>(tags_[slot]) == tag && ids[row] == id) return row;
    slot = slot + 1 == slots_ ? 0 : slot + 1;
  }
  return std::nullopt;
}

}  // namespace chroma::format
