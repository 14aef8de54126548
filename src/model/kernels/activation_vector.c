/* The activation functions on vectors, f(V) and its derivative, all but relu: that one is so cheap
 * that the network's kernels apply it wherever they load a voltage.
 *
 * Each is written in e = exp(-|V|) <= 1 or in exp(x) - 1 for x <= 0, which neither overflow nor cancel;
 * at a kink the derivative is the left one. A caller that wants f alone pays for f alone. */
#include "model/kernels/simd.h"
#include "model/kernels/vector.h"

typedef struct activated {
    vec f, slope;
} activated;

INLINE activated leaky_relu(vec v)
{
    vec slope = choose(v, all(1), all((om_real)0.01));
    return (activated){slope * v, slope};
}

INLINE activated elu(vec v)
{
    vec negative = -relu(-v);
    return (activated){relu(v) + expm1_(negative), exp_(negative)};
}

INLINE activated tanh_(vec v)
{
    vec twice = -2 * absolute(v), e = exp_(twice), less = expm1_(twice);
    vec size = less / (less + 2), sum = e + 1;
    return (activated){choose(v, -size, size), 4 * e / (sum * sum)};
}

INLINE activated sigmoid(vec v)
{
    vec e = exp_(-absolute(v)), sum = e + 1;
    return (activated){choose(v, all(1), e) / sum, e / (sum * sum)};
}

/* The identity above SOFTPLUS_LINEAR, as softplus() has it. */
INLINE activated softplus_(vec v)
{
    vec slope = sigmoid(v).f;
    return (activated){softplus(v), choose(v - SOFTPLUS_LINEAR, all(1), slope)};
}

INLINE void activate_as(activated (*const function)(vec), int n, const om_real *v,
                        const om_real *mask, om_real *f, om_real *slope)
{
    for (int i = 0; i < n; i += W) {
        activated a = function(load(v + i));
        store(f + i, where_positive(load(mask + i), a.f));
        if (slope != NULL) store(slope + i, a.slope);
    }
}

void OM_ACTIVATE_THIS_ISA(om_activation activation, int n, const om_real *v, const om_real *mask,
                          om_real *f, om_real *slope)
{
    switch (activation) {
    case OM_LEAKY_RELU: activate_as(leaky_relu, n, v, mask, f, slope); break;
    case OM_ELU: activate_as(elu, n, v, mask, f, slope); break;
    case OM_SOFTPLUS: activate_as(softplus_, n, v, mask, f, slope); break;
    case OM_TANH: activate_as(tanh_, n, v, mask, f, slope); break;
    case OM_SIGMOID: activate_as(sigmoid, n, v, mask, f, slope); break;
    default: break; /* relu: on load */
    }
}
