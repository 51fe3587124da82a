#include "model/search_json.h"

#include <string>
#include <utility>

#include "base/json_fields.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "model/limits.h"
#include "model/metadata_json.h"

namespace chroma::model {

namespace {

std::vector<std::string> ReadKeys(JsonReader& reader) {
  std::vector<std::string> keys;
  for (reader.BeginArray(); reader.NextElement();) keys.push_back(reader.ReadString());
  return keys;
}

// Reads one rank expression. Recursion is bounded by the depth that JSON may have.
class RankDecoder {
 public:
  explicit RankDecoder(JsonReader& reader) : reader_(reader) {}

  Rank Read() {
    const size_t variant = reader_.BeginVariant(
        {"$abs", "$div", "$exp", "$knn", "$log", "$max", "$min", "$mul", "$sub", "$sum", "$val"});
    if (variant == JsonReader::kNoVariant) return {};
    if (++nodes_ > kRankNodesMax) {
      reader_.FailShape("more than " + std::to_string(kRankNodesMax) + " rank expressions");
      return {};
    }
    constexpr RankOperator kOperators[] = {
        RankOperator::kAbs, RankOperator::kDivide,   RankOperator::kExp,
        RankOperator::kKnn, RankOperator::kLog,      RankOperator::kMax,
        RankOperator::kMin, RankOperator::kMultiply, RankOperator::kSubtract,
        RankOperator::kSum, RankOperator::kValue};
    Rank rank = ReadPayload(kOperators[variant]);
    reader_.EndVariant();
    return rank;
  }

 private:
  Rank ReadPayload(RankOperator op) {
    Rank rank;
    switch (op) {
      case RankOperator::kKnn:
        rank.AddKnn(ReadKnn());
        break;
      case RankOperator::kValue:
        rank.AddValue(reader_.ReadF32());
        break;
      case RankOperator::kSum:
      case RankOperator::kMultiply:
      case RankOperator::kMax:
      case RankOperator::kMin:
        return ReadList(op);
      case RankOperator::kSubtract:
      case RankOperator::kDivide:
        return ReadPair(op);
      case RankOperator::kAbs:
      case RankOperator::kExp:
      case RankOperator::kLog:
        rank = Read();
        rank.AddOperator(op, 1);
        break;
    }
    return rank;
  }

  Rank ReadList(RankOperator op) {
    Rank rank;
    uint32_t operands = 0;
    for (reader_.BeginArray(); reader_.NextElement(); ++operands) rank.Append(Read());
    rank.AddOperator(op, operands);
    return rank;
  }

  Rank ReadPair(RankOperator op) {
    Rank left;
    Rank right;
    ReadJsonObject(reader_,
                   op == RankOperator::kDivide ? "struct variant RankExpr::Division"
                                               : "struct variant RankExpr::Subtraction",
                   {{"left", true, [&](JsonReader&) { left = Read(); }},
                    {"right", true, [&](JsonReader&) { right = Read(); }}});
    left.Append(std::move(right));
    left.AddOperator(op, 2);
    return left;
  }

  Knn ReadKnn() {
    Knn knn;
    ReadJsonObject(
        reader_, "struct variant RankExpr::Knn",
        {{"query", true, [&](JsonReader&) { ReadQuery(&knn); }},
         {"key", false, [&](JsonReader& r) { knn.key = r.ReadString(); }},
         {"limit", false, [&](JsonReader& r) { knn.limit = r.ReadU32(); }},
         {"default", false,
          [&](JsonReader& r) {
            if (!r.TryNull()) knn.default_score = r.ReadF32();
          }},
         {"return_rank", false, [&](JsonReader& r) { knn.return_rank = r.ReadBool(); }}});
    return knn;
  }

