#include "transfer/transfer.h"

#include <algorithm>
#include <set>
#include <utility>

namespace chroma::transfer {
namespace {

constexpr uint64_t kBatchRecordsMax = 4096;
constexpr uint64_t kBatchBytesAim = 8 << 20;
constexpr size_t kReadBytes = 1 << 20;

uint32_t BatchRecords(std::optional<uint32_t> dimension) {
  const uint64_t record_bytes = uint64_t{std::max(dimension.value_or(1), 1u)} * sizeof(float);
  return static_cast<uint32_t>(
      std::clamp<uint64_t>(kBatchBytesAim / record_bytes, 1, kBatchRecordsMax));
}

class SourceFile final : public ByteSource {
 public:
  explicit SourceFile(std::unique_ptr<runtime::File> file) : file_(std::move(file)) {}
  Result<size_t> Read(char* out, size_t n) override {
    CHROMA_ASSIGN(const size_t got, file_->ReadAt(at_, out, n));
    at_ += got;
    return got;
  }

 private:
  std::unique_ptr<runtime::File> file_;
  uint64_t at_ = 0;
};

class SinkFile final : public ByteSink {
 public:
  SinkFile(runtime::Env env, std::string path, std::unique_ptr<runtime::File> file)
      : env_(env), path_(std::move(path)), file_(std::move(file)) {}
  ~SinkFile() override {
    if (!finished_) static_cast<void>(env_.files->Remove(TemporaryPath(path_)));
  }

  static std::string TemporaryPath(const std::string& path) { return path + ".tmp"; }

  Status Write(std::string_view bytes) override {
    CHROMA_TRY(file_->WriteAt(at_, bytes));
    at_ += bytes.size();
    return Status();
  }
  Status Finish() override {
    CHROMA_TRY(file_->Sync());
    CHROMA_TRY(env_.files->Rename(TemporaryPath(path_), path_));
    finished_ = true;
    const size_t slash = path_.rfind('/');
    return env_.files->SyncDirectory(slash == std::string::npos ? "." : path_.substr(0, slash + 1));
  }

 private:
  const runtime::Env env_;
  const std::string path_;
  std::unique_ptr<runtime::File> file_;
  uint64_t at_ = 0;
  bool finished_ = false;
};

// Reads a collection in pages, each of which begins with the last record of the one before: when
// that is another one now, records were deleted, and some would be missing.
class Pages {
 public:
  Pages(const Collection& collection, Include include, uint32_t records)
      : collection_(collection), include_(include), records_(records) {}

  // The next records, none at the end.
  Result<GetResult> Next(size_t* first) {
    GetOptions options;
    options.include = include_;
    options.offset = done_ == 0 ? 0 : done_ - 1;
    options.limit = records_ + (done_ == 0 ? 0 : 1);
    CHROMA_ASSIGN(GetResult page, collection_.Get(options));
    *first = done_ == 0 ? 0 : 1;
    if (done_ != 0 && (page.ids.empty() || page.ids.front() != last_id_)) {
      return Status::Aborted("records of collection " + collection_.name() +
                             " were deleted while it was exported; export it again");
    }
    if (page.size() > *first) last_id_ = page.ids.back();
    done_ += static_cast<uint32_t>(page.size() - *first);
    return page;
  }
  uint64_t done() const { return done_; }

 private:
  const Collection& collection_;
  const Include include_;
  const uint32_t records_;
  uint32_t done_ = 0;
  std::string last_id_;
};

Status Tell(const TransferProgress& progress, uint64_t done, uint64_t total) {
  if (!progress || progress(done, total)) return Status();
  return Status::Cancelled("stopped");
}

// The columns of a CSV file have to be known before its first record is written.
Result<std::vector<std::string>> CollectMetadataKeys(const Collection& collection,
                                                     const TransferProgress& progress) {
  std::set<std::string> keys;
  Pages pages(collection, Include::kMetadatas, kBatchRecordsMax);
  for (;;) {
    size_t first = 0;
    CHROMA_ASSIGN(const GetResult page, pages.Next(&first));
    if (page.size() <= first) break;
    for (size_t i = first; i < page.size(); ++i) {
      for (const auto& [key, value] : page.metadatas[i]) keys.insert(key);
    }
    CHROMA_TRY(Tell(progress, 0, 0));
  }
  return std::vector<std::string>(keys.begin(), keys.end());
}

// Records on their way into a collection.
class Batch {
 public:
  Batch(const Collection& collection, Existing existing)
      : collection_(collection), existing_(existing) {}

  bool empty() const { return records_.ids.empty(); }
  bool IsFull() const {
    return records_.ids.size() >= kBatchRecordsMax || bytes_ >= kBatchBytesAim;
  }

