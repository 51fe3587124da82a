#include "behaviour/runner.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "behaviour/expectation.h"

namespace chroma::behaviour {
namespace {

using Variables = std::map<std::string, std::string>;

// Arrays too long to stand in a case: their elements, in place of a string in the array.
void WriteOut(std::string& body) {
  constexpr int kMany = 40'000;
  for (const std::string kind : {"texts", "numbers"}) {
    const std::string wanted = "\"{{40000 " + kind + "}}\"";
    const size_t at = body.find(wanted);
    if (at == std::string::npos) continue;
    std::string elements;
    for (int i = 0; i < kMany; ++i) {
      if (i > 0) elements += ',';
      elements += kind == "texts" ? "\"x" + std::to_string(i) + "\"" : std::to_string(2 * i + 2);
    }
    body.replace(at, wanted.size(), elements);
  }
}

std::string Fill(std::string text, const Variables& variables) {
  constexpr int kNestingMax = 3;  // {{C}} holds {{DB}} and {{cid}}
  for (int pass = 0; pass < kNestingMax && text.find("{{") != std::string::npos; ++pass) {
    for (const auto& [name, value] : variables) {
      const std::string wanted = "{{" + name + "}}";
      for (size_t at = text.find(wanted); at != std::string::npos;
           at = text.find(wanted, at + value.size())) {
        text.replace(at, wanted.size(), value);
      }
    }
  }
  return text;
}

Variables InitialVariables(uint32_t serial) {
  char unique[9];
  std::snprintf(unique, sizeof unique, "%08x", serial * 2654435761u);
  return {{"u", unique},
          {"n", std::string("c_") + unique},
          {"T", "/api/v2/tenants"},
          {"DB", "/api/v2/tenants/default_tenant/databases/default_database"},
          {"C", "{{DB}}/collections/{{cid}}"},
          {"uuid", std::string(unique) + "-aaaa-4bbb-8ccc-00000000dddd"}};
}

Question QuestionOf(const Step& step, const Variables& variables) {
  Question question{step.method, Fill(step.path, variables), {}, step.body};
  if (step.body_has_templates) {
    question.body = Fill(*step.body, variables);
    WriteOut(*question.body);
  }
  bool has_type = step.no_content_type || !question.body;
  for (const auto& [name, value] : step.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    has_type = has_type || lower == "content-type";
    question.headers.emplace_back(lower, Fill(value, variables));
  }
  if (!has_type) question.headers.emplace_back("content-type", "application/json");
  return question;
}

std::optional<std::string> SaveVariables(const Step& step, const Answer& answer,
                                         Variables* variables) {
  for (const auto& [name, path] : step.save) {
    const Result<JsonValue> body = ParseJson(answer.body);
    const JsonValue* value = body.ok() ? Dig(*body, path) : nullptr;
    if (value == nullptr) return "no " + path + " to save in " + answer.body;
    (*variables)[name] = value->AsString() ? *value->AsString() : ToJson(*value);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> RunCase(Target& target, const Case& wanted, uint32_t serial) {
  Variables variables = InitialVariables(serial);
  for (size_t i = 0; i < wanted.steps.size(); ++i) {
    const Step& step = wanted.steps[i];
    const Answer answer = target.Ask(QuestionOf(step, variables));
    Expectation expect = step.expect;
    if (expect.body) expect.body = Fill(*expect.body, variables);
    if (expect.text) expect.text = Fill(*expect.text, variables);
    std::optional<std::string> problem = Mismatch(expect, answer);
    if (!problem) problem = SaveVariables(step, answer, &variables);
    if (!problem) continue;
    std::string request = step.method + " " + step.path + " " + step.body.value_or("");
    return "step " + std::to_string(i + 1) + " of " + std::to_string(wanted.steps.size()) + " (" +
           request.substr(0, 300) + "): " + *problem;
  }
  return std::nullopt;
}

Tally RunCases(Target& target, const std::vector<Case>& cases, const Pairs& exceptions,
               const CaseFilter& wanted) {
  Tally tally;
  std::map<std::string, std::string> reasons(exceptions.begin(), exceptions.end());
  for (uint32_t i = 0; i < cases.size(); ++i) {
    const bool excepted = reasons.erase(cases[i].name) > 0;
    if (!wanted(cases[i])) continue;
    const std::optional<std::string> problem = RunCase(target, cases[i], i + 1);
    if (!excepted && problem) {
      tally.failures.push_back(cases[i].name + ": " + *problem);
    } else if (excepted && !problem) {
      tally.failures.push_back(cases[i].name + ": passes, but is listed as an exception");
    } else {
      ++(excepted ? tally.excepted : tally.passed);
    }
  }
  for (const auto& [name, reason] : reasons) {
    tally.failures.push_back(name + ": is listed as an exception, but there is no such case");
  }
  return tally;
}

}  // namespace chroma::behaviour
