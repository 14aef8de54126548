# Binary, library, headers, pkg-config file, ready ensembles and shell completion.
install(TARGETS ommatid_program ommatid)
install(DIRECTORY include/ommatid DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# The completion is printed by the program itself, so it knows the commands that were built.
set(completion ${PROJECT_BINARY_DIR}/completion/ommatid)
add_custom_command(OUTPUT ${completion}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/completion
    COMMAND ommatid_program --completion > ${completion}
    DEPENDS ommatid_program VERBATIM)
add_custom_target(completion ALL DEPENDS ${completion})
install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
