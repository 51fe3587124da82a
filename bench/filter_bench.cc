// Filters over one segment, as ratios of medians of processor time in one run: text filters by the
// text index against looking at every document, metadata filters against a loop over the plain
// values that collects row numbers; and what the indexes take on disk and in writing.
//
//   filter_bench FILE.jsonl [ROUNDS]     lines of {"id": …, "document": …, "metadata": {…}}
//   filter_bench --rows N [ROUNDS]       made-up metadata without documents
//   filter_bench --titles N [ROUNDS]     text within made-up strings, with their text index and
//   without
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/json_value.h"
#include "executor/clause_order.h"
#include "executor/filter.h"
#include "executor/match_rows.h"
#include "format/section_reader.h"
#include "index/text/contains.h"
#include "index/text/text_index.h"
#include "planner/planner.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "testing/memory_blobs.h"

namespace {

using namespace chroma;

struct Record {
  std::string id;
  std::string document;
  model::Metadata metadata;
};

template <typename T>
T Must(Result<T> result) {
  if (result.ok()) return *std::move(result);
  fmt::print(stderr, "{}\n", result.status().ToString());
  std::exit(1);
}

model::Metadata MetadataOf(const JsonValue& json) {
  model::Metadata metadata;
  for (const auto& [key, value] : *json.AsObject()) {
    if (const auto* text = value.AsString()) metadata.Set(key, *text);
    if (const auto* integer = value.AsInt()) metadata.Set(key, *integer);
    if (const auto* real = value.AsDouble()) metadata.Set(key, *real);
  }
  return metadata;
}

std::vector<Record> Load(const char* path) {
  std::vector<Record> records;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const JsonValue json = Must(ParseJson(line));
    Record record;
    record.id = *json.Find("id")->AsString();
    record.document = *json.Find("document")->AsString();
    if (const JsonValue* metadata = json.Find("metadata")) {
      record.metadata = MetadataOf(*metadata);
    }
    records.push_back(std::move(record));
  }
  return records;
}

double Now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double Seconds(const std::function<void()>& run) {
  const double start = Now();
  run();
  return Now() - start;
}

double Median(const std::function<void()>& run, int rounds) {
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) seconds.push_back(Seconds(run));
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

std::shared_ptr<const segment::SegmentReader> Write(testing::MemoryBlobStore& store,
                                                    const std::vector<Record>& records,
                                                    uint32_t dimension = 0,
                                                    const model::Schema* schema = nullptr) {
  runtime::Context ctx;
  auto writer = Must(segment::SegmentWriter::Create(ctx, store, "segment", dimension, schema));
  const std::vector<float> vector(dimension, .5F);
  for (size_t i = 0; i < records.size(); ++i) {
    segment::RowView row;
    row.id = records[i].id;
    row.insertion_offset = i;
    row.document = records[i].document;
    row.metadata = &records[i].metadata;
    row.vector = vector.data();
    if (!writer->Add(row).ok()) std::exit(1);
  }
  Must(writer->Finish(ctx));
  return Must(segment::SegmentReader::Open(ctx, Must(store.Open(ctx, "segment"))));
}

void ShowSizes(const testing::MemoryBlobStore& store, uint64_t text_bytes,
               std::string_view of_what) {
  runtime::Context ctx;
  const auto sections = Must(format::SectionReader::Open(
      ctx, std::make_shared<testing::MemoryBlob>("segment", store.Content("segment")),
      [](format::SectionType) { return true; }));
  for (const format::SectionInfo& section : sections.sections()) {
    fmt::print("  {:24} {:>10} bytes  {:.3f} of the {}\n", format::Describe(section),
               section.length,
               static_cast<double>(section.length) / static_cast<double>(text_bytes), of_what);
  }
}

void ShowWriting(const std::vector<Record>& records, int rounds) {
  const double all = Median(
      [&] {
        testing::MemoryBlobStore store;
        Write(store, records, 384);
      },
      rounds);
  const double index = Median(
      [&] {
        index::TextIndexBuilder builder;
        for (uint32_t row = 0; row < records.size(); ++row) builder.Add(row, records[row].document);
        builder.Finish(static_cast<uint32_t>(records.size()));
      },
      rounds);
  fmt::print(
      "writing {} rows of 384 dimensions: {:.0f} rows/s, of which the text index takes {:.2f}\n",
      records.size(), static_cast<double>(records.size()) / all, index / all);
}

