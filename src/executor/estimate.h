// How many rows of a part a predicate is about to match, before it is evaluated: for choosing and
// explaining plans.
//
// Metadata predicates take their shares from the statistics of the columns (Part::EstimateMatch),
// predicates on documents from the dictionary of the text index. What goes together in the data
// does in the estimate: several metadata predicates are tried on a sample of rows, all of the tree
// on the same ones, and what they match there is scaled to these shares. Text is taken as
// independent of the rest.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/part.h"

namespace chroma::executor {

struct TextCounter;

struct TextCost {
  double share = 0;           // of all rows that match
  double documents_read = 0;  // to evaluate it on all rows, about, or what takes as long
};

// Of one part, and of `candidates` among its rows (null: all), which outlive it. The sample is
// chosen when a predicate first needs it. One task at a time.
class Estimator {
 public:
  explicit Estimator(const segment::Part& part, const Bitmap* candidates = nullptr);

  // The share of candidates that match, dead rows counting as the others. Reads no document, and
  // metadata of 512 rows only: for several metadata predicates together, where candidates are not
  // the whole part, or where the part has no statistics. Then off by less than .045 with a
  // probability of 95 %; else as the statistics are.
  Result<double> Share(runtime::Context& ctx, const planner::Predicate& predicate);
  // The same of all rows, taking leaves as independent, and from statistics alone: reads nothing.
  // None where the part has no statistics, or they cannot be read.
  Result<std::optional<double>> KnownShare(runtime::Context& ctx,
                                           const planner::Predicate& predicate) const;
  // Of what reads documents, for choosing an order: in much less time than evaluating it takes,
  // since what is looked for in all terms is taken to be in half of the documents, or in fewer.
  Result<TextCost> CostOfText(runtime::Context& ctx, const planner::Predicate& predicate);

 private:
  Result<double> ShareOf(runtime::Context& ctx, const planner::Predicate& predicate,
                         TextCounter* texts);
  Result<std::optional<double>> KnownShareOf(runtime::Context& ctx,
                                             const planner::Predicate& predicate,
                                             TextCounter* texts) const;
  const Bitmap& Sample();

  const segment::Part& part_;
  const Bitmap* const candidates_;
  bool every_row_;
  std::optional<Bitmap> sample_;
};

}  // namespace chroma::executor
