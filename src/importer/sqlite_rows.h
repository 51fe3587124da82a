// Rows of SQLite tables: records as values, B-trees as sequences of rows. Everything that does not
// fit is damage, after which reading goes on with the next cell or page.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "importer/sqlite_file.h"

namespace chroma::importer {

// A value of a record; its bytes belong to the file or to the Row.
struct SqliteValue {
  enum class Kind : uint8_t { kNull, kInt, kReal, kText, kBlob };
  Kind kind = Kind::kNull;
  int64_t integer = 0;
  double real = 0;
  BytesView bytes = {};

  bool IsNull() const { return kind == Kind::kNull; }
  bool IsInt() const { return kind == Kind::kInt; }
  bool IsText() const { return kind == Kind::kText; }
};

// Where a row is, to read it again later.
struct RowPlace {
  uint32_t page = 0;  // 0: nowhere
  uint16_t cell = 0;
};

// A row and its values; may be used for one row after the other.
class Row {
 public:
  int64_t rowid() const { return rowid_; }
  size_t size() const { return values_.size(); }
  // Null beyond the last: a column that was added to the table later.
  const SqliteValue& operator[](size_t i) const { return i < values_.size() ? values_[i] : null_; }
  // Empty when it is not text.
  std::string_view Text(size_t i) const {
    return (*this)[i].IsText() ? (*this)[i].bytes : std::string_view();
  }

 private:
  friend bool ReadCell(const SqliteFile& file, BytesView page, size_t at, Row* row);
  friend bool ReadIndexCell(const SqliteFile& file, BytesView page, size_t at, Row* row);
  // The payload of `size` bytes that begins with `cell`, the rest of a page; on a page up to
  // `local_max` bytes of a payload are kept.
  bool ReadPayload(const SqliteFile& file, BytesView cell, uint64_t size, uint64_t local_max);
  // False when the record does not hold together.
  bool Parse(BytesView payload);

  static const SqliteValue null_;
  int64_t rowid_ = 0;
  std::vector<SqliteValue> values_;
  Bytes overflow_;  // a payload that spans pages
};

// The cell at byte `at` of a leaf page of a table.
bool ReadCell(const SqliteFile& file, BytesView page, size_t at, Row* row);
// The same of a page of an index, behind the reference to another page where there is one.
bool ReadIndexCell(const SqliteFile& file, BytesView page, size_t at, Row* row);
// The row at `place`, which a scan gave. False when it cannot be read.
bool ReadRow(const SqliteFile& file, RowPlace place, Row* row);

// Called with each row; the row is the callee's only during the call.
using RowVisitor = std::function<void(const Row&, RowPlace)>;

// The rows of the table whose B-tree begins at `root`, in the order of their rowids where nothing
// is damaged. `visited` gets the pages of the tree, but for those that continue long rows, and
// keeps a damaged tree from being walked in circles; it has one element more than the database
// has pages. `table` is for messages.
void ScanTable(const SqliteFile& file, const std::string& table, uint32_t root,
               std::vector<bool>* visited, DamageList* damage, const RowVisitor& visit);

// The entries of the index whose B-tree begins at `root`, each as a row whose last value is the
// rowid that it points to; Row::rowid() is not set. `visited` as above. False when something of the
// index could not be read.
bool ScanIndex(const SqliteFile& file, uint32_t root, std::vector<bool>* visited,
               const std::function<void(const Row&)>& visit);

// Whether the page is a leaf of a table with at least one row that can be read.
bool LooksLikeLeaf(const SqliteFile& file, uint32_t page);
// The rows of one leaf, as far as they can be read; `damage` may be null.
void ScanLeaf(const SqliteFile& file, const std::string& table, uint32_t page, DamageList* damage,
              const RowVisitor& visit);

}  // namespace chroma::importer
