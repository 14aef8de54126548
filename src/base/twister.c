/* The Mersenne twister MT19937 (Matsumoto & Nishimura 1998) and the normal numbers that torch makes
 * of it. GSL has the twister, but gives the seed 0, which is the published ensembles', another
 * meaning. What reaches the bit of torch is its arithmetic: logarithm, sine and cosine are the
 * single-precision polynomials of the Cephes library (Moshier), each multiplication fused with the
 * addition that uses it, as in ATen's normal_fill for AVX2; a C library's differ in the last bit. */
#include "base/twister.h"

#include <math.h>

enum { WORDS = 624, MIDDLE = 397, BLOCK = 16, HALF = BLOCK / 2 };

typedef struct twister {
    uint32_t word[WORDS];
    int next; /* word that comes out next */
} twister;

static const double TWO_PI = 6.283185307179586476925286766559;

static void start(twister *t, uint64_t seed)
{
    t->word[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < WORDS; i++)
        t->word[i] = UINT32_C(1812433253) * (t->word[i - 1] ^ t->word[i - 1] >> 30) + i;
    t->next = WORDS;
}

static void twist(twister *t)
{
    uint32_t *w = t->word;
    for (int i = 0; i < WORDS; i++) {
        uint32_t y = (w[i] & UINT32_C(0x80000000)) | (w[(i + 1) % WORDS] & UINT32_C(0x7fffffff));
        w[i] = w[(i + MIDDLE) % WORDS] ^ y >> 1 ^ (y & 1 ? UINT32_C(0x9908b0df) : 0);
    }
    t->next = 0;
}

static uint32_t bits32(twister *t)
{
    if (t->next == WORDS) twist(t);
    uint32_t y = t->word[t->next++];
    y ^= y >> 11;
    y ^= y << 7 & UINT32_C(0x9d2c5680);
    y ^= y << 15 & UINT32_C(0xefc60000);
    return y ^ y >> 18;
}

/* Uniform in [0, 1): 24 bits of one word, 53 of two. */
static float uniform(twister *t) { return (float)(bits32(t) & 0xffffff) * 0x1p-24F; }

static double uniform53(twister *t)
{
    uint64_t high = bits32(t), low = bits32(t);
    return (double)((high << 32 | low) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

/* log(x), x normal and positive: x = 2^e (1 + m) with 1 + m from sqrt(1/2) to sqrt(2). */
static float logarithm(float x)
{
    static const float p[] = {7.0376836292e-2F,  -1.1514610310e-1F, 1.1676998740e-1F,
                              -1.2420140846e-1F, 1.4249322787e-1F,  -1.6668057665e-1F,
                              2.0000714765e-1F,  -2.4999993993e-1F, 3.3333331174e-1F};
    int exponent;
    float m = frexpf(x, &exponent);
    if (m < 0.707106781186547524F) {
        exponent--;
        m += m;
    }
    m -= 1;
    float e = (float)exponent, square = m * m, y = p[0];
    for (size_t i = 1; i < sizeof p / sizeof *p; i++) y = fmaf(y, m, p[i]);
    y = fmaf(y * m, square, e * -2.12194440e-4F);
    y = fmaf(-square, 0.5F, y);
    return fmaf(e, 0.693359375F, m + y);
}

/* Of an angle from 0 to 2 pi: the nearest even multiple of pi / 4 is taken off in three parts. */
static void sine_and_cosine(float angle, float *sine, float *cosine)
{
    int octant = ((int)(angle * 1.27323954473516F) + 1) & ~1;
    float q = (float)octant;
    float x = fmaf(q, -0.78515625F, angle);
    x = fmaf(q, -2.4187564849853515625e-4F, x);
    x = fmaf(q, -3.77489497744594108e-8F, x);
    float square = x * x;
    float c = fmaf(2.443315711809948e-5F, square, -1.388731625493765e-3F);
    c = fmaf(c, square, 4.166664568298827e-2F);
    c = fmaf(c * square, square, -(square * 0.5F)) + 1;
    float s = fmaf(-1.9515295891e-4F, square, 8.3321608736e-3F);
    s = fmaf(s, square, -1.6666654611e-1F);
    s = fmaf(s * square, x, x);
    int quadrant = octant / 2 % 4;
    *sine = quadrant % 2 == 0 ? s : c;
    *cosine = quadrant % 2 == 0 ? c : s;
    if (quadrant >= 2) *sine = -*sine;
    if (quadrant == 1 || quadrant == 2) *cosine = -*cosine;
}

/* Box-Muller: the first half of a block of uniforms are radii, the second angles. */
static void transform(float block[BLOCK])
{
    for (int i = 0; i < HALF; i++) {
        float sine, cosine, radius = sqrtf(-2 * logarithm(1 - block[i]));
        sine_and_cosine((float)TWO_PI * block[i + HALF], &sine, &cosine);
        block[i] = radius * cosine;
        block[i + HALF] = radius * sine;
    }
}

/* Fewer numbers than a block are drawn in pairs, in double precision. */
static void draw_pairs(twister *t, size_t n, float *out)
{
    for (size_t i = 0; i < n; i += 2) {
        double angle = TWO_PI * uniform53(t), radius = sqrt(-2 * log1p(-uniform53(t)));
        out[i] = (float)(radius * cos(angle));
        if (i + 1 < n) out[i + 1] = (float)(radius * sin(angle));
    }
}

void om_twister_normals(uint64_t seed, size_t n, float *out)
{
    twister t;
    start(&t, seed);
    if (n < BLOCK) {
        draw_pairs(&t, n, out);
        return;
    }
    for (size_t i = 0; i < n; i++) out[i] = uniform(&t);
    for (size_t i = 0; i + BLOCK <= n; i += BLOCK) transform(out + i);
    if (n % BLOCK == 0) return;
    float *last = out + n - BLOCK;
    for (int i = 0; i < BLOCK; i++) last[i] = uniform(&t);
    transform(last);
}
