# The functions with which every folder describes itself, and the compiler settings they share.
#
#   usertrail_library(usertrail_base SOURCES a.c b.c LINK PkgConfig::XXHASH)
#   usertrail_program(usertrail SOURCES main.c LINK usertrail_http)
#   usertrail_test(arena_test SOURCES arena_test.c LINK usertrail_base [LABEL unit|contract|sim] [TIMEOUT seconds])
#   usertrail_fuzz_target(json_fuzz SOURCES json_fuzz.c LINK usertrail_application)
#   usertrail_embed(usertrail_api HEADER interfaces/api/api_documents.h FILES openapi.json=${CMAKE_CURRENT_SOURCE_DIR}/openapi.json)
#
# LINK is public: who links a library may also include what its headers name. src is the only include root.
include_guard(GLOBAL)

set(USERTRAIL_SANITIZE "" CACHE STRING "Sanitizers for everything built: empty, address,undefined or thread")
option(USERTRAIL_FUZZ "Instrument for libFuzzer and build the fuzz targets (needs clang)" OFF)
option(USERTRAIL_HARDEN "Fortify, stack protector, PIE, relro and immediate binding" OFF)
# Off under sanitizers: their instrumentation hides value ranges from gcc, which then warns of what cannot happen.
option(USERTRAIL_WERROR "Treat compiler warnings as errors" ON)

# One interface target carries the flags, so that no folder can forget them.
add_library(usertrail_flags INTERFACE)
target_compile_features(usertrail_flags INTERFACE c_std_17)
target_compile_definitions(usertrail_flags INTERFACE _GNU_SOURCE)
target_include_directories(usertrail_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(usertrail_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -fno-omit-frame-pointer)
if(USERTRAIL_WERROR)
  target_compile_options(usertrail_flags INTERFACE -Werror)
endif()
if(USERTRAIL_SANITIZE)
  # Reports name functions and lines; what debuggers want beyond that takes a fifth of the time to compile.
  target_compile_options(usertrail_flags INTERFACE -fsanitize=${USERTRAIL_SANITIZE} -fno-sanitize-recover=all -g1)
  target_link_options(usertrail_flags INTERFACE -fsanitize=${USERTRAIL_SANITIZE})
endif()
if(USERTRAIL_FUZZ)
  target_compile_options(usertrail_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(USERTRAIL_HARDEN)
  target_compile_options(usertrail_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(usertrail_flags INTERFACE -fcf-protection)
  endif()
  target_link_options(usertrail_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

function(usertrail_require name what)
  if(NOT ARG_SOURCES OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${what}(${name} …): SOURCES is missing or there is a stray word: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
endfunction()

function(usertrail_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINK")
  usertrail_require(${name} usertrail_library)
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC usertrail_flags ${ARG_LINK})
endfunction()

function(usertrail_program name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINK")
  usertrail_require(${name} usertrail_program)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE usertrail_flags ${ARG_LINK})
endfunction()

# Files that are part of a library: a table of them, as the header declares it, with a compressed copy of each.
find_program(USERTRAIL_GZIP gzip REQUIRED)
function(usertrail_embed name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "HEADER" "FILES")
  set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}_embedded.c)
  list(TRANSFORM ARG_FILES REPLACE "^[^=]+=" "" OUTPUT_VARIABLE paths)
  list(JOIN ARG_FILES "|" files)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DGZIP=${USERTRAIL_GZIP} -DHEADER=${ARG_HEADER} -DFILES=${files} -P ${script}
    DEPENDS ${paths} ${script} COMMENT "Embedding files into ${name}" VERBATIM)
  target_sources(${name} PRIVATE ${output})
endfunction()

# A cmocka program registered with ctest. Without cmocka (a machine that only builds the program) it is left out.
function(usertrail_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "LABEL;TIMEOUT;COST" "SOURCES;LINK")
  usertrail_require(${name} usertrail_test)
  if(NOT CMOCKA_FOUND)
    return()
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_COST)
    set(ARG_COST ${ARG_TIMEOUT})
  endif()
  usertrail_program(${name} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK} PkgConfig::CMOCKA)
  add_test(NAME ${name} COMMAND ${name})
  # What may take long is begun first, or all but one of the processors wait for it in the end.
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT} COST ${ARG_COST})
endfunction()

# A libFuzzer program; exists in the fuzz preset only. usertrail_fuzz_targets builds them all.
if(USERTRAIL_FUZZ)
  add_custom_target(usertrail_fuzz_targets)
endif()
function(usertrail_fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINK")
  usertrail_require(${name} usertrail_fuzz_target)
  if(USERTRAIL_FUZZ)
    usertrail_program(${name} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz-targets)
    add_dependencies(usertrail_fuzz_targets ${name})
  endif()
endfunction()
