// A collection in a directory, and filters over its metadata.
//
// usage: metadata_filters DIRECTORY
#include <chroma/chroma.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

using chroma::Metadata;
using chroma::Where;

namespace {

// The value, or the end of the program.
template <typename T>
T OrExit(chroma::Result<T> result) {
  if (!result.ok()) {
    std::cerr << result.status().ToString() << "\n";
    std::exit(1);
  }
  return *std::move(result);
}

void OrExit(const chroma::Status& status) {
  if (status.ok()) return;
  std::cerr << status.ToString() << "\n";
  std::exit(1);
}

std::vector<std::string> Find(const chroma::Collection& books, chroma::Filter where) {
  std::cout << where.ToJson() << " finds";
  chroma::GetResult found = OrExit(books.Get({.where = std::move(where)}));
  for (const std::string& id : found.ids) std::cout << " " << id;
  std::cout << "\n";
  return found.ids;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: metadata_filters DIRECTORY\n";
    return 2;
  }
  using Tags = std::vector<std::string>;
  {
    chroma::Client client = OrExit(chroma::PersistentClient(argv[1]));
    chroma::Collection books = OrExit(client.GetOrCreateCollection("books"));
    OrExit(books.Upsert({
        .ids = {"dune", "emma", "ulysses", "solaris"},
        .embeddings = {{1, 0}, {0, 1}, {0.2, 0.8}, {0.9, 0.3}},
        .metadatas = {Metadata{{"year", 1965}, {"price", 9.99}, {"tags", Tags{"sf", "desert"}}},
                      Metadata{{"year", 1815}, {"price", 4.5}, {"tags", Tags{"classic"}}},
                      Metadata{{"year", 1922}, {"lent", true}, {"tags", Tags{"classic"}}},
                      Metadata{{"year", 1961}, {"price", 7}, {"tags", Tags{"sf"}}}},
    }));
  }
  // The last handle has closed the directory; whoever opens it next finds everything.
  chroma::Client client = OrExit(chroma::PersistentClient(argv[1]));
  chroma::Collection books = OrExit(client.GetCollection("books"));
  bool as_expected = OrExit(books.Count()) == 4;
  as_expected &= Find(books, Where("year") >= 1950) == std::vector<std::string>{"dune", "solaris"};
  as_expected &= Find(books, Where("tags").Contains("sf") && Where("price") < 8) ==
                 std::vector<std::string>{"solaris"};
  as_expected &= Find(books, Where("lent") == true || Where("year").In({1815, 1816})) ==
                 std::vector<std::string>{"emma", "ulysses"};

  // A filter from a configuration file or a user, as the JSON that Chroma's other clients take.
  chroma::Filter given = OrExit(chroma::Filter::FromJson(R"({"year": {"$lt": 1900}})"));
  as_expected &= Find(books, given) == std::vector<std::string>{"emma"};
  return as_expected ? 0 : 1;
}
