#include <algorithm>
#include <string>

#include "model/limits.h"
#include "model/search.h"
#include "model/validate.h"

namespace chroma::model {

namespace {

Status Invalid(std::string message) {
  return Status::InvalidArgument(std::move(message));
}

// Keys with a meaning of their own; every other is a metadata field.
bool IsSpecial(const std::string& key) {
  return key == kDocumentKey || key == kEmbeddingKey || key == kMetadataKey || key == kScoreKey;
}

bool TakesOperands(RankOperator op, uint32_t operands) {
  switch (op) {
    case RankOperator::kKnn:
    case RankOperator::kValue:
      return operands == 0;
    case RankOperator::kSubtract:
    case RankOperator::kDivide:
      return operands == 2;
    case RankOperator::kAbs:
    case RankOperator::kExp:
    case RankOperator::kLog:
      return operands == 1;
    default:
      return true;
  }
}

// Whether every operator has its operands, and the depth of the tree.
Status ValidateShape(const Rank& rank) {
  if (rank.nodes.size() > kRankNodesMax) {
    return Invalid("more than " + std::to_string(kRankNodesMax) + " expressions");
  }
  if (rank.knns.size() > kRankKnnsMax) {
    return Invalid("more than " + std::to_string(kRankKnnsMax) + " $knn expressions");
  }
  std::vector<uint32_t> depths;
  for (const RankNode& node : rank.nodes) {
    const bool missing = node.op == RankOperator::kKnn && node.knn >= rank.knns.size();
    if (missing || node.operands > depths.size() || !TakesOperands(node.op, node.operands)) {
      return Status::Internal("a rank's operators do not fit their operands");
    }
    uint32_t depth = 0;
    for (uint32_t i = 0; i < node.operands; ++i) {
      depth = std::max(depth, depths.back());
      depths.pop_back();
    }
    depths.push_back(depth + 1);
    if (depth + 1 > kRankDepthMax) {
      return Invalid("nested deeper than " + std::to_string(kRankDepthMax) + " levels");
    }
  }
  if (depths.size() != 1) return Status::Internal("a rank is not one expression");
  return Status::Ok();
}

Status ValidateRank(const Rank& rank) {
  CHROMA_TRY(ValidateShape(rank));
  for (const Knn& knn : rank.knns) {
    if (knn.sparse() == nullptr) continue;
    const Status sparse = ValidateSparseVector(*knn.sparse());
    if (!sparse.ok()) {
      return Invalid("Invalid sparse vector in KNN query: " + std::string(sparse.message()));
    }
  }
  return Status::Ok();
}

Status ValidateGroupBy(const GroupBy& group_by) {
  if (group_by.keys.empty() == group_by.aggregate.has_value()) {
    return Invalid("group_by keys and aggregate must both be specified or both be omitted");
  }
  if (std::any_of(group_by.keys.begin(), group_by.keys.end(), IsSpecial)) {
    return Invalid(
        "group_by keys must be metadata fields (cannot use #score, #document, #embedding, or "
        "#metadata)");
  }
  if (!group_by.aggregate) return Status::Ok();
  const std::vector<std::string>& keys = group_by.aggregate->keys;
  if (keys.empty()) return Invalid("aggregate keys must not be empty");
  if (group_by.aggregate->k == 0) return Invalid("aggregate k must be greater than 0");
  const auto not_comparable = [](const std::string& key) {
    return IsSpecial(key) && key != kScoreKey;
  };
  if (std::any_of(keys.begin(), keys.end(), not_comparable)) {
    return Invalid(
        "aggregate keys must be metadata fields or #score (cannot use #document, #embedding, or "
        "#metadata)");
  }
  if (group_by.keys.size() > kGroupKeysMax || keys.size() > kGroupKeysMax) {
    return Invalid("more than " + std::to_string(kGroupKeysMax) + " keys");
  }
  return Status::Ok();
}

}  // namespace

Status ValidateSearches(const std::vector<Search>& searches) {
  if (searches.size() > kSearchesMax) {
    return Invalid("Validation error: searches: more than " + std::to_string(kSearchesMax) +
                   " searches");
  }
  std::string failures;
  Status broken;  // not the user's doing
  for (size_t i = 0; i < searches.size(); ++i) {
    const auto check = [&](std::string_view field, const Status& status) {
      if (status.ok()) return;
      if (status.code() != StatusCode::kInvalidArgument) broken = status;
      failures += failures.empty() ? "Validation error: " : "\n";
      failures += "searches[" + std::to_string(i) + "].";
      failures.append(field).append(": ").append(status.message());
    };
    const Search& search = searches[i];
    if (search.rank) check("rank", ValidateRank(*search.rank));
    check("group_by", ValidateGroupBy(search.group_by));
    if (search.group_by.aggregate && !search.rank) {
      check("__all__", Invalid("group_by requires rank expression to be specified"));
    }
  }
  CHROMA_TRY(broken);
  return failures.empty() ? Status::Ok() : Invalid(std::move(failures));
}

Status ValidateSearchAgainstCollection(const Search& search, const Schema& schema,
                                       std::optional<uint32_t> dimension) {
  if (search.filter) CHROMA_TRY(ValidateFilterAgainstSchema(*search.filter, schema));
  if (!search.rank) return Status::Ok();
  for (const Knn& knn : search.rank->knns) {
    if (knn.sparse() != nullptr) {
      if (!schema.IsSparseIndexed(knn.key)) {
        return Invalid("Cannot filter using metadata key '" + knn.key +
                       "' with type 'SparseVector' because indexing is disabled");
      }
      continue;
    }
    if (knn.text() != nullptr) return Status::Internal("a text is searched for, not its vector");
    const size_t length = std::get<std::vector<float>>(knn.query).size();
    if (dimension && length != *dimension) {
      return Invalid("Collection expecting embedding with dimension of " +
                     std::to_string(*dimension) + ", got " + std::to_string(length));
    }
  }
  return Status::Ok();
}

}  // namespace chroma::model
