// base/json_reader.h: every typed read, and the ways to read one value, which must agree.
#include "base/json_reader.h"

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/json_value.h"
#include "fuzz.h"

namespace chroma::fuzz {
namespace {

bool SameEnd(const JsonReader& a, const JsonReader& b) {
  if (a.ok() != b.ok()) return false;
  if (a.ok()) return a.position() == b.position();
  return a.error().kind == b.error().kind && a.error().message == b.error().message;
}

template <typename Read>
void ReadOne(std::string_view text, Read read) {
  JsonReader reader(text);
  read(reader);
  reader.Finish();
  CHECK(reader.ok() == reader.error().message.empty());
}

void ReadScalars(std::string_view text) {
  ReadOne(text, [](JsonReader& r) { r.ReadBool(); });
  ReadOne(text, [](JsonReader& r) { r.ReadU32(); });
  ReadOne(text, [](JsonReader& r) { r.ReadU64(); });
  ReadOne(text, [](JsonReader& r) { r.ReadI64(); });
  ReadOne(text, [](JsonReader& r) { r.ReadF64(); });
  ReadOne(text, [](JsonReader& r) { r.ReadF32(); });
  ReadOne(text, [](JsonReader& r) { r.ReadString(); });
  ReadOne(text, [](JsonReader& r) { r.ReadStringView(); });
  ReadOne(text, [](JsonReader& r) { r.ReadNumber(); });
  ReadOne(text, [](JsonReader& r) { r.ReadVariant({"and", "or"}); });
  ReadOne(text, [](JsonReader& r) { r.WrongType("a fuzzer"); });
  ReadOne(text, [](JsonReader& r) { r.TryNull(); });
}

void CompareF32Arrays(std::string_view text) {
  JsonReader whole(text);
  std::vector<float> fast;
  const bool ok = whole.ReadF32Array(&fast);
  CHECK(ok == whole.ok());
  JsonReader single(text);
  std::vector<float> slow;
  for (single.BeginArray(); single.NextElement();) slow.push_back(single.ReadF32());
  CHECK(SameEnd(whole, single));
  if (!ok) return;
  CHECK(fast.size() == slow.size());
  for (size_t i = 0; i < fast.size(); ++i) {
    CHECK(std::bit_cast<uint32_t>(fast[i]) == std::bit_cast<uint32_t>(slow[i]));
  }
}

// Reads any value with the calls for containers; bounded by the reader's own limit of depth.
void Walk(JsonReader& reader) {
  std::string key;
  switch (reader.Peek()) {
    case JsonReader::Kind::kArray:
      for (reader.BeginArray(); reader.NextElement();) Walk(reader);
      break;
    case JsonReader::Kind::kObject:
      for (reader.BeginObject(); reader.NextKey(&key);) Walk(reader);
      break;
    case JsonReader::Kind::kString:
      reader.ReadStringView();
      break;
    default:
      reader.SkipValue();
  }
}

void CompareValues(std::string_view text) {
  JsonReader tree(text);
  const JsonValue value = tree.ReadValue();
  JsonReader skipped(text);
  skipped.SkipValue();
  CHECK(SameEnd(tree, skipped));
  JsonReader walked(text);
  Walk(walked);
  CHECK(SameEnd(tree, walked));
  JsonReader ignored(text);
  ignored.SkipValue(true);
  if (!tree.ok()) return;
  CHECK(SameEnd(tree, ignored));

  const std::string written = ToJson(value);
  const Result<JsonValue> again = ParseJson(written);
  CHECK(again.ok());
  CHECK(*again == value);
  CHECK(ToJson(*again) == written);
}

// Goes back to where the first value began after trying two shapes.
void Retry(std::string_view text) {
  JsonReader retried(text);
  const JsonReader::Checkpoint mark = retried.Save();
  retried.ReadU32();
  if (!retried.ok()) retried.Restore(mark);
  if (retried.position() == mark.at) retried.SkipValue();
  JsonReader direct(text);
  direct.SkipValue();
  CHECK(SameEnd(retried, direct));
}

}  // namespace

void Run(BytesView input) {
  ReadScalars(input);
  CompareF32Arrays(input);
  CompareValues(input);
  Retry(input);
}

}  // namespace chroma::fuzz
