# X25519 with the multipliers of AVX512-IFMA (crypto/x25519.h): built where the compiler knows them,
# used where the processor has them. Elsewhere OpenSSL's serves, with the same results.
include(CheckCCompilerFlag)
check_c_compiler_flag(-mavx512ifma IKELAB_IFMA)

set(ifma_sources ${CMAKE_SOURCE_DIR}/crypto/field25519.c ${CMAKE_SOURCE_DIR}/crypto/x25519_base.c
                 ${CMAKE_SOURCE_DIR}/crypto/x25519_ladder.c)
if(IKELAB_IFMA)
  set_source_files_properties(${ifma_sources} PROPERTIES COMPILE_OPTIONS
    "-mavx512f;-mavx512vl;-mavx512dq;-mavx512ifma;-mbmi2")
  set_source_files_properties(${CMAKE_SOURCE_DIR}/crypto/x25519.c PROPERTIES COMPILE_DEFINITIONS IKELAB_IFMA)
else()
  set_source_files_properties(${ifma_sources} PROPERTIES HEADER_FILE_ONLY TRUE)
endif()
