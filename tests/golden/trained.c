/* Responses of published models: trained_*.h5. Their parameters are those of SHARED/paper-ensemble, what
 * they see are the stored frames of FOLDER/stimuli_eEXTENT.h5 (so that nothing rests on rendering) and
 * the film of FOLDER/full_eEXTENT.h5. Every film of the laboratory begins with a second of grey behind
 * a second of settling: networks settle for both at once, and films begin with the stimulus.
 *
 * Limits: the reference's synapse counts went through a logarithm in single precision. */
#include "trained.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 128, GREY_STEPS = 200 /* a second */, MOVIE_STEPS = 25, EDGE_BATCH = 4 };

static const double lab_dt_s = 1.0 / 200, movie_dt_s = 0.02;
static const double voltage_limit = 2e-6, flow_limit = 2e-5;

/* Compares with model_NNN/NAME, relative to the largest. */
static void compare(trained *t, int n, const double *actual, double limit, const char *name)
{
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/%s", t->group, name);
    double *expected = check_read(t->c, n, NULL, "%s", path);
    if (expected != NULL) check_largest(t->c, path, n, actual, expected, limit);
    free(expected);
}

/* Central voltages [batch][frames][types] of a film [batch][frames][columns], after `grey` steps. */
static double *respond(trained *t, int grey, int batch, int frames, const double *films)
{
    const int types = t->e.circuit->n_types, columns = t->e.circuit->n_columns;
    om_network *network = ensemble_network(t->c, &t->e, batch, frames, lab_dt_s, grey);
    if (network == NULL) return NULL;
    double *voltage = check_zeros(batch * frames * types);
    for (int s = 0; s < batch; s++)
        ensemble_show(&t->e, network, s, frames, films + s * frames * columns);
    om_network_forward(network);
    for (int i = 0; i < batch * frames; i++)
        ensemble_centre(&t->e, network, i / frames, i % frames, voltage + i * types);
    om_network_free(network);
    return voltage;
}

/* ---- grey ---- */

/* Sums of voltages and of their squares over the cells of every type [types] after a frame. */
static void type_sums(const ensemble *e, const om_network *network, int frame, double *sum,
                      double *square)
{
    const om_circuit *circuit = e->circuit;
    double *cells = check_zeros((int)circuit->n_cells), *next = cells;
    check_cells(circuit, network, 0, frame, cells);
    for (int k = 0; k < circuit->n_types; k++) {
        sum[k] = square[k] = 0;
        for (int i = 0; i < circuit->types[k].cells; i++, next++) {
            sum[k] += *next;
            square[k] += *next * *next;
        }
    }
    free(cells);
}

static void compare_grey(trained *t)
{
    const int types = t->e.circuit->n_types, n = GREY_STEPS * t->e.circuit->n_columns;
    double *film = check_zeros(n), *central = check_zeros(GREY_STEPS * types);
    double *sum = check_zeros(types), *square = check_zeros(types), *steady = check_zeros(types);
    for (int i = 0; i < n; i++) film[i] = 0.5;
    om_network *network = ensemble_network(t->c, &t->e, 1, GREY_STEPS, lab_dt_s, GREY_STEPS);
    if (network != NULL) {
        ensemble_show(&t->e, network, 0, GREY_STEPS, film);
        om_network_forward(network);
        ensemble_centre(&t->e, network, 0, -1, steady);
        type_sums(&t->e, network, -1, sum, square);
        for (int f = 0; f < GREY_STEPS; f++)
            ensemble_centre(&t->e, network, 0, f, central + f * types);
        compare(t, types, steady, voltage_limit, "steady_central");
        compare(t, types, sum, voltage_limit, "steady_type_sum");
        compare(t, types, square, voltage_limit, "steady_type_square_sum");
        compare(t, GREY_STEPS * types, central, voltage_limit, "grey");
    }
    om_network_free(network);
    free(film);
    free(central);
    free(sum);
    free(square);
    free(steady);
}

/* ---- flashes and edges ---- */

/* Opens a file of FOLDER; its absence is reported as skipped. */
static hid_t open_beside(check *c, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) check_skip(c, "%s cannot be opened: what needs it is left out", path);
    return file;
}

