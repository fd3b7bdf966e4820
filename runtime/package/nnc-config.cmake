# What find_package(nnc) reads. A component is a file beside this one:
#
#   runtime   (the default) nnc::runtime and nnc::runtime-static: programs that
#             run and train plans
#   compiler  nnc::compiler: passes and ops from outside; needs MLIR
if(NOT nnc_FIND_COMPONENTS)
  set(nnc_FIND_COMPONENTS runtime)
  set(nnc_FIND_REQUIRED_runtime TRUE)
endif()

foreach(component IN LISTS nnc_FIND_COMPONENTS)
  set(file ${CMAKE_CURRENT_LIST_DIR}/nnc-${component}.cmake)
  if(EXISTS ${file})
    set(nnc_${component}_FOUND TRUE)
    include(${file})
  elseif(nnc_FIND_REQUIRED_${component})
    set(nnc_FOUND FALSE)
    set(nnc_NOT_FOUND_MESSAGE
        "nnc has no component '${component}' in ${CMAKE_CURRENT_LIST_DIR}: expected runtime or compiler; only a build with MLIR installs the latter.")
    return()
  endif()
endforeach()
