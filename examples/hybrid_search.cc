// Vectors and words together: two rankings fused, and the best of every source.
#include <chroma/chroma.h>

#include <iostream>

int main() {
  using chroma::Metadata;
  using chroma::SparseVector;

  chroma::Result<chroma::Client> client = chroma::EphemeralClient();
  if (!client.ok()) return 1;
  // Under "terms" are sparse vectors: which words a text has, and how much each of them says.
  chroma::Result<chroma::Collection> news = client->CreateCollection(
      "news", {.schema = R"({"defaults": {}, "keys": {"terms": {"sparse_vector":
                  {"sparse_vector_index": {"enabled": true, "config": {"bm25": true}}}}}})"});
  if (!news.ok()) return 1;
  enum Term : uint32_t { kRiver, kDam, kApple };
  const auto terms = [](std::vector<uint32_t> indices) {
    return SparseVector{indices, std::vector<float>(indices.size(), 1), {}};
  };
  chroma::Status added = news->Add({
      .ids = {"flood", "harvest", "dam", "bridge"},
      .embeddings = {{0.7, 0.4}, {0.2, 0.9}, {0.8, 0.3}, {0.7, 0.6}},
      .metadatas = {Metadata{{"source", "times"}, {"terms", terms({kRiver})}},
                    Metadata{{"source", "post"}, {"terms", terms({kApple})}},
                    Metadata{{"source", "times"}, {"terms", terms({kRiver, kDam})}},
                    Metadata{{"source", "post"}}},
  });
  if (!added.ok()) {
    std::cerr << added.ToString() << "\n";
    return 1;
  }
  // A record that only one of them finds is at place 100 in the other.
  chroma::Result<chroma::Rank> fused = chroma::Rrf(
      {chroma::Knn({.query = {1, 0}, .limit = 100, .default_score = 100.0f, .return_rank = true}),
       chroma::SparseKnn({.key = "terms",
                          .query = terms({kRiver, kDam}),
                          .limit = 100,
                          .default_score = 100.0f,
                          .return_rank = true})},
      {.weights = {1, 2}});  // words count twice
  if (!fused.ok()) return 1;
  chroma::Result<chroma::SearchResult> found = news->Search({
      .rank = *fused,
      .group_by = {.keys = {"source"}, .k = 1},
      .limit = 10,
      .select = {chroma::kScoreKey},
  });
  if (!found.ok()) {
    std::cerr << found.status().ToString() << "\n";
    return 1;
  }
  for (size_t i = 0; i < found->size(); ++i) {
    std::cout << found->scores[i] << "  " << found->ids[i] << "\n";
  }
  const std::vector<std::string> expected = {"dam", "bridge"};
  return found->ids == expected ? 0 : 1;
}
