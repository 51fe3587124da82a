// Notes in a directory, found by likeness: notes add TEXT | notes find TEXT | notes list
#include <chroma/chroma.h>

#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr const char* kDirectory = "./notes-data";

// In place of an embedding model: counts of three-letter pieces, hashed.
std::vector<float> Embed(const std::string& text) {
  constexpr size_t kDimension = 256;
  std::vector<float> vector(kDimension, 0.0F);
  for (size_t i = 0; i + 3 <= text.size(); ++i) {
    vector[std::hash<std::string>()(text.substr(i, 3)) % kDimension] += 1.0F;
  }
  vector[0] += 0.01F;  // a note of two letters has a direction too
  return vector;
}

int Fail(const chroma::Status& status) {
  std::cerr << "notes: " << status.message() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  const std::string text = argc > 2 ? argv[2] : "";
  const chroma::Result<chroma::Client> client = chroma::PersistentClient(kDirectory);
  if (!client.ok()) return Fail(client.status());
  chroma::CreateCollectionOptions options;
  options.configuration.hnsw.space = chroma::Space::kCosine;
  const auto notes = client->GetOrCreateCollection("notes", options);
  if (!notes.ok()) return Fail(notes.status());

  if (verb == "add" && !text.empty()) {
    const auto count = notes->Count();
    if (!count.ok()) return Fail(count.status());
    const chroma::Status added = notes->Add({.ids = {"note " + std::to_string(*count + 1)},
                                             .embeddings = {Embed(text), 0},
                                             .documents = {text}});
    return added.ok() ? 0 : Fail(added);
  }
  if (verb == "find" && !text.empty()) {
    const auto found = notes->Query({.query_embeddings = {Embed(text), 0}, .n_results = 3});
    if (!found.ok()) return Fail(found.status());
    for (size_t i = 0; i < found->ids[0].size(); ++i) {
      std::cout << found->distances[0][i] << "  " << found->documents[0][i].value_or("") << "\n";
    }
    return 0;
  }
  if (verb == "list") {
    const auto all = notes->Get();
    if (!all.ok()) return Fail(all.status());
    for (const auto& document : all->documents) std::cout << document.value_or("") << "\n";
    return 0;
  }
  std::cerr << "usage: notes add TEXT | notes find TEXT | notes list\n";
  return 2;
}
