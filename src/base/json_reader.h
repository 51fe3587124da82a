// A pull reader over one JSON text that fails exactly as the wire contract says: with the first
// problem in document order, as serde_json does (rest-api.md §3): syntax and shape errors, their
// texts, JSON path, line and column. One reader decodes every request, so good and bad input
// take the same code; numbers go straight into the caller's vectors.
//
// The reader holds one sticky error. After the first failure every call returns a zero value or
// false and loops over elements end, so a decoder is written without checks and the caller asks
// ok() once at the end. Not thread safe; does not own the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_number.h"
#include "base/json_value.h"

namespace chroma {

struct JsonError {
  enum class Kind : uint8_t {
    kSyntax,  // not JSON: 400
    kShape,   // JSON of the wrong shape: 422
  };
  Kind kind = Kind::kSyntax;
  std::string message;  // "[path: ]text at line L column C"
};

class JsonReader {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject, kEnd };
  // This many levels of nesting are the syntax error "recursion limit exceeded".
  static constexpr size_t kDepthMax = 128;
  // What ReadVariant returns after a failure.
  static constexpr size_t kNoVariant = SIZE_MAX;

  explicit JsonReader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  // Meaningful only when !ok().
  const JsonError& error() const { return error_; }

  // The kind of the next value, after white space, without consuming it; judged by its first
  // byte only. kEnd after a failure, at the end of the text, and when no value starts here: the
  // next Read… call reports that.
  Kind Peek();

  // Consumes `null` if it is next.
  bool TryNull();

  // One scalar. `expected` completes "invalid type: integer `5`, expected …".
  bool ReadBool(std::string_view expected = "a boolean");
  uint32_t ReadU32(std::string_view expected = "u32");
  uint64_t ReadU64(std::string_view expected = "usize");
  int64_t ReadI64(std::string_view expected = "i64");
  double ReadF64(std::string_view expected = "f64");
  // The number rounded to f64 and then to f32 (integers: straight to f32); beyond f32 → ±inf.
  float ReadF32(std::string_view expected = "f32");
  std::string ReadString(std::string_view expected = "a string");
  // The same without a copy when the string has no escapes. Valid until the next call.
  std::string_view ReadStringView(std::string_view expected = "a string");
  // The index in `known` of an enum variant's name; fails with UnknownVariant's text, and with
  // the syntax error "expected value" for anything but a string (an upstream quirk, kept).
  size_t ReadVariant(std::initializer_list<std::string_view> known);
  // {"name": payload}, an enum variant that has a payload: the index of its name in `known`. The
  // payload is read next, then EndVariant called. After a failure kNoVariant, and no EndVariant.
  size_t BeginVariant(std::initializer_list<std::string_view> known);
  void EndVariant();

  // A number of any kind as it stands in the text: bool and null excluded. An int64_t if it fits,
  // else uint64_t if it fits, else double; `-0` is the double -0.0.
  JsonValue ReadNumber(std::string_view expected = "a number");
  // Any value, as a tree. More than `values_max` values in it are a shape error.
  JsonValue ReadValue(size_t values_max = SIZE_MAX);
  // Skips any value. Strict: everything ReadValue checks is checked, with the full path. With
  // `unlimited_depth`, for fields the decoder ignores: neither depth, UTF-8 nor number ranges
  // are checked, the path ends at the value, and no stack or path is used per level.
  void SkipValue(bool unlimited_depth = false);

  // A whole array of numbers, appended to `out`; the bulk of all request bytes, hence a loop of
  // its own. Equals BeginArray(expected) and ReadF32(element) per element, errors included.
  // False after a failure; `out` then holds an unspecified number of new elements.
  bool ReadF32Array(std::vector<float>* out, std::string_view expected = "a sequence",
                    std::string_view element = "f32");

  // for (r.BeginArray("a sequence"); r.NextElement();) { …read one value… }
  // NextElement returns false at the end, which it consumes, or after a failure.
  void BeginArray(std::string_view expected = "a sequence");
  bool NextElement();
  // Leaves the array after its last wanted element: more are the syntax error serde_json makes
  // of a positional body that is too long. Call after NextElement returned true and a value was
  // read, instead of NextElement.
  void EndArrayNow();
  // for (r.BeginObject("a map"); r.NextKey(&key);) { …read one value… }
  void BeginObject(std::string_view expected = "a map");
  bool NextKey(std::string* key);

  // The whole text must have been consumed; else the syntax error "trailing characters".
  void Finish();