  void Add(FileRecord record) {
    dimension_ = record.embedding.size();
    bytes_ += record.embedding.size() * sizeof(float) + record.document.value_or("").size();
    values_.insert(values_.end(), record.embedding.begin(), record.embedding.end());
    records_.ids.push_back(std::move(record.id));
    records_.documents.push_back(std::move(record.document));
    records_.uris.push_back(std::move(record.uri));
    records_.metadatas.push_back(std::move(record.metadata));
  }
  Status Write() {
    if (empty()) return Status();
    Records records = std::exchange(records_, {});
    records.embeddings = Embeddings(std::exchange(values_, {}), dimension_);
    bytes_ = 0;
    return existing_ == Existing::kSkip ? collection_.Add(std::move(records))
                                        : collection_.Upsert(std::move(records));
  }

 private:
  const Collection& collection_;
  const Existing existing_;
  Records records_;
  std::vector<float> values_;
  size_t dimension_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenSourceFile(const runtime::Env& env,
                                                   const std::string& path) {
  CHROMA_ASSIGN(auto file, env.files->Open(path, runtime::OpenMode::kRead));
  return std::unique_ptr<ByteSource>(std::make_unique<SourceFile>(std::move(file)));
}

Result<std::unique_ptr<ByteSink>> CreateSinkFile(const runtime::Env& env, const std::string& path) {
  CHROMA_ASSIGN(auto file,
                env.files->Open(SinkFile::TemporaryPath(path), runtime::OpenMode::kCreate));
  CHROMA_TRY(file->Truncate(0));
  return std::unique_ptr<ByteSink>(std::make_unique<SinkFile>(env, path, std::move(file)));
}

Result<uint64_t> ExportRecords(const Collection& collection, FileFormat format, ByteSink& sink,
                               const TransferProgress& progress) {
  std::vector<std::string> keys;
  if (format == FileFormat::kCsv) {
    CHROMA_ASSIGN(keys, CollectMetadataKeys(collection, progress));
  }
  const std::set<std::string> known(keys.begin(), keys.end());
  const std::unique_ptr<RecordWriter> writer = MakeRecordWriter(format, std::move(keys));
  CHROMA_ASSIGN(const uint64_t total, collection.Count());
  Pages pages(collection,
              Include::kDocuments | Include::kMetadatas | Include::kEmbeddings | Include::kUris,
              BatchRecords(collection.info().dimension));
  std::string text;
  writer->Begin(&text);
  for (;;) {
    size_t first = 0;
    CHROMA_ASSIGN(const GetResult page, pages.Next(&first));
    if (page.size() <= first) break;
    for (size_t i = first; i < page.size(); ++i) {
      for (const auto& [key, value] : page.metadatas[i]) {
        if (format != FileFormat::kCsv || known.contains(key)) continue;
        return Status::Aborted("collection " + collection.name() +
                               " was written to while it was exported; export it again");
      }
      writer->Write(page, i, &text);
    }
    CHROMA_TRY(sink.Write(text));
    text.clear();
    CHROMA_TRY(Tell(progress, pages.done(), total));
  }
  CHROMA_TRY(sink.Write(text));
  CHROMA_TRY(sink.Finish());
  return pages.done();
}

Result<uint64_t> ImportRecords(const Collection& collection, FileFormat format, ByteSource& source,
                               Existing existing, const TransferProgress& progress) {
  const std::unique_ptr<RecordReader> reader = MakeRecordReader(format);
  const std::optional<uint32_t> fixed = collection.info().dimension;
  std::optional<size_t> dimension;
  if (fixed) dimension = *fixed;
  Batch batch(collection, existing);
  std::string buffer(kReadBytes, '\0');
  uint64_t done = 0;
  for (bool more = true; more;) {
    CHROMA_ASSIGN(const size_t n, source.Read(buffer.data(), buffer.size()));
    more = n != 0;
    if (more) {
      reader->Feed({buffer.data(), n});
    } else {
      reader->Finish();
    }
    for (;;) {
      CHROMA_ASSIGN(std::optional<FileRecord> record, reader->Next());
      if (!record) break;
      const std::string line = "line " + std::to_string(reader->line()) + ": ";
      if (record->embedding.empty()) {
        return Status::InvalidArgument(line + "record " + record->id + " has no embedding");
      }
      if (!dimension) dimension = record->embedding.size();
      if (record->embedding.size() != *dimension) {
        return Status::InvalidArgument(line + "the embedding of record " + record->id + " has " +
                                       std::to_string(record->embedding.size()) +
                                       " numbers; those of the collection have " +
                                       std::to_string(*dimension));
      }
      batch.Add(*std::move(record));
      ++done;
      if (!batch.IsFull()) continue;
      CHROMA_TRY(batch.Write().Annotate("up to line " + std::to_string(reader->line())));
      CHROMA_TRY(Tell(progress, done, 0));
    }
  }
  CHROMA_TRY(batch.Write());
  CHROMA_TRY(Tell(progress, done, done));
  return done;
}

}  // namespace chroma::transfer
