#include "runtime/memory_usage.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

namespace chroma::runtime {
namespace {

constexpr const char* kGroupRoot = "/sys/fs/cgroup";

uint64_t PageBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// The number that a file of one line holds; `otherwise` where there is none, as in "max".
uint64_t NumberIn(const std::string& path, uint64_t otherwise) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return otherwise;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  return error == std::errc() ? number : otherwise;
}

// Where this process stands in the one hierarchy of control groups, version 2; empty: nowhere.
std::string ControlGroup() {
  constexpr std::string_view kPrefix = "0::";
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kPrefix)) return line.substr(kPrefix.size());
  }
  return {};
}

}  // namespace

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  if (!(file >> size >> resident)) return 0;
  return resident * PageBytes();
}

uint64_t MachineMemoryBytes() {
  const uint64_t physical = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * PageBytes();
  uint64_t limit = NumberIn(std::string(kGroupRoot) + "/memory/memory.limit_in_bytes", physical);
  // Every group above limits this one.
  for (std::string group = ControlGroup(); !group.empty();) {
    limit = std::min(limit, NumberIn(kGroupRoot + group + "/memory.max", limit));
    group.resize(group.find_last_of('/'));
  }
  return std::min(limit, physical);
}

void ReleaseFreedMemory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace chroma::runtime