planner::Predicate Plan(std::string_view where, std::string_view where_document) {
  std::optional<model::Filter> first;
  std::optional<model::Filter> second;
  if (!where.empty()) {
    first = Must(model::ParseWhere(Must(ParseJson(where)), model::Dialect::kExtended));
  }
  if (!where_document.empty())
    second = Must(model::ParseWhereDocument(Must(ParseJson(where_document))));
  return *Must(planner::PlanPredicate(std::nullopt, first, second));
}

void TimeText(const segment::SegmentReader& part, std::string_view filter, int rounds) {
  runtime::Context ctx;
  const planner::Predicate predicate = Plan("", filter);
  const Bitmap all = Bitmap::Range(0, part.rows());
  Bitmap found;
  const double indexed =
      Median([&] { found = Must(executor::Evaluate(ctx, predicate, part, all)); }, rounds);
  const auto test = [&](std::string_view document) {
    if (const auto* contains = std::get_if<planner::DocumentContains>(&predicate.node)) {
      return index::Contains(document, contains->needle);
    }
    return std::get<planner::DocumentMatches>(predicate.node).regex->Matches(document);
  };
  Bitmap scanned;
  const double scan = Median([&] { scanned = Must(part.MatchDocuments(ctx, nullptr, test)); },
                             std::max(1, rounds / 5));
  fmt::print("  {:48} {:>7} rows {:>9.1f} us  scan {:>9.1f} us  ratio {:>7.1f}{}\n", filter,
             found.Count(), indexed * 1e6, scan * 1e6, scan / indexed,
             found == scanned ? "" : "  WRONG");
}

// A loop over values in memory, as a peer.
template <typename Value, typename Test>
double TimeLoop(const std::vector<Value>& values, Test test, int rounds) {
  return Median(
      [&] {
        std::vector<uint32_t> rows;
        for (uint32_t row = 0; row < values.size(); ++row) {
          if (test(values[row])) rows.push_back(row);
        }
        Bitmap::FromSorted(rows.data(), rows.size());
      },
      rounds);
}

void TimeAgainst(double loop, const segment::SegmentReader& part, std::string_view filter,
                 int rounds) {
  runtime::Context ctx;
  const planner::Predicate predicate = Plan(filter, "");
  const segment::SnapshotPart all{std::shared_ptr<const segment::Part>(&part, [](auto*) {}),
                                  std::make_shared<const Bitmap>()};
  Bitmap found;
  const double seconds =
      Median([&] { found = Must(executor::SelectRows(ctx, &predicate, all)); }, rounds);
  fmt::print("  {:48} {:>8} rows {:>9.1f} us  loop {:>9.1f} us  ratio {:>7.1f}\n", filter,
             found.Count(), seconds * 1e6, loop * 1e6, loop / seconds);
}

// What planning goes by: in how many rows, looked at one by one, the column is matched; how long an
// estimate takes, the first time and again; and how far off it is.
void TimeEstimate(testing::MemoryBlobStore& store, std::string_view filter, int rounds) {
  runtime::Context ctx;
  const auto part = Must(segment::SegmentReader::Open(ctx, Must(store.Open(ctx, "segment"))));
  const planner::Predicate predicate = Plan(filter, "");
  const auto& leaf = std::get<planner::HasMetadata>(predicate.node).predicate;
  Bitmap found;
  const double match = Median([&] { found = Must(part->Match(ctx, leaf)); }, rounds);
  std::vector<uint32_t> spread;
  for (uint32_t row = 0; row < part->rows(); row += 499) spread.push_back(row);
  const Bitmap some = Bitmap::FromSorted(spread.data(), spread.size());
  const double one_by_one = Median([&] { Must(executor::MatchRows(*part, leaf, some)); }, rounds) /
                            static_cast<double>(spread.size());
  std::optional<double> rows;
  const double first = Seconds([&] { rows = Must(part->EstimateMatch(leaf)); });
  const double again = Median([&] { rows = Must(part->EstimateMatch(leaf)); }, rounds);
  fmt::print(
      "  {:48} {:>8} rows, estimated {:>9.1f}  match {:>7.1f} us = {:>6.0f} rows, by planning "
      "{:>6}  estimate {:>5.2f} us = match / {:>6.0f}, first {:>6.0f} us\n",
      filter, found.Count(), *rows, match * 1e6, match / one_by_one, part->MatchCost(leaf),
      again * 1e6, match / again, first * 1e6);
}

