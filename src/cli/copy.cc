#include "cli/copy.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace chroma::cli {
namespace {

constexpr size_t kIdDigits = 8;
// Ids are read so many at a time, ahead of their records.
constexpr uint32_t kIdsPage = 50'000;
// Requests are kept well below what servers take.
constexpr size_t kRequestBytesMax = 12u << 20;
constexpr size_t kRecordOverheadBytes = 100;
constexpr Include kEverything =
    Include::kDocuments | Include::kMetadatas | Include::kEmbeddings | Include::kUris;

std::string CopyingName(const Collection& from, const std::string& name) {
  return name + ".copying-" + from.id().substr(0, kIdDigits);
}

Status WithName(const Status& status, const std::string& name) {
  return status.Annotate("collection " + name);
}

Space SpaceOf(const Collection& collection) {
  return collection.configuration().hnsw.space.value_or(Space::kL2);
}

size_t MetadataBytes(const Metadata& metadata) {
  size_t bytes = 0;
  for (const auto& [key, value] : metadata) {
    bytes += key.size() + kRecordOverheadBytes;
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
    if (const auto* sparse = std::get_if<SparseVector>(&value)) {
      bytes += sparse->indices.size() * 24;
    }
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& text : *list) bytes += text.size();
    }
  }
  return bytes;
}

size_t RecordBytes(const GetResult& records, size_t i) {
  size_t bytes = kRecordOverheadBytes + records.ids[i].size();
  if (i < records.embeddings.rows()) bytes += records.embeddings.row_length(i) * 6;
  if (i < records.documents.size() && records.documents[i]) bytes += records.documents[i]->size();
  if (i < records.metadatas.size()) bytes += MetadataBytes(records.metadatas[i]);
  return bytes;
}

// Vectors are what was written, but servers of upstream's make normalise them where lengths do not
// matter.
bool SameVector(std::span<const float> a, std::span<const float> b, Space space) {
  constexpr double kTolerance = 1e-9;
  if (a.size() != b.size()) return false;
  if (std::equal(a.begin(), a.end(), b.begin())) return true;
  if (space != Space::kCosine) return false;
  double dot = 0;
  double square_a = 0;
  double square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    square_a += static_cast<double>(a[i]) * a[i];
    square_b += static_cast<double>(b[i]) * b[i];
  }
  return dot > 0 && dot * dot >= (1 - kTolerance) * square_a * square_b;
}

bool SameRecord(const GetResult& a, size_t i, const GetResult& b, size_t j, Space space) {
  const auto row = [](const GetResult& records, size_t k) {
    return k < records.embeddings.rows() ? records.embeddings.row(k) : std::span<const float>();
  };
  return SameVector(row(a, i), row(b, j), space) && a.documents[i] == b.documents[j] &&
         a.metadatas[i] == b.metadatas[j] && a.uris[i] == b.uris[j];
}

// Which records of `records`, by number, `other` lacks, and the ids of those that it has otherwise.
struct Difference {
  std::vector<size_t> missing;
  std::vector<size_t> changed;
};
Difference Compare(const GetResult& records, const GetResult& other, Space space) {
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < other.size(); ++i) places.emplace(other.ids[i], i);
  Difference difference;
  for (size_t i = 0; i < records.size(); ++i) {
    const auto found = places.find(records.ids[i]);
    if (found == places.end()) {
      difference.missing.push_back(i);
    } else if (!SameRecord(records, i, other, found->second, space)) {
      difference.changed.push_back(i);
    }
  }
  return difference;
}

// Adds these of the records, in requests that are not too large.
Status AddRecords(const Collection& to, const GetResult& from, const std::vector<size_t>& numbers) {
  Records request;
  size_t bytes = 0;
  const auto send = [&]() -> Status {
    if (request.ids.empty()) return Status::Ok();
    bytes = 0;
    return to.Add(std::exchange(request, Records()));
  };
  for (const size_t i : numbers) {
    const size_t more = RecordBytes(from, i);
    if (bytes + more > kRequestBytesMax) CHROMA_TRY(send());
    bytes += more;
    request.ids.push_back(from.ids[i]);
    if (i < from.embeddings.rows()) request.embeddings.Append(from.embeddings.row(i));
    request.documents.push_back(from.documents[i]);
    request.metadatas.push_back(from.metadatas[i]);
    request.uris.push_back(from.uris[i]);
  }
  return send();
}

