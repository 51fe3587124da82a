// CHROMA_EXPORT marks what libchroma offers; everything else in it is hidden.
#pragma once

#define CHROMA_EXPORT __attribute__((visibility("default")))
