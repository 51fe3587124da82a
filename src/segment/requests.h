// Tagged writes (model/request_tag.h) of a collection: those in the tail are in the log, those that
// compactions have folded in are listed in the manifest, for as long as they may come again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "chroma/status.h"
#include "format/manifest.h"
#include "model/request_tag.h"

namespace chroma::segment {

// A tagged write as it was logged.
struct LoggedRequest {
  uint64_t id = 0;
  uint32_t records = 0;
  uint64_t end_offset = 0;
};

// A manifest lists no more than this, the latest.
inline constexpr size_t kListedRequestsMax = 65'536;

// Lists in `next`, which follows `before`, what that listed and what is folded in now. Those that
// will not come again are left out.
void FoldRequests(const format::Manifest& before, const std::vector<LoggedRequest>& folded,
                  int64_t now_ns, format::Manifest* next);

// How many records the write had that was logged for the tag; none: there is no such write.
// kDeadlineExceeded: the tag is too old to be sure of that.
Result<std::optional<uint32_t>> FindRequest(const format::Manifest& manifest,
                                            const std::vector<LoggedRequest>& tail,
                                            const model::RequestTag& tag, int64_t now_ns);

}  // namespace chroma::segment