double *trained_flashes(trained *t, int *conditions, int *frames)
{
    const int columns = t->e.circuit->n_columns;
    hid_t own = t->c->file;
    int n_on;
    t->c->file = t->stimuli;
    double *intensity = check_read(t->c, -1, conditions, "flash/intensity");
    double *baseline = check_read(t->c, *conditions, NULL, "flash/baseline");
    double *disc = check_read(t->c, *conditions * columns, NULL, "flash/disc");
    double *on = check_read(t->c, -1, &n_on, "flash/on"), *voltage = NULL;
    t->c->file = own;
    *frames = n_on - GREY_STEPS;
    if (intensity != NULL && baseline != NULL && disc != NULL && on != NULL && *frames > 0) {
        double *films = check_zeros(*conditions * *frames * columns), *next = films;
        for (int k = 0; k < *conditions; k++)
            for (int f = GREY_STEPS; f < n_on; f++)
                for (int i = 0; i < columns; i++)
                    *next++ = on[f] * disc[k * columns + i] > 0 ? intensity[k] : baseline[k];
        voltage = respond(t, 2 * GREY_STEPS, *conditions, *frames, films);
        free(films);
    }
    free(intensity);
    free(baseline);
    free(disc);
    free(on);
    return voltage;
}

/* Film of one condition [frames][columns]; sequence [frames]: offset per frame. */
static void edge_film(const trained *t, int condition, int frames, const double *sequence,
                      double *film)
{
    const int columns = t->e.circuit->n_columns;
    for (int f = 0; f < frames; f++)
        for (int i = 0; i < columns; i++) {
            int offset = (int)sequence[f];
            int at = (condition * t->offsets + offset) * columns + i;
            film[f * columns + i] = offset < 0 ? 0.5 : t->rendered[at];
        }
}

double *trained_edges(trained *t, double speed, int *frames)
{
    const int types = t->e.circuit->n_types, columns = t->e.circuit->n_columns;
    char path[PATH];
    int n;
    hid_t own = t->c->file;
    t->c->file = t->stimuli;
    snprintf(path, sizeof path, "edge/sequence_speed_%.1f", speed);
    double *sequence = check_read(t->c, -1, &n, "%s", path);
    int pre = check_integer(t->c, path, "pre", 0, CHECK_MOST);
    int stim = check_integer(t->c, path, "stim", 1, CHECK_MOST);
    t->c->file = own;
    *frames = stim + 1;
    if (sequence == NULL || pre != GREY_STEPS || pre + stim >= n) {
        check_wrong(t->c, "%s: not behind %d frames of grey", path, GREY_STEPS);
        free(sequence);
        return NULL;
    }
    double *voltage = check_zeros(t->conditions * *frames * types);
    double *films = check_zeros(EDGE_BATCH * *frames * columns);
    for (int first = 0; first < t->conditions; first += EDGE_BATCH) {
        int batch = t->conditions - first < EDGE_BATCH ? t->conditions - first : EDGE_BATCH;
        for (int s = 0; s < batch; s++)
            edge_film(t, first + s, *frames, sequence + pre, films + s * *frames * columns);
        double *some = respond(t, 2 * GREY_STEPS, batch, *frames, films);
        if (some != NULL)
            memcpy(voltage + first * *frames * types, some,
                   (size_t)(batch * *frames * types) * sizeof *some);
        free(some);
    }
    free(sequence);
    free(films);
    return voltage;
}

static void compare_flashes(trained *t)
{
    int conditions, frames;
    double *voltage = trained_flashes(t, &conditions, &frames);
    if (voltage != NULL) {
        compare(t, conditions * frames * t->e.circuit->n_types, voltage, voltage_limit,
                "flash/voltage");
        trained_flash_index(t, conditions, frames, voltage);
    }
    free(voltage);
}

static void compare_edges(trained *t)
{
    const int types = t->e.circuit->n_types;
    double *peak = check_zeros(t->conditions * t->n_speeds * types);
    for (int i = 0; i < t->n_speeds; i++) {
        char name[PATH];
        int frames;
        snprintf(name, sizeof name, "edge/voltage_speed_%.1f", t->speeds[i]);
        double *voltage = trained_edges(t, t->speeds[i], &frames);
        if (voltage != NULL && check_has(t->c, "%s/%s", t->group, name))
            compare(t, t->conditions * frames * types, voltage, voltage_limit, name);
        if (voltage != NULL) trained_peaks(t, i, frames, voltage, peak);
        free(voltage);
    }
    compare(t, t->conditions * t->n_speeds * types, peak, voltage_limit, "edge/peak");
    trained_measures(t, peak);
    free(peak);
}

/* ---- a short film, decoded ---- */

