#include "runtime/test_points.h"

#ifdef CHROMA_TEST_POINTS

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <utility>

namespace chroma::runtime {
namespace {

TestPointObserver observer;  // set while nothing else runs

// Of this process's environment; "" when it is not set.
std::string_view Variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string_view() : text;
}

std::string_view planted_bug = Variable("CHROMA_PLANT_BUG");  // set while nothing else runs

struct KillOrder {
  std::string name;
  std::atomic<int> passes_left{0};
  KillOrder() {
    const char* text = std::getenv("CHROMA_KILL_AT");
    if (text == nullptr) return;
    const std::string_view order = text;
    const size_t colon = order.rfind(':');
    name = order.substr(0, colon);
    int passes = 1;
    if (colon != std::string_view::npos) {
      std::from_chars(order.data() + colon + 1, order.data() + order.size(), passes);
    }
    passes_left = passes;
  }
};

}  // namespace

void SetTestPointObserver(TestPointObserver called) { observer = std::move(called); }

void PassTestPoint(std::string_view name) {
  if (observer) {
    observer(name);
    return;
  }
  static KillOrder order;
  if (order.name == name && order.passes_left.fetch_sub(1) == 1) kill(getpid(), SIGKILL);
}

void PlantBug(std::string_view bug) { planted_bug = bug; }
bool IsBugPlanted(std::string_view bug) { return !planted_bug.empty() && planted_bug == bug; }

}  // namespace chroma::runtime

#endif
