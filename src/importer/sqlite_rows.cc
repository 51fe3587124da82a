#include "importer/sqlite_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

namespace chroma::importer {
namespace {

constexpr uint8_t kLeafTable = 0x0d;
constexpr uint8_t kInteriorTable = 0x05;
constexpr uint8_t kLeafIndex = 0x0a;
constexpr uint8_t kInteriorIndex = 0x02;
constexpr size_t kLeafHeaderBytes = 8;
constexpr size_t kInteriorHeaderBytes = 12;
constexpr size_t kFileHeaderBytes = 100;
constexpr size_t kColumnsMax = 2000;
constexpr int kDepthMax = 40;
// SQLite's own limit for a row.
constexpr uint64_t kRowBytesMax = 1'000'000'000;

// SQLite's varint: big-endian groups of 7 bits, the ninth byte whole. Returns its bytes, 0 when it
// does not fit.
size_t ReadVarint(BytesView bytes, uint64_t* value) {
  uint64_t v = 0;
  for (size_t i = 0; i < 8; ++i) {
    if (i >= bytes.size()) return 0;
    const auto b = static_cast<uint8_t>(bytes[i]);
    v = v << 7 | (b & 0x7f);
    if ((b & 0x80) == 0) {
      *value = v;
      return i + 1;
    }
  }
  if (bytes.size() < 9) return 0;
  *value = v << 8 | static_cast<uint8_t>(bytes[8]);
  return 9;
}

size_t HeaderAt(uint32_t number) {
  return number == 1 ? kFileHeaderBytes : 0;
}

// The page's cells: how many, and where their pointers begin; none when that cannot be right.
struct Cells {
  uint32_t count = 0;
  size_t pointers = 0;
};
bool CellsOf(const SqliteFile& file, uint32_t number, BytesView page, uint8_t type, Cells* cells) {
  const size_t at = HeaderAt(number);
  if (page.empty() || static_cast<uint8_t>(page[at]) != type) return false;
  cells->count = LoadBig16(page.data() + at + 3);
  const bool is_leaf = type == kLeafTable || type == kLeafIndex;
  cells->pointers = at + (is_leaf ? kLeafHeaderBytes : kInteriorHeaderBytes);
  return cells->pointers + size_t{cells->count} * 2 <= file.usable_size();
}

// Where cell `i` begins; 0 when outside of the page.
size_t CellAt(const SqliteFile& file, BytesView page, const Cells& cells, uint32_t i) {
  const size_t at = LoadBig16(page.data() + cells.pointers + size_t{i} * 2);
  const bool inside = at >= cells.pointers + size_t{cells.count} * 2 && at < file.usable_size();
  return inside ? at : 0;
}

int64_t LoadSigned(BytesView bytes) {
  uint64_t v = static_cast<uint8_t>(bytes[0]) >= 0x80 ? ~uint64_t{0} : 0;
  for (const char c : bytes) v = v << 8 | static_cast<uint8_t>(c);
  return static_cast<int64_t>(v);
}

// Serial types: 0 null, 1-6 integers, 7 a double, 8 and 9 the numbers 0 and 1, 12, 14, … blobs,
// 13, 15, … text. False for those that do not exist.
bool SizeOfType(uint64_t type, uint64_t* size) {
  constexpr uint8_t kSizes[10] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
  if (type == 10 || type == 11) return false;
  *size = type < 10 ? kSizes[type] : (type - 12) / 2;
  return true;
}

SqliteValue ValueOf(uint64_t type, BytesView bytes) {
  using Kind = SqliteValue::Kind;
  SqliteValue value;
  if (type == 0) return value;
  if (type == 8 || type == 9) {
    value.kind = Kind::kInt;
    value.integer = type == 9 ? 1 : 0;
  } else if (type == 7) {
    value.kind = Kind::kReal;
    value.real = std::bit_cast<double>(LoadSigned(bytes));
  } else if (type <= 6) {
    value.kind = Kind::kInt;
    value.integer = LoadSigned(bytes);
  } else {
    value.kind = (type & 1) != 0 ? Kind::kText : Kind::kBlob;
    value.bytes = bytes;
  }
  return value;
}

std::string PageName(const std::string& table, uint32_t page) {
  return "chroma.sqlite3, table " + table + ": page " + std::to_string(page);
}

// Appends the rest of a payload, which a chain of pages holds. Its length was bounded by what the
// file could hold.
bool ReadOverflow(const SqliteFile& file, uint32_t next, uint64_t size, Bytes* out) {
  const size_t per_page = file.usable_size() - 4;
  while (out->size() < size) {
    const BytesView page = file.Page(next);
    if (page.empty()) return false;
    const size_t n = std::min<uint64_t>(per_page, size - out->size());
    out->append(page.substr(4, n));
    next = LoadBig32(page.data());
  }
  return true;
}

// Watches that rows come in their order: where they do not, a page is another one than it should
// be, though it looks like one.
class RowOrder {
 public:
  RowOrder(const std::string& table, DamageList* damage) : table_(table), damage_(*damage) {}
  void BeginPage(uint32_t page, int64_t rowid_max) {
    page_ = page;
    rowid_max_ = rowid_max;
    told_ = false;
  }
  void Check(int64_t rowid) {
    const bool right = (first_ || rowid > last_) && rowid <= rowid_max_;
    if (!right && !std::exchange(told_, true)) {
      damage_.Add(PageName(table_, page_) + " holds rows that belong elsewhere");
    }
    if (right) last_ = rowid;
    first_ = false;
  }

