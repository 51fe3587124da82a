#include "chroma/import.h"

#include <string_view>
#include <utility>

#include "api/call_context.h"
#include "api/guard.h"
#include "base/json_writer.h"
#include "importer/old_directory.h"
#include "service/import_directory.h"

namespace chroma {
namespace {

void WriteStrings(JsonWriter& out, std::string_view key, const std::vector<std::string>& texts) {
  out.Key(key);
  out.BeginArray();
  for (const std::string& text : texts) out.String(text);
  out.EndArray();
}

void WriteLoss(JsonWriter& out, const ImportLoss& loss) {
  out.BeginObject();
  const std::pair<std::string_view, const std::string&> members[] = {
      {"tenant", loss.tenant},
      {"database", loss.database},
      {"collection", loss.collection},
      {"record", loss.record}};
  for (const auto& [key, value] : members) {
    if (!value.empty()) out.StringField(key, value);
  }
  out.Key("saved");
  out.Bool(loss.saved);
  out.StringField("what", loss.what);
  out.EndObject();
}

std::string Place(const ImportLoss& loss) {
  std::string place = loss.collection;
  if (!loss.record.empty()) place += " " + loss.record;
  if (place.empty()) place = loss.tenant;
  return place;
}

}  // namespace

std::string ImportReport::ToJson() const {
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.Key("complete");
  out.Bool(complete());
  out.Key("collections");
  out.BeginArray();
  for (const ImportedCollection& collection : collections) {
    out.BeginObject();
    out.StringField("id", collection.id);
    out.StringField("name", collection.name);
    out.StringField("tenant", collection.tenant);
    out.StringField("database", collection.database);
    out.Key("records");
    out.Uint(collection.records);
    out.Key("imported");
    out.Uint(collection.imported);
    out.Key("checked");
    out.Uint(collection.checked);
    out.EndObject();
  }
  out.EndArray();
  out.Key("losses");
  out.BeginArray();
  for (const ImportLoss& loss : losses) WriteLoss(out, loss);
  out.EndArray();
  WriteStrings(out, "damage", damage);
  WriteStrings(out, "warnings", warnings);
  out.EndObject();
  text += '\n';
  return text;
}

std::string ImportReport::ToText() const {
  std::string text;
  for (const ImportedCollection& collection : collections) {
    text += collection.tenant + "/" + collection.database + "/" + collection.name + ": " +
            std::to_string(collection.imported) + " of " + std::to_string(collection.records) +
            " records imported";
    if (collection.checked != 0) text += ", " + std::to_string(collection.checked) + " checked";
    text += '\n';
  }
  for (const std::string& place : damage) text += "damaged: " + place + '\n';
  for (const ImportLoss& loss : losses) {
    const std::string place = Place(loss);
    text += std::string(loss.saved ? "incomplete: " : "not saved: ") + place +
            (place.empty() ? "" : ": ") + loss.what + '\n';
  }
  for (const std::string& warning : warnings) text += "note: " + warning + '\n';
  return text;
}

Result<ImportReport> ImportDirectory(const std::string& old_path, const std::string& new_path,
                                     ImportOptions options) {
  return api::Guard([&]() -> Result<ImportReport> {
    static_cast<void>(api::OutOfMemory());
    if (new_path.empty() && !options.dry_run) {
      return Status::InvalidArgument("The new directory's path must not be empty");
    }
    api::CallContext ctx;
    return service::ImportDirectory(ctx, runtime::Env(), old_path, new_path, options);
  });
}

Result<bool> IsUpstreamDirectory(const std::string& path) {
  return api::Guard([&] { return importer::IsOldDirectory(runtime::Env(), path); });
}

}  // namespace chroma
