// Records, metadata and vectors as JSON and as lines for eyes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "chroma/metadata.h"
#include "chroma/status.h"
#include "chroma/types.h"
#include "cli/terminal.h"

namespace chroma::cli {

// One record as a read brought it; what it did not bring is absent.
struct Record {
  std::string id;
  std::optional<float> distance = {};  // or the score of a search
  std::optional<std::string> document = {};
  std::optional<Metadata> metadata = {};
  std::optional<std::string> uri = {};
  std::optional<std::vector<float>> embedding = {};
};

std::vector<Record> RecordsOf(const GetResult& result);
// Of the query at `number`.
std::vector<Record> RecordsOf(const QueryResult& result, size_t number);

// {"id":…,"distance":…,"document":…,"metadata":…,"uri":…,"embedding":…}
void WriteRecord(JsonWriter& out, const Record& record);
// A few lines.
std::string RecordText(const Terminal& terminal, const Record& record);

std::string MetadataJson(const Metadata& metadata);
// kInvalidArgument for what is no object of values. Nulls, which delete keys, where `allow_null`.
Result<Metadata> ParseMetadata(std::string_view json, bool allow_null);

// "[0.1, 0.2]", "0.1,0.2", "0.1 0.2"; kInvalidArgument otherwise.
Result<std::vector<float>> ParseVector(std::string_view text);

}  // namespace chroma::cli
