# Language level, warnings and sanitizers for every target of the project.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(scorefield_compiler INTERFACE)
# No contraction of a*b+c: the same bits on processors with and without FMA.
target_compile_options(scorefield_compiler INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla
    -ffp-contract=off -fno-math-errno -fno-trapping-math)
target_compile_definitions(scorefield_compiler INTERFACE _XOPEN_SOURCE=700 _FILE_OFFSET_BITS=64)
if(SCOREFIELD_STRICT)
    target_compile_options(scorefield_compiler INTERFACE -Werror)
endif()
if(SCOREFIELD_SANITIZE)
    target_compile_options(scorefield_compiler INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(scorefield_compiler INTERFACE -fsanitize=address,undefined)
endif()
