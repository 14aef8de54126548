# om_embed(FILE SYMBOL RESULT): makes a source that holds a text file as a NUL-terminated array
# `const char SYMBOL[]`, and puts the source's path into RESULT.
function(om_embed file symbol result)
    set(source ${PROJECT_SOURCE_DIR}/${file})
    set(output ${PROJECT_BINARY_DIR}/embedded/${symbol}.c)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(READ ${source} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
    file(WRITE ${output}.new
         "/* Made from ${file}. */\nextern const char ${symbol}[];\nconst char ${symbol}[] = {\n${bytes}0};\n")
    configure_file(${output}.new ${output} COPYONLY)
    set(${result} ${output} PARENT_SCOPE)
endfunction()
