#include "importer/hnsw_files.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/coding.h"
#include "model/limits.h"

namespace chroma::importer {
namespace {

constexpr size_t kHeaderBytes = 100;
constexpr uint64_t kLinksMax = 100'000;
constexpr size_t kNames = 4;
constexpr const char* kFileNames[kNames] = {"header.bin", "data_level0.bin", "length.bin",
                                            "index_metadata.pickle"};

}  // namespace

Result<HnswLayout> DecodeHnswHeader(BytesView header, uint64_t data_bytes) {
  if (header.size() < kHeaderBytes) {
    return Status::DataLoss("header.bin is damaged: it has " + std::to_string(header.size()) +
                            " bytes");
  }
  ByteReader reader(header);
  HnswLayout layout;
  const auto version = reader.Fixed<int32_t>();
  const auto offset = reader.Fixed<uint64_t>();
  const auto elements_max = reader.Fixed<uint64_t>();
  layout.elements = reader.Fixed<uint64_t>();
  layout.element_bytes = reader.Fixed<uint64_t>();
  layout.label_at = reader.Fixed<uint64_t>();
  layout.vector_at = reader.Fixed<uint64_t>();
  const bool sane =
      version == 1 && offset == 0 && layout.elements <= elements_max && layout.vector_at >= 4 &&
      layout.vector_at <= 4 + 4 * kLinksMax && layout.label_at > layout.vector_at &&
      layout.label_at - layout.vector_at <= uint64_t{4} * model::kDimensionMax &&
      (layout.label_at - layout.vector_at) % 4 == 0 && layout.element_bytes == layout.label_at + 8;
  if (!sane) return Status::DataLoss("header.bin is damaged");
  layout.dimension = static_cast<uint32_t>((layout.label_at - layout.vector_at) / 4);
  if (layout.elements > data_bytes / layout.element_bytes) {
    return Status::DataLoss(
        "data_level0.bin is cut off: " + std::to_string(data_bytes / layout.element_bytes) +
        " of " + std::to_string(layout.elements) + " vectors are there");
  }
  return layout;
}

Result<std::unique_ptr<HnswFiles>> HnswFiles::Open(const runtime::Env& env,
                                                   const std::string& directory,
                                                   const HnswOptions& options, DamageList* damage) {
  std::vector<std::shared_ptr<const runtime::MappedFile>> maps;
  BytesView views[kNames];
  size_t found = 0;
  std::string missing;
  for (size_t i = 0; i < kNames; ++i) {
    auto map = env.files->Map(runtime::JoinPath(directory, kFileNames[i]));
    if (map.status().code() == StatusCode::kNotFound) {
      // length.bin is for cosine alone, and the labels come with the first checkpoint.
      if (i != 2 || options.cosine) missing = kFileNames[i];
      continue;
    }
    CHROMA_TRY(map.status());
    ++found;
    views[i] = (*map)->bytes();
    maps.push_back(*std::move(map));
  }
  const bool unsaved = !options.saved && missing == kFileNames[3];
  const bool nothing = found == 0 || unsaved;
  if (nothing ? options.saved : !missing.empty()) {
    const std::string text = directory + (nothing ? "" : ": " + missing) + " is missing";
    if (!options.salvage) return Status::DataLoss(text);
    damage->Add(text);
  }
  if (nothing) return std::unique_ptr<HnswFiles>(new HnswFiles());
  auto files = FromBytes(views[0], views[1], views[2], views[3], options, damage);
  if (!files.ok()) return files.status().Annotate(directory);
  (*files)->maps_ = std::move(maps);
  return files;
}

Result<std::unique_ptr<HnswFiles>> HnswFiles::FromBytes(BytesView header, BytesView data,
                                                        BytesView lengths, BytesView metadata,
                                                        const HnswOptions& options,
                                                        DamageList* damage) {
  std::unique_ptr<HnswFiles> files(new HnswFiles());
  files->data_ = data;
  files->lengths_ = lengths;
  files->cosine_ = options.cosine;
  files->exists_ = true;
  CHROMA_TRY(files->Read(header, metadata, options, damage));
  return files;
}

Status HnswFiles::Read(BytesView header, BytesView metadata, const HnswOptions& options,
                       DamageList* damage) {
  if (!metadata.empty()) {
    auto decoded = DecodeIndexMetadata(metadata, options.salvage);
    if (decoded.ok()) {
      metadata_ = *std::move(decoded);
      has_ids_ = true;
      if (!metadata_.damage.empty()) damage->Add(metadata_.damage);
    } else if (!options.salvage) {
      return decoded.status();
    } else {
      damage->Add(std::string(decoded.status().message()));
    }
  }
  if (header.empty() && data_.empty() && metadata_.labels.empty()) return Status();
  auto layout = DecodeHnswHeader(header, data_.size());
  if (layout.ok()) {
    layout_ = *layout;
  } else if (!options.salvage) {
    return layout.status();
  } else {
    damage->Add(std::string(layout.status().message()));
    GuessLayout(options);
  }
  if (cosine_ && lengths_.size() / 4 < layout_.elements) {
    const std::string text = "length.bin is cut off";
    if (!options.salvage) return Status::DataLoss(text);
    if (!lengths_.empty()) damage->Add(text);
  }
  return Status();
}

// The only thing that varies is the number of neighbours, which the collection's configuration
// has, as it has the dimension. Labels that exist nowhere else show whether that fits.
void HnswFiles::GuessLayout(const HnswOptions& options) {
  layout_ = HnswLayout();
  const uint64_t dimension =
      metadata_.dimension && *metadata_.dimension != 0 ? *metadata_.dimension : options.dimension;
  if (dimension == 0 || dimension > model::kDimensionMax) return;
  const uint64_t neighbors = std::clamp<uint64_t>(options.max_neighbors, 1, kLinksMax / 2);
  layout_.dimension = static_cast<uint32_t>(dimension);
  layout_.vector_at = 4 + 4 * 2 * neighbors;
  layout_.label_at = layout_.vector_at + 4 * dimension;
  layout_.element_bytes = layout_.label_at + 8;
  layout_.elements = std::min<uint64_t>(data_.size() / layout_.element_bytes, UINT32_MAX);
  if (!has_ids_) return;
  std::unordered_map<uint64_t, bool> known;
  for (const LabelOfId& label : metadata_.labels) known.emplace(label.label, false);
  uint64_t matching = 0;
  for (uint64_t i = 0; i < layout_.elements; ++i) {
    const auto it = known.find(LabelOf(i));
    if (it != known.end() && !std::exchange(it->second, true)) ++matching;
  }
  if (matching * 2 < std::min<uint64_t>(known.size(), layout_.elements)) layout_.elements = 0;
}

uint64_t HnswFiles::LabelOf(uint64_t element) const {
  return LoadFixed<uint64_t>(data_.data() + element * layout_.element_bytes + layout_.label_at);
}

bool HnswFiles::IsDeleted(uint64_t element) const {
  return (data_[element * layout_.element_bytes + 2] & 1) != 0;
}

std::vector<HnswFiles::Element> HnswFiles::Elements(std::vector<BytesView>* missing) const {
  std::unordered_map<uint64_t, uint32_t> by_label;
  by_label.reserve(layout_.elements);
  for (uint64_t i = 0; i < layout_.elements; ++i) {
    if (!IsDeleted(i)) by_label.emplace(LabelOf(i), static_cast<uint32_t>(i));
  }
  std::vector<Element> elements;
  elements.reserve(metadata_.labels.size());
  for (const LabelOfId& label : metadata_.labels) {
    const auto it = by_label.find(label.label);
    if (it == by_label.end()) {
      missing->push_back(label.id);
    } else {
      elements.push_back({label.id, it->second});
    }
  }
  return elements;
}

std::vector<uint32_t> HnswFiles::InOrderOfInsertion() const {
  std::vector<uint32_t> order(layout_.elements, UINT32_MAX);
  for (uint64_t i = 0; i < layout_.elements; ++i) {
    const uint64_t label = LabelOf(i);
    if (IsDeleted(i) || label == 0 || label > layout_.elements) return {};
    if (order[label - 1] != UINT32_MAX) return {};
    order[label - 1] = static_cast<uint32_t>(i);
  }
  return order;
}

bool HnswFiles::ReadVector(uint32_t element, std::span<float> out) const {
  if (element >= layout_.elements || out.size() != layout_.dimension) return false;
  const char* at = data_.data() + uint64_t{element} * layout_.element_bytes + layout_.vector_at;
  std::memcpy(out.data(), at, out.size() * sizeof(float));
  double squares = 0;
  for (const float x : out) squares += static_cast<double>(x) * static_cast<double>(x);
  if (!std::isfinite(squares)) return false;
  if (!cosine_) return true;
  // A vector of zeros has no direction; it is stored as it is.
  constexpr double kTolerance = 1e-2;
  if (squares != 0 && std::abs(squares - 1) > kTolerance) return false;
  if (!HasLength(element)) return true;
  const float length = LoadFixed<float>(lengths_.data() + uint64_t{element} * 4);
  if (!std::isfinite(length) || length < 0 || (length == 0 && squares != 0)) return false;
  for (float& x : out) x *= length;
  return true;
}

}  // namespace chroma::importer
