// Values that are passed over: strictly, or as loosely as serde_json ignores a field.
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/json_string.h"

namespace chroma {

void JsonReader::SkipStrict() {
  const size_t base = levels_.size();
  do {
    if (!StartValue()) return;
    std::string_view view;
    JsonNumber number;
    switch (Peek()) {
      case Kind::kNull:
        TryNull();
        break;
      case Kind::kBool:
        ReadBool();
        break;
      case Kind::kNumber:
        TakeNumber(&number);
        break;
      case Kind::kString:
        TakeString(&view);
        break;
      case Kind::kArray:
        OpenLevel(false);
        break;
      case Kind::kObject:
        OpenLevel(true);
        break;
      case Kind::kEnd:
        FailSyntax("expected value", At::kNext);
    }
    // On to the next value, out of every container that ends before it.
    while (ok_ && levels_.size() > base) {
      if (levels_.back().object ? NextKeyView(&view) : NextElement()) break;
    }
  } while (ok_ && levels_.size() > base);
}

void JsonReader::SkipIgnoredScalar() {
  const char* p = text_.data() + at_;
  switch (text_[at_]) {
    case 'n':
      ++at_;
      TakeWord("ull");
      return;
    case 't':
      ++at_;
      TakeWord("rue");
      return;
    case 'f':
      ++at_;
      TakeWord("alse");
      return;
    case '"':
      SkipIgnoredString();
      return;
    default:
      break;
  }
  if (Peek() != Kind::kNumber) {
    FailSyntax("expected value", At::kNext);
    return;
  }
  const auto fault = SkipJsonNumber(&p, text_.data() + text_.size());
  at_ = static_cast<size_t>(p - text_.data());
  if (!fault.text.empty()) FailSyntax(fault.text, fault.at_next ? At::kNext : At::kConsumed);
}

void JsonReader::SkipIgnoredString() {
  const char* p = text_.data() + at_ + 1;
  const auto fault = SkipJsonString(&p, text_.data() + text_.size());
  at_ = static_cast<size_t>(p - text_.data());
  if (!fault.empty()) FailSyntax(fault, At::kConsumed);
}

bool JsonReader::NextIgnored(std::vector<bool>* enclosing, bool after_value) {
  for (;; after_value = true) {
    if (enclosing->empty()) return false;
    const bool object = enclosing->back();
    SkipSpace();
    if (AtEnd()) {
      FailSyntax(object ? "EOF while parsing an object" : "EOF while parsing a list", At::kNext);
      return false;
    }
    const char c = text_[at_];
    if (c == (object ? '}' : ']')) {
      ++at_;
      enclosing->pop_back();
      continue;
    }
    if (after_value && c != ',') {
      FailSyntax(object ? "expected `,` or `}`" : "expected `,` or `]`", At::kNext);
      return false;
    }
    if (after_value) ++at_;
    if (!object) return true;
    SkipSpace();
    if (AtEnd()) {
      FailSyntax("EOF while parsing an object", At::kNext);
    } else if (text_[at_] != '"') {
      FailSyntax("key must be a string", At::kNext);
    } else {
      SkipIgnoredString();
    }
    if (!ok_) return false;
    SkipSpace();
    if (AtEnd()) {
      FailSyntax("EOF while parsing an object", At::kNext);
    } else if (text_[at_] != ':') {
      FailSyntax("expected `:`", At::kNext);
    } else {
      ++at_;
    }
    return ok_;
  }
}

void JsonReader::SkipIgnored() {
  std::vector<bool> enclosing;
  bool opened = false;
  do {
    if (!StartValue()) return;
    const char c = text_[at_];
    opened = c == '[' || c == '{';
    if (opened) {
      ++at_;
      enclosing.push_back(c == '{');
    } else {
      SkipIgnoredScalar();
      if (!ok_) return;
    }
  } while (NextIgnored(&enclosing, !opened));
}

}  // namespace chroma
