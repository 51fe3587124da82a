// The sample applications that this program carries (examples/samples/).
#pragma once

#include <span>
#include <string_view>

namespace chroma::cli {

struct SampleFile {
  std::string_view sample;  // "text-search"
  std::string_view path;    // "search.py"
  std::string_view text;
};

std::span<const SampleFile> SampleFiles();

}  // namespace chroma::cli
