/* ommatid bench: how fast training is here, beside what the machine can do. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "cli/bench_print.h"
#include "cli/command.h"
#include "report/pictures.h"
#include "report/plot.h"

enum { PAPER_EXTENT = 15 };
static const double PATIENCE_S = 5; /* what is over sooner needs no progress */

static struct {
    const char *circuit, *isa, *plot;
    int extent, threads, repeats;
    bool quick;
} set = {.extent = PAPER_EXTENT, .threads = 1, .repeats = 15};

static const om_option options[] = {
    {"circuit", 0, OM_OPTION_FILE, "CIRCUIT",
     "name or file; default: flyvis-v2.2 where it was fetched, else motion-pathway",
     .value = &set.circuit},
    {"extent", 0, OM_OPTION_INT, "N", "columns from the centre to the edge; default: 15",
     .value = &set.extent, .least = 1, .most = OM_LATTICE_MAX_EXTENT},
    {"isa", 0, OM_OPTION_TEXT, "NAME",
     "instruction set: avx512, avx2, portable or plain; default: the fastest here",
     .value = &set.isa},
    {"threads", 0, OM_OPTION_INT, "T", "threads of the iteration and its stages; default: 1",
     .value = &set.threads, .least = 1, .most = 1024},
    {"repeats", 0, OM_OPTION_INT, "N", "of what is quick; what is slow has fewer; default: 15",
     .value = &set.repeats, .least = 1, .most = OM_MOST_REPEATS},
    {"quick", 0, OM_OPTION_FLAG, NULL, "the machine, an iteration and its stages only",
     .value = &set.quick},
    {"plot", 0, OM_OPTION_FILE, "FILE", "draw the stages under the machine's roof, .svg or .png",
     .value = &set.plot},
    {0},
};

static double started_s;

static void tell(const char *what)
{
    double passed_s = om_clock_s() - started_s;
    if (passed_s > PATIENCE_S) fprintf(stderr, "%4.0f s: measuring %s\n", passed_s, what);
}

/* The full connectome, if tools/fetch-connectome has put it where circuits are looked for. */
static const char *usual_circuit(void)
{
    char folder[PATH_MAX], path[PATH_MAX + 32];
    om_status status = om_circuit_folder(folder, sizeof folder);
    om_message_clear();
    if (status != OM_OK) return "motion-pathway";
    snprintf(path, sizeof path, "%s/flyvis-v2.2.circuit", folder);
    return access(path, F_OK) == 0 ? "flyvis-v2.2" : "motion-pathway";
}

/* The kernels, which are all stages before the whole decoder's: each by its multiply-adds for a byte,
 * under the peak and the bandwidth of one core. */
static om_status draw(const om_circuit *circuit, const om_bench_report *r)
{
    char title[160];
    om_roofline_mark marks[OM_STAGE_DECODER];
    for (int i = 0; i < OM_STAGE_DECODER; i++) {
        const om_measured *m = &r->stages[i];
        marks[i] = (om_roofline_mark){om_stage_titles[i], m->multiply_adds / m->bytes,
                                      m->multiply_adds * 1e-6 / m->ms.median / r->threads};
    }
    snprintf(title, sizeof title, "%s at extent %d, batch %d, %s kernels, %d thread%s",
             circuit->name, circuit->extent, r->batch, r->isa, r->threads,
             r->threads == 1 ? "" : "s");
    const om_roofline_picture picture = {.title = title,
                                         .machine = r->machine.processor,
                                         .peak_gfma_s = r->peak_gfma_s.median,
                                         .bandwidth_gb_s = r->machine.core_read_gb_s,
                                         .n_marks = OM_STAGE_DECODER,
                                         .marks = marks};
    return om_draw_roofline(set.plot, &picture);
}

static om_status run(const om_arguments *args)
{
    om_circuit *circuit;
    om_bench_report report;
    started_s = om_clock_s();
    if (set.plot != NULL) OM_TRY(om_plot_check(set.plot));
    OM_TRY(
        om_circuit_open(set.circuit != NULL ? set.circuit : usual_circuit(), set.extent, &circuit));
    const om_bench_options bench = {.circuit = circuit,
                                    .isa = set.isa,
                                    .threads = set.threads,
                                    .repeats = set.repeats,
                                    .quick = set.quick,
                                    .tell = args->quiet ? NULL : tell};
    om_status status = om_bench_run(&bench, &report);
    if (status == OM_OK && args->json)
        status = om_command_print_json(om_bench_json(circuit, &report));
    else if (status == OM_OK)
        om_bench_print(circuit, &report);
    if (status == OM_OK && set.plot != NULL) status = draw(circuit, &report);
    om_circuit_free(circuit);
    return status;
}

const om_command om_cmd_bench = {
    .name = "bench",
    .summary = "how fast training is here, beside what the machine can do",
    .synopsis = "[--quick] [--plot FILE]",
    .details =
        "Measures the peak of a core in multiply-adds and memory's bandwidth, an iteration of "
        "training and\n"
        "its stages, threads, ranks side by side, sizes of a batch and the plain kernels, in "
        "one run and in\n"
        "turns. One thread is timed by its CPU time, several by the wall. At full size it "
        "takes a minute\n"
        "or two; nothing else should run meanwhile. --plot draws, by gnuplot, how near each stage "
        "comes to\n"
        "the peak and to what memory can feed (a roofline).",
    .options = options,
    .json = true,
    .example = "ommatid bench\nommatid bench --quick --circuit motion-pathway --extent 9 --json",
    .run = run,
};
