# What `cmake --install` puts in place: the program, the library with its headers and pkg-config
# file, the ready ensembles, shell completion, and whom to thank.
#
# The library is a static one: its interface is young, and a program then never meets another
# version of it than the one it was built against.
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

set(pc_options "")
if(OMMATID_REAL STREQUAL "double")
    string(APPEND pc_options " -DOM_REAL_IS_DOUBLE")
endif()
if(OMMATID_SANITIZE)
    string(APPEND pc_options " -fsanitize=address,undefined")
endif()
# Relative to the file itself, so that `cmake --install --prefix` may choose any place.
set(pc_directory ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_to_prefix /prefix/${pc_directory} /prefix)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
configure_file(cmake/ommatid.pc.in ommatid.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ommatid.pc DESTINATION ${pc_directory})

install(DIRECTORY ensembles DESTINATION ${CMAKE_INSTALL_DATADIR}/ommatid OPTIONAL
        FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY jobs DESTINATION ${CMAKE_INSTALL_DATADIR}/ommatid
        FILES_MATCHING PATTERN "*.sbatch")
install(FILES LICENSE NOTICE CITATION.cff README.md CHANGELOG.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
