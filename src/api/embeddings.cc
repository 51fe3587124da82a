#include <algorithm>

#include "chroma/types.h"

namespace chroma {

Embeddings::Embeddings(std::initializer_list<std::initializer_list<float>> rows) {
  for (const std::initializer_list<float>& row : rows) Append({row.begin(), row.size()});
}

Embeddings::Embeddings(const std::vector<std::vector<float>>& rows) {
  for (const std::vector<float>& row : rows) Append(row);
}

Embeddings::Embeddings(std::vector<float> values, size_t dimension) : values_(std::move(values)) {
  SetShape(values_.size(), dimension);
}

Embeddings Embeddings::View(std::span<const float> values, size_t dimension) {
  Embeddings view;
  view.view_ = values;
  view.is_view_ = true;
  view.SetShape(values.size(), dimension);
  return view;
}

void Embeddings::SetShape(size_t count, size_t dimension) {
  if (dimension == 0) dimension = count;
  dimension_ = dimension;
  rows_ = dimension == 0 ? 0 : (count + dimension - 1) / dimension;
  const size_t rest = dimension == 0 ? 0 : count % dimension;
  if (rest == 0) return;
  lengths_.assign(rows_, static_cast<uint32_t>(dimension));
  lengths_.back() = static_cast<uint32_t>(rest);
  if (rows_ == 1) {
    dimension_ = rest;
    lengths_.clear();
  }
}

void Embeddings::Append(std::span<const float> row) {
  if (is_view_) {
    values_.assign(view_.begin(), view_.end());
    view_ = {};
    is_view_ = false;
  }
  if (rows_ == 0) {
    dimension_ = row.size();
  } else if (lengths_.empty() && row.size() != dimension_) {
    lengths_.assign(rows_, static_cast<uint32_t>(dimension_));
  }
  const bool ragged = rows_ > 0 && (!lengths_.empty() || row.size() != dimension_);
  values_.insert(values_.end(), row.begin(), row.end());
  if (ragged) lengths_.push_back(static_cast<uint32_t>(row.size()));
  ++rows_;
}

std::span<const float> Embeddings::row(size_t i) const {
  if (uniform()) return values().subspan(i * dimension_, dimension_);
  size_t begin = 0;
  for (size_t earlier = 0; earlier < i; ++earlier) begin += lengths_[earlier];
  return values().subspan(begin, lengths_[i]);
}

std::vector<float> Embeddings::Release() {
  std::vector<float> released =
      is_view_ ? std::vector<float>(view_.begin(), view_.end()) : std::move(values_);
  *this = Embeddings();
  return released;
}

}  // namespace chroma
