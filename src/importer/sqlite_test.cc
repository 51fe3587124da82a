// Databases that SQLite wrote, here as the catalog, read without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "catalog/connection.h"
#include "importer/sqlite_file.h"
#include "importer/sqlite_rows.h"
#include "importer/sqlite_schema.h"

namespace chroma::importer {
namespace {

constexpr int kRows = 3000;

std::string TextOf(int i) {
  // Every hundredth goes on over other pages.
  return "row " + std::to_string(i) + std::string(i % 100 == 0 ? 9000 : 20, 'a' + i % 26);
}

class SqliteFileTest : public ::testing::Test {
 protected:
  SqliteFileTest() { env_.files = files_.get(); }

  // Rows 1 to kRows; every seventh is deleted again. The last ones stay in the log.
  void Write(bool leave_log) {
    auto connection = *catalog::Connection::Open(env_, "/db");
    ASSERT_TRUE(connection->EnterWalMode().ok());
    ASSERT_TRUE(connection
                    ->Execute("CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT NOT NULL, "
                              "number INTEGER, \"odd one\" REAL); CREATE INDEX by_text ON things "
                              "(text)")
                    .ok());
    for (int i = 1; i <= kRows; ++i) {
      const std::string text = TextOf(i);
      ASSERT_TRUE(connection
                      ->Query("INSERT INTO things (id, text, number, \"odd one\") VALUES (?, ?, ?, "
                              "? / 2.0)")
                      .Int(i)
                      .Text(text)
                      .Int(int64_t{i} * i * i * (i % 2 == 0 ? 1 : -1000000))
                      .Int(i)
                      .Run()
                      .ok());
    }
    ASSERT_TRUE(connection->Execute("DELETE FROM things WHERE id % 7 = 0").ok());
    if (leave_log) Keep("/db-wal", &log_);
    if (leave_log) Keep("/db", &file_);
    connection.reset();
    if (!leave_log) Keep("/db", &file_);
  }
  void Keep(const std::string& path, Bytes* bytes) {
    *bytes = *runtime::ReadWholeFile(*files_, path);
  }

  std::unique_ptr<SqliteFile> Open() {
    auto file = SqliteFile::FromBytes(file_, log_, {}, &damage_);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    return file.ok() ? *std::move(file) : nullptr;
  }

  void CheckAll() {
    const auto file = Open();
    ASSERT_NE(file, nullptr);
    std::vector<bool> visited(size_t{file->page_count()} + 1);
    const SqliteTables tables = ReadSqliteSchema(*file, &visited, &damage_);
    ASSERT_TRUE(tables.tables.contains("things"));
    const SqliteTable& table = tables.tables.at("things");
    EXPECT_THAT(table.columns, testing::ElementsAre("id", "text", "number", "odd one"));
    EXPECT_EQ(table.rowid_column, 0u);
    std::set<int64_t> seen;
    ScanTable(*file, "things", table.root, &visited, &damage_, [&](const Row& row, RowPlace place) {
      const auto i = static_cast<int>(row.rowid());
      EXPECT_TRUE(seen.insert(i).second);
      EXPECT_EQ(row.Text(1), TextOf(i));
      EXPECT_EQ(row[2].integer, int64_t{i} * i * i * (i % 2 == 0 ? 1 : -1000000));
      const double odd = row[3].IsInt() ? static_cast<double>(row[3].integer) : row[3].real;
      EXPECT_EQ(odd, i / 2.0);
      Row again;
      EXPECT_TRUE(ReadRow(*file, place, &again) && again.Text(1) == row.Text(1));
    });
    EXPECT_EQ(seen.size(), static_cast<size_t>(kRows - kRows / 7));
    std::set<int64_t> indexed;
    EXPECT_TRUE(ScanIndex(*file, tables.indexes.at("by_text"), &visited,
                          [&](const Row& row) { indexed.insert(row[1].integer); }));
    EXPECT_EQ(indexed, seen);
    EXPECT_TRUE(damage_.empty()) << testing::PrintToString(damage_.Texts());
  }

  std::unique_ptr<runtime::FileSystem> files_ = runtime::FileSystem::InMemory();
  runtime::Env env_;
  Bytes file_;
  Bytes log_;
  DamageList damage_;
};

TEST_F(SqliteFileTest, ReadsTablesAndIndexes) {
  Write(/*leave_log=*/false);
  CheckAll();
}

TEST_F(SqliteFileTest, ReadsTheLog) {
  Write(/*leave_log=*/true);
  ASSERT_GT(log_.size(), 32u);
  CheckAll();
}

TEST_F(SqliteFileTest, IgnoresWhatFollowsTheLastCommit) {
  Write(/*leave_log=*/true);
  // A frame that was torn by a crash.
  log_ += log_.substr(32, 2000);
  CheckAll();
}

TEST_F(SqliteFileTest, DamageIsToldAndTheRestIsRead) {
  Write(/*leave_log=*/false);
  const Bytes whole = file_;
  for (size_t page = 1; page < whole.size() / 4096; page += 7) {
    file_ = whole;
    file_.replace(page * 4096, 4096, 4096, '\0');
    damage_ = DamageList();
    const auto file = Open();
    ASSERT_NE(file, nullptr);
    std::vector<bool> visited(size_t{file->page_count()} + 1);
    const SqliteTables tables = ReadSqliteSchema(*file, &visited, &damage_);
    ASSERT_TRUE(tables.tables.contains("things"));
    size_t rows = 0;
    ScanTable(*file, "things", tables.tables.at("things").root, &visited, &damage_,
              [&](const Row& row, RowPlace) {
                ++rows;
                const auto i = static_cast<int>(row.rowid());
                // Pages that only continue a text have nothing that could be wrong.
                EXPECT_TRUE(i % 100 == 0 || row.Text(1) == TextOf(i)) << "page " << page + 1;
              });
    EXPECT_TRUE(rows == kRows - kRows / 7 || !damage_.empty()) << "page " << page + 1;
  }
}

TEST(ParseCreateTable, FindsColumns) {
  const SqliteTable table = ParseCreateTable(
      "CREATE TABLE \"databases\" (\n    id TEXT PRIMARY KEY, -- unique, globally\n"
      "    name TEXT NOT NULL DEFAULT (1, 2), /* a, b */ [a b] INT,\n"
      "    UNIQUE (tenant_id, name) -- Ensure\n)");
  EXPECT_THAT(table.columns, testing::ElementsAre("id", "name", "a b"));
  EXPECT_EQ(table.rowid_column, SIZE_MAX);
  EXPECT_EQ(ParseCreateTable("CREATE TABLE t(seq_id INTEGER PRIMARY KEY, x)").rowid_column, 0u);
  EXPECT_TRUE(ParseCreateTable("CREATE TABLE").columns.empty());
}

}  // namespace
}  // namespace chroma::importer