  void ReadQuery(Knn* knn) {
    const JsonReader::Checkpoint mark = reader_.Save();
    if (reader_.Peek() == JsonReader::Kind::kArray) {
      std::vector<float> dense;
      if (reader_.ReadF32Array(&dense)) {
        knn->query = std::move(dense);
        return;
      }
      if (reader_.error().kind == JsonError::Kind::kSyntax) return;
      reader_.Restore(mark);
      reader_.SkipValue();
    } else if (reader_.Peek() == JsonReader::Kind::kString) {
      knn->query = reader_.ReadString();
      return;
    } else if (auto sparse = TryDecodeSparseVector(reader_)) {
      knn->query = *std::move(sparse);
      return;
    }
    reader_.NoVariant("QueryVector");
  }

  JsonReader& reader_;
  size_t nodes_ = 0;
};

void ReadFilter(JsonReader& reader, std::optional<Filter>* out) {
  const JsonValue json = reader.ReadValue(kJsonTreeValuesMax);
  if (!reader.ok() || json.IsNull()) return;
  if (json.AsObject() != nullptr && json.AsObject()->empty()) return;
  Result<Filter> filter = ParseWhere(json);
  if (!filter.ok()) return reader.FailBuffered(filter.status().message());
  *out = *std::move(filter);
}

void ReadAggregate(JsonReader& reader, std::optional<Aggregate>* out) {
  if (reader.TryNull()) return;
  const size_t variant = reader.BeginVariant({"$min_k", "$max_k"});
  if (variant == JsonReader::kNoVariant) return;
  Aggregate& aggregate = out->emplace();
  aggregate.largest = variant == 1;
  ReadJsonObject(
      reader,
      aggregate.largest ? "struct variant Aggregate::MaxK" : "struct variant Aggregate::MinK",
      {{"keys", true, [&](JsonReader& r) { aggregate.keys = ReadKeys(r); }},
       {"k", true, [&](JsonReader& r) { aggregate.k = r.ReadU32(); }}});
  reader.EndVariant();
}

// What a node is called.
std::string_view NameOf(RankOperator op) {
  switch (op) {
    case RankOperator::kKnn:
      return "$knn";
    case RankOperator::kValue:
      return "$val";
    case RankOperator::kSum:
      return "$sum";
    case RankOperator::kMultiply:
      return "$mul";
    case RankOperator::kMax:
      return "$max";
    case RankOperator::kMin:
      return "$min";
    case RankOperator::kSubtract:
      return "$sub";
    case RankOperator::kDivide:
      return "$div";
    case RankOperator::kAbs:
      return "$abs";
    case RankOperator::kExp:
      return "$exp";
    case RankOperator::kLog:
      return "$log";
  }
  return "";
}

void EncodeKnn(JsonWriter& out, const Knn& knn) {
  out.BeginObject();
  out.Key("query");
  if (knn.sparse() != nullptr) {
    EncodeMetadataValue(out, *knn.sparse());
  } else if (knn.text() != nullptr) {
    out.String(*knn.text());
  } else {
    const auto& query = std::get<std::vector<float>>(knn.query);
    out.F32Array(query.data(), query.size());
  }
  out.StringField("key", knn.key);
  out.Key("limit");
  out.Uint(knn.limit);
  if (knn.default_score) {
    out.Key("default");
    out.F32(*knn.default_score);
  }
  out.Key("return_rank");
  out.Bool(knn.return_rank);
  out.EndObject();
}

void EncodeOperands(JsonWriter& out, RankOperator op, const std::vector<std::string>& operands) {
  if (op == RankOperator::kSubtract || op == RankOperator::kDivide) {
    out.BeginObject();
    out.Key("left");
    out.Raw(operands[0]);
    out.Key("right");
    out.Raw(operands[1]);
    out.EndObject();
  } else if (op >= RankOperator::kAbs) {
    out.Raw(operands[0]);
  } else {
    out.BeginArray();
    for (const std::string& operand : operands) out.Raw(operand);
    out.EndArray();
  }
}

void EncodeStrings(JsonWriter& out, const std::vector<std::string>& strings) {
  out.BeginArray();
  for (const std::string& string : strings) out.String(string);
  out.EndArray();
}

void EncodeGroupBy(JsonWriter& out, const GroupBy& group_by) {
  out.BeginObject();
  out.Key("keys");
  EncodeStrings(out, group_by.keys);
  if (group_by.aggregate) {
    out.Key("aggregate");
    out.BeginObject();
    out.Key(group_by.aggregate->largest ? "$max_k" : "$min_k");
    out.BeginObject();
    out.Key("keys");
    EncodeStrings(out, group_by.aggregate->keys);
    out.Key("k");
    out.Uint(group_by.aggregate->k);
    out.EndObject();
    out.EndObject();
  }
  out.EndObject();
}

}  // namespace

Rank DecodeRank(JsonReader& reader) {
  return RankDecoder(reader).Read();
}

Search DecodeSearch(JsonReader& reader) {
  Search search;
  const auto read_rank = [&](JsonReader& r) {
    if (!r.TryNull()) search.rank = RankDecoder(r).Read();
  };
  const auto read_group_by = [&](JsonReader& r) {
    ReadJsonObject(r, "struct GroupBy",
                   {{"keys", false, [&](JsonReader& in) { search.group_by.keys = ReadKeys(in); }},
                    {"aggregate", false,
                     [&](JsonReader& in) { ReadAggregate(in, &search.group_by.aggregate); }}});
  };
  const auto read_limit = [&](JsonReader& r) {
    ReadJsonObject(r, "struct Limit",
                   {{"offset", false, [&](JsonReader& in) { search.offset = in.ReadU32(); }},
                    {"limit", false, [&](JsonReader& in) {
                       if (!in.TryNull()) search.limit = in.ReadU32();
                     }}});
  };
  const auto read_select = [&](JsonReader& r) {
    ReadJsonObject(
        r, "struct Select",
        {{"keys", false, [&](JsonReader& in) { search.select = Select::FromKeys(ReadKeys(in)); }}});
  };
  ReadJsonObject(reader, "struct SearchPayload",
                 {{"filter", false, [&](JsonReader& r) { ReadFilter(r, &search.filter); }},
                  {"rank", false, read_rank},
                  {"group_by", false, read_group_by},
                  {"limit", false, read_limit},
                  {"select", false, read_select}});
  return search;
}

std::string RankToJson(const Rank& rank) {
  std::vector<std::string> stack;
  for (const RankNode& node : rank.nodes) {
    const auto first = stack.end() - node.operands;
    const std::vector<std::string> operands(std::make_move_iterator(first),
                                            std::make_move_iterator(stack.end()));
    stack.erase(first, stack.end());
    JsonWriter out(&stack.emplace_back());
    out.BeginObject();
    out.Key(NameOf(node.op));
    if (node.op == RankOperator::kKnn) {
      EncodeKnn(out, rank.knns[node.knn]);
    } else if (node.op == RankOperator::kValue) {
      out.F32(node.value);
    } else {
      EncodeOperands(out, node.op, operands);
    }
    out.EndObject();
  }
  return stack.empty() ? std::string("null") : std::move(stack.back());
}

void EncodeSearch(JsonWriter& out, const Search& search) {
  out.BeginObject();
  if (search.filter) {
    out.Key("filter");
    WriteJson(out, WhereToJson(*search.filter));
  }
  if (search.rank) {
    out.Key("rank");
    out.Raw(RankToJson(*search.rank));
  }
  if (!search.group_by.keys.empty() || search.group_by.aggregate) {
    out.Key("group_by");
    EncodeGroupBy(out, search.group_by);
  }
  out.Key("limit");
  out.BeginObject();
  out.Key("offset");
  out.Uint(search.offset);
  if (search.limit) {
    out.Key("limit");
    out.Uint(*search.limit);
  }
  out.EndObject();
  out.Key("select");
  out.BeginObject();
  out.Key("keys");
  EncodeStrings(out, search.select.Keys());
  out.EndObject();
  out.EndObject();
}

}  // namespace chroma::model
