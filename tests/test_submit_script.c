/* The batch script of a SLURM job: notation of times, names, and words that a shell must read as they are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ensemble/submit_script.h"

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {
        {"90", 5400},       {"10:30", 630},         {"12:00:00", 43200},     {"2-06", 194400},
        {"1-00:30", 88200}, {"7-00:00:00", 604800}, {"UNLIMITED", INFINITY}, {"infinite", INFINITY},
        {"0", 0},           {"1-2:3:4", 93784},
    };
    static const char *const bad[] = {"",        "x",   "1:", ":1",    "-1",  "1-",
                                      "1:2:3:4", "1.5", "1 ", "1-2-3", "12h", "1:2-3"};
    double s;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!om_slurm_seconds(cases[i].text, &s) || s != cases[i].seconds)
            fail_msg("'%s': %g", cases[i].text, s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (om_slurm_seconds(bad[i], &s)) fail_msg("'%s' was taken for %g s", bad[i], s);
}

static void times_are_written_as_they_are_read(void **state)
{
    (void)state;
    char text[OM_SLURM_TIME];
    double s;
    om_slurm_time(600, text);
    assert_string_equal(text, "00:10:00");
    om_slurm_time(183845.2, text);
    assert_string_equal(text, "2-03:04:06");
    for (double t = 1; t < 1e9; t = floor(t * 1.7) + 1) {
        om_slurm_time(t, text);
        assert_true(om_slurm_seconds(text, &s) && s == t);
    }
}

static void sizes_are_told_from_others(void **state)
{
    (void)state;
    static const char *const good[] = {"8G", "8000", "0", "100k", "2t", "8GB"};
    static const char *const bad[] = {"", "G", "abc", "1.5G", "8 G", "8GG", "-1", "8X", "8GBB"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!om_slurm_is_size(good[i])) fail_msg("'%s' was taken for no size", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (om_slurm_is_size(bad[i])) fail_msg("'%s' was taken for a size", bad[i]);
}

static void names_are_fit_for_files(void **state)
{
    (void)state;
    char job[OM_SLURM_JOB_NAME];
    om_slurm_job_name("motion-50.b_2", job);
    assert_string_equal(job, "motion-50.b_2");
    om_slurm_job_name("two words/%j'", job);
    assert_string_equal(job, "two-words--j-");
    om_slurm_job_name("../up", job);
    assert_string_equal(job, "_.-up");
    om_slurm_job_name("-x", job);
    assert_string_equal(job, "_x");
}

static void words_are_told_from_others(void **state)
{
    (void)state;
    char longest[OM_SLURM_WORD + 1];
    memset(longest, 'x', sizeof longest);
    longest[OM_SLURM_WORD] = '\0';
    assert_false(om_slurm_is_word(longest));
    longest[OM_SLURM_WORD - 1] = '\0';
    assert_true(om_slurm_is_word(longest));
    assert_true(om_slurm_is_word(""));
    assert_true(om_slurm_is_word("[rack1|rack2]&gpu*2"));
    static const char *const bad[] = {"a b", "a\nb", "a'b", "a\"b", "a\\b", "\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(om_slurm_is_word(bad[i]));
}

/* ---- the script ---- */

static om_submission usual(void)
{
    return (om_submission){
        .job = "mine",
        .slurm = {.time = "1:00:00", .mem = "2G", .nodes = 2, .ranks_per_node = 3, .threads = 4},
        .program = "/opt/ommatid",
        .spec = "mine.yaml",
        .store = "mine.h5"};
}

static void expect_line(const om_submission *s, const char *line)
{
    om_text script = {0};
    char whole[512];
    if (om_submission_script(s, &script) != OM_OK) fail_msg("%s", om_message());
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(script.data, whole) == NULL) fail_msg("no line '%s' in\n%s", line, script.data);
    om_text_free(&script);
}

