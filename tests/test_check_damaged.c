/* ommatid check, and the commands that read a store, and any damage: of every byte that is flipped, anywhere in a store, it says something or nothing,
 * but it ends, in good order; and a byte of what it vouches for is never flipped unnoticed. */
#include <signal.h>
#include <spawn.h>

#include "base/clock.h"
#include "base/text.h"
#include "ommatid/om_random.h"
#include "store/schema.h"
#include "store_bench.h"

extern char **environ;

enum { ANYWHERE = 250, METADATA = 250, OF_EACH = 4, READ = 16, MOST_S = 100 };

static char whole[192], broken[192], made[192], out[192], err[192];
static char *bytes; /* of a whole store */
static size_t n_bytes;
static bool *is_data; /* [n_bytes] of a dataset */

/* A store that a real run has made. */
static int make_store(void **unused)
{
    (void)unused;
    fixture_create(&f);
    snprintf(whole, sizeof whole, "%s/whole.h5", f.directory);
    snprintf(broken, sizeof broken, "%s/broken.h5", f.directory);
    snprintf(made, sizeof made, "%s/made.h5", f.directory);
    snprintf(out, sizeof out, "%s/out", f.directory);
    snprintf(err, sizeof err, "%s/err", f.directory);
    char command[1024];
    const char *program = getenv("OMMATID");
    assert_non_null(program);
    snprintf(command, sizeof command,
             "'%s' run '%s/ensemble/tiny.yaml' -o '%s' -n 1 --quiet && cp '%s' '%s'", program,
             OM_TEST_DATA, whole, whole, broken);
    assert_int_equal(system(command), 0);
    must(om_read_file(whole, &bytes, &n_bytes));
    must(om_alloc(n_bytes, sizeof *is_data, &is_data));
    for (int i = 0; i < OM_N_FIELDS; i++) {
        hsize_t length;
        if (i == OM_MODEL_SOURCE) continue;
        off_t at = data_offset(whole, om_schema[i].path, &length);
        for (hsize_t k = 0; k < length; k++) is_data[(hsize_t)at + k] = true;
    }
    return 0;
}

static int remove_store(void **unused)
{
    om_free(bytes);
    om_free(is_data);
    return tear_down(unused);
}

