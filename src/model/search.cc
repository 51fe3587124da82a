#include "model/search.h"

#include <algorithm>
#include <utility>

namespace chroma::model {

void Rank::AddValue(float value) {
  nodes.push_back({RankOperator::kValue, 0, value, 0});
}

void Rank::AddKnn(Knn knn) {
  nodes.push_back({RankOperator::kKnn, 0, 0, static_cast<uint32_t>(knns.size())});
  knns.push_back(std::move(knn));
}

void Rank::Append(Rank operand) {
  if (nodes.empty()) {
    *this = std::move(operand);
    return;
  }
  const auto first_knn = static_cast<uint32_t>(knns.size());
  nodes.reserve(nodes.size() + operand.nodes.size());
  for (RankNode node : operand.nodes) {
    if (node.op == RankOperator::kKnn) node.knn += first_knn;
    nodes.push_back(node);
  }
  std::move(operand.knns.begin(), operand.knns.end(), std::back_inserter(knns));
}

void Rank::AddOperator(RankOperator op, uint32_t operands) {
  nodes.push_back({op, operands, 0, 0});
}

Select Select::FromKeys(std::vector<std::string> keys) {
  Select select;
  for (std::string& key : keys) {
    if (key == kDocumentKey) {
      select.document = true;
    } else if (key == kEmbeddingKey) {
      select.embedding = true;
    } else if (key == kMetadataKey) {
      select.metadata = true;
    } else if (key == kScoreKey) {
      select.score = true;
    } else {
      select.fields.push_back(std::move(key));
    }
  }
  std::sort(select.fields.begin(), select.fields.end());
  select.fields.erase(std::unique(select.fields.begin(), select.fields.end()), select.fields.end());
  return select;
}

std::vector<std::string> Select::Keys() const {
  std::vector<std::string> keys;
  const auto add = [&keys](bool selected, std::string_view key) {
    if (selected) keys.emplace_back(key);
  };
  add(document, kDocumentKey);
  add(embedding, kEmbeddingKey);
  add(metadata, kMetadataKey);
  add(score, kScoreKey);
  keys.insert(keys.end(), fields.begin(), fields.end());
  return keys;
}

}  // namespace chroma::model
