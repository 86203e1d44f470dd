# What an installation consists of, and the package for Debian that `make package` makes of it (tools/package).
# CPack asks for the program only, not for all tests.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

# Shared libraries that the release of Debian does not have, and their licences: they come along, out of everybody's way.
set(USERTRAIL_PRIVATE_LIBRARIES "" CACHE PATH "Folder of libraries that the package brings")
set(USERTRAIL_PACKAGE_RELEASE "" CACHE STRING "Ends the version of the package, such as deb12")

# The unit of deploy/systemd with the places and the user of a package.
function(usertrail_package_unit output)
  file(READ ${PROJECT_SOURCE_DIR}/deploy/systemd/usertrail.service unit)
  set(replaced
      "docs/deploying.md says how to install it. Settings go into\n# /etc/usertrail/environment, one USERTRAIL_NAME=value a line, which overrides what stands here."
      "its settings stand in /etc/usertrail/usertrail.conf."
      "Environment=USERTRAIL_LISTEN=127.0.0.1:3000\nEnvironment=USERTRAIL_DATA_DIR=%S/usertrail\nEnvironment=USERTRAIL_LOG_FORMAT=json\n" ""
      "/usr/local/bin/usertrail serve" "/usr/bin/usertrail serve --config /etc/usertrail/usertrail.conf"
      "# A user of its own for as long as it runs, who owns" "# A user of its own, who owns"
      "DynamicUser=yes" "User=usertrail\nGroup=usertrail")
  while(replaced)
    list(POP_FRONT replaced old new)
    string(FIND "${unit}" "${old}" place)
    if(place EQUAL -1)
      message(FATAL_ERROR "deploy/systemd/usertrail.service has no \"${old}\", which the package replaces")
    endif()
    string(REPLACE "${old}" "${new}" unit "${unit}")
  endwhile()
  file(CONFIGURE OUTPUT ${output} CONTENT "${unit}" @ONLY)
endfunction()

usertrail_package_unit(${PROJECT_BINARY_DIR}/package/usertrail.service)
set_directory_properties(PROPERTIES CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/deploy/systemd/usertrail.service)
install(TARGETS usertrail RUNTIME)
install(FILES ${PROJECT_BINARY_DIR}/package/usertrail.service DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/deploy/debian/usertrail.conf DESTINATION /etc/usertrail)
# The pages as they lie here, so that their links lead somewhere, and what they have others read.
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CONFIGURATION.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
        ${PROJECT_SOURCE_DIR}/ARCHITECTURE.md ${PROJECT_SOURCE_DIR}/CONTRIBUTING.md
        DESTINATION share/doc/usertrail)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION share/doc/usertrail)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/deploy/prometheus ${PROJECT_SOURCE_DIR}/deploy/grafana DESTINATION share/doc/usertrail/deploy)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/usertrail RENAME copyright)

if(USERTRAIL_PRIVATE_LIBRARIES)
  file(GLOB shared ${USERTRAIL_PRIVATE_LIBRARIES}/*.so.*)
  file(GLOB licences ${USERTRAIL_PRIVATE_LIBRARIES}/*.copyright)
  install(FILES ${shared} DESTINATION lib/usertrail)
  install(FILES ${licences} DESTINATION share/doc/usertrail)
  set_target_properties(usertrail PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/usertrail")
endif()

# deb12 or deb13: what it depends on follows from where it was built.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME usertrail)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The usertrail contributors <usertrail@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "records what users do and answers what a user did")
set(CPACK_PACKAGE_DESCRIPTION
    "A user-activity log service: clients post activities over HTTP, each answer is\ngiven when the activity is durable, and trails of users are asked for by page,\nlive or as an export. It needs nothing beside it, or works around Apache Kafka\nand MongoDB.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE "${USERTRAIL_PACKAGE_RELEASE}")
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${USERTRAIL_PRIVATE_LIBRARIES}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, passwd")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(scripts ${PROJECT_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${scripts}/postinst;${scripts}/prerm;${scripts}/postrm;${scripts}/conffiles)
include(CPack)