/* Runs the program; what it printed is in out and err. Returns its exit status. */
static int run(char *const words[])
{
    const char *program = words[0];
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_addopen(&files, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    pid_t pid;
    int status;
    const double start = om_clock_s();
    assert_int_equal(posix_spawn(&pid, program, &files, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status)) fail_msg("%s was ended by signal %d", words[1], WTERMSIG(status));
    if (om_clock_s() - start > MOST_S) fail_msg("%s took %.0f s", words[1], om_clock_s() - start);
    return WEXITSTATUS(status);
}

static int prove(bool json)
{
    char *words[] = {getenv("OMMATID"), "check", broken, json ? "--json" : NULL, NULL};
    return run(words);
}

/* Sanitizers make everything slower. */
static int fewer(int n)
{
    const char *sanitized = getenv("OM_SANITIZED");
    return sanitized != NULL && strcmp(sanitized, "1") == 0 ? n / 2 : n;
}

static bool says(const char *file, const char *part)
{
    char *text = NULL;
    size_t length;
    must(om_read_file(file, &text, &length));
    bool there = strstr(text, part) != NULL;
    om_free(text);
    return there;
}

static void change(size_t at, char mask)
{
    const char value = (char)(bytes[at] ^ mask);
    int file = open(broken, O_WRONLY);
    assert_int_equal(pwrite(file, &value, 1, (off_t)at), 1);
    close(file);
}

/* One flipped byte. Returns whether it was noticed. */
static bool survives(size_t at, char mask, bool json, int *crashes)
{
    change(at, mask);
    const int code = prove(json);
    change(at, 0);
    char command[512];
    snprintf(command, sizeof command, "cat '%s' '%s'", out, err);
    /* a crash of HDF5 is one thing, a fault of ours, which sanitizers report, another */
    bool good = (code == 0 || code == 1 || code == 3) && !says(err, "runtime error") &&
                !says(err, "Sanitizer: ") &&
                (says(out, "{") || says(out, "\n") || says(err, "try:"));
    if (code == 1) good = good && (says(out, "\"damage\": true") || says(out, "damage: "));
    if (code == 3) good = good && says(err, "ommatid: ");
    if (code == 0) good = good && (says(out, "whole: ") || says(out, "\"whole\": true"));
    if (!good && system(command) >= 0)
        fail_msg("byte %zu ^ %02x: exit %d", at, (unsigned char)mask, code);
    *crashes += says(out, "reading it crashed");
    return code != 0;
}

static size_t draw_below(const om_stream *stream, uint32_t *draw, size_t n)
{
    return om_random_below(stream, (*draw)++, (uint32_t)n);
}

static char draw_mask(const om_stream *stream, uint32_t *draw)
{
    const size_t kind = draw_below(stream, draw, 2);
    return (char)(kind ? 1U << draw_below(stream, draw, 8) : 1 + draw_below(stream, draw, 255));
}

/* Sanitizers leave crashes of HDF5 to the program, and its requests for as much memory as a damaged size
 * says, as they are without them. */
static void leave_crashes(void)
{
    setenv("ASAN_OPTIONS", "handle_segv=0:handle_abort=0:allocator_may_return_null=1", 1);
}

static void test_no_flipped_byte_is_too_much(void **unused)
{
    (void)unused;
    leave_crashes();
    const om_stream stream = {7, 0, OM_FOR_INIT, 0, 0};
    uint32_t draw = 0;
    int noticed = 0, crashes = 0;
    for (int i = 0; i < fewer(ANYWHERE + METADATA); i++) {
        size_t at = draw_below(&stream, &draw, n_bytes);
        while (i % 4 < 2 && is_data[at]) at = draw_below(&stream, &draw, n_bytes);
        noticed += survives(at, draw_mask(&stream, &draw), i % 2 == 0, &crashes);
    }
    print_message("%d of %d noticed; reading crashed %d times\n", noticed,
                  fewer(ANYWHERE + METADATA), crashes);
    assert_true(noticed > fewer(METADATA) / 10);
}

/* What reads a store besides check; of `which` < READERS. Returns the exit status. */
enum { READERS = 7, QUICK = 5 /* the first ones */ };
static int read_by(int which)
{
    char *program = getenv("OMMATID"), *to = made;
    char *words[READERS][12] = {
        {program, "status", broken, "--all"},
        {program, "rank", broken},
        {program, "export", broken},
        {program, "compare", whole, broken},
        {program, "export", "--flat", broken, "0", "-o", to},
        {program, "predict", broken, "-e", "flashes", "-m", "0", "-n", "1", "-o", to},
        {program, "validate", broken, "-n", "1", "--measures", to},
    };
    const int code = run(words[which]);
    unlink(made);
    return code;
}

/* Whatever HDF5 does with a store, other commands say something and end, too. */
static void test_no_command_crashes(void **unused)
{
    (void)unused;
    leave_crashes();
    const om_stream stream = {11, 0, OM_FOR_INIT, 0, 0};
    uint32_t draw = 0;
    for (int i = 0; i < fewer(READ); i++) {
        size_t at = draw_below(&stream, &draw, n_bytes);
        while (is_data[at]) at = draw_below(&stream, &draw, n_bytes);
        change(at, draw_mask(&stream, &draw));
        const int code = read_by(i % QUICK);
        change(at, 0);
        bool good = (code == 0 || code == 1 || code == 3) && !says(err, "runtime error") &&
                    !says(err, "Sanitizer: ") && (code == 0 || says(err, "ommatid: "));
        if (!good) fail_msg("byte %zu: command %d: exit %d", at, i % QUICK, code);
    }
}

/* HDF5 1.10 crashes at some messages of a header that are said to be shared and are not: fill values, whose
 * type is 5. */
static void all_refuse(size_t at, char mask)
{
    change(at, mask);
    for (int i = 0; i < READERS; i++) {
        const int code = read_by(i);
        if (code != 3 || !says(err, "damaged: reading it crashed"))
            fail_msg("byte %zu: command %d: exit %d", at, i, code);
    }
    change(at, 0);
}

static void test_a_crash_of_hdf5_is_a_finding(void **unused)
{
    (void)unused;
    enum { FILL_VALUE = 5, SHARED = 2, FLAGS = 4, ALIGNED = 8, MOST_TRIES = 60 };
    leave_crashes();
    int crashes = 0, tries = 0;
    for (size_t at = 0; at + ALIGNED < n_bytes && crashes == 0 && tries < MOST_TRIES; at += ALIGNED)
        if (!is_data[at] && bytes[at] == FILL_VALUE && bytes[at + 1] == 0 &&
            bytes[at + FLAGS] == 1) {
            tries++;
            survives(at + FLAGS, SHARED, false, &crashes);
            if (crashes > 0) all_refuse(at + FLAGS, SHARED);
        }
    assert_true(tries > 0);
    if (crashes == 0) print_message("this version of HDF5 does not crash\n");
}

/* Bits of what follows from something else in the store, or is covered by a checksum. */
static void test_no_bit_of_what_counts_is_flipped_unnoticed(void **unused)
{
    (void)unused;
    static const om_field free_ones[] = {
        OM_MODEL_WORKER,  OM_MODEL_SECONDS,  OM_MODEL_ATTEMPTS,   OM_MODEL_MESSAGE, OM_MODEL_SOURCE,
        OM_RUN_TOKEN,     OM_RUN_JOB,        OM_RUN_TRAINERS,     OM_RUN_STARTED,   OM_RUN_UPDATED,
        OM_RUN_RATE,      OM_RUN_LEFT,       OM_VALIDATION_SCENE, OM_CHECKPOINT_A,  OM_CHECKPOINT_B,
        OM_RANKING_ERROR, OM_RANKING_SPREAD, OM_RANKING_STABILITY};
    const om_stream stream = {9, 0, OM_FOR_INIT, 0, 0};
    uint32_t draw = 0;
    int crashes = 0;
    for (int i = 0; i < OM_N_FIELDS; i++) {
        bool is_free = false;
        for (size_t k = 0; k < sizeof free_ones / sizeof *free_ones; k++)
            is_free |= free_ones[k] == (om_field)i;
        if (is_free) continue;
        hsize_t length;
        const off_t at = data_offset(whole, om_schema[i].path, &length);
        for (int k = 0; k < fewer(OF_EACH); k++) {
            const size_t byte = (size_t)at + draw_below(&stream, &draw, length);
            const char mask = (char)(1U << draw_below(&stream, &draw, 8));
            if (!survives(byte, mask, false, &crashes))
                fail_msg("%s: byte %zu ^ %02x was not noticed", om_schema[i].path, byte,
                         (unsigned char)mask);
        }
    }
}

/* Another number of the form is no damage. */
static void test_a_store_of_another_form_is_none(void **unused)
{
    (void)unused;
    hid_t file = H5Fopen(broken, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
    const int old = 1, own = OM_STORE_VERSION;
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT, &old) >= 0 &&
                H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
    assert_int_equal(prove(false), 3);
    assert_true(says(err, "format version 1, expected 3"));
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT, &own) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    assert_int_equal(prove(false), 0);
}

static void test_no_length_is_too_short(void **unused)
{
    (void)unused;
    leave_crashes();
    for (int i = 0; i < 16; i++) {
        const off_t length = (off_t)(n_bytes * (size_t)i / 16 + (size_t)i);
        assert_int_equal(truncate(broken, length), 0);
        const int code = prove(i % 2 == 0);
        if (code != (i == 0 ? 3 : 1)) fail_msg("cut to %ld bytes: exit %d", (long)length, code);
        FILE *file = fopen(broken, "w");
        assert_true(file != NULL && fwrite(bytes, 1, n_bytes, file) == n_bytes &&
                    fclose(file) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_flipped_byte_is_too_much),
        cmocka_unit_test(test_a_crash_of_hdf5_is_a_finding),
        cmocka_unit_test(test_no_command_crashes),
        cmocka_unit_test(test_no_bit_of_what_counts_is_flipped_unnoticed),
        cmocka_unit_test(test_a_store_of_another_form_is_none),
        cmocka_unit_test(test_no_length_is_too_short),
    };
    return cmocka_run_group_tests(tests, make_store, remove_store);
}
