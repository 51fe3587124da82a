#include "cli/browse/screen.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <filesystem>
#include <utility>

// The wide characters of X/Open.
#ifndef _XOPEN_SOURCE_EXTENDED
#define _XOPEN_SOURCE_EXTENDED 1
#endif
#include <ncurses.h>

#include "cli/terminal.h"
#include "runtime/file_system.h"

namespace chroma::cli {
namespace {

constexpr int kEscapeWaitMs = 25;
constexpr short kTitlePair = 1;
constexpr short kChosenPair = 2;
constexpr short kBadPair = 3;

attr_t AttributesOf(Look look) {
  switch (look) {
    case Look::kPlain:
      return A_NORMAL;
    case Look::kBold:
      return A_BOLD;
    case Look::kDim:
      return A_DIM;
    case Look::kTitle:
      return has_colors() ? COLOR_PAIR(kTitlePair) | A_BOLD : A_BOLD;
    case Look::kChosen:
      return has_colors() ? COLOR_PAIR(kChosenPair) : A_REVERSE;
    case Look::kBad:
      return has_colors() ? COLOR_PAIR(kBadPair) | A_BOLD : A_BOLD;
  }
  return A_NORMAL;
}

int32_t KeyOf(wint_t key, bool is_function_key) {
  if (!is_function_key) {
    switch (key) {
      case L'\n':
      case L'\r':
        return kKeyEnter;
      case 27:
        return kKeyEscape;
      case 8:
      case 127:
        return kKeyBackspace;
      default:
        return static_cast<int32_t>(key);
    }
  }
  switch (key) {
    case KEY_UP:
      return kKeyUp;
    case KEY_DOWN:
      return kKeyDown;
    case KEY_LEFT:
      return kKeyLeft;
    case KEY_RIGHT:
      return kKeyRight;
    case KEY_PPAGE:
      return kKeyPageUp;
    case KEY_NPAGE:
      return kKeyPageDown;
    case KEY_HOME:
      return kKeyHome;
    case KEY_END:
      return kKeyEnd;
    case KEY_ENTER:
      return kKeyEnter;
    case KEY_BACKSPACE:
      return kKeyBackspace;
    case KEY_DC:
      return kKeyDelete;
    case KEY_RESIZE:
      return kKeyResize;
    default:
      return kKeyNone;
  }
}

std::string ToUtf8(const std::u32string& text) {
  std::string bytes;
  for (const char32_t c : text) {
    char buffer[MB_LEN_MAX];
    std::mbstate_t state{};
    const size_t size = std::wcrtomb(buffer, static_cast<wchar_t>(c), &state);
    if (size != static_cast<size_t>(-1)) bytes.append(buffer, size);
  }
  return bytes;
}

std::u32string FromUtf8(const std::string& text) {
  std::u32string characters;
  std::mbstate_t state{};
  for (size_t i = 0; i < text.size();) {
    wchar_t c = 0;
    const size_t size = std::mbrtowc(&c, text.data() + i, text.size() - i, &state);
    if (size == static_cast<size_t>(-1) || size == static_cast<size_t>(-2)) {
      state = {};
      ++i;
      continue;
    }
    characters += static_cast<char32_t>(c);
    i += std::max<size_t>(size, 1);
  }
  return characters;
}

// In single quotes, for the shell.
std::string ShellQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Result<Screen> Screen::Open(bool light) {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
    return Status::FailedPrecondition(
        "this needs a terminal; `chroma query` prints records for programs");
  }
  // Text is UTF-8 whatever the user's language is.
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX < 4) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
  SCREEN* made = newterm(nullptr, stdout, stdin);
  if (made == nullptr) {
    return Status::FailedPrecondition("the terminal is of no known kind; set TERM, e.g. to xterm");
  }
  set_term(made);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  set_escdelay(kEscapeWaitMs);
  curs_set(0);
  if (has_colors() && std::getenv("NO_COLOR") == nullptr) {
    start_color();
    use_default_colors();
    init_pair(kTitlePair, COLOR_WHITE, COLOR_BLUE);
    init_pair(kChosenPair, light ? COLOR_WHITE : COLOR_BLACK, light ? COLOR_BLUE : COLOR_CYAN);
    init_pair(kBadPair, COLOR_RED, -1);
  }
  Screen screen;
  screen.open_ = true;
  return screen;
}

Screen::Screen(Screen&& other) noexcept : open_(std::exchange(other.open_, false)) {}

Screen::~Screen() {
  if (open_) endwin();
}

int Screen::rows() const {
  return getmaxy(stdscr);
}

int Screen::columns() const {
  return getmaxx(stdscr);
}

void Screen::Clear() {
  erase();
}

