#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <utility>

namespace chroma::cli {
namespace {

constexpr int kUsualWidth = 80;
constexpr size_t kGap = 2;  // between the columns of a table

// Why stdout, which is one for all, did not take what was printed; Flush tells it.
int print_errno = 0;

bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return term == nullptr || std::strcmp(term, "dumb") != 0;
}

std::string_view EscapeOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kBad:
      return "\x1b[31m";
    case Style::kWarning:
      return "\x1b[33m";
    case Style::kLink:
      return "\x1b[4;34m";
  }
  return "";
}

std::string Painted(bool color, Style style, std::string_view text) {
  if (!color || style == Style::kPlain) return std::string(text);
  return std::string(EscapeOf(style)) + std::string(text) + "\x1b[0m";
}

std::string WithUnit(const char* format, double value, const char* unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return std::string(text.data()) + " " + unit;
}

// The next character of UTF-8 text, which is cut off; U+FFFD for what is none.
char32_t TakeCharacter(std::string_view* text) {
  constexpr char32_t kReplacement = 0xFFFD;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>((*text)[i]); };
  const unsigned char first = byte(0);
  size_t size = 1;
  char32_t value = first;
  if (first >= 0xF0 && first < 0xF8) {
    size = 4;
    value = first & 0x07U;
  } else if (first >= 0xE0 && first < 0xF0) {
    size = 3;
    value = first & 0x0FU;
  } else if (first >= 0xC0 && first < 0xE0) {
    size = 2;
    value = first & 0x1FU;
  } else if (first >= 0x80) {
    value = kReplacement;
  }
  if (size > text->size()) {
    text->remove_prefix(1);
    return kReplacement;
  }
  for (size_t i = 1; i < size; ++i) value = value << 6U | (byte(i) & 0x3FU);
  text->remove_prefix(size);
  return value;
}

// What is not to be shown: it would move the cursor, or turn text around, as an override of its
// direction does.
bool IsControl(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C || c == 0xFEFF;
}

// wcwidth depends on the locale, which programs in C++ do not set by themselves.
size_t WidthOf(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return 0;
  const bool combines = (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) ||
                        (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F);
  if (combines) return 0;
  const bool is_wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                       (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                       (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                       (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return is_wide ? 2 : 1;
}

}  // namespace

Terminal::Terminal()
    : in_is_terminal_(isatty(STDIN_FILENO) == 1),
      out_is_terminal_(isatty(STDOUT_FILENO) == 1),
      talk_is_terminal_(isatty(STDERR_FILENO) == 1),
      color_(WantsColor()) {}

void Terminal::Print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return;
  if (print_errno == 0) print_errno = errno;
}

void Terminal::Say(std::string_view line) {
  // What was printed before comes first where both are one terminal.
  std::fflush(stdout);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

std::string Terminal::Paint(Style style, std::string_view text) const {
  return Painted(color_ && out_is_terminal_, style, text);
}

std::string Terminal::PaintTalk(Style style, std::string_view text) const {
  return Painted(color_ && talk_is_terminal_, style, text);
}

int Terminal::width() const {
  struct winsize size {};
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return kUsualWidth;
}

Result<bool> Terminal::Confirm(const std::string& question, const std::string& option) const {
  if (!in_is_terminal_) {
    return Status::FailedPrecondition(question + " Nobody can be asked; say yes by " + option);
  }
  CHROMA_ASSIGN(const std::string answer, Ask(question + " [y/N] "));
  return answer == "y" || answer == "Y" || answer == "yes";
}

Result<std::string> Terminal::Ask(const std::string& prompt, bool secret) const {
  std::fflush(stdout);
  if (in_is_terminal_) std::fputs(prompt.c_str(), stderr);
  struct termios before {};
  const bool hide = secret && in_is_terminal_ && tcgetattr(STDIN_FILENO, &before) == 0;
  if (hide) {
    struct termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  int c = std::getchar();
  const bool ended = c == EOF;
  for (; c != EOF && c != '\n'; c = std::getchar()) line += static_cast<char>(c);
  if (hide) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputc('\n', stderr);
  }
  if (ended) return Status::FailedPrecondition("no answer on stdin to: " + prompt);
  return line;
}

Status Terminal::Flush() const {
  errno = 0;
  if (std::fflush(stdout) == 0 && print_errno == 0) return Status::Ok();
  // Whoever reads has had enough, as `head` has.
  if ((print_errno != 0 ? print_errno : errno) == EPIPE) {
    return Status::Cancelled("nobody reads the output any more");
  }
  return Status::ResourceExhausted("the output could not be written");
}

void TextTable::Add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = OneLine(cell, SIZE_MAX);
  rows_.push_back(std::move(cells));
}

std::string TextTable::ToText(const Terminal& terminal) const {
  std::vector<size_t> widths;
  widths.reserve(columns_.size());
  for (const Column& column : columns_) widths.push_back(WidthOf(column.name));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], WidthOf(row[i]));
  }
  const auto line = [&](auto cell_of) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string blanks(widths[i] - WidthOf(cell), ' ');
      text += columns_[i].is_number ? blanks + cell : cell + blanks;
      text.append(kGap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  std::string text;
  if (rows_.empty()) return text;
  text = terminal.Paint(Style::kBold,
                        line([&](size_t i) -> const std::string& { return columns_[i].name; })) +
         "\n";
  for (const auto& row : rows_) {
    text += line([&](size_t i) -> const std::string& { return row[i]; }) + "\n";
  }
  return text;
}

