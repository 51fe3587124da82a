#include "behaviour/case.h"

#include <algorithm>
#include <fstream>

#include "base/base64.h"
#include "base/json_reader.h"

namespace chroma::behaviour {
namespace {

// The text of the next value as it stands in the file: bodies are sent byte for byte as they were
// recorded, since answers name columns.
std::string ReadRaw(JsonReader& r) {
  const size_t begin = r.position();
  r.SkipValue();
  std::string text(r.Text(begin, r.position()));
  return text.substr(text.find_first_not_of(": "));
}

Pairs ReadPairs(JsonReader& r) {
  Pairs pairs;
  std::string key;
  for (r.BeginObject(); r.NextKey(&key);) pairs.emplace_back(key, r.ReadString());
  return pairs;
}

std::vector<int> ReadStatuses(JsonReader& r) {
  std::vector<int> statuses;
  if (r.Peek() != JsonReader::Kind::kArray) {
    statuses.push_back(static_cast<int>(r.ReadU32()));
    return statuses;
  }
  for (r.BeginArray(); r.NextElement();) statuses.push_back(static_cast<int>(r.ReadU32()));
  return statuses;
}

Expectation ReadExpectation(JsonReader& r) {
  Expectation expect;
  std::string key;
  for (r.BeginObject(); r.NextKey(&key);) {
    if (key == "status") {
      expect.statuses = ReadStatuses(r);
    } else if (key == "headers") {
      expect.headers = ReadPairs(r);
    } else if (key == "body") {
      expect.body = ReadRaw(r);
    } else if (key == "text") {
      expect.text = r.ReadString();
    } else if (key == "match") {
      expect.match = r.ReadString();
    } else if (key == "project") {
      expect.project = r.ReadString();
    } else if (key == "sorted") {
      expect.sorted = r.ReadBool();
    } else if (key == "as_text") {  // for recording only
      r.SkipValue();
    } else {
      r.UnknownField(key, {"status", "headers", "body", "text", "match", "project", "sorted"});
    }
  }
  return expect;
}

std::string PaddedObject(size_t size) {
  const std::string before = "{\"zz_pad\":\"";
  const std::string after = "\"}";
  return before + std::string(size - before.size() - after.size(), 'z') + after;
}

Step ReadStep(JsonReader& r) {
  Step step;
  step.expect.statuses = {200, 201};
  std::string key;
  for (r.BeginObject(); r.NextKey(&key);) {
    if (key == "method") {
      step.method = r.ReadString();
    } else if (key == "path") {
      step.path = r.ReadString();
    } else if (key == "headers") {
      step.headers = ReadPairs(r);
    } else if (key == "json" || key == "raw") {
      step.body = key == "json" ? ReadRaw(r) : r.ReadString();
      step.body_has_templates = true;
    } else if (key == "b64") {
      Result<std::string> bytes = Base64Decode(r.ReadString());
      if (!bytes.ok()) r.FailShape(bytes.status().message());
      step.body = bytes.ok() ? *bytes : "";
    } else if (key == "pad_to") {
      step.body = PaddedObject(r.ReadU64());
    } else if (key == "no_content_type") {
      step.no_content_type = r.ReadBool();
    } else if (key == "save") {
      step.save = ReadPairs(r);
    } else if (key == "status") {
      step.expect.statuses = ReadStatuses(r);
    } else if (key == "expect") {
      step.expect = ReadExpectation(r);
    } else {
      r.UnknownField(key, {"method", "path", "headers", "json", "raw", "b64", "pad_to",
                           "no_content_type", "save", "status", "expect"});
    }
  }
  return step;
}

Case ReadCase(JsonReader& r) {
  Case read;
  std::optional<Step> request;
  std::optional<Expectation> expect;
  std::string key;
  for (r.BeginObject(); r.NextKey(&key);) {
    if (key == "name") {
      read.name = r.ReadString();
    } else if (key == "tags") {
      for (r.BeginArray(); r.NextElement();) read.tags.push_back(r.ReadString());
    } else if (key == "setup" || key == "steps") {
      for (r.BeginArray(); r.NextElement();) read.steps.push_back(ReadStep(r));
    } else if (key == "request") {
      request = ReadStep(r);
    } else if (key == "expect") {
      expect = ReadExpectation(r);
    } else {
      r.UnknownField(key, {"name", "tags", "setup", "steps", "request", "expect"});
    }
  }
  if (request) {
    if (expect) request->expect = *expect;
    read.steps.push_back(*request);
  }
  return read;
}

}  // namespace

bool Case::HasTag(const std::string& tag) const {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

Result<std::vector<Case>> LoadCases(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status::NotFound(path + ": cannot be read");
  std::vector<Case> cases;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    JsonReader reader(line);
    cases.push_back(ReadCase(reader));
    reader.Finish();
    if (!reader.ok() || cases.back().name.empty() || cases.back().steps.empty()) {
      return Status::InvalidArgument(
          path + ":" + std::to_string(number) + ": " +
          (reader.ok() ? "a case needs a name and a request" : reader.error().message));
    }
  }
  return cases;
}

Result<Pairs> LoadExceptions(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status::NotFound(path + ": cannot be read");
  Pairs exceptions;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(": ");
    if (colon == std::string::npos || colon + 2 >= line.size()) {
      return Status::InvalidArgument(path + ":" + std::to_string(number) +
                                     ": expected \"case name: reason\"");
    }
    exceptions.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  return exceptions;
}

}  // namespace chroma::behaviour
