/* A fixture for each test of a program, and what such tests do again and again. */
#ifndef STORE_BENCH_H
#define STORE_BENCH_H

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>

#include "store_fixture.h"

static fixture f; /* made anew for every test */

static inline int set_up(void **unused)
{
    (void)unused;
    fixture_create(&f);
    return 0;
}

static inline int tear_down(void **unused)
{
    (void)unused;
    fixture_free(&f);
    return 0;
}

static inline const char *new_store(void)
{
    const char *path = fixture_path(&f, "ensemble.h5");
    must(om_store_create(path, &f.plan));
    return path;
}

static inline om_store *open_store(const char *path, om_store_mode mode)
{
    om_store *store = NULL;
    must(om_store_open(path, mode, &store));
    return store;
}

static inline void commit(om_store *store, int model, uint64_t iteration)
{
    om_state *state = fixture_state(&f, (uint32_t)model, iteration);
    must(om_store_commit(store, model, state));
    om_free(state);
}

/* The iteration that is loaded, or -1 if there is no state; what is loaded must be whole. */
static inline int64_t loaded(om_store *store, int model)
{
    om_state *state = fixture_state(&f, 0, 0);
    bool found;
    must(om_store_load(store, model, state, &found));
    if (found) assert_true(fixture_is_whole(&f, state));
    int64_t iteration = found ? (int64_t)state->iteration : -1;
    om_free(state);
    return iteration;
}

static inline off_t file_bytes(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

/* Everything in the fixture's directory but the named file. */
static inline void assert_alone(const char *name)
{
    char command[256];
    snprintf(command, sizeof command, "test -z \"$(ls -A '%s' | grep -vx '%s')\"", f.directory,
             name);
    assert_int_equal(system(command), 0);
}

/* What h5 says about a dataset: where its data lie. */
static inline off_t data_offset(const char *path, const char *dataset, hsize_t *bytes)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = H5Dopen2(file, dataset, H5P_DEFAULT);
    assert_true(data >= 0);
    haddr_t offset = H5Dget_offset(data);
    *bytes = H5Dget_storage_size(data);
    H5Dclose(data);
    H5Fclose(file);
    return (off_t)offset;
}

/* Changes one byte of a model's slot. */
static inline void damage(const char *path, const char *dataset, int model, size_t byte)
{
    hsize_t bytes;
    off_t at = data_offset(path, dataset, &bytes) +
               (off_t)(bytes / FIXTURE_MODELS * (hsize_t)model + byte);
    int descriptor = open(path, O_RDWR);
    unsigned char value;
    assert_int_equal(pread(descriptor, &value, 1, at), 1);
    value ^= 0x10;
    assert_int_equal(pwrite(descriptor, &value, 1, at), 1);
    close(descriptor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
