#include "importer/pickle.h"

#include <cstring>
#include <utility>

#include "base/coding.h"

namespace chroma::importer {
namespace {

constexpr std::string_view kModule = "chromadb.segment.impl.vector.local_persistent_hnsw";
constexpr std::string_view kClass = "PersistentData";
constexpr int kProtocolMax = 5;

// The instructions that occur, by pickle's names.
enum Op : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kReduce = 'R',
  kBinUnicode = 'X',
  kBuild = 'b',
  kGlobal = 'c',
  kEmptyDict = '}',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kEmptyTuple = ')',
  kTuple = 't',
  kSetItems = 'u',
  kProto = 0x80,
  kNewObject = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

struct Value {
  enum class Kind : uint8_t { kNone, kInt, kText, kDict, kMark, kType, kTuple, kObject };
  Kind kind = Kind::kNone;
  uint32_t size = 0;           // of text
  const char* text = nullptr;  // of text
  int64_t number = 0;          // of an int; of a dict or an object which dict

  BytesView View() const { return {text, size}; }
  bool IsText(BytesView what) const { return kind == Kind::kText && View() == what; }
};
using Dict = std::vector<std::pair<Value, Value>>;

class Machine {
 public:
  explicit Machine(BytesView bytes) : bytes_(bytes), reader_(bytes) {}

  // Runs to the end; or stops with a text that says what is wrong.
  std::string Run() {
    for (;;) {
      const auto op = reader_.Fixed<uint8_t>();
      if (!reader_.ok()) return "it ends early";
      if (op == kStop) return "";
      const size_t before = stack_.size();
      const char* wrong = Step(op);
      if (wrong == nullptr && !reader_.ok()) wrong = "it ends early";
      if (wrong == nullptr) continue;
      // A value of which only a part was there is none.
      if (stack_.size() > before) stack_.resize(before);
      return wrong;
    }
  }
  size_t position() const { return reader_.position(); }

  // The members of what is on the stack in the end, or null.
  const Dict* Members() const {
    if (stack_.empty()) return nullptr;
    const Value& top = stack_.back();
    const bool has = top.kind == Value::Kind::kDict || top.kind == Value::Kind::kObject;
    return has ? &dicts_[static_cast<size_t>(top.number)] : nullptr;
  }

  // Of a run that stopped early: the pairs that belong to the member `name`.
  Dict Rescue(BytesView name) const {
    for (size_t i = 0; i + 1 < stack_.size(); ++i) {
      if (!stack_[i].IsText(name) || stack_[i + 1].kind != Value::Kind::kDict) continue;
      Dict found = dicts_[static_cast<size_t>(stack_[i + 1].number)];
      // Those that were read and not yet put in.
      if (i + 2 < stack_.size() && stack_[i + 2].kind == Value::Kind::kMark) {
        for (size_t at = i + 3; at + 1 < stack_.size(); at += 2) {
          found.emplace_back(stack_[at], stack_[at + 1]);
        }
      }
      return found;
    }
    for (const Dict& dict : dicts_) {
      for (const auto& [key, value] : dict) {
        if (key.IsText(name) && value.kind == Value::Kind::kDict) {
          return dicts_[static_cast<size_t>(value.number)];
        }
      }
    }
    return {};
  }

  const Dict& dict(const Value& value) const { return dicts_[static_cast<size_t>(value.number)]; }

 private:
  const char* Step(uint8_t op) {
    switch (op) {
      case kProto:
        return reader_.Fixed<uint8_t>() <= kProtocolMax ? nullptr : "its protocol is unknown";
      case kFrame:
        (void)reader_.Fixed<uint64_t>();
        return nullptr;
      case kMark:
        return Push({.kind = Value::Kind::kMark});
      case kNone:
        return Push({});
      case kNewTrue:
      case kNewFalse:
        return PushInt(op == kNewTrue ? 1 : 0);
      case kBinInt:
        return PushInt(reader_.Fixed<int32_t>());
      case kBinInt1:
        return PushInt(reader_.Fixed<uint8_t>());
      case kBinInt2:
        return PushInt(reader_.Fixed<uint16_t>());
      case kLong1:
        return PushLong();
      case kBinUnicode:
        return PushText(reader_.Fixed<uint32_t>());
      case kShortBinUnicode:
        return PushText(reader_.Fixed<uint8_t>());
      case kBinUnicode8:
        return PushText(reader_.Fixed<uint64_t>());
      default:
        return StepObjects(op);
    }
  }

