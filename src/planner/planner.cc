#include "planner/planner.h"

#include <algorithm>
#include <utility>

#include "model/compare.h"
#include "model/limits.h"

namespace chroma::planner {
namespace {

using model::CompareOperator;
using model::DocumentOperator;
using model::TextOperator;

Predicate Negate(Predicate predicate) {
  return Predicate{Not{std::make_shared<const Predicate>(std::move(predicate))}};
}

// The strings of a kEqual or kIn operand; none when it is of another type.
std::optional<std::vector<std::string>> StringOperands(const model::MetadataPredicate& predicate) {
  std::vector<std::string> strings;
  if (const auto* one = std::get_if<std::string>(&predicate.operand)) {
    strings.push_back(*one);
  } else if (const auto* many = std::get_if<std::vector<std::string>>(&predicate.operand)) {
    strings = *many;
  } else {
    return std::nullopt;
  }
  std::sort(strings.begin(), strings.end());
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
  return strings;
}

// Ids, documents and uris are columns of their own, reached through reserved keys.
Predicate PlanPositive(const model::MetadataPredicate& predicate) {
  const bool is_equality =
      predicate.op == CompareOperator::kEqual || predicate.op == CompareOperator::kIn;
  if (is_equality) {
    if (auto strings = StringOperands(predicate)) {
      if (predicate.key == model::kIdKey) return Predicate{IdIn{std::move(*strings)}};
      if (predicate.key == model::kUriMetadataKey) return Predicate{UriIn{std::move(*strings)}};
      if (predicate.key == model::kDocumentMetadataKey || predicate.key == model::kDocumentKey) {
        return Predicate{DocumentIn{std::move(*strings)}};
      }
    }
  }
  return Predicate{HasMetadata{predicate}};
}

Predicate PlanMetadata(const model::MetadataPredicate& predicate) {
  std::optional<CompareOperator> positive = model::PositiveOf(predicate.op);
  if (!positive) return PlanPositive(predicate);
  model::MetadataPredicate complement = predicate;
  complement.op = *positive;
  return Negate(PlanPositive(complement));
}

Result<index::Phrase> ParsePhrase(std::string_view text, bool prefix) {
  Result<index::Phrase> phrase = index::Phrase::Parse(text, prefix);
  if (phrase.ok()) return phrase;
  return Status::InvalidArgument("Invalid where clause: " + std::string(phrase.status().message()));
}

Result<index::TextPattern> PatternOf(const model::TextPredicate& predicate) {
  switch (predicate.op) {
    case TextOperator::kContainsAny:
    case TextOperator::kNotContainsAny:
      return index::TextPattern::AnyOf(predicate.texts);
    default:
      break;
  }
  const bool prefix =
      predicate.op == TextOperator::kPrefix || predicate.op == TextOperator::kNotPrefix;
  CHROMA_ASSIGN(index::Phrase phrase, ParsePhrase(predicate.texts.front(), prefix));
  return index::TextPattern::Of(std::move(phrase));
}

Result<Predicate> PlanText(const model::TextPredicate& predicate) {
  const bool negative = predicate.op == TextOperator::kNotContainsAny ||
                        predicate.op == TextOperator::kNotPhrase ||
                        predicate.op == TextOperator::kNotPrefix;
  CHROMA_ASSIGN(index::TextPattern pattern, PatternOf(predicate));
  Predicate has{MetadataHasText{predicate.key,
                                std::make_shared<const index::TextPattern>(std::move(pattern))}};
  if (negative) return Negate(std::move(has));
  return has;
}

Result<Predicate> PlanPhrase(const model::DocumentPredicate& predicate) {
  const bool prefix =
      predicate.op == DocumentOperator::kPrefix || predicate.op == DocumentOperator::kNotPrefix;
  const bool negative =
      predicate.op == DocumentOperator::kNotPhrase || predicate.op == DocumentOperator::kNotPrefix;
  CHROMA_ASSIGN(index::Phrase phrase, ParsePhrase(predicate.pattern, prefix));
  Predicate has{DocumentHasPhrase{std::make_shared<const index::Phrase>(std::move(phrase))}};
  if (negative) return Negate(std::move(has));
  return has;
}

Result<Predicate> PlanDocument(const model::DocumentPredicate& predicate,
                               index::RegexSet& regexes) {
  switch (predicate.op) {
    case DocumentOperator::kContains:
      return Predicate{DocumentContains{predicate.pattern}};
    case DocumentOperator::kNotContains:
      return Negate(Predicate{DocumentContains{predicate.pattern}});
    case DocumentOperator::kRegex:
    case DocumentOperator::kNotRegex: {
      CHROMA_ASSIGN(std::shared_ptr<const index::Regex> regex, regexes.Compile(predicate.pattern));
      Predicate matches{DocumentMatches{std::move(regex)}};
      if (predicate.op == DocumentOperator::kRegex) return matches;
      return Negate(std::move(matches));
    }
    case DocumentOperator::kPhrase:
    case DocumentOperator::kNotPhrase:
    case DocumentOperator::kPrefix:
    case DocumentOperator::kNotPrefix:
      return PlanPhrase(predicate);
  }
  return Status::Internal("unknown document operator");
}

// In the words that belong to where_document.
Status OfDocuments(const Status& status) {
  constexpr std::string_view kWhere = "Invalid where clause";
  const std::string_view message = status.message();
  if (!message.starts_with(kWhere)) return status;
  return Status::InvalidArgument("Invalid where document clause" +
                                 std::string(message.substr(kWhere.size())));
}

void OrderByCost(std::vector<Predicate>& children) {
  std::stable_partition(children.begin(), children.end(),
                        [](const Predicate& child) { return !ReadsText(child); });
}

Result<Predicate> PlanFilter(const model::Filter& filter, index::RegexSet& regexes) {
  if (const auto* metadata = std::get_if<model::MetadataPredicate>(&filter.node)) {
    return PlanMetadata(*metadata);
  }
  if (const auto* document = std::get_if<model::DocumentPredicate>(&filter.node)) {
    return PlanDocument(*document, regexes);
  }
  if (const auto* text = std::get_if<model::TextPredicate>(&filter.node)) return PlanText(*text);
  const auto& logical = std::get<model::LogicalFilter>(filter.node);
  std::vector<Predicate> children;
  children.reserve(logical.children.size());
  for (const model::Filter& child : logical.children) {
    CHROMA_ASSIGN(Predicate planned, PlanFilter(child, regexes));
    children.push_back(std::move(planned));
  }
  OrderByCost(children);
  if (logical.op == model::LogicalOperator::kAnd) return Predicate{AllOf{std::move(children)}};
  return Predicate{AnyOf{std::move(children)}};
}

}  // namespace

bool ReadsText(const Predicate& predicate) {
  if (const auto* all = std::get_if<AllOf>(&predicate.node)) {
    return std::any_of(all->children.begin(), all->children.end(), ReadsText);
  }
  if (const auto* any = std::get_if<AnyOf>(&predicate.node)) {
    return std::any_of(any->children.begin(), any->children.end(), ReadsText);
  }
  if (const auto* negation = std::get_if<Not>(&predicate.node)) return ReadsText(*negation->child);
  return std::holds_alternative<DocumentContains>(predicate.node) ||
         std::holds_alternative<DocumentMatches>(predicate.node) ||
         std::holds_alternative<DocumentHasPhrase>(predicate.node) ||
         std::holds_alternative<DocumentIn>(predicate.node);
}

index::RegexSet RegexesOf(runtime::Context& ctx) {
  return index::RegexSet(index::Regex::Use::kMatch, model::kRegexesSizeMax,
                         [&ctx] { return ctx.Check(); });
}

Result<std::optional<Predicate>> PlanPredicate(const std::optional<std::vector<std::string>>& ids,
                                               const std::optional<model::Filter>& where,
                                               const std::optional<model::Filter>& where_document,
                                               index::RegexSet* regexes) {
  index::RegexSet own(index::Regex::Use::kMatch, model::kRegexesSizeMax);
  if (regexes == nullptr) regexes = &own;
  std::vector<Predicate> conjuncts;
  if (ids) {
    std::vector<std::string> sorted = *ids;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    conjuncts.push_back(Predicate{IdIn{std::move(sorted)}});
  }
  for (const std::optional<model::Filter>* filter : {&where, &where_document}) {
    if (!*filter) continue;
    Result<Predicate> planned = PlanFilter(**filter, *regexes);
    if (!planned.ok()) {
      return filter == &where_document ? OfDocuments(planned.status()) : planned.status();
    }
    conjuncts.push_back(*std::move(planned));
  }
  if (conjuncts.empty()) return std::optional<Predicate>();
  if (conjuncts.size() == 1) return std::optional<Predicate>(std::move(conjuncts[0]));
  OrderByCost(conjuncts);
  return std::optional<Predicate>(Predicate{AllOf{std::move(conjuncts)}});
}

}  // namespace chroma::planner
