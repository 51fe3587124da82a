#include "cli/browse/views.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/terminal.h"

namespace chroma::cli {
namespace {

constexpr int kTitleRows = 2;
constexpr int kKeysRows = 2;
constexpr size_t kTroubleRows = 4;

// Over the last rows: what went wrong comes at the end of many a message.
void PutTrouble(Screen& screen, const std::string& trouble, int last) {
  const auto columns = static_cast<size_t>(std::max(screen.columns(), 20));
  std::vector<std::string> lines = WrapText(trouble, columns);
  if (lines.size() > kTroubleRows) lines.resize(kTroubleRows);
  int row = last + 1 - static_cast<int>(lines.size());
  for (const std::string& line : lines) screen.Put(row++, 0, line, Look::kBad, true);
}

void DrawAll(Screen& screen, View& view, const std::string& trouble) {
  screen.Clear();
  view.Draw(screen, kTitleRows, std::max(screen.rows() - kTitleRows - kKeysRows, 1));
  screen.Put(0, 0, " " + view.Title(), Look::kTitle, true);
  const int last = screen.rows() - 1;
  if (trouble.empty()) {
    screen.Put(last, 0, view.Keys(), Look::kDim, true);
  } else {
    PutTrouble(screen, trouble, last);
  }
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
    if (key == kKeyGone) return Status::FailedPrecondition("the terminal was closed");
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
