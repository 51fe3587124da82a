// What is beyond other servers of Chroma's API: sorted lists with highlights, counts of values, and
// explanations (docs/extensions.md).
#include <chroma/chroma.h>

#include <iostream>
#include <string>

namespace {

chroma::Status Run() {
  CHROMA_ASSIGN(chroma::Client client, chroma::EphemeralClient());
  CHROMA_ASSIGN(chroma::Collection books, client.CreateCollection("books"));
  CHROMA_TRY(books.Add({
      .ids = {"waves", "wells", "whales", "woods"},
      .embeddings = {{0, 0}, {1, 0}, {0, 1}, {1, 1}},
      .documents = {"Tales of the deep, blue sea", "How deep is a well?",
                    "Whales of the deep sea and its waves", "Tall trees deep in the woods"},
      .metadatas = {{{"topic", "sea"}, {"year", 1990}},
                    {{"topic", "land"}, {"year", 2005}},
                    {{"topic", "sea"}, {"year", 2012}},
                    {{"topic", "land"}}},
  }));

  // The newest first; a book without a year comes last.
  CHROMA_ASSIGN(const chroma::ListRecordsResult listed,
                books.ListRecords({.where_document = chroma::Document().HasPrefix("deep"),
                                   .order_by = {{.key = "year", .descending = true}},
                                   .highlight = chroma::HighlightOptions()}));
  for (size_t i = 0; i < listed.records.size(); ++i) {
    std::cout << listed.records.ids[i] << ": " << listed.highlights[i]->matches.size()
              << " matches in \"" << listed.highlights[i]->snippets[0].text << "\"\n";
  }

  CHROMA_ASSIGN(const chroma::FacetsResult counted, books.Facets({.facets = {{.key = "topic"}}}));
  for (const chroma::ValueCount& one : counted.facets[0].values) {
    std::cout << one.count << " about the " << std::get<std::string>(one.value) << "\n";
  }

  CHROMA_ASSIGN(const std::string explained,
                books.ExplainList({.where = chroma::Where("year") >= 2000}, {"waves"}));
  std::cout << explained << "\n";
  return chroma::Status::Ok();
}

}  // namespace

int main() {
  const chroma::Status status = Run();
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
