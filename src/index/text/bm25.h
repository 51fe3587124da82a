// The sparse embedding function "chroma_bm25": what clients compute from a text, computed here, so
// that both give the same vectors (semantics.md §5.4).
//
// A text is cut into runs of word characters, in lower case; stop words and long words are dropped,
// the others stemmed (Snowball's English stemmer) and hashed (MurmurHash3) to dimensions. The
// weight of a dimension is BM25's term frequency part against a fixed average length; what the
// frequency over the collection adds is multiplied into queries (InverseDocumentFrequency).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "chroma/status.h"
#include "model/metadata.h"

namespace chroma::index {

struct Bm25Config {
  double k = 1.2;
  double b = 0.75;
  double avg_doc_length = 256;
  int64_t token_max_length = 40;                      // characters
  std::optional<std::vector<std::string>> stopwords;  // none: the usual English ones
  bool include_tokens = false;
};

// Immutable; thread safe.
class Bm25 {
 public:
  static constexpr std::string_view kName = "chroma_bm25";

  explicit Bm25(const Bm25Config& config = {});
  Bm25(Bm25&&) noexcept;
  ~Bm25();
  // From the configuration of the embedding function in a schema. kInvalidArgument naming the
  // member that has the wrong type.
  static Result<Bm25> FromConfig(const JsonValue& config);

  // Of a document or of a query. Bytes that are not UTF-8 separate words.
  model::SparseVector Embed(std::string_view text) const;
  // The stems of a text in order, as they are hashed.
  std::vector<std::string> Tokenize(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

// MurmurHash3_x86_32 (A. Appleby, public domain algorithm).
uint32_t Murmur3(std::string_view bytes, uint32_t seed);

}  // namespace chroma::index
