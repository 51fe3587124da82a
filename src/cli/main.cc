#include <cstdio>
#include <exception>

#include "cli/command_line.h"
#include "runtime/standard_descriptors.h"

// Read by jemalloc: memory that a large request leaves behind goes back to the system within
// seconds also when no other request follows. Its thread sleeps when there is nothing to give back.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true";

int main(int argc, char** argv) {
  using namespace chroma::cli;
  chroma::runtime::FillStandardDescriptors();
  try {
    return CommandLine().Run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "chroma: %s\n", e.what());
    return kExitFailed;
  }
}
