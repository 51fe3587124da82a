// What every random test over one collection draws from: records of all kinds, and filters as rich
// as the language. Values are few, so that filters find some.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "model/filter.h"
#include "model/record.h"
#include "model/schema.h"

namespace chroma {

struct Population {
  model::Space space = model::Space::kL2;
  uint32_t dimension = 2;
  int ids = 100;
  // Every distance is a number that floats hold, however it is summed up.
  bool exact_distances = false;
};

class RandomRecords {
 public:
  // Which records a request is about.
  struct Conditions {
    std::optional<std::vector<std::string>> ids;
    std::optional<model::Filter> where, where_document;
  };

 protected:
  RandomRecords(uint64_t seed, const Population& population)
      : random_(seed), population_(population), is_wide_(seed % 2 == 0) {}
  ~RandomRecords() = default;

  // In [0, 1).
  double Uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool Chance(int percent) { return Below(100) < percent; }

  uint32_t dimension() const { return population_.dimension; }
  int ids() const { return population_.ids; }

  // Of ordinary metadata. "m" has strings only, "n" integers and "o" floats, so that they are
  // stored in the forms of these; "t" has texts, alone and in arrays; the others have values of all
  // types.
  static const std::vector<std::string>& Keys();
  std::string RandomKey() { return Keys()[static_cast<size_t>(Below(7))]; }
  std::string RandomId() { return "id" + std::to_string(Below(population_.ids)); }
  std::vector<std::string> RandomIds(int n_max);
  std::string RandomText();
  std::string RandomTitle();
  model::MetadataValue RandomValueOf(const std::string& key);
  model::SparseVector RandomSparse(int size_max);
  std::vector<float> RandomVector();
  // A multiple of 1/16 from -2 to 2.
  float Coordinate() { return static_cast<float>(Below(65) - 32) / 16; }

  model::RecordBatch RandomBatch();
  // Additions of all ids, in order.
  model::RecordBatch BatchOfAll();

  model::Filter RandomFilter(int depth);
  model::DocumentPredicate RandomDocumentPredicate();
  model::TextPredicate RandomTextPredicate();
  Conditions RandomConditions();

  // Keys that records have sparse vectors under, and how often of a hundred.
  std::vector<std::pair<std::string, int>> sparse_keys_;

 private:
  int64_t RandomInteger();
  double RandomFloat();
  std::string RandomName();
  model::MetadataValue RandomValue();
  model::MetadataValue RandomScalarOf(const std::string& key);
  model::MetadataValue RandomListOf(const std::string& key);
  model::MetadataPredicate RandomReservedPredicate();
  model::MetadataPredicate RandomMetadataPredicate();
  std::vector<float> VectorOfWholeNorm();
  model::Metadata RandomMetadata(model::Operation operation);
  void AddColumns(model::RecordBatch* batch);

  std::mt19937_64 random_;
  const Population population_;
  // "m", "n" and "o" have values that need the wide forms: strings that nearly all differ, and
  // numbers of all sizes.
  const bool is_wide_;
};

}  // namespace chroma
