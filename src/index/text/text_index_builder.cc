#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/json_string.h"
#include "index/text/postings.h"
#include "index/text/text_index.h"
#include "index/text/text_index_format.h"

namespace chroma::index {
namespace {

constexpr uint32_t kNoRow = UINT32_MAX;
constexpr uint32_t kNoChunk = UINT32_MAX;
constexpr uint64_t kTagMask = uint64_t{UINT32_MAX} << 32;
constexpr size_t kUsesMax = 64;
constexpr size_t kChunkUnit = 16;
constexpr size_t kChunkUnitsMax = 64;
// What offsets in the format can reach, with room to spare.
constexpr uint64_t kTermTextsMax = uint64_t{1} << 30;

// The gaps of a term's rows, as varints in a chain of chunks that grow: no list is ever moved, and
// half of the memory is in use at least. A chunk ends with the place of the next one.
struct Term {
  uint64_t text = 0;  // where its bytes begin
  uint32_t size = 0;
  uint32_t count = 0;
  uint32_t last_row = kNoRow;
  uint32_t first_chunk = kNoChunk;
  uint64_t at = 0;
  uint64_t end = 0;
  size_t chunk_units = 0;  // of the last chunk
};

// A term in a text.
struct TermUse {
  TermKind kind = TermKind::kRun;
  std::string_view bytes;
  uint64_t hash = 0;
};

size_t NextChunkUnits(size_t units) {
  return units == 0 ? 1 : std::min(units * 2, kChunkUnitsMax);
}

}  // namespace

struct TextIndexBuilder::State {
  std::vector<Term> terms;
  Bytes texts;  // of the terms
  // A hash table: the high half of the term's hash above, the term + 1 below; 0: free.
  std::vector<uint64_t> slots;
  Bytes chunks;
  std::vector<uint32_t> irregular;
  bool any = false;
  bool too_large = false;
  std::vector<TermUse> uses;  // of the text that is being added, kUsesMax at most

  State() : slots(1024) {}

  std::string_view Text(const Term& term) const {
    return std::string_view(texts).substr(term.text, term.size);
  }

  void Grow() {
    std::vector<uint64_t> larger(slots.size() * 2);
    const size_t mask = larger.size() - 1;
    for (uint32_t i = 0; i < terms.size(); ++i) {
      const uint64_t hash = Hash64(Text(terms[i]).substr(1));
      size_t slot = hash & mask;
      while (larger[slot] != 0) slot = (slot + 1) & mask;
      larger[slot] = (hash & kTagMask) | (i + 1);
    }
    slots = std::move(larger);
  }

  // The term's hash says nothing of its kind, which few terms have twice.
  bool Is(const Term& term, const TermUse& use) const {
    return term.size == use.bytes.size() + 1 && texts[term.text] == static_cast<char>(use.kind) &&
           std::memcmp(texts.data() + term.text + 1, use.bytes.data(), use.bytes.size()) == 0;
  }

  Term& FindOrAdd(const TermUse& use) {
    if (terms.size() * 2 >= slots.size()) Grow();
    const size_t mask = slots.size() - 1;
    size_t slot = use.hash & mask;
    for (; slots[slot] != 0; slot = (slot + 1) & mask) {
      if ((slots[slot] & kTagMask) != (use.hash & kTagMask)) continue;
      Term& term = terms[static_cast<uint32_t>(slots[slot]) - 1];
      if (Is(term, use)) return term;
    }
    Term term;
    term.text = texts.size();
    term.size = static_cast<uint32_t>(use.bytes.size() + 1);
    texts.push_back(static_cast<char>(use.kind));
    texts += use.bytes;
    terms.push_back(term);
    slots[slot] = (use.hash & kTagMask) | terms.size();
    return terms.back();
  }

  // Terms are looked up side by side, since nearly every step of a look-up waits for memory.
  void AddRows(uint32_t row) {
    for (TermUse& use : uses) {
      use.hash = Hash64(use.bytes);
      __builtin_prefetch(&slots[use.hash & (slots.size() - 1)]);
    }
    for (const TermUse& use : uses) {
      const auto term = static_cast<uint32_t>(slots[use.hash & (slots.size() - 1)]);
      if (term != 0) __builtin_prefetch(&terms[term - 1], 1);
    }
    for (const TermUse& use : uses) {
      const auto term = static_cast<uint32_t>(slots[use.hash & (slots.size() - 1)]);
      if (term == 0) continue;
      __builtin_prefetch(texts.data() + terms[term - 1].text);
      __builtin_prefetch(chunks.data() + terms[term - 1].at, 1);
    }
    for (const TermUse& use : uses) AddRow(&FindOrAdd(use), row);
    uses.clear();
  }