static void the_head_says_what_is_asked(void **state)
{
    (void)state;
    om_submission s = usual();
    expect_line(&s, "#SBATCH --job-name=mine");
    expect_line(&s, "#SBATCH --nodes=2\n#SBATCH --ntasks-per-node=3\n#SBATCH --cpus-per-task=4\n"
                    "#SBATCH --mem=2G\n#SBATCH --time=1:00:00\n#SBATCH --signal=B:USR1@120");
    expect_line(&s, "program=/opt/ommatid\nspec=mine.yaml\nstore=mine.h5");
    om_text script = {0};
    assert_int_equal(om_submission_script(&s, &script), OM_OK);
    assert_null(strstr(script.data, "--partition"));
    assert_null(strstr(script.data, "--mail"));
    om_text_free(&script);
    strcpy(s.slurm.partition, "main");
    strcpy(s.slurm.mail_user, "me@here");
    expect_line(&s, "#SBATCH --partition=main");
    expect_line(&s, "#SBATCH --mail-user=me@here\n#SBATCH --mail-type=END,FAIL");
}

/* A job that is told before it has begun would never get anywhere. */
static void short_jobs_are_told_later(void **state)
{
    (void)state;
    om_submission s = usual();
    strcpy(s.slurm.time, "2");
    expect_line(&s, "#SBATCH --signal=B:USR1@30");
    strcpy(s.slurm.time, "8:00");
    expect_line(&s, "#SBATCH --signal=B:USR1@120");
    strcpy(s.slurm.time, "UNLIMITED");
    expect_line(&s, "#SBATCH --signal=B:USR1@120");
}

static void odd_words_are_quoted(void **state)
{
    (void)state;
    static const char *const extra[] = {"--exclusive", "--comment", "it's mine", ""};
    om_submission s = usual();
    s.spec = "my spec.yaml";
    s.store = "$HOME/it's.h5";
    s.extra = extra;
    s.n_extra = 4;
    expect_line(&s, "spec='my spec.yaml'\nstore='$HOME/it'\\''s.h5'");
    expect_line(&s, "#SBATCH --exclusive --comment 'it'\\''s mine' ''");
}

/* A partition that is fit for the points must be so for the job that merges them, too. */
static void merging_asks_for_no_more(void **state)
{
    (void)state;
    static const char *const extra[] = {"--reservation=lab"};
    om_submission s = usual();
    om_text script = {0};
    strcpy(s.slurm.time, "10");
    strcpy(s.slurm.partition, "quick");
    strcpy(s.slurm.constraint, "old");
    strcpy(s.merge_mem, "1000M");
    s.extra = extra;
    s.n_extra = 1;
    s.points = 3;
    assert_int_equal(om_merge_script(&s, &script), OM_OK);
    static const char *const lines[] = {
        "#SBATCH --job-name=mine-merge", "#SBATCH --partition=quick", "#SBATCH --constraint=old",
        "#SBATCH --time=00:10:00",       "#SBATCH --mem=1000M",       "#SBATCH --reservation=lab"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(script.data, lines[i]) == NULL) fail_msg("no %s in\n%s", lines[i], script.data);
    om_text_free(&script);
    strcpy(s.slurm.time, "2-00");
    assert_int_equal(om_merge_script(&s, &script), OM_OK);
    assert_non_null(strstr(script.data, "#SBATCH --time=00:30:00\n"));
    om_text_free(&script);
}

static void refused(const om_submission *s, const char *text)
{
    om_text script = {0};
    assert_int_equal(om_submission_script(s, &script), OM_EUSAGE);
    if (strstr(om_message(), text) == NULL) fail_msg("no '%s' in '%s'", text, om_message());
    om_text_free(&script);
}

static void what_would_break_a_line_is_refused(void **state)
{
    (void)state;
    static const char *const extra[] = {"--comment=a\n#SBATCH --time=1"};
    om_submission s = usual();
    s.extra = extra;
    s.n_extra = 1;
    refused(&s, "control character");
    s = usual();
    strcpy(s.slurm.time, "soon");
    refused(&s, "time limit 'soon': expected minutes");
    strcpy(s.slurm.time, "0");
    refused(&s, "time limit '0'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(times_are_written_as_they_are_read),
        cmocka_unit_test(sizes_are_told_from_others),
        cmocka_unit_test(names_are_fit_for_files),
        cmocka_unit_test(words_are_told_from_others),
        cmocka_unit_test(the_head_says_what_is_asked),
        cmocka_unit_test(short_jobs_are_told_later),
        cmocka_unit_test(odd_words_are_quoted),
        cmocka_unit_test(merging_asks_for_no_more),
        cmocka_unit_test(what_would_break_a_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
