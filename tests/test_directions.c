/* Directions over models: closed forms, and mirror solutions told from one camp, from camps at
 * other angles and from chance, in seeded samples. */
#include "samples.h"

static om_directions directions_of(const double *radians, int n)
{
    om_directions d;
    assert_int_equal(om_summarise_directions(radians, n, &d), OM_OK);
    return d;
}

/* Directions about `centre` with a normal spread, from one sample of normals. */
static void gather(double *radians, int n, double centre_deg, double sd_deg, uint32_t sample)
{
    for (int i = 0; i < n; i++)
        radians[i] = (centre_deg + sd_deg * normal(sample, (uint32_t)i)) * PI / 180;
}

static double uniform(uint32_t sample, uint32_t index)
{
    om_stream stream = {78, 0, OM_FOR_NOISE, sample, 0};
    return 2 * PI * om_random_uniform(&stream, index);
}

static void test_mean_direction(void **state)
{
    (void)state;
    om_directions d = directions_of((double[]){0, NAN, PI / 2}, 3);
    assert_int_equal(d.n, 2);
    assert_int_equal(d.n_left_out, 1);
    assert_near(d.direction, PI / 4);
    assert_near(d.length, sqrt(0.5));
    assert_near(d.sd, sqrt(log(2)));
    assert_true(d.axial_length == 0 && d.camp[0].n == 2 && d.camp[1].n == 0 && !d.mirrored);
    assert_near(d.camp[0].direction, PI / 4);
    d = directions_of((double[]){PI - 0.1, -PI - 0.1, -PI + 0.5, 7 * PI - 0.3}, 4);
    assert_near(d.direction,
                atan2(-sin(0.5) + 2 * sin(0.1) + sin(0.3), -cos(0.5) - 2 * cos(0.1) - cos(0.3)));
}

/* A wrapped normal distribution has length exp(-sd^2 / 2), and exp(-2 sd^2) for doubled angles. */
static void test_spread_of_a_wrapped_normal(void **state)
{
    (void)state;
    static double radians[20000];
    gather(radians, 20000, 170, 40, 1);
    om_directions d = directions_of(radians, 20000);
    double sd = 40 * PI / 180;
    assert_close(d.direction, 170 * PI / 180, 0.02);
    assert_close(d.sd, sd, 0.02);
    assert_close(d.length, exp(-sd * sd / 2), 0.01);
    assert_close(d.axial_length, exp(-2 * sd * sd), 0.02);
    assert_false(d.mirrored);
}

static void test_no_mirror_in_one_camp(void **state)
{
    (void)state;
    double radians[50];
    for (uint32_t k = 0; k < 200; k++) {
        gather(radians, 50, 7 * k, 10 + k % 4 * 10, k);
        om_directions d = directions_of(radians, 50);
        assert_false(d.mirrored);
        assert_true(d.camp[0].n + d.camp[1].n == 50 && d.camp[0].n >= 47);
    }
}

/* Camps of 38 and 12 about opposite directions: told apart, counted, their means found. */
static void test_mirror_in_opposite_camps(void **state)
{
    (void)state;
    double radians[50];
    for (uint32_t k = 0; k < 200; k++) {
        double centre = 7.0 * k;
        gather(radians, 12, centre + 180, 15, 2 * k);
        gather(radians + 12, 38, centre, 15, 2 * k + 1);
        om_directions d = directions_of(radians, 50);
        assert_true(d.mirrored);
        assert_int_equal(d.camp[0].n, 38);
        assert_int_equal(d.camp[1].n, 12);
        assert_true(cos(d.camp[0].direction - centre * PI / 180) > cos(PI / 15));
        assert_true(cos(d.camp[1].direction - centre * PI / 180) < -cos(PI / 9));
        assert_true(d.axial_length > 0.7 && d.length < 0.65 && d.axial_p < 1e-6);
    }
}

static void test_no_mirror_in_camps_at_other_angles(void **state)
{
    (void)state;
    double radians[50];
    for (uint32_t k = 0; k < 200; k++)
        for (int apart = 90; apart <= 120; apart += 30)
            for (int size = 5; size <= 25; size += 5) {
                gather(radians, size, 7.0 * k + apart, 15, 2 * k);
                gather(radians + size, 50 - size, 7.0 * k, 15, 2 * k + 1);
                assert_false(directions_of(radians, 50).mirrored);
            }
}

/* A lone model, or one in twenty, is an exception; three even directions have no axis. */
static void test_exceptions_are_no_camp(void **state)
{
    (void)state;
    double radians[40];
    gather(radians, 40, 30, 10, 3);
    radians[7] += PI;
    om_directions d = directions_of(radians, 10);
    assert_true(d.camp[0].n == 9 && d.camp[1].n == 1 && !d.mirrored);
    radians[8] += PI;
    assert_true(directions_of(radians, 10).mirrored);
    assert_false(directions_of(radians, 40).mirrored);
    radians[18] += PI, radians[28] += PI;
    assert_true(directions_of(radians, 40).mirrored);
    d = directions_of((double[]){0, 2 * PI / 3, 4 * PI / 3}, 3);
    assert_true(d.length == 0 && d.axial_length == 0 && isinf(d.sd) && !d.mirrored);
    assert_nan(d.direction);
}

