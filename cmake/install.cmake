# What `cmake --install` puts where: the programs, what they look for beside themselves in
# share/ikelab (reports, scenarios with their costs), schemas, completions, and man pages where
# help2man is installed when building.
include(GNUInstallDirs)

set(pages ${CMAKE_BINARY_DIR}/pages)
add_custom_command(OUTPUT ${pages}/stamp
  COMMAND ${CMAKE_COMMAND} -DIKELAB=$<TARGET_FILE:ikelab> -DOUT=${pages} -DVERSION=${PROJECT_VERSION}
          -P ${CMAKE_SOURCE_DIR}/cmake/pages.cmake
  DEPENDS ikelab ${CMAKE_SOURCE_DIR}/cmake/pages.cmake VERBATIM)
add_custom_target(pages DEPENDS ${pages}/stamp)
install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" --build \"${CMAKE_BINARY_DIR}\" --target pages
                              COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)")

install(TARGETS ikelab ikelab-live RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY reports scenarios DESTINATION ${CMAKE_INSTALL_DATADIR}/ikelab
        PATTERN __pycache__ EXCLUDE)
install(DIRECTORY docs/schema DESTINATION ${CMAKE_INSTALL_DATADIR}/ikelab)
install(FILES ${pages}/scenario.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/ikelab/schema)
install(FILES ${pages}/bash RENAME ikelab
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${pages}/zsh RENAME _ikelab DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${pages}/fish RENAME ikelab.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY ${pages}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
