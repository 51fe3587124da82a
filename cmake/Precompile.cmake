# With CHROMA_PRECOMPILE: the headers that most files read, compiled once. Half of what it takes to
# compile a file without optimising it much goes into them. TESTS: for the tests only, so that the
# includes that another file lacks are noticed.
#
# chroma_precompile(TARGET [TESTS]) lets a target use them; TESTS: those of GoogleTest too.
function(chroma_precompile target)
  if(CHROMA_PRECOMPILE AND "TESTS" IN_LIST ARGN)
    target_precompile_headers(${target} REUSE_FROM chroma_precompiled_tests)
  elseif(CHROMA_PRECOMPILE AND NOT CHROMA_PRECOMPILE STREQUAL "TESTS")
    target_precompile_headers(${target} REUSE_FROM chroma_precompiled)
  endif()
endfunction()

if(CHROMA_PRECOMPILE)
  # One for all targets, so what they are compiled with must be the same.
  add_compile_options(-pthread -fPIC)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")  # for ccache
  endif()
  set(headers <algorithm> <array> <atomic> <bit> <charconv> <cmath> <cstdint> <cstring> <functional>
      <limits> <map> <memory> <optional> <random> <set> <span> <string> <string_view>
      <unordered_map> <utility> <variant> <vector>)
  set(test_headers <gtest/gtest.h> <gmock/gmock.h>)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cc "")
  if(NOT CHROMA_PRECOMPILE STREQUAL "TESTS")
    add_library(chroma_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_precompile_headers(chroma_precompiled PRIVATE ${headers})
  endif()
  add_library(chroma_precompiled_tests OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
  target_compile_options(chroma_precompiled_tests PRIVATE ${CHROMA_TEST_OPTIONS})
  target_link_libraries(chroma_precompiled_tests PRIVATE GTest::gtest)
  target_precompile_headers(chroma_precompiled_tests PRIVATE ${headers} ${test_headers})
endif()
