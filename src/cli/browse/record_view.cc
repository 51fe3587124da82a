#include <algorithm>
#include <utility>
#include <vector>

#include "cli/browse/views.h"
#include "cli/record_json.h"
#include "cli/terminal.h"

namespace chroma::cli {
namespace {

class RecordView final : public View {
 public:
  RecordView(Collection collection, std::string id)
      : collection_(std::move(collection)), id_(std::move(id)) {}

  Status Load() override {
    GetOptions request;
    request.ids.emplace({id_});
    request.include =
        Include::kDocuments | Include::kMetadatas | Include::kEmbeddings | Include::kUris;
    CHROMA_ASSIGN(const GetResult found, collection_.Get(std::move(request)));
    if (found.ids.empty()) return Status::NotFound("there is no record " + id_);
    record_ = RecordsOf(found).front();
    columns_ = 0;
    return Status::Ok();
  }

  std::string Title() const override { return collection_.name() + " / " + id_; }
  std::string Keys() const override {
    return "e edit the document   m edit the metadata   d delete   j/k scroll   r refresh   q back";
  }

  void Draw(Screen& screen, int top, int height) override {
    const auto columns = static_cast<size_t>(std::max(screen.columns() - 2, 20));
    if (columns != std::exchange(columns_, columns)) lines_ = Lines(columns);
    const std::vector<Line>& lines = lines_;
    const size_t last = lines.size() - std::min(lines.size(), static_cast<size_t>(height));
    first_ = std::min(first_, last);
    for (size_t i = 0; i < static_cast<size_t>(height) && first_ + i < lines.size(); ++i) {
      const Line& line = lines[first_ + i];
      screen.Put(top + static_cast<int>(i), 1, line.text, line.look);
    }
  }

  Result<Step> OnKey(Screen& screen, int32_t key) override {
    switch (key) {
      case 'q':
      case kKeyEscape:
      case kKeyLeft:
      case 'h':
        return Step{Step::Kind::kBack};
      case 'r':
        CHROMA_TRY(Load());
        break;
      case 'j':
      case kKeyDown:
        ++first_;
        break;
      case 'k':
      case kKeyUp:
        first_ -= std::min<size_t>(first_, 1);
        break;
      case 'e':
        CHROMA_TRY(EditDocument(screen));
        break;
      case 'm':
        CHROMA_TRY(EditMetadata(screen));
        break;
      case 'd':
        if (screen.Confirm("Delete the record " + id_ + "?")) {
          CHROMA_TRY(collection_.Delete({.ids = {{id_}}}).status());
          return Step{Step::Kind::kBack};
        }
        break;
      default:
        break;
    }
    return Step{};
  }

 private:
  struct Line {
    std::string text;
    Look look = Look::kPlain;
  };

  std::vector<Line> Lines(size_t columns) const {
    std::vector<Line> lines;
    const auto heading = [&](const char* name) {
      if (!lines.empty()) lines.push_back({});
      lines.push_back({name, Look::kBold});
    };
    const auto wrapped = [&](const std::string& text) {
      for (std::string& piece : WrapText(text, columns)) lines.push_back({std::move(piece)});
    };
    heading("document");
    record_.document ? wrapped(*record_.document) : lines.push_back({"none", Look::kDim});
    heading("metadata");
    if (!record_.metadata || record_.metadata->empty()) lines.push_back({"none", Look::kDim});
    if (record_.metadata) {
      for (const auto& [key, value] : *record_.metadata) {
        const std::string one = MetadataJson({{key, value}});
        wrapped(one.substr(1, one.size() - 2));
      }
    }
    if (record_.uri) {
      heading("uri");
      wrapped(*record_.uri);
    }
    if (record_.embedding) {
      heading("embedding");
      std::string json;
      JsonWriter(&json).F32Array(record_.embedding->data(), record_.embedding->size());
      std::string text;
      for (const char c : json) text += c == ',' ? std::string(", ") : std::string(1, c);
      lines.push_back({std::to_string(record_.embedding->size()) + " numbers", Look::kDim});
      wrapped(text);
    }
    return lines;
  }

  // By the user's editor, or on the bottom line; none when given up or not changed.
  static Result<std::optional<std::string>> Edit(Screen& screen, const std::string& what,
                                                 const std::string& text) {
    CHROMA_ASSIGN(std::optional<std::string> edited, screen.EditElsewhere(text));
    if (!edited && text.find('\n') != std::string::npos) {
      return Status::FailedPrecondition("it has several lines: set EDITOR to edit it");
    }
    if (!edited) edited = screen.Ask(what + ":", text);
    if (edited && *edited == text) edited.reset();
    return edited;
  }

  Status EditDocument(Screen& screen) {
    CHROMA_ASSIGN(const std::optional<std::string> edited,
                  Edit(screen, "document", record_.document.value_or("")));
    if (!edited) return Status::Ok();
    Records change;
    change.ids = {id_};
    change.documents = {*edited};
    CHROMA_TRY(collection_.Update(std::move(change)));
    return Load();
  }

  Status EditMetadata(Screen& screen) {
    const Metadata before = record_.metadata.value_or(Metadata());
    CHROMA_ASSIGN(const std::optional<std::string> edited,
                  Edit(screen, "metadata", MetadataJson(before)));
    if (!edited) return Status::Ok();
    CHROMA_ASSIGN(Metadata after, ParseMetadata(*edited, true));
    // Keys that are gone are deleted.
    for (const auto& [key, value] : before) after.try_emplace(key, std::monostate());
    Records change;
    change.ids = {id_};
    change.metadatas = {std::move(after)};
    CHROMA_TRY(collection_.Update(std::move(change)));
    return Load();
  }

  Collection collection_;
  const std::string id_;
  Record record_;
  std::vector<Line> lines_;
  size_t columns_ = 0;  // that the lines are for; 0: they are of an earlier record
  size_t first_ = 0;    // line in sight
};

}  // namespace

std::unique_ptr<View> MakeRecordView(Collection collection, std::string id) {
  return std::make_unique<RecordView>(std::move(collection), std::move(id));
}

}  // namespace chroma::cli
