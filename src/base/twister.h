/* Normal numbers as the generator of torch draws them on a CPU: what the paper's software starts its
 * models from. Everything else that is random here comes from om_random.h. */
#ifndef OM_BASE_TWISTER_H
#define OM_BASE_TWISTER_H

#include <stddef.h>
#include <stdint.h>

/* out[n]: standard normal numbers, to the bit those of torch.manual_seed(seed); torch.randn(n) in
 * single precision on x86-64. Only the seed's lower 32 bits count. */
void om_twister_normals(uint64_t seed, size_t n, float *out);

#endif
