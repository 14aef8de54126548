# Binary, library, headers, pkg-config file, ready ensembles and shell completion.
install(TARGETS ommatid_program ommatid)
install(DIRECTORY include/ommatid DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
