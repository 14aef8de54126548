/* Normal numbers for the noise of pixels, many at a time.
 *
 * An iteration draws some 50,000, which by libm's functions takes a percent of it. Here each step
 * of Box-Muller is a loop over numbers that any compiler turns into vectors, of nothing but exact
 * integers, sums, products, quotients and square roots: the numbers are the same for every width of
 * vectors and every version of libm. */
#include "ommatid/om_random.h"

#include <math.h>
#include <string.h>

#include <Random123/philox.h>

enum { BLOCKS = 32, NUMBERS = 4 * BLOCKS };

/* Natural logarithm of a normal x > 0: of x = m 2^e with m in [sqrt(1/2), sqrt(2)),
 * log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172, by its series. Off by 2 ulp at most. */
static inline float log_of(float x)
{
    const uint32_t sqrt_half = 0x3f3504f3;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t e = (int32_t)(bits - sqrt_half) >> 23;
    bits -= (uint32_t)e << 23;
    float m;
    memcpy(&m, &bits, sizeof m);
    float s = (m - 1) / (m + 1), s2 = s * s;
    float series = s2 * (1.0F / 3 + s2 * (1.0F / 5 + s2 * (1.0F / 7 + s2 * (1.0F / 9))));
    return (float)e * 0.693147181F + 2 * (s + s * series);
}

/* Sine and cosine of 2 pi t, t in [0, 1): of the rest after the nearest quarter turn, at most an
 * eighth, by their series; then the quarters are put back. */
static inline void sine_cosine(float t, float *sine, float *cosine)
{
    int32_t quarter = (int32_t)(4 * t + 0.5F);
    float x = 6.28318531F * (t - 0.25F * (float)quarter), x2 = x * x;
    float s = x + x * x2 * (-1.0F / 6 + x2 * (1.0F / 120 + x2 * (-1.0F / 5040 + x2 / 362880)));
    float c = 1 - x2 * (0.5F - x2 * (1.0F / 24 - x2 * (1.0F / 720 - x2 / 40320)));
    float along = quarter & 1 ? c : s, across = quarter & 1 ? s : c;
    *sine = quarter & 2 ? -along : along;
    *cosine = (quarter + 1) & 2 ? -across : across;
}

/* A stream's blocks of random bits from block `first` on, word by word: Philox 4x32 of ten rounds
 * (Salmon et al. 2011), as om_random_block() has it, but a round at a time for all. */
static void blocks_of(const om_stream *stream, uint32_t first, uint32_t w[4][BLOCKS])
{
    uint32_t key[2] = {(uint32_t)stream->seed, (uint32_t)(stream->seed >> 32)};
    for (uint32_t b = 0; b < BLOCKS; b++) {
        w[0][b] = first + b;
        w[1][b] = ((uint32_t)stream->purpose << 24) | stream->sample;
        w[2][b] = stream->iteration;
        w[3][b] = stream->model;
    }
    for (int round = 0; round < PHILOX4x32_DEFAULT_ROUNDS; round++) {
        for (int b = 0; b < BLOCKS; b++) {
            uint64_t x = (uint64_t)PHILOX_M4x32_0 * w[0][b], y = (uint64_t)PHILOX_M4x32_1 * w[2][b];
            w[0][b] = (uint32_t)(y >> 32) ^ w[1][b] ^ key[0];
            w[2][b] = (uint32_t)(x >> 32) ^ w[3][b] ^ key[1];
            w[1][b] = (uint32_t)y;
            w[3][b] = (uint32_t)x;
        }
        key[0] += PHILOX_W32_0;
        key[1] += PHILOX_W32_1;
    }
}

/* The normals of blocks first to first + BLOCKS - 1, by Box-Muller on 24-bit uniforms. */
static void draw(const om_stream *stream, uint32_t first, float z[BLOCKS][4])
{
    uint32_t w[4][BLOCKS];
    float along[2][BLOCKS], across[2][BLOCKS];
    blocks_of(stream, first, w);
    for (int p = 0; p < 2; p++)
        for (int b = 0; b < BLOCKS; b++) {
            float u = ((float)(int32_t)(w[2 * p][b] >> 8) + 0.5F) * 0x1.0p-24F;
            float turn = (float)(int32_t)(w[2 * p + 1][b] >> 8) * 0x1.0p-24F;
            float sine, cosine, radius = sqrtf(-2 * log_of(u));
            sine_cosine(turn, &sine, &cosine);
            along[p][b] = radius * cosine;
            across[p][b] = radius * sine;
        }
    for (int b = 0; b < BLOCKS; b++)
        for (int p = 0; p < 2; p++) {
            z[b][2 * p] = along[p][b];
            z[b][2 * p + 1] = across[p][b];
        }
}

void om_random_normals(const om_stream *stream, uint32_t first, size_t n, float *out)
{
    float z[BLOCKS][4];
    for (size_t done = 0; done < n;) {
        uint32_t number = first + (uint32_t)done, skip = number % 4;
        size_t part = NUMBERS - skip < n - done ? NUMBERS - skip : n - done;
        draw(stream, number / 4, z);
        memcpy(out + done, &z[0][skip], part * sizeof *out);
        done += part;
    }
}
