// The filter tree: what `where`, `where_document` and ids select (semantics.md §1).
//
// Both languages parse into one tree. Trees are bounded (limits.h), so recursion over one is
// safe. Positive predicates match only records that have the key or document; the negative ones
// are their exact complements over all records.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/json_value.h"
#include "chroma/status.h"
#include "model/metadata.h"

namespace chroma::model {

enum class CompareOperator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,
  kNotIn,
  kArrayContains,
  kArrayNotContains,  // element of an array value, same type exactly
};

// {key: {op: operand}}. kIn and kNotIn have an array operand, all others a scalar.
struct MetadataPredicate {
  std::string key;
  CompareOperator op = CompareOperator::kEqual;
  MetadataValue operand;
};

enum class DocumentOperator : uint8_t {
  kContains,
  kNotContains,
  kRegex,
  kNotRegex,
  // Extensions (docs/extensions.md): words in a row, see index/text/phrase.h.
  kPhrase,
  kNotPhrase,
  kPrefix,
  kNotPrefix,
};

struct DocumentPredicate {
  DocumentOperator op = DocumentOperator::kContains;
  std::string pattern;
};

// Extensions: what documents are asked, asked of the strings under a metadata key. One of the
// strings of an array is enough.
enum class TextOperator : uint8_t {
  kContainsAny,
  kNotContainsAny,
  kPhrase,
  kNotPhrase,
  kPrefix,
  kNotPrefix,
};

struct TextPredicate {
  std::string key;
  TextOperator op = TextOperator::kContainsAny;
  std::vector<std::string> texts;  // of phrases and prefixes one
};

struct Filter;
enum class LogicalOperator : uint8_t { kAnd, kOr };
// An empty kAnd matches everything, an empty kOr nothing.
struct LogicalFilter {
  LogicalOperator op = LogicalOperator::kAnd;
  std::vector<Filter> children;
};

struct Filter {
  std::variant<LogicalFilter, MetadataPredicate, DocumentPredicate, TextPredicate> node;
};

// The text of a regular expression was checked; see index/text/regex.h. The parsers below check
// the shape only. kInvalidArgument "Invalid where clause" / "Invalid where document clause", or
// a message naming the limit that the tree breaks.
// Operators that upstream does not have are wrong where upstream's requests are parsed.
enum class Dialect : uint8_t { kUpstream, kExtended };
Result<Filter> ParseWhere(const JsonValue& json, Dialect dialect = Dialect::kUpstream);
Result<Filter> ParseWhereDocument(const JsonValue& json, Dialect dialect = Dialect::kUpstream);
// The reverse of ParseWhere, for the HTTP client: document predicates under "#document".
JsonValue WhereToJson(const Filter& filter);

// Calls `visit` on every leaf.
template <typename Visitor>
void ForEachLeaf(const Filter& filter, Visitor&& visit) {
  if (const auto* logical = std::get_if<LogicalFilter>(&filter.node)) {
    for (const Filter& child : logical->children) ForEachLeaf(child, visit);
  } else {
    visit(filter);
  }
}

}  // namespace chroma::model
