// How an answer is compared with what was expected.
//
// match: "exact" (1 and 1.0 differ; the order of members does not count), "approx" (floats within
// 2e-5 relative or 2e-6 absolute), "regex" (member `error` equal, `message` found by message_re),
// "lines" (the lines of `message` in any order), "status" (nothing else is looked at).
// project: "a.b" takes a part of the answer, "[].name" a column of a list; sorted: as sets.
// Placeholders: "<any>", "<uuid>", "<int>", "<float>", "<str>".
#pragma once

#include <optional>
#include <string>

#include "base/json_value.h"
#include "behaviour/case.h"
#include "behaviour/target.h"

namespace chroma::behaviour {

// What is wrong, or nothing. `expect` has its templates filled in.
std::optional<std::string> Mismatch(const Expectation& expect, const Answer& answer);

// The part of a value that "a.0.b" names, or null.
const JsonValue* Dig(const JsonValue& value, const std::string& path);

}  // namespace chroma::behaviour
