# Language level, warnings, sanitizers, and the quick tools (ccache, lld) when they are there.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  if(CHROMA_PRECOMPILE)
    # What ccache asks for where headers are precompiled; nothing here uses __TIME__.
    list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros)
  endif()
endif()
# Not mold: what 1.10 links may not start (its issue 1151, .tbss at the start of the RELRO segment).
find_program(LLD_PROGRAM ld.lld)
if(LLD_PROGRAM)
  add_link_options(-fuse-ld=lld)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports std::optional members and inlined std::string copies wrongly at -O2 and -O3.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                      -Wno-array-bounds -Wno-stringop-overread)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # The baseline of every file; the kernels in src/simd/ choose more at run time.
  add_compile_options(-march=x86-64-v2 -mtune=generic)
endif()
if(CHROMA_SANITIZE)
  # Compilers disagree on what they define themselves.
  if(CHROMA_SANITIZE MATCHES address)
    add_compile_definitions(CHROMA_ADDRESS_SANITIZER)
  elseif(CHROMA_SANITIZE MATCHES thread)
    add_compile_definitions(CHROMA_THREAD_SANITIZER)
  endif()
  add_compile_options(-fsanitize=${CHROMA_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHROMA_SANITIZE})
endif()
# What is tested is optimised as users have it, and has every sanitizer. The tests themselves are
# more than half of the code and gain nothing by either, but by knowing whose memory they touch.
if(CHROMA_SANITIZE)
  set(CHROMA_TEST_OPTIONS -O0 -fno-sanitize=undefined -fno-sanitize=fuzzer-no-link)
else()
  set(CHROMA_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)
endif()
if(CHROMA_TEST_POINTS)
  add_compile_definitions(CHROMA_TEST_POINTS)
endif()
if(CHROMA_FUZZ)
  # Every module counts the edges it takes; the targets in fuzz/ add libFuzzer's main.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
