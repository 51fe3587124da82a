// Decodes "transfer-encoding: chunked" (RFC 9112 §7.1) from bytes that arrive in any pieces.
// Own code and not Beast's decoder, which wants a chunk's whole header line, and the whole trailer,
// in one buffer. Extensions and trailers are skipped, and counted against a limit.
#pragma once

#include <cstdint>
#include <string_view>

namespace chroma::http {

class ChunkedDecoder {
 public:
  enum class State : uint8_t { kNeedMore, kData, kDone, kInvalid };

  // Takes bytes from the front of `in`, which is shortened to what is left. kData: `data`, a part
  // of what `in` was, is the next piece of the body, and there may be more. kNeedMore: `in` is
  // used up. kDone: `in` is what follows the body. kInvalid is final.
  State Decode(std::string_view& in, std::string_view& data);

 private:
  enum class Step : uint8_t {
    kSizeFirst,
    kSize,
    kExtension,
    kSizeLineFeed,
    kData,
    kDataReturn,
    kDataLineFeed,
    kTrailerFirst,
    kTrailer,
    kTrailerLineFeed,
    kLastLineFeed,
    kDone,
    kInvalid,
  };
  Step NextStep(char c);
  Step NextSizeStep(char c);

  Step step_ = Step::kSizeFirst;
  uint64_t chunk_bytes_ = 0;   // left of the current chunk
  size_t overhead_bytes_ = 0;  // of extensions and trailers so far
};

}  // namespace chroma::http
