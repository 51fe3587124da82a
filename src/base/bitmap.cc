#include "base/bitmap.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace chroma {
namespace {

// The portable Roaring format (github.com/RoaringBitmap/RoaringFormatSpec).
constexpr uint32_t kCookieWithRuns = 12347;
constexpr uint32_t kCookieWithoutRuns = 12346;
constexpr uint32_t kContainersMax = 65536;
constexpr uint32_t kArrayCountMax = 4096;
constexpr uint32_t kOffsetHeaderContainersMin = 4;  // with runs, fewer containers have none
constexpr size_t kBitsetBytes = 8192;

constexpr uint64_t kRowsEnd = uint64_t{1} << 32;

roaring_bitmap_t* Owned(roaring_bitmap_t* raw) {
  CHECK(raw != nullptr);  // out of memory: the library has no other failure
  return raw;
}

Status Malformed(std::string_view what) {
  return Status::DataLoss("malformed row set: " + std::string(what));
}

struct ContainerHeader {
  uint32_t count = 0;  // 1 … 65536 members
  bool run = false;
};

Status CheckRuns(ByteReader& reader, uint32_t count) {
  const uint32_t runs = reader.Fixed<uint16_t>();
  uint32_t total = 0;
  int32_t last = -1;
  for (uint32_t i = 0; i < runs && reader.ok(); ++i) {
    const int32_t first = reader.Fixed<uint16_t>();
    const int32_t length = reader.Fixed<uint16_t>();
    if (first <= last || first + length > UINT16_MAX) return Malformed("runs out of order");
    last = first + length;
    total += static_cast<uint32_t>(length) + 1;
  }
  if (!reader.ok()) return Malformed("truncated runs");
  return total == count ? Status::Ok() : Malformed("count of runs differs");
}

Status CheckArray(ByteReader& reader, uint32_t count) {
  const BytesView raw = reader.Raw(count * sizeof(uint16_t));
  if (!reader.ok()) return Malformed("truncated array");
  int32_t last = -1;
  bool ascending = true;
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t value = LoadFixed<uint16_t>(raw.data() + i * sizeof(uint16_t));
    ascending &= value > last;
    last = value;
  }
  return ascending ? Status::Ok() : Malformed("array out of order");
}

Status CheckBitset(ByteReader& reader, uint32_t count) {
  const BytesView raw = reader.Raw(kBitsetBytes);
  if (!reader.ok()) return Malformed("truncated bitset");
  uint32_t total = 0;
  for (size_t at = 0; at < kBitsetBytes; at += sizeof(uint64_t)) {
    total += static_cast<uint32_t>(std::popcount(LoadFixed<uint64_t>(raw.data() + at)));
  }
  return total == count ? Status::Ok() : Malformed("count of bitset differs");
}

// Reads keys and counts, and skips the offsets, which the library does not use.
Status CheckHeader(ByteReader& reader, std::vector<ContainerHeader>& containers) {
  const uint32_t cookie = reader.Fixed<uint32_t>();
  uint32_t n = 0;
  BytesView run_flags;
  if ((cookie & 0xffff) == kCookieWithRuns) {
    n = (cookie >> 16) + 1;
    run_flags = reader.Raw((n + 7) / 8);
  } else if (cookie == kCookieWithoutRuns) {
    n = reader.Fixed<uint32_t>();
  } else {
    return Malformed("unknown cookie");
  }
  if (n > kContainersMax || n * 2 * sizeof(uint16_t) > reader.remaining()) {
    return Malformed("truncated header");
  }
  containers.resize(n);
  int32_t last_key = -1;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t key = reader.Fixed<uint16_t>();
    if (key <= last_key) return Malformed("keys out of order");
    last_key = key;
    containers[i].count = reader.Fixed<uint16_t>() + uint32_t{1};
    containers[i].run =
        !run_flags.empty() && ((static_cast<uint8_t>(run_flags[i / 8]) >> (i % 8)) & 1) != 0;
  }
  if (run_flags.empty() || n >= kOffsetHeaderContainersMin) reader.Raw(n * sizeof(uint32_t));
  return reader.ok() ? Status::Ok() : Malformed("truncated header");
}

