/* The limits of a core, measured by code that does nothing else. Twelve chains of multiply-adds keep
 * two units with a latency of four to six busy and leave registers for the operands, of which AVX2 has
 * sixteen. */
#include "model/kernels/probe.h"
#include "model/kernels/simd.h"
#include "model/kernels/vector.h"

enum { CHAINS = 12, SUMS = 4 };

extern const om_probe OM_THIS_ISA(om_probe);

static volatile om_real sink; /* what is written there has to be computed */

static om_real sum_of(vec x)
{
    om_real sum = 0;
    for (int i = 0; i < W; i++) sum += x[i];
    return sum;
}

static double multiply_add(long rounds)
{
    vec chain[CHAINS], factor = all((om_real)0.999), term = all((om_real)0.1);
    UNROLL for (int i = 0; i < CHAINS; i++) chain[i] = all((om_real)i);
    for (long r = 0; r < rounds; r++) {
        UNROLL for (int i = 0; i < CHAINS; i++) chain[i] = fma_(chain[i], factor, term);
    }
    UNROLL for (int i = 1; i < CHAINS; i++) chain[0] += chain[i];
    sink = sum_of(chain[0]);
    return (double)rounds * CHAINS * W;
}

static om_real read(const om_real *memory, size_t n)
{
    vec sum[SUMS] = {{0}};
    for (size_t i = 0; i + SUMS * W <= n; i += SUMS * W) {
        UNROLL for (int k = 0; k < SUMS; k++) sum[k] += load(memory + i + k * W);
    }
    for (int k = 1; k < SUMS; k++) sum[0] += sum[k];
    return sum_of(sum[0]);
}

static void write(om_real *memory, size_t n, om_real x)
{
    for (size_t i = 0; i + W <= n; i += W) stream(memory + i, all(x));
}

const om_probe OM_THIS_ISA(om_probe) = {
    .name = OM_ISA_NAME,
    .multiply_add = multiply_add,
    .read = read,
    .write = write,
};
