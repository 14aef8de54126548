/* What a trainer and its parts allocate is what they said, and goes back when they are freed; blocks of
 * memory; what is left of a machine's. The calls that take memory from the system are counted (--wrap). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "ensemble/workload.h"
#include "model/decoder.h"
#include "model/network.h"
#include "ommatid/om_spec.h"

static void must(om_status status)
{
    if (status != OM_OK) fail_msg("%s", om_message());
}

/* ---- counting ---- */

enum { MOST_BLOCKS = 1 << 16 };
static struct {
    void *memory;
    size_t bytes;
} blocks[MOST_BLOCKS];
static int n_blocks;
static size_t mapped;

void *__real_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
int __real_munmap(void *memory, size_t bytes);
int __wrap_munmap(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *memory);
void __wrap_free(void *memory);

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    mapped += bytes;
    return __real_mmap(at, bytes, protection, flags, file, offset);
}

int __wrap_munmap(void *memory, size_t bytes)
{
    mapped -= bytes;
    return __real_munmap(memory, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    void *memory = __real_aligned_alloc(alignment, bytes);
    assert_true(n_blocks < MOST_BLOCKS);
    blocks[n_blocks].memory = memory;
    blocks[n_blocks++].bytes = bytes;
    return memory;
}

void __wrap_free(void *memory)
{
    for (int i = n_blocks - 1; i >= 0; i--)
        if (blocks[i].memory == memory) {
            blocks[i] = blocks[--n_blocks];
            break;
        }
    __real_free(memory);
}

static size_t in_use(void)
{
    size_t bytes = mapped;
    for (int i = 0; i < n_blocks; i++) bytes += blocks[i].bytes;
    return bytes;
}

/* ---- trainers ---- */

typedef struct size {
    const char *circuit;
    int extent, batch, frames, threads;
    om_activation activation;
    om_convolution convolution;
    double t_fade_in_s;
} size;

static void trainer_takes_what_it_said(const size *s)
{
    om_spec spec;
    om_circuit *c;
    om_workload w;
    om_trainer *trainer;
    size_t said;
    om_spec_defaults(&spec);
    om_train_options *o = &spec.train;
    o->batch_size = s->batch;
    o->batch.frames = s->frames;
    o->model.activation = s->activation;
    o->convolution = s->convolution;
    o->t_fade_in_s = s->t_fade_in_s;
    must(om_circuit_open(s->circuit, s->extent, &c));
    must(om_workload_create(c, o, s->batch + 1, &w));
    const size_t before = in_use();
    must(om_trainer_memory(c, w.scenes, o, s->threads, NULL, &said));
    assert_int_equal(in_use(), before);
    must(om_trainer_create(c, w.scenes, o, s->threads, NULL, NULL, &trainer));
    const double took = (double)(in_use() - before), error = (double)said / took - 1;
    printf("%-16.16s extent %2d batch %d frames %2d threads %d: %7.2f MB, %+.2f %%\n", c->name,
           s->extent, s->batch, s->frames, s->threads, took / 1e6, 100 * error);
    if (!(error > -0.02 && error < 0.02)) fail_msg("%zu bytes said, %.0f taken", said, took);
    om_trainer_free(trainer);
    assert_int_equal(in_use(), before);
    om_workload_free(&w);
    om_circuit_free(c);
}

static void trainers_take_what_they_said(void **state)
{
    (void)state;
    static const char *const motion = "motion-pathway", *const small =
                                                            OM_TEST_DATA "/circuit/small.circuit";
    static const size sizes[] = {
        {motion, 15, 4, 19, 1, OM_RELU, OM_CONVOLUTION_AUTO, 0},
        {motion, 15, 4, 19, 4, OM_RELU, OM_CONVOLUTION_DIRECT, 0},
        {motion, 15, 5, 7, 2, OM_ELU, OM_CONVOLUTION_FFT, 0.3},
        {motion, 9, 9, 10, 3, OM_RELU, OM_CONVOLUTION_AUTO, 0},
        {motion, 4, 4, 10, 1, OM_ELU, OM_CONVOLUTION_AUTO, 0.1},
        {motion, 2, 1, 2, 1, OM_RELU, OM_CONVOLUTION_AUTO, 0},
        {small, 15, 4, 19, 2, OM_RELU, OM_CONVOLUTION_AUTO, 0},
        {small, 3, 8, 60, 1, OM_RELU, OM_CONVOLUTION_DIRECT, 0},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        trainer_takes_what_it_said(&sizes[i]);
}

/* ---- networks and decoders of experiments ---- */

/* What they take is what they said. */
static double model_takes(const om_circuit *c, om_convolution convolution, bool forward_only)
{
    om_network_options n = {.batch = 6,
                            .frames = 20,
                            .dt_s = 0.02,
                            .threads = 2,
                            .activation = OM_ELU,
                            .forward_only = forward_only};
    om_decoder_options d = {.batch = n.batch,
                            .frames = n.frames,
                            .threads = n.threads,
                            .convolution = convolution,
                            .forward_only = forward_only};
    om_network *network;
    om_decoder *decoder;
    must(om_kernels_select(NULL, &n.kernels));
    d.kernels = n.kernels;
    const size_t before = in_use();
    must(om_network_create(c, &n, &network));
    const om_geometry *g = om_network_geometry(network);
    must(om_decoder_create(c, g, &d, &decoder));
    const double took = (double)(in_use() - before);
    const double said = (double)(om_network_bytes(c, g, &n) + om_decoder_bytes(c, g, &d));
    if (fabs(said / took - 1) > 0.02) fail_msg("%.0f bytes said, %.0f taken", said, took);
    om_decoder_free(decoder);
    om_network_free(network);
    assert_int_equal(in_use(), before);
    return took;
}

static void what_goes_forward_only_has_no_gradients(void **state)
{
    (void)state;
    om_circuit *c;
    must(om_circuit_open("motion-pathway", 9, &c));
    for (om_convolution method = OM_CONVOLUTION_DIRECT; method <= OM_CONVOLUTION_FFT; method++) {
        double both = model_takes(c, method, false), forward = model_takes(c, method, true);
        printf("%s: %.1f MB, forward only %.1f MB\n", om_convolution_names[method], both / 1e6,
               forward / 1e6);
        assert_true(forward < 0.7 * both);
    }
    om_circuit_free(c);
}

/* ---- blocks ---- */

static bool is_zero(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0) return false;
    return true;
}

/* Of all sizes, used before or not. */
static void blocks_are_zeroed_and_aligned(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 64, 100, 4097, (2 << 20) - 1, 2 << 20, (5 << 20) + 3};
    const size_t before = in_use();
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            char *memory;
            must(om_alloc(sizes[i], 1, &memory));
            assert_int_equal((uintptr_t)memory % (sizes[i] >= 2 << 20 ? 2 << 20 : 64), 0);
            assert_true(is_zero(memory, sizes[i]));
            memset(memory, 1, sizes[i]);
            om_free(memory);
        }
    om_free(NULL);
    assert_int_equal(in_use(), before);
    char *none = (char *)&none;
    assert_int_equal(om_alloc(SIZE_MAX / 2, 3, &none), OM_ENOMEM);
    assert_null(none);
    assert_int_equal(om_alloc(SIZE_MAX / 4, 1, &none), OM_ENOMEM);
    assert_null(none);
}

