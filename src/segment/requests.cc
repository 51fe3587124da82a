#include "segment/requests.h"

#include <algorithm>

namespace chroma::segment {

using format::Manifest;
using format::ManifestRequest;

void FoldRequests(const Manifest& before, const std::vector<LoggedRequest>& folded, int64_t now_ns,
                  Manifest* next) {
  // The clock starts anew with the machine, and nobody who sent a request before is left.
  const bool restarted = before.requests_since_ns > now_ns ||
                         (!before.requests.empty() && before.requests.back().covered_ns > now_ns);
  next->requests.clear();
  next->requests_since_ns = restarted ? 0 : before.requests_since_ns;
  if (!restarted) next->requests = before.requests;
  for (const LoggedRequest& request : folded) {
    next->requests.push_back({request.id, request.records, now_ns});
  }
  const size_t size = next->requests.size();
  size_t dropped = size > kListedRequestsMax ? size - kListedRequestsMax : 0;
  while (dropped < size && now_ns - next->requests[dropped].covered_ns > model::kTagKeptNs) {
    ++dropped;
  }
  if (dropped == 0) return;
  next->requests_since_ns =
      std::max(next->requests_since_ns, next->requests[dropped - 1].covered_ns);
  next->requests.erase(next->requests.begin(),
                       next->requests.begin() + static_cast<ptrdiff_t>(dropped));
}

Result<std::optional<uint32_t>> FindRequest(const Manifest& manifest,
                                            const std::vector<LoggedRequest>& tail,
                                            const model::RequestTag& tag, int64_t now_ns) {
  for (const LoggedRequest& request : tail) {
    if (request.id == tag.id) return std::optional(request.records);
  }
  for (const ManifestRequest& request : manifest.requests) {
    if (request.id == tag.id) return std::optional(request.records);
  }
  const bool of_this_boot = manifest.requests_since_ns <= now_ns;
  if (of_this_boot && manifest.requests_since_ns != 0 &&
      tag.sent_ns <= manifest.requests_since_ns) {
    return Status::DeadlineExceeded(
        "the request may or may not have taken place: it came again too late to tell");
  }
  return std::optional<uint32_t>();
}

}  // namespace chroma::segment
