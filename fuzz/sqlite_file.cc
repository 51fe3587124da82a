// importer/sqlite_file.h, importer/old_tables.h: upstream's database. The first line tells how many
// bytes of what follows are the write-ahead log and the journal, as "LOG JOURNAL".
#include "importer/sqlite_file.h"

#include <algorithm>
#include <charconv>

#include "fuzz.h"
#include "importer/old_tables.h"

namespace chroma::fuzz {
namespace {

// The end of `rest`, as many bytes as the next number of `text` says.
BytesView TakeEnd(std::string_view* text, BytesView* rest) {
  size_t size = 0;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), size).ptr;
  text->remove_prefix(std::min<size_t>(static_cast<size_t>(end - text->data()) + 1, text->size()));
  const BytesView taken = rest->substr(rest->size() - std::min(size, rest->size()));
  rest->remove_suffix(taken.size());
  return taken;
}

}  // namespace

void Run(BytesView input) {
  auto [sizes, file] = SplitFirstLine(input);
  const BytesView log = TakeEnd(&sizes, &file);
  const BytesView journal = TakeEnd(&sizes, &file);
  importer::DamageList damage;
  const auto opened = importer::SqliteFile::FromBytes(file, log, journal, &damage);
  if (!opened.ok()) return;
  // Guards the fuzzer's time, nothing else: a few bytes may state many pages.
  if ((*opened)->page_count() > 4096) return;
  importer::OldLayouts layouts;
  const importer::OldTables tables =
      importer::ReadOldTables(**opened, /*salvage=*/true, &layouts, &damage);
  importer::Row row;
  for (const importer::RowOf& place : tables.scalars) {
    (void)importer::ReadRow(**opened, place.place, &row);
  }
}

}  // namespace chroma::fuzz