// A conjunction against its clauses each matched over all rows, which is what it takes in any order
// while candidates are many; and how much of it choosing an order takes.
void TimeConjunction(const segment::SegmentReader& part, std::string_view filter, int rounds) {
  runtime::Context ctx;
  const planner::Predicate predicate = Plan(filter, "");
  const auto& all = std::get<planner::AllOf>(predicate.node);
  const Bitmap rows = Bitmap::Range(0, part.rows());
  Bitmap found;
  Bitmap expected;
  std::vector<double> ordered, each, choosing;
  for (int round = 0; round < rounds; ++round) {
    ordered.push_back(
        Seconds([&] { found = Must(executor::Evaluate(ctx, predicate, part, rows)); }));
    each.push_back(Seconds([&] {
      expected = rows;
      for (const planner::Predicate& clause : all.children) {
        expected &= Must(executor::Evaluate(ctx, clause, part, rows));
      }
    }));
    choosing.push_back(
        Seconds([&] { Must(executor::InOrderOfCost(ctx, all, part, part.rows())); }));
  }
  const auto median = [](std::vector<double>& seconds) {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  };
  const double took = median(ordered);
  fmt::print(
      "  {:92} {:>7} rows {:>8.1f} us  each {:>8.1f} us  ratio {:>6.2f}  order {:>5.2f} us{}\n",
      filter, found.Count(), took * 1e6, median(each) * 1e6, median(each) / took,
      median(choosing) * 1e6, found == expected ? "" : "  WRONG");
}

void ShowPlanning(testing::MemoryBlobStore& store, const segment::SegmentReader& part, int rounds) {
  fmt::print("estimates\n");
  for (const char* filter :
       {R"f({"small": {"$lt": 60}})f", R"f({"half": {"$lt": 60}})f", R"f({"small": 0})f",
        R"f({"small": {"$in": [1, 5, 9, 70, 99]}})f", R"f({"wide": {"$lt": 2305843009213693952}})f",
        R"f({"wide": {"$in": [1, 5, 9, 70, 99]}})f", R"f({"real": {"$lt": 85714}})f",
        R"f({"name": "name 7"})f", R"f({"name": {"$in": ["name 1", "name 3", "name 5"]}})f",
        R"f({"unique": "https://example.com/99"})f", R"f({"tags": {"$contains": "tag 7"}})f",
        R"f({"tags": {"$contains": "tag 777"}})f"}) {
    TimeEstimate(store, filter, rounds);
  }
  fmt::print("conjunctions\n");
  for (
      const char* filter :
      {R"f({"$and": [{"small": {"$lt": 60}}, {"name": "name 7"}]})f",
       R"f({"$and": [{"small": {"$lt": 60}}, {"real": {"$lt": 85714}}, {"name": {"$ne": "name 7"}}]})f",
       R"f({"$and": [{"tags": {"$contains": "tag 7"}}, {"small": {"$lt": 60}}, {"real": {"$lt": 100}}]})f",
       R"f({"$and": [{"tags": {"$contains": "tag 7"}}, {"real": {"$gt": 7}}, {"unique": "https://example.com/99"}]})f",
       R"f({"$and": [{"tags": {"$contains": "tag 7"}}, {"real": {"$gt": 7}}, {"small": 1000}]})f",
       R"f({"$and": [{"tags": {"$contains": "tag 7"}}, {"tags": {"$contains": "tag 777"}}]})f"}) {
    TimeConjunction(part, filter, rounds);
  }
}

