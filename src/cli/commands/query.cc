// chroma query: the records of a collection that are near a vector, about a text, or match a
// filter.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "cli/command.h"
#include "cli/place.h"
#include "cli/record_json.h"
#include "runtime/file_system.h"

namespace chroma::cli {
namespace {

// The keys whose sparse vectors are made of text by whoever has the collection.
std::vector<std::string> TextKeys(const std::string& schema) {
  std::vector<std::string> names;
  const Result<JsonValue> json = ParseJson(schema);
  const JsonValue* keys = json.ok() ? json->Find("keys") : nullptr;
  if (keys == nullptr || keys->AsObject() == nullptr) return names;
  for (const auto& [name, types] : *keys->AsObject()) {
    const JsonValue* value = &types;
    for (const char* member :
         {"sparse_vector", "sparse_vector_index", "config", "embedding_function", "name"}) {
      if (value != nullptr) value = value->Find(member);
    }
    if (value != nullptr && value->AsString() != nullptr && *value->AsString() == "chroma_bm25") {
      names.push_back(name);
    }
  }
  return names;
}

// A filter of documents as one of a search: {"$contains": "x"} → {"#document": {"$contains": "x"}}.
void WriteDocumentWhere(JsonWriter& out, const JsonValue& filter) {
  const JsonObject* members = filter.AsObject();
  const bool is_list = members != nullptr && members->size() == 1 &&
                       (members->front().first == "$and" || members->front().first == "$or") &&
                       members->front().second.AsArray() != nullptr;
  out.BeginObject();
  if (is_list) {
    out.Key(members->front().first);
    out.BeginArray();
    for (const JsonValue& child : *members->front().second.AsArray()) {
      WriteDocumentWhere(out, child);
    }
    out.EndArray();
  } else {
    out.Key(kDocumentKey);
    WriteJson(out, filter);
  }
  out.EndObject();
}

Result<Filter> AsWhere(const DocumentFilter& filter) {
  if (filter.empty()) return Filter();
  CHROMA_ASSIGN(const JsonValue json, ParseJson(filter.ToJson()));
  std::string text;
  JsonWriter out(&text);
  WriteDocumentWhere(out, json);
  return Filter::FromJson(text);
}

class Query final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("COLLECTION", collection_, "The collection")->required();
    DefineQuestion(app);
    app.add_option("--where", where_, "A filter of metadata, as JSON")->type_name("JSON");
    app.add_option("--where-document", where_document_, "A filter of documents, as JSON")
        ->type_name("JSON");
    app.add_option("--contains", contains_, "Only documents with this text in them");
    app.add_option("--matches", matches_, "Only documents that match this regular expression")
        ->type_name("REGEX");
    app.add_option("--ids", ids_, "Only these records")->type_name("ID,…")->delimiter(',');
    app.add_option("--limit,-n", limit_, "So many records at most. Default: 10");
    app.add_option("--offset", offset_, "Leave out so many first; not with --vector or --like");
    app.add_option("--order-by", order_by_,
                   "Metadata keys to sort a list by; KEY:desc for the largest first")
        ->type_name("KEY,…")
        ->delimiter(',');
    app.add_option("--include", include_,
                   "What to show: documents, metadatas, embeddings, uris. "
                   "Default: documents,metadatas")
        ->type_name("WHAT,…")
        ->delimiter(',')
        ->check(CLI::IsMember({"documents", "metadatas", "embeddings", "uris"}));
    app.add_flag("--count", count_, "Print how many records match, and no records");
    app.add_flag("--json", json_, "Print one JSON array of records");
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    CHROMA_TRY(ParseFilters());
    CHROMA_ASSIGN(const Client client, place_.Open(Access::kRead));
    CHROMA_ASSIGN(const Collection collection, client.GetCollection(collection_));
    if (count_) {
      CHROMA_ASSIGN(const uint64_t count, Count(collection));
      terminal.Print(std::to_string(count) + "\n");
      return kExitOk;
    }
    CHROMA_ASSIGN(const std::vector<Record> records, Find(collection));
    Show(terminal, records);
    return kExitOk;
  }

 private:
  void DefineQuestion(CLI::App& app) {
    CLI::Option* vector = app.add_option("--vector,-v", vector_,
                                         "Nearest to this vector: numbers, @FILE, or - for stdin")
                              ->type_name("VECTOR");
    CLI::Option* like =
        app.add_option("--like", like_, "Nearest to the vector of this record")->excludes(vector);
    app.add_option("--text,-t", text_,
                   "About this text, where the schema has a key whose embedding function runs "
                   "here (chroma_bm25)")
        ->excludes(vector)
        ->excludes(like);
    app.add_option("--key", key_, "That key, where there are several");
  }

