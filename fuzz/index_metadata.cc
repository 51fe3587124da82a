// importer/pickle.h: the ids of upstream's HNSW files.
#include "importer/pickle.h"

#include "base/check.h"
#include "fuzz.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  const auto strict = importer::DecodeIndexMetadata(input, /*salvage=*/false);
  const auto salvaged = importer::DecodeIndexMetadata(input, /*salvage=*/true);
  CHECK(!strict.ok() || salvaged.ok());
  for (const auto* decoded : {&strict, &salvaged}) {
    if (!decoded->ok()) {
      CHECK(decoded->status().code() == StatusCode::kDataLoss);
      continue;
    }
    for (const importer::LabelOfId& label : (*decoded)->labels) {
      CHECK(label.id.data() >= input.data());
      CHECK(label.id.data() + label.id.size() <= input.data() + input.size());
    }
  }
}

}  // namespace chroma::fuzz
