#include "runtime/log.h"

#include <gtest/gtest.h>

#include <limits>

namespace chroma::runtime {
namespace {

constexpr int64_t kTime = 1795237433123456789;  // 2026-11-21T05:03:53.123Z

std::string Text(std::string_view event, std::initializer_list<LogField> fields) {
  return FormatLogLine(LogFormat::kText, kTime, LogLevel::kInfo, event, fields);
}
std::string Json(std::string_view event, std::initializer_list<LogField> fields) {
  return FormatLogLine(LogFormat::kJson, kTime, LogLevel::kError, event, fields);
}

TEST(Log, Text) {
  EXPECT_EQ(Text("segment written", {{"collection", "abc"}, {"rows", 5}, {"last", true}}),
            "2026-11-21T05:03:53.123Z INFO segment written collection=abc rows=5 last=true\n");
  EXPECT_EQ(Text("x", {}), "2026-11-21T05:03:53.123Z INFO x\n");
}

TEST(Log, TextQuotesWhatWouldBeAmbiguous) {
  EXPECT_EQ(Text("x", {{"a", "two words"}, {"b", ""}, {"c", "k=v"}, {"d", "say \"hi\"\\"}}),
            "2026-11-21T05:03:53.123Z INFO x a=\"two words\" b=\"\" c=\"k=v\" "
            "d=\"say \\\"hi\\\"\\\\\"\n");
  EXPECT_EQ(Text("two\nlines", {{"v", "a\nb\x01"}}),
            "2026-11-21T05:03:53.123Z INFO \"two\\nlines\" v=\"a\\nb\\u0001\"\n");
  EXPECT_EQ(Text("x", {{"v", "gr\xc3\xbc\xc3\x9f"}}),
            "2026-11-21T05:03:53.123Z INFO x v=gr\xc3\xbc\xc3\x9f\n");
}

TEST(Log, Json) {
  EXPECT_EQ(Json("write failed", {{"path", "/a \"b\""}, {"tries", 3}, {"fatal", false}}),
            "{\"time\":\"2026-11-21T05:03:53.123Z\",\"level\":\"ERROR\",\"event\":\"write failed\","
            "\"path\":\"/a \\\"b\\\"\",\"tries\":3,\"fatal\":false}\n");
  EXPECT_NE(Json("x", {{"v", std::numeric_limits<double>::quiet_NaN()}}).find("\"v\":\"nan\""),
            std::string::npos);
}

TEST(Log, BytesThatAreNotUtf8AreReplaced) {
  for (const char* bad : {"\xff", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xc3", "\xe2\x82", "\x80"}) {
    const std::string line = Json("x", {{"v", bad}});
    EXPECT_NE(line.find("\xef\xbf\xbd"), std::string::npos) << line;
  }
  for (const char* good : {"\xc2\x80", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"}) {
    EXPECT_NE(Json("x", {{"v", good}}).find(good), std::string::npos);
  }
}

TEST(Log, DropsWhatIsBelowTheMinimum) {
  ConfigureLog(LogLevel::kWarning, LogFormat::kText);
  testing::internal::CaptureStderr();
  Log(LogLevel::kInfo, "dropped");
  Log(LogLevel::kWarning, "kept", {{"n", 1}});
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("dropped"), std::string::npos);
  EXPECT_NE(written.find(" WARNING kept n=1\n"), std::string::npos);
  ConfigureLog(LogLevel::kOff, LogFormat::kText);
  EXPECT_FALSE(LogEnabled(LogLevel::kError));
  EXPECT_FALSE(LogEnabled(LogLevel::kOff));
  ConfigureLog(LogLevel::kInfo, LogFormat::kText);
}

}  // namespace
}  // namespace chroma::runtime