/* Large blocks in any order of freeing, small ones in between. */
static void blocks_are_freed_in_any_order(void **state)
{
    (void)state;
    enum { N = 7 };
    char *memory[N];
    const size_t before = in_use();
    for (int i = 0; i < N; i++)
        must(om_alloc(i % 3 == 0 ? 10 : (size_t)(3 + i) << 20, 1, &memory[i]));
    for (int i = 0; i < N; i++) om_free(memory[i * 3 % N]);
    assert_int_equal(in_use(), before);
}

/* Pages that nobody touched take no room. */
static void untouched_pages_are_not_there(void **state)
{
    (void)state;
    enum { PAGES = 8192, BYTES = PAGES * 4096 };
    static unsigned char there[PAGES];
    char *memory;
    must(om_alloc(BYTES, 1, &memory));
    memory[BYTES / 2] = 1;
    assert_int_equal(mincore(memory, BYTES, there), 0);
    int n = 0;
    for (int i = 0; i < PAGES; i++) n += there[i] & 1;
    assert_in_range(n, 1, 512); /* one page, small or huge */
    om_free(memory);
}

/* ---- what is left ---- */

static char root[] = "/tmp/om-memory-XXXXXX";

static void put(const char *path, const char *text)
{
    char name[256];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *slash = strchr(name + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(name, 0777);
        *slash = '/';
    }
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void what_is_left_is_the_least_of_all_limits(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(om_memory_available(root), 0);
    put("/proc/meminfo", "MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:    5000 kB\n");
    assert_int_equal(om_memory_available(root), 5000 * 1024);
    /* version 2: a limit above the group's own, files that can be dropped */
    put("/proc/self/cgroup", "0::/job/step\n");
    put("/sys/fs/cgroup/job/step/memory.max", "max\n");
    put("/sys/fs/cgroup/job/step/memory.current", "1000\n");
    assert_int_equal(om_memory_available(root), 5000 * 1024);
    put("/sys/fs/cgroup/job/memory.max", "100000\n");
    put("/sys/fs/cgroup/job/memory.current", "70000\n");
    assert_int_equal(om_memory_available(root), 30000);
    put("/sys/fs/cgroup/job/memory.stat", "anon 1\nfile 2\ninactive_file 20000\n");
    assert_int_equal(om_memory_available(root), 50000);
    put("/sys/fs/cgroup/job/step/memory.max", "1500\n");
    assert_int_equal(om_memory_available(root), 500);
    put("/sys/fs/cgroup/job/step/memory.current", "2000\n");
    assert_int_equal(om_memory_available(root), 0);
    /* version 1, as a container sees it: only the mount's own files are there */
    put("/proc/self/cgroup", "5:cpu:/a\n4:memory:/docker/123\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "70000\n");
    assert_int_equal(om_memory_available(root), 5000 * 1024);
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "80000\n");
    put("/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 50000\n");
    assert_int_equal(om_memory_available(root), 60000);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

static void this_machine_has_memory(void **state)
{
    (void)state;
    uint64_t left = om_memory_available("");
    assert_in_range(left, 1 << 20,
                    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trainers_take_what_they_said),
        cmocka_unit_test(what_goes_forward_only_has_no_gradients),
        cmocka_unit_test(blocks_are_zeroed_and_aligned),
        cmocka_unit_test(blocks_are_freed_in_any_order),
        cmocka_unit_test(untouched_pages_are_not_there),
        cmocka_unit_test(what_is_left_is_the_least_of_all_limits),
        cmocka_unit_test(this_machine_has_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
