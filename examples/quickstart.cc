// A collection in memory: add three records, ask for the nearest.
#include <chroma/chroma.h>

#include <iostream>

int main() {
  chroma::Result<chroma::Client> client = chroma::EphemeralClient();
  if (!client.ok()) {
    std::cerr << client.status().ToString() << "\n";
    return 1;
  }
  chroma::Result<chroma::Collection> animals = client->CreateCollection("animals");
  if (!animals.ok()) {
    std::cerr << animals.status().ToString() << "\n";
    return 1;
  }
  // The vectors would come from a model; these have three dimensions: size, fur, wings.
  chroma::Status added = animals->Add({
      .ids = {"mouse", "bear", "eagle"},
      .embeddings = {{0.1, 0.8, 0}, {0.9, 1, 0}, {0.4, 0.1, 1}},
      .documents = {"A mouse is small.", "A bear is large.", "An eagle flies."},
  });
  if (!added.ok()) {
    std::cerr << added.ToString() << "\n";
    return 1;
  }
  chroma::Result<chroma::QueryResult> found =
      animals->Query({.query_embeddings = {{0.3, 0.2, 0.9}}, .n_results = 2});
  if (!found.ok()) {
    std::cerr << found.status().ToString() << "\n";
    return 1;
  }
  for (size_t i = 0; i < found->ids[0].size(); ++i) {
    std::cout << found->ids[0][i] << " at distance " << found->distances[0][i] << ": "
              << found->documents[0][i].value_or("") << "\n";
  }
  return found->ids[0].at(0) == "eagle" ? 0 : 1;
}