static void compare_movie(trained *t, int frames, const double *luminance)
{
    const int types = t->e.circuit->n_types, columns = t->e.circuit->n_columns;
    double *steady = check_zeros(types), *central = check_zeros(frames * types);
    double *sum = check_zeros(frames * types), *square = check_zeros(frames * types);
    double *flow = check_zeros(frames * 2 * columns);
    om_network *network = ensemble_network(t->c, &t->e, 1, frames, movie_dt_s, MOVIE_STEPS);
    om_decoder *decoder = ensemble_decoder(t->c, &t->e, network, 1, frames);
    if (decoder != NULL) {
        ensemble_show(&t->e, network, 0, frames, luminance);
        om_network_forward(network);
        om_decoder_evaluate(decoder, network, &t->e.running);
        ensemble_centre(&t->e, network, 0, -1, steady);
        for (int f = 0; f < frames; f++) {
            ensemble_centre(&t->e, network, 0, f, central + f * types);
            type_sums(&t->e, network, f, sum + f * types, square + f * types);
        }
        ensemble_flow(&t->e, decoder, 1, frames, flow);
        compare(t, types, steady, voltage_limit, "movie/steady_central");
        compare(t, frames * types, central, voltage_limit, "movie/central");
        compare(t, frames * types, sum, voltage_limit, "movie/type_sum");
        compare(t, frames * types, square, voltage_limit, "movie/type_square_sum");
        compare(t, frames * 2 * columns, flow, flow_limit, "movie/flow");
    }
    om_decoder_free(decoder);
    om_network_free(network);
    free(steady);
    free(central);
    free(sum);
    free(square);
    free(flow);
}

/* ---- all of it ---- */

/* What the stimuli's file holds of edges; false, and reported, if it lacks some. */
static bool read_stimuli(trained *t)
{
    char name[PATH];
    int angles, intensities, n;
    snprintf(name, sizeof name, "stimuli_e%d.h5", t->e.circuit->extent);
    t->stimuli = open_beside(t->c, name);
    if (t->stimuli < 0) return false;
    hid_t own = t->c->file;
    t->c->file = t->stimuli;
    free(check_read(t->c, -1, &angles, "edge/angles"));
    free(check_read(t->c, -1, &intensities, "edge/intensities"));
    free(check_read(t->c, -1, &t->offsets, "edge/offsets"));
    t->conditions = angles * intensities;
    t->speeds = check_read(t->c, -1, &t->n_speeds, "edge/speeds");
    n = t->conditions * t->offsets * t->e.circuit->n_columns;
    t->rendered = check_read(t->c, n, NULL, "edge/rendered");
    t->c->file = own;
    if (t->speeds != NULL) check_exact_dataset(t->c, t->n_speeds, t->speeds, "edge_speeds");
    return t->rendered != NULL && t->speeds != NULL;
}

static double *read_movie(trained *t, int *frames)
{
    char name[PATH];
    int n = 0;
    snprintf(name, sizeof name, "full_e%d.h5", t->e.circuit->extent);
    hid_t own = t->c->file, file = open_beside(t->c, name);
    if (file < 0) return NULL;
    t->c->file = file;
    double *luminance = check_read(t->c, -1, &n, "luminance");
    t->c->file = own;
    H5Fclose(file);
    *frames = n / t->e.circuit->n_columns;
    return luminance;
}

void check_trained(check *c)
{
    trained t = {.c = c, .stimuli = H5I_INVALID_HID};
    int frames = 0, n_models = 0;
    if (ensemble_open(c, &t.e) && check_types(c, t.e.circuit, "cell_types")) {
        bool stimuli = read_stimuli(&t);
        double *movie = read_movie(&t, &frames);
        int *models = check_integers(c, "/", "models", CHECK_MOST, &n_models);
        for (int i = 0; i < n_models; i++)
            if (!check_has(c, "model_%03d", models[i]))
                check_give_up(c, "model_%03d: the file names this model, but it is missing",
                              models[i]);
        for (int i = 0; i < n_models; i++) {
            snprintf(t.group, sizeof t.group, "model_%03d", models[i]);
            if (!ensemble_load(c, &t.e, models[i])) continue;
            compare_grey(&t);
            if (stimuli) compare_flashes(&t);
            if (stimuli) compare_edges(&t);
            trained_rendered(&t);
            if (movie != NULL) compare_movie(&t, frames, movie);
        }
        free(models);
        free(movie);
    }
    if (t.stimuli >= 0) H5Fclose(t.stimuli);
    free(t.speeds);
    free(t.rendered);
    ensemble_close(&t.e);
}