 private:
  const std::string& table_;
  DamageList& damage_;
  uint32_t page_ = 0;
  int64_t rowid_max_ = 0;
  int64_t last_ = 0;
  bool first_ = true;
  bool told_ = false;
};

}  // namespace

const SqliteValue Row::null_;

bool Row::Parse(BytesView payload) {
  values_.clear();
  uint64_t header_bytes = 0;
  size_t at = ReadVarint(payload, &header_bytes);
  if (at == 0 || header_bytes < at || header_bytes > payload.size()) return false;
  uint64_t body = header_bytes;
  while (at < header_bytes) {
    uint64_t type = 0;
    uint64_t size = 0;
    const size_t n = ReadVarint(payload.substr(at, header_bytes - at), &type);
    if (n == 0 || !SizeOfType(type, &size) || size > payload.size() - body) return false;
    if (values_.size() == kColumnsMax) return false;
    values_.push_back(ValueOf(type, payload.substr(body, size)));
    at += n;
    body += size;
  }
  return !values_.empty();
}

bool Row::ReadPayload(const SqliteFile& file, BytesView cell, uint64_t size, uint64_t local_max) {
  const uint64_t usable = file.usable_size();
  if (size <= local_max) return size <= cell.size() && Parse(cell.substr(0, size));

  if (size > kRowBytesMax || size > uint64_t{file.page_count()} * usable) return false;
  const uint64_t least = (usable - 12) * 32 / 255 - 23;
  const uint64_t wanted = least + (size - least) % (usable - 4);
  const uint64_t local = wanted <= local_max ? wanted : least;
  if (cell.size() < local + 4) return false;
  overflow_.assign(cell.substr(0, local));
  if (!ReadOverflow(file, LoadBig32(cell.data() + local), size, &overflow_)) return false;
  return Parse(overflow_);
}

bool ReadCell(const SqliteFile& file, BytesView page, size_t at, Row* row) {
  BytesView cell = page.substr(0, file.usable_size()).substr(at);
  uint64_t size = 0;
  uint64_t rowid = 0;
  size_t n = ReadVarint(cell, &size);
  if (n == 0) return false;
  cell.remove_prefix(n);
  n = ReadVarint(cell, &rowid);
  if (n == 0) return false;
  cell.remove_prefix(n);
  row->rowid_ = static_cast<int64_t>(rowid);
  return row->ReadPayload(file, cell, size, file.usable_size() - 35);
}

bool ReadIndexCell(const SqliteFile& file, BytesView page, size_t at, Row* row) {
  const uint64_t usable = file.usable_size();
  if (at > usable) return false;
  BytesView cell = page.substr(0, usable).substr(at);
  uint64_t size = 0;
  const size_t n = ReadVarint(cell, &size);
  if (n == 0) return false;
  cell.remove_prefix(n);
  return row->ReadPayload(file, cell, size, (usable - 12) * 64 / 255 - 23);
}

bool ReadRow(const SqliteFile& file, RowPlace place, Row* row) {
  const BytesView page = file.Page(place.page);
  Cells cells;
  if (!CellsOf(file, place.page, page, kLeafTable, &cells) || place.cell >= cells.count) {
    return false;
  }
  const size_t at = CellAt(file, page, cells, place.cell);
  return at != 0 && ReadCell(file, page, at, row);
}

void ScanLeaf(const SqliteFile& file, const std::string& table, uint32_t number, DamageList* damage,
              const RowVisitor& visit) {
  const BytesView page = file.Page(number);
  Cells cells;
  if (!CellsOf(file, number, page, kLeafTable, &cells)) {
    if (damage != nullptr) damage->Add(PageName(table, number) + " is damaged");
    return;
  }
  Row row;
  uint32_t bad = 0;
  for (uint32_t i = 0; i < cells.count; ++i) {
    const size_t at = CellAt(file, page, cells, i);
    if (at != 0 && ReadCell(file, page, at, &row)) {
      visit(row, {number, static_cast<uint16_t>(i)});
    } else {
      ++bad;
    }
  }
  if (bad != 0 && damage != nullptr) {
    damage->Add(PageName(table, number) + ": " + std::to_string(bad) + " of " +
                std::to_string(cells.count) + " rows cannot be read");
  }
}

bool LooksLikeLeaf(const SqliteFile& file, uint32_t number) {
  const BytesView page = file.Page(number);
  Cells cells;
  if (!CellsOf(file, number, page, kLeafTable, &cells)) return false;
  Row row;
  for (uint32_t i = 0; i < cells.count; ++i) {
    const size_t at = CellAt(file, page, cells, i);
    if (at != 0 && ReadCell(file, page, at, &row)) return true;
  }
  return false;
}

void ScanTable(const SqliteFile& file, const std::string& table, uint32_t root,
               std::vector<bool>* visited, DamageList* damage, const RowVisitor& visit) {
  // Pages to go, the next one last, and the largest rowid that may be there.
  struct Waiting {
    uint32_t page;
    int depth;
    int64_t rowid_max;
  };
  std::vector<Waiting> waiting = {{root, 0, INT64_MAX}};
  RowOrder order(table, damage);
  while (!waiting.empty()) {
    const auto [number, depth, rowid_max] = waiting.back();
    waiting.pop_back();
    const BytesView page = file.Page(number);
    if (page.empty()) {
      damage->Add(PageName(table, number) + " is missing");
      continue;
    }
    if ((*visited)[number] || depth > kDepthMax) {
      damage->Add(PageName(table, number) + " is reached twice");
      continue;
    }
    (*visited)[number] = true;
    Cells cells;
    if (!CellsOf(file, number, page, kInteriorTable, &cells)) {
      order.BeginPage(number, rowid_max);
      ScanLeaf(file, table, number, damage, [&](const Row& row, RowPlace place) {
        order.Check(row.rowid());
        visit(row, place);
      });
      continue;
    }
    waiting.push_back({LoadBig32(page.data() + HeaderAt(number) + 8), depth + 1, rowid_max});
    for (uint32_t i = cells.count; i-- > 0;) {
      const size_t at = CellAt(file, page, cells, i);
      uint64_t last = 0;
      if (at == 0 || at + 4 > file.usable_size() || ReadVarint(page.substr(at + 4), &last) == 0) {
        damage->Add(PageName(table, number) + ": a reference cannot be read");
      } else {
        waiting.push_back({LoadBig32(page.data() + at), depth + 1, static_cast<int64_t>(last)});
      }
    }
  }
}

bool ScanIndex(const SqliteFile& file, uint32_t root, std::vector<bool>* visited,
               const std::function<void(const Row&)>& visit) {
  std::vector<std::pair<uint32_t, int>> waiting = {{root, 0}};
  Row row;
  bool whole = true;
  while (!waiting.empty()) {
    const auto [number, depth] = waiting.back();
    waiting.pop_back();
    const BytesView page = file.Page(number);
    if (page.empty() || (*visited)[number] || depth > kDepthMax) {
      whole = false;
      continue;
    }
    (*visited)[number] = true;
    Cells cells;
    const bool interior = CellsOf(file, number, page, kInteriorIndex, &cells);
    if (!interior && !CellsOf(file, number, page, kLeafIndex, &cells)) {
      whole = false;
      continue;
    }
    if (interior) {
      waiting.emplace_back(LoadBig32(page.data() + HeaderAt(number) + 8), depth + 1);
    }
    for (uint32_t i = 0; i < cells.count; ++i) {
      const size_t at = CellAt(file, page, cells, i);
      const bool inside = at != 0 && at + 4 <= file.usable_size();
      if (inside && interior) waiting.emplace_back(LoadBig32(page.data() + at), depth + 1);
      if (inside && ReadIndexCell(file, page, at + (interior ? 4 : 0), &row)) {
        visit(row);
      } else {
        whole = false;
      }
    }
  }
  return whole;
}

}  // namespace chroma::importer