  const char* StepObjects(uint8_t op) {
    switch (op) {
      case kEmptyDict:
        dicts_.emplace_back();
        return Push(
            {.kind = Value::Kind::kDict, .number = static_cast<int64_t>(dicts_.size()) - 1});
      case kSetItem:
        return SetItem();
      case kSetItems:
        return SetItems();
      case kMemoize:
        return Put(memo_.size());
      case kBinPut:
        return Put(reader_.Fixed<uint8_t>());
      case kLongBinPut:
        return Put(reader_.Fixed<uint32_t>());
      case kBinGet:
        return Get(reader_.Fixed<uint8_t>());
      case kLongBinGet:
        return Get(reader_.Fixed<uint32_t>());
      case kGlobal:
        return ReadGlobal();
      case kStackGlobal:
        return TakeGlobal();
      case kEmptyTuple:
        return Push({.kind = Value::Kind::kTuple});
      case kTuple1:
      case kTuple2:
      case kTuple3:
        return MakeTuple(size_t{op} - kTuple1 + 1);
      case kTuple:
        return MakeMarkedTuple();
      case kNewObject:
      case kReduce:
        return MakeObject();
      case kBuild:
        return Build();
      default:
        return "it holds an instruction that no such file has";
    }
  }

  const char* Push(Value value) {
    stack_.push_back(value);
    return nullptr;
  }
  const char* PushInt(int64_t number) {
    return Push({.kind = Value::Kind::kInt, .number = number});
  }
  const char* PushLong() {
    const size_t size = reader_.Fixed<uint8_t>();
    const BytesView raw = reader_.Raw(size);
    if (!reader_.ok() || size > 9 || (size == 9 && raw[8] != 0)) return "a number is too large";
    uint64_t number = size > 0 && static_cast<int8_t>(raw[size - 1]) < 0 ? ~uint64_t{0} : 0;
    for (size_t i = size; i-- > 0;) number = number << 8 | static_cast<uint8_t>(raw[i]);
    return PushInt(static_cast<int64_t>(number));
  }
  const char* PushText(uint64_t size) {
    if (size > reader_.remaining() || size > UINT32_MAX) return "a text is cut off";
    const BytesView text = reader_.Raw(size);
    return Push({Value::Kind::kText, static_cast<uint32_t>(size), text.data(), 0});
  }

  // What lies above the last mark, which goes; SIZE_MAX without one.
  size_t AboveMark() const {
    for (size_t i = stack_.size(); i-- > 0;) {
      if (stack_[i].kind == Value::Kind::kMark) return i;
    }
    return SIZE_MAX;
  }
  Dict* DictAt(size_t i) {
    if (i >= stack_.size() || stack_[i].kind != Value::Kind::kDict) return nullptr;
    return &dicts_[static_cast<size_t>(stack_[i].number)];
  }
  const char* SetItem() {
    Dict* dict = stack_.size() < 3 ? nullptr : DictAt(stack_.size() - 3);
    if (dict == nullptr) return "it sets a member of something else";
    dict->emplace_back(stack_[stack_.size() - 2], stack_.back());
    stack_.resize(stack_.size() - 2);
    return nullptr;
  }
  const char* SetItems() {
    const size_t mark = AboveMark();
    Dict* dict = mark == SIZE_MAX || mark == 0 ? nullptr : DictAt(mark - 1);
    if (dict == nullptr || (stack_.size() - mark - 1) % 2 != 0) {
      return "it sets members of something else";
    }
    for (size_t i = mark + 1; i < stack_.size(); i += 2) {
      dict->emplace_back(stack_[i], stack_[i + 1]);
    }
    stack_.resize(mark);
    return nullptr;
  }

  // Picklers number what they remember one after the other.
  const char* Put(size_t index) {
    if (stack_.empty() || index > memo_.size()) return "it remembers what is not there";
    if (index == memo_.size()) {
      memo_.push_back(stack_.back());
    } else {
      memo_[index] = stack_.back();
    }
    return nullptr;
  }
  const char* Get(size_t index) {
    if (index >= memo_.size()) return "it recalls what it does not know";
    return Push(memo_[index]);
  }

