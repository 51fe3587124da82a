// The vectors in the HNSW files of one segment, by label. The graph itself is not read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "importer/pickle.h"
#include "importer/sqlite_file.h"
#include "runtime/env.h"

namespace chroma::importer {

// Where things are in data_level0.bin.
struct HnswLayout {
  uint64_t elements = 0;  // that are in use
  uint64_t element_bytes = 0;
  uint64_t vector_at = 0;
  uint64_t label_at = 0;
  uint32_t dimension = 0;
};

// header.bin; kDataLoss when it cannot be right, also by the size of data_level0.bin.
Result<HnswLayout> DecodeHnswHeader(BytesView header, uint64_t data_bytes);

struct HnswOptions {
  bool cosine = false;  // vectors are stored with length 1, their lengths in length.bin
  bool salvage = false;
  // Whether the files were ever brought up to date: before that they hold nothing that counts.
  bool saved = true;
  // Where header.bin cannot tell; 0: not known.
  uint32_t dimension = 0;
  uint64_t max_neighbors = 16;
};

class HnswFiles {
 public:
  // The files in `directory`. None of them there: an index without elements, and not `exists`.
  // kDataLoss for damage; with `salvage` it goes to `damage`, and what can be read is used.
  static Result<std::unique_ptr<HnswFiles>> Open(const runtime::Env& env,
                                                 const std::string& directory,
                                                 const HnswOptions& options, DamageList* damage);
  // From bytes, for fuzzing.
  static Result<std::unique_ptr<HnswFiles>> FromBytes(BytesView header, BytesView data,
                                                      BytesView lengths, BytesView metadata,
                                                      const HnswOptions& options,
                                                      DamageList* damage);

  bool exists() const { return exists_; }
  // Whether index_metadata.pickle told whose the vectors are; else `ids` is empty.
  bool has_ids() const { return has_ids_; }
  uint32_t dimension() const { return layout_.dimension; }
  std::optional<uint64_t> max_seq_id() const { return metadata_.max_seq_id; }

  // Every id with the element that has its label; those without one are `missing`.
  struct Element {
    BytesView id;
    uint32_t element = 0;
  };
  std::vector<Element> Elements(std::vector<BytesView>* missing) const;
  // Without ids: the elements by ascending label, when the labels are exactly 1, 2, 3, …, so that
  // nothing was ever deleted and they are in the order of insertion. Else nothing.
  std::vector<uint32_t> InOrderOfInsertion() const;

  // The vector as it was given, but for rounding where options.cosine; `out` has dimension()
  // elements. False when it cannot be right.
  bool ReadVector(uint32_t element, std::span<float> out) const;
  // False where only the direction of a vector is left, and ReadVector gives it a length of 1.
  bool HasLength(uint32_t element) const {
    return !cosine_ || lengths_.size() / sizeof(float) > element;
  }

 private:
  HnswFiles() = default;
  Status Read(BytesView header, BytesView metadata, const HnswOptions& options, DamageList* damage);
  void GuessLayout(const HnswOptions& options);
  uint64_t LabelOf(uint64_t element) const;
  bool IsDeleted(uint64_t element) const;

  std::vector<std::shared_ptr<const runtime::MappedFile>> maps_;
  BytesView data_;
  BytesView lengths_;
  bool cosine_ = false;
  bool exists_ = false;
  bool has_ids_ = false;
  HnswLayout layout_;
  IndexMetadata metadata_;
};

}  // namespace chroma::importer
