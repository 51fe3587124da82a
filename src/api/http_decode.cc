#include "api/http_decode.h"

#include <limits>
#include <utility>

#include "api/values.h"
#include "base/json_reader.h"
#include "executor/search.h"
#include "model/metadata_json.h"

namespace chroma::api {
namespace {

constexpr size_t kShownBytesMax = 200;

StatusCode CodeOf(int status) {
  switch (status) {
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kNotFound;
    case 409:
      return StatusCode::kAlreadyExists;
    case 412:
      return StatusCode::kFailedPrecondition;
    case 413:
    case 507:
      return StatusCode::kResourceExhausted;
    case 429:
    case 502:
    case 503:
      return StatusCode::kUnavailable;
    case 499:
      return StatusCode::kCancelled;
    case 410:
    case 501:
      return StatusCode::kUnimplemented;
    case 408:
    case 504:
      return StatusCode::kDeadlineExceeded;
    default:
      return status >= 400 && status < 500 ? StatusCode::kInvalidArgument : StatusCode::kInternal;
  }
}

Status Unexpected(std::string_view what) {
  return Status::Internal("The server's answer is not understood: " + std::string(what));
}

// Reads one whole answer.
template <typename Decode>
auto Read(const std::string& body, Decode decode)
    -> Result<decltype(decode(std::declval<JsonReader&>()))> {
  JsonReader reader(body);
  auto value = decode(reader);
  reader.Finish();
  if (!reader.ok()) return Unexpected(reader.error().message);
  return value;
}

// Calls `read(key)` for every member; what it does not take (false) is skipped.
template <typename ReadMember>
void ReadMembers(JsonReader& reader, ReadMember read) {
  std::string key;
  for (reader.BeginObject(); reader.NextKey(&key);) {
    if (!read(key)) reader.SkipValue();
  }
}

template <typename ReadElement>
auto ReadList(JsonReader& reader, ReadElement read) {
  std::vector<decltype(read(reader))> list;
  for (reader.BeginArray(); reader.NextElement();) list.push_back(read(reader));
  return list;
}

Uuid ReadUuid(JsonReader& reader) {
  const std::optional<Uuid> id = Uuid::Parse(reader.ReadString());
  if (!id) reader.FailShape("an id that is no UUID");
  return id.value_or(Uuid());
}

model::Database ReadDatabase(JsonReader& reader) {
  model::Database database;
  ReadMembers(reader, [&](const std::string& key) {
    if (key == "id") {
      database.id = ReadUuid(reader);
    } else if (key == "name") {
      database.name = reader.ReadString();
    } else if (key == "tenant") {
      database.tenant = reader.ReadString();
    } else {
      return false;
    }
    return true;
  });
  return database;
}

CollectionInfo ReadCollection(JsonReader& reader) {
  CollectionInfo info;
  ReadMembers(reader, [&](const std::string& key) {
    if (key == "id") {
      info.id = ReadUuid(reader).ToString();
    } else if (key == "name") {
      info.name = reader.ReadString();
    } else if (key == "tenant") {
      info.tenant = reader.ReadString();
    } else if (key == "database") {
      info.database = reader.ReadString();
    } else if (key == "metadata") {
      if (!reader.TryNull()) info.metadata = FromModel(model::DecodeMetadata(reader, true));
    } else if (key == "configuration_json") {
      const JsonValue configuration = reader.ReadValue();
      info.configuration = ReadConfiguration(configuration);
      info.configuration_json = ToJson(configuration);
    } else if (key == "schema") {
      if (!reader.TryNull()) info.schema = ToJson(reader.ReadValue());
    } else if (key == "dimension") {
      if (!reader.TryNull()) info.dimension = reader.ReadU32();
    } else {
      return false;
    }
    return true;
  });
  if (reader.ok() && (info.id.empty() || info.name.empty())) {
    reader.FailShape("a collection without id or name");
  }
  return info;
}

// ---- columns of records. Each function reads one list into its column.

void ReadIds(JsonReader& reader, executor::Records* records) {
  for (reader.BeginArray(); reader.NextElement();) records->ids.push_back(reader.ReadString());
}

void ReadEmbeddings(JsonReader& reader, executor::Records* records) {
  model::VectorMatrix& matrix = records->embeddings;
  bool first = true;
  for (reader.BeginArray(); reader.NextElement();) {
    const size_t before = matrix.values.size();
    reader.ReadF32Array(&matrix.values);
    const size_t length = matrix.values.size() - before;
    if (first) matrix.dimension = static_cast<uint32_t>(length);
    first = false;
    if (length == 0 || length != matrix.dimension) {
      reader.FailShape("embeddings of different lengths");
    }
  }
}

void ReadTexts(JsonReader& reader, std::vector<std::optional<std::string>>* texts) {
  for (reader.BeginArray(); reader.NextElement();) {
    texts->emplace_back();
    if (!reader.TryNull()) texts->back() = reader.ReadString();
  }
}

void ReadMetadatas(JsonReader& reader, executor::Records* records) {
  for (reader.BeginArray(); reader.NextElement();) {
    records->metadatas.emplace_back();
    if (!reader.TryNull()) records->metadatas.back() = model::DecodeMetadata(reader, true);
  }
}

// Reads the column `key` of one list of records; false when it is none.
bool ReadColumn(JsonReader& reader, const std::string& key, executor::Records* records) {
  if (key == "ids") {
    ReadIds(reader, records);
  } else if (key == "embeddings") {
    ReadEmbeddings(reader, records);
  } else if (key == "documents") {
    ReadTexts(reader, &records->documents);
  } else if (key == "uris") {
    ReadTexts(reader, &records->uris);
  } else if (key == "metadatas") {
    ReadMetadatas(reader, records);
  } else {
    return false;
  }
  return true;
}

bool IsColumn(const std::string& key) {
  return key == "ids" || key == "embeddings" || key == "documents" || key == "uris" ||
         key == "metadatas";
}

Status CheckColumns(const executor::Records& records, model::IncludeSet include) {
  const size_t n = records.ids.size();
  const struct {
    model::Include flag;
    size_t size;
    const char* name;
  } columns[] = {{model::kIncludeEmbeddings, records.embeddings.rows(), "embeddings"},
                 {model::kIncludeDocuments, records.documents.size(), "documents"},
                 {model::kIncludeUris, records.uris.size(), "uris"},
                 {model::kIncludeMetadatas, records.metadatas.size(), "metadatas"}};
  for (const auto& [flag, size, name] : columns) {
    const size_t expected = (include & flag) != 0 ? n : 0;
    if (size == expected) continue;
    return Unexpected(std::to_string(size) + " " + name + " where " + std::to_string(expected) +
                      " are due");
  }
  return Status::Ok();
}

// A null is what no JSON number can say.
std::vector<float> ReadScores(JsonReader& reader) {
  return ReadList(reader, [](JsonReader& r) {
    return r.TryNull() ? std::numeric_limits<float>::quiet_NaN() : r.ReadF32();
  });
}

// One member of a search's answer; an element is null where the search does not select it.
bool ReadSearchColumn(JsonReader& reader, const std::string& key, executor::SearchResult* out) {
  if (key != "scores" && !IsColumn(key)) return false;
  size_t i = 0;
  for (reader.BeginArray(); reader.NextElement(); ++i) {
    if (i == out->records.size()) {
      out->records.emplace_back();
      out->scores.emplace_back();
    }
    if (reader.TryNull()) continue;
    if (key == "scores") {
      out->scores[i] = ReadScores(reader);
    } else {
      ReadColumn(reader, key, &out->records[i]);
    }
  }
  return true;
}

std::vector<float> ReadDistances(JsonReader& reader) {
  return ReadList(reader, [](JsonReader& r) {
    return r.TryNull() ? std::numeric_limits<float>::infinity() : r.ReadF32();
  });
}

// Reads the member `key` of a range; false when it is none.
bool ReadRange(JsonReader& reader, const std::string& key, index::Highlight* range) {
  size_t* place = key == "begin"        ? &range->characters.begin
                  : key == "end"        ? &range->characters.end
                  : key == "begin_byte" ? &range->bytes.begin
                  : key == "end_byte"   ? &range->bytes.end
                                        : nullptr;
  if (place != nullptr) *place = reader.ReadU64();
  return place != nullptr;
}

std::optional<executor::DocumentHighlights> ReadHighlights(JsonReader& reader) {
  if (reader.TryNull()) return std::nullopt;
  executor::DocumentHighlights found;
  const auto read_match = [](JsonReader& r) {
    index::Highlight range;
    ReadMembers(r, [&](const std::string& key) { return ReadRange(r, key, &range); });
    return range;
  };
  const auto read_snippet = [&found](JsonReader& r) {
    index::Highlight range;
    std::string& text = found.snippets.emplace_back();
    ReadMembers(r, [&](const std::string& key) {
      if (key == "text") {
        text = r.ReadString();
        return true;
      }
      return ReadRange(r, key, &range);
    });
    return range;
  };
  ReadMembers(reader, [&](const std::string& key) {
    if (key == "matches") {
      found.places.matches = ReadList(reader, read_match);
    } else if (key == "snippets") {
      found.places.snippets = ReadList(reader, read_snippet);
    } else if (key == "cut") {
      found.places.cut = reader.ReadBool();
    } else {
      return false;
    }
    return true;
  });
  return found;
}

segment::ValueCount ReadValueCount(JsonReader& reader) {
  segment::ValueCount one;
  ReadMembers(reader, [&](const std::string& key) {
    if (key == "value") {
      one.value = model::DecodeMetadataValue(reader, false);
    } else if (key == "count") {
      one.count = reader.ReadU64();
    } else {
      return false;
    }
    return true;
  });
  return one;
}

executor::FacetValues ReadFacetValues(JsonReader& reader) {
  executor::FacetValues facet;
  ReadMembers(reader, [&](const std::string& key) {
    if (key == "key") {
      facet.key = reader.ReadString();
    } else if (key == "records") {
      facet.records = reader.ReadU64();
    } else if (key == "distinct") {
      facet.distinct = reader.ReadU64();
    } else if (key == "values") {
      facet.values = ReadList(reader, ReadValueCount);
    } else {
      return false;
    }
    return true;
  });
  return facet;
}

}  // namespace

Status StatusOf(const HttpAnswer& answer) {
  if (answer.status >= 200 && answer.status < 300) return Status::Ok();
  const StatusCode code = CodeOf(answer.status);
  if (Result<JsonValue> json = ParseJson(answer.body); json.ok()) {
    const JsonValue* message = json->Find("message");
    if (message != nullptr && message->AsString() != nullptr) {
      return Status(code, *message->AsString());
    }
  }
  std::string text = "The server answered " + std::to_string(answer.status);
  if (!answer.body.empty()) text += ": " + answer.body.substr(0, kShownBytesMax);
  return Status(code, std::move(text));
}

Result<uint64_t> DecodeCount(const std::string& body) {
  return Read(body, [](JsonReader& reader) { return reader.ReadU64(); });
}

Result<uint64_t> DecodeCountIn(const std::string& body, std::string_view member) {
  return Read(body, [&](JsonReader& reader) {
    uint64_t count = 0;
    ReadMembers(reader, [&](const std::string& key) {
      if (key != member) return false;
      count = reader.ReadU64();
      return true;
    });
    return count;
  });
}

Result<RecallReport> DecodeRecall(const std::string& body) {
  return Read(body, [](JsonReader& reader) {
    RecallReport report;
    ReadMembers(reader, [&](const std::string& key) {
      if (key == "recall") {
        report.recall = reader.ReadF64();
      } else if (key == "n_records") {
        report.records = reader.ReadU64();
      } else if (key == "n_queries") {
        report.queries = reader.ReadU32();
      } else if (key == "query_milliseconds") {
        report.query_ms = reader.ReadF64();
      } else if (key == "exact_query_milliseconds") {
        report.exact_ms = reader.ReadF64();
      } else {
        return false;
      }
      return true;
    });
    return report;
  });
}

Result<IndexingStatus> DecodeIndexingStatus(const std::string& body) {
  return Read(body, [](JsonReader& reader) {
    IndexingStatus status;
    ReadMembers(reader, [&](const std::string& key) {
      if (key == "num_indexed_ops") {
        status.indexed_operations = reader.ReadU64();
      } else if (key == "num_unindexed_ops") {
        status.unindexed_operations = reader.ReadU64();
      } else {
        return false;
      }
      return true;
    });
    return status;
  });
}

Result<std::string> DecodeVersion(const std::string& body) {
  return Read(body, [](JsonReader& reader) { return reader.ReadString(); });
}

Result<model::Tenant> DecodeTenant(const std::string& body) {
  return Read(body, [](JsonReader& reader) {
    model::Tenant tenant;
    ReadMembers(reader, [&](const std::string& key) {
      if (key != "name") return false;
      tenant.name = reader.ReadString();
      return true;
    });
    return tenant;
  });
}

Result<model::Database> DecodeDatabase(const std::string& body) {
  return Read(body, ReadDatabase);
}

Result<std::vector<model::Database>> DecodeDatabases(const std::string& body) {
  return Read(body, [](JsonReader& reader) { return ReadList(reader, ReadDatabase); });
}

Result<CollectionInfo> DecodeCollection(const std::string& body) {
  return Read(body, ReadCollection);
}

Result<std::vector<CollectionInfo>> DecodeCollections(const std::string& body) {
  return Read(body, [](JsonReader& reader) { return ReadList(reader, ReadCollection); });
}

Result<executor::Records> DecodeGet(const std::string& body, model::IncludeSet include) {
  CHROMA_ASSIGN(executor::Records records, Read(body, [](JsonReader& reader) {
                  executor::Records read;
                  ReadMembers(reader, [&](const std::string& key) {
                    return reader.TryNull() || ReadColumn(reader, key, &read);
                  });
                  return read;
                }));
  CHROMA_TRY(CheckColumns(records, include));
  return records;
}

Result<executor::QueryResult> DecodeQuery(const std::string& body, model::IncludeSet include) {
  CHROMA_ASSIGN(executor::QueryResult result, Read(body, [](JsonReader& reader) {
                  executor::QueryResult read;
                  ReadMembers(reader, [&](const std::string& key) {
                    if (reader.TryNull()) return true;
                    if (key == "distances") {
                      read.distances = ReadList(reader, ReadDistances);
                      return true;
                    }
                    if (!IsColumn(key)) return false;
                    size_t q = 0;
                    for (reader.BeginArray(); reader.NextElement(); ++q) {
                      if (q == read.records.size()) read.records.emplace_back();
                      ReadColumn(reader, key, &read.records[q]);
                    }
                    return true;
                  });
                  return read;
                }));
  const bool with_distances = (include & model::kIncludeDistances) != 0;
  if (with_distances && result.distances.size() != result.records.size()) {
    return Unexpected("lists of distances and of ids differ in number");
  }
  for (size_t q = 0; q < result.records.size(); ++q) {
    CHROMA_TRY(CheckColumns(result.records[q], include));
    if (with_distances && result.distances[q].size() != result.records[q].ids.size()) {
      return Unexpected("distances and ids differ in number");
    }
  }
  return result;
}

Result<executor::SearchResult> DecodeSearch(const std::string& body,
                                            const std::vector<model::Search>& searches) {
  CHROMA_ASSIGN(executor::SearchResult result, Read(body, [](JsonReader& reader) {
                  executor::SearchResult read;
                  ReadMembers(reader, [&](const std::string& key) {
                    return reader.TryNull() || ReadSearchColumn(reader, key, &read);
                  });
                  return read;
                }));
  if (result.records.size() != searches.size()) {
    return Unexpected(std::to_string(result.records.size()) + " results for " +
                      std::to_string(searches.size()) + " searches");
  }
  for (size_t i = 0; i < searches.size(); ++i) {
    const model::Select& select = searches[i].select;
    CHROMA_TRY(CheckColumns(result.records[i], executor::IncludeOf(select)));
    if (result.scores[i].size() != (select.score ? result.records[i].ids.size() : 0)) {
      return Unexpected("scores and ids differ in number");
    }
  }
  return result;
}

Result<executor::ListResult> DecodeList(const std::string& body,
                                        const engine::ListRequest& request) {
  CHROMA_ASSIGN(executor::ListResult result, Read(body, [](JsonReader& reader) {
                  executor::ListResult read;
                  ReadMembers(reader, [&](const std::string& key) {
                    if (reader.TryNull()) return true;
                    if (key != "highlights") return ReadColumn(reader, key, &read.records);
                    read.highlights = ReadList(reader, ReadHighlights);
                    return true;
                  });
                  return read;
                }));
  CHROMA_TRY(CheckColumns(result.records, request.include));
  if (result.highlights.size() != (request.highlight ? result.records.ids.size() : 0)) {
    return Unexpected("highlights and ids differ in number");
  }
  return result;
}

Result<executor::FacetResult> DecodeFacets(const std::string& body, size_t facets) {
  CHROMA_ASSIGN(executor::FacetResult result, Read(body, [](JsonReader& reader) {
                  executor::FacetResult read;
                  ReadMembers(reader, [&](const std::string& key) {
                    if (key == "count") {
                      read.count = reader.ReadU64();
                    } else if (key == "facets") {
                      read.facets = ReadList(reader, ReadFacetValues);
                    } else {
                      return false;
                    }
                    return true;
                  });
                  return read;
                }));
  if (result.facets.size() != facets) {
    return Unexpected(std::to_string(result.facets.size()) + " facets where " +
                      std::to_string(facets) + " are due");
  }
  return result;
}

namespace {

struct CountMember {
  std::string_view name;
  uint64_t* value;
};
// Takes a member whose name is among these.
bool TakeCount(JsonReader& reader, const std::string& key,
               std::initializer_list<CountMember> members) {
  for (const CountMember& member : members) {
    if (key != member.name) continue;
    *member.value = reader.ReadU64();
    return true;
  }
  return false;
}

executor::IndexStatus ReadIndexStatus(JsonReader& reader) {
  executor::IndexStatus index;
  uint64_t rows = 0;
  ReadMembers(reader, [&](const std::string& key) {
    if (key != "blob") {
      return TakeCount(reader, key, {{"size_bytes", &index.size_bytes}, {"rows", &rows}});
    }
    index.blob = reader.ReadString();
    return true;
  });
  index.rows = static_cast<uint32_t>(std::min<uint64_t>(rows, UINT32_MAX));
  return index;
}

executor::SegmentStatus ReadSegmentStatus(JsonReader& reader) {
  executor::SegmentStatus segment;
  uint64_t rows = 0;
  ReadMembers(reader, [&](const std::string& key) {
    if (key == "blob") {
      segment.blob = reader.ReadString();
    } else if (key == "indexes") {
      segment.indexes = ReadList(reader, ReadIndexStatus);
    } else {
      return TakeCount(reader, key,
                       {{"size_bytes", &segment.size_bytes},
                        {"rows", &rows},
                        {"deleted", &segment.deleted},
                        {"unindexed_rows", &segment.unindexed_rows}});
    }
    return true;
  });
  segment.rows = static_cast<uint32_t>(std::min<uint64_t>(rows, UINT32_MAX));
  return segment;
}

}  // namespace

Result<executor::CollectionStatus> DecodeDescription(const std::string& body) {
  return Read(body, [](JsonReader& reader) {
    executor::CollectionStatus status;
    uint64_t unindexed = 0;
    ReadMembers(reader, [&](const std::string& key) {
      if (key == "manifest") {
        status.manifest = reader.ReadString();
      } else if (key == "segments") {
        status.segment_list = ReadList(reader, ReadSegmentStatus);
      } else {
        return TakeCount(reader, key,
                         {{"records", &status.records},
                          {"indexed_operations", &status.indexed_operations},
                          {"unindexed_operations", &unindexed},
                          {"version", &status.version},
                          {"log_offset", &status.log_offset},
                          {"log_end", &status.log_end},
                          {"log_operations", &status.tail_records}});
      }
      return true;
    });
    status.total_operations = status.indexed_operations + unindexed;
    return status;
  });
}

Result<UserIdentity> DecodeIdentity(const std::string& body) {
  return Read(body, [](JsonReader& reader) {
    UserIdentity identity;
    ReadMembers(reader, [&](const std::string& key) {
      if (key == "user_id") {
        identity.user_id = reader.ReadString();
      } else if (key == "tenant") {
        identity.tenant = reader.ReadString();
      } else if (key == "databases") {
        identity.databases =
            ReadList(reader, [](JsonReader& element) { return element.ReadString(); });
      } else {
        return false;
      }
      return true;
    });
    return identity;
  });
}

}  // namespace chroma::api
