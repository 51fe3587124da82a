// A terminal in full: text at places, keys, questions at the bottom line. Over ncurses, whose
// header stays in screen.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chroma/status.h"

namespace chroma::cli {

enum class Look : uint8_t { kPlain, kBold, kDim, kTitle, kChosen, kBad };

// Keys that are no characters; characters are their code points.
enum Key : int32_t {
  kKeyUp = -100,
  kKeyDown,
  kKeyLeft,
  kKeyRight,
  kKeyPageUp,
  kKeyPageDown,
  kKeyHome,
  kKeyEnd,
  kKeyEnter,
  kKeyEscape,
  kKeyBackspace,
  kKeyDelete,
  kKeyResize,
  kKeyNone,
  kKeyGone,  // nobody types any more: the terminal is closed
};

// One at a time, on one thread.
class Screen {
 public:
  // kFailedPrecondition where stdin or stdout is no terminal. `light`: for a light background.
  static Result<Screen> Open(bool light);
  ~Screen();  // the terminal is as it was
  Screen(Screen&& other) noexcept;
  Screen& operator=(Screen&&) = delete;

  int rows() const;
  int columns() const;
  void Clear();
  // Cut at the right edge; line ends and control characters are blanks. `fill`: to the edge.
  void Put(int row, int column, std::string_view text, Look look = Look::kPlain, bool fill = false);
  void Show();
  int32_t ReadKey();

  // A line at the bottom, edited by the user; none when given up with Escape.
  std::optional<std::string> Ask(const std::string& question, const std::string& initial = "");
  bool Confirm(const std::string& question);
  // The text after $VISUAL or $EDITOR had it; none where neither is set, or it failed.
  Result<std::optional<std::string>> EditElsewhere(const std::string& text);

 private:
  Screen() = default;
  bool open_ = false;
};

}  // namespace chroma::cli