int RunMetadata(uint32_t rows, int rounds) {
  std::vector<int64_t> small(rows), wide(rows);
  std::vector<double> real(rows);
  std::vector<std::string> name(rows), unique(rows);
  std::vector<std::vector<std::string>> tags(rows);
  std::vector<Record> records(rows);
  uint64_t state = 1;
  const auto next = [&] {
    return (state = state * 6364136223846793005 + 1442695040888963407) >> 33;
  };
  for (uint32_t row = 0; row < rows; ++row) {
    small[row] = static_cast<int64_t>(next() % 100);
    wide[row] = static_cast<int64_t>(next() * next());
    real[row] = static_cast<double>(next() % 1'000'000) / 7;
    name[row] = "name " + std::to_string(next() % 100);
    unique[row] = "https://example.com/" + std::to_string(row);
    tags[row] = {"tag " + std::to_string(next() % 10), "tag " + std::to_string(next() % 1000)};
    records[row].id = std::to_string(row);
    model::Metadata& metadata = records[row].metadata;
    metadata.Set("small", small[row]);
    metadata.Set("wide", wide[row]);
    metadata.Set("real", real[row]);
    metadata.Set("name", name[row]);
    metadata.Set("unique", unique[row]);
    metadata.Set("tags", tags[row]);
    if (row % 2 == 0) metadata.Set("half", small[row]);
  }
  testing::MemoryBlobStore store;
  const auto part = Write(store, records);
  fmt::print("metadata filters over {} rows\n", rows);
  const auto below = [](int64_t bound) { return [=](int64_t value) { return value < bound; }; };
  const auto is = [](const std::string& wanted) {
    return [=](const std::string& value) { return value == wanted; };
  };
  const auto has = [](const std::string& wanted) {
    return [=](const std::vector<std::string>& values) {
      return std::find(values.begin(), values.end(), wanted) != values.end();
    };
  };
  const double loop_60 = TimeLoop(small, below(60), rounds);
  TimeAgainst(loop_60, *part, R"f({"small": {"$lt": 60}})f", rounds);
  TimeAgainst(loop_60, *part, R"f({"half": {"$lt": 60}})f", rounds);
  TimeAgainst(TimeLoop(small, below(1), rounds), *part, R"f({"small": 0})f", rounds);
  TimeAgainst(TimeLoop(
                  small, [](int64_t v) { return v != 0; }, rounds),
              *part, R"f({"small": {"$ne": 0}})f", rounds);
  const auto five = [](int64_t v) { return v == 1 || v == 5 || v == 9 || v == 70 || v == 99; };
  TimeAgainst(TimeLoop(small, five, rounds), *part, R"f({"small": {"$in": [1, 5, 9, 70, 99]}})f",
              rounds);
  TimeAgainst(TimeLoop(
                  small, [&](int64_t v) { return !five(v); }, rounds),
              *part, R"f({"small": {"$nin": [1, 5, 9, 70, 99]}})f", rounds);
  TimeAgainst(TimeLoop(wide, below(int64_t{1} << 61), rounds), *part,
              R"f({"wide": {"$lt": 2305843009213693952}})f", rounds);
  TimeAgainst(TimeLoop(
                  real, [](double v) { return v < 85714; }, rounds),
              *part, R"f({"real": {"$lt": 85714}})f", rounds);
  TimeAgainst(TimeLoop(name, is("name 7"), rounds), *part, R"f({"name": "name 7"})f", rounds);
  TimeAgainst(TimeLoop(unique, is("https://example.com/99"), rounds), *part,
              R"f({"unique": "https://example.com/99"})f", rounds);
  TimeAgainst(TimeLoop(tags, has("tag 7"), rounds), *part, R"f({"tags": {"$contains": "tag 7"}})f",
              rounds);
  TimeAgainst(TimeLoop(tags, has("tag 777"), rounds), *part,
              R"f({"tags": {"$contains": "tag 777"}})f", rounds);
  ShowPlanning(store, *part, rounds);
  return 0;
}

// Words of two to five syllables, the frequent ones short and often: by Zipf's law.
class TitleMaker {
 public:
  std::string Next() {
    std::string title;
    for (uint64_t words = 3 + Random() % 7; words > 0; --words) {
      // Uniform in the logarithm of the rank.
      const double rank = std::exp(std::log(double{kWords}) * Uniform());
      if (!title.empty()) title += Random() % 12 == 0 ? ", " : " ";
      title += Word(static_cast<uint64_t>(rank));
    }
    if (Random() % 8 == 0) title += " " + std::to_string(1900 + Random() % 125);
    return title;
  }

 private:
  static constexpr uint32_t kWords = 50'000;

  uint64_t Random() { return (state_ = state_ * 6364136223846793005 + 1442695040888963407) >> 33; }
  double Uniform() { return static_cast<double>(Random()) / 0x1p31; }
  static std::string Word(uint64_t rank) {
    static const char* kSyllables[] = {"ri", "ver", "de", "la",  "mon", "tal", "en",  "sto",
                                       "ka", "pur", "in", "gra", "o",   "shi", "tem", "bu"};
    std::string word;
    for (uint64_t rest = rank; word.empty() || rest > 0; rest /= 16) word += kSyllables[rest % 16];
    return word;
  }

  uint64_t state_ = 1;
};

void TimeTitles(const segment::SegmentReader& indexed, const segment::SegmentReader& plain,
                const std::vector<std::string>& titles, std::string_view filter, int rounds) {
  runtime::Context ctx;
  const planner::Predicate predicate = Plan(filter, "");
  const auto& has = std::get<planner::MetadataHasText>(predicate.node);
  const double loop = TimeLoop(
      titles, [&](const std::string& title) { return has.pattern->Matches(title); },
      std::max(1, rounds / 5));
  Bitmap found;
  Bitmap searched;
  std::optional<double> estimate;
  const double index =
      Median([&] { found = Must(indexed.MatchText(ctx, has.key, *has.pattern, nullptr)); }, rounds);
  const double pass = Median(
      [&] { searched = Must(plain.MatchText(ctx, has.key, *has.pattern, nullptr)); }, rounds);
  const double estimating = Median(
      [&] { estimate = Must(indexed.EstimateMatchText(ctx, has.key, *has.pattern)); }, rounds);
  std::vector<uint32_t> spread;
  for (uint32_t row = 0; row < indexed.rows(); row += 499) spread.push_back(row);
  const Bitmap some = Bitmap::FromSorted(spread.data(), spread.size());
  const double one =
      Median([&] { Must(executor::MatchTextRows(ctx, indexed, has.key, *has.pattern, some)); },
             rounds) /
      static_cast<double>(spread.size());
  fmt::print(
      "  {:44} {:>7} rows, estimated {:>9.1f} in {:>7.1f} us  loop {:>9.1f} us  searched {:>8.1f} "
      "us "
      "= {:>6.0f} rows, by planning {:>6}  index {:>8.1f} us = {:>6.0f} rows, by planning "
      "{:>6}{}\n",
      filter, found.Count(), *estimate, estimating * 1e6, loop * 1e6, pass * 1e6, pass / one,
      plain.MatchTextCost(has.key, *has.pattern), index * 1e6, index / one,
      indexed.MatchTextCost(has.key, *has.pattern), found == searched ? "" : "  WRONG");
}

int RunTitles(uint32_t rows, int rounds) {
  std::vector<Record> records(rows);
  std::vector<std::string> titles(rows);
  TitleMaker maker;
  uint64_t bytes = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    titles[row] = maker.Next();
    bytes += titles[row].size();
    records[row].id = std::to_string(row);
    records[row].metadata.Set("title", titles[row]);
    records[row].metadata.Set("shelf", "shelf " + titles[row % 5000]);
  }
  model::Schema off = model::DefaultSchema(1);
  off.defaults.string_inverted_index->enabled = false;
  testing::MemoryBlobStore with;
  testing::MemoryBlobStore without;
  std::shared_ptr<const segment::SegmentReader> indexed;
  std::shared_ptr<const segment::SegmentReader> plain;
  const double writing = Seconds([&] { indexed = Write(with, records); });
  const double writing_plain = Seconds([&] { plain = Write(without, records, 0, &off); });
  ShowSizes(with, bytes, "titles");
  fmt::print("written in {:.2f} s, without indexes in {:.2f} s\n", writing, writing_plain);
  fmt::print("text in {} titles of {} bytes\n", rows, bytes / rows);
  for (const char* filter :
       {R"f({"title": {"$contains_any": ["river"]}})f",
        R"f({"title": {"$contains_any": ["montal"]}})f",
        R"f({"title": {"$contains_any": ["river montal"]}})f",
        R"f({"title": {"$contains_any": ["no such"]}})f",
        R"f({"title": {"$contains_any": ["ver"]}})f", R"f({"title": {"$contains_any": ["e"]}})f",
        R"f({"title": {"$contains_any": ["q"]}})f", R"f({"title": {"$contains_any": [", "]}})f",
        R"f({"title": {"$contains_any": ["river", "1984", "stoka", "shitem"]}})f",
        R"f({"title": {"$phrase": "river"}})f", R"f({"title": {"$phrase": "ri ver"}})f",
        R"f({"title": {"$prefix": "montal"}})f", R"f({"title": {"$prefix": "ri mon"}})f",
        R"f({"shelf": {"$contains_any": ["montal"]}})f", R"f({"shelf": {"$phrase": "ri ver"}})f"}) {
    TimeTitles(*indexed, *plain, titles, filter, rounds);
  }
  return 0;
}

