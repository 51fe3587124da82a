#include "planner/describe.h"

#include <algorithm>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "model/filter.h"
#include "model/schema.h"

namespace chroma::planner {
namespace {

constexpr size_t kListShown = 5;
constexpr size_t kTextBytesShown = 100;

// {key: {op: value}}, where write(out) writes the value.
template <typename Write>
std::string Condition(std::string_view key, std::string_view op, Write write) {
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.Key(key);
  out.BeginObject();
  out.Key(op);
  write(out);
  out.EndObject();
  out.EndObject();
  return text;
}

std::string OneOf(std::string_view key, const std::vector<std::string>& list,
                  std::string_view op = "$in") {
  return Condition(key, op, [&](JsonWriter& out) {
    out.BeginArray();
    for (size_t i = 0; i < std::min(kListShown, list.size()); ++i) out.String(Cut(list[i]));
    if (list.size() > kListShown) {
      out.String("… " + std::to_string(list.size() - kListShown) + " more");
    }
    out.EndArray();
  });
}

std::string OfDocument(std::string_view op, std::string_view pattern) {
  return Condition(model::kDocumentKey, op, [&](JsonWriter& out) { out.String(Cut(pattern)); });
}

struct Describer {
  std::string operator()(const AllOf&) const { return "$and"; }
  std::string operator()(const AnyOf&) const { return "$or"; }
  std::string operator()(const Not&) const { return "not"; }
  std::string operator()(const IdIn& in) const { return OneOf(model::kIdKey, in.ids); }
  std::string operator()(const UriIn& in) const { return OneOf(model::kUriMetadataKey, in.uris); }
  std::string operator()(const DocumentIn& in) const {
    return OneOf(model::kDocumentMetadataKey, in.documents);
  }
  std::string operator()(const HasMetadata& has) const {
    return Cut(ToJson(model::WhereToJson(model::Filter{has.predicate})));
  }
  std::string operator()(const MetadataHasText& has) const {
    const auto& phrase = has.pattern->phrase();
    if (!phrase) return OneOf(has.key, has.pattern->needles(), "$contains_any");
    return Condition(has.key, phrase->ends_with_prefix() ? "$prefix" : "$phrase",
                     [&](JsonWriter& out) { out.String(Cut(phrase->text())); });
  }
  std::string operator()(const DocumentContains& contains) const {
    return OfDocument("$contains", contains.needle);
  }
  std::string operator()(const DocumentMatches& matches) const {
    return OfDocument("$regex", matches.regex->pattern());
  }
  std::string operator()(const DocumentHasPhrase& has) const {
    return OfDocument(has.phrase->ends_with_prefix() ? "$prefix" : "$phrase", has.phrase->text());
  }
};

}  // namespace

std::string Cut(std::string_view text) {
  if (text.size() <= kTextBytesShown) return std::string(text);
  size_t end = kTextBytesShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string Describe(const Predicate& predicate) {
  return std::visit(Describer(), predicate.node);
}

std::string Describe(const KnnPlan& knn) {
  return "$knn of " + (knn.sparse() == nullptr ? std::string("#embedding") : Cut(knn.key)) +
         (knn.bm25 ? " (BM25)" : "") + ", limit " + std::to_string(knn.limit);
}

}  // namespace chroma::planner
