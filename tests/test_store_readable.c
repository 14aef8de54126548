/* Stores and films in other programs' hands: films come back, h5dump and xarray read what is there,
 * and the documentation says what that is. */
#include <math.h>
#include <mpi.h>

#include "base/text.h"
#include "store/schema.h"
#include "store_bench.h"

static void test_films_come_back(void **unused)
{
    (void)unused;
    const char *path = fixture_path(&f, "films.h5");
    must(om_scenes_save(f.scenes, path));
    om_scenes *back = NULL;
    must(om_scenes_load(path, &back));
    assert_int_equal(back->checksum, f.scenes->checksum);
    assert_int_equal(back->n_training, FIXTURE_TRAINING);
    assert_int_equal(back->n_validation, FIXTURE_VALIDATION);
    assert_true(back->extent == 1 && back->frame_rate_hz == 24);
    assert_string_equal(back->sequences[5].name, "noise-005");
    assert_int_equal(back->sequences[5].offset, 5 * FIXTURE_FRAMES);
    size_t n = back->n_frames * (size_t)back->n_columns;
    assert_memory_equal(back->luminance, f.scenes->luminance, n * sizeof(float));
    assert_memory_equal(back->flow, f.scenes->flow, 2 * n * sizeof(float));
    om_scenes_free(back);
}

static void test_damaged_films_are_refused(void **unused)
{
    (void)unused;
    om_scenes *back = NULL;
    const char *path = fixture_path(&f, "films.h5");
    must(om_scenes_save(f.scenes, path));
    damage(path, "/flow", 0, 5);
    must_say(om_scenes_load(path, &back), OM_EDATA, "checksum of the films");
    damage(path, "/flow", 0, 5);
    damage(path, "/frames", 0, 0);
    must_say(om_scenes_load(path, &back), OM_EDATA, "sequence 1 (noise-001)");
    assert_null(back);
    f.scenes->flow[0] += 1;
    path = fixture_path(&f, "changed.h5");
    must_say(om_scenes_save(f.scenes, path), OM_EUSAGE, "changed since they were sealed");
    f.scenes->flow[0] = NAN;
    must_say(om_scenes_save(f.scenes, path), OM_EDATA, "flow is nan");
    assert_alone("films.h5");
}

/* Runs a command; skips where a tool is missing (127, or 77 as the scripts say it). */
static void run_or_skip(const char *command)
{
    int code = WEXITSTATUS(system(command));
    if (code == 127 || code == 77) {
        print_message("skipped: a tool is not installed: %s\n", command);
        skip();
    }
    if (code != 0) fail_msg("exit code %d: %s", code, command);
}

static const char *example_store(void)
{
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    commit(store, 0, 1);
    const om_model_row row = {.seed = 2024, .worker = 1, .message = "caf\xc3\xa9"};
    must(om_store_write_row(store, 1, &row));
    om_store_close(store);
    return path;
}

static void test_h5dump_prints_it(void **unused)
{
    (void)unused;
    char command[512];
    snprintf(command, sizeof command, "h5dump -d /params/resting_potential '%s' > '%s'",
             example_store(), fixture_path(&f, "dump"));
    run_or_skip(command);
    snprintf(command, sizeof command, "h5dump '%s' > /dev/null", fixture_path(&f, "ensemble.h5"));
    run_or_skip(command);
}

static void test_xarray_shows_labelled_axes(void **unused)
{
    (void)unused;
    char command[512];
    const char *store = example_store(), *films = fixture_path(&f, "films.h5");
    must(om_scenes_save(f.scenes, films));
    snprintf(command, sizeof command,
             "/usr/bin/python3 '" OM_PROJECT "/tests/store_xarray.py' '%s' '%s'", store, films);
    run_or_skip(command);
}

/* docs/store.md holds the table that the schema gives (`test_store_readable schema` prints it). */
static void test_the_documentation_has_the_schema(void **unused)
{
    (void)unused;
    om_text table = {0};
    om_schema_describe(&table);
    char *page = NULL;
    size_t length;
    must(om_read_file(OM_PROJECT "/docs/store.md", &page, &length));
    if (strstr(page, table.data) == NULL)
        fail_msg("docs/store.md lacks this table:\n%s", table.data);
    om_free(page);
    om_text_free(&table);
}

static int print_schema(void)
{
    om_text table = {0};
    om_schema_describe(&table);
    fputs(table.data, stdout);
    om_text_free(&table);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "schema") == 0) return print_schema();
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(test_films_come_back),
        TEST(test_damaged_films_are_refused),
        TEST(test_h5dump_prints_it),
        TEST(test_xarray_shows_labelled_axes),
        TEST(test_the_documentation_has_the_schema),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
