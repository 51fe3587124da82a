#include "base/huge_memory.h"

#include <sys/mman.h>

namespace chroma {

HugeMemory::HugeMemory(size_t size_bytes) : size_bytes_(size_bytes) {
  if (size_bytes_ == 0) return;
  void* mapped = ::mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    // Ordinary memory, if there is any, with the exception of ordinary memory if there is none.
    fallback_.resize(size_bytes_);
    bytes_ = fallback_.data();
    return;
  }
  bytes_ = static_cast<uint8_t*>(mapped);
  // A wish: without huge pages everything works, only slower.
  static_cast<void>(::madvise(mapped, size_bytes_, MADV_HUGEPAGE));
}

HugeMemory::~HugeMemory() {
  if (bytes_ != nullptr && fallback_.empty()) ::munmap(bytes_, size_bytes_);
}

}  // namespace chroma
