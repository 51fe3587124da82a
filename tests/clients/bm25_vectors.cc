// Reads one JSON string per line and writes for each the sparse vector that the function
// chroma_bm25 makes of it, as a line of JSON: bm25_test.py compares them with the Python client's.
#include <iostream>
#include <string>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "index/text/bm25.h"

namespace {

using chroma::JsonWriter;

std::string ToLine(const chroma::model::SparseVector& vector) {
  std::string line;
  JsonWriter out(&line);
  out.BeginObject();
  out.Key("indices");
  out.BeginArray();
  for (const uint32_t index : vector.indices) out.Uint(index);
  out.EndArray();
  out.Key("values");
  out.F32Array(vector.values.data(), vector.values.size());
  out.Key("tokens");
  out.BeginArray();
  for (const std::string& token : vector.tokens) out.String(token);
  out.EndArray();
  out.EndObject();
  return line;
}

}  // namespace

int main() {
  chroma::index::Bm25Config config;
  config.include_tokens = true;
  const chroma::index::Bm25 bm25(config);
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = chroma::ParseJson(line);
    if (!text.ok() || text->AsString() == nullptr) {
      std::cerr << "not a JSON string: " << line << '\n';
      return 1;
    }
    std::cout << ToLine(bm25.Embed(*text->AsString())) << '\n';
  }
}
