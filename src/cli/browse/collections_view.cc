#include <algorithm>
#include <utility>
#include <vector>

#include "cli/browse/chosen_row.h"
#include "cli/browse/views.h"
#include "cli/terminal.h"

namespace chroma::cli {
namespace {

class CollectionsView final : public View {
 public:
  explicit CollectionsView(Client client) : client_(std::move(client)) {}

  Status Load() override {
    CHROMA_ASSIGN(std::vector<Collection> collections, client_.ListCollections());
    std::sort(collections.begin(), collections.end(),
              [](const Collection& a, const Collection& b) { return a.name() < b.name(); });
    rows_.clear();
    for (Collection& collection : collections) {
      const Result<uint64_t> count = collection.Count();
      rows_.push_back({std::move(collection), count.ok() ? CountText(*count) : "?"});
    }
    return Status::Ok();
  }

  std::string Title() const override {
    return client_.tenant() + " / " + client_.database() + ": " + std::to_string(rows_.size()) +
           " collections";
  }
  std::string Keys() const override {
    return "Enter open   R rename   D delete   r refresh   q quit";
  }

  void Draw(Screen& screen, int top, int height) override {
    row_.Fit(rows_.size(), static_cast<uint64_t>(height));
    if (rows_.empty()) screen.Put(top, 2, "There are no collections here.", Look::kDim);
    constexpr int kNumbersWidth = 32;
    const int numbers = std::max(screen.columns() - kNumbersWidth, 20);
    for (uint64_t i = 0; i < static_cast<uint64_t>(height); ++i) {
      const uint64_t number = row_.first() + i;
      if (number >= rows_.size()) return;
      const Row& shown = rows_[number];
      const Look look = number == row_.chosen() ? Look::kChosen : Look::kPlain;
      const int line = top + static_cast<int>(i);
      screen.Put(line, 0, "", look, true);
      screen.Put(line, 2, OneLine(shown.collection.name(), static_cast<size_t>(numbers - 3)), look);
      const std::optional<uint32_t> dimension = shown.collection.info().dimension;
      screen.Put(line, numbers, shown.count + " records", look);
      screen.Put(line, numbers + 19, dimension ? std::to_string(*dimension) + " dim" : "", look);
    }
  }

  Result<Step> OnKey(Screen& screen, int32_t key) override {
    if (row_.OnKey(key)) return Step{};
    if (key == 'q' || key == kKeyEscape) return Step{Step::Kind::kBack};
    if (key == 'r') {
      CHROMA_TRY(Load());
      return Step{};
    }
    if (rows_.empty()) return Step{};
    Collection& collection = rows_[row_.chosen()].collection;
    if (key == kKeyEnter || key == kKeyRight || key == 'l') {
      return Step{Step::Kind::kOpen, MakeRecordsView(collection)};
    }
    if (key == 'R') {
      const auto name = screen.Ask("New name:", collection.name());
      if (name && *name != collection.name()) {
        CHROMA_TRY(collection.Modify({.new_name = *name}));
        CHROMA_TRY(Load());
      }
    }
    if (key == 'D' && screen.Confirm("Delete " + collection.name() + " with its " +
                                     rows_[row_.chosen()].count + " records?")) {
      CHROMA_TRY(client_.DeleteCollection(collection.name()));
      CHROMA_TRY(Load());
    }
    return Step{};
  }

 private:
  struct Row {
    Collection collection;
    std::string count;
  };

  Client client_;
  std::vector<Row> rows_;
  ChosenRow row_;
};

}  // namespace

std::unique_ptr<View> MakeCollectionsView(Client client) {
  return std::make_unique<CollectionsView>(std::move(client));
}

}  // namespace chroma::cli
