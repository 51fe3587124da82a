// Behaviour as data: requests to send and what must come back. A case file has one case per line
// (JSON), in the format of tests/conformance/cases.jsonl, which was recorded from a real server:
//
//   {"name", "tags", "setup": [request…], "request": request, "expect": expectation}
//   {"name", "tags", "steps": [request with an "expect" of its own…]}
//
// request: method, path, headers, no_content_type, save {variable: path in the answer}, status
//   (of a setup request, if not 200 or 201), and one of json, raw (text), b64 (bytes), pad_to (an
//   object padded to that many bytes).
// expectation: status (number or list), headers ("<present>" allowed), text (exact bytes) or body
//   (JSON; strings like "<uuid>" are placeholders), match, project, sorted; see expectation.h.
//
// Strings hold templates: {{u}} eight hexadecimal digits of this run of the case, {{n}} a
// collection's name, {{T}} {{DB}} {{C}} paths, {{uuid}} an id nobody has, and what was saved.
// "{{40000 texts}}" and "{{40000 numbers}}" stand for so many elements of an array: "x0" "x1" …,
// and 2 4 6 ….
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chroma/status.h"

namespace chroma::behaviour {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Expectation {
  std::vector<int> statuses;
  Pairs headers;                    // names in lower case
  std::optional<std::string> body;  // JSON text, templates in it
  std::optional<std::string> text;
  std::string match = "exact";
  std::string project;
  bool sorted = false;
};

struct Step {
  std::string method;
  std::string path;
  Pairs headers;
  std::optional<std::string> body;
  bool body_has_templates = false;
  bool no_content_type = false;
  Pairs save;  // variable, path
  Expectation expect;
};

struct Case {
  std::string name;
  std::vector<std::string> tags;
  std::vector<Step> steps;

  bool HasTag(const std::string& tag) const;
};

// All cases of a file, in order. Errors name file and line.
Result<std::vector<Case>> LoadCases(const std::string& path);

// The lines of a list of excepted cases: "name: reason"; '#' begins a comment.
Result<Pairs> LoadExceptions(const std::string& path);

}  // namespace chroma::behaviour
