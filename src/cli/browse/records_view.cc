#include <algorithm>
#include <utility>
#include <vector>

#include "cli/browse/chosen_row.h"
#include "cli/browse/views.h"
#include "cli/record_json.h"
#include "cli/terminal.h"

namespace chroma::cli {
namespace {

constexpr uint32_t kNearest = 100;
constexpr uint64_t kPage = 200;
constexpr int kLoadsMax = 2;

// Records in order of insertion, those that match, or those near to one; a page of them is held.
class RecordsView final : public View {
 public:
  explicit RecordsView(Collection collection) : collection_(std::move(collection)) {}

  Status Load() override {
    page_.clear();
    if (!like_.empty()) return LoadNearest();
    CHROMA_TRY(CountMatching());
    return LoadPage(row_.first());
  }

  std::string Title() const override {
    std::string title = collection_.name() + ": " + CountText(count_) + " records";
    if (!like_.empty()) return title + " near " + like_;
    if (!search_.empty()) title += " with \"" + search_ + "\"";
    if (!where_.empty()) title += " where " + where_.ToJson();
    return title;
  }
  std::string Keys() const override {
    return "Enter show   / search text   f filter   n nearest to it   i go to id   c clear   "
           "d delete   r refresh   q back";
  }

  void Draw(Screen& screen, int top, int height) override {
    row_.Fit(count_, static_cast<uint64_t>(height));
    loads_left_ = kLoadsMax;
    unread_ = Status::Ok();
    // Which may tell that there are fewer.
    if (count_ > 0) static_cast<void>(At(row_.chosen()));
    row_.Fit(count_, static_cast<uint64_t>(height));
    if (count_ == 0) screen.Put(top, 2, "No record matches.", Look::kDim);
    const int id_width = std::clamp(screen.columns() / 4, 10, 40);
    for (uint64_t i = 0; i < static_cast<uint64_t>(height); ++i) {
      const uint64_t number = row_.first() + i;
      if (number >= count_) return;
      const Record* record = At(number);
      const Look look = number == row_.chosen() ? Look::kChosen : Look::kPlain;
      const int line = top + static_cast<int>(i);
      screen.Put(line, 0, "", look, true);
      if (record == nullptr) {
        if (!unread_.ok()) screen.Put(line, 1, unread_.message(), Look::kBad);
        unread_ = Status::Ok();
        continue;
      }
      screen.Put(line, 1, OneLine(record->id, static_cast<size_t>(id_width - 2)), look);
      screen.Put(line, id_width, Summary(*record), look);
    }
  }

  Result<Step> OnKey(Screen& screen, int32_t key) override {
    if (row_.OnKey(key)) return Step{};
    switch (key) {
      case 'q':
      case kKeyEscape:
      case kKeyLeft:
      case 'h':
        return Step{Step::Kind::kBack};
      case 'r':
        CHROMA_TRY(Load());
        return Step{};
      case '/':
        return Search(screen);
      case 'f':
        return AskFilter(screen);
      case 'i':
        return AskId(screen);
      case 'c':
        search_.clear();
        where_ = Filter();
        like_.clear();
        return FromTheTop();
      default:
        return OnRecordKey(screen, key);
    }
  }

 private:
  Result<Step> OnRecordKey(Screen& screen, int32_t key) {
    const Record* record = count_ == 0 ? nullptr : At(row_.chosen());
    if (record == nullptr) return Step{};
    if (key == kKeyEnter || key == kKeyRight || key == 'l') {
      return Step{Step::Kind::kOpen, MakeRecordView(collection_, record->id)};
    }
    if (key == 'n') {
      like_ = record->id;
      return FromTheTop();
    }
    if (key == 'd' && screen.Confirm("Delete the record " + record->id + "?")) {
      CHROMA_TRY(collection_.Delete({.ids = {{record->id}}}).status());
      CHROMA_TRY(Load());
    }
    return Step{};
  }

  Result<Step> Search(Screen& screen) {
    const auto text = screen.Ask("Documents with the text:", search_);
    if (!text) return Step{};
    search_ = *text;
    like_.clear();
    return FromTheTop();
  }

