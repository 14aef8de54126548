/* Tables of the report, at most 100 columns wide: a headline each, what is printed named in it. */
#include "cli/bench_print.h"

#include <stdio.h>

static const char *clock_of(const om_bench_report *r)
{
    return r->threads > 1 ? "wall time" : "CPU time";
}

static void print_head(const om_circuit *c, const om_bench_report *r)
{
    const om_machine *m = &r->machine;
    printf("%s\n%d core%s, last cache %.0f MB, load average %.2f before\n", m->processor, m->cores,
           m->cores == 1 ? "" : "s", m->cache_mb, m->load_average);
    printf("%s at extent %d, batch %d, %d time steps\n", c->name, c->extent, r->batch, r->frames);
    printf("%s kernels in %s precision, %d thread%s, %d repeat%s\n", r->isa,
           sizeof(om_real) == sizeof(float) ? "single" : "double", r->threads,
           r->threads == 1 ? "" : "s", r->repeats, r->repeats == 1 ? "" : "s");
    if (m->load_average > 0.5)
        printf("Other work ran here: expect worse figures, and less steady ones.\n");
}

static void print_pair(const char *what, double core, double all)
{
    printf("  %-32s %10.1f", what, core);
    if (all > 0) printf(" %10.1f", all);
    putchar('\n');
}

static void print_machine(const om_bench_report *r)
{
    const om_machine *m = &r->machine;
    printf("\nTHE MACHINE %34s %10s\n", "one core", m->peaks[0].all_gfma_s > 0 ? "all cores" : "");
    for (int i = 0; i < m->n_peaks; i++) {
        char what[48];
        snprintf(what, sizeof what, "multiply-adds, GFMA/s: %s", m->peaks[i].name);
        print_pair(what, m->peaks[i].core_gfma_s, m->peaks[i].all_gfma_s);
    }
    print_pair("reading memory, GB/s", m->core_read_gb_s, m->all_read_gb_s);
    print_pair("writing memory, GB/s", m->core_write_gb_s, m->all_write_gb_s);
}

static void print_iteration(const om_bench_report *r)
{
    static const char *const names[] = {"without activity penalty", "with activity penalty"};
    printf("\nONE ITERATION, ms of %s (quartiles); peak between the repeats %.1f GFMA/s a core\n",
           clock_of(r), r->peak_gfma_s.median);
    printf("  %-26s %8s %17s %8s %8s %7s %7s %7s\n", "", "ms", "", "least", "wall", "M FMA",
           "GFMA/s", "of peak");
    for (int i = 0; i < 2; i++) {
        const om_measured *m = &r->iteration[i];
        printf("  %-26s %8.2f (%7.2f-%7.2f) %8.2f %8.2f %7.0f %7.1f %5.0f %%\n", names[i],
               m->ms.median, m->ms.low, m->ms.high, m->ms.least, m->wall_ms.median,
               m->multiply_adds * 1e-6, m->multiply_adds * 1e-6 / m->ms.median, 100 * m->share);
    }
}

static void print_stages(const om_bench_report *r)
{
    printf(
        "\nITS STAGES, ms of %s (quartiles); M FMA of the direct algorithm; MB of arrays read and "
        "written\n",
        clock_of(r));
    printf("  %-26s %7s %15s %6s %7s %6s %6s", "", "ms", "", "M FMA", "of peak", "MB", "GB/s");
    puts(r->stages[0].plain_ms > 0 ? "  plain ms" : "");
    for (int i = 0; i < OM_ARITHMETIC_STAGES; i++) {
        const om_measured *m = &r->stages[i];
        printf("  %-26s %7.2f (%6.2f-%6.2f) %6.0f %5.0f %% %6.1f %6.1f", om_stage_titles[i],
               m->ms.median, m->ms.low, m->ms.high, m->multiply_adds * 1e-6, 100 * m->share,
               m->bytes * 1e-6, m->bytes * 1e-6 / m->ms.median);
        if (m->plain_ms > 0) printf(" %9.1f", m->plain_ms);
        putchar('\n');
    }
}

