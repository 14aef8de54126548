/* Vectors of the instruction set that a kernel file is compiled for (OM_ISA_AVX512, OM_ISA_AVX2, or
 * neither: GCC's generic vectors of 16 bytes). Multiply-adds are fused explicitly and nowhere else, so
 * AVX-512 and AVX2 give the same bits. */
#ifndef OM_KERNELS_SIMD_H
#define OM_KERNELS_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/geometry.h"

#define INLINE static inline __attribute__((always_inline))
#define APART  static __attribute__((noinline)) /* instantiations must not share their registers */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16") /* without it arrays of accumulators stay in memory */
#endif

#if defined(OM_ISA_AVX512)
#define VECTOR_BYTES 64
#include <immintrin.h>
#elif defined(OM_ISA_AVX2)
#define VECTOR_BYTES 32
#include <immintrin.h>
#else
#define VECTOR_BYTES 16
#endif

enum {
    W = VECTOR_BYTES / (int)sizeof(om_real), /* numbers in a vector */
    PER_STRIP = OM_LANES / W                 /* vectors in a strip */
};

typedef om_real vec __attribute__((vector_size(VECTOR_BYTES)));
typedef om_real vec_unaligned
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(om_real)), may_alias));
#ifdef OM_REAL_IS_DOUBLE
typedef int64_t vec_int __attribute__((vector_size(VECTOR_BYTES)));
#define FOR_REAL(single, twice) twice
#else
typedef int32_t vec_int __attribute__((vector_size(VECTOR_BYTES)));
#define FOR_REAL(single, twice) single
#endif

INLINE vec load(const om_real *p) { return *(const vec_unaligned *)p; }
INLINE void store(om_real *p, vec x) { *(vec_unaligned *)p = x; }
INLINE vec all(om_real x) { return x - (vec){0}; }

#if defined(OM_ISA_AVX512)
/* past the caches: a history is not read again before it has left them anyway */
INLINE void stream(om_real *p, vec x) { FOR_REAL(_mm512_stream_ps, _mm512_stream_pd)(p, x); }
INLINE vec fma_(vec a, vec b, vec c) { return FOR_REAL(_mm512_fmadd_ps, _mm512_fmadd_pd)(a, b, c); }
INLINE vec max_(vec a, vec b) { return FOR_REAL(_mm512_max_ps, _mm512_max_pd)(a, b); }
INLINE vec sqrt_(vec a) { return FOR_REAL(_mm512_sqrt_ps, _mm512_sqrt_pd)(a); }
/* a where gate > 0, else 0 */
INLINE vec where_positive(vec gate, vec a)
{
#ifdef OM_REAL_IS_DOUBLE
    return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(gate, (vec){0}, _CMP_GT_OQ), a);
#else
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(gate, (vec){0}, _CMP_GT_OQ), a);
#endif
}
/* a in the lanes whose bit is set, else 0; bits of lanes W * part and up */
INLINE vec where_bits(unsigned bits, int part, vec a)
{
#ifdef OM_REAL_IS_DOUBLE
    return _mm512_maskz_mov_pd((__mmask8)(bits >> (W * part)), a);
#else
    return _mm512_maskz_mov_ps((__mmask16)(bits >> (W * part)), a);
#endif
}
#else
#if defined(OM_ISA_AVX2)
INLINE void stream(om_real *p, vec x) { FOR_REAL(_mm256_stream_ps, _mm256_stream_pd)(p, x); }
INLINE vec fma_(vec a, vec b, vec c) { return FOR_REAL(_mm256_fmadd_ps, _mm256_fmadd_pd)(a, b, c); }
INLINE vec max_(vec a, vec b) { return FOR_REAL(_mm256_max_ps, _mm256_max_pd)(a, b); }
INLINE vec sqrt_(vec a) { return FOR_REAL(_mm256_sqrt_ps, _mm256_sqrt_pd)(a); }
#else
INLINE void stream(om_real *p, vec x) { store(p, x); }
INLINE vec fma_(vec a, vec b, vec c) { return a * b + c; }
INLINE vec max_(vec a, vec b)
{
    vec_int greater = (vec_int)(a > b);
    return (vec)(((vec_int)a & greater) | ((vec_int)b & ~greater));
}
INLINE vec sqrt_(vec a)
{
    for (int i = 0; i < W; i++) a[i] = (om_real)sqrt((double)a[i]);
    return a;
}
#endif
INLINE vec where_positive(vec gate, vec a) { return (vec)((vec_int)a & (vec_int)(gate > 0)); }
INLINE vec where_bits(unsigned bits, int part, vec a)
{
    vec_int lane, mine = (vec_int){0} + (int)(bits >> (W * part));
    for (int i = 0; i < W; i++) lane[i] = 1 << i;
    return (vec)((vec_int)a & (vec_int)((mine & lane) != 0));
}
#endif

