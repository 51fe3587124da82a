// The simulation as a program: runs seeds, prints what happened and the first failures.
//
//   simulate [--seed N] [--runs M] [--bug NAME] [--until-found] [--verbose]
//
// Exits with 1 when a run failed. Prints the same for the same arguments, but for the last line.
#include <sys/resource.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/test_points.h"
#include "world.h"

namespace chroma::simulation {
namespace {

struct Arguments {
  uint64_t seed = 1;
  uint64_t runs = 1;
  std::string bug;
  bool until_found = false;  // stop at the first failure
  bool verbose = false;
};

Arguments Parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--until-found") {
      arguments.until_found = true;
    } else if (flag == "--verbose") {
      arguments.verbose = true;
    } else if (flag == "--seed" || flag == "--runs" || flag == "--bug") {
      ++i;
      if (flag == "--seed") arguments.seed = std::strtoull(value, nullptr, 10);
      if (flag == "--runs") arguments.runs = std::strtoull(value, nullptr, 10);
      if (flag == "--bug") arguments.bug = value;
    } else {
      std::fprintf(stderr,
                   "usage: simulate [--seed N] [--runs M] [--bug NAME] [--until-found] "
                   "[--verbose]\n");
      std::exit(2);
    }
  }
  return arguments;
}

double CpuSeconds() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

void Print(const Report& r) {
  std::printf("seed %" PRIu64 ": lives %" PRIu64 " crashes %" PRIu64 " operations %" PRIu64
              " answered %" PRIu64 " failed %" PRIu64 " faults %" PRIu64 " flips %" PRIu64
              " damages %" PRIu64 " disk calls %" PRIu64 " virtual ms %" PRId64
              " abandoned %" PRIu64 " trace %016" PRIx64 "\n",
              r.seed, r.lives, r.crashes, r.counts.operations, r.counts.answered, r.counts.failed,
              r.faults, r.flips, r.damages, r.disk_calls, r.virtual_ns / runtime::kMillisecond,
              r.abandoned, r.trace);
}

int Main(int argc, char** argv) {
  const Arguments arguments = Parse(argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  runtime::ConfigureLog(arguments.verbose ? runtime::LogLevel::kDebug : runtime::LogLevel::kOff,
                        runtime::LogFormat::kText);
  runtime::PlantBug(arguments.bug);
  Report total;
  uint64_t failures = 0;
  uint64_t runs = 0;
  for (; runs < arguments.runs && !(failures > 0 && arguments.until_found); ++runs) {
    const Report r = Simulate(arguments.seed + runs);
    if (arguments.runs == 1 || !r.failure.empty() || arguments.verbose) Print(r);
    if (!r.failure.empty()) {
      ++failures;
      std::printf("FAILED: %s\nreplay: tools/simulate --seed %" PRIu64 "%s\n", r.failure.c_str(),
                  r.seed, arguments.bug.empty() ? "" : (" --bug " + arguments.bug).c_str());
    }
    total.lives += r.lives;
    total.crashes += r.crashes;
    total.counts.operations += r.counts.operations;
    total.counts.answered += r.counts.answered;
    total.counts.failed += r.counts.failed;
    total.faults += r.faults;
    total.flips += r.flips;
    total.damages += r.damages;
    total.abandoned += r.abandoned;
    total.disk_calls += r.disk_calls;
    total.virtual_ns += r.virtual_ns;
    total.trace = total.trace * 31 + r.trace;
  }
  const double seconds = CpuSeconds();
  total.seed = arguments.seed;
  std::printf("%" PRIu64 " runs from ", runs);
  Print(total);
  std::printf("failures %" PRIu64 "\n%.1f s of processor time, %.0f crashes/s, %.0f operations/s\n",
              failures, seconds, static_cast<double>(total.crashes) / seconds,
              static_cast<double>(total.counts.operations) / seconds);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace chroma::simulation

int main(int argc, char** argv) {
  return chroma::simulation::Main(argc, argv);
}
