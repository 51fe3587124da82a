// The API's values and the model's: the same things, without the model's headers for users.
#pragma once

#include <optional>
#include <string_view>

#include "base/json_value.h"
#include "chroma/metadata.h"
#include "chroma/types.h"
#include "model/metadata.h"

namespace chroma::api {

model::MetadataValue ToModel(const MetadataValue& value);
model::Metadata ToModel(const Metadata& metadata);
MetadataValue FromModel(const model::MetadataValue& value);
Metadata FromModel(const model::Metadata& metadata);
// None is empty.
Metadata FromModel(const std::optional<model::Metadata>& metadata);

// What JSON cannot carry, hence no client can send: text that is not UTF-8, NaN and infinities.
// kInvalidArgument naming `what`, e.g. "documents[3]". A server would see other bytes than an
// engine in this process; refusing them keeps the two alike.
Status CheckText(std::string_view what, std::string_view text);
// Null values only where `allow_null`.
Status CheckMetadata(const std::string& what, const Metadata& metadata, bool allow_null);

// "configuration_json" of a collection; members that this version does not know are left out.
CollectionConfiguration ReadConfiguration(const JsonValue& json);

}  // namespace chroma::api
