#include "gateway/peer.h"

#include <charconv>

namespace chroma::gateway {
namespace {

// Takes a number and the space after it, or at the end nothing.
template <typename T>
bool TakeNumber(std::string_view& text, T* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != ' ') return false;
  text.remove_prefix(1);
  return !text.empty();
}

}  // namespace

std::string EncodeTag(const model::RequestTag& tag) {
  return std::to_string(tag.id) + " " + std::to_string(tag.sent_ns) + (tag.repeated ? " 1" : " 0");
}

std::optional<model::RequestTag> ParseTag(std::string_view text) {
  model::RequestTag tag;
  int repeated = 0;
  const bool read = TakeNumber(text, &tag.id) && TakeNumber(text, &tag.sent_ns) &&
                    TakeNumber(text, &repeated) && text.empty();
  if (!read || tag.id == 0 || (repeated != 0 && repeated != 1)) return std::nullopt;
  tag.repeated = repeated == 1;
  return tag;
}

}  // namespace chroma::gateway