std::string CountText(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string SizeText(uint64_t bytes) {
  constexpr double kStep = 1024;
  constexpr std::array<const char*, 5> kUnits = {"KB", "MB", "GB", "TB", "PB"};
  if (bytes < static_cast<uint64_t>(kStep)) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / kStep;
  size_t unit = 0;
  for (; value >= kStep && unit + 1 < kUnits.size(); ++unit) value /= kStep;
  return WithUnit("%.1f", value, kUnits[unit]);
}

std::string DurationText(int64_t ns) {
  const auto value = static_cast<double>(ns);
  if (value < 1e6) return WithUnit("%.0f", value / 1e3, "µs");
  if (value < 1e9) return WithUnit("%.1f", value / 1e6, "ms");
  if (value < 120e9) return WithUnit("%.2f", value / 1e9, "s");
  return WithUnit("%.1f", value / 60e9, "min");
}

size_t WidthOf(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) width += WidthOf(TakeCharacter(&text));
  return width;
}

std::string OneLine(std::string_view text, size_t columns) {
  std::string line;
  size_t width = 0;
  size_t cut = 0;  // of `line`, where an ellipsis fits
  while (!text.empty()) {
    std::string_view rest = text;
    const char32_t c = TakeCharacter(&rest);
    const std::string_view bytes = text.substr(0, text.size() - rest.size());
    const bool is_control = IsControl(c);
    const size_t more = is_control ? 1 : WidthOf(c);
    if (width + more > columns) return line.substr(0, cut) + "…";
    line += is_control ? std::string_view(" ") : (c == 0xFFFD ? std::string_view("�") : bytes);
    width += more;
    if (width < columns) cut = line.size();
    text = rest;
  }
  return line;
}

std::string PlainText(std::string_view text) {
  std::string plain;
  for (;;) {
    const size_t end = std::min(text.find('\n'), text.size());
    plain += OneLine(text.substr(0, end), SIZE_MAX);
    if (end == text.size()) return plain;
    plain += '\n';
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> WrapText(std::string_view text, size_t columns) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    const std::string_view paragraph = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (paragraph.empty()) lines.emplace_back();
    std::string_view rest = paragraph;
    while (!rest.empty()) {
      // As many bytes as fit, then back to a blank.
      size_t fits = 0;
      while (fits < rest.size() && WidthOf(rest.substr(0, fits + 1)) <= columns) ++fits;
      while (fits < rest.size() && fits > 0 &&
             (static_cast<unsigned char>(rest[fits]) & 0xC0U) == 0x80) {
        --fits;
      }
      fits = std::max<size_t>(fits, 1);
      if (fits < rest.size()) {
        const size_t blank = rest.substr(0, fits + 1).rfind(' ');
        if (blank != std::string_view::npos && blank > 0) fits = blank;
      }
      lines.emplace_back(rest.substr(0, fits));
      rest.remove_prefix(fits);
      while (rest.starts_with(' ')) rest.remove_prefix(1);
    }
  }
  return lines;
}

}  // namespace chroma::cli
