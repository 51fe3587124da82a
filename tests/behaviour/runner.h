// Runs cases against a target.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "behaviour/case.h"
#include "behaviour/target.h"

namespace chroma::behaviour {

// Sends the steps one after the other. What is wrong with the first answer that is wrong, or
// nothing. `serial` makes the names of this run unique among all runs against the same data.
std::optional<std::string> RunCase(Target& target, const Case& wanted, uint32_t serial);

using CaseFilter = std::function<bool(const Case&)>;

struct Tally {
  int passed = 0;
  int excepted = 0;
  std::vector<std::string> failures;  // "name: what is wrong"
};

// Runs the cases of a file that `wanted` selects. An excepted case must fail, and an exception
// without a case is a failure: the list never says more than is true.
Tally RunCases(Target& target, const std::vector<Case>& cases, const Pairs& exceptions,
               const CaseFilter& wanted);

}  // namespace chroma::behaviour
