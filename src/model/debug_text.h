// Text in the form that upstream's messages print values in.
#pragma once

#include <string>
#include <string_view>

namespace chroma::model {

// `text` in quotes, escaped as Rust's Debug of a string: \" \\ \0 \t \r \n and \u{…} for the
// other control characters; everything else as it is.
std::string DebugQuoted(std::string_view text);

}  // namespace chroma::model
