/* Counter-based random numbers: every draw is a pure function of who draws it and for what.
 *
 * The generator is Philox4x32-10 (Salmon et al. 2011, SC '11) from Random123. The ensemble's seed is
 * its key; model, purpose, iteration, sample and index fill its counter, each in bits of its own. So
 * two models share no draw, model 7 is the same whether 8 or 50 are trained, and nothing depends
 * on the order in which ranks or threads ask.
 *
 *   counter[0] index of the block of four 32-bit words
 *   counter[1] purpose << 24 | sample
 *   counter[2] iteration (or pass, or sequence)
 *   counter[3] model */
#ifndef OM_RANDOM_H
#define OM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for. The numbers are part of the format: never change or reuse one. */
typedef enum om_purpose {
    OM_FOR_INIT = 1,       /* initial parameters; index = parameter */
    OM_FOR_ORDER = 2,      /* order of the training sequences; iteration = pass */
    OM_FOR_AUGMENT = 3,    /* crop, contrast, brightness, flip, rotation; index = which */
    OM_FOR_NOISE = 4,      /* pixel noise; index = pixel */
    OM_FOR_DROPOUT = 5,    /* index = 128 cells of the decoder's hidden layer */
    OM_FOR_WORLD = 6,      /* procedural scenes; model 0, iteration = sequence, sample = layer */
    OM_FOR_COUNTS = 7,     /* synapse counts; index = tap */
    OM_FOR_BOOTSTRAP = 8,  /* resampled validation scenes; model 0, iteration = replicate */
    OM_FOR_STATISTICS = 9, /* resampled models; model 0, iteration = replicate, sample: 0 drawn with
                              replacement, 1 permuted, 2 chosen to be trained once more */
    OM_FOR_CONTROLS = 10   /* control circuits; model 0, iteration = pair, sample: 0 synapse counts,
                              1 signs (pair 0), 2 filters */
} om_purpose;

typedef struct om_stream {
    uint64_t seed;
    uint32_t model;
    om_purpose purpose;
    uint32_t iteration;
    uint32_t sample; /* below 2^24 */
} om_stream;

/* The index-th block of 128 random bits of a stream. */
void om_random_block(const om_stream *stream, uint32_t index, uint32_t block[4]);
/* Uniform in [0, 1), 53 random bits: words 0 and 1 of block `index`. */
double om_random_uniform(const om_stream *stream, uint32_t index);
/* Integer in 0..n-1 (n <= 2^31), from block `index`; bias below 2^-22. */
uint32_t om_random_below(const om_stream *stream, uint32_t index, uint32_t n);
/* Standard normal (Box-Muller on the words of block `index`), double precision. */
double om_random_normal(const om_stream *stream, uint32_t index);
/* out[i] = normal number first + i of a stream of single-precision normals, four to a block
 * (number j is from block j / 4); a different sequence from om_random_normal(). For pixel noise. */
void om_random_normals(const om_stream *stream, uint32_t first, size_t n, float *out);
/* A random permutation of 0..n-1 (Fisher-Yates, draws 0..n-1 of the stream). */
void om_random_permutation(const om_stream *stream, uint32_t n, uint32_t *out);

#endif
