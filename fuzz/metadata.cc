// model/metadata_codec.h: what is read is written again as the same metadata.
#include "base/check.h"
#include "base/coding.h"
#include "fuzz.h"
#include "model/metadata_codec.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  ByteReader value_reader(input);
  model::MetadataValue value;
  CHECK(model::ReadMetadataValue(value_reader, &value) == value_reader.ok());

  ByteReader reader(input);
  model::Metadata metadata;
  if (!model::ReadMetadata(reader, &metadata)) {
    CHECK(!reader.ok());
    return;
  }
  // By bytes, since a NaN differs from itself.
  Bytes written;
  model::PutMetadata(written, metadata);
  ByteReader again_reader(written);
  model::Metadata again;
  CHECK(model::ReadMetadata(again_reader, &again));
  CHECK(again_reader.AtEnd());
  Bytes rewritten;
  model::PutMetadata(rewritten, again);
  CHECK(rewritten == written);
}

}  // namespace chroma::fuzz
