#include "importer/sqlite_schema.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace chroma::importer {
namespace {

// Words of SQL: names and keywords with their quotes taken off, and single characters. White space
// and comments separate them.
class Words {
 public:
  explicit Words(std::string_view sql) : sql_(sql) {}

  // False at the end.
  bool Next(std::string* word, bool* quoted) {
    SkipSpace();
    word->clear();
    *quoted = false;
    if (at_ >= sql_.size()) return false;
    const char c = sql_[at_];
    if (c == '"' || c == '`' || c == '\'' || c == '[') {
      *quoted = true;
      TakeQuoted(c == '[' ? ']' : c, word);
      return true;
    }
    if (!IsWordByte(c)) {
      *word = c;
      ++at_;
      return true;
    }
    while (at_ < sql_.size() && IsWordByte(sql_[at_])) word->push_back(sql_[at_++]);
    return true;
  }

 private:
  static bool IsWordByte(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
  }
  void SkipSpace() {
    while (at_ < sql_.size()) {
      if (std::isspace(static_cast<unsigned char>(sql_[at_])) != 0) {
        ++at_;
      } else if (sql_.substr(at_).starts_with("--")) {
        at_ = std::min(sql_.find('\n', at_), sql_.size());
      } else if (sql_.substr(at_).starts_with("/*")) {
        const size_t end = sql_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? sql_.size() : end + 2;
      } else {
        return;
      }
    }
  }
  void TakeQuoted(char end, std::string* word) {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == end) {
        if (at_ + 1 >= sql_.size() || sql_[at_ + 1] != end) break;
        ++at_;
      }
      word->push_back(sql_[at_]);
    }
    ++at_;
  }

  std::string_view sql_;
  size_t at_ = 0;
};

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

bool BeginsConstraint(const std::string& upper) {
  return upper == "PRIMARY" || upper == "UNIQUE" || upper == "FOREIGN" || upper == "CHECK" ||
         upper == "CONSTRAINT";
}

}  // namespace

size_t SqliteTable::Column(std::string_view name) const {
  const auto it = std::find(columns.begin(), columns.end(), name);
  return it == columns.end() ? SIZE_MAX : static_cast<size_t>(it - columns.begin());
}

SqliteTable ParseCreateTable(std::string_view sql) {
  SqliteTable table;
  table.rowid_column = SIZE_MAX;
  Words words(sql);
  std::string word;
  bool quoted = false;
  while (words.Next(&word, &quoted) && (quoted || word != "(")) {
  }
  int depth = 1;
  bool at_name = true;     // the next word begins a definition
  bool in_column = false;  // the definition is a column's
  std::string definition;  // its words, in capitals
  const auto end_definition = [&] {
    const bool is_rowid = definition.starts_with(" INTEGER PRIMARY KEY");
    if (in_column && is_rowid) table.rowid_column = table.columns.size() - 1;
    definition.clear();
  };
  while (depth > 0 && words.Next(&word, &quoted)) {
    if (!quoted && word == "(") ++depth;
    if (!quoted && word == ")") --depth;
    if (depth == 0 || (depth == 1 && !quoted && word == ",")) {
      end_definition();
      at_name = true;
    } else if (at_name) {
      in_column = quoted || !BeginsConstraint(Upper(word));
      if (in_column) table.columns.push_back(word);
      at_name = false;
    } else {
      definition += " " + Upper(word);
    }
  }
  return table;
}

SqliteTables ReadSqliteSchema(const SqliteFile& file, std::vector<bool>* visited,
                              DamageList* damage) {
  SqliteTables tables;
  ScanTable(file, "sqlite_schema", 1, visited, damage, [&](const Row& row, RowPlace) {
    // type, name, tbl_name, rootpage, sql
    const bool is_table = row.Text(0) == "table";
    if ((!is_table && row.Text(0) != "index") || !row[3].IsInt() || row[3].integer <= 0) return;
    if (row[3].integer > file.page_count()) {
      damage->Add("chroma.sqlite3: " + std::string(row.Text(1)) + " begins nowhere");
      return;
    }
    if (!is_table) {
      tables.indexes[std::string(row.Text(1))] = static_cast<uint32_t>(row[3].integer);
      return;
    }
    SqliteTable table = ParseCreateTable(row.Text(4));
    table.root = static_cast<uint32_t>(row[3].integer);
    tables.tables.insert_or_assign(std::string(row.Text(1)), std::move(table));
  });
  return tables;
}

}  // namespace chroma::importer