/* a where gate > 0, else b */
INLINE vec choose(vec gate, vec a, vec b)
{
    vec_int positive = (vec_int)(gate > 0);
    return (vec)(((vec_int)a & positive) | ((vec_int)b & ~positive));
}
/* The second operand of max_ is what a comparison with NaN gives: no NaN becomes a number here. */
INLINE vec relu(vec x) { return max_((vec){0}, x); }
INLINE vec absolute(vec x) { return max_(x, -x); }

#ifdef OM_REAL_IS_DOUBLE
INLINE vec exp_(vec x)
{
    for (int i = 0; i < W; i++) x[i] = exp(x[i]);
    return x;
}
/* exp(x) - 1 */
INLINE vec expm1_(vec x)
{
    for (int i = 0; i < W; i++) x[i] = expm1(x[i]);
    return x;
}
/* log(1 + e) */
INLINE vec log1p_(vec e)
{
    for (int i = 0; i < W; i++) e[i] = log1p(e[i]);
    return e;
}
#else
/* exp(x) = 2^n e^r, |r| <= ln 2 / 2: e^r - 1 by a polynomial, and 2^n. x <= 88; -87 stands for less. */
INLINE vec exp_parts(vec x, vec *power)
{
    x = max_(all(-87.0F), x);
    vec scaled = x * 1.44269504F, half = (vec)(((vec_int)scaled & INT32_MIN) | (vec_int)all(0.5F));
    vec_int n = __builtin_convertvector(scaled + half, vec_int);
    vec whole = __builtin_convertvector(n, vec);
    x = fma_(whole, all(-0.693359375F), x);
    x = fma_(whole, all(2.12194440e-4F), x);
    vec p = fma_(x, all(1.9875691500e-4F), all(1.3981999507e-3F));
    p = fma_(p, x, all(8.3334519073e-3F));
    p = fma_(p, x, all(4.1665795894e-2F));
    p = fma_(p, x, all(1.6666665459e-1F));
    p = fma_(p, x, all(5.0000001201e-1F));
    *power = (vec)((n + 127) << 23);
    return fma_(p, x * x, x);
}
/* exp(x) for x <= 88 to 2e-7 relative; nearly 0 below -87 */
INLINE vec exp_(vec x)
{
    vec power, less = exp_parts(x, &power);
    return (less + 1.0F) * power;
}
/* exp(x) - 1, to as much: 2^n (e^r - 1) + (2^n - 1), of which no small result loses digits */
INLINE vec expm1_(vec x)
{
    vec power, less = exp_parts(x, &power);
    return fma_(less, power, power - 1.0F);
}
/* log(1 + e) for 0 <= e <= 1: 2 atanh(s), s = e / (2 + e) <= 1/3, by its series. */
INLINE vec log1p_(vec e)
{
    vec s = e / (e + 2.0F), z = s * s;
    vec p = fma_(z, all(2.0F / 15), all(2.0F / 13));
    p = fma_(p, z, all(2.0F / 11));
    p = fma_(p, z, all(2.0F / 9));
    p = fma_(p, z, all(2.0F / 7));
    p = fma_(p, z, all(2.0F / 5));
    p = fma_(p, z, all(2.0F / 3));
    p = fma_(p, z, all(2.0F));
    return p * s;
}
#endif

enum { SOFTPLUS_LINEAR = 20 }; /* above it softplus is the identity */
INLINE vec softplus(vec z)
{
    vec over = log1p_(exp_(-absolute(z)));
    return relu(z) + choose(z - SOFTPLUS_LINEAR, (vec){0}, over);
}

#endif