  // Shape errors of the decoder, positioned by the contract's rules (rest-api.md §3.2).
  // Missing: call right after NextKey or NextElement returned false.
  void MissingField(std::string_view field);
  // Call right after NextKey returned it, as the next two.
  void DuplicateField(std::string_view field);
  void UnknownField(std::string_view field, std::initializer_list<std::string_view> known);
  // Path of the object, position of a duplicate field: what a custom visitor of a map says.
  void FailAtKey(std::string_view text);
  // After ReadString gave a string that names no variant.
  void UnknownVariant(std::string_view variant, std::initializer_list<std::string_view> known);
  // "invalid type: <the next value>, expected …". A scalar is consumed, and its syntax checked.
  void WrongType(std::string_view expected);
  // "data did not match any variant of untagged enum <name>": call after the value was consumed.
  void NoVariant(std::string_view enum_name);
  // Any other error found after a value had been consumed whole (untagged and internally tagged
  // enums, converted values), positioned as NoVariant is.
  void FailBuffered(std::string_view text);
  // Any other shape error with the position after the last consumed byte.
  void FailShape(std::string_view text);

  // The bytes consumed so far: a decoder that must try several shapes notes it, skips the value
  // and reads Text(begin, position()) again with a reader of its own.
  size_t position() const { return at_; }
  std::string_view Text(size_t begin, size_t end) const { return text_.substr(begin, end - begin); }

  // A place to come back to when one shape of an untagged value failed: Restore() forgets
  // everything since, the error included. Take it where a value is about to be read, and restore
  // it only with the reader it came from and before an enclosing container ends. The idiom:
  //   auto mark = r.Save();
  //   if (ReadOneShape(r); r.ok()) return;
  //   if (r.error().kind == JsonError::Kind::kShape) { r.Restore(mark); r.SkipValue(); … }
  struct Checkpoint {
    size_t at;
    size_t depth;
    bool colon_due;
    bool ok;
  };
  Checkpoint Save() const { return {at_, levels_.size(), colon_due_, ok_}; }
  void Restore(const Checkpoint& mark);

 private:
  struct Level {
    bool object = false;
    bool first = true;
    size_t index = 0;      // array: the elements begun
    size_t key_begin = 0;  // object: the raw bytes of the current key, escapes and all;
    size_t key_end = 0;    // both feed the path
  };
  // How much of the innermost level an error's path shows.
  enum class Tail : uint8_t { kFull, kParent, kUnknownKey };
  // Whether an error stands at the byte not yet consumed or after the last consumed one.
  enum class At : uint8_t { kConsumed, kNext };

  bool AtEnd() const { return at_ >= text_.size(); }
  void SkipSpace();
  // Past white space and a due colon to the first byte of a value. False after a failure; the
  // end of the text is one.
  bool StartValue();
  bool TakeColon(Tail tail = Tail::kParent);
  // One scalar whose first byte is next (for a word: was taken).
  bool TakeWord(std::string_view rest);
  bool TakeNumber(JsonNumber* number);
  bool TakeString(std::string_view* value);
  bool OpenLevel(bool object);
  // NextKey with the key in text_ or scratch_.
  bool NextKeyView(std::string_view* key);
  JsonValue ReadTree(size_t values_max, size_t* values);
  void SkipStrict();
  void SkipIgnored();
  void SkipIgnoredScalar();
  void SkipIgnoredString();
  // Closes the levels that end here and takes what precedes the next value; false when that was
  // the last level. `enclosing` has one bit per open level: true for an object.
  bool NextIgnored(std::vector<bool>* enclosing, bool after_value);

  // Up to the payload of the long form, which `as_map` says it is.
  size_t ReadVariantName(std::initializer_list<std::string_view> known, bool* as_map);
  void BeginVariantMap();
  void BeginVariantPayload(size_t name_begin);
  JsonNumber NumberFor(std::string_view expected);
  void WrongNumber(std::string_view problem, const JsonNumber& number, std::string_view expected);
  // Moves to where serde_json stands when a visitor failed inside the innermost container.
  void UnwindContainer();
  void FailSyntax(std::string_view text, At at, Tail tail = Tail::kFull);
  void FailShapeAt(std::string_view text, Tail tail);
  void Fail(JsonError::Kind kind, std::string_view text, size_t end, Tail tail);
  // "ids[0]: ", or nothing at the top.
  std::string Path(Tail tail) const;

  std::string_view text_;
  size_t at_ = 0;
  bool ok_ = true;
  bool colon_due_ = false;  // a key was read, its colon was not
  std::vector<Level> levels_;
  std::string scratch_;  // a decoded string with escapes
  JsonError error_;
};

}  // namespace chroma
