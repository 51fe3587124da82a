#include "cli/banner.h"

#include <string_view>

namespace chroma::cli {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kLink = "\x1b[4;34m";
constexpr std::string_view kPlain = "\x1b[0m";

}  // namespace

std::string LocalUrl(const std::string& host, int port) {
  std::string name = host;
  if (host.empty() || host == "0.0.0.0" || host == "::") {
    name = "localhost";
  } else if (host.find(':') != std::string::npos) {
    name = "[" + host + "]";
  }
  return "http://" + name + ":" + std::to_string(port);
}

std::string Banner(const BannerFacts& facts, bool color) {
  const auto paint = [color](std::string_view how, const std::string& text) {
    return color ? std::string(how) + text + std::string(kPlain) : text;
  };
  const auto line = [&](const std::string& label, const std::string& value) {
    return "  " + paint(kDim, label + std::string(10 - label.size(), ' ')) + value + "\n";
  };
  const std::string url = LocalUrl(facts.host, facts.port);
  std::string text = "\n  " + paint(kBold, "chroma " + facts.version) + "\n\n";
  text += line("Address", paint(kLink, url));
  text += line("API docs", paint(kLink, url + "/docs"));
  text += line("Data", facts.path);
  text += line("Stop", "Ctrl-C");
  return text + "\n";
}

}  // namespace chroma::cli
