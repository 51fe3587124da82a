# What `cmake --install` puts where: the headers, the library, the program, the CMake package
# (find_package(chroma), target chroma::chroma), chroma.pc and the license. The tree may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(chroma_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/chroma)

install(TARGETS chroma_shared EXPORT chromaTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET chroma_cli)
  install(TARGETS chroma_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/chroma DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/chroma)

install(EXPORT chromaTargets NAMESPACE chroma:: DESTINATION ${chroma_package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/ChromaConfig.cmake.in
  ${PROJECT_BINARY_DIR}/chromaConfig.cmake INSTALL_DESTINATION ${chroma_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/chromaConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/chromaConfig.cmake
              ${PROJECT_BINARY_DIR}/chromaConfigVersion.cmake
        DESTINATION ${chroma_package_dir})

# From where chroma.pc will be back to the prefix.
file(RELATIVE_PATH CHROMA_PREFIX_FROM_PC
  /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/chroma.pc.in ${PROJECT_BINARY_DIR}/chroma.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/chroma.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(CHROMA_TESTS AND NOT CHROMA_SANITIZE)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_test(NAME install COMMAND Python3::Interpreter
    ${PROJECT_SOURCE_DIR}/tests/install/install_test.py
    ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR} ${CMAKE_COMMAND} ${CMAKE_CXX_COMPILER})
  set_tests_properties(install PROPERTIES TIMEOUT 600)
endif()
