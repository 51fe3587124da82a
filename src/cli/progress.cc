#include "cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "runtime/clock.h"

namespace chroma::cli {
namespace {

constexpr int64_t kPause = 100'000'000;
constexpr size_t kBarWidth = 24;

int64_t Now() {
  return runtime::Clock::System().MonotonicNs();
}

}  // namespace

Progress::Progress(const Terminal& terminal, std::string label, uint64_t total)
    : terminal_(terminal), label_(std::move(label)), total_(total), begin_ns_(Now()) {}

Progress::~Progress() {
  Hide();
}

void Progress::Set(uint64_t done) {
  done_ = done;
  if (!terminal_.talks_to_terminal()) return;
  const int64_t now = Now();
  if (visible_ && now - shown_ns_ < kPause) return;
  shown_ns_ = now;
  Show();
}

void Progress::Hide() {
  if (visible_) std::fputs("\r\x1b[K", stderr);
  visible_ = false;
}

void Progress::Show() {
  const double seconds = static_cast<double>(shown_ns_ - begin_ns_) / 1e9;
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string text = CountText(done_);
  if (total_ > 0) {
    const size_t filled = std::min(kBarWidth, static_cast<size_t>(kBarWidth * done_ / total_));
    std::string bar;
    for (size_t i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
    text = bar + " " + text + "/" + CountText(total_);
    if (done_ > 0 && done_ < total_ && seconds > 1) {
      text += "  " +
              DurationText(static_cast<int64_t>(1e9 * static_cast<double>(total_ - done_) / rate)) +
              " left";
    }
  }
  if (seconds > 1) text += "  " + CountText(static_cast<uint64_t>(rate)) + "/s";
  const auto columns = static_cast<size_t>(std::max(terminal_.width() - 1, 20));
  std::fprintf(stderr, "\r%s\x1b[K", OneLine(label_ + "  " + text, columns).c_str());
  std::fflush(stderr);
  visible_ = true;
}

}  // namespace chroma::cli
