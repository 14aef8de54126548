/* The machine's limits. A core's peak is measured in this process, those of all cores side by side in
 * processes of their own. */
#include "bench/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "bench/series.h"
#include "model/kernels/probe.h"
#include "parallel/beside.h"
#include "parallel/ranks.h"

enum { TRIES = 8, ROUNDS = 20000 };
static const double SECONDS = 0.1; /* of a measurement in several processes */

/* ---- what it is ---- */

static void read_processor(char name[OM_PROCESSOR_BYTES])
{
    char line[256];
    snprintf(name, OM_PROCESSOR_BYTES, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL) return;
    while (fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(name, OM_PROCESSOR_BYTES, "%.95s", colon + 2);
        break;
    }
    fclose(file);
}

/* Bytes of the last level of cache; 32 MiB where nothing says. */
static double cache_bytes(void)
{
    double largest = 0;
    for (int i = 0; i < 8; i++) {
        char path[80], text[32];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        if (fgets(text, sizeof text, file) != NULL) {
            char *unit;
            double size = strtod(text, &unit) * (*unit == 'M' ? 0x1p20 : *unit == 'K' ? 0x1p10 : 1);
            if (size > largest) largest = size;
        }
        fclose(file);
    }
    return largest > 0 ? largest : 0x1p25;
}

/* ---- multiply-adds ---- */

double om_peak_now(const om_kernels *kernels, bool wall)
{
    const om_probe *probe = om_probe_of(kernels);
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        om_lap start = om_lap_start();
        double done = probe->multiply_add(ROUNDS);
        const om_lap lap = om_lap_since(start);
        double rate = done / (wall ? lap.wall_s : lap.cpu_s);
        if (rate > best) best = rate;
    }
    return best * 1e-9;
}

static om_status take_probe(const void *probe, void **own)
{
    *own = (void *)probe;
    return OM_OK;
}

static om_status multiply_add(void *own, double *done)
{
    *done = ((const om_probe *)own)->multiply_add(ROUNDS);
    return OM_OK;
}

static om_status measure_peaks(bool brief, om_machine *m)
{
    static const char *const sets[OM_MOST_SETS] = {"avx512", "avx2", "portable"};
    for (int i = 0; i < OM_MOST_SETS && sets[i] != NULL; i++) {
        const om_kernels *kernels;
        if (om_kernels_select(sets[i], &kernels) != OM_OK) continue; /* not on this machine */
        om_peak *peak = &m->peaks[m->n_peaks++];
        *peak = (om_peak){.name = kernels->name, .core_gfma_s = om_peak_now(kernels, false)};
        if (brief) continue;
        om_beside beside = {take_probe, multiply_add, om_probe_of(kernels), 0};
        OM_TRY(om_beside_rate(&beside, m->cores, SECONDS, &peak->all_gfma_s));
        peak->all_gfma_s *= 1e-9;
    }
    om_message_clear();
    return OM_OK;
}

/* ---- memory ---- */

/* A buffer that every process has one of. */
typedef struct stream {
    const om_probe *probe;
    size_t n; /* numbers */
    om_real *memory;
} stream;

static om_status take_buffer(const void *context, void **own)
{
    stream *s = NULL;
    OM_TRY(om_alloc(1, sizeof *s, &s));
    *s = *(const stream *)context;
    OM_TRY(om_alloc(s->n, sizeof(om_real), &s->memory));
    s->probe->write(s->memory, s->n, 1);
    *own = s;
    return OM_OK;
}

static om_status read_buffer(void *own, double *done)
{
    const stream *s = own;
    *done = (double)s->n * sizeof(om_real);
    return s->probe->read(s->memory, s->n) > 0 ? OM_OK : om_fail(OM_EFAIL, "memory lost a number");
}

static om_status write_buffer(void *own, double *done)
{
    const stream *s = own;
    *done = (double)s->n * sizeof(om_real);
    s->probe->write(s->memory, s->n, 1);
    return OM_OK;
}

static om_status measure_memory(bool brief, double cache, om_machine *m)
{
    const om_kernels *kernels;
    OM_TRY(om_kernels_select(m->peaks[0].name, &kernels));
    double bytes = 4 * cache < 0x1p27 ? 0x1p27 : 4 * cache > 0x1p30 ? 0x1p30 : 4 * cache;
    const struct {
        om_status (*work)(void *own, double *done);
        double *core, *all;
    } both[] = {{read_buffer, &m->core_read_gb_s, &m->all_read_gb_s},
                {write_buffer, &m->core_write_gb_s, &m->all_write_gb_s}};
    for (int i = 0; i < 2; i++)
        for (int all = 0; all < (brief ? 1 : 2); all++) {
            int n = all ? m->cores : 1;
            stream s = {.probe = om_probe_of(kernels)};
            s.n = (size_t)(bytes / n / sizeof(om_real)) / OM_PROBE_STEP * OM_PROBE_STEP;
            om_beside beside = {take_buffer, both[i].work, &s, 0};
            double *rate = all ? both[i].all : both[i].core;
            OM_TRY(om_beside_rate(&beside, n, SECONDS, rate));
            *rate *= 1e-9;
        }
    return OM_OK;
}

om_status om_machine_measure(bool brief, om_machine *m)
{
    double cache = cache_bytes();
    *m = (om_machine){.cores = om_rank_cores(), .cache_mb = cache * 1e-6};
    read_processor(m->processor);
    if (getloadavg(&m->load_average, 1) != 1) m->load_average = 0;
    OM_TRY(measure_peaks(brief, m));
    return measure_memory(brief, cache, m);
}
