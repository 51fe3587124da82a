// What a durable write costs, through the engine in this process and through a server over HTTP,
// against the least that durability costs: a loop of one pwrite and one fdatasync at the end of a
// file, in the same run and directory.
//
//   write_bench DIRECTORY [rounds] [milliseconds per round]
//
// A write is one record with a vector of 384 numbers. Everything alternates in each round, and the
// ratios are medians over the rounds, so that a disk that changes its pace changes all of them.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/require.h"
#include "chroma/chroma.h"
#include "runtime/env.h"
#include "service/server.h"

namespace chroma {
namespace {

constexpr size_t kDimension = 384;
constexpr size_t kBareBytes = 1'700;  // what the log writes for one such record
constexpr int kManyWriters = 64;

using Step = std::function<void(int writer, uint64_t number)>;

// Steps per second of so many writers together.
double Rate(int writers, int64_t duration_ns, const Step& step) {
  runtime::Clock& clock = runtime::Clock::System();
  std::atomic<uint64_t> steps{0};
  const int64_t start_ns = clock.MonotonicNs();
  {
    std::vector<std::unique_ptr<runtime::Task>> tasks;
    for (int writer = 0; writer < writers; ++writer) {
      tasks.push_back(runtime::Scheduler::System().Start("writer", [&, writer] {
        uint64_t mine = 0;
        while (clock.MonotonicNs() - start_ns < duration_ns) step(writer, mine++);
        steps += mine;
      }));
    }
  }
  return static_cast<double>(steps) * 1e9 / static_cast<double>(clock.MonotonicNs() - start_ns);
}

// Writes records of ids that nobody wrote before.
class Writers {
 public:
  explicit Writers(std::vector<Collection> collections) : collections_(std::move(collections)) {}

  double Run(int writers, int64_t duration_ns) {
    ++run_;
    return Rate(writers, duration_ns, [this](int writer, uint64_t number) {
      Records records;
      records.ids = {fmt::format("{}-{}-{}", run_, writer, number)};
      std::vector<float> vector(kDimension, static_cast<float>(number % 1000) * 0.37F);
      vector[0] = static_cast<float>(writer);
      records.embeddings.Append(vector);
      Require(collections_[static_cast<size_t>(writer)].Add(std::move(records)));
    });
  }

 private:
  std::vector<Collection> collections_;  // one handle per writer, all of one collection
  int run_ = 0;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Measured {
  std::vector<double> bare, engine_one, engine_many, http_one, http_many;
};

std::vector<double> Ratios(const std::vector<double>& of, const std::vector<double>& to) {
  std::vector<double> ratios;
  for (size_t i = 0; i < of.size(); ++i) ratios.push_back(of[i] / to[i]);
  return ratios;
}

void Print(const char* what, const std::vector<double>& rates, const std::vector<double>& bare,
           const std::vector<double>* one) {
  fmt::print("{:24} {:9.0f} /s  {:6.2f} × bare", what, Median(rates), Median(Ratios(rates, bare)));
  if (one != nullptr) fmt::print("  {:6.1f} × one writer", Median(Ratios(rates, *one)));
  fmt::print("\n");
}

std::vector<Collection> Handles(const std::function<Result<Client>()>& connect) {
  std::vector<Collection> handles;
  for (int writer = 0; writer < kManyWriters; ++writer) {
    handles.push_back(Require(Require(connect()).GetOrCreateCollection("written")));
  }
  return handles;
}

int Run(const std::string& directory, int rounds, int64_t duration_ns) {
  const Client local = Require(PersistentClient(directory + "/embedded"));
  Writers engine(Handles([&] { return Result<Client>(local); }));
  service::ServerConfig config;
  config.listen_address = "127.0.0.1";
  config.port = 0;
  config.persist_path = directory + "/served";
  auto server = Require(service::StartServer({}, config));
  const std::string url = fmt::format("http://127.0.0.1:{}", server->port());
  Writers http(Handles([&] { return HttpClient(url); }));

  auto file =
      Require(runtime::FileSystem::System().Open(directory + "/bare", runtime::OpenMode::kCreate));
  const std::string payload(kBareBytes, 'x');
  uint64_t end = 0;
  const Step bare = [&](int, uint64_t) {
    Require(file->WriteAt(end, payload));
    Require(file->Sync());
    end += kBareBytes;
  };
  Measured m;
  for (int round = 0; round < rounds; ++round) {
    m.bare.push_back(Rate(1, duration_ns, bare));
    m.engine_one.push_back(engine.Run(1, duration_ns));
    m.http_one.push_back(http.Run(1, duration_ns));
    m.engine_many.push_back(engine.Run(kManyWriters, duration_ns));
    m.http_many.push_back(http.Run(kManyWriters, duration_ns));
  }
  fmt::print("one record of {} numbers a write; medians of {} rounds\n", kDimension, rounds);
  fmt::print("{:24} {:9.0f} /s\n", "bare pwrite + fdatasync", Median(m.bare));
  Print("engine, 1 writer", m.engine_one, m.bare, nullptr);
  Print("engine, 64 writers", m.engine_many, m.bare, &m.engine_one);
  Print("HTTP, 1 writer", m.http_one, m.bare, nullptr);
  Print("HTTP, 64 writers", m.http_many, m.bare, &m.http_one);
  (void)runtime::FileSystem::System().Remove(directory + "/bare").ok();
  return 0;
}

}  // namespace
}  // namespace chroma

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: write_bench DIRECTORY [rounds] [milliseconds per round]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  const int64_t duration_ms = argc > 3 ? std::atoll(argv[3]) : 500;
  return chroma::Run(argv[1], rounds, duration_ms * chroma::runtime::kMillisecond);
}
