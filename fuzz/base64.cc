// base/base64.h: decoding is strict, so that every text that it accepts is what encoding makes.
#include "base/base64.h"

#include "base/check.h"
#include "fuzz.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  const Result<Bytes> decoded = Base64Decode(input);
  if (decoded.ok()) CHECK(Base64Encode(*decoded) == input);
  const Result<Bytes> again = Base64Decode(Base64Encode(input));
  CHECK(again.ok());
  CHECK(*again == input);
}

}  // namespace chroma::fuzz
