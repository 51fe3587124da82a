// How fast the file log takes writes, against the least that durability costs: a loop of one
// pwrite and one fdatasync at the end of a file, in the same run and directory.
//
//   log_bench DIRECTORY [seconds] [payload bytes]
//
// The rounds alternate, and ratios are medians over them, so that a disk that changes its pace
// changes both.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/file_log.h"
#include "runtime/env.h"

namespace chroma::log {
namespace {

constexpr int kRounds = 9;

void Fail(const Status& status) {
  fmt::print("{}\n", status.ToString());
  std::exit(1);
}

double PerSecond(uint64_t appends, int64_t elapsed_ns) {
  return static_cast<double>(appends) * 1e9 / static_cast<double>(elapsed_ns);
}

double RunBare(const std::string& path, size_t bytes, int64_t duration_ns) {
  runtime::Clock& clock = runtime::Clock::System();
  auto file = runtime::FileSystem::System().Open(path, runtime::OpenMode::kCreate);
  if (!file.ok()) Fail(file.status());
  const Bytes payload(bytes, 'x');
  uint64_t end = 0;
  const int64_t start_ns = clock.MonotonicNs();
  while (clock.MonotonicNs() - start_ns < duration_ns) {
    Status status = (*file)->WriteAt(end, payload);
    if (status.ok()) status = (*file)->Sync();
    if (!status.ok()) Fail(status);
    end += bytes;
  }
  const double rate = PerSecond(end / bytes, clock.MonotonicNs() - start_ns);
  (void)runtime::FileSystem::System().Remove(path).ok();
  return rate;
}

double RunLog(FileLog& log, int writers, size_t bytes, int64_t duration_ns) {
  runtime::Clock& clock = runtime::Clock::System();
  std::atomic<uint64_t> appends{0};
  const int64_t start_ns = clock.MonotonicNs();
  {
    std::vector<std::unique_ptr<runtime::Task>> tasks;
    for (int w = 0; w < writers; ++w) {
      tasks.push_back(runtime::Scheduler::System().Start("writer", [&, w] {
        runtime::Context ctx;
        const Uuid collection = Uuid::FromRandom(static_cast<uint64_t>(w), 1);
        uint64_t mine = 0;
        while (clock.MonotonicNs() - start_ns < duration_ns) {
          auto offset = log.Append(ctx, collection, Bytes(bytes, 'x'), 1);
          if (!offset.ok()) Fail(offset.status());
          if (++mine % 1000 == 0 && !log.Trim(ctx, collection, *offset).ok()) std::exit(1);
        }
        appends += mine;
      }));
    }
  }
  return PerSecond(appends, clock.MonotonicNs() - start_ns);
}

// What an append costs besides the disk: the same calls over files in memory.
double OwnMicroseconds(size_t bytes) {
  auto files = runtime::FileSystem::InMemory();
  runtime::Env env;
  env.files = files.get();
  auto log = FileLog::Open(env, "/bench");
  if (!log.ok()) Fail(log.status());
  return 1e6 / RunLog(**log, 1, bytes, runtime::kSecond / 2);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double MedianRatio(std::vector<double> of, const std::vector<double>& to) {
  for (size_t i = 0; i < of.size(); ++i) of[i] /= to[i];
  return Median(std::move(of));
}

int Run(const std::string& directory, int64_t duration_ns, size_t bytes) {
  auto opened = FileLog::Open({}, directory);
  if (!opened.ok()) Fail(opened.status());
  std::vector<double> bare, one, many;
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(RunBare(directory + "/bare", bytes, duration_ns / kRounds));
    one.push_back(RunLog(**opened, 1, bytes, duration_ns / kRounds));
    many.push_back(RunLog(**opened, 64, bytes, duration_ns / kRounds));
  }
  fmt::print("payload {} bytes, medians of {} rounds\n", bytes, kRounds);
  fmt::print("bare pwrite + fdatasync {:10.0f} /s\n", Median(bare));
  fmt::print("log, 1 writer           {:10.0f} /s  {:.2f} × bare\n", Median(one),
             MedianRatio(one, bare));
  fmt::print("log, 64 writers         {:10.0f} /s  {:.2f} × bare, {:.1f} × one writer\n",
             Median(many), MedianRatio(many, bare), MedianRatio(many, one));
  fmt::print("append without a disk   {:10.2f} µs\n", OwnMicroseconds(bytes));
  return 0;
}

}  // namespace
}  // namespace chroma::log

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: log_bench DIRECTORY [seconds] [payload bytes]\n");
    return 2;
  }
  const int64_t seconds = argc > 2 ? std::atoll(argv[2]) : 4;
  const size_t bytes = argc > 3 ? static_cast<size_t>(std::atoll(argv[3])) : 4096;
  return chroma::log::Run(argv[1], seconds * chroma::runtime::kSecond, bytes);
}