  Status ParseFilters() {
    if (!where_.empty()) {
      CHROMA_ASSIGN(filter_, Filter::FromJson(where_));
    }
    if (!where_document_.empty()) {
      CHROMA_ASSIGN(document_filter_, DocumentFilter::FromJson(where_document_));
    }
    if (!contains_.empty()) document_filter_ = document_filter_ && Document().Contains(contains_);
    if (!matches_.empty()) document_filter_ = document_filter_ && Document().Matches(matches_);
    return Status::Ok();
  }

  Include Included() const {
    if (include_.empty()) return Include::kDocuments | Include::kMetadatas;
    Include include = Include::kNone;
    for (const std::string& what : include_) {
      include = include | (what == "documents"    ? Include::kDocuments
                           : what == "metadatas"  ? Include::kMetadatas
                           : what == "embeddings" ? Include::kEmbeddings
                                                  : Include::kUris);
    }
    return include;
  }
  std::optional<std::vector<std::string>> Ids() const {
    if (ids_.empty()) return std::nullopt;
    return ids_;
  }

  Result<uint64_t> Count(const Collection& collection) const {
    if (filter_.empty() && document_filter_.empty() && ids_.empty()) return collection.Count();
    CHROMA_ASSIGN(const GetResult found, collection.Get({.ids = Ids(),
                                                         .where = filter_,
                                                         .where_document = document_filter_,
                                                         .include = Include::kNone}));
    return found.size();
  }

  Result<std::vector<Record>> Find(const Collection& collection) const {
    if (!text_.empty()) return FindText(collection);
    if (!vector_.empty() || !like_.empty()) return FindNearest(collection);
    if (!order_by_.empty()) return FindSorted(collection);
    CHROMA_ASSIGN(const GetResult found, collection.Get({.ids = Ids(),
                                                         .where = filter_,
                                                         .where_document = document_filter_,
                                                         .limit = limit_,
                                                         .offset = offset_,
                                                         .include = Included()}));
    return RecordsOf(found);
  }

  Result<std::vector<Record>> FindSorted(const Collection& collection) const {
    ListRecordsOptions options;
    options.ids = Ids();
    options.where = filter_;
    options.where_document = document_filter_;
    options.limit = limit_;
    options.offset = offset_;
    options.include = Included();
    for (const std::string& given : order_by_) {
      const size_t colon = given.rfind(':');
      const std::string order = colon == std::string::npos ? "" : given.substr(colon + 1);
      const bool has_order = order == "desc" || order == "asc";
      options.order_by.push_back({has_order ? given.substr(0, colon) : given, order == "desc"});
    }
    CHROMA_ASSIGN(const ListRecordsResult found, collection.ListRecords(std::move(options)));
    return RecordsOf(found.records);
  }

  Result<std::vector<float>> Vector(const Collection& collection) const {
    if (like_.empty()) {
      if (vector_ != "-" && !vector_.starts_with('@')) return ParseVector(vector_);
      const std::string path = vector_ == "-" ? "/dev/stdin" : vector_.substr(1);
      std::string text;
      CHROMA_TRY(ReadAll(path, &text));
      return ParseVector(text);
    }
    CHROMA_ASSIGN(const GetResult found,
                  collection.Get({.ids = {{like_}}, .include = Include::kEmbeddings}));
    if (found.embeddings.empty()) {
      return Status::NotFound("there is no record \"" + like_ + "\" in " + collection_);
    }
    return std::vector<float>(found.embeddings.row(0).begin(), found.embeddings.row(0).end());
  }

  Result<std::vector<Record>> FindNearest(const Collection& collection) const {
    CHROMA_ASSIGN(std::vector<float> vector, Vector(collection));
    const size_t dimension = vector.size();
    QueryOptions options;
    options.query_embeddings = Embeddings(std::move(vector), dimension);
    options.n_results = limit_;
    options.ids = Ids();
    options.where = filter_;
    options.where_document = document_filter_;
    options.include = Included() | Include::kDistances;
    CHROMA_ASSIGN(const QueryResult found, collection.Query(std::move(options)));
    return RecordsOf(found, 0);
  }

