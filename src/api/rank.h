// From the API's ranks to the model's.
#pragma once

#include <memory>
#include <utility>

#include "chroma/search.h"
#include "model/search.h"

namespace chroma::api {

struct RankAccess {
  // Null for none.
  static model::Rank* Get(Rank& rank) { return rank.rank_.get(); }
  static const model::Rank* Get(const Rank& rank) { return rank.rank_.get(); }
  static Rank Make(model::Rank rank) {
    Rank made;
    made.rank_ = std::make_unique<model::Rank>(std::move(rank));
    return made;
  }
};

}  // namespace chroma::api
