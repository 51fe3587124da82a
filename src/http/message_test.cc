#include "http/message.h"

#include <gtest/gtest.h>

namespace chroma::http {
namespace {

TEST(MessageTest, SplitsTargets) {
  struct Case {
    const char* target;
    const char* path;
    const char* query;
  };
  for (const Case& one :
       {Case{"/", "/", ""}, Case{"/a//b/", "/a//b/", ""}, Case{"/a?b=c?d", "/a", "b=c?d"},
        Case{"*", "*", ""}, Case{"http://host:80/a?b", "/a", "b"}, Case{"http://host", "/", ""},
        Case{"http://host?b", "/", "b"}, Case{"/a?u=http://x", "/a", "u=http://x"},
        Case{"host:80", "host:80", ""}, Case{"", "", ""}}) {
    RequestHead head;
    head.target = one.target;
    EXPECT_EQ(head.path(), one.path) << one.target;
    EXPECT_EQ(head.query(), one.query) << one.target;
  }
}

TEST(MessageTest, NamesStatuses) {
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(422), "Unprocessable Entity");
  EXPECT_EQ(ReasonPhrase(507), "Insufficient Storage");
  EXPECT_EQ(ReasonPhrase(299), "Unknown");
  EXPECT_EQ(ReasonPhrase(999), "Unknown");
}

}  // namespace
}  // namespace chroma::http
