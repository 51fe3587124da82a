// transfer/record_file.h: files of records. The first line is csv or jsonl; however the rest is cut
// into pieces, the same is read.
#include "transfer/record_file.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "fuzz.h"

namespace chroma::fuzz {
namespace {

// A text that tells what was read.
std::string ReadAll(transfer::FileFormat format, BytesView bytes, size_t piece) {
  const auto reader = transfer::MakeRecordReader(format);
  std::string told;
  for (size_t at = 0;; at += piece) {
    const bool end = at >= bytes.size();
    if (end) {
      reader->Finish();
    } else {
      reader->Feed(bytes.substr(at, piece));
    }
    for (;;) {
      const auto record = reader->Next();
      if (!record.ok()) return told + std::string(record.status().message());
      if (!*record) break;
      told += (*record)->id + ' ' + std::to_string((*record)->embedding.size()) + ' ' +
              std::to_string(reader->line()) + ' ' + (*record)->document.value_or("-") + '\n';
    }
    if (end) return told;
  }
}

}  // namespace

void Run(BytesView input) {
  const auto [name, text] = SplitFirstLine(input);
  const auto format = name == "csv" ? transfer::FileFormat::kCsv : transfer::FileFormat::kJsonLines;
  const std::string whole = ReadAll(format, text, text.size() + 1);
  CHECK(whole == ReadAll(format, text, 7));
}

}  // namespace chroma::fuzz
