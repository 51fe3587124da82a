// What browse shows: a list of collections, a list of records, one record. Views lie on a stack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "chroma/client.h"
#include "cli/browse/screen.h"

namespace chroma::cli {

class View;

struct Step {
  enum class Kind { kStay, kBack, kQuit, kOpen } kind = Kind::kStay;
  std::unique_ptr<View> opened = nullptr;  // of kOpen
};

class View {
 public:
  virtual ~View() = default;
  // Fetches what it shows; called before it is drawn the first time, and again when the view above
  // it was left.
  virtual Status Load() = 0;
  virtual std::string Title() const = 0;
  virtual std::string Keys() const = 0;  // for the bottom line
  // Within rows [top, top + height).
  virtual void Draw(Screen& screen, int top, int height) = 0;
  // A failure is shown, and the view stays.
  virtual Result<Step> OnKey(Screen& screen, int32_t key) = 0;
};

std::unique_ptr<View> MakeCollectionsView(Client client);
std::unique_ptr<View> MakeRecordsView(Collection collection);
std::unique_ptr<View> MakeRecordView(Collection collection, std::string id);

// Until the user leaves the first view.
Status RunViews(Screen& screen, std::unique_ptr<View> first);

}  // namespace chroma::cli
