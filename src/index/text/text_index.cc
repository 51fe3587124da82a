#include "index/text/text_index.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/coding.h"
#include "index/text/contains.h"
#include "index/text/postings.h"
#include "index/text/text_index_format.h"

namespace chroma::index {
namespace {

Status Malformed(std::string_view what) {
  return Status::DataLoss("the text index is malformed: " + std::string(what));
}

}  // namespace

Result<TextIndexReader> TextIndexReader::Open(BytesView terms, BytesView postings, BytesView grams,
                                              uint32_t rows) {
  TextIndexReader reader;
  ByteReader in(terms);
  const auto layout = in.Fixed<uint32_t>();
  reader.rows_ = in.Fixed<uint32_t>();
  reader.terms_count_ = in.Fixed<uint32_t>();
  reader.irregular_.count = in.Fixed<uint32_t>();
  reader.irregular_.size = in.Fixed<uint64_t>();
  if (!in.ok() || layout != kTextIndexLayout || reader.rows_ != rows) {
    return Malformed("its head is not one of this segment");
  }
  reader.blocks_ =
      static_cast<uint32_t>((uint64_t{reader.terms_count_} + kBlockTerms - 1) / kBlockTerms);
  reader.directory_ = in.Raw(size_t{reader.blocks_} * kDirectoryEntryBytes);
  if (!in.ok()) return Malformed("its directory is cut off");
  reader.terms_ = terms.substr(in.position());
  reader.postings_ = postings;
  ByteReader gram_reader(grams);
  reader.grams_count_ = gram_reader.Fixed<uint32_t>();
  reader.gram_keys_ = gram_reader.Raw(size_t{reader.grams_count_} * sizeof(uint32_t));
  reader.gram_offsets_ = gram_reader.Raw(size_t{reader.grams_count_} * sizeof(uint32_t));
  if (!gram_reader.ok()) return Malformed("its trigrams are cut off");
  reader.gram_lists_ = grams.substr(gram_reader.position());
  CHROMA_TRY(reader.CheckDirectory());
  return reader;
}

uint64_t TextIndexReader::BlockBegin(uint32_t block) const {
  return LoadFixed<uint32_t>(directory_.data() + size_t{block} * kDirectoryEntryBytes);
}

uint64_t TextIndexReader::BlockEnd(uint32_t block) const {
  return block + 1 < blocks_ ? BlockBegin(block + 1) : terms_.size();
}

uint64_t TextIndexReader::PostingsBegin(uint32_t block) const {
  return LoadFixed<uint64_t>(directory_.data() + size_t{block} * kDirectoryEntryBytes +
                             sizeof(uint32_t));
}

Status TextIndexReader::CheckDirectory() const {
  if (irregular_.size > postings_.size() || irregular_.count > rows_) {
    return Malformed("its irregular rows do not fit");
  }
  for (uint32_t block = 0; block < blocks_; ++block) {
    if (BlockBegin(block) >= BlockEnd(block) || BlockEnd(block) > terms_.size() ||
        PostingsBegin(block) > postings_.size()) {
      return Malformed("its directory is out of order");
    }
  }
  if (blocks_ > 0 && BlockBegin(0) != 0) return Malformed("its directory is out of order");
  uint32_t key_before = 0;
  uint32_t offset_before = 0;
  for (uint32_t i = 0; i < grams_count_; ++i) {
    const auto key = LoadFixed<uint32_t>(gram_keys_.data() + size_t{i} * sizeof(uint32_t));
    const auto offset = LoadFixed<uint32_t>(gram_offsets_.data() + size_t{i} * sizeof(uint32_t));
    if ((i > 0 && key <= key_before) || offset < offset_before || offset > gram_lists_.size()) {
      return Malformed("its trigrams are out of order");
    }
    key_before = key;
    offset_before = offset;
  }
  return Status::Ok();
}

// The first term of a block is stored whole.
std::string_view TextIndexReader::FirstTerm(uint32_t block) const {
  ByteReader in(terms_.substr(BlockBegin(block), BlockEnd(block) - BlockBegin(block)));
  if (in.Varint() != 0) return {};
  return in.String();
}

Status TextIndexReader::VisitBlock(uint32_t block, const TermVisit& visit) const {
  ByteReader in(terms_.substr(BlockBegin(block), BlockEnd(block) - BlockBegin(block)));
  std::array<char, 1 + kTermBytesMax> term;
  size_t size = 0;
  uint64_t offset = PostingsBegin(block);
  const uint32_t first = block * kBlockTerms;
  const uint32_t count = std::min(kBlockTerms, terms_count_ - first);
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t shared = in.VarintAtMost(size);
    const BytesView rest = in.String();
    Postings postings;
    postings.offset = offset;
    postings.count = static_cast<uint32_t>(in.VarintAtMost(rows_));
    postings.size = in.VarintAtMost(postings_.size() - offset);
    if (!in.ok() || shared + rest.size() > term.size() || shared + rest.size() < 2) {
      return Malformed("a block of its terms cannot be decoded");
    }
    std::memcpy(term.data() + shared, rest.data(), rest.size());
    size = shared + rest.size();
    offset += postings.size;
    visit(std::string_view(term.data(), size), postings);
  }
  return in.AtEnd() ? Status::Ok() : Malformed("a block of its terms is too long");
}