class Copy {
 public:
  Copy(Collection from, Collection to, const CopyOptions& options, CopyReport* report)
      : from_(std::move(from)),
        to_(std::move(to)),
        space_(SpaceOf(from_)),
        options_(options),
        report_(*report) {}

  Collection& to() { return to_; }

  // Makes `to` hold what the original holds.
  Status Write() {
    CHROMA_ASSIGN(const uint64_t there, to_.Count());
    return ForEachBatch([&](const GetResult& records) { return WriteBatch(records, there > 0); });
  }

  // kFailedPrecondition, naming a record, where they differ.
  Status Check() {
    uint64_t records = 0;
    CHROMA_TRY(ForEachBatch([&](const GetResult& batch) -> Status {
      records += batch.size();
      CHROMA_ASSIGN(const GetResult copied, Same(batch));
      const Difference difference = Compare(batch, copied, space_);
      for (const auto& [numbers, how] : {std::pair(&difference.missing, "is missing"),
                                         std::pair(&difference.changed, "differs")}) {
        if (numbers->empty()) continue;
        return Status::FailedPrecondition("record \"" + batch.ids[numbers->front()] + "\" " + how +
                                          " in the copy");
      }
      return Status::Ok();
    }));
    CHROMA_ASSIGN(const uint64_t there, to_.Count());
    if (there != records) {
      return Status::FailedPrecondition("the copy holds " + std::to_string(there) +
                                        " records, the original " + std::to_string(records));
    }
    return Status::Ok();
  }

  // Deletes what the original does not have.
  Status RemoveOthers() {
    std::unordered_set<std::string> wanted;
    CHROMA_TRY(ForEachPage(from_, [&](const std::vector<std::string>& ids) {
      wanted.insert(ids.begin(), ids.end());
      return Status::Ok();
    }));
    std::vector<std::string> others;
    CHROMA_TRY(ForEachPage(to_, [&](const std::vector<std::string>& ids) {
      for (const std::string& id : ids) {
        if (!wanted.contains(id)) others.push_back(id);
      }
      return Status::Ok();
    }));
    report_.removed = others.size();
    for (size_t i = 0; i < others.size(); i += options_.batch) {
      const size_t end = std::min<size_t>(others.size(), i + options_.batch);
      DeleteOptions request;
      request.ids.emplace(others.begin() + static_cast<ptrdiff_t>(i),
                          others.begin() + static_cast<ptrdiff_t>(end));
      CHROMA_TRY(to_.Delete(std::move(request)).status());
    }
    return Status::Ok();
  }

 private:
  template <typename Visit>
  static Status ForEachPage(const Collection& collection, Visit visit) {
    for (uint32_t offset = 0;; offset += kIdsPage) {
      CHROMA_ASSIGN(
          const GetResult page,
          collection.Get({.limit = kIdsPage, .offset = offset, .include = Include::kNone}));
      CHROMA_TRY(visit(page.ids));
      if (page.size() < kIdsPage) return Status::Ok();
    }
  }

  // Every record of the original, in order of insertion.
  template <typename Visit>
  Status ForEachBatch(Visit visit) {
    return ForEachPage(from_, [&](const std::vector<std::string>& ids) -> Status {
      size_t batch = options_.batch;
      for (size_t i = 0; i < ids.size();) {
        const size_t end = std::min(ids.size(), i + batch);
        GetOptions request;
        request.ids.emplace(ids.begin() + static_cast<ptrdiff_t>(i),
                            ids.begin() + static_cast<ptrdiff_t>(end));
        request.include = kEverything;
        const Result<GetResult> records = from_.Get(std::move(request));
        // Large records are too much at once.
        if (records.status().code() == StatusCode::kResourceExhausted && batch > 1) {
          batch /= 2;
          continue;
        }
        if (!records.ok()) return records.status();
        CHROMA_TRY(visit(*records));
        if (options_.on_progress && !options_.on_progress(end - i)) {
          return Status::Cancelled("stopped");
        }
        i = end;
      }
      return Status::Ok();
    });
  }

  // The records of these ids in the copy.
  Result<GetResult> Same(const GetResult& records) const {
    GetOptions request;
    request.ids = records.ids;
    request.include = kEverything;
    return to_.Get(std::move(request));
  }

