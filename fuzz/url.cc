// gateway/route.h and gateway/url.h: the target of a request.
#include "gateway/url.h"

#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "gateway/route.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  const size_t mark = input.find('?');
  const std::string_view path = input.substr(0, mark);
  const std::string_view query = mark == BytesView::npos ? "" : input.substr(mark + 1);
  for (const auto method : {http::Method::kGet, http::Method::kPost, http::Method::kPut}) {
    const gateway::RouteResult route = gateway::FindRoute(method, path);
    if (!route.match) continue;
    CHECK(route.match->parameters.size() == route.match->names.size());
    for (size_t i = 0; i < route.match->parameters.size(); ++i) {
      const std::string_view parameter = route.match->parameters[i];
      const Result<std::string> text = gateway::DecodeSegment(parameter, route.match->names[i]);
      CHECK(!text.ok() || text->size() <= parameter.size());
    }
  }
  (void)gateway::DecodePage(query);
  (void)gateway::CheckReadLevel(query);
}

}  // namespace chroma::fuzz
