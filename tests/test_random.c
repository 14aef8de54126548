/* Streams of random numbers: known answers, independence, distributions; and the draws of torch. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_rng.h>

#include "base/twister.h"
#include "ommatid/om_random.h"

static const om_stream base = {2024, 7, OM_FOR_NOISE, 100, 3};

/* Philox4x32-10 with a zero key and counter: the known answer published with Random123. */
static void test_known_answer(void **state)
{
    (void)state;
    uint32_t block[4];
    om_stream zero = {0, 0, (om_purpose)0, 0, 0};
    om_random_block(&zero, 0, block);
    const uint32_t expected[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    assert_memory_equal(block, expected, sizeof expected);
}

/* Changing any one part of a stream changes the draw. */
static void test_every_part_matters(void **state)
{
    (void)state;
    om_stream other[5] = {base, base, base, base, base};
    other[0].seed++, other[1].model++, other[2].purpose = OM_FOR_DROPOUT;
    other[3].iteration++, other[4].sample++;
    for (int i = 0; i < 5; i++)
        assert_true(om_random_uniform(&base, 0) != om_random_uniform(&other[i], 0));
    assert_true(om_random_uniform(&base, 0) != om_random_uniform(&base, 1));
}

static void test_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    double sum = 0, squares = 0, uniform = 0;
    float *z = malloc(N * sizeof *z);
    assert_non_null(z);
    om_random_normals(&base, 0, N, z);
    double float_sum = 0, float_squares = 0;
    for (uint32_t i = 0; i < N; i++) {
        double x = om_random_normal(&base, i);
        sum += x, squares += x * x, uniform += om_random_uniform(&base, i);
        float_sum += (double)z[i], float_squares += (double)z[i] * (double)z[i];
    }
    assert_true(fabs(sum / N) < 0.01 && fabs(squares / N - 1) < 0.02);
    assert_true(fabs(float_sum / N) < 0.01 && fabs(float_squares / N - 1) < 0.02);
    assert_true(fabs(uniform / N - 0.5) < 0.004);
    free(z);
}

/* A part of a stream of normals is the same however it is cut. */
static void test_normals_can_be_cut(void **state)
{
    (void)state;
    float whole[100], part[100];
    om_random_normals(&base, 5, 100, whole);
    om_random_normals(&base, 5, 33, part);
    om_random_normals(&base, 38, 67, part + 33);
    assert_memory_equal(whole, part, sizeof whole);
}

/* Box-Muller in double precision by libm, on the words of each block. */
static void test_normals_against_libm(void **state)
{
    (void)state;
    enum { BLOCKS = 50000 };
    const double two_pi = 6.283185307179586, bit = 0x1.0p-24;
    float *z = malloc(4 * BLOCKS * sizeof *z);
    assert_non_null(z);
    om_random_normals(&base, 0, (size_t)4 * BLOCKS, z);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        uint32_t word[4];
        om_random_block(&base, b, word);
        for (int p = 0; p < 4; p += 2) {
            /* the halved bit is lost where single precision has no room for it */
            float u = ((float)(word[p] >> 8) + 0.5F) * (float)bit;
            double radius = sqrt(-2 * log((double)u)), turn = bit * (double)(word[p + 1] >> 8);
            assert_true(fabs(radius * cos(two_pi * turn) - (double)z[4 * b + (uint32_t)p]) < 1e-6);
            assert_true(fabs(radius * sin(two_pi * turn) - (double)z[4 * b + (uint32_t)p + 1]) <
                        1e-6);
        }
    }
    free(z);
}

static void test_permutation(void **state)
{
    (void)state;
    enum { N = 64 };
    uint32_t order[N];
    int seen[N] = {0}, moved = 0;
    om_random_permutation(&base, N, order);
    for (uint32_t i = 0; i < N; i++) {
        assert_true(order[i] < N);
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > N / 2);
}

static void assert_begins(uint64_t seed, size_t n, size_t shown, const double *as_printed)
{
    float z[n];
    om_twister_normals(seed, n, z);
    for (size_t i = 0; i < shown; i++) assert_true(fabs((double)z[i] - as_printed[i]) < 0.5001e-4);
}

/* What torch.randn() prints: a few numbers, and whole blocks of 16. */
static void test_twister_draws_what_torch_prints(void **state)
{
    (void)state;
    const double few0[] = {1.5410, -0.2934, -2.1788, 0.5684, -1.0845};
    const double few42[] = {0.3367, 0.1288, 0.2345, 0.2303};
    const double many0[] = {-1.1258, -1.1524, -0.2506, -0.4339, 0.8487, 0.6920, -0.3160, -2.1152};
    const double many42[] = {1.9269, 1.4873, 0.9007, -2.1055, 0.6784, -1.2345, -0.0431, -1.6047};
    assert_begins(0, 5, 5, few0);
    assert_begins(42, 15, 4, few42);
    assert_begins(0, 16, 8, many0);
    assert_begins(42, 65, 8, many42);
    assert_begins(42 + (UINT64_C(1) << 32), 65, 8, many42);
}

/* Box-Muller in double precision on uniforms of GSL's twister. */
static void pairs_of(gsl_rng *twister, double uniform[16], double *expected)
{
    const double two_pi = 8 * atan(1);
    for (int i = 0; i < 16; i++) uniform[i] = (double)(gsl_rng_get(twister) & 0xffffff) / 16777216;
    for (int i = 0; i < 8; i++) {
        double radius = sqrt(-2 * log(1 - uniform[i])), angle = two_pi * uniform[i + 8];
        expected[i] = radius * cos(angle);
        expected[i + 8] = radius * sin(angle);
    }
}

/* Through several twists of the state, and with the last block drawn again. */
static void test_twister_is_the_known_generator(void **state)
{
    (void)state;
    enum { N = 16 * 100 + 3 };
    float z[N];
    double expected[N], uniform[16];
    gsl_rng *twister = gsl_rng_alloc(gsl_rng_mt19937);
    assert_non_null(twister);
    gsl_rng_set(twister, 2024);
    for (size_t i = 0; i + 16 <= N; i += 16) pairs_of(twister, uniform, expected + i);
    for (int i = 0; i < N % 16; i++) gsl_rng_get(twister);
    pairs_of(twister, uniform, expected + N - 16);
    om_twister_normals(2024, N, z);
    for (int i = 0; i < N; i++)
        assert_true(fabs((double)z[i] - expected[i]) < 2e-6 * (1 + fabs(expected[i])));
    gsl_rng_free(twister);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_every_part_matters),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_normals_can_be_cut),
        cmocka_unit_test(test_normals_against_libm),
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_twister_draws_what_torch_prints),
        cmocka_unit_test(test_twister_is_the_known_generator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
