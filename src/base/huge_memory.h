// A large piece of zeroed memory that takes physical pages only where it is touched, in pages of
// 2 MB where the system gives them: random access to it misses the TLB less often.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chroma {

class HugeMemory {
 public:
  // std::bad_alloc when there is no memory.
  explicit HugeMemory(size_t size_bytes);
  ~HugeMemory();
  HugeMemory(const HugeMemory&) = delete;
  HugeMemory& operator=(const HugeMemory&) = delete;

  uint8_t* bytes() const { return bytes_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  uint8_t* bytes_ = nullptr;  // aligned to a page
  size_t size_bytes_;
  std::vector<uint8_t> fallback_;  // where the system maps none
};

}  // namespace chroma