  Result<std::string> TextKey(const Collection& collection) const {
    if (!key_.empty()) return key_;
    const std::vector<std::string> keys = TextKeys(collection.info().schema);
    if (keys.size() == 1) return keys.front();
    if (keys.empty()) {
      return Status::InvalidArgument(
          "the schema of " + collection_ +
          " has no key that makes vectors of text (chroma_bm25). Give --vector, or --contains to "
          "find documents with a text in them");
    }
    std::string names;
    for (const std::string& key : keys) names += (names.empty() ? "" : ", ") + key;
    return Status::InvalidArgument("--key says which one of: " + names);
  }

  Result<std::vector<Record>> FindText(const Collection& collection) const {
    CHROMA_ASSIGN(const std::string key, TextKey(collection));
    SearchOptions options;
    CHROMA_ASSIGN(const Filter documents, AsWhere(document_filter_));
    options.where = filter_ && documents;
    if (!ids_.empty()) options.where = options.where && Where(kIdKey).In(ids_);
    options.rank = SparseKnn({.key = key, .limit = limit_ + offset_, .text = text_});
    options.limit = limit_;
    options.offset = offset_;
    options.select = {kScoreKey};
    const Include include = Included();
    if (Includes(include, Include::kDocuments)) options.select.emplace_back(kDocumentKey);
    if (Includes(include, Include::kMetadatas)) options.select.emplace_back(kMetadataKey);
    if (Includes(include, Include::kEmbeddings)) options.select.emplace_back(kEmbeddingKey);
    CHROMA_ASSIGN(SearchResult found, collection.Search(std::move(options)));
    GetResult records;
    records.ids = std::move(found.ids);
    records.documents = std::move(found.documents);
    records.metadatas = std::move(found.metadatas);
    records.embeddings = std::move(found.embeddings);
    std::vector<Record> result = RecordsOf(records);
    for (size_t i = 0; i < result.size(); ++i) {
      result[i].distance = found.scores[i];
      // What the text was found by is of no interest to a reader.
      if (result[i].metadata) result[i].metadata->erase(key);
    }
    return result;
  }

  static Status ReadAll(const std::string& path, std::string* text) {
    constexpr size_t kPiece = 1 << 16;
    constexpr size_t kMax = 64u << 20;
    std::FILE* file = path == "/dev/stdin" ? stdin : nullptr;
    if (file == nullptr) {
      CHROMA_ASSIGN(*text, runtime::ReadWholeFile(runtime::FileSystem::System(), path));
      return Status::Ok();
    }
    for (size_t got = 1; got > 0 && text->size() < kMax;) {
      const size_t before = text->size();
      text->resize(before + kPiece);
      got = std::fread(text->data() + before, 1, kPiece, file);
      text->resize(before + got);
    }
    return Status::Ok();
  }

  void Show(Terminal& terminal, const std::vector<Record>& records) const {
    std::string text;
    if (json_) {
      JsonWriter out(&text);
      out.BeginArray();
      for (const Record& record : records) WriteRecord(out, record);
      out.EndArray();
      text += "\n";
    } else {
      for (const Record& record : records) text += RecordText(terminal, record);
    }
    terminal.Print(text);
    if (records.empty() && !json_) terminal.Say("No record matches");
  }

  std::string collection_;
  std::string vector_;
  std::string like_;
  std::string text_;
  std::string key_;
  std::string where_;
  std::string where_document_;
  std::string contains_;
  std::string matches_;
  std::vector<std::string> ids_;
  std::vector<std::string> order_by_;
  std::vector<std::string> include_;
  uint32_t limit_ = 10;
  uint32_t offset_ = 0;
  bool count_ = false;
  bool json_ = false;
  PlaceOptions place_;
  Filter filter_;
  DocumentFilter document_filter_;
};

const Registration kQuery(
    {.path = "query",
     .group = kGroupData,
     .summary = "Find records by vector, text or filter",
     .examples = "chroma query docs --vector \"[0.1, 0.9]\" -n 5\n"
                 "chroma query docs --like id7 --where '{\"year\": {\"$gte\": 2000}}' --json\n"
                 "chroma query docs --text \"river delta\" --at http://localhost:8000\n"
                 "chroma query docs --contains river --order-by year:desc\n"
                 "chroma query docs --where '{\"lang\": \"en\"}' --count",
     .notes = "Without --vector, --like and --text the records are those that match, in order of "
              "insertion."},
    Make<Query>);

}  // namespace
}  // namespace chroma::cli
