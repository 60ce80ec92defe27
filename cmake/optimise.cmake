# How release builds are optimised: -O3, and all floors of a program at link time as if they were
# one file, where the compiler can. A simulated handshake takes a sixth fewer instructions than
# with -O2. Assertions stay on: base/assert.h refuses to compile with NDEBUG.
#
# Every program is compiled anew when it is linked, therefore not where tests are built: there are
# a hundred of them.
include(CheckIPOSupported)

if(CMAKE_BUILD_TYPE STREQUAL Release AND DEFINED BUILD_TESTING AND NOT BUILD_TESTING)
  set(lto_default ON)
else()
  set(lto_default OFF)
endif()
option(IKELAB_LTO "link-time optimisation; by default in release builds without tests" ${lto_default})

set(CMAKE_C_FLAGS_RELEASE "-O3 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g3")
if(IKELAB_LTO)
  check_ipo_supported(RESULT lto_supported OUTPUT lto_refused LANGUAGES C)
  if(lto_supported)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    add_link_options(-Werror) # what only shows when all is seen at once
  else()
    message(STATUS "no link-time optimisation: ${lto_refused}")
  endif()
endif()
