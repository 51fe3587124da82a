// What a user sees in the terminal once the server is there.
#pragma once

#include <string>

namespace chroma::cli {

struct BannerFacts {
  std::string version;
  std::string host;  // as listened on
  int port = 0;
  std::string path;  // of the data
};

// The URL under which this machine reaches a server that listens on `host`.
std::string LocalUrl(const std::string& host, int port);

// Several lines; `color` adds terminal escapes.
std::string Banner(const BannerFacts& facts, bool color);

}  // namespace chroma::cli
