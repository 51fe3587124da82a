#include "segment/match_text.h"

#include <algorithm>
#include <utility>

#include "base/bitmap.h"
#include "index/text/contains.h"
#include "segment/match_column.h"

namespace chroma::segment {
namespace {

using format::MetadataColumnReader;
using format::StringReader;
using index::TextIndexReader;
using index::TextPattern;

// A bit for each entry.
using Entries = std::vector<uint64_t>;

void SetBit(uint64_t i, Entries* entries) {
  (*entries)[i / 64] |= uint64_t{1} << i % 64;
}

// Calls visit(i) for the strings of [begin, end) that contain the needle, ascending. Linear time.
template <typename Visit>
void VisitContaining(const StringReader& strings, uint64_t begin, uint64_t end,
                     std::string_view needle, Visit visit) {
  // For each string that such a needle does not fit into it would be prepared anew.
  constexpr size_t kNeedleMax = 256;
  if (needle.size() > kNeedleMax) {
    for (uint64_t i = begin; i < end; ++i) {
      if (index::Contains(strings[i], needle)) visit(i);
    }
    return;
  }
  const format::PackedReader& offsets = strings.offsets();
  const std::string_view bytes = strings.bytes().substr(0, offsets[end]);
  for (size_t at = offsets[begin]; begin < end;) {
    at = index::FindFrom(bytes, needle, at);
    if (at == bytes.npos) return;
    begin = offsets.LastAtMost(begin, end, at);
    const size_t stop = offsets[begin + 1];
    if (at + needle.size() <= stop) visit(begin);
    // What begins behind is no news, or reaches into the next string, too.
    at = stop;
    ++begin;
  }
}

// By going through all bytes.
Status Search(runtime::Context& ctx, const StringReader& strings, const TextPattern& pattern,
              Entries* found) {
  constexpr uint64_t kStringsPerCheck = 16 << 10;
  const uint64_t n = strings.count();
  for (const std::string& needle : pattern.needles()) {
    for (uint64_t begin = 0; begin < n; begin += kStringsPerCheck) {
      CHROMA_TRY(ctx.Check());
      VisitContaining(strings, begin, std::min(n, begin + kStringsPerCheck), needle,
                      [&](uint64_t i) {
                        if (!pattern.phrase() || pattern.Matches(strings[i])) SetBit(i, found);
                      });
    }
  }
  return Status::Ok();
}

// Sets the bits of the rows that the pattern matches.
Status Verify(runtime::Context& ctx, const StringReader& strings, const TextPattern& pattern,
              const Bitmap& rows, Entries* found) {
  constexpr size_t kRowsPerCheck = 256;
  std::vector<uint32_t> some(kRowsPerCheck);
  for (uint32_t from = 0; size_t n = rows.Read(from, some.data(), some.size());) {
    CHROMA_TRY(ctx.Check());
    for (size_t i = 0; i < n; ++i) {
      if (pattern.Matches(strings[some[i]])) SetBit(some[i], found);
    }
    from = some[n - 1] + 1;
  }
  return Status::Ok();
}

// Of how many entries the index leaves it open whether they match: `read`.
Status Find(runtime::Context& ctx, const StringReader& strings, const TextIndexReader& text,
            const TextPattern& pattern, Entries* found, uint64_t* read) {
  CHROMA_ASSIGN(index::TextRows rows, text.Find(pattern.query(), [&ctx] { return ctx.Check(); }));
  if (pattern.query_is_exact()) {
    rows.certain.ForEach([&](uint32_t row) {
      SetBit(row, found);
      return true;
    });
  } else {
    rows.possible |= rows.certain;
  }
  *read = rows.possible.Count();
  return Verify(ctx, strings, pattern, rows.possible, found);
}

void SetAll(uint64_t n, Entries* entries) {
  entries->assign((n + 63) / 64, UINT64_MAX);
  if (n % 64 != 0) entries->back() = (uint64_t{1} << n % 64) - 1;
}

bool IsOneByte(const std::string& needle) {
  return needle.size() == 1;
}

// Of one byte: going through the strings takes less time than going through all terms, and through
// the rows of the many that have it.
bool SearchIsQuicker(const TextPattern& pattern) {
  constexpr size_t kNeedlesMax = 4;
  const std::vector<std::string>& needles = pattern.needles();
  return !pattern.phrase() && needles.size() <= kNeedlesMax &&
         std::any_of(needles.begin(), needles.end(), IsOneByte);
}

// How many values, or elements of arrays, the column has.
uint64_t ValuesOf(const MetadataColumnReader& column) {
  const uint64_t n = column.presence().count();
  return model::IsArray(column.type()) ? column.offsets()[n] : n;
}

bool HasText(const MetadataColumnReader& column, uint64_t ordinal, const TextPattern& pattern) {
  if (!model::IsArray(column.type())) return pattern.Matches(column.strings()[ordinal]);
  for (uint64_t i = column.offsets()[ordinal]; i < column.offsets()[ordinal + 1]; ++i) {
    if (pattern.Matches(column.strings()[i])) return true;
  }
  return false;
}

// By rows here and there.
double EstimateBySample(const MetadataColumnReader& column, const TextPattern& pattern) {
  constexpr uint64_t kTests = 512;
  constexpr double kNone = .5;  // as many as were seen where none was: fewer than one
  const uint64_t n = column.presence().count();
  const uint64_t sampled = std::min(n, std::max<uint64_t>(kTests / pattern.needles().size(), 16));
  uint64_t hits = 0;
  for (uint64_t i = 0; i < sampled; ++i) {
    hits += HasText(column, (2 * i + 1) * n / (2 * sampled), pattern) ? 1 : 0;
  }
  if (sampled == n) return static_cast<double>(hits);
  return std::max(static_cast<double>(hits), kNone) * static_cast<double>(n) /
         static_cast<double>(sampled);
}

}  // namespace

Status MatchTextColumn(runtime::Context& ctx, const MetadataColumnReader& column,
                       const TextIndexReader* text, const TextPattern& pattern,
                       std::vector<uint64_t>* ordinals, std::string* how) {
  const StringReader& strings = column.strings().strings();
  const uint64_t n = strings.count();
  Entries found((n + 63) / 64, 0);
  if (pattern.MatchesAll()) {
    *how = "all " + std::to_string(n) + " values";
    SetAll(n, &found);
  } else if (text != nullptr && !SearchIsQuicker(pattern)) {
    uint64_t read = 0;
    CHROMA_TRY(Find(ctx, strings, *text, pattern, &found, &read));
    *how = "text index of " + std::to_string(n) + " values, " + std::to_string(read) + " to read";
  } else {
    *how = std::to_string(n) + " values, searched";
    CHROMA_TRY(Search(ctx, strings, pattern, &found));
  }
  return CollectEntries(ctx, column, std::move(found), ordinals);
}

Result<double> EstimateTextColumn(runtime::Context& ctx, const MetadataColumnReader& column,
                                  const TextIndexReader* text, const TextPattern& pattern) {
  const uint64_t rows = column.presence().count();
  const uint64_t entries = column.strings().strings().count();
  if (pattern.MatchesAll() || entries == 0) return static_cast<double>(rows);
  if (text == nullptr || SearchIsQuicker(pattern)) return EstimateBySample(column, pattern);
  CHROMA_ASSIGN(uint64_t found,
                text->Estimate(
                    pattern.query(), [&ctx] { return ctx.Check(); }, index::Counting::kFoundTerms));
  // What is not looked up before it has to be may be in any share.
  if (pattern.query().ReadsAllTerms()) found = std::min(found, entries / 2);
  const double values_each = static_cast<double>(ValuesOf(column)) / static_cast<double>(entries);
  return std::min(static_cast<double>(rows), static_cast<double>(found) * values_each);
}

uint64_t MatchTextColumnCost(const MetadataColumnReader& column, const TextIndexReader* text,
                             const TextPattern& pattern) {
  // What takes as long as looking at one row.
  constexpr uint64_t kLookUps = 500;  // of a needle, in rows
  constexpr uint64_t kBytes = 256;
  constexpr uint64_t kBytesForOne = 1024;  // needles of one
  constexpr uint64_t kCodes = 200;
  const StringReader& strings = column.strings().strings();
  const uint64_t codes = column.strings().has_dictionary() ? ValuesOf(column) / kCodes : 0;
  if (pattern.MatchesAll()) return codes;
  if (text != nullptr && !SearchIsQuicker(pattern)) return codes + kLookUps;
  const bool one_byte = std::all_of(pattern.needles().begin(), pattern.needles().end(), IsOneByte);
  return codes + strings.bytes().size() / (one_byte ? kBytesForOne : kBytes);
}

}  // namespace chroma::segment
