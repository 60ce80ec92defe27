# ikelab_floor(NAME NEEDS floors... LIBS targets...)
#
# One static library per floor, from the .c files of its own folder. Its include path holds one
# link per floor it may see (floors/<here>/<floor> -> the floor's folder), so "crypto/suite.h"
# is found from proto/esp and not from base. A folder inside a floor (proto/wire inside proto) is
# a floor of its own.
function(ikelab_floor name)
  cmake_parse_arguments(FLOOR "" "" "NEEDS;LIBS" ${ARGN})
  string(REPLACE "/" "_" target "ikelab_${name}")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
  if(NOT sources)
    file(WRITE ${CMAKE_BINARY_DIR}/empty_${target}.c "typedef int empty_floor;\n")
    set(sources ${CMAKE_BINARY_DIR}/empty_${target}.c)
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/floors/${target})
  ikelab_see(${target} ${name} ${FLOOR_NEEDS})
  ikelab_profile_floor(${target})
  foreach(need ${FLOOR_NEEDS})
    string(REPLACE "/" "_" need_target "ikelab_${need}")
    target_link_libraries(${target} PUBLIC ${need_target})
  endforeach()
  # A floor's libraries are private: their headers are nobody else's business.
  target_link_libraries(${target} PRIVATE ${FLOOR_LIBS})
endfunction()

# Give a target sight of the headers of the named floors, and of no others.
function(ikelab_see target)
  set(root ${CMAKE_BINARY_DIR}/floors/${target})
  target_include_directories(${target} PRIVATE ${root})
  foreach(floor ${ARGN})
    file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${floor}/*.h
         ${CMAKE_SOURCE_DIR}/${floor}/*.def)
    file(MAKE_DIRECTORY ${root}/${floor})
    foreach(header ${headers})
      cmake_path(GET header FILENAME leaf)
      file(CREATE_LINK ${header} ${root}/${floor}/${leaf} SYMBOLIC)
    endforeach()
  endforeach()
endfunction()
