#include "index/text/unicode.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace chroma::index {
namespace {

// The tables are text. Numbers are written with digits of 6 bits, low ones first: the low 5 bits
// count, the highest says that more follow. A set is a list of (gap to the range before, length
// of the range - 1). The case orbits are lists of (members, step of the first member from that
// of the orbit before, steps between the members).
struct NamedSet {
  const char* name;  // "gc=Letter", "scx=Greek", …; without prefix for binary properties
  const char* ranges;
};

constexpr NamedSet kSets[] = {
#include "index/text/unicode_break.inc"
#include "index/text/unicode_category.inc"
#include "index/text/unicode_property.inc"
#include "index/text/unicode_script.inc"
};

#include "index/text/unicode_case.inc"
#include "index/text/unicode_names.inc"

uint32_t DigitValue(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<uint32_t>(c - 'a') + 26;
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0') + 52;
  return c == '+' ? 62 : 63;
}

uint32_t ReadNumber(const char** p) {
  uint32_t number = 0;
  for (int shift = 0;; shift += 5) {
    const uint32_t digit = DigitValue(*(*p)++);
    number |= (digit & 31) << shift;
    if (digit < 32) return number;
  }
}

CharSet DecodeSet(const char* p) {
  std::vector<CharRange> ranges;
  uint32_t next = 0;
  while (*p != '\0') {
    const uint32_t first = next + ReadNumber(&p);
    const uint32_t last = first + ReadNumber(&p);
    ranges.push_back({first, last});
    next = last + 1;
  }
  return CharSet(std::move(ranges));
}

std::optional<CharSet> FindSet(const std::string& name) {
  for (const NamedSet& set : kSets) {
    if (name == set.name) return DecodeSet(set.ranges);
  }
  return std::nullopt;
}

CharSet KnownSet(const std::string& name) {
  return FindSet(name).value_or(CharSet());
}

// The name that a list of "alias=Name;" gives to a normalised alias.
std::optional<std::string> Resolve(std::string_view list, std::string_view alias) {
  const std::string wanted = std::string(alias) + "=";
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = list.find(';', begin);
    if (list.substr(begin, wanted.size()) == wanted) {
      return std::string(list.substr(begin + wanted.size(), end - begin - wanted.size()));
    }
    begin = end + 1;
  }
  return std::nullopt;
}

// Lower case, without spaces, '_', '-', non-ASCII characters and a leading "is" (UAX44-LM3).
std::string Normalize(std::string_view name) {
  const bool is = name.size() >= 2 && (name[0] | 0x20) == 'i' && (name[1] | 0x20) == 's';
  std::string out;
  for (char c : is ? name.substr(2) : name) {
    if (c == ' ' || c == '_' || c == '-' || static_cast<unsigned char>(c) > 0x7F) continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
  }
  // "isc" is a property of its own, not the category "c".
  return is && out == "c" ? "isc" : out;
}

std::optional<std::string> ResolveCategory(const std::string& alias) {
  if (alias == "any") return "Any";
  if (alias == "assigned") return "Assigned";
  if (alias == "ascii") return "ASCII";
  return Resolve(kGeneralCategoryValues, alias);
}

PropertyError Found(std::optional<CharSet> found, PropertyError otherwise, CharSet* set) {
  if (!found) return otherwise;
  *set = *std::move(found);
  return PropertyError::kNone;
}

PropertyError Category(const std::string& name, CharSet* set) {
  if (name == "Any") {
    *set = CharSet({{0, kScalarMax}});
  } else if (name == "ASCII") {
    *set = CharSet({{0, 0x7F}});
  } else if (name == "Assigned") {
    *set = KnownSet("gc=Unassigned");
    set->Negate();
  } else {
    return Found(FindSet("gc=" + name), PropertyError::kValueNotFound, set);
  }
  return PropertyError::kNone;
}

// Characters assigned in Unicode `version` or before.
PropertyError Age(const std::string& version, CharSet* set) {
  CharSet all;
  for (const NamedSet& candidate : kSets) {
    const std::string_view name = candidate.name;
    if (!name.starts_with("age=")) continue;
    all.Union(DecodeSet(candidate.ranges));
    if (name.substr(4) == version) {
      *set = std::move(all);
      return PropertyError::kNone;
    }
  }
  return PropertyError::kValueNotFound;
}

struct ValueList {
  const char* property;
  const char* aliases;
  const char* prefix;
};
constexpr ValueList kValueLists[] = {
    {"Script_Extensions", kScriptExtensionsValues, "scx="},
    {"Grapheme_Cluster_Break", kGraphemeClusterBreakValues, "gcb="},
    {"Sentence_Break", kSentenceBreakValues, "sb="},
    {"Word_Break", kWordBreakValues, "wb="},
};

// Case variants: for each character that has any, its orbit.
struct CaseEntry {
  uint32_t c;
  uint32_t orbit;
};
struct CaseTable {
  std::vector<CaseEntry> entries;  // by c
  std::vector<std::vector<uint32_t>> orbits;
};