uint32_t TextIndexReader::BlockOf(std::string_view term) const {
  uint32_t low = 0;
  uint32_t high = blocks_;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (FirstTerm(middle) <= term) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<BytesView> TextIndexReader::Gram(uint32_t index, uint32_t* count) const {
  const auto offset = [&](uint32_t i) -> size_t {
    if (i == grams_count_) return gram_lists_.size();
    return LoadFixed<uint32_t>(gram_offsets_.data() + size_t{i} * sizeof(uint32_t));
  };
  const BytesView list = gram_lists_.substr(offset(index), offset(index + 1) - offset(index));
  ByteReader in(list);
  *count = static_cast<uint32_t>(in.VarintAtMost(blocks_));
  if (!in.ok()) return Malformed("a trigram's list is cut off");
  return list.substr(in.position());
}

Result<std::vector<uint32_t>> TextIndexReader::BlocksContaining(std::string_view bytes) const {
  std::vector<uint32_t> found;
  if (bytes.size() < 3) {
    found.resize(blocks_);
    for (uint32_t block = 0; block < blocks_; ++block) found[block] = block;
    return found;
  }
  struct List {
    BytesView bytes;
    uint32_t count = 0;
  };
  std::vector<List> lists;
  for (size_t at = 0; at + 3 <= bytes.size(); ++at) {
    const uint32_t gram = GramAt(bytes, at);
    uint32_t low = 0;
    uint32_t high = grams_count_;
    const auto key = [&](uint32_t i) {
      return LoadFixed<uint32_t>(gram_keys_.data() + size_t{i} * sizeof(uint32_t));
    };
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (key(middle) < gram) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == grams_count_ || key(low) != gram) return found;
    List list;
    CHROMA_ASSIGN(list.bytes, Gram(low, &list.count));
    lists.push_back(list);
  }
  std::sort(lists.begin(), lists.end(),
            [](const List& a, const List& b) { return a.count < b.count; });
  // Looking into a few blocks is cheaper than reading the longer lists.
  constexpr size_t kFewBlocks = 4;
  for (size_t i = 0; i < lists.size() && (i == 0 || found.size() > kFewBlocks); ++i) {
    size_t at = 0;
    size_t kept = 0;
    const bool ok = VisitPostings(lists[i].bytes, lists[i].count, blocks_, [&](uint32_t block) {
      if (i == 0) {
        found.push_back(block);
        return;
      }
      while (at < found.size() && found[at] < block) ++at;
      if (at < found.size() && found[at] == block) found[kept++] = block;
    });
    if (!ok) return Malformed("a trigram's list cannot be decoded");
    if (i > 0) found.resize(kept);
    if (found.empty()) break;
  }
  return found;
}

Result<BytesView> TextIndexReader::List(const Postings& postings) const {
  if (postings.offset > postings_.size() || postings.size > postings_.size() - postings.offset) {
    return Malformed("a list of rows is cut off");
  }
  return postings_.substr(postings.offset, postings.size);
}

Status TextIndexReader::VerifyAll() const {
  const auto check = [&](const Postings& postings) -> Status {
    CHROMA_ASSIGN(const BytesView list, List(postings));
    if (VisitPostings(list, postings.count, rows_, [](uint32_t) {})) return Status::Ok();
    return Malformed("a list of rows cannot be decoded");
  };
  CHROMA_TRY(check(irregular_));
  for (uint32_t block = 0; block < blocks_; ++block) {
    Status lists;
    CHROMA_TRY(VisitBlock(block, [&](std::string_view, const Postings& postings) {
      if (lists.ok()) lists = check(postings);
    }));
    CHROMA_TRY(lists);
  }
  for (uint32_t i = 0; i < grams_count_; ++i) {
    uint32_t count = 0;
    CHROMA_ASSIGN(const BytesView list, Gram(i, &count));
    if (!VisitPostings(list, count, blocks_, [](uint32_t) {})) {
      return Malformed("a trigram's list cannot be decoded");
    }
  }
  return Status::Ok();
}

}  // namespace chroma::index
