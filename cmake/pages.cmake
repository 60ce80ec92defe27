# Completions, and man pages from --help: cmake -DIKELAB=... -DOUT=... -DVERSION=... -P pages.cmake
file(REMOVE_RECURSE ${OUT}/man1)
file(MAKE_DIRECTORY ${OUT}/man1)
foreach(shell bash zsh fish)
  execute_process(COMMAND ${IKELAB} completion ${shell} OUTPUT_FILE ${OUT}/${shell}
                  COMMAND_ERROR_IS_FATAL ANY)
endforeach()
execute_process(COMMAND ${IKELAB} schema OUTPUT_FILE ${OUT}/scenario.schema.json
                COMMAND_ERROR_IS_FATAL ANY)
find_program(HELP2MAN help2man)
if(HELP2MAN)
  execute_process(COMMAND ${IKELAB} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE ".*\nverbs:\n" "" help "${help}")
  string(REGEX REPLACE "\n\n.*" "" help "${help}")
  string(REGEX MATCHALL "  [a-z]+ +[^\n]+" lines "${help}")
  execute_process(COMMAND ${HELP2MAN} --no-info --version-string=${VERSION} --output=${OUT}/man1/ikelab.1
                          "--name=a laboratory for IKE and IPsec" ${IKELAB}
                  COMMAND_ERROR_IS_FATAL ANY)
  foreach(line ${lines})
    string(REGEX MATCH "^  ([a-z]+) +(.*)$" _ "${line}")
    execute_process(COMMAND ${HELP2MAN} --no-info --version-string=${VERSION} "--name=${CMAKE_MATCH_2}"
                            --output=${OUT}/man1/ikelab-${CMAKE_MATCH_1}.1 "${IKELAB} ${CMAKE_MATCH_1}"
                    COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endif()
file(TOUCH ${OUT}/stamp)
