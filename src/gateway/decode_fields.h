// Fields that several bodies have: filters, pages, and what to include.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/decode.h"
#include "gateway/decode_struct.h"

namespace chroma::gateway {

std::vector<std::string> ReadTexts(JsonReader& reader);

// What these return and add reads into what the pointers are to, which outlives it.
using ReadField = std::function<void(JsonReader&)>;
ReadField ReadOptionalU32(std::optional<uint32_t>* out);
ReadField ReadInclude(std::vector<model::Include>* out);
void AddFilterFields(FilterBody* filter, std::vector<StructField>* fields);

model::IncludeSet ToSet(const std::vector<model::Include>& include);
// Parses where and where_document of a body into those of a request: kInvalidArgument.
Status ParseFilters(const FilterBody& body, std::optional<model::Filter>* where,
                    std::optional<model::Filter>* where_document,
                    model::Dialect dialect = model::Dialect::kUpstream);
// The fields of a query's body, and what is made of them at the end.
void AddQueryFields(QueryBody* body, std::vector<StructField>* fields);
void FinishQuery(QueryBody* body);

}  // namespace chroma::gateway
