// One query over vectors, text and metadata at once: what is near, says this, and is recent.
#include <chroma/chroma.h>

#include <iostream>

int main() {
  using chroma::Document;
  using chroma::Metadata;
  using chroma::Where;

  chroma::Result<chroma::Client> client = chroma::EphemeralClient();
  if (!client.ok()) return 1;
  chroma::CreateCollectionOptions options;
  options.configuration.hnsw.space = chroma::Space::kCosine;
  chroma::Result<chroma::Collection> news = client->CreateCollection("news", options);
  if (!news.ok()) return 1;
  chroma::Status added = news->Add({
      .ids = {"flood", "harvest", "dam", "bridge"},
      .embeddings = {{0.9, 0.1}, {0.2, 0.9}, {0.8, 0.3}, {0.7, 0.6}},
      .documents = {"The river left its bed in the night.", "A good year for apples.",
                    "Engineers inspect the dam above the river.", "The new bridge is open."},
      .metadatas = {Metadata{{"year", 2021}}, Metadata{{"year", 2022}}, Metadata{{"year", 2023}},
                    Metadata{{"year", 2024}}},
  });
  if (!added.ok()) {
    std::cerr << added.ToString() << "\n";
    return 1;
  }
  chroma::Result<chroma::QueryResult> found = news->Query({
      .query_embeddings = {{1, 0}},
      .where = Where("year") > 2021,
      .where_document = Document().Contains("river") || Document().Matches("(?i)\\bbridge"),
  });
  if (!found.ok()) {
    std::cerr << found.status().ToString() << "\n";
    return 1;
  }
  for (size_t i = 0; i < found->ids[0].size(); ++i) {
    std::cout << found->distances[0][i] << "  " << found->documents[0][i].value_or("") << "\n";
  }
  const std::vector<std::string> expected = {"dam", "bridge"};
  return found->ids[0] == expected ? 0 : 1;
}
