#include "catalog_model.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"

namespace chroma::simulation {
namespace {

using Kind = CatalogCall::Kind;

CatalogAnswer Refused(StatusCode code) {
  return {code, {}, 0};
}

std::string Describe(const Slot& slot) {
  return "c" + std::to_string(slot.created) + "{m" + std::to_string(slot.meta) + " ef" +
         std::to_string(slot.ef) + " name " + std::to_string(slot.name) + "}";
}

}  // namespace

bool CatalogCall::Changes() const {
  switch (kind) {
    case Kind::kCreate:
    case Kind::kGetOrCreate:
    case Kind::kModify:
    case Kind::kDelete:
    case Kind::kCreateDatabase:
    case Kind::kDeleteDatabase:
    case Kind::kCreateTenant:
    case Kind::kReset:
      return true;
    default:
      return false;
  }
}

std::string CatalogCall::Describe() const {
  constexpr const char* kKinds[] = {"create",
                                    "get or create",
                                    "get",
                                    "find",
                                    "modify",
                                    "delete",
                                    "list",
                                    "count",
                                    "create database",
                                    "delete database",
                                    "list databases",
                                    "create tenant",
                                    "get tenant",
                                    "reset"};
  std::string text = kKinds[static_cast<size_t>(kind)];
  text += " database " + std::to_string(database) + " name " + std::to_string(name) + " " +
          simulation::Describe(slot);
  if (new_name) text += " new name " + std::to_string(*new_name);
  return text;
}

std::string CatalogAnswer::Describe() const {
  std::string text(StatusCodeName(code));
  for (const Slot& slot : slots) text += " " + simulation::Describe(slot);
  return text + " count " + std::to_string(count);
}

size_t CatalogState::Hash() const {
  return Checksum(BytesView(reinterpret_cast<const char*>(this), sizeof(*this)));
}

std::string CatalogState::Describe() const {
  std::string text = tenant != 0 ? "tenant; " : "";
  for (uint32_t d = 0; d < kDatabases; ++d) {
    if (databases[d] == 0) continue;
    text += "database " + std::to_string(d) + ":";
    for (uint32_t n = 0; n < kNames; ++n) {
      if (slots[d][n].created != 0) {
        text += " " + std::to_string(n) + "=" + simulation::Describe(slots[d][n]);
      }
    }
    text += "; ";
  }
  return text;
}

Slot* CatalogState::FindCreated(uint32_t database, uint32_t created) {
  for (Slot& slot : slots[database]) {
    if (slot.created == created) return &slot;
  }
  return nullptr;
}

CatalogAnswer CatalogState::Create(const CatalogCall& call) {
  if (databases[call.database] == 0) return Refused(StatusCode::kInvalidArgument);
  Slot& slot = slots[call.database][call.name];
  if (slot.created == 0) {
    slot = call.slot;
    slot.name = call.name;
  } else if (call.kind == Kind::kCreate) {
    return Refused(StatusCode::kAlreadyExists);
  }
  return {StatusCode::kOk, {slot}, 0};
}

CatalogAnswer CatalogState::Modify(const CatalogCall& call) {
  Slot* const slot = FindCreated(call.database, call.slot.created);
  if (slot == nullptr) return Refused(StatusCode::kNotFound);
  if (call.new_name) {
    Slot& target = slots[call.database][*call.new_name];
    if (target.created != 0 && &target != slot) return Refused(StatusCode::kAlreadyExists);
  }
  if (call.slot.meta != 0) slot->meta = call.slot.meta;
  if (call.slot.ef != 0) slot->ef = call.slot.ef;
  if (call.new_name) {
    slot->name = *call.new_name;
    std::swap(*slot, slots[call.database][*call.new_name]);
  }
  return {};
}

CatalogAnswer CatalogState::Perform(const CatalogCall& call) {
  auto& of_database = slots[call.database];
  CatalogAnswer answer;
  switch (call.kind) {
    case Kind::kCreate:
    case Kind::kGetOrCreate:
      return Create(call);
    case Kind::kModify:
      return Modify(call);
    case Kind::kGet:
      if (of_database[call.name].created == 0) return Refused(StatusCode::kNotFound);
      answer.slots.push_back(of_database[call.name]);
      return answer;
    case Kind::kFind: {
      const Slot* const found = FindCreated(call.database, call.slot.created);
      if (found == nullptr) return Refused(StatusCode::kNotFound);
      answer.slots.push_back(*found);
      return answer;
    }
    case Kind::kDelete:
      if (of_database[call.name].created == 0) return Refused(StatusCode::kNotFound);
      of_database[call.name] = Slot();
      return answer;
    case Kind::kList:
    case Kind::kCount:
      for (const Slot& slot : of_database) {
        if (slot.created == 0) continue;
        ++answer.count;
        if (call.kind == Kind::kList) answer.slots.push_back(slot);
      }
      std::sort(answer.slots.begin(), answer.slots.end(),
                [](const Slot& a, const Slot& b) { return a.created < b.created; });
      return answer;
    case Kind::kCreateDatabase:
      if (databases[call.database] != 0) return Refused(StatusCode::kAlreadyExists);
      databases[call.database] = 1;
      return answer;
    case Kind::kDeleteDatabase:
      if (databases[call.database] == 0) return Refused(StatusCode::kNotFound);
      databases[call.database] = 0;
      of_database = {};
      return answer;
    case Kind::kListDatabases:
      for (uint32_t d = 0; d < kDatabases; ++d) {
        if (TenantOf(d) == TenantOf(call.database)) answer.count |= uint64_t{databases[d]} << d;
      }
      return answer;
    case Kind::kCreateTenant:
      if (tenant != 0) return Refused(StatusCode::kAlreadyExists);
      tenant = 1;
      return answer;
    case Kind::kGetTenant:
      return tenant != 0 ? answer : Refused(StatusCode::kNotFound);
    case Kind::kReset:
      *this = CatalogState();
      return answer;
  }
  return answer;
}

}  // namespace chroma::simulation
