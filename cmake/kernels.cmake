# Vector kernels: the same sources once per instruction set, chosen at run time.
set(kernel_objects "")

# om_kernels(NAME [COMPILE OPTIONS...])
function(om_kernels name)
    add_library(ommatid_kernels_${name} OBJECT src/model/kernels/activation_vector.c
                                               src/model/kernels/network_vector.c
                                               src/model/kernels/decoder_vector.c
                                               src/model/kernels/fft_vector.c
                                               src/model/kernels/probe_vector.c)
    target_compile_options(ommatid_kernels_${name} PRIVATE ${ARGN})
    target_link_libraries(ommatid_kernels_${name} PRIVATE ommatid_options)
    set_target_properties(ommatid_kernels_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    set(kernel_objects ${kernel_objects} $<TARGET_OBJECTS:ommatid_kernels_${name}> PARENT_SCOPE)
endfunction()

om_kernels(portable)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    om_kernels(avx2 -DOM_ISA_AVX2 -mavx2 -mfma)
    om_kernels(avx512 -DOM_ISA_AVX512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma
               -mprefer-vector-width=512)
endif()
list(APPEND kernel_objects src/model/kernels/plain.c src/model/kernels/plain_fft.c
                           src/model/kernels/probe.c src/model/kernels/select.c)