void Screen::Put(int row, int column, std::string_view text, Look look, bool fill) {
  const int room = columns() - column;
  if (row < 0 || row >= rows() || room <= 0) return;
  std::string line = OneLine(text, static_cast<size_t>(room));
  if (fill) line.append(static_cast<size_t>(room) - std::min(WidthOf(line), size_t(room)), ' ');
  attr_set(AttributesOf(look) & ~A_COLOR, static_cast<short>(PAIR_NUMBER(AttributesOf(look))),
           nullptr);
  mvaddnstr(row, column, line.c_str(), static_cast<int>(line.size()));
  attr_set(A_NORMAL, 0, nullptr);
}

void Screen::Show() {
  refresh();
}

int32_t Screen::ReadKey() {
  wint_t key = 0;
  errno = 0;
  const int kind = get_wch(&key);
  // Bytes that are no character, as of a paste in another encoding, end nothing.
  if (kind == ERR) return errno == EINTR || errno == EILSEQ ? kKeyNone : kKeyGone;
  return KeyOf(key, kind == KEY_CODE_YES);
}

std::optional<std::string> Screen::Ask(const std::string& question, const std::string& initial) {
  std::u32string text = FromUtf8(initial);
  size_t cursor = text.size();
  curs_set(1);
  for (;;) {
    const int row = rows() - 1;
    const auto room = static_cast<size_t>(std::max(columns() - 1, 10));
    std::string label = OneLine(question + " ", room / 2);
    const size_t label_width = WidthOf(label);
    // What fits before the cursor.
    size_t begin = cursor;
    for (size_t width = label_width + 1; begin > 0; --begin) {
      width += WidthOf(ToUtf8(text.substr(begin - 1, 1)));
      if (width > room) break;
    }
    Put(row, 0, label, Look::kBold, true);
    Put(row, static_cast<int>(label_width), ToUtf8(text.substr(begin)), Look::kPlain, true);
    move(row, static_cast<int>(label_width + WidthOf(ToUtf8(text.substr(begin, cursor - begin)))));
    Show();
    const int32_t key = ReadKey();
    if (key == kKeyEnter || key == kKeyEscape || key == kKeyGone) {
      curs_set(0);
      if (key != kKeyEnter) return std::nullopt;
      return ToUtf8(text);
    }
    if (key == kKeyLeft && cursor > 0) --cursor;
    if (key == kKeyRight && cursor < text.size()) ++cursor;
    if (key == kKeyHome || key == 1) cursor = 0;
    if (key == kKeyEnd || key == 5) cursor = text.size();
    if (key == kKeyBackspace && cursor > 0) text.erase(--cursor, 1);
    if (key == kKeyDelete && cursor < text.size()) text.erase(cursor, 1);
    constexpr int32_t kControlU = 21;
    if (key == kControlU) text.erase(0, std::exchange(cursor, 0));
    if (key >= 32) text.insert(cursor++, 1, static_cast<char32_t>(key));
  }
}

bool Screen::Confirm(const std::string& question) {
  int32_t key = kKeyNone;
  while (key == kKeyNone || key == kKeyResize) {
    Put(rows() - 1, 0, question + " [y/N]", Look::kBad, true);
    Show();
    key = ReadKey();
  }
  return key == 'y' || key == 'Y';
}

Result<std::optional<std::string>> Screen::EditElsewhere(const std::string& text) {
  const char* editor = std::getenv("VISUAL");
  if (editor == nullptr || *editor == '\0') editor = std::getenv("EDITOR");
  if (editor == nullptr || *editor == '\0') return std::optional<std::string>();
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::temp_directory_path(error);
  std::string path = (directory / "chroma-browse-XXXXXX").string();
  const int fd = mkstemp(path.data());
  if (fd < 0) return Status::Internal("no temporary file can be made in " + directory.string());
  close(fd);
  runtime::FileSystem& files = runtime::FileSystem::System();
  const auto edit = [&]() -> Result<std::optional<std::string>> {
    CHROMA_ASSIGN(const auto file, files.Open(path, runtime::OpenMode::kReadWrite));
    CHROMA_TRY(file->WriteAt(0, text));
    def_prog_mode();
    endwin();
    const int done = std::system((std::string(editor) + " " + ShellQuoted(path)).c_str());
    reset_prog_mode();
    clearok(stdscr, TRUE);
    if (done != 0) return Status::FailedPrecondition(std::string(editor) + " failed");
    CHROMA_ASSIGN(std::string edited, runtime::ReadWholeFile(files, path));
    // Editors end the last line.
    if (edited.ends_with('\n') && !text.ends_with('\n')) edited.pop_back();
    return std::optional<std::string>(std::move(edited));
  };
  Result<std::optional<std::string>> edited = edit();
  static_cast<void>(files.Remove(path));
  return edited;
}

}  // namespace chroma::cli
