// A progress bar on stderr, where that is a terminal: nothing otherwise.
#pragma once

#include <cstdint>
#include <string>

#include "cli/terminal.h"

namespace chroma::cli {

// For one thread. Shown anew at most ten times a second; gone when destroyed.
class Progress {
 public:
  // `total` 0: unknown, which shows a count.
  Progress(const Terminal& terminal, std::string label, uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Advance(uint64_t count = 1) { Set(done_ + count); }
  void Set(uint64_t done);
  void SetTotal(uint64_t total) { total_ = total; }
  // Clears it, so that a line can be said; the next Set shows it again.
  void Hide();

 private:
  void Show();

  const Terminal& terminal_;
  const std::string label_;
  uint64_t total_;
  uint64_t done_ = 0;
  const int64_t begin_ns_;
  int64_t shown_ns_ = 0;
  bool visible_ = false;
};

}  // namespace chroma::cli