  void Use(TermKind kind, std::string_view bytes, uint32_t row) {
    uses.push_back({kind, bytes});
    if (uses.size() == kUsesMax) AddRows(row);
  }

  void AddChunk(Term* term) {
    const auto place = static_cast<uint32_t>(chunks.size() / kChunkUnit);
    if (term->first_chunk == kNoChunk) {
      term->first_chunk = place;
    } else {
      std::memcpy(chunks.data() + term->end, &place, sizeof(place));
    }
    term->chunk_units = NextChunkUnits(term->chunk_units);
    term->at = chunks.size();
    chunks.resize(chunks.size() + term->chunk_units * kChunkUnit, '\0');
    term->end = chunks.size() - sizeof(place);
  }

  void PutByte(Term* term, uint32_t byte) {
    if (term->at == term->end) AddChunk(term);
    chunks[term->at++] = static_cast<char>(byte);
  }

  void AddRow(Term* term, uint32_t row) {
    if (term->last_row == row) return;
    uint32_t gap = term->last_row == kNoRow ? row : row - term->last_row - 1;
    for (; gap >= 0x80; gap >>= 7) PutByte(term, (gap & 0x7F) | 0x80);
    PutByte(term, gap);
    term->last_row = row;
    ++term->count;
  }

  // The terms in byte order.
  std::vector<uint32_t> InOrder() const {
    struct Key {
      uint64_t beginning;  // of the term, as a number
      uint32_t term;
    };
    std::vector<Key> keys(terms.size());
    for (uint32_t i = 0; i < terms.size(); ++i) {
      const std::string_view text = Text(terms[i]);
      keys[i] = {0, i};
      for (size_t at = 0; at < 8; ++at) {
        const uint8_t byte = at < text.size() ? static_cast<uint8_t>(text[at]) : 0;
        keys[i].beginning = keys[i].beginning << 8 | byte;
      }
    }
    std::sort(keys.begin(), keys.end(), [this](const Key& a, const Key& b) {
      if (a.beginning != b.beginning) return a.beginning < b.beginning;
      return Text(terms[a.term]) < Text(terms[b.term]);
    });
    std::vector<uint32_t> order(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) order[i] = keys[i].term;
    return order;
  }

  void Rows(const Term& term, std::vector<uint32_t>* rows) const {
    rows->clear();
    size_t units = NextChunkUnits(0);
    size_t at = size_t{term.first_chunk} * kChunkUnit;
    size_t end = at + units * kChunkUnit - sizeof(uint32_t);
    const auto next_byte = [&] {
      if (at == end) {
        at = size_t{LoadFixed<uint32_t>(chunks.data() + end)} * kChunkUnit;
        units = NextChunkUnits(units);
        end = at + units * kChunkUnit - sizeof(uint32_t);
      }
      return uint32_t{static_cast<uint8_t>(chunks[at++])};
    };
    uint32_t next = 0;
    for (uint32_t i = 0; i < term.count; ++i) {
      uint32_t gap = 0;
      uint32_t byte = 0x80;
      for (uint32_t shift = 0; (byte & 0x80) != 0; shift += 7) {
        byte = next_byte();
        gap |= (byte & 0x7F) << shift;
      }
      rows->push_back(next + gap);
      next = rows->back() + 1;
    }
  }
};

namespace {

// Which blocks of the dictionary contain each trigram.
class GramLists {
 public:
  // The first `shared` bytes are those of the term before, in the same block.
  void Add(std::string_view term, size_t shared, uint32_t block) {
    const size_t begin = shared < 4 ? 1 : shared - 2;  // without the kind
    for (size_t at = begin; at + 3 <= term.size(); ++at) {
      std::vector<uint32_t>& blocks = lists_[GramAt(term, at)];
      if (blocks.empty() || blocks.back() != block) blocks.push_back(block);
    }
  }

