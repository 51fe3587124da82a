// gateway/decode.h: the bodies of all endpoints. The first line of an input names the decoder.
#include <functional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "fuzz.h"
#include "gateway/decode.h"
#include "gateway/decode_extensions.h"
#include "model/validate.h"
#include "planner/planner.h"

namespace chroma::fuzz {
namespace {

using gateway::DecodeWrite;
using model::Operation;

void Write(JsonReader& reader, Operation operation) {
  gateway::WriteBody body = DecodeWrite(reader, operation);
  reader.Finish();
  if (!reader.ok()) return;
  const Result<engine::WriteRequest> request = gateway::ToWriteRequest(std::move(body));
  if (!request.ok()) return;
  const model::RecordBatch& batch = request->batch;
  CHECK(batch.documents.empty() || batch.documents.size() == batch.size() ||
        request->shape.documents != batch.size());
}

template <typename Decode, typename Convert>
void Read(JsonReader& reader, Decode decode, Convert convert) {
  auto body = decode(reader);
  reader.Finish();
  if (reader.ok()) (void)convert(std::move(body));
}

// What passes the checks can be planned: every operator has its operands.
void Search(JsonReader& reader) {
  engine::SearchRequest request = gateway::DecodeSearch(reader);
  reader.Finish();
  if (!reader.ok() || !model::ValidateSearches(request.searches).ok()) return;
  for (model::Search& search : request.searches) {
    search.filter.reset();  // compiling its expressions is another target's
    const auto plan = planner::PlanSearch(search, model::DefaultSchema(1));
    CHECK(plan.ok() && plan->ranked == search.rank.has_value());
    CHECK(!plan->ranked || plan->stack_depth > 0);
  }
}

struct Decoder {
  std::string_view name;
  void (*run)(JsonReader&);
};

constexpr Decoder kDecoders[] = {
    {"add", [](JsonReader& r) { Write(r, Operation::kAdd); }},
    {"update", [](JsonReader& r) { Write(r, Operation::kUpdate); }},
    {"upsert", [](JsonReader& r) { Write(r, Operation::kUpsert); }},
    {"get", [](JsonReader& r) { Read(r, gateway::DecodeGet, gateway::ToGetRequest); }},
    {"query", [](JsonReader& r) { Read(r, gateway::DecodeQuery, gateway::ToQueryRequest); }},
    {"delete", [](JsonReader& r) { Read(r, gateway::DecodeDelete, gateway::ToDeleteRequest); }},
    {"search", [](JsonReader& r) { Search(r); }},
    {"list", [](JsonReader& r) { Read(r, gateway::DecodeList, gateway::ToListRequest); }},
    {"explain", [](JsonReader& r) { Read(r, gateway::DecodeExplain, gateway::ToExplainRequest); }},
    {"facets", [](JsonReader& r) { Read(r, gateway::DecodeFacets, gateway::ToFacetsRequest); }},
    {"create", [](JsonReader& r) { (void)gateway::DecodeCreateCollection(r); }},
    {"modify", [](JsonReader& r) { (void)gateway::DecodeModifyCollection(r); }},
    {"name", [](JsonReader& r) { (void)gateway::DecodeName(r, "CreateTenantPayload"); }},
    {"tenant", [](JsonReader& r) { (void)gateway::DecodeUpdateTenant(r); }},
    {"fork", [](JsonReader& r) { (void)gateway::DecodeFork(r); }},
    {"attach", [](JsonReader& r) { gateway::CheckAttachFunction(r); }},
    {"detach", [](JsonReader& r) { gateway::CheckDetachFunction(r); }},
};

}  // namespace

void Run(BytesView input) {
  const auto [name, body] = SplitFirstLine(input);
  for (const Decoder& decoder : kDecoders) {
    if (decoder.name != name) continue;
    JsonReader reader(body);
    decoder.run(reader);
    reader.Finish();
    CHECK(reader.ok() == reader.error().message.empty());
  }
}

}  // namespace chroma::fuzz
