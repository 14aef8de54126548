/* Streams of random numbers: known answers, independence, distributions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer), cmocka_unit_test(test_every_part_matters),
        cmocka_unit_test(test_moments),      cmocka_unit_test(test_normals_can_be_cut),
        cmocka_unit_test(test_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
