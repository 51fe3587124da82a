// log/file_log.h: opening a directory that holds any bytes. An input is one byte of choices, then
// a log file, which is taken as it is or with its checksums made right (what a malicious writer
// can do), so that what lies behind them is reached too.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "fuzz.h"
#include "log/file_log.h"
#include "log/log_file_format.h"
#include "runtime/log.h"

namespace chroma::fuzz {
namespace {

constexpr uint8_t kRepairHeader = 1;
constexpr uint8_t kRepairFrames = 2;
constexpr uint8_t kHasState = 4;  // before the log file: u8 length and content of a state
constexpr size_t kFramesMax = 64;
constexpr uint64_t kStateMagic = 0x3154534c4d524843;  // log/state_file.cc

template <typename T>
T At(const Bytes& bytes, uint64_t position) {
  T value;
  std::memcpy(&value, bytes.data() + position, sizeof(value));
  return value;
}

uint64_t RepairHeader(Bytes& file) {
  auto header = At<log::FileHeader>(file, 0);
  header.magic = log::kFileMagic;
  header.version = log::kFileVersion;
  header.number = 1;
  file.replace(0, log::kFileHeaderBytes, log::EncodeFileHeader(header));
  return header.salt;
}

// Makes headers out of what stands where frames would, with payloads that fit the file.
void RepairFrames(Bytes& file, uint64_t salt) {
  uint64_t position = log::kFileHeaderBytes;
  for (size_t i = 0; i < kFramesMax && position + log::kFrameHeaderBytes <= file.size(); ++i) {
    auto frame = At<log::FrameHeader>(file, position);
    const uint64_t room = file.size() - position - log::kFrameHeaderBytes;
    frame.magic = log::kFrameMagic;
    frame.payload_bytes = static_cast<uint32_t>(frame.payload_bytes % (room + 1));
    frame.position = position;
    const uint64_t end = position + log::FrameBytes(frame.payload_bytes);
    if (end > file.size()) file.resize(end);
    const uint64_t payload = position + log::kFrameHeaderBytes;
    const uint64_t padding = payload + frame.payload_bytes;
    std::memset(file.data() + padding, 0, end - padding);
    frame.payload_checksum = Checksum(BytesView(file).substr(payload, frame.payload_bytes));
    Bytes header;
    log::PutFrameHeader(header, frame, salt);
    file.replace(position, header.size(), header);
    position = end;
  }
}

// A state file whose first slot holds `content`, with its header and checksum.
Bytes StateFile(BytesView content) {
  Bytes slot;
  PutFixed(slot, kStateMagic);
  PutFixed(slot, uint32_t{1});
  PutFixed(slot, static_cast<uint32_t>(16 + content.size() + 8));
  slot += content;
  PutFixed(slot, Checksum(slot));
  return slot;
}

void Put(runtime::FileSystem& files, const std::string& path, BytesView bytes) {
  const auto file = files.Open(path, runtime::OpenMode::kCreate);
  CHECK(file.ok());
  CHECK((*file)->WriteAt(0, bytes).ok());
}

// All entries of all collections, as far as they can be read.
std::vector<log::Entry> ReadAll(log::Log& log) {
  runtime::Context ctx;
  std::vector<log::Entry> all;
  for (const log::Log::Backlog& backlog : log.Backlogs()) {
    const auto entries = log.Read(ctx, backlog.collection, 0, SIZE_MAX);
    if (!entries.ok()) continue;
    all.insert(all.end(), entries->begin(), entries->end());
    (void)log.End(ctx, backlog.collection);
  }
  return all;
}

// What could be opened takes a write, and shows it and the rest after the next opening.
void WriteAndReopen(const runtime::Env& env, std::unique_ptr<log::FileLog> log) {
  runtime::Context ctx;
  const std::vector<log::Entry> before = ReadAll(*log);
  const Uuid collection = Uuid::FromRandom(1, 2);
  const Result<uint64_t> offset = log->Append(ctx, collection, "payload", 3);
  log.reset();
  auto opened = log::FileLog::Open(env, "/db");
  CHECK(opened.ok());
  const std::vector<log::Entry> after = ReadAll(**opened);
  CHECK(after.size() == before.size() + (offset.ok() ? 1 : 0));
  if (!before.empty()) CHECK((*opened)->Trim(ctx, collection, before.back().end_offset()).ok());
  CHECK((*opened)->Forget(ctx, collection).ok());
}

}  // namespace

void Run(BytesView input) {
  if (input.empty()) return;
  runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
  auto files = runtime::FileSystem::InMemory();
  CHECK(files->CreateDirectory("/db/log").ok());
  ByteReader in(input);
  const auto choices = in.Fixed<uint8_t>();
  if ((choices & kHasState) != 0) {
    Put(*files, "/db/log/state", StateFile(in.Raw(in.Fixed<uint8_t>())));
  }
  Bytes file(in.Raw(in.remaining()));
  if (file.size() >= log::kFileHeaderBytes) {
    uint64_t salt = At<log::FileHeader>(file, 0).salt;
    if ((choices & kRepairHeader) != 0) salt = RepairHeader(file);
    if ((choices & kRepairFrames) != 0) RepairFrames(file, salt);
  }
  Put(*files, "/db/log/" + log::LogFileName(1), file);

  runtime::Env env;
  env.files = files.get();
  auto opened = log::FileLog::Open(env, "/db");
  if (!opened.ok()) {
    const StatusCode code = opened.status().code();
    CHECK(code == StatusCode::kDataLoss || code == StatusCode::kFailedPrecondition);
    return;
  }
  WriteAndReopen(env, *std::move(opened));
}

}  // namespace chroma::fuzz
