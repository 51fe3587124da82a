#include "http/chunked.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace chroma::http {
namespace {

using State = ChunkedDecoder::State;

struct Decoded {
  State state;
  std::string body;
  std::string rest;
};

// Feeds `text` in pieces of at most `piece_max` bytes.
Decoded DecodeInPieces(std::string_view text, size_t piece_max) {
  ChunkedDecoder decoder;
  Decoded decoded{State::kNeedMore, "", ""};
  while (!text.empty() && decoded.state == State::kNeedMore) {
    const size_t n = std::min(piece_max, text.size());
    std::string_view in = text.substr(0, n);
    std::string_view data;
    while ((decoded.state = decoder.Decode(in, data)) == State::kData) decoded.body.append(data);
    text.remove_prefix(n - in.size());
  }
  decoded.rest = text;
  return decoded;
}

TEST(ChunkedTest, DecodesInPiecesOfAnySize) {
  const std::string text =
      "5\r\nhello\r\n0006 ; a=\"b\"\r\n world\r\n1\r\n\n\r\n0\r\nt: 1\r\nu: 2\r\n\r\nGET";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    const Decoded decoded = DecodeInPieces(text, piece);
    EXPECT_EQ(decoded.state, State::kDone) << piece;
    EXPECT_EQ(decoded.body, "hello world\n");
    EXPECT_EQ(decoded.rest, "GET");
  }
}

TEST(ChunkedTest, DecodesTheEmptyBody) {
  for (size_t piece = 1; piece <= 5; ++piece) {
    EXPECT_EQ(DecodeInPieces("0\r\n\r\n", piece).state, State::kDone);
  }
}

TEST(ChunkedTest, RefusesBadFraming) {
  const std::string long_text(5000, 'x');
  for (const std::string& bad :
       {std::string("\r\n"), std::string("g\r\n"), std::string("-1\r\n"), std::string("0x5\r\n"),
        std::string(" 5\r\n"), std::string("5\nhello"), std::string("5\rx"),
        std::string("5\r\nhello!\r\n"), std::string("5\r\nhello\n"), std::string("5\r\nhello\rx"),
        std::string("1000000000000000\r\n"), "5;" + long_text, "0\r\n" + long_text,
        std::string("5;a\nb"), std::string("0\r\na\nb"), std::string("0\r\n\rx"),
        std::string("0\r\na\rb"), std::string("5;\0", 3)}) {
    EXPECT_EQ(DecodeInPieces(bad, bad.size()).state, State::kInvalid) << bad.substr(0, 30);
    EXPECT_EQ(DecodeInPieces(bad, 1).state, State::kInvalid) << bad.substr(0, 30);
  }
}

TEST(ChunkedTest, AnyBytesGiveTheSameInAnyPieces) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr std::string_view kAlphabet = "0123a;\r\n\r\n\r\n x";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 2 == 0 ? "3\r\nabc\r\n" : "";
    for (int i = 0; i < 12; ++i) text += kAlphabet[random() % kAlphabet.size()];
    const Decoded whole = DecodeInPieces(text, text.size());
    const Decoded bytes = DecodeInPieces(text, 1);
    ASSERT_EQ(whole.state, bytes.state) << text;
    ASSERT_EQ(whole.body, bytes.body) << text;
    ASSERT_EQ(whole.rest, bytes.rest) << text;
  }
}

}  // namespace
}  // namespace chroma::http