// The library reads within bounds but believes what it reads, and set operations on a container
// that breaks its invariants (order, counts) write out of bounds. So all of them are verified
// here, on the bytes, before the library sees them.
Status CheckPortable(BytesView bytes) {
  ByteReader reader(bytes);
  std::vector<ContainerHeader> containers;
  CHROMA_TRY(CheckHeader(reader, containers));
  for (const ContainerHeader& container : containers) {
    if (container.run) {
      CHROMA_TRY(CheckRuns(reader, container.count));
    } else if (container.count <= kArrayCountMax) {
      CHROMA_TRY(CheckArray(reader, container.count));
    } else {
      CHROMA_TRY(CheckBitset(reader, container.count));
    }
  }
  return reader.AtEnd() ? Status::Ok() : Malformed("trailing bytes");
}

}  // namespace

Bitmap::Bitmap() : raw_(Owned(roaring_bitmap_create())) {}
Bitmap::~Bitmap() {
  if (raw_ != nullptr) roaring_bitmap_free(raw_);
}
Bitmap::Bitmap(const Bitmap& other) : raw_(Owned(roaring_bitmap_copy(other.raw_))) {}
Bitmap::Bitmap(Bitmap&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
Bitmap& Bitmap::operator=(const Bitmap& other) {
  if (this != &other) *this = Bitmap(other);
  return *this;
}
Bitmap& Bitmap::operator=(Bitmap&& other) noexcept {
  std::swap(raw_, other.raw_);
  return *this;
}

Bitmap Bitmap::Range(uint32_t begin, uint32_t end) {
  Bitmap rows;
  rows.AddRange(begin, end);
  return rows;
}

Bitmap Bitmap::FromSorted(const uint32_t* rows, size_t n) {
  Bitmap set;
  if (n > 0) roaring_bitmap_add_many(set.raw_, n, rows);
  return set;
}

namespace {

uint32_t CountBits(std::span<const uint64_t> words) {
  uint32_t count = 0;
  for (const uint64_t word : words) count += static_cast<uint32_t>(std::popcount(word));
  return count;
}

void PutArray(Bytes& out, std::span<const uint64_t> words) {
  for (size_t i = 0; i < words.size(); ++i) {
    for (uint64_t word = words[i]; word != 0; word &= word - 1) {
      PutFixed(out, static_cast<uint16_t>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
    }
  }
}

}  // namespace

// The library has no such function, but reads its portable format about as fast as it copies.
Bitmap Bitmap::FromWords(std::span<const uint64_t> words) {
  constexpr size_t kContainerWords = kBitsetBytes / sizeof(uint64_t);
  CHECK(words.size() <= kContainersMax * kContainerWords);
  Bytes header;
  std::vector<uint32_t> places;  // in the body
  Bytes body;
  const size_t most = (words.size() + kContainerWords - 1) / kContainerWords;
  body.reserve(most * kBitsetBytes);
  for (size_t key = 0; key < most; ++key) {
    const size_t begin = key * kContainerWords;
    const std::span<const uint64_t> part =
        words.subspan(begin, std::min(kContainerWords, words.size() - begin));
    const uint32_t count = CountBits(part);
    if (count == 0) continue;
    PutFixed(header, static_cast<uint16_t>(key));
    PutFixed(header, static_cast<uint16_t>(count - 1));
    places.push_back(static_cast<uint32_t>(body.size()));
    if (count <= kArrayCountMax) {
      PutArray(body, part);
      continue;
    }
    body.append(reinterpret_cast<const char*>(part.data()), part.size_bytes());
    body.append(kBitsetBytes - part.size_bytes(), '\0');
  }
  Bytes bytes;
  const size_t body_begin = 8 + header.size() + places.size() * sizeof(uint32_t);
  bytes.reserve(body_begin + body.size());
  PutFixed(bytes, kCookieWithoutRuns);
  PutFixed(bytes, static_cast<uint32_t>(places.size()));
  bytes += header;
  for (const uint32_t place : places) PutFixed(bytes, static_cast<uint32_t>(body_begin + place));
  bytes += body;
  return Bitmap(Owned(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size())));
}

void Bitmap::Add(uint32_t row) {
  roaring_bitmap_add(raw_, row);
}
void Bitmap::AddRange(uint32_t begin, uint32_t end) {
  if (begin < end) roaring_bitmap_add_range_closed(raw_, begin, end - 1);
}
void Bitmap::Remove(uint32_t row) {
  roaring_bitmap_remove(raw_, row);
}
bool Bitmap::Contains(uint32_t row) const {
  return roaring_bitmap_contains(raw_, row);
}
uint64_t Bitmap::Count() const {
  return roaring_bitmap_get_cardinality(raw_);
}
uint64_t Bitmap::CountRange(uint32_t begin, uint32_t end) const {
  return begin < end ? roaring_bitmap_range_cardinality(raw_, begin, end) : 0;
}
bool Bitmap::Empty() const {
  return roaring_bitmap_is_empty(raw_);
}
uint32_t Bitmap::Nth(uint32_t i) const {
  uint32_t row = 0;
  CHECK(roaring_bitmap_select(raw_, i, &row));
  return row;
}

Bitmap& Bitmap::operator&=(const Bitmap& other) {
  if (this != &other) roaring_bitmap_and_inplace(raw_, other.raw_);
  return *this;
}
Bitmap& Bitmap::operator|=(const Bitmap& other) {
  if (this != &other) roaring_bitmap_or_inplace(raw_, other.raw_);
  return *this;
}
Bitmap& Bitmap::operator-=(const Bitmap& other) {
  if (this == &other) {
    roaring_bitmap_clear(raw_);
  } else {
    roaring_bitmap_andnot_inplace(raw_, other.raw_);
  }
  return *this;
}

void Bitmap::Complement(uint32_t n) {
  roaring_bitmap_remove_range(raw_, n, kRowsEnd);
  if (n > 0) roaring_bitmap_flip_inplace(raw_, 0, n);
}

bool Bitmap::operator==(const Bitmap& other) const {
  return roaring_bitmap_equals(raw_, other.raw_);
}

void Bitmap::ForEach(const std::function<bool(uint32_t)>& visit) const {
  using Visit = const std::function<bool(uint32_t)>;
  roaring_iterate(
      raw_, [](uint32_t row, void* context) { return (*static_cast<Visit*>(context))(row); },
      const_cast<std::function<bool(uint32_t)>*>(&visit));
}

size_t Bitmap::Read(uint32_t from, uint32_t* out, size_t n) const {
  roaring_uint32_iterator_t iterator;
  roaring_init_iterator(raw_, &iterator);
  if (from > 0 && !roaring_move_uint32_iterator_equalorlarger(&iterator, from)) return 0;
  if (n > UINT32_MAX) n = UINT32_MAX;
  return roaring_read_uint32_iterator(&iterator, out, static_cast<uint32_t>(n));
}

std::vector<uint32_t> Bitmap::ToVector() const {
  std::vector<uint32_t> rows(Count());
  if (!rows.empty()) roaring_bitmap_to_uint32_array(raw_, rows.data());
  return rows;
}

Bytes Bitmap::Serialize() const {
  Bitmap compact(*this);
  roaring_bitmap_run_optimize(compact.raw_);
  Bytes bytes(roaring_bitmap_portable_size_in_bytes(compact.raw_), '\0');
  bytes.resize(roaring_bitmap_portable_serialize(compact.raw_, bytes.data()));
  return bytes;
}

Result<Bitmap> Bitmap::Deserialize(BytesView bytes) {
  CHROMA_TRY(CheckPortable(bytes));
  roaring_bitmap_t* raw = roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size());
  if (raw == nullptr) return Malformed("rejected");
  return Bitmap(raw);
}

}  // namespace chroma