/* What the header says of error rates. */
static void test_mirror_is_rare_by_chance(void **state)
{
    (void)state;
    const int models[] = {6, 10, 20, 50};
    double radians[50];
    for (int m = 0; m < COUNT(models); m++) {
        int n = models[m], camp = n / 4 > 2 ? n / 4 : 2, even = 0, axis = 0, wide = 0, found = 0;
        for (uint32_t k = 0; k < 1000; k++) {
            for (uint32_t i = 0; i < (uint32_t)n; i++) radians[i] = uniform(k, i);
            om_directions d = directions_of(radians, n);
            even += d.mirrored;
            axis += d.axial_p < 0.05;
            gather(radians, n, 0.1 * k, 60, k);
            wide += directions_of(radians, n).mirrored;
            gather(radians, n, 0.1 * k, 20, k);
            for (int i = 0; i < camp; i++) radians[i] += PI;
            found += directions_of(radians, n).mirrored;
        }
        print_message("%2d models: even %.3f (axis %.3f), wide camp %.3f, opposite camps %.3f\n", n,
                      even / 1e3, axis / 1e3, wide / 1e3, found / 1e3);
        assert_in_range(axis, 30, 70); /* the Rayleigh test holds its 5 % */
        assert_true(even < 50 && wide < 12 && found > (n < 50 ? 770 : 990));
    }
}

static void test_directions_turn_with_their_angles(void **state)
{
    (void)state;
    double radians[30], turned[30], mirrored[30];
    gather(radians, 20, 20, 25, 4);
    gather(radians + 20, 10, 200, 25, 5);
    for (int i = 0; i < 30; i++) {
        turned[i] = radians[i] + 1 - 4 * PI;
        mirrored[29 - i] = -radians[i];
    }
    om_directions d = directions_of(radians, 30), t = directions_of(turned, 30);
    om_directions m = directions_of(mirrored, 30);
    assert_true(d.mirrored && t.mirrored && m.mirrored);
    assert_near(cos(t.direction - d.direction - 1), 1);
    assert_near(cos(t.camp[1].direction - d.camp[1].direction - 1), 1);
    assert_near(m.direction, -d.direction);
    assert_near(m.camp[0].direction, -d.camp[0].direction);
    assert_near(t.length, d.length);
    assert_near(m.axial_length, d.axial_length);
    assert_int_equal(t.camp[0].n, d.camp[0].n);
    assert_int_equal(m.camp[0].n, d.camp[0].n);
}

static void test_few_directions(void **state)
{
    (void)state;
    const double nothing[] = {NAN, NAN}, opposite[] = {0.5, 0.5 + PI, 0.5, 0.5 + PI};
    for (int n = 0; n <= 2; n += 2) {
        om_directions d = directions_of(nothing, n);
        assert_true(d.n == 0 && d.n_left_out == n && d.camp[0].n == 0 && !d.mirrored);
        assert_nan(d.direction), assert_nan(d.length), assert_nan(d.sd);
        assert_nan(d.axial_length), assert_nan(d.axial_p), assert_nan(d.camp[0].direction);
    }
    om_directions d = directions_of((double[]){-2}, 1);
    assert_near(d.direction, -2);
    assert_near(d.length, 1);
    assert_close(d.sd, 0, 1e-7);
    assert_true(d.camp[0].n == 1 && d.camp[1].n == 0);
    for (int i = 0; i < 1000; i++) { /* rounding must not take the length over 1 */
        double a = 0.01 * i;
        d = directions_of((double[]){a, a, a}, 3);
        assert_true(d.length <= 1 && d.sd < 1e-7 && d.axial_length <= 1);
    }
    d = directions_of(opposite, 4);
    assert_nan(d.direction);
    assert_true(d.length == 0 && isinf(d.sd) && d.mirrored);
    assert_true(d.camp[0].n == 2 && d.camp[1].n == 2);
    assert_near(d.camp[0].direction, 0.5);
    assert_near(d.camp[1].direction, 0.5 - PI);
    assert_refused(om_summarise_directions((double[]){1, INFINITY}, 2, &d), OM_EDATA,
                   "model 1 is infinite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_direction),
        cmocka_unit_test(test_spread_of_a_wrapped_normal),
        cmocka_unit_test(test_no_mirror_in_one_camp),
        cmocka_unit_test(test_mirror_in_opposite_camps),
        cmocka_unit_test(test_no_mirror_in_camps_at_other_angles),
        cmocka_unit_test(test_exceptions_are_no_camp),
        cmocka_unit_test(test_mirror_is_rare_by_chance),
        cmocka_unit_test(test_directions_turn_with_their_angles),
        cmocka_unit_test(test_few_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
