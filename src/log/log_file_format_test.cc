#include "log/log_file_format.h"

#include <gtest/gtest.h>

namespace chroma::log {
namespace {

TEST(LogFileFormatTest, FileNames) {
  EXPECT_EQ(LogFileName(1), "0000000001.log");
  EXPECT_EQ(LogFileName(12345678901), "12345678901.log");
  for (uint64_t number : {uint64_t{1}, uint64_t{9999999999}, uint64_t{12345678901}}) {
    EXPECT_EQ(ParseLogFileName(LogFileName(number)), number);
  }
  for (const char* name : {"", ".log", "1.log", "state", "000000000x.log", "0000000001.log.tmp",
                           "00000000001.log", "9999999999999999999.log", "0000000000.log"}) {
    EXPECT_EQ(ParseLogFileName(name), 0u) << name;
  }
}

TEST(LogFileFormatTest, FramesArePadded) {
  EXPECT_EQ(FrameBytes(0), 80u);
  EXPECT_EQ(FrameBytes(1), 88u);
  EXPECT_EQ(FrameBytes(8), 88u);
  EXPECT_EQ(FrameBytes(UINT32_MAX), (uint64_t{1} << 32) + 80);
}

TEST(LogFileFormatTest, AFileHeaderIsWholeOrRefused) {
  FileHeader header;
  header.number = 7;
  header.first_offset = 11;
  header.salt = 13;
  const Bytes bytes = EncodeFileHeader(header);
  auto decoded = DecodeFileHeader(bytes, 7, "f");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->first_offset, 11u);
  EXPECT_EQ(decoded->salt, 13u);
  EXPECT_EQ(DecodeFileHeader(bytes, 8, "f").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(DecodeFileHeader(bytes.substr(1), 7, "f").status().code(), StatusCode::kDataLoss);
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] ^= 16;
    EXPECT_FALSE(DecodeFileHeader(flipped, 7, "f").ok()) << i;
  }
  header.version = 2;
  EXPECT_EQ(DecodeFileHeader(EncodeFileHeader(header), 7, "f").status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(LogFileFormatTest, AFrameHeaderBelongsToOnePlace) {
  FrameHeader frame;
  frame.position = 800;
  frame.durable_to = 400;
  frame.payload_bytes = 5;
  Bytes bytes;
  PutFrameHeader(bytes, frame, 99);
  FrameHeader read;
  ASSERT_TRUE(ReadFrameHeader(bytes, 99, 800, read));
  EXPECT_EQ(read.payload_bytes, 5u);
  EXPECT_FALSE(ReadFrameHeader(bytes, 98, 800, read)) << "another file";
  EXPECT_FALSE(ReadFrameHeader(bytes, 99, 808, read)) << "another place";
  EXPECT_FALSE(ReadFrameHeader(bytes.substr(0, 79), 99, 800, read));
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] ^= 1;
    EXPECT_FALSE(ReadFrameHeader(flipped, 99, 800, read)) << i;
  }
}

TEST(LogFileFormatTest, TheChainDependsOnOrder) {
  FrameHeader a;
  FrameHeader b;
  a.checksum = 1;
  b.checksum = 2;
  const uint64_t start = StartChain(5);
  EXPECT_NE(ExtendChain(ExtendChain(start, a), b), ExtendChain(ExtendChain(start, b), a));
}

}  // namespace
}  // namespace chroma::log
