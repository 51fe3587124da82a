#include "http/head_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace chroma::http {
namespace {

TEST(HeadParserTest, FindsTheEndInPiecesOfAnySize) {
  const std::string text = "GET / HTTP/1.1\r\na: b\r\n\r\nrest";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    size_t scanned = 0;
    HeadEnd end{HeadEnd::Kind::kNeedMore};
    for (size_t size = piece; end.kind == HeadEnd::Kind::kNeedMore; size += piece) {
      end = FindHeadEnd(std::string_view(text).substr(0, size), scanned);
      if (size < 24) {
        EXPECT_EQ(end.kind, HeadEnd::Kind::kNeedMore) << size;
      }
    }
    EXPECT_EQ(end.kind, HeadEnd::Kind::kFound);
    EXPECT_EQ(end.size_bytes, 24u);
  }
}

TEST(HeadParserTest, SeesEarlyThatBytesAreNoHead) {
  for (const std::string& bad : {std::string("\nGET"), std::string("GET / HTTP/1.1\na: b"),
                                 std::string("GET /\0", 6), std::string("a\r\n\n")}) {
    size_t scanned = 0;
    EXPECT_EQ(FindHeadEnd(bad, scanned).kind, HeadEnd::Kind::kInvalid);
  }
}

TEST(HeadParserTest, KeepsWhatWasSent) {
  ParsedHead parsed;
  ASSERT_EQ(ParseHead("PATCH /a%2Fb?c=d%20e HTTP/1.1\r\nHost: x\r\nX-Token:  a b \r\nx-token: "
                      "second\r\nempty:\r\ncontent-length: 12\r\n\r\n",
                      parsed),
            0);
  const Request& request = parsed.request;
  EXPECT_EQ(request.method, Method::kPatch);
  EXPECT_EQ(request.method_token, "PATCH");
  EXPECT_EQ(request.target, "/a%2Fb?c=d%20e");
  EXPECT_EQ(request.path(), "/a%2Fb");
  EXPECT_EQ(request.query(), "c=d%20e");
  EXPECT_EQ(request.version, 11);
  ASSERT_NE(request.Find("x-token"), nullptr);
  EXPECT_EQ(*request.Find("x-token"), "a b");
  EXPECT_EQ(*request.Find("empty"), "");
  EXPECT_EQ(request.Find("X-Token"), nullptr);
  EXPECT_EQ(parsed.content_length, 12u);
  EXPECT_TRUE(parsed.keep_alive);
  EXPECT_FALSE(parsed.expects_continue);
}

TEST(HeadParserTest, KeepsUnknownMethods) {
  ParsedHead parsed;
  ASSERT_EQ(ParseHead("get / HTTP/1.0\r\n\r\n", parsed), 0);
  EXPECT_EQ(parsed.request.method, Method::kOther);
  EXPECT_EQ(parsed.request.method_token, "get");
  EXPECT_FALSE(parsed.keep_alive);
}

TEST(HeadParserTest, ExpectsContinueOnlyForABodyInHttp11) {
  ParsedHead parsed;
  ASSERT_EQ(
      ParseHead("POST / HTTP/1.1\r\nExpect: 100-Continue\r\ncontent-length: 1\r\n\r\n", parsed), 0);
  EXPECT_TRUE(parsed.expects_continue);
  ASSERT_EQ(
      ParseHead("POST / HTTP/1.0\r\nExpect: 100-continue\r\ncontent-length: 1\r\n\r\n", parsed), 0);
  EXPECT_FALSE(parsed.expects_continue);
  ASSERT_EQ(ParseHead("GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", parsed), 0);
  EXPECT_FALSE(parsed.expects_continue);
}

// Whatever the bytes, it answers with 0 or an error of the client, and reads nothing else.
TEST(HeadParserTest, SurvivesChangedBytes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string valid =
      "POST /a?b HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nconnection: keep-alive\r\n"
      "expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = valid;
    for (uint32_t changes = random() % 4 + 1; changes > 0; --changes) {
      const size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, random() % 30);
        text += "\r\n";
      } else {
        text[at] = static_cast<char>(random());
      }
    }
    size_t scanned = 0;
    const HeadEnd end = FindHeadEnd(text, scanned);
    if (end.kind != HeadEnd::Kind::kFound) continue;
    ParsedHead parsed;
    const int status = ParseHead(std::string_view(text).substr(0, end.size_bytes), parsed);
    ASSERT_TRUE(status == 0 || status == 400 || status == 501 || status == 505) << text;
    ASSERT_FALSE(status == 0 && parsed.chunked && parsed.content_length > 0) << text;
  }
}

}  // namespace
}  // namespace chroma::http
