# Release builds by profile. A build inside this one counts what a few scenarios go through
# (cmake/profile_run.cmake), and the floors are compiled for that: which way a branch mostly goes,
# what lies beside what. A simulated handshake takes an eighth less time, as its code is long, flat and
# seldom in the processor's cache. What the scenarios do not reach is compiled as without. Nothing
# that a program computes changes (tests/run/test_digests.py runs this build and others without).
# Why, and what it costs: docs/decisions/0022.
#
# gcc names counts by the place of an object in its build folder, so both builds lay them out alike.
if(IKELAB_LTO AND CMAKE_C_COMPILER_ID STREQUAL GNU AND NOT CMAKE_CROSSCOMPILING)
  set(profiled_default ON)
else()
  set(profiled_default OFF)
endif()
option(IKELAB_PROFILED "build twice, and make fast what scenarios go through (gcc); by default where IKELAB_LTO is"
       ${profiled_default})
set(IKELAB_PROFILE_COUNTS "" CACHE PATH "this is the build inside another: it counts, into here")

set(profile_options -fprofile-prefix-path=${CMAKE_BINARY_DIR})
if(IKELAB_PROFILE_COUNTS)
  set(IKELAB_PROFILED OFF)
  list(APPEND profile_options -fprofile-generate=${IKELAB_PROFILE_COUNTS})
  add_link_options(-fprofile-generate)
elseif(IKELAB_PROFILED)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL GNU)
    message(FATAL_ERROR "IKELAB_PROFILED is for gcc, not ${CMAKE_C_COMPILER_ID}; try: -DIKELAB_PROFILED=OFF")
  endif()
  set(profile_build ${CMAKE_BINARY_DIR}/profile)
  # It warns of functions that were not reached; of what else there is, the build inside does.
  list(APPEND profile_options -fprofile-use=${profile_build}/counts -fprofile-partial-training -w)
  add_link_options(-w)
  foreach(setting CMAKE_C_COMPILER CMAKE_C_COMPILER_LAUNCHER CMAKE_BUILD_TYPE IKELAB_LTO IKELAB_IPSEC_MB IKELAB_IFMA)
    if(DEFINED ${setting})
      list(APPEND profile_settings -D${setting}=${${setting}})
    endif()
  endforeach()
  add_custom_target(ikelab_profile
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DBUILD=${profile_build}
            "-DSETTINGS=${profile_settings}" -P ${CMAKE_SOURCE_DIR}/cmake/profile_run.cmake
    COMMENT "Counting what scenarios go through" VERBATIM)
endif()

# ikelab_profile_floor(TARGET): it counts, or is compiled for what was counted.
function(ikelab_profile_floor target)
  if(IKELAB_PROFILED OR IKELAB_PROFILE_COUNTS)
    target_compile_options(${target} PRIVATE ${profile_options})
  endif()
  if(TARGET ikelab_profile)
    add_dependencies(${target} ikelab_profile)
  endif()
endfunction()
