// Writes the seeds that are bytes of our own formats; those that are text are kept by hand.
//
//   make_corpus DIRECTORY
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "catalog/collection_row.h"
#include "format/manifest.h"
#include "fuzz_sections.h"
#include "index/sparse/postings_builder.h"
#include "index/text/text_index.h"
#include "index/vector/graph_builder.h"
#include "log/file_log.h"
#include "log/log_file_format.h"
#include "log/record_codec.h"
#include "model/metadata_codec.h"
#include "model/record.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "segment/vector_index_blob.h"
#include "testing/memory_blobs.h"

namespace chroma::fuzz {
namespace {

using runtime::FileSystem;

std::string directory;

void Put(const std::string& target, const std::string& seed, BytesView bytes) {
  FileSystem& files = FileSystem::System();
  const std::string folder = runtime::JoinPath(directory, target);
  CHECK(files.CreateDirectory(folder).ok());
  const auto file = files.Open(runtime::JoinPath(folder, seed), runtime::OpenMode::kCreate);
  CHECK(file.ok());
  CHECK((*file)->Truncate(0).ok() && (*file)->WriteAt(0, bytes).ok());
}

Bytes WithChoice(char choice, BytesView bytes) {
  return Bytes(1, choice) + Bytes(bytes);
}

model::Metadata EveryType() {
  model::Metadata metadata;
  metadata.Set("k1", true);
  metadata.Set("k2", int64_t{-3});
  metadata.Set("k3", 2.5);
  metadata.Set("k4", std::string("red"));
  metadata.Set("k5", model::SparseVector{{1, 70'000}, {0.5F, -1.0F}, {"a", "b"}});
  metadata.Set("k6", model::BoolArray{{0, 1}});
  metadata.Set("k7", std::vector<int64_t>{1, INT64_MIN});
  metadata.Set("k8", std::vector<double>{0.0, -2.5});
  metadata.Set("k9", std::vector<std::string>{"", "ключ"});
  return metadata;
}

model::RecordBatch Batch(model::Operation operation) {
  model::RecordBatch batch;
  batch.operation = operation;
  batch.ids = {"a", "b", "c"};
  if (operation == model::Operation::kDelete) return batch;
  batch.vectors = {2, {1, 2, 3, 4}};
  batch.has_vector = {1, 0, 1};
  batch.documents = {"a document", std::nullopt, ""};
  batch.uris = {std::nullopt, "file:///b", std::nullopt};
  batch.metadatas = {EveryType(), std::nullopt, model::Metadata()};
  return batch;
}

void PutMetadataSeeds() {
  Bytes bytes;
  model::PutMetadata(bytes, EveryType());
  Put("metadata", "every_type", bytes);
  bytes.clear();
  model::PutMetadata(bytes, {});
  Put("metadata", "empty", bytes);
}

void PutBatchSeeds() {
  Put("record_batch", "upsert", log::EncodeBatch(Batch(model::Operation::kUpsert)));
  Put("record_batch", "delete", log::EncodeBatch(Batch(model::Operation::kDelete)));
  model::RecordBatch dense;
  dense.ids = {"x", "y"};
  dense.vectors = {3, {1, 2, 3, 4, 5, 6}};
  Put("record_batch", "vectors_only", log::EncodeBatch(dense));
}

Bytes Content(FileSystem& files, const std::string& path) {
  const auto file = files.Open(path, runtime::OpenMode::kRead);
  CHECK(file.ok());
  Bytes bytes(*(*file)->Size(), '\0');
  CHECK(*(*file)->ReadAt(0, bytes.data(), bytes.size()) == bytes.size());
  return bytes;
}

void PutLogSeeds() {
  const auto files = FileSystem::InMemory();
  runtime::Env env;
  env.files = files.get();
  runtime::Context ctx;
  {
    auto log = log::FileLog::Open(env, "/db");
    CHECK(log.ok());
    for (uint64_t i = 0; i < 3; ++i) {
      const Uuid collection = Uuid::FromRandom(i % 2, 7);
      CHECK((*log)->Append(ctx, collection, Bytes(i * 9, 'p'), 1 + i % 2).ok());
    }
  }
  const Bytes file = Content(*files, "/db/log/" + log::LogFileName(1));
  for (const char choice : {'\0', '\1', '\2', '\3'}) {
    Put("log_recovery", "file_" + std::to_string(choice), WithChoice(choice, file));
  }
  Put("log_recovery", "torn", WithChoice(0, BytesView(file).substr(0, file.size() - 20)));
  // The first slot of the state without its header and checksum.
  const Bytes state = Content(*files, "/db/log/state");
  const auto slot_bytes = LoadFixed<uint32_t>(state.data() + 12);
  const BytesView content = BytesView(state).substr(16, slot_bytes - 24);
  Put("log_recovery", "state",
      WithChoice(4, WithChoice(static_cast<char>(content.size()), Bytes(content) + file)));
}

void PutCollectionRowSeeds() {
  const std::string schema = catalog::EncodeSchema({});
  const Bytes metadata = catalog::EncodeMetadata(EveryType());
  Put("collection_row", "every_type", schema + "\n" + metadata);
  Put("collection_row", "no_metadata", schema);
}

void PutManifestSeeds() {
  format::Manifest manifest;
  manifest.collection = Uuid::FromRandom(1, 2);
  manifest.version = 3;
  manifest.log_offset = 100;
  manifest.dimension = 384;
  manifest.operations = 99;
  manifest.segments = {{"segments/a", 10, 4096, Bitmap()},
                       {"segments/b", 70'000, 1 << 20, Bitmap::Range(5, 66'000)}};
  const uint32_t rows[] = {1, 4, 9};
  manifest.segments.push_back({"segments/c", 10, 4096, Bitmap::FromSorted(rows, 3)});
  const Bytes bytes = format::EncodeManifest(manifest);
  Put("manifest", "whole", WithChoice(0, bytes));
  // Header and checksum are made again around the body.
  Put("manifest", "body", WithChoice(1, BytesView(bytes).substr(24, bytes.size() - 32)));
}

// A few random rows and their graph.
Bytes VectorIndex(model::Space space, uint32_t rows, uint32_t dimension) {
  std::vector<float> values;
  std::vector<const float*> pointers;
  for (uint32_t i = 0; i < rows * dimension; ++i) {
    values.push_back(static_cast<float>(i * 37 % 101) / 10 - 5);
  }
  for (uint32_t i = 0; i < rows; ++i) pointers.push_back(values.data() + size_t{i} * dimension);
  const index::CodeSpace codes = index::ChooseCodeSpace(space, dimension, 1, pointers);
  const index::RowCoder coder(simd::ActiveCodeKernels(), codes);
  const index::CodedRows coded(coder, pointers, index::InOrder);
  index::GraphBuilder builder(coder, coded.view(), {}, index::InOrder, nullptr, nullptr);
  CHECK(builder.Build().ok());
  runtime::Context ctx;
  testing::MemoryBlobStore store;
  CHECK(segment::WriteVectorIndex(
            ctx, store, "i", codes,
            {coded.view(), index::Edges::Of(builder.neighbors().data()), builder.entry()},
            {.spread = .1F, .points = {{16, .9F}, {100, .98F}}}, 9)
            .ok());
  return store.Content("i");
}

void PutVectorIndexSeeds() {
  for (const auto& [name, space] :
       {std::pair("l2", model::Space::kL2), std::pair("cosine", model::Space::kCosine),
        std::pair("ip", model::Space::kInnerProduct)}) {
    const Bytes bytes = VectorIndex(space, 60, 3);
    Put("vector_index", name, WithChoice(0, bytes));
    const auto sections = ReadSections(bytes);
    CHECK(sections.ok());
    Put("vector_index", std::string(name) + "_sections", WithChoice(1, EncodeSections(*sections)));
  }
}

// Dimensions of one posting, of one block and of several; weights that are exact, or not.
void PutPostingsSeeds() {
  for (const auto& [name, rows, step] :
       {std::tuple("none", 0U, 1U), std::tuple("few", 5U, 1U), std::tuple("blocks", 400U, 1U),
        std::tuple("wide", 300U, 3000U)}) {
    std::vector<uint32_t> present;
    std::vector<uint64_t> ends{0};
    std::vector<uint64_t> dimensions;
    std::vector<float> weights;
    for (uint32_t i = 0; i < rows; ++i) {
      present.push_back(i * step);
      for (const uint32_t dimension : {0U, 1U, 2U, 7U, 1000U + i}) {
        if (dimension == 2 && i % 5 != 0) continue;
        dimensions.push_back(dimension);
        weights.push_back(step == 1 ? static_cast<float>(i % 9) - 2
                                    : static_cast<float>(i * 37 % 7919 + dimension) / 7);
      }
      ends.push_back(dimensions.size());
    }
    if (rows > 200) weights[10] = INFINITY;
    Bytes bytes;
    CHECK(index::EncodePostings({present, ends, dimensions, weights}, rows * step + 1, bytes).ok());
    Put("sparse_postings", name, bytes);
  }
}

Bytes Segment(uint32_t rows, uint32_t dimension) {
  runtime::Context ctx;
  testing::MemoryBlobStore store;
  auto writer = segment::SegmentWriter::Create(ctx, store, "s", dimension);
  CHECK(writer.ok());
  const std::vector<float> vector(dimension, 0.5F);
  model::Metadata every_type = EveryType();
  for (uint32_t row = 0; row < rows; ++row) {
    const std::string id = "id-" + std::to_string(row);
    const std::string document = "document number " + std::to_string(row);
    segment::RowView view;
    view.id = id;
    view.insertion_offset = row * 3;
    view.vector = dimension > 0 ? vector.data() : nullptr;
    if (row % 2 == 0) view.document = document;
    if (row % 3 == 1) view.uri = id;
    if (row % 4 == 0 || row >= 20) view.metadata = &every_type;
    if (row >= 20) every_type.Set("k4", id);  // all different: with an order
    CHECK((*writer)->Add(view).ok());
  }
  CHECK((*writer)->Finish(ctx).ok());
  return store.Content("s");
}

void PutTextIndexSeeds() {
  const std::vector<std::string> texts = {"the river flows north, slowly",
                                          "rivers; \"a lake\"",
                                          "日本語の文",
                                          "ключ École",
                                          "==========",
                                          "\xFF\xFE",
                                          "0123456789abcdefghijklmnopqrstuvwxyz"};
  index::TextIndexBuilder builder;
  std::string lines;
  for (uint32_t row = 0; row < texts.size(); ++row) {
    builder.Add(row, texts[row]);
    lines += texts[row] + "\n";
  }
  const auto rows = static_cast<uint32_t>(texts.size());
  const index::TextIndexPayloads payloads = builder.Finish(rows);
  Bytes bytes;
  PutVarint(bytes, rows);
  for (const Bytes* payload : {&payloads.terms, &payloads.postings, &payloads.grams}) {
    PutString(bytes, *payload);
  }
  Put("text_index", "payloads", WithChoice(0, bytes));
  for (const auto& [name, needle] :
       {std::pair("word", "river"), std::pair("words", "s north"), std::pair("pairs", "日本語"),
        std::pair("short", "a"), std::pair("long", "3456789abcdefghijklmnopqrstuvwx")}) {
    Put("text_index", name, WithChoice(1, needle + ("\n" + lines)));
  }
}

// Of the ids under "k4": writers do without it where strings are few.
Section ValueText(uint32_t rows) {
  index::TextIndexBuilder builder;
  for (uint32_t i = 0; i < rows; ++i) builder.Add(i, "id-" + std::to_string(i));
  const index::TextIndexPayloads payloads = builder.Finish(rows);
  Section section{format::SectionType::kValueText, "\x04k4", 0, {}};
  PutFixed(section.payload, static_cast<uint64_t>(payloads.terms.size()));
  PutFixed(section.payload, static_cast<uint64_t>(payloads.postings.size()));
  section.payload += payloads.terms + payloads.postings + payloads.grams;
  return section;
}

void PutSegmentSeeds() {
  const Bytes small = Segment(3, 2);
  Put("segment", "whole", WithChoice(0, small));
  for (const auto& [name, bytes] :
       {std::pair("sections", small), std::pair("more_rows", Segment(100, 2)),
        std::pair("no_vectors", Segment(5, 0)), std::pair("no_rows", Segment(0, 0))}) {
    const auto sections = ReadSections(bytes);
    CHECK(sections.ok());
    CHECK(WriteSections(*sections).size() > 0);
    Put("segment", name, WithChoice(1, EncodeSections(*sections)));
  }
  auto sections = ReadSections(Segment(100, 2));
  CHECK(sections.ok());
  constexpr uint32_t kValues = 85;  // that Segment gives "k4" in 100 rows
  sections->push_back(ValueText(kValues));
  const Bytes bytes = WriteSections(*sections);
  runtime::Context ctx;
  const auto segment =
      segment::SegmentReader::Open(ctx, std::make_shared<testing::MemoryBlob>("s", bytes));
  CHECK(segment.ok() && (*segment)->VerifyAll(ctx).ok());
  Put("segment", "value_text", WithChoice(1, EncodeSections(*sections)));
}

void PutSimdSeeds() {
  for (const uint32_t dimension : {1u, 7u, 16u, 33u}) {
    Bytes bytes{3, static_cast<char>(dimension % 5)};
    for (uint32_t i = 0; i < 4 * dimension; ++i) {
      PutFixed(bytes, static_cast<float>(i % 11) / 7 - 0.5F);
    }
    Put("simd", "dimension_" + std::to_string(dimension), bytes);
  }
}

}  // namespace
}  // namespace chroma::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_corpus DIRECTORY\n");
    return 2;
  }
  chroma::fuzz::directory = argv[1];
  chroma::fuzz::PutMetadataSeeds();
  chroma::fuzz::PutBatchSeeds();
  chroma::fuzz::PutLogSeeds();
  chroma::fuzz::PutCollectionRowSeeds();
  chroma::fuzz::PutManifestSeeds();
  chroma::fuzz::PutPostingsSeeds();
  chroma::fuzz::PutVectorIndexSeeds();
  chroma::fuzz::PutTextIndexSeeds();
  chroma::fuzz::PutSegmentSeeds();
  chroma::fuzz::PutSimdSeeds();
  return 0;
}