void TimeMetadata(const segment::SegmentReader& part, std::string_view filter, int rounds) {
  runtime::Context ctx;
  const planner::Predicate predicate = Plan(filter, "");
  const Bitmap all = Bitmap::Range(0, part.rows());
  Bitmap found;
  const double seconds =
      Median([&] { found = Must(executor::Evaluate(ctx, predicate, part, all)); }, rounds);
  fmt::print("  {:48} {:>7} rows {:>9.1f} us\n", filter, found.Count(), seconds * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: filter_bench FILE.jsonl [ROUNDS]\n");
    return 2;
  }
  if (std::string_view(argv[1]) == "--rows" && argc > 2) {
    return RunMetadata(static_cast<uint32_t>(std::atoi(argv[2])),
                       argc > 3 ? std::atoi(argv[3]) : 15);
  }
  if (std::string_view(argv[1]) == "--titles" && argc > 2) {
    return RunTitles(static_cast<uint32_t>(std::atoi(argv[2])), argc > 3 ? std::atoi(argv[3]) : 15);
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 15;
  const std::vector<Record> records = Load(argv[1]);
  testing::MemoryBlobStore store;
  const auto part = Write(store, records);
  uint64_t text_bytes = 0;
  for (const Record& record : records) text_bytes += record.document.size();
  ShowSizes(store, text_bytes, "documents");
  ShowWriting(records, std::max(1, rounds / 5));
  fmt::print("text filters over {} rows\n", part->rows());
  for (const char* filter :
       {R"f({"$contains": "river"})f", R"f({"$contains": "the river"})f",
        R"f({"$contains": "genus Cronartium"})f", R"f({"$contains": "of the"})f",
        R"f({"$contains": "no such word"})f", R"f({"$contains": "ing"})f",
        R"f({"$contains": "e"})f", R"f({"$contains": ", "})f", R"f({"$regex": "river|lake|sea"})f",
        R"f({"$regex": "riv(er|al)s?\\b.*(north|south)"})f", R"f({"$regex": "(?i)copenhagen"})f",
        R"f({"$regex": "\\bgenus [A-Z]\\w+us\\b"})f", R"f({"$regex": "^a .*s$"})f",
        R"f({"$regex": "[0-9]{4}"})f"}) {
    TimeText(*part, filter, rounds);
  }
  fmt::print("metadata filters over {} rows\n", part->rows());
  for (const char* filter :
       {R"({"pos": "noun"})", R"({"pos": {"$ne": "noun"}})", R"({"lex": 41})",
        R"({"lex": {"$lt": 20}})", R"({"words": {"$gte": 2}})", R"({"lex": {"$in": [1, 5, 9]}})",
        R"({"$and": [{"pos": "noun"}, {"lex": {"$lt": 10}}]})"}) {
    TimeMetadata(*part, filter, rounds);
  }
  return 0;
}