  Bytes Encode(uint32_t blocks) const {
    std::vector<uint32_t> keys;
    keys.reserve(lists_.size());
    for (const auto& [gram, list] : lists_) keys.push_back(gram);
    std::sort(keys.begin(), keys.end());
    Bytes offsets;
    Bytes lists;
    for (const uint32_t gram : keys) {
      const std::vector<uint32_t>& list = lists_.find(gram)->second;
      PutFixed(offsets, static_cast<uint32_t>(lists.size()));
      PutVarint(lists, list.size());
      PutPostings(lists, list, blocks);
    }
    Bytes payload;
    PutFixed(payload, static_cast<uint32_t>(keys.size()));
    for (const uint32_t gram : keys) PutFixed(payload, gram);
    return payload + offsets + lists;
  }

 private:
  std::unordered_map<uint32_t, std::vector<uint32_t>> lists_;
};

size_t SharedBytes(std::string_view a, std::string_view b) {
  const auto differ = std::mismatch(a.begin(), a.begin() + std::min(a.size(), b.size()), b.begin());
  return static_cast<size_t>(differ.first - a.begin());
}

}  // namespace

TextIndexBuilder::TextIndexBuilder() : state_(std::make_unique<State>()) {}
TextIndexBuilder::~TextIndexBuilder() = default;

void TextIndexBuilder::Add(uint32_t row, std::string_view text) {
  State& state = *state_;
  state.any = true;
  if (text.empty() || state.too_large) return;
  if (!IsValidUtf8(text)) {
    state.irregular.push_back(row);
    return;
  }
  bool spaced = false;  // nearly every other run
  RunCutter runs(text);
  for (TextRun run; runs.Next(&run);) {
    if (run.bytes == " ") {
      if (spaced) continue;
      spaced = true;
    }
    if (run.whole) {
      state.Use(TermKind::kRun, run.bytes, row);
      continue;
    }
    PairCutter pairs(run.bytes);
    for (std::string_view pair; pairs.Next(&pair);) state.Use(TermKind::kPair, pair, row);
  }
  state.AddRows(row);
  state.too_large = state.texts.size() > kTermTextsMax ||
                    state.chunks.size() / kChunkUnit > UINT32_MAX - kChunkUnitsMax ||
                    state.terms.size() > UINT32_MAX / 2;
  if (state.too_large) state = State(), state.too_large = true;
}

bool TextIndexBuilder::too_large() const {
  return state_->too_large;
}

bool TextIndexBuilder::Unusable() const {
  return !state_->any || state_->too_large;
}

TextIndexPayloads TextIndexBuilder::Finish(uint32_t rows) {
  State& state = *state_;
  const std::vector<uint32_t> order = state.InOrder();
  state.slots = std::vector<uint64_t>();
  TextIndexPayloads out;
  PutPostings(out.postings, state.irregular, rows);
  PutFixed(out.terms, kTextIndexLayout);
  PutFixed(out.terms, rows);
  PutFixed(out.terms, static_cast<uint32_t>(order.size()));
  PutFixed(out.terms, static_cast<uint32_t>(state.irregular.size()));
  PutFixed(out.terms, static_cast<uint64_t>(out.postings.size()));
  Bytes blocks;
  GramLists grams;
  std::string_view before;
  std::vector<uint32_t> of_term;
  for (uint32_t i = 0; i < order.size(); ++i) {
    const Term& term = state.terms[order[i]];
    const std::string_view text = state.Text(term);
    if (i % kBlockTerms == 0) {
      before = {};
      PutFixed(out.terms, static_cast<uint32_t>(blocks.size()));
      PutFixed(out.terms, static_cast<uint64_t>(out.postings.size()));
    }
    state.Rows(term, &of_term);
    const size_t begin = out.postings.size();
    PutPostings(out.postings, of_term, rows);
    const size_t shared = SharedBytes(before, text);
    grams.Add(text, shared, i / kBlockTerms);
    PutVarint(blocks, shared);
    PutVarint(blocks, text.size() - shared);
    blocks += text.substr(shared);
    PutVarint(blocks, of_term.size());
    PutVarint(blocks, out.postings.size() - begin);
    before = text;
  }
  out.terms += blocks;
  const auto count = static_cast<uint32_t>((order.size() + kBlockTerms - 1) / kBlockTerms);
  out.grams = grams.Encode(count);
  state = State();
  return out;
}

}  // namespace chroma::index
