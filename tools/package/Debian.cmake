# Debian packages of what `cmake --install` has, a package a component:
# `cpack -G DEB --config build/CPackConfig.cmake`.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME nnc)
set(CPACK_PACKAGE_CONTACT "The nnc authors <nnc@localhost>")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime runtime_dev programs compiler_dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# A package's own libraries, which none of Debian's packages has.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

# nnc_package(COMPONENT NAME SECTION SUMMARY [DEPENDS])
function(nnc_package component name section summary)
  string(TOUPPER CPACK_DEBIAN_${component} prefix)
  set(${prefix}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(${prefix}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(${prefix}_PACKAGE_DEPENDS "${ARGN}" PARENT_SCOPE)
  string(TOUPPER CPACK_COMPONENT_${component}_DESCRIPTION description)
  set(${description} "${summary}" PARENT_SCOPE)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${component})
endfunction()

set(exactly "(= ${PROJECT_VERSION})")
get_target_property(abi nnc-runtime SOVERSION)
nnc_package(runtime libnnc-runtime${abi} libs
  "library that trains and runs compiled neural networks")
nnc_package(runtime_dev libnnc-runtime-dev libdevel
  "headers and static library for programs that train and run plans of nnc"
  "libnnc-runtime${abi} ${exactly}")
nnc_package(programs nnc devel
  "compiler of neural networks' training steps, and what trains and explains them")
nnc_package(compiler_dev libnnc-dev libdevel
  "headers and CMake functions for passes and ops of nnc as plugins"
  "nnc ${exactly}, libnnc-runtime-dev ${exactly}, llvm-${LLVM_VERSION_MAJOR}-dev, libmlir-${LLVM_VERSION_MAJOR}-dev, mlir-${LLVM_VERSION_MAJOR}-tools")
# What pictures are written with, and data of the examples.
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS fonts-dejavu-core)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SUGGESTS "dataset-fashion-mnist, libnnc-runtime-dev")
include(CPack)
