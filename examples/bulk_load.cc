// Many vectors from one matrix, in batches and without copying it first.
#include <chroma/chroma.h>

#include <cmath>
#include <iostream>
#include <span>
#include <string>
#include <vector>

int main() {
  constexpr size_t kRows = 20'000;
  constexpr size_t kDimension = 64;
  constexpr size_t kBatch = 5'000;
  // Row after row, as a model, a file or numpy would have it.
  std::vector<float> matrix(kRows * kDimension);
  for (size_t i = 0; i < matrix.size(); ++i) {
    matrix[i] = std::sin(0.37f * static_cast<float>(i % kDimension + 1) *
                         static_cast<float>(i / kDimension + 1));
  }

  chroma::Result<chroma::Client> client = chroma::EphemeralClient();
  if (!client.ok()) return 1;
  chroma::Result<chroma::Collection> waves = client->CreateCollection("waves");
  if (!waves.ok()) return 1;
  for (size_t begin = 0; begin < kRows; begin += kBatch) {
    chroma::Records batch;
    for (size_t row = begin; row < begin + kBatch; ++row) batch.ids.push_back(std::to_string(row));
    batch.embeddings = chroma::Embeddings::View(
        std::span(matrix).subspan(begin * kDimension, kBatch * kDimension), kDimension);
    if (chroma::Status added = waves->Add(std::move(batch)); !added.ok()) {
      std::cerr << added.ToString() << "\n";
      return 1;
    }
    std::cout << waves->Count().value() << " records\n";
  }

  // Three queries at once: rows of the matrix, each of which is its own nearest neighbour.
  chroma::QueryOptions options;
  for (size_t row : {0, 777, 19'999}) {
    options.query_embeddings.Append(std::span(matrix).subspan(row * kDimension, kDimension));
  }
  options.n_results = 3;
  options.include = chroma::Include::kDistances;
  chroma::Result<chroma::QueryResult> found = waves->Query(std::move(options));
  if (!found.ok()) {
    std::cerr << found.status().ToString() << "\n";
    return 1;
  }
  for (size_t q = 0; q < found->size(); ++q) {
    std::cout << "query " << q << ":";
    for (size_t i = 0; i < found->ids[q].size(); ++i) {
      std::cout << " " << found->ids[q][i] << " (" << found->distances[q][i] << ")";
    }
    std::cout << "\n";
  }
  return found->ids[0][0] == "0" && found->ids[1][0] == "777" && found->ids[2][0] == "19999" ? 0
                                                                                             : 1;
}