  Status WriteBatch(const GetResult& records, bool compare) {
    GetResult copied;
    if (compare) {
      CHROMA_ASSIGN(copied, Same(records));
    }
    Difference difference = Compare(records, copied, space_);
    if (!difference.changed.empty()) {
      // An upsert would keep keys that the original does not have.
      DeleteOptions request;
      request.ids.emplace();
      for (const size_t i : difference.changed) request.ids->push_back(records.ids[i]);
      CHROMA_TRY(to_.Delete(std::move(request)).status());
    }
    std::vector<size_t>& numbers = difference.missing;
    numbers.insert(numbers.end(), difference.changed.begin(), difference.changed.end());
    std::sort(numbers.begin(), numbers.end());
    report_.written += numbers.size();
    return AddRecords(to_, records, numbers);
  }

  const Collection from_;
  Collection to_;
  const Space space_;
  const CopyOptions& options_;
  CopyReport& report_;
};

Status CheckComparable(const Collection& from, const Collection& to) {
  if (SpaceOf(from) != SpaceOf(to)) {
    return Status::FailedPrecondition("the collection that is there measures another distance");
  }
  const std::optional<uint32_t>& a = from.info().dimension;
  const std::optional<uint32_t>& b = to.info().dimension;
  if (a && b && *a != *b) {
    return Status::FailedPrecondition("the collection that is there has vectors of dimension " +
                                      std::to_string(*b) + ", not " + std::to_string(*a));
  }
  return Status::Ok();
}

// A new collection with everything of the original but its records.
Result<Collection> CreateLike(const Collection& from, const Client& to, const std::string& name) {
  CreateCollectionOptions options;
  options.metadata = from.metadata();
  options.get_or_create = true;
  options.schema = from.info().schema;
  Result<Collection> made = to.CreateCollection(name, options);
  if (made.ok() || made.status().code() != StatusCode::kInvalidArgument) return made;
  // A schema knows bounds that a configuration does not, and not every server takes schemas.
  options.schema.clear();
  options.configuration_json = from.info().configuration_json;
  return to.CreateCollection(name, std::move(options));
}

Result<CopyReport> MakeEqual(const Collection& from, const Collection& existing,
                             const CopyOptions& options, CopyReport report) {
  report.existed = true;
  CHROMA_TRY(CheckComparable(from, existing));
  Copy copy(from, existing, options, &report);
  if (options.update) {
    CHROMA_TRY(copy.RemoveOthers());
    CHROMA_TRY(copy.Write());
  }
  const Status same = options.update && !options.check ? Status::Ok() : copy.Check();
  if (same.ok()) return report;
  if (same.code() != StatusCode::kFailedPrecondition || options.update) return same;
  return Status::AlreadyExists(
      "there is one of that name already, and it is another: " + std::string(same.message()) +
      ". Copy it under another name, or make it equal by --update");
}

}  // namespace

uint64_t PassesOf(const CopyOptions& options) {
  return options.check ? 2 : 1;
}

Result<CopyReport> CopyCollection(const Collection& from, const Client& to, const std::string& name,
                                  const CopyOptions& options) {
  CopyReport report;
  report.name = name;
  CHROMA_ASSIGN(report.records, from.Count());
  const Result<Collection> existing = to.GetCollection(name);
  if (existing.ok()) {
    if (existing->id() == from.id()) {
      return WithName(Status::InvalidArgument("cannot be copied onto itself"), name);
    }
    Result<CopyReport> equal = MakeEqual(from, *existing, options, report);
    return equal.ok() ? equal : WithName(equal.status(), name);
  }
  if (existing.status().code() != StatusCode::kNotFound) return existing.status();

  const std::string growing = CopyingName(from, name);
  report.resumed = to.GetCollection(growing).ok();
  Result<Collection> target = CreateLike(from, to, growing);
  if (!target.ok()) return WithName(target.status(), name);
  Copy copy(from, *std::move(target), options, &report);
  // What was deleted from the original since.
  Status done = report.resumed ? copy.RemoveOthers() : Status::Ok();
  report.removed = 0;
  if (done.ok()) done = copy.Write();
  if (done.ok() && options.check) done = copy.Check();
  if (done.ok()) done = copy.to().Modify({.new_name = name});
  if (!done.ok()) return WithName(done, name);
  return report;
}

}  // namespace chroma::cli
