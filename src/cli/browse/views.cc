#include "cli/browse/views.h"

#include <utility>
#include <vector>

namespace chroma::cli {
namespace {

constexpr int kTitleRows = 2;
constexpr int kKeysRows = 2;

void DrawAll(Screen& screen, View& view, const std::string& trouble) {
  screen.Clear();
  screen.Put(0, 0, " " + view.Title(), Look::kTitle, true);
  view.Draw(screen, kTitleRows, std::max(screen.rows() - kTitleRows - kKeysRows, 1));
  const int last = screen.rows() - 1;
  screen.Put(last, 0, trouble.empty() ? view.Keys() : trouble,
             trouble.empty() ? Look::kDim : Look::kBad, true);
  screen.Show();
}

}  // namespace

Status RunViews(Screen& screen, std::unique_ptr<View> first) {
  std::vector<std::unique_ptr<View>> views;
  CHROMA_TRY(first->Load());
  views.push_back(std::move(first));
  std::string trouble;
  while (!views.empty()) {
    DrawAll(screen, *views.back(), trouble);
    const int32_t key = screen.ReadKey();
    if (key == kKeyNone || key == kKeyResize) continue;
    trouble.clear();
    Result<Step> step = views.back()->OnKey(screen, key);
    if (!step.ok()) {
      trouble = step.status().message();
      continue;
    }
    Status loaded;
    if (step->kind == Step::Kind::kQuit) return Status::Ok();
    if (step->kind == Step::Kind::kBack) {
      views.pop_back();
      if (!views.empty()) loaded = views.back()->Load();
    } else if (step->kind == Step::Kind::kOpen) {
      loaded = step->opened->Load();
      if (loaded.ok()) views.push_back(std::move(step->opened));
    }
    if (!loaded.ok()) trouble = loaded.message();
  }
  return Status::Ok();
}

}  // namespace chroma::cli
