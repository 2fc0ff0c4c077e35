# What `cmake --install` leaves: libraries, headers, a CMake package and a pkg-config file. The
# programs and their manual pages are installed where they are built.
include(CMakePackageConfigHelpers)

install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/scorefield)
foreach(kind IN ITEMS shared static)
    install(TARGETS scorefield_${kind} EXPORT scorefield_${kind}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT scorefield_${kind} NAMESPACE scorefield:: DESTINATION ${package}
        FILE scorefield-${kind}.cmake)
endforeach()
configure_package_config_file(cmake/scorefieldConfig.cmake.in
    ${PROJECT_BINARY_DIR}/scorefieldConfig.cmake INSTALL_DESTINATION ${package})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/scorefieldConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/scorefieldConfig.cmake
    ${PROJECT_BINARY_DIR}/scorefieldConfigVersion.cmake DESTINATION ${package})

# The pkg-config file finds its prefix from its own place, so that the tree may be moved.
string(JOIN " " SCOREFIELD_PC_PRIVATE ${SCOREFIELD_STATIC_FLAGS})
set(SCOREFIELD_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
set(SCOREFIELD_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
set(SCOREFIELD_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} AND NOT IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
    file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" up ${up})
    set(SCOREFIELD_PC_PREFIX "\${pcfiledir}/${up}")
    set(SCOREFIELD_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(SCOREFIELD_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/scorefield.pc.in ${PROJECT_BINARY_DIR}/scorefield.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/scorefield.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES README.md LICENSE CHANGELOG.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR})
