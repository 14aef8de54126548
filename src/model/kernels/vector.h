/* Names that vector kernels carry for the instruction set that they are compiled for. */
#ifndef OM_KERNELS_VECTOR_H
#define OM_KERNELS_VECTOR_H

#include "model/kernels/kernels.h"

#if defined(OM_ISA_AVX512)
#define OM_THIS_ISA(name) name##_avx512
#define OM_ISA_NAME       "avx512"
#elif defined(OM_ISA_AVX2)
#define OM_THIS_ISA(name) name##_avx2
#define OM_ISA_NAME       "avx2"
#else
#define OM_THIS_ISA(name) name##_portable
#define OM_ISA_NAME       "portable"
#endif
#define OM_KERNELS_THIS_ISA  OM_THIS_ISA(om_kernels)
#define OM_ACTIVATE_THIS_ISA OM_THIS_ISA(om_activate)

extern const om_kernels OM_KERNELS_THIS_ISA;
extern const om_fft_kernels OM_THIS_ISA(om_fft_kernels);

/* f(V) of n numbers, a whole number of strips, 0 where `mask` is (where there is no cell); f'(V) of all
 * of them unless slope is NULL. Not for relu. */
void OM_ACTIVATE_THIS_ISA(om_activation activation, int n, const om_real *v, const om_real *mask,
                          om_real *f, om_real *slope);
void OM_THIS_ISA(om_conv1)(const om_decoder_tables *tables, const om_block *block);
void OM_THIS_ISA(om_moments)(const om_decoder_tables *tables, const om_block *block,
                             om_block_sums *sums);
void OM_THIS_ISA(om_head)(const om_decoder_tables *tables, const om_norm *norm,
                          const om_block *block, om_block_sums *sums);
void OM_THIS_ISA(om_head_adjoint)(const om_decoder_tables *tables, const om_norm *norm,
                                  const om_loss_weight *weight, const om_block *block,
                                  om_block_sums *sums);
void OM_THIS_ISA(om_conv1_adjoint)(const om_decoder_tables *tables, const om_norm *norm,
                                   const om_block *block);

#endif
