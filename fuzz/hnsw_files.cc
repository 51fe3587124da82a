// importer/hnsw_files.h: upstream's vectors. The input is header.bin, and what follows its 100
// bytes is used as each of the other files.
#include "importer/hnsw_files.h"

#include <vector>

#include "base/check.h"
#include "fuzz.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  const BytesView header = input.substr(0, 100);
  const BytesView rest = input.substr(header.size());
  const size_t ids_at = rest.find("\x80");
  const BytesView data = rest.substr(0, ids_at);
  const BytesView ids = ids_at == BytesView::npos ? BytesView() : rest.substr(ids_at);
  for (const bool salvage : {false, true}) {
    const importer::HnswOptions options = {
        .cosine = rest.size() % 2 == 1, .salvage = salvage, .dimension = 2, .max_neighbors = 3};
    importer::DamageList damage;
    const auto files = importer::HnswFiles::FromBytes(header, data, data, ids, options, &damage);
    if (!files.ok()) {
      CHECK(files.status().code() == StatusCode::kDataLoss);
      continue;
    }
    std::vector<float> vector((*files)->dimension());
    std::vector<BytesView> missing;
    for (const auto& element : (*files)->Elements(&missing)) {
      (void)(*files)->ReadVector(element.element, vector);
    }
    for (const uint32_t element : (*files)->InOrderOfInsertion()) {
      (void)(*files)->ReadVector(element, vector);
    }
  }
}

}  // namespace chroma::fuzz
