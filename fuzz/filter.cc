// model/filter.h and planner/planner.h: `where` and `where_document`, from JSON to a predicate.
#include "model/filter.h"

#include <string>

#include "base/check.h"
#include "base/json_value.h"
#include "fuzz.h"
#include "planner/planner.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  const Result<JsonValue> json = ParseJson(input);
  if (!json.ok()) return;
  const Result<model::Filter> where = model::ParseWhere(*json);
  const Result<model::Filter> document = model::ParseWhereDocument(*json);
  if (where.ok()) {
    // What the HTTP client sends for a filter must parse to the same filter.
    const JsonValue written = model::WhereToJson(*where);
    const Result<model::Filter> again = model::ParseWhere(written);
    CHECK(again.ok());
    CHECK(model::WhereToJson(*again) == written);
    (void)planner::PlanPredicate({}, *where, {});
  }
  const Result<model::Filter> extended = model::ParseWhere(*json, model::Dialect::kExtended);
  CHECK(extended.ok() || !where.ok());
  if (extended.ok()) {
    const JsonValue written = model::WhereToJson(*extended);
    const auto again = model::ParseWhere(written, model::Dialect::kExtended);
    CHECK(again.ok());
    CHECK(model::WhereToJson(*again) == written);
    (void)planner::PlanPredicate({}, *extended, {});
  }
  if (document.ok()) (void)planner::PlanPredicate({}, {}, *document);
  if (where.ok() && document.ok()) {
    (void)planner::PlanPredicate(std::vector<std::string>{"b", "a", "b"}, *where, *document);
  }
}

}  // namespace chroma::fuzz
