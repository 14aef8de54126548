# Programs that fuzz readers of files (OMMATID_FUZZ; tools/fuzz runs them). libFuzzer is clang's, and
# its instrumentation has to be in the code under test: so clang compiles the few sources of a reader
# anew, beside a build by any compiler.
find_program(CLANG NAMES clang clang-14 clang-15 clang-16 clang-17 clang-18)
mark_as_advanced(CLANG)
if(NOT CLANG)
    message(FATAL_ERROR "OMMATID_FUZZ needs clang with its libFuzzer: apt-get install clang")
endif()

# om_fuzz(NAME SOURCES...): tests/fuzz_NAME.c with the sources that it needs becomes fuzz_NAME.
function(om_fuzz name)
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/)
    set(source ${PROJECT_SOURCE_DIR}/tests/fuzz_${name}.c)
    set(program ${PROJECT_BINARY_DIR}/fuzz_${name})
    add_custom_command(OUTPUT ${program}
        COMMAND ${CLANG} -std=c11 -D_GNU_SOURCE -g -O1
                -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
                -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/src
                -I${PROJECT_SOURCE_DIR}/tests
                ${source} ${ARGN} ${ZIP_LDFLAGS} -lm -o ${program}
        DEPENDS ${source} ${ARGN} ${PROJECT_SOURCE_DIR}/tests/torch_archive.h VERBATIM)
    add_custom_target(fuzz-${name} DEPENDS ${program})
endfunction()

om_fuzz(torch src/store/torch.c src/store/pickle.c src/store/pickle_opcodes.c
        src/circuit/faults.c src/base/fail.c src/base/memory.c src/base/text.c)
