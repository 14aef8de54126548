/* Adam, learning rate, dropout. */
#include "train/optimiser.h"

#include <math.h>
#include <string.h>

#include "model/geometry.h"

double om_learning_rate(const om_train_options *options, uint64_t iterations, uint64_t iteration)
{
    const double first = options->learning_rate[0], last = options->learning_rate[1];
    uint64_t stop = options->schedule_stop > 0 ? options->schedule_stop : iterations;
    uint64_t steps = (uint64_t)options->rate_steps;
    if (steps > stop) steps = stop;
    if (steps == 0 || iteration / (stop / steps) >= steps) return last;
    if (steps == 1) return first;
    return first + (last - first) * (double)(iteration / (stop / steps)) / (double)(steps - 1);
}

void om_adam(size_t n, double rate, uint64_t step, const om_real *gradient, om_real *moment1,
             om_real *moment2, om_real *params)
{
    const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    double correction1 = 1 - pow(beta1, (double)step);
    double root2 = sqrt(1 - pow(beta2, (double)step));
    for (size_t i = 0; i < n; i++) {
        double g = (double)gradient[i];
        double m = beta1 * (double)moment1[i] + (1 - beta1) * g;
        double v = beta2 * (double)moment2[i] + (1 - beta2) * g * g;
        moment1[i] = (om_real)m;
        moment2[i] = (om_real)v;
        params[i] -= (om_real)(rate / correction1 * m / (sqrt(v) / root2 + epsilon));
    }
}

/* 128 draws of a coin that falls on 1 with probability heads / 2^16: its binary digits from the lowest
 * set one upwards decide whether a block of random bits is joined by `or` or by `and`. */
static void coins(const om_stream *stream, uint32_t index, uint32_t heads, uint32_t out[4])
{
    int digit = __builtin_ctz(heads);
    uint32_t first = index * 16;
    om_random_block(stream, first + (uint32_t)digit, out);
    for (digit++; digit < 16; digit++) {
        uint32_t more[4];
        om_random_block(stream, first + (uint32_t)digit, more);
        for (int i = 0; i < 4; i++)
            out[i] = heads >> digit & 1 ? out[i] | more[i] : out[i] & more[i];
    }
}

enum { DRAWS = 128 };

/* Sets the lane's bit of n cells to those drawn. In two loops that compilers turn into vectors. */
static void set_lane(int n, const uint32_t drawn[DRAWS / 32], uint16_t lane, uint16_t *cells)
{
    uint16_t set[DRAWS];
    for (int w = 0; w < DRAWS / 16; w++) {
        const uint32_t bits = drawn[w / 2] >> (w % 2 * 16);
        for (uint32_t i = 0; i < 16; i++) set[w * 16 + (int)i] = (uint16_t)(bits & (1U << i));
    }
    for (int i = 0; i < n; i++)
        cells[i] = (uint16_t)((cells[i] & ~lane) | (set[i] != 0 ? lane : 0));
}

void om_dropout(const om_stream *stream, double dropout, int frames, int side, int bit,
                uint16_t *keep)
{
    const int cells = side * side, blocks = (cells + DRAWS - 1) / DRAWS;
    uint32_t heads = (uint32_t)lround((1 - dropout) * 65536);
    if (heads == 0) heads = 1;
    om_stream own = *stream;
    own.purpose = OM_FOR_DROPOUT;
    for (int f = 0; f < frames; f++) {
        uint16_t lane = (uint16_t)(1U << (f % OM_FRAMES * OM_QUAD + bit));
        uint16_t *map = keep + (size_t)(f / OM_FRAMES) * OM_HIDDEN * (size_t)cells;
        for (int o = 0; o < OM_HIDDEN; o++, map += cells)
            for (int b = 0; b < blocks; b++) {
                uint32_t drawn[4] = {0xffffffffU, 0xffffffffU, 0xffffffffU, 0xffffffffU};
                uint32_t index = (uint32_t)((f * OM_HIDDEN + o) * blocks + b);
                if (heads < 65536) coins(&own, index, heads, drawn);
                set_lane(cells - b * DRAWS < DRAWS ? cells - b * DRAWS : DRAWS, drawn, lane,
                         map + b * DRAWS);
            }
    }
}
