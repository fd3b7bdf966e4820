# The runtime alone, as a shared and as a static library. It needs no MLIR.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/nnc-runtime-targets.cmake)

# A C project has no C++ linker to ask for; the target names the C++ library.
set_property(TARGET nnc::runtime-static PROPERTY IMPORTED_LINK_INTERFACE_LANGUAGES)
foreach(configuration RELEASE DEBUG RELWITHDEBINFO MINSIZEREL NOCONFIG)
  set_property(TARGET nnc::runtime-static
    PROPERTY IMPORTED_LINK_INTERFACE_LANGUAGES_${configuration})
endforeach()