  Result<Step> AskFilter(Screen& screen) {
    const auto text = screen.Ask("where (JSON):", where_.ToJson());
    if (!text) return Step{};
    if (text->empty()) {
      where_ = Filter();
    } else {
      CHROMA_ASSIGN(where_, Filter::FromJson(*text));
    }
    return FromTheTop();
  }

  Result<Step> AskId(Screen& screen) {
    const auto id = screen.Ask("Id:");
    if (!id || id->empty()) return Step{};
    return Step{Step::Kind::kOpen, MakeRecordView(collection_, *id)};
  }

  Result<Step> FromTheTop() {
    row_ = ChosenRow();
    CHROMA_TRY(Load());
    return Step{};
  }

  DocumentFilter Documents() const {
    return search_.empty() ? DocumentFilter() : Document().Contains(search_);
  }

  Status CountMatching() {
    if (search_.empty() && where_.empty()) {
      CHROMA_ASSIGN(count_, collection_.Count());
      return Status::Ok();
    }
    CHROMA_ASSIGN(const GetResult ids,
                  collection_.Get(
                      {.where = where_, .where_document = Documents(), .include = Include::kNone}));
    count_ = ids.size();
    return Status::Ok();
  }

  Status LoadPage(uint64_t around) {
    begin_ = around - std::min<uint64_t>(around, kPage / 4);
    CHROMA_ASSIGN(const GetResult found,
                  collection_.Get({.where = where_,
                                   .where_document = Documents(),
                                   .limit = static_cast<uint32_t>(kPage),
                                   .offset = static_cast<uint32_t>(begin_)}));
    page_ = RecordsOf(found);
    // Others may have deleted some since they were counted.
    const bool fewer = page_.size() < kPage && begin_ + page_.size() < count_;
    return fewer ? CountMatching() : Status::Ok();
  }

  Status LoadNearest() {
    CHROMA_ASSIGN(const GetResult self,
                  collection_.Get({.ids = {{like_}}, .include = Include::kEmbeddings}));
    if (self.embeddings.empty()) return Status::NotFound("there is no record " + like_);
    QueryOptions options;
    options.query_embeddings.Append(self.embeddings.row(0));
    options.n_results = kNearest;
    options.where = where_;
    CHROMA_ASSIGN(const QueryResult found, collection_.Query(std::move(options)));
    page_ = RecordsOf(found, 0);
    begin_ = 0;
    count_ = page_.size();
    return Status::Ok();
  }

  // Null when it cannot be read.
  const Record* At(uint64_t number) {
    const bool is_here = number >= begin_ && number < begin_ + page_.size();
    if (!is_here) {
      if (!like_.empty() || loads_left_ == 0) return nullptr;
      --loads_left_;
      unread_ = LoadPage(number);
      // It would not be read for the other rows either.
      if (!unread_.ok()) loads_left_ = 0;
    }
    if (number < begin_ || number >= begin_ + page_.size()) return nullptr;
    return &page_[number - begin_];
  }

  static std::string Summary(const Record& record) {
    std::string text;
    if (record.distance) {
      std::string distance = std::to_string(*record.distance);
      text += distance + "  ";
    }
    if (record.document) text += *record.document;
    if (record.metadata && !record.metadata->empty()) {
      text += (text.empty() ? "" : "  ") + MetadataJson(*record.metadata);
    }
    return text;
  }

  Collection collection_;
  std::string search_;
  Filter where_;
  std::string like_;
  uint64_t count_ = 0;
  uint64_t begin_ = 0;  // of the page
  std::vector<Record> page_;
  int loads_left_ = kLoadsMax;  // of pages, until it is drawn again
  Status unread_;               // why a row is not there, until it was shown
  ChosenRow row_;
};

}  // namespace

std::unique_ptr<View> MakeRecordsView(Collection collection) {
  return std::make_unique<RecordsView>(std::move(collection));
}

}  // namespace chroma::cli
