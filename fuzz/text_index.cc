// index/text/text_index.h. The first byte of an input chooses: the rest is the three payloads of an
// index, or a needle, a line feed, and texts, one a line, that are indexed and searched for it.
#include "index/text/text_index.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "fuzz.h"
#include "index/text/contains.h"

namespace chroma::fuzz {
namespace {

using index::TextIndexReader;
using index::TextQuery;

// Lists are visited row by row.
constexpr uint32_t kRowsMax = 1 << 16;

void CheckRows(const Result<index::TextRows>& found, uint32_t rows) {
  if (!found.ok()) {
    CHECK(found.status().code() == StatusCode::kDataLoss);
    return;
  }
  for (const Bitmap* set : {&found->certain, &found->possible}) {
    CHECK(set->CountRange(0, rows) == set->Count());
  }
}

void ReadPayloads(BytesView input) {
  ByteReader in(input);
  const auto rows = static_cast<uint32_t>(in.VarintAtMost(kRowsMax));
  const BytesView terms = in.String();
  const BytesView postings = in.String();
  const BytesView grams = in.String();
  if (!in.ok()) return;
  const auto reader = TextIndexReader::Open(terms, postings, grams, rows);
  if (!reader.ok()) {
    CHECK(reader.status().code() == StatusCode::kDataLoss);
    return;
  }
  (void)reader->VerifyAll();
  for (const char* needle : {"river", "a", "the river ", "日本語", " ", "er", "x y z"}) {
    const TextQuery query = TextQuery::Substring(needle);
    CheckRows(reader->Find(query), rows);
    (void)reader->Estimate(query);
    CheckRows(reader->Find(TextQuery::And(query, TextQuery::Substring("river"))), rows);
  }
}

void BuildAndFind(BytesView input) {
  const auto [needle, texts] = SplitFirstLine(input);
  index::TextIndexBuilder builder;
  std::vector<BytesView> lines;
  for (BytesView left = texts; !left.empty();) {
    const auto [line, rest] = SplitFirstLine(left);
    builder.Add(static_cast<uint32_t>(lines.size()), line);
    lines.push_back(line);
    left = rest;
  }
  if (builder.Unusable() || needle.empty()) return;
  const auto rows = static_cast<uint32_t>(lines.size());
  const index::TextIndexPayloads payloads = builder.Finish(rows);
  const auto reader =
      TextIndexReader::Open(payloads.terms, payloads.postings, payloads.grams, rows);
  CHECK(reader.ok());
  CHECK(reader->VerifyAll().ok());
  const auto found = reader->Find(TextQuery::Substring(std::string(needle)));
  CHECK(found.ok());
  for (uint32_t row = 0; row < rows; ++row) {
    const bool contains = index::Contains(lines[row], needle);
    CHECK(!found->certain.Contains(row) || contains);
    CHECK(!contains || found->certain.Contains(row) || found->possible.Contains(row));
  }
}

}  // namespace

void Run(BytesView input) {
  if (input.empty()) return;
  if ((input[0] & 1) == 0) {
    ReadPayloads(input.substr(1));
  } else {
    BuildAndFind(input.substr(1));
  }
}

}  // namespace chroma::fuzz
