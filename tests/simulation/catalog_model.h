// Which tenants, databases and collections exist, in the abstract. A collection is known by the
// number in its metadata that its creation put there; what else can be changed of it is a stamp
// each.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chroma/status.h"

namespace chroma::simulation {

// The default one, and two that come and go: one of the same tenant, and one of the same name as
// that, of a tenant that comes and goes, too.
inline constexpr uint32_t kDatabases = 3;
inline constexpr uint32_t kNames = 2;  // of collections in each

// 0 is the default one. A database need not wait for its tenant to be made.
inline uint32_t TenantOf(uint32_t database) {
  return database == 2 ? 1 : 0;
}

struct Slot {
  uint32_t created = 0;  // 0: there is none
  uint32_t meta = 0;
  uint32_t ef = 0;
  uint32_t name = 0;
  bool operator==(const Slot&) const = default;
};

struct CatalogCall {
  enum class Kind : uint8_t {
    kCreate,
    kGetOrCreate,
    kGet,
    kFind,
    kModify,
    kDelete,
    kList,
    kCount,
    kCreateDatabase,
    kDeleteDatabase,
    kListDatabases,  // of the tenant of `database`
    kCreateTenant,
    kGetTenant,
    kReset,
  };
  Kind kind = Kind::kGet;
  uint32_t database = 0;
  uint32_t name = 0;
  Slot slot;  // to create; or which to find or modify, with new values where they are not 0
  std::optional<uint32_t> new_name;

  bool Changes() const;
  std::string Describe() const;
};

struct CatalogAnswer {
  StatusCode code = StatusCode::kOk;
  std::vector<Slot> slots;  // lists: by creation
  uint64_t count = 0;       // of collections; databases as bits
  bool operator==(const CatalogAnswer&) const = default;
  std::string Describe() const;
};

struct CatalogState {
  uint32_t tenant = 0;  // whether the other one is there
  std::array<uint32_t, kDatabases> databases{1, 0, 0};
  std::array<std::array<Slot, kNames>, kDatabases> slots{};

  bool operator==(const CatalogState&) const = default;
  size_t Hash() const;
  std::string Describe() const;
  CatalogAnswer Perform(const CatalogCall& call);

 private:
  Slot* FindCreated(uint32_t database, uint32_t created);
  CatalogAnswer Create(const CatalogCall& call);
  CatalogAnswer Modify(const CatalogCall& call);
};

}  // namespace chroma::simulation
