// Names for runs of bytes. A BytesView never owns; a class that stores one says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chroma {

using Bytes = std::string;
using BytesView = std::string_view;

}  // namespace chroma
