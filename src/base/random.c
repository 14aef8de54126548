/* Philox streams and the distributions drawn from them. */
#include "ommatid/om_random.h"

#include <math.h>

#include <Random123/philox.h>

static const double TWO_PI = 6.283185307179586476925286766559;

void om_random_block(const om_stream *stream, uint32_t index, uint32_t block[4])
{
    philox4x32_ctr_t counter = {{index, ((uint32_t)stream->purpose << 24) | stream->sample,
                                 stream->iteration, stream->model}};
    philox4x32_key_t key = {{(uint32_t)stream->seed, (uint32_t)(stream->seed >> 32)}};
    philox4x32_ctr_t r = philox4x32(counter, key);
    for (int i = 0; i < 4; i++) block[i] = r.v[i];
}

/* 53 bits of two words, in [0, 1). */
static double unit(uint32_t high, uint32_t low)
{
    uint64_t bits = ((uint64_t)high << 32 | low) >> 11;
    return (double)bits * 0x1.0p-53;
}

double om_random_uniform(const om_stream *stream, uint32_t index)
{
    uint32_t r[4];
    om_random_block(stream, index, r);
    return unit(r[0], r[1]);
}

uint32_t om_random_below(const om_stream *stream, uint32_t index, uint32_t n)
{
    /* 53 bits against n <= 2^31: the bias is below 2^-22 of a draw, far under anything visible. */
    return (uint32_t)(om_random_uniform(stream, index) * (double)n);
}

double om_random_normal(const om_stream *stream, uint32_t index)
{
    uint32_t r[4];
    om_random_block(stream, index, r);
    return sqrt(-2 * log(1 - unit(r[0], r[1]))) * cos(TWO_PI * unit(r[2], r[3]));
}

void om_random_permutation(const om_stream *stream, uint32_t n, uint32_t *out)
{
    for (uint32_t i = 0; i < n; i++) out[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = om_random_below(stream, n - i, i), swap = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swap;
    }
}
