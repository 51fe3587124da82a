#include <cstdio>
#include <exception>
#include <variant>

#include "cli/command_line.h"
#include "cli/doctor.h"
#include "cli/run.h"

// Read by jemalloc: memory that a large request leaves behind goes back to the system within
// seconds also when no other request follows. Its thread sleeps when there is nothing to give back.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true";

int main(int argc, char** argv) {
  using namespace chroma::cli;
  try {
    const auto command = ParseCommandLine(argc, argv);
    if (const int* exit_code = std::get_if<int>(&command)) return *exit_code;
    if (const auto* doctor = std::get_if<DoctorOptions>(&command)) return Doctor(*doctor);
    return Run(std::get<RunOptions>(command));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "chroma: %s\n", e.what());
    return kExitFailed;
  }
}
