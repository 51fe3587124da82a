// What each file of this folder that is named after a decoder defines: one run over one input.
// libfuzzer_main.cc calls it with inputs that libFuzzer invents, replay_main.cc with those of
// corpus/NAME/. A run that breaks a CHECK, a sanitizer or a time limit is a finding.
#pragma once

#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace chroma::fuzz {

void Run(BytesView input);

// The input up to its first line feed, and what follows: for targets whose inputs have a part
// that chooses something, readable in the seeds.
inline std::pair<std::string_view, std::string_view> SplitFirstLine(BytesView input) {
  const size_t end = input.find('\n');
  if (end == BytesView::npos) return {input, {}};
  return {input.substr(0, end), input.substr(end + 1)};
}

}  // namespace chroma::fuzz
