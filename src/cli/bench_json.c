/* The report as JSON: every entry of a list has its name or number first, then `ms`, its median. */
#include "cli/bench_print.h"

/* Lower and upper quartile. */
static json_t *quartiles(om_spread s) { return json_pack("[f, f]", s.low, s.high); }

/* Of all cores at once there is nothing to tell where only one was measured. */
static void set_measured(json_t *json, const char *key, double value)
{
    if (value > 0) json_object_set_new(json, key, json_real(value));
}

static json_t *machine(const om_machine *m)
{
    json_t *peaks = json_array();
    for (int i = 0; i < m->n_peaks; i++) {
        json_t *peak = json_pack("{s:s}", "isa", m->peaks[i].name);
        set_measured(peak, "core_gfma_s", m->peaks[i].core_gfma_s);
        set_measured(peak, "all_cores_gfma_s", m->peaks[i].all_gfma_s);
        json_array_append_new(peaks, peak);
    }
    json_t *memory = json_object();
    set_measured(memory, "core_read_gb_s", m->core_read_gb_s);
    set_measured(memory, "core_write_gb_s", m->core_write_gb_s);
    set_measured(memory, "all_cores_read_gb_s", m->all_read_gb_s);
    set_measured(memory, "all_cores_write_gb_s", m->all_write_gb_s);
    return json_pack("{s:s, s:i, s:f, s:f, s:o, s:o}", "processor", m->processor, "cores", m->cores,
                     "last_cache_mb", m->cache_mb, "load_average", m->load_average, "peaks", peaks,
                     "bandwidth", memory);
}

/* clock: which of the two times ms is. */
static json_t *work(const char *name, const om_measured *m, int threads)
{
    json_t *json = json_pack("{s:s, s:f, s:o, s:f, s:f, s:s}", "name", name, "ms", m->ms.median,
                             "ms_spread", quartiles(m->ms), "ms_least", m->ms.least, "ms_wall",
                             m->wall_ms.median, "clock", threads > 1 ? "wall" : "thread_cpu");
    if (m->multiply_adds > 0)
        json_object_update_new(json, json_pack("{s:f, s:f}", "m_fma", m->multiply_adds * 1e-6,
                                               "share_of_peak", m->share));
    if (m->bytes > 0)
        json_object_update_new(json, json_pack("{s:f, s:f}", "mb", m->bytes * 1e-6, "gb_s",
                                               m->bytes * 1e-6 / m->ms.median));
    if (m->plain_ms > 0) json_object_set_new(json, "ms_plain", json_real(m->plain_ms));
    return json;
}

static json_t *iteration(const om_bench_report *r, int penalty)
{
    json_t *json =
        work(penalty ? "iteration_with_penalty" : "iteration", &r->iteration[penalty], r->threads);
    json_object_update_new(json,
                           json_pack("{s:i, s:b}", "threads", r->threads, "penalty", penalty));
    return json;
}

static json_t *stages(const om_bench_report *r, int first, int end)
{
    json_t *list = json_array();
    for (int i = first; i < end; i++)
        json_array_append_new(list, work(om_stage_keys[i], &r->stages[i], r->threads));
    return list;
}

static json_t *by_threads(const om_bench_report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_threads; i++) {
        const om_bench_row *row = &r->by_threads[i];
        json_array_append_new(list,
                              json_pack("{s:i, s:f, s:o, s:f, s:f, s:o}", "threads", row->threads,
                                        "ms", row->ms.median, "ms_spread", quartiles(row->ms),
                                        "share_of_peak", row->share, "speed", row->ratio.median,
                                        "speed_spread", quartiles(row->ratio)));
    }
    return list;
}

static json_t *by_ranks(const om_bench_report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_ranks; i++) {
        const om_bench_ranks *row = &r->by_ranks[i];
        json_array_append_new(
            list, json_pack("{s:i, s:f, s:o, s:f, s:o}", "ranks", row->ranks, "iterations_per_s",
                            row->per_s.median, "iterations_per_s_spread", quartiles(row->per_s),
                            "speed", row->ratio.median, "speed_spread", quartiles(row->ratio)));
    }
    return list;
}

static json_t *by_batch(const om_bench_report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_batches; i++) {
        const om_bench_row *row = &r->by_batch[i][0], *all = &r->by_batch[i][1];
        json_array_append_new(list, json_pack("{s:i, s:f, s:o, s:f, s:f, s:{s:i, s:f, s:f}}",
                                              "batch", row->batch, "ms", row->ms.median,
                                              "ms_spread", quartiles(row->ms), "ms_per_sample",
                                              row->ms.median / row->batch, "share_of_peak",
                                              row->share, "all_cores", "threads", all->threads,
                                              "ms", all->ms.median, "speed", all->ratio.median));
    }
    return list;
}

json_t *om_bench_json(const om_circuit *c, const om_bench_report *r)
{
    json_t *json = json_pack(
        "{s:o, s:s, s:i, s:i, s:i, s:s, s:i, s:s}", "machine", machine(&r->machine), "circuit",
        c->name, "extent", c->extent, "batch", r->batch, "time_steps", r->frames, "isa", r->isa,
        "repeats", r->repeats, "real", sizeof(om_real) == sizeof(float) ? "float" : "double");
    json_object_update_new(json, json_pack("{s:f, s:o, s:f}", "peak_gfma", r->peak_gfma_s.median,
                                           "peak_gfma_spread", quartiles(r->peak_gfma_s),
                                           "bandwidth_gb_s", r->machine.core_read_gb_s));
    json_object_set_new(json, "iteration", iteration(r, 0));
    json_object_set_new(json, "iteration_with_penalty", iteration(r, 1));
    json_object_set_new(json, "kernels", stages(r, 0, OM_ARITHMETIC_STAGES));
    json_object_set_new(json, "everything_else",
                        json_pack("{s:f, s:f, s:i, s:o}", "ms", r->other_ms, "share_of_iteration",
                                  r->other_share, "iterations_per_pass", r->iterations_per_pass,
                                  "parts", stages(r, OM_ARITHMETIC_STAGES, OM_STAGES)));
    if (r->n_threads > 0) json_object_set_new(json, "threads", by_threads(r));
    if (r->n_ranks > 0) json_object_set_new(json, "ranks", by_ranks(r));
    if (r->n_batches > 0) json_object_set_new(json, "batches", by_batch(r));
    const om_battery_time *b = &r->battery;
    if (b->conditions > 0)
        json_object_set_new(
            json, "battery",
            json_pack("{s:i, s:f, s:f, s:f}", "conditions", b->conditions, "s_per_model_and_core",
                      b->core_s, "s_per_model_and_core_all_at_work", b->all_s, "rank_mb", b->mb));
    return json;
}