  BytesView ReadLine() {
    const size_t end = bytes_.find('\n', reader_.position());
    if (end == BytesView::npos) return {};
    const BytesView line = reader_.Raw(end - reader_.position());
    (void)reader_.Fixed<uint8_t>();
    return line;
  }
  const char* CheckClass(BytesView module, BytesView name) {
    // Protocols below 2 make objects by a function of copyreg, from (class, object, None).
    const bool ours = (module == kModule && name == kClass) ||
                      (module == "copyreg" && name == "_reconstructor") ||
                      (module == "copy_reg" && name == "_reconstructor") ||
                      ((module == "builtins" || module == "__builtin__") && name == "object");
    if (!ours) return "it names a class that no such file has";
    return Push({.kind = Value::Kind::kType});
  }
  const char* ReadGlobal() {
    const BytesView module = ReadLine();
    return CheckClass(module, ReadLine());
  }
  const char* TakeGlobal() {
    if (stack_.size() < 2) return "it names no class";
    const Value name = stack_.back();
    const Value module = stack_[stack_.size() - 2];
    if (name.kind != Value::Kind::kText || module.kind != Value::Kind::kText) {
      return "it names no class";
    }
    stack_.resize(stack_.size() - 2);
    return CheckClass(module.View(), name.View());
  }
  const char* MakeTuple(size_t n) {
    if (stack_.size() < n) return "a tuple has too few elements";
    stack_.resize(stack_.size() - n);
    return Push({.kind = Value::Kind::kTuple});
  }
  const char* MakeMarkedTuple() {
    const size_t mark = AboveMark();
    if (mark == SIZE_MAX) return "a tuple has no beginning";
    stack_.resize(mark);
    return Push({.kind = Value::Kind::kTuple});
  }
  const char* MakeObject() {
    const size_t n = stack_.size();
    if (n < 2 || stack_[n - 1].kind != Value::Kind::kTuple ||
        stack_[n - 2].kind != Value::Kind::kType) {
      return "it makes an object of something else";
    }
    stack_.resize(n - 2);
    dicts_.emplace_back();
    return Push({.kind = Value::Kind::kObject, .number = static_cast<int64_t>(dicts_.size()) - 1});
  }
  const char* Build() {
    const size_t n = stack_.size();
    if (n < 2 || stack_[n - 1].kind != Value::Kind::kDict ||
        stack_[n - 2].kind != Value::Kind::kObject) {
      return "it fills something that is no object";
    }
    stack_[n - 2].number = stack_[n - 1].number;
    stack_.pop_back();
    return nullptr;
  }

  BytesView bytes_;
  ByteReader reader_;
  std::vector<Value> stack_;
  std::vector<Value> memo_;
  std::vector<Dict> dicts_;
};

std::optional<uint64_t> NumberOf(const Value& value) {
  if (value.kind != Value::Kind::kInt || value.number < 0) return std::nullopt;
  return static_cast<uint64_t>(value.number);
}

// False when something in it is no id with its label.
bool AppendLabels(const Dict& dict, std::vector<LabelOfId>* labels) {
  bool all = true;
  labels->reserve(dict.size());
  for (const auto& [id, label] : dict) {
    const std::optional<uint64_t> number = NumberOf(label);
    const bool right = id.kind == Value::Kind::kText && number.has_value();
    if (right) labels->push_back({id.View(), *number});
    all = all && right;
  }
  return all;
}

}  // namespace

Result<IndexMetadata> DecodeIndexMetadata(BytesView bytes, bool salvage) {
  Machine machine(bytes);
  IndexMetadata metadata;
  std::string wrong = machine.Run();
  const Dict* members = wrong.empty() ? machine.Members() : nullptr;
  if (wrong.empty() && members == nullptr) wrong = "it holds something else";
  if (members != nullptr) {
    bool found = false;
    for (const auto& [name, value] : *members) {
      if (name.IsText("dimensionality")) metadata.dimension = NumberOf(value);
      if (name.IsText("max_seq_id")) metadata.max_seq_id = NumberOf(value);
      if (name.IsText("total_elements_added")) {
        metadata.total_elements_added = NumberOf(value).value_or(0);
      }
      if (name.IsText("id_to_label") && value.kind == Value::Kind::kDict) {
        found = true;
        if (!AppendLabels(machine.dict(value), &metadata.labels)) wrong = "a label is no number";
      }
    }
    if (!found) wrong = "it has no member id_to_label";
  }
  if (wrong.empty()) return metadata;
  wrong = "index_metadata.pickle is damaged at byte " + std::to_string(machine.position()) + ": " +
          wrong;
  if (!salvage) return Status::DataLoss(std::move(wrong));
  if (metadata.labels.empty()) (void)AppendLabels(machine.Rescue("id_to_label"), &metadata.labels);
  if (metadata.labels.empty()) return Status::DataLoss(std::move(wrong));
  metadata.damage = std::move(wrong);
  return metadata;
}

}  // namespace chroma::importer
