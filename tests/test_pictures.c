/* Pictures of arrays that commands seldom have: models that say nothing, one model, none, odd names. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "report/pictures.h"
#include "report/plot.h"

enum { MODELS = 3, ANGLES = 4, TIMES = 3 };
static const char NAME[] = "it's 100 % <odd>";
static char folder[] = "/tmp/om-pictures-XXXXXX";
static char path[64];

/* The picture as text, and the file removed. */
static char *take(om_status status)
{
    char *text = NULL;
    size_t length;
    if (status != OM_OK) fail_msg("%s", om_message());
    assert_int_equal(om_read_file(path, &text, &length), OM_OK);
    unlink(path);
    assert_null(strcasestr(text, ">nan<"));
    return text;
}

static void holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) fail_msg("'%s' is not in the picture", part);
}

/* Numbers of models, of which the first `n` are there. */
static void fill(double *x, int each, int n)
{
    for (int i = 0; i < MODELS * each; i++) x[i] = i < n * each ? 1 + 0.1 * i * (i % 3) : NAN;
}

/* "1 model" or "3 models", in a picture's title. */
static void tells_models(const char *text, int n)
{
    char label[16];
    snprintf(label, sizeof label, n == 1 ? "%d model<" : "%d models<", n);
    holds(text, label);
}

static void tuning(void **state)
{
    (void)state;
    double response[MODELS * ANGLES];
    const bool best[MODELS] = {true, false, false};
    const om_tuning_panel panel = {"T4a", "bright edges", 180, response};
    const om_tuning_picture picture = {NAME, 0, MODELS, ANGLES, 1, &panel, best};
    for (int n = 0; n <= MODELS; n++) {
        char label[16];
        fill(response, ANGLES, n);
        if (n == MODELS) memset(response, 0, ANGLES * sizeof *response); /* answers nothing */
        char *text = take(om_draw_tuning(path, &picture));
        snprintf(label, sizeof label, ">n %d<", n == MODELS ? n - 1 : n);
        holds(text, label);
        tells_models(text, n == MODELS ? n - 1 : n);
        assert_int_equal(strstr(text, "median of all") != NULL, n != 1);
        holds(text, "it's 100 % &lt;odd>");
        om_free(text);
    }
}

static void polarity(void **state)
{
    (void)state;
    double fri[3][MODELS];
    const om_polarity_type types[] = {{"L1", -1, fri[0]}, {"A b", 0, fri[1]}, {"Mi1", 1, fri[2]}};
    const om_polarity_picture picture = {NAME, "discs", MODELS, 3, types};
    for (int n = 0; n <= MODELS; n++) {
        for (int t = 0; t < 3; t++) fill(fri[t], 1, n);
        char *text = take(om_draw_polarity(path, &picture));
        tells_models(text, n);
        assert_int_equal(strstr(text, "25-75") != NULL, n != 1);
        holds(text, "A b");
        om_free(text);
    }
    const om_polarity_picture single = {NAME, "discs", MODELS, 1, types};
    om_free(take(om_draw_polarity(path, &single)));
}

static void traces(void **state)
{
    (void)state;
    double a[MODELS * TIMES], b[MODELS * TIMES];
    const double time_s[TIMES] = {-0.005, 0, 0.005};
    const om_trace_panel panel = {"T4a", {a, b}};
    const om_trace_picture picture = {NAME, NULL, {"one", "two"}, MODELS, TIMES, time_s, 1, &panel};
    for (int n = 0; n <= MODELS; n++) {
        char label[16];
        fill(a, TIMES, n);
        fill(b, TIMES, n);
        char *text = take(om_draw_traces(path, &picture));
        snprintf(label, sizeof label, ">n %d<", n);
        holds(text, label);
        tells_models(text, n);
        assert_int_equal(strstr(text, "25-75") != NULL, n != 1);
        om_free(text);
    }
}

static void scatter(void **state)
{
    (void)state;
    double x[MODELS], y[MODELS];
    const om_scatter_picture picture = {NAME, "x", "y", MODELS, x, y};
    fill(x, 1, MODELS);
    for (int n = 1; n <= MODELS; n++) {
        fill(y, 1, n);
        char *text = take(om_draw_scatter(path, &picture));
        tells_models(text, n);
        om_free(text);
    }
    fill(y, 1, 0);
    assert_int_equal(om_draw_scatter(path, &picture), OM_EDATA);
    assert_int_equal(access(path, F_OK), -1);
}

static void roofline(void **state)
{
    (void)state;
    const om_roofline_mark marks[] = {{"a", 0.5, 10}, {NAME, 40, 70}, {"nothing", 1, 0}};
    om_roofline_picture picture = {NAME, "m", 50, 10, 2, marks};
    char *text = take(om_draw_roofline(path, &picture));
    holds(text, "2  it's 100 % &lt;odd>");
    holds(text, "m: 50.0 GFMA/s a core, 10.0 GB/s");
    om_free(text);
    picture.n_marks = 3;
    assert_int_equal(om_draw_roofline(path, &picture), OM_EDATA);
    picture.n_marks = 0;
    assert_int_equal(om_draw_roofline(path, &picture), OM_EDATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tuning), cmocka_unit_test(polarity),
                                       cmocka_unit_test(traces), cmocka_unit_test(scatter),
                                       cmocka_unit_test(roofline)};
    if (mkdtemp(folder) == NULL) return 1;
    snprintf(path, sizeof path, "%s/a.svg", folder);
    if (om_plot_check(path) != OM_OK) {
        printf("SKIPPED: %s\n", om_message());
        rmdir(folder);
        return 77;
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
