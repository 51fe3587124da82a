#include "segment/requests.h"

#include <gtest/gtest.h>

namespace chroma::segment {
namespace {

using format::Manifest;
using runtime::kSecond;

constexpr int64_t kBegin = 1000 * kSecond;

std::vector<LoggedRequest> Logged(uint64_t first, uint64_t count) {
  std::vector<LoggedRequest> logged;
  for (uint64_t id = first; id < first + count; ++id) {
    logged.push_back({id, static_cast<uint32_t>(id % 1000), id});
  }
  return logged;
}

Manifest Fold(const Manifest& before, const std::vector<LoggedRequest>& folded, int64_t now_ns) {
  Manifest next;
  next.version = before.version + 1;
  FoldRequests(before, folded, now_ns, &next);
  return next;
}

Result<std::optional<uint32_t>> Find(const Manifest& manifest, uint64_t id, int64_t sent_ns,
                                     int64_t now_ns) {
  return FindRequest(manifest, {}, {id, sent_ns, true}, now_ns);
}

TEST(Requests, AreFoundInTheTailAndInTheManifest) {
  const Manifest manifest = Fold(Manifest(), Logged(1, 10), kBegin);
  const auto tail = Logged(11, 10);
  for (uint64_t id = 1; id <= 20; ++id) {
    const auto found = FindRequest(manifest, tail, {id, kBegin, true}, kBegin);
    ASSERT_TRUE(found.ok() && *found) << id;
    EXPECT_EQ(**found, id);
  }
  const auto none = FindRequest(manifest, tail, {21, kBegin, true}, kBegin);
  EXPECT_TRUE(none.ok() && !*none);
}

TEST(Requests, AreForgottenWhenTheyMayNotComeAgain) {
  Manifest manifest = Fold(Manifest(), Logged(1, 10), kBegin);
  const int64_t later = kBegin + model::kTagKeptNs;
  manifest = Fold(manifest, Logged(11, 1), later);
  EXPECT_EQ(manifest.requests.size(), 11u);  // just kept
  EXPECT_EQ(manifest.requests_since_ns, 0);
  manifest = Fold(manifest, {}, later + 1);
  ASSERT_EQ(manifest.requests.size(), 1u);
  EXPECT_EQ(manifest.requests_since_ns, kBegin);
  // What was sent before is not known; what was sent after did not take place.
  EXPECT_EQ(Find(manifest, 5, kBegin, later).status().code(), StatusCode::kDeadlineExceeded);
  const auto after = Find(manifest, 5, kBegin + 1, later);
  EXPECT_TRUE(after.ok() && !*after);
  EXPECT_TRUE(Find(manifest, 11, kBegin - 5, later).ok());  // it is there still
}

TEST(Requests, AreBoundedInNumber) {
  Manifest manifest = Fold(Manifest(), Logged(1, kListedRequestsMax), kBegin);
  manifest = Fold(manifest, Logged(1'000'000, 3), kBegin + 1);
  EXPECT_EQ(manifest.requests.size(), kListedRequestsMax);
  EXPECT_EQ(manifest.requests.front().id, 4u);
  EXPECT_EQ(manifest.requests.back().id, 1'000'002u);
  EXPECT_EQ(Find(manifest, 1, kBegin, kBegin + 2).status().code(), StatusCode::kDeadlineExceeded);
}

TEST(Requests, OfAnEarlierBootDoNotMatter) {
  Manifest manifest = Fold(Manifest(), Logged(1, 10), kBegin);
  manifest = Fold(manifest, Logged(11, 1), kBegin + 2 * model::kTagKeptNs);
  EXPECT_EQ(manifest.requests_since_ns, kBegin);
  const int64_t now_ns = 5 * kSecond;  // the clock starts anew
  const auto found = Find(manifest, 20, now_ns - 1, now_ns);
  EXPECT_TRUE(found.ok() && !*found);
  manifest = Fold(manifest, Logged(20, 1), now_ns);
  EXPECT_EQ(manifest.requests.size(), 1u);
  EXPECT_EQ(manifest.requests_since_ns, 0);
}

}  // namespace
}  // namespace chroma::segment
