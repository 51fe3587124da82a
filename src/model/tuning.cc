#include "model/tuning.h"

#include <string>
#include <string_view>

namespace chroma::model {
namespace {

constexpr std::string_view kTargetRecall = "vector:target_recall";
constexpr std::string_view kMemory = "vector:memory";

Status SetTargetRecall(const MetadataValue& value, VectorTuning* tuning) {
  double number = 0;
  if (const auto* real = std::get_if<double>(&value)) number = *real;
  if (const auto* integer = std::get_if<int64_t>(&value)) number = static_cast<double>(*integer);
  if (!(number > 0 && number <= 1)) {
    return Status::InvalidArgument(std::string(kTargetRecall) +
                                   " must be a number above 0 and at most 1, as 0.98");
  }
  tuning->target_recall = static_cast<float>(number);
  return Status::Ok();
}

Status SetMemory(const MetadataValue& value, VectorTuning* tuning) {
  const auto* word = std::get_if<std::string>(&value);
  if (word != nullptr && *word == "auto") {
    tuning->memory = IndexMemory::kAuto;
  } else if (word != nullptr && *word == "roomy") {
    tuning->memory = IndexMemory::kRoomy;
  } else if (word != nullptr && *word == "compact") {
    tuning->memory = IndexMemory::kCompact;
  } else {
    return Status::InvalidArgument(std::string(kMemory) + " must be auto, roomy or compact");
  }
  return Status::Ok();
}

}  // namespace

Result<VectorTuning> TuningOf(const std::optional<Metadata>& metadata) {
  VectorTuning tuning;
  if (!metadata) return tuning;
  for (const auto& [key, value] : *metadata) {
    if (TypeOf(value) == ValueType::kNull) continue;
    if (key == kTargetRecall) CHROMA_TRY(SetTargetRecall(value, &tuning));
    if (key == kMemory) CHROMA_TRY(SetMemory(value, &tuning));
  }
  return tuning;
}

}  // namespace chroma::model
