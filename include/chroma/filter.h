// Filters: which records Get, Query and Delete are about.
//
//   Filter recent = Where("year") >= 2000 && Where("tags").Contains("fiction");
//   DocumentFilter rivers = Document().Contains("river") || Document().Matches("(?i)stream");
//   Result<Filter> given = Filter::FromJson(R"({"year": {"$gte": 2000}})");
//
// Both kinds are values that may be copied between threads. A filter that was never set selects
// all records. What is wrong with one, such as a range over strings or an expression that is no
// regular one, is said by the operation that uses it (kInvalidArgument).
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chroma/export.h"
#include "chroma/metadata.h"
#include "chroma/status.h"

namespace chroma {

// Where(kDocumentKey) has the operators of Document(), for conditions that mix both kinds.
inline constexpr const char* kDocumentKey = "#document";

// A filter is kept as its JSON text, in which a chain of && or of || is one list. `Self` is the
// filter that derives from this.
template <typename Self>
class FilterText {
 public:
  bool empty() const { return text_.empty(); }
  // The text that other clients of Chroma take; empty for a filter that was never set.
  std::string ToJson() const {
    if (kind_ == Kind::kLeaf) return text_;
    return (kind_ == Kind::kAnd ? R"({"$and":[)" : R"({"$or":[)") + text_ + "]}";
  }

  // A side that was never set leaves the other.
  friend Self operator&&(Self a, const Self& b) { return Join(std::move(a), b, Kind::kAnd); }
  friend Self operator||(Self a, const Self& b) {
    // All records, or some of them.
    if (a.empty() || b.empty()) return Self();
    return Join(std::move(a), b, Kind::kOr);
  }

 protected:
  FilterText() = default;
  explicit FilterText(std::string leaf) : text_(std::move(leaf)) {}

 private:
  enum class Kind : unsigned char { kLeaf, kAnd, kOr };

  static Self Join(Self a, const Self& b, Kind kind) {
    if (b.empty()) return a;
    if (a.empty()) return b;
    FilterText& joined = a;
    if (joined.kind_ != kind) {
      joined.text_ = joined.ToJson();
      joined.kind_ = kind;
    }
    joined.text_ += ',';
    const FilterText& other = b;
    joined.text_ += other.kind_ == kind ? other.text_ : other.ToJson();
    return a;
  }

  std::string text_;  // of a list: its elements, without the brackets
  Kind kind_ = Kind::kLeaf;
};

class Filter;
class DocumentFilter;

// A metadata key, on its way to a condition. Conditions in which a value is compared hold only for
// records that have the key; their negations (!=, NotIn, NotContains, …) for all others.
class CHROMA_EXPORT Field {
 public:
  explicit Field(std::string_view key) : key_(key) {}

  // Integers and floats compare as numbers; everything else only with its own type.
  Filter operator==(const MetadataValue& value) const;
  Filter operator!=(const MetadataValue& value) const;
  // Of numbers only.
  Filter operator<(const MetadataValue& value) const;
  Filter operator<=(const MetadataValue& value) const;
  Filter operator>(const MetadataValue& value) const;
  Filter operator>=(const MetadataValue& value) const;

  // The value is one of a list, which must not be empty: In({"a", "b"}), In(ids).
  Filter In(const MetadataValue& list) const;
  Filter NotIn(const MetadataValue& list) const;
  template <typename T>
  Filter In(std::initializer_list<T> list) const;
  template <typename T>
  Filter NotIn(std::initializer_list<T> list) const;

  // The value is a list with this element, of exactly this type.
  Filter Contains(const MetadataValue& element) const;
  Filter NotContains(const MetadataValue& element) const;

  // Of kDocumentKey only.
  Filter Matches(std::string_view regex) const;
  Filter NotMatches(std::string_view regex) const;
  // Only for what chroma/extensions.h has; Get, Query and Delete refuse them. The value is a text,
  // or a list with a text, of which holds what DocumentField says of documents.
  Filter ContainsAny(const std::vector<std::string>& texts) const;
  Filter NotContainsAny(const std::vector<std::string>& texts) const;
  Filter HasPhrase(std::string_view words) const;
  Filter NotHasPhrase(std::string_view words) const;
  Filter HasPrefix(std::string_view words) const;
  Filter NotHasPrefix(std::string_view words) const;

 private:
  Filter Compare(std::string_view op, const MetadataValue& operand) const;

  std::string key_;
};

// The text of a record, on its way to a condition. The negations hold for records without a
// document too.
class CHROMA_EXPORT DocumentField {
 public:
  // Somewhere in the text, byte for byte.
  DocumentFilter Contains(std::string_view text) const;
  DocumentFilter NotContains(std::string_view text) const;
  // A regular expression in RE2's syntax matches some part of the text.
  DocumentFilter Matches(std::string_view regex) const;
  DocumentFilter NotMatches(std::string_view regex) const;

  // Only for what chroma/extensions.h has; Get, Query and Delete refuse them.
  DocumentFilter ContainsAny(const std::vector<std::string>& texts) const;
  DocumentFilter NotContainsAny(const std::vector<std::string>& texts) const;
  // Words in a row, whatever stands between them; of HasPrefix the last one only begins so.
  DocumentFilter HasPhrase(std::string_view words) const;
  DocumentFilter NotHasPhrase(std::string_view words) const;
  DocumentFilter HasPrefix(std::string_view words) const;
  DocumentFilter NotHasPrefix(std::string_view words) const;
};

// What `where` takes.
class CHROMA_EXPORT Filter : public FilterText<Filter> {
 public:
  Filter() = default;
  // kInvalidArgument when the text is no JSON, or no filter.
  static Result<Filter> FromJson(std::string_view json);

 private:
  friend class Field;
  explicit Filter(std::string leaf) : FilterText(std::move(leaf)) {}
};

// What `where_document` takes.
class CHROMA_EXPORT DocumentFilter : public FilterText<DocumentFilter> {
 public:
  DocumentFilter() = default;
  // kInvalidArgument when the text is no JSON, or no filter.
  static Result<DocumentFilter> FromJson(std::string_view json);

 private:
  friend class DocumentField;
  explicit DocumentFilter(std::string leaf) : FilterText(std::move(leaf)) {}
};

inline Field Where(std::string_view key) {
  return Field(key);
}
inline DocumentField Document() {
  return DocumentField();
}

namespace internal {

// {"a", "b"} → std::vector<std::string>, {1, 2} → std::vector<int64_t>, and so on.
template <typename T>
MetadataValue ListValue(std::initializer_list<T> list) {
  if constexpr (std::same_as<T, bool>) {
    return std::vector<bool>(list);
  } else if constexpr (std::integral<T>) {
    return std::vector<int64_t>(list.begin(), list.end());
  } else if constexpr (std::floating_point<T>) {
    return std::vector<double>(list.begin(), list.end());
  } else {
    return std::vector<std::string>(list.begin(), list.end());
  }
}

}  // namespace internal

template <typename T>
Filter Field::In(std::initializer_list<T> list) const {
  return In(internal::ListValue(list));
}
template <typename T>
Filter Field::NotIn(std::initializer_list<T> list) const {
  return NotIn(internal::ListValue(list));
}

}  // namespace chroma
