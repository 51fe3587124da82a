// chroma recall: how many of the nearest records queries find.
#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <string>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/place.h"

namespace chroma::cli {
namespace {

class Recall final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("COLLECTION", collection_, "The collection")->required();
    app.add_option("--queries", options_.queries, "So many random records. Default: 100");
    app.add_option("--results,-n", options_.n_results, "So many results of each. Default: 10");
    app.add_option("--at-least", at_least_, "Exit with 1 when the recall is lower");
    app.add_flag("--json", json_, "Print one JSON object");
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const Client client, place_.Open(Access::kRead));
    CHROMA_ASSIGN(const Collection collection, client.GetCollection(collection_));
    CHROMA_ASSIGN(const RecallReport report, collection.MeasureRecall(options_));
    terminal.Print(json_ ? Json(report) : Text(report));
    if (report.recall >= at_least_) return kExitOk;
    terminal.Say("the recall is below " + std::to_string(at_least_));
    return kExitFailed;
  }

 private:
  static std::string Json(const RecallReport& report) {
    std::string text;
    JsonWriter out(&text);
    out.BeginObject();
    out.Key("recall");
    out.F64(report.recall);
    out.Key("records");
    out.Uint(report.records);
    out.Key("queries");
    out.Uint(report.queries);
    out.Key("query_milliseconds");
    out.F64(report.query_ms);
    out.Key("exact_query_milliseconds");
    out.F64(report.exact_ms);
    out.EndObject();
    return text + "\n";
  }

  std::string Text(const RecallReport& report) const {
    std::array<char, 200> text{};
    std::snprintf(text.data(), text.size(),
                  "recall@%u %.4f over %u queries of %s records\n"
                  "%.3f ms a query; %.3f ms comparing every record\n",
                  options_.n_results, report.recall, report.queries,
                  CountText(report.records).c_str(), report.query_ms, report.exact_ms);
    return text.data();
  }

  std::string collection_;
  RecallOptions options_;
  double at_least_ = 0;
  bool json_ = false;
  PlaceOptions place_;
};

const Registration kRecall(
    {.path = "recall",
     .group = kGroupMeasure,
     .summary = "Measure how many of the nearest records queries find",
     .examples = "chroma recall docs\n"
                 "chroma recall docs --queries 500 -n 100 --at http://localhost:8000\n"
                 "chroma recall docs --at-least 0.95 --json",
     .notes = "Records of the collection are the queries, each without itself among its answers; "
              "what a\n"
              "comparison with every record finds is the measure."},
    Make<Recall>);

}  // namespace
}  // namespace chroma::cli
