// How much memory a merge takes, beside the size of the segment that it writes: four segments of
// records that are mostly text become one.
//
//   merge_bench DIRECTORY [records] [words of a document] [dimension]
//
// Memory is what the process holds of its own (RssAnon), without mapped files.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "compactor/merge.h"
#include "runtime/env.h"
#include "segment/segment_reader.h"
#include "store/dir_store.h"
#include "testing/seeded_random.h"

namespace chroma::compactor {
namespace {

constexpr int kSegments = 4;
constexpr size_t kVocabulary = 100'000;
constexpr double kMebibyte = 1 << 20;

template <typename T>
T OrFail(Result<T> result) {
  if (result.ok()) return *std::move(result);
  fmt::print("{}\n", result.status().ToString());
  std::exit(1);
}

uint64_t OwnBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::strtoull(line.c_str() + 8, nullptr, 10) << 10;
  }
  return 0;
}

// Words by a skewed distribution, as texts have them.
class Documents {
 public:
  Documents() {
    for (std::string& word : words_) {
      for (uint64_t n = random_.Between(3, 10); n > 0; --n) {
        word.push_back(static_cast<char>('a' + random_.Below(26)));
      }
    }
  }
  std::string Next(int words) {
    std::string text;
    for (int i = 0; i < words; ++i) {
      const double uniform = static_cast<double>(random_.Below(1 << 30)) / (1 << 30);
      text += words_[static_cast<size_t>(std::pow(uniform, 4) * kVocabulary)] + " ";
    }
    return text;
  }

 private:
  testing::SeededRandom random_{1};
  std::vector<std::string> words_ = std::vector<std::string>(kVocabulary);
};

int Run(const std::string& directory, int records, int words, uint32_t dimension) {
  const runtime::Env env;
  runtime::Context ctx;
  const auto store = OrFail(store::OpenDirStore(env, directory));
  std::vector<segment::SnapshotPart> parts;
  uint64_t text_bytes = 0;
  {
    Documents documents;
    const std::vector<float> vector(dimension, 1);
    for (int s = 0; s < kSegments; ++s) {
      const std::string name = "merge_bench/" + std::to_string(s) + ".segment";
      const auto writer = OrFail(segment::SegmentWriter::Create(ctx, *store, name, dimension));
      for (int i = s; i < records; i += kSegments) {
        const std::string id = "record " + std::to_string(i);
        const std::string document = documents.Next(words);
        text_bytes += document.size();
        segment::RowView row{id, static_cast<uint64_t>(i), vector.data(), document, {}, nullptr};
        if (const Status added = writer->Add(row); !added.ok()) OrFail(Result<int>(added));
      }
      OrFail(writer->Finish(ctx));
      parts.push_back({OrFail(segment::SegmentReader::Open(ctx, OrFail(store->Open(ctx, name)))),
                       std::make_shared<Bitmap>()});
    }
  }
  const uint64_t before = OwnBytes();
  std::atomic<uint64_t> most = before;
  std::atomic<bool> done = false;
  const auto sampler = env.scheduler->Start("sampler", [&] {
    for (; !done; env.clock->SleepNs(2 * runtime::kMillisecond)) {
      most = std::max<uint64_t>(most, OwnBytes());
    }
  });
  const int64_t begin_ns = env.clock->MonotonicNs();
  const auto merged =
      OrFail(MergeParts(ctx, *store, "merge_bench/merged.segment", dimension, parts));
  const int64_t took_ns = env.clock->MonotonicNs() - begin_ns;
  done = true;
  sampler->Join();
  fmt::print(
      "{} records, {:.0f} MiB of text, segment of {:.0f} MiB: {:.0f} MiB of memory, {:.1f} s\n",
      records, static_cast<double>(text_bytes) / kMebibyte,
      static_cast<double>(merged->size_bytes) / kMebibyte,
      static_cast<double>(most - before) / kMebibyte, static_cast<double>(took_ns) / 1e9);
  for (const store::BlobInfo& blob : OrFail(store->List(ctx, "merge_bench/"))) {
    if (const Status status = store->Delete(ctx, blob.name); !status.ok()) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace chroma::compactor

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: merge_bench DIRECTORY [records] [words of a document] [dimension]\n");
    return 2;
  }
  const auto number = [&](int i, int standard) { return argc > i ? std::atoi(argv[i]) : standard; };
  return chroma::compactor::Run(argv[1], number(2, 100'000), number(3, 300),
                                static_cast<uint32_t>(number(4, 64)));
}
