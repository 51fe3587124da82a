// Where a command talks to its user: data goes to stdout, talk to stderr. Colours and progress bars
// are for terminals only; NO_COLOR and TERM=dumb switch colours off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chroma/status.h"

namespace chroma::cli {

enum class Style : uint8_t { kPlain, kBold, kDim, kGood, kBad, kWarning, kLink };

class Terminal {
 public:
  Terminal();

  // Data, as it is.
  void Print(std::string_view text);
  // One line of talk.
  void Say(std::string_view line);

  // `text` with the escapes of a style, where stdout, or stderr, takes colours.
  std::string Paint(Style style, std::string_view text) const;
  std::string PaintTalk(Style style, std::string_view text) const;

  bool prints_to_terminal() const { return out_is_terminal_; }
  bool talks_to_terminal() const { return talk_is_terminal_; }
  bool asks_terminal() const { return in_is_terminal_; }
  // Columns of the terminal; 80 where there is none.
  int width() const;

  // Whether the user says yes. kFailedPrecondition, naming `option` as the way to say it
  // beforehand, where there is nobody to ask.
  Result<bool> Confirm(const std::string& question, const std::string& option) const;
  // A line from stdin, without its end; `secret` is not shown. kFailedPrecondition at its end.
  Result<std::string> Ask(const std::string& prompt, bool secret = false) const;

  // kResourceExhausted where what was printed could not be written, kCancelled where nobody reads
  // it any more.
  Status Flush() const;

 private:
  bool in_is_terminal_;
  bool out_is_terminal_;
  bool talk_is_terminal_;
  bool color_;
};

// A table of text whose columns are as wide as they need to be, two blanks apart; numbers align at
// the right. Without a header for an empty one.
class TextTable {
 public:
  struct Column {
    std::string name;
    bool is_number = false;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // Cells are text from anywhere, each shown as one line.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // The header painted.
  std::string ToText(const Terminal& terminal) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// 1234567 → "1,234,567"; 1536000 bytes → "1.5 MB"; 1.5e9 ns → "1.50 s".
std::string CountText(uint64_t count);
std::string SizeText(uint64_t bytes);
std::string DurationText(int64_t ns);
// How many columns of a terminal a text takes; characters of more than one column count as such.
size_t WidthOf(std::string_view text);
// Of text from a database: at most `columns` wide, line ends and control characters as blanks.
std::string OneLine(std::string_view text, size_t columns);

// Of text from elsewhere, a server's message say: control characters, but for line ends, as blanks.
std::string PlainText(std::string_view text);

// Pieces of text, each at most `columns` wide, broken at blanks and line ends.
std::vector<std::string> WrapText(std::string_view text, size_t columns);

}  // namespace chroma::cli
