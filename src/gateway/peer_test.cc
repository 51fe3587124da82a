#include "gateway/peer.h"

#include <gtest/gtest.h>

namespace chroma::gateway {
namespace {

TEST(PeerTag, RoundTrip) {
  for (const model::RequestTag& tag :
       {model::RequestTag{1, 0, false}, model::RequestTag{UINT64_MAX, INT64_MAX, true},
        model::RequestTag{0x0123456789abcdef, -5, true}}) {
    const auto parsed = ParseTag(EncodeTag(tag));
    ASSERT_TRUE(parsed) << EncodeTag(tag);
    EXPECT_EQ(parsed->id, tag.id);
    EXPECT_EQ(parsed->sent_ns, tag.sent_ns);
    EXPECT_EQ(parsed->repeated, tag.repeated);
  }
}

TEST(PeerTag, RefusesWhatIsNone) {
  for (const char* text :
       {"", " ", "1", "1 2", "1 2 ", "1 2 3", "1 2 1 ", "1 2 1 1", "0 2 1", "g 2 1", "1  2 1",
        "18446744073709551616 2 1", "1 9223372036854775808 1", "1,2,1", "-1 2 1"}) {
    EXPECT_FALSE(ParseTag(text)) << text;
  }
}

}  // namespace
}  // namespace chroma::gateway
