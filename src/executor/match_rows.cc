#include "executor/match_rows.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "model/compare.h"

namespace chroma::executor {
namespace {

// The strings that satisfy the predicate, which are compared where they are stored; they may be
// long.
std::vector<std::string_view> WantedTexts(const model::MetadataPredicate& predicate) {
  std::vector<std::string_view> texts;
  if (const auto* one = std::get_if<std::string>(&predicate.operand)) {
    if (predicate.op == model::CompareOperator::kEqual) texts.push_back(*one);
  } else if (const auto* many = std::get_if<std::vector<std::string>>(&predicate.operand)) {
    if (predicate.op == model::CompareOperator::kIn) texts.assign(many->begin(), many->end());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace

Result<Bitmap> MatchRows(const segment::Part& part, const model::MetadataPredicate& predicate,
                         const Bitmap& rows) {
  const model::PredicateMatcher matcher(predicate);
  CHROMA_ASSIGN(const auto values, part.Key(predicate.key, rows));
  const std::vector<std::string_view> texts = WantedTexts(predicate);
  const auto matches = [&](const segment::ValueView& view) {
    if (const auto* text = std::get_if<std::string_view>(&view)) {
      return std::binary_search(texts.begin(), texts.end(), *text);
    }
    const model::MetadataValue value = segment::ToValue(view);
    const bool has_key = model::TypeOf(value) != model::ValueType::kNull;
    return matcher.Matches(has_key ? &value : nullptr);
  };
  Bitmap matching;
  rows.ForEach([&](uint32_t row) {
    if (matches(values->At(row))) matching.Add(row);
    return true;
  });
  return matching;
}

Result<Bitmap> MatchTextRows(runtime::Context& ctx, const segment::Part& part, std::string_view key,
                             const index::TextPattern& pattern, const Bitmap& rows) {
  constexpr uint32_t kRowsPerCheck = 256;
  CHROMA_ASSIGN(const auto values, part.Key(key, rows));
  Bitmap matching;
  Status checked;
  uint32_t looked_at = 0;
  rows.ForEach([&](uint32_t row) {
    if (looked_at++ % kRowsPerCheck == 0) checked = ctx.Check();
    if (checked.ok() && segment::HasText(values->At(row), pattern)) matching.Add(row);
    return checked.ok();
  });
  CHROMA_TRY(checked);
  return matching;
}

}  // namespace chroma::executor
