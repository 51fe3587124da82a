// A collection on a server, such as one started with `chroma run`.
//
// usage: http_client URL     e.g. http://localhost:8000
#include <chroma/chroma.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: http_client URL\n";
    return 2;
  }
  chroma::HttpOptions options;
  options.timeout_ms = 30'000;
  options.headers = {{"x-chroma-token", "a proxy may ask for one"}};
  chroma::Result<chroma::Client> client = chroma::HttpClient(argv[1], options);
  if (!client.ok()) {
    std::cerr << client.status().ToString() << "\n";
    return 1;
  }
  std::cout << "connected to API version " << client->Version().value() << "\n";

  chroma::Result<chroma::Collection> places = client->GetOrCreateCollection("cpp_example_places");
  if (!places.ok()) return 1;
  chroma::Status written = places->Upsert({
      .ids = {"oslo", "rome", "lima"},
      .embeddings = {{59.9, 10.8}, {41.9, 12.5}, {-12.0, -77.0}},
  });
  if (!written.ok()) {
    std::cerr << written.ToString() << "\n";
    return 1;
  }
  chroma::Result<chroma::QueryResult> found = places->Query(
      {.query_embeddings = {{48.9, 2.4}}, .n_results = 1, .include = chroma::Include::kDistances});
  if (!found.ok()) return 1;
  std::cout << "nearest to Paris: " << found->ids[0][0] << "\n";

  // Errors have the server's words.
  chroma::Status missing = client->GetCollection("no_such_collection").status();
  std::cout << missing.ToString() << "\n";
  const bool deleted = client->DeleteCollection("cpp_example_places").ok();
  return found->ids[0][0] == "rome" && missing.code() == chroma::StatusCode::kNotFound && deleted
             ? 0
             : 1;
}
