// For tests of what works over a graph: rows, their codes, and a graph over them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "index/vector/graph.h"
#include "index/vector/graph_builder.h"
#include "index/vector/vector_index.h"

namespace chroma::index {

// Under l2. Not to be moved: its parts point to each other.
class BuiltRows {
 public:
  BuiltRows(std::vector<float> values, uint32_t dimension)
      : values_(std::move(values)),
        dimension_(dimension),
        n_(static_cast<uint32_t>(values_.size() / dimension)) {
    for (uint32_t row = 0; row < n_; ++row) rows_.push_back(Row(row));
    coder_ = std::make_unique<RowCoder>(simd::ActiveCodeKernels(),
                                        ChooseCodeSpace(model::Space::kL2, dimension, 1, rows_));
    codes_ = std::make_unique<CodedRows>(*coder_, rows_, InOrder);
    GraphBuilder builder(*coder_, codes_->view(), {}, InOrder, nullptr, nullptr);
    EXPECT_TRUE(builder.Build().ok());
    neighbors_ = builder.neighbors();
    graph_ = {codes_->view(), Edges::Of(neighbors_.data()), builder.entry()};
  }
  BuiltRows(const BuiltRows&) = delete;
  BuiltRows& operator=(const BuiltRows&) = delete;

  uint32_t n() const { return n_; }
  const float* Row(uint32_t row) const { return values_.data() + size_t{row} * dimension_; }
  const RowCoder& coder() const { return *coder_; }
  const Graph& graph() const { return graph_; }
  VectorSource source() const {
    VectorSource source;
    source.row_pointers = rows_.data();
    source.n = n_;
    source.dimension = dimension_;
    return source;
  }

 private:
  const std::vector<float> values_;
  const uint32_t dimension_;
  const uint32_t n_;
  std::vector<const float*> rows_;
  std::unique_ptr<RowCoder> coder_;
  std::unique_ptr<CodedRows> codes_;
  std::vector<uint32_t> neighbors_;
  Graph graph_;
};

}  // namespace chroma::index
