// Every case file over every configuration of the engine: what is asked decides the answer, never
// how the data happens to be stored at that moment.
#include <gtest/gtest.h>

#include "behaviour/local_target.h"
#include "behaviour/runner.h"

namespace chroma::behaviour {
namespace {

struct Configuration {
  const char* name;
  LocalSetting setting;
  bool big_cases;  // bodies of 40 MiB and tens of thousands of ids: once is enough
};
void PrintTo(const Configuration& configuration, std::ostream* out) {
  *out << configuration.name;
}

const Configuration kConfigurations[] = {
    {"Memory", {}, true},
    {"Disk", {.on_disk = true}, false},
    {"CompactAfterEachWrite", {.on_disk = true, .compact_after_write = true}, false},
    {"ReopenAfterEachRequest", {.on_disk = true, .reopen_after_request = true}, false},
    {"CompactAndReopen",
     {.on_disk = true, .compact_after_write = true, .reopen_after_request = true},
     false},
};

class Behaviour : public ::testing::TestWithParam<Configuration> {};

void Check(const std::string& file, const Pairs& exceptions) {
  const Configuration& configuration = Behaviour::GetParam();
  const Result<std::vector<Case>> cases = LoadCases(CHROMA_TESTS_DIR + file);
  ASSERT_TRUE(cases.ok()) << cases.status().ToString();
  LocalTarget target(configuration.setting);
  const Tally tally = RunCases(target, *cases, exceptions, [&](const Case& one) {
    return configuration.big_cases || !one.HasTag("big");
  });
  for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
  EXPECT_GT(tally.passed, 0);
  std::printf("%s: %d passed, %d excepted, %zu failed\n", file.c_str(), tally.passed,
              tally.excepted, tally.failures.size());
}

TEST_P(Behaviour, Recorded) {
  const Result<Pairs> exceptions = LoadExceptions(CHROMA_TESTS_DIR "/conformance/excepted.txt");
  ASSERT_TRUE(exceptions.ok()) << exceptions.status().ToString();
  Check("/conformance/cases.jsonl", *exceptions);
}

TEST_P(Behaviour, Filters) {
  Check("/behaviour/filters.jsonl", {});
}
TEST_P(Behaviour, Documents) {
  Check("/behaviour/documents.jsonl", {});
}
TEST_P(Behaviour, Distances) {
  Check("/behaviour/distances.jsonl", {});
}
TEST_P(Behaviour, Records) {
  Check("/behaviour/records.jsonl", {});
}
TEST_P(Behaviour, Search) {
  Check("/behaviour/search.jsonl", {});
}
TEST_P(Behaviour, Extensions) {
  Check("/behaviour/extensions.jsonl", {});
}
TEST_P(Behaviour, Deviations) {
  Check("/behaviour/deviations.jsonl", {});
}

INSTANTIATE_TEST_SUITE_P(Over, Behaviour, ::testing::ValuesIn(kConfigurations),
                         [](const auto& over) { return std::string(over.param.name); });

}  // namespace
}  // namespace chroma::behaviour
