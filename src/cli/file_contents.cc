#include "cli/file_contents.h"

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "base/json_writer.h"
#include "format/manifest.h"
#include "format/section_reader.h"
#include "log/frame_scanner.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "store/dir_store.h"

namespace chroma::cli {
namespace {

std::string TimeText(int64_t unix_ns) {
  const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts));
}

Result<std::shared_ptr<const store::Blob>> OpenBlob(runtime::Context& ctx,
                                                    const std::filesystem::path& path) {
  const std::string directory = path.has_parent_path() ? path.parent_path().string() : ".";
  CHROMA_ASSIGN(const auto store, store::OpenDirStore(runtime::Env(), directory));
  return store->Open(ctx, path.filename().string());
}

Status ReadContainer(runtime::Context& ctx, std::shared_ptr<const store::Blob> blob,
                     FileContents* contents) {
  CHROMA_ASSIGN(
      const format::SectionReader reader,
      format::SectionReader::Open(ctx, std::move(blob), [](format::SectionType) { return true; }));
  CHROMA_TRY(reader.VerifyFrames(ctx));
  contents->kind = "segment";
  contents->columns = {{"SECTION"}, {"OFFSET", true}, {"BYTES", true}, {"BLOCK", true}};
  for (const format::SectionInfo& section : reader.sections()) {
    if (section.type == format::SectionType::kGraphInfo) contents->kind = "vector index";
    contents->rows.push_back({format::Describe(section), CountText(section.offset),
                              CountText(section.length),
                              section.block_size == 0 ? "" : CountText(section.block_size)});
  }
  return Status::Ok();
}

void DescribeManifest(const format::Manifest& manifest, FileContents* contents) {
  contents->kind = "manifest";
  contents->facts = {{"collection", manifest.collection.ToString()},
                     {"version", std::to_string(manifest.version)},
                     {"log offset", std::to_string(manifest.log_offset)},
                     {"dimension", std::to_string(manifest.dimension)},
                     {"operations", std::to_string(manifest.operations)}};
  contents->columns = {{"BLOB"}, {"ROWS", true}, {"DELETED", true}, {"BYTES", true}};
  for (const format::ManifestSegment& segment : manifest.segments) {
    contents->rows.push_back({segment.blob, CountText(segment.rows),
                              CountText(segment.deleted.Count()), CountText(segment.size_bytes)});
    for (const format::ManifestIndex& index : segment.indexes) {
      contents->rows.push_back({"  index " + index.blob, "", "", CountText(index.size_bytes)});
    }
  }
}

Status ReadLogFile(const std::string& path, uint64_t number, FileContents* contents) {
  runtime::FileSystem& files = runtime::FileSystem::System();
  CHROMA_ASSIGN(const auto file, files.Open(path, runtime::OpenMode::kRead));
  CHROMA_ASSIGN(const uint64_t size, file->Size());
  Bytes bytes(log::kFileHeaderBytes, '\0');
  CHROMA_ASSIGN(const size_t got, file->ReadAt(0, bytes.data(), bytes.size()));
  bytes.resize(got);
  CHROMA_ASSIGN(const log::FileHeader header, log::DecodeFileHeader(bytes, number, path));
  contents->kind = "log";
  contents->columns = {
      {"OFFSET", true}, {"OPERATIONS", true}, {"COLLECTION"}, {"BYTES", true}, {"WRITTEN (UTC)"}};
  log::FrameScanner scanner(*file, header.salt, size);
  log::FrameHeader frame;
  for (;;) {
    CHROMA_ASSIGN(const bool found, scanner.Next(frame));
    if (!found) break;
    contents->rows.push_back({std::to_string(frame.first_offset), std::to_string(frame.count),
                              frame.collection.ToString(), std::to_string(frame.payload_bytes),
                              TimeText(frame.append_unix_ns)});
  }
  contents->facts = {{"number", std::to_string(header.number)},
                     {"first offset", std::to_string(header.first_offset)},
                     {"created (UTC)", TimeText(header.created_unix_ns)},
                     {"frames", std::to_string(contents->rows.size())},
                     {"ends at", std::to_string(scanner.position())}};
  return Status::Ok();
}

uint64_t BytesOf(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    const uintmax_t size = std::filesystem::file_size(path, error);
    return error ? 0 : size;
  }
  uint64_t bytes = 0;
  for (auto entry = std::filesystem::recursive_directory_iterator(path, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;  // a file may vanish meanwhile
    if (!entry->is_regular_file(gone)) continue;
    const uintmax_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

Result<FileContents> ReadContents(const std::string& path) {
  FileContents contents;
  contents.path = path;
  contents.size_bytes = BytesOf(path);
  const std::filesystem::path place(path);
  if (const uint64_t number = log::ParseLogFileName(place.filename().string()); number != 0) {
    CHROMA_TRY(ReadLogFile(path, number, &contents));
    return contents;
  }
  runtime::Context ctx;
  CHROMA_ASSIGN(auto blob, OpenBlob(ctx, place));
  CHROMA_ASSIGN(
      const store::BlobSlice head,
      blob->Read(ctx, 0, std::min<uint64_t>(blob->size_bytes(), format::kContainerMagic.size())));
  if (head.bytes == format::kContainerMagic) {
    CHROMA_TRY(ReadContainer(ctx, std::move(blob), &contents));
    return contents;
  }
  CHROMA_ASSIGN(const store::BlobSlice all, blob->Read(ctx, 0, blob->size_bytes()));
  const Result<format::Manifest> manifest = format::DecodeManifest(all.bytes, path);
  if (!manifest.ok()) {
    return Status::InvalidArgument(path +
                                   " is no segment, vector index, log file or whole manifest: " +
                                   std::string(manifest.status().message()));
  }
  DescribeManifest(*manifest, &contents);
  return contents;
}

std::string ToJson(const FileContents& contents) {
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.StringField("path", contents.path);
  out.StringField("kind", contents.kind);
  out.Key("size_bytes");
  out.Uint(contents.size_bytes);
  for (const auto& [name, value] : contents.facts) out.StringField(name, value);
  out.Key("entries");
  out.BeginArray();
  for (const std::vector<std::string>& row : contents.rows) {
    out.BeginObject();
    for (size_t i = 0; i < row.size(); ++i) {
      std::string name = contents.columns[i].name;
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      std::string value = row[i];
      if (contents.columns[i].is_number) std::erase(value, ',');
      out.StringField(name, value);
    }
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text;
}

std::string ToText(const FileContents& contents, const Terminal& terminal) {
  std::string text = terminal.Paint(Style::kBold, contents.path) + "  " + contents.kind + ", " +
                     SizeText(contents.size_bytes) + "\n";
  for (const auto& [name, value] : contents.facts) {
    std::string label = name;
    label.resize(std::max<size_t>(label.size(), 14), ' ');
    text += "  " + terminal.Paint(Style::kDim, label) + value + "\n";
  }
  TextTable table(contents.columns);
  for (const std::vector<std::string>& row : contents.rows) table.Add(row);
  return text + (table.empty() ? "" : "\n" + table.ToText(terminal));
}

std::vector<std::pair<std::string, uint64_t>> PartsOfDirectory(const std::string& path) {
  std::vector<std::pair<std::string, uint64_t>> parts;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (name == "LOCK" || name == "SOCKET" || name == "FORMAT") continue;
    parts.emplace_back(name, BytesOf(entry.path()));
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

}  // namespace chroma::cli