static void print_other(const om_bench_report *r)
{
    double whole = r->iteration[0].ms.median;
    printf("\nEVERYTHING ELSE IN AN ITERATION, ms and share of one without penalty\n");
    for (int i = OM_ARITHMETIC_STAGES; i < OM_STAGES; i++) {
        double ms = r->stages[i].ms.median;
        if (i == OM_STAGE_STEADY_STATE) ms /= r->iterations_per_pass;
        printf("  %-32s %8.3f %6.2f %%", om_stage_titles[i], ms, 100 * ms / whole);
        if (i == OM_STAGE_STEADY_STATE)
            printf("   %.2f ms once in %d iterations", r->stages[i].ms.median,
                   r->iterations_per_pass);
        putchar('\n');
    }
    printf("  %-32s %8.3f %6.2f %%\n", "together", r->other_ms, 100 * r->other_share);
}

static void print_threads(const om_bench_report *r)
{
    printf("\nTHREADS IN A RANK, ms of wall time (quartiles), without penalty\n");
    printf("  %-10s %8s %17s %8s %16s %8s\n", "threads", "ms", "", "speed", "", "of peak");
    for (int i = 0; i < r->n_threads; i++) {
        const om_bench_row *row = &r->by_threads[i];
        printf("  %-10d %8.2f (%7.2f-%7.2f) %8.2f (%6.2f -%6.2f) %6.0f %%\n", row->threads,
               row->ms.median, row->ms.low, row->ms.high, row->ratio.median, row->ratio.low,
               row->ratio.high, 100 * row->share);
    }
}

static void print_ranks(const om_bench_report *r)
{
    printf(
        "\nRANKS SIDE BY SIDE, one thread each, without penalty: iterations per second of all\n");
    printf("  %-10s %8s %17s %8s\n", "ranks", "per s", "", "speed");
    for (int i = 0; i < r->n_ranks; i++) {
        const om_bench_ranks *row = &r->by_ranks[i];
        printf("  %-10d %8.2f (%7.2f-%7.2f) %8.2f (%6.2f -%6.2f)\n", row->ranks, row->per_s.median,
               row->per_s.low, row->per_s.high, row->ratio.median, row->ratio.low, row->ratio.high);
    }
}

static void print_battery(const om_battery_time *b)
{
    printf("\nTHE LABORATORY'S BATTERY, s a model and core: all %d flashes and edges of validate\n",
           b->conditions);
    printf("  %-34s %8.2f\n", "one core at work", b->core_s);
    printf("  %-34s %8.2f\n", "all cores at work", b->all_s);
    printf("  %-34s %8.0f\n", "memory of a rank, MB", b->mb);
}

static void print_batches(const om_bench_report *r)
{
    printf("\nSAMPLES IN A BATCH, ms of wall time (quartiles), without penalty\n");
    printf("  %-9s %-47s %7d thread%s\n", "", "one thread", r->machine.cores,
           r->machine.cores == 1 ? "" : "s");
    printf("  %-9s %8s %17s %11s %8s %9s %8s\n", "samples", "ms", "", "ms a sample", "of peak",
           "ms", "speed");
    for (int i = 0; i < r->n_batches; i++) {
        const om_bench_row *row = &r->by_batch[i][0], *all = &r->by_batch[i][1];
        printf("  %-9d %8.2f (%7.2f-%7.2f) %11.2f %6.0f %% %9.2f %8.2f\n", row->batch,
               row->ms.median, row->ms.low, row->ms.high, row->ms.median / row->batch,
               100 * row->share, all->ms.median, all->ratio.median);
    }
    puts("  Samples go in fours: a batch costs what the next multiple of four does.");
}

void om_bench_print(const om_circuit *circuit, const om_bench_report *r)
{
    print_head(circuit, r);
    print_machine(r);
    print_iteration(r);
    print_stages(r);
    print_other(r);
    if (r->n_threads > 0) print_threads(r);
    if (r->n_ranks > 0) print_ranks(r);
    if (r->n_batches > 0) print_batches(r);
    if (r->battery.conditions > 0) print_battery(&r->battery);
}
