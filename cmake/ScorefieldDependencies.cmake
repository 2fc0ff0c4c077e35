# Every third-party library, as an imported target. All are Debian packages; see bootstrap.sh.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(Threads REQUIRED)

pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3 fftw3f)
# OpenBLAS comes before GSL on every link line, and GSL's own cblas is on none: libgsl loads it by
# itself, but after OpenBLAS, so that every cblas_ function is OpenBLAS's.
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(LAPACKE REQUIRED IMPORTED_TARGET lapacke)
pkg_check_modules(GSL REQUIRED IMPORTED_TARGET gsl>=2.5)
get_target_property(gsl_libraries PkgConfig::GSL INTERFACE_LINK_LIBRARIES)
list(FILTER gsl_libraries EXCLUDE REGEX gslcblas)
set_target_properties(PkgConfig::GSL PROPERTIES INTERFACE_LINK_LIBRARIES "${gsl_libraries}")
pkg_check_modules(CFITSIO REQUIRED IMPORTED_TARGET cfitsio)
pkg_check_modules(WCSLIB REQUIRED IMPORTED_TARGET wcslib)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(GIZA REQUIRED IMPORTED_TARGET giza)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
# Not find_package(dnnl): Debian's package file asks for OpenCL, which nothing here uses.
find_library(DNNL_LIBRARY dnnl REQUIRED)
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h REQUIRED)
add_library(DNNL::dnnl UNKNOWN IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES
    IMPORTED_LOCATION ${DNNL_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE_DIR})
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
find_path(ONNX_PROTO_DIR onnx/onnx.proto REQUIRED)
find_program(PROTOC_C NAMES protoc-c REQUIRED)
if(SCOREFIELD_APPS)
    pkg_check_modules(POPT REQUIRED IMPORTED_TARGET popt)
endif()
if(SCOREFIELD_TESTS)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()

# What a program that links libscorefield.a has to add, as flags: for the CMake package and the
# pkg-config file. Not Requires.private: `pkg-config --static` would then ask for the development
# files of what these libraries use themselves (curl behind CFITSIO).
pkg_check_modules(SCOREFIELD_PRIVATE REQUIRED
    fftw3 fftw3f openblas lapacke gsl cfitsio wcslib zlib jansson giza libprotobuf-c)
set(SCOREFIELD_STATIC_FLAGS ${SCOREFIELD_PRIVATE_LDFLAGS} -ldnnl)
foreach(library IN LISTS OpenMP_C_LIB_NAMES)
    list(APPEND SCOREFIELD_STATIC_FLAGS -l${library})
endforeach()
foreach(library IN LISTS CMAKE_DL_LIBS)
    list(APPEND SCOREFIELD_STATIC_FLAGS -l${library})
endforeach()
list(APPEND SCOREFIELD_STATIC_FLAGS -lpthread -lm)
list(FILTER SCOREFIELD_STATIC_FLAGS EXCLUDE REGEX gslcblas)
