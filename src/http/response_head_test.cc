#include "http/response_head.h"

#include <gtest/gtest.h>

namespace chroma::http {
namespace {

TEST(ResponseHeadTest, FormatsTheWholeHead) {
  const Response response{404, {{"content-type", "application/json"}}, "{}"};
  EXPECT_EQ(FormatResponseHead(response, {}, "now"),
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
            "date: now\r\n\r\n");
  EXPECT_EQ(FormatResponseHead({200, {}, {}}, {false, false, 11}, "now"),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\ndate: now\r\n\r\n");
}

TEST(ResponseHeadTest, KnowsWhichAnswersHaveABody) {
  EXPECT_TRUE(SendsBody({200, {}, "x"}, {}));
  EXPECT_FALSE(SendsBody({200, {}, "x"}, {true, true, 11}));
  EXPECT_FALSE(SendsBody({204, {}, "x"}, {}));
  EXPECT_FALSE(SendsBody({304, {}, "x"}, {}));
  EXPECT_EQ(FormatResponseHead({304, {}, {}}, {}, "now"),
            "HTTP/1.1 304 Not Modified\r\ndate: now\r\n\r\n");
}

TEST(ResponseHeadTest, FormatsDates) {
  EXPECT_EQ(FormatDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(FormatDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(FormatDate(1709164800), "Thu, 29 Feb 2024 00:00:00 GMT");
}

}  // namespace
}  // namespace chroma::http