CaseTable DecodeCaseTable() {
  CaseTable table;
  uint32_t first = 0;
  for (const char* p = kCaseOrbits; *p != '\0';) {
    const uint32_t members = ReadNumber(&p);
    first += ReadNumber(&p);
    std::vector<uint32_t> orbit = {first};
    while (orbit.size() < members) orbit.push_back(orbit.back() + ReadNumber(&p));
    for (uint32_t c : orbit) {
      table.entries.push_back({c, static_cast<uint32_t>(table.orbits.size())});
    }
    table.orbits.push_back(std::move(orbit));
  }
  std::sort(table.entries.begin(), table.entries.end(),
            [](const CaseEntry& a, const CaseEntry& b) { return a.c < b.c; });
  return table;
}

const CaseTable& Cases() {
  static const CaseTable table = DecodeCaseTable();
  return table;
}

std::vector<CaseEntry>::const_iterator FirstCaseEntry(uint32_t c) {
  return std::lower_bound(Cases().entries.begin(), Cases().entries.end(), c,
                          [](const CaseEntry& entry, uint32_t value) { return entry.c < value; });
}

}  // namespace

const CharSet& DigitSet() {
  static const CharSet set = KnownSet("gc=Decimal_Number");
  return set;
}

const CharSet& SpaceSet() {
  static const CharSet set = KnownSet("White_Space");
  return set;
}

const CharSet& WordSet() {
  static const CharSet set = DecodeSet(kPerlWord);
  return set;
}

bool IsWordChar(uint32_t c) {
  if (c < 0x80) {
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  }
  return WordSet().Contains(c);
}

bool IsAlphabetic(uint32_t c) {
  static const CharSet set = KnownSet("Alphabetic");
  return set.Contains(c);
}

bool IsAlphanumeric(uint32_t c) {
  static const CharSet numbers = KnownSet("gc=Number");
  return IsAlphabetic(c) || numbers.Contains(c);
}

void FoldCase(CharSet* set) {
  std::vector<CharRange> variants;
  for (const CharRange& range : set->ranges()) {
    for (auto it = FirstCaseEntry(range.first); it != Cases().entries.end() && it->c <= range.last;
         ++it) {
      for (uint32_t c : Cases().orbits[it->orbit]) variants.push_back({c, c});
    }
  }
  set->Union(CharSet(std::move(variants)));
}

bool HasCaseVariants(uint32_t c) {
  const auto it = FirstCaseEntry(c);
  return it != Cases().entries.end() && it->c == c;
}

PropertyError FindProperty(std::string_view name, CharSet* set) {
  const std::string alias = Normalize(name);
  // These three abbreviate both a property and a general category; the category is meant.
  if (alias != "cf" && alias != "sc" && alias != "lc") {
    if (const auto property = Resolve(kPropertyNames, alias)) {
      return Found(FindSet(*property), PropertyError::kNameNotFound, set);
    }
  }
  if (const auto category = ResolveCategory(alias)) return Category(*category, set);
  if (const auto script = Resolve(kScriptValues, alias)) {
    return Found(FindSet("sc=" + *script), PropertyError::kValueNotFound, set);
  }
  return PropertyError::kNameNotFound;
}

PropertyError FindPropertyValue(std::string_view name, std::string_view value, CharSet* set) {
  const auto property = Resolve(kPropertyNames, Normalize(name));
  if (!property) return PropertyError::kNameNotFound;
  const std::string alias = Normalize(value);
  if (*property == "General_Category") {
    const auto category = ResolveCategory(alias);
    return category ? Category(*category, set) : PropertyError::kValueNotFound;
  }
  if (*property == "Script") {
    const auto script = Resolve(kScriptValues, alias);
    if (!script) return PropertyError::kValueNotFound;
    return Found(FindSet("sc=" + *script), PropertyError::kValueNotFound, set);
  }
  if (*property == "Age") {
    const auto version = Resolve(kAgeValues, alias);
    return version ? Age(*version, set) : PropertyError::kValueNotFound;
  }
  for (const ValueList& list : kValueLists) {
    if (*property != list.property) continue;
    const auto canonical = Resolve(list.aliases, alias);
    if (!canonical) return PropertyError::kValueNotFound;
    return Found(FindSet(list.prefix + *canonical), PropertyError::kValueNotFound, set);
  }
  // A property without listed values.
  return PropertyError::kValueNotFound;
}

uint32_t DecodeUtf8(std::string_view text, size_t* offset) {
  constexpr uint32_t kReplacement = 0xFFFD;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t start = (*offset)++;
  const uint32_t lead = byte(start);
  if (lead < 0x80) return lead;
  const size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - start <= more) return kReplacement;
  uint32_t c = lead & (0x3FU >> more);
  for (size_t i = 1; i <= more; ++i) {
    if ((byte(start + i) & 0xC0) != 0x80) return kReplacement;
    c = (c << 6) | (byte(start + i) & 0x3FU);
  }
  constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if (c < kLeast[more] || c > kScalarMax || (c >= 0xD800 && c <= 0xDFFF)) return kReplacement;
  *offset = start + more + 1;
  return c;
}

void AppendUtf8(uint32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr uint32_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out->push_back(static_cast<char>(kLead[more] | c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) {
    out->push_back(static_cast<char>(0x80 | (c >> (6 * i) & 0x3F)));
  }
}

}  // namespace chroma::index
