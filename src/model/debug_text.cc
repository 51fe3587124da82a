#include "model/debug_text.h"

namespace chroma::model {

std::string DebugQuoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
      case '\\':
        quoted += '\\';
        quoted += c;
        break;
      case '\0':
        quoted += "\\0";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\n':
        quoted += "\\n";
        break;
      default:
        if (byte >= 0x20 && byte != 0x7f) {
          quoted += c;
          break;
        }
        quoted += "\\u{";
        if (byte >= 0x10) quoted += kHex[byte >> 4];
        quoted += kHex[byte & 0xf];
        quoted += '}';
    }
  }
  quoted += '"';
  return quoted;
}

}  // namespace chroma::model
