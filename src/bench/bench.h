/* How fast is a training iteration here, and how near to what the machine can do? Everything in one
 * report, measured in one run, as machines and their neighbours change from minute to minute. */
#ifndef OM_BENCH_H
#define OM_BENCH_H

#include "bench/battery.h"
#include "bench/machine.h"
#include "bench/series.h"
#include "bench/work.h"

enum { OM_MOST_ROWS = 16 };

typedef struct om_bench_options {
    const om_circuit *circuit;
    const char *isa; /* instruction set of all kernels; NULL: the one that training would take */
    int threads;     /* of an iteration */
    int repeats;     /* 1..OM_MOST_REPEATS */
    bool quick;      /* the machine, the iteration and its stages only */
    void (*tell)(const char *what); /* what is measured next; NULL: nobody wants to know */
} om_bench_options;

/* Some work that was timed: ms is CPU time of one thread, or wall time of several. */
typedef struct om_measured {
    om_spread ms, wall_ms;
    double multiply_adds, bytes; /* om_work */
    double share;                /* of the peak of as many cores, measured between the repeats */
    double plain_ms;             /* of the plain kernels, on one thread; 0: not measured */
} om_measured;

/* A whole iteration by number of threads or of samples. */
typedef struct om_bench_row {
    int threads, batch;
    om_spread ms;    /* wall time */
    double share;    /* of the peak of as many cores */
    om_spread ratio; /* threads: speed against one, repeat by repeat */
} om_bench_row;

typedef struct om_bench_ranks {
    int ranks;
    om_spread per_s; /* iterations of all ranks together */
    om_spread ratio; /* against one rank, round by round */
} om_bench_ranks;

typedef struct om_bench_report {
    om_machine machine;
    const char *isa;
    int threads, repeats, batch, frames; /* frames: time steps of a film */
    int iterations_per_pass;
    om_spread peak_gfma_s;    /* of a core, as measured between the repeats */
    om_measured iteration[2]; /* without and with activity penalty */
    om_measured stages[OM_STAGES];
    double other_ms, other_share; /* stages without arithmetic; of an iteration without penalty */
    int n_threads, n_ranks, n_batches;
    om_bench_row by_threads[OM_MOST_ROWS];
    om_bench_row by_batch[OM_MOST_ROWS][2]; /* one thread; as many as there are cores */
    om_bench_ranks by_ranks[OM_MOST_ROWS];
    om_battery_time battery; /* zeros: not measured */
} om_bench_report;

/* Errors: OM_EUSAGE (instruction set), OM_ENOMEM, OM_EFAIL. Sets OMMATID_ISA. */
om_status om_bench_run(const om_bench_options *options, om_bench_report *report);

#endif
