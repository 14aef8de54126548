/* The table of keys, and how the text of a value becomes a field of om_spec. */
#include "ensemble/spec_table.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ensemble/submit_script.h"

_Static_assert(sizeof(om_resampling) == sizeof(int) && sizeof(om_loss) == sizeof(int) &&
                   sizeof(om_profile) == sizeof(int) && sizeof(om_batch_norm) == sizeof(int) &&
                   sizeof(om_draws) == sizeof(int) && sizeof(om_eye_filter) == sizeof(int) &&
                   sizeof(om_activation) == sizeof(int) && sizeof(om_convolution) == sizeof(int) &&
                   sizeof(om_task) == sizeof(int) && sizeof(om_counts) == sizeof(int) &&
                   sizeof(om_signs) == sizeof(int) && sizeof(om_filters) == sizeof(int),
               "choices are stored as int");

static const char *const profiles[] = {"none", "paper", "package", NULL}; /* om_profile */
static const char *const filters[] = {"mean", "median", NULL};            /* om_eye_filter */

#define AT(field) offsetof(om_spec, field)
static const double many = 1e9; /* iterations: far more than anybody trains */

/* clang-format off */
const om_spec_key om_spec_keys[] = {
    {"name", OM_SPEC_NAME, AT(name), "ensemble",
     .meaning = "what the ensemble is called"},
    {"seed", OM_SPEC_UINT64, AT(seed), "0", 0, 9.2e18,
     .meaning = "of every random number but those of the scenes"},
    {"models", OM_SPEC_INT, AT(models), "8", 1, 100000,
     .meaning = "networks to train"},

    {"circuit.source", OM_SPEC_CIRCUIT, AT(circuit), "motion-pathway",
     .meaning = "name of a circuit, or path of a circuit or connectome file"},
    {"circuit.extent", OM_SPEC_INT, AT(extent), "15", 1, 60, .unit = "columns",
     .meaning = "radius of the lattice around its centre"},
    {"circuit.stride", OM_SPEC_STRIDES, AT(strides), "", 1, OM_LATTICE_MAX_EXTENT,
     .unit = "columns",
     .meaning = "types with cells only where u and v are multiples: [[Lawf1, 3, 2]]; others as the "
                "circuit has them"},
    {"circuit.without", OM_SPEC_NAMES, AT(train.model.controls.without), "",
     .meaning = "types to leave out, with all their pairs: [T4a, T4b]"},
    {"circuit.counts", OM_SPEC_CHOICE, AT(train.model.controls.counts), "measured",
     .choices = om_counts_names,
     .meaning = "synapse counts: as the circuit has them; all equal to their mean; or shuffled among "
                "the taps of each pair"},
    {"circuit.signs", OM_SPEC_CHOICE, AT(train.model.controls.signs), "known",
     .choices = om_signs_names,
     .meaning = "signs of synapses: as the circuit has them; or shuffled among source types"},
    {"circuit.filters", OM_SPEC_CHOICE, AT(train.model.controls.filters), "measured",
     .choices = om_filters_names,
     .meaning = "offsets of each pair's taps: as the circuit has them; or turned or mirrored, each "
                "pair in a way of its own"},
    {"circuit.count_spread", OM_SPEC_REAL, AT(train.model.count_spread), "0", 0, 3,
     .meaning = "standard deviation of the logarithm of synapse counts, drawn anew for each model"},

    {"model.activation", OM_SPEC_CHOICE, AT(train.model.activation), "relu",
     .choices = om_activation_names, .meaning = "what a cell releases at its voltage"},
    {"model.fixed", OM_SPEC_PARTS, AT(train.model.fixed), "", .choices = om_part_names,
     .meaning = "parameters that keep their initial values"},
    {"model.symmetric.resting_potential", OM_SPEC_TYPES,
     AT(train.model.symmetric[OM_RESTING_POTENTIAL]), "",
     .meaning = "groups of cell types with one value, their mean: [[T4a, T4b], [T5a, T5b]]"},
    {"model.symmetric.time_constant", OM_SPEC_TYPES,
     AT(train.model.symmetric[OM_TIME_CONSTANT]), "",
     .meaning = "groups of cell types with one value, their mean"},
    {"model.symmetric.strength", OM_SPEC_PAIRS, AT(train.model.symmetric[OM_STRENGTH]), "",
     .meaning = "groups of pairs with one value, their mean: [[Mi9 -> T4a, Mi9 -> T4b]]"},
    {"model.clamp.resting_potential", OM_SPEC_RANGE,
     AT(train.model.clamp[OM_RESTING_POTENTIAL]), "-.inf, .inf", -1e6, 1e6,
     .meaning = "lowest and highest value, held from the start and after every iteration"},
    {"model.clamp.time_constant", OM_SPEC_RANGE, AT(train.model.clamp[OM_TIME_CONSTANT]),
     "-.inf, .inf", -1e6, 1e6, .unit = "s", .meaning = "lowest and highest value"},
    {"model.clamp.strength", OM_SPEC_RANGE, AT(train.model.clamp[OM_STRENGTH]), "0, .inf", 0, 1e6,
     .meaning = "lowest and highest value; its sign is the circuit's"},

    {"init.resting_potential.mean", OM_SPEC_REAL, AT(train.init.resting_potential_mean), "0.5",
     -100, 100, .meaning = "of the normal distribution that initial resting potentials come from"},
    {"init.resting_potential.std", OM_SPEC_REAL, AT(train.init.resting_potential_std), "0.05",
     0, 100, .meaning = "its standard deviation"},
    {"init.time_constant", OM_SPEC_REAL, AT(train.init.time_constant_s), "0.05", 0, 10,
     .above = true, .unit = "s", .meaning = "initial time constant of every cell type"},
    {"init.strength_scale", OM_SPEC_REAL, AT(train.init.strength_scale), "0.01", 0, 100,
     .meaning = "initial strength of a synapse times the mean synapse count of its pair"},
    {"init.decoder.mean", OM_SPEC_REAL, AT(train.init.decoder_mean), "0.001", -100, 100,
     .meaning = "mean of initial weights of the decoder's convolutions; their biases"},
    {"init.decoder.std", OM_SPEC_REAL, AT(train.init.decoder_std), "0", 0, 100,
     .meaning = "their standard deviation; 0: all start equal, as the paper's"},
    {"init.shared", OM_SPEC_FLAG, AT(train.init.shared), "false",
     .meaning = "all models start from the same parameters and differ by the order of data alone"},
    {"init.draws", OM_SPEC_CHOICE, AT(train.init.draws), "philox", .choices = om_draws_names,
     .meaning = "initial resting potentials from each model's own stream; or, torch, as the paper's "
                "software draws them from the seed, the same for all models"},

    {"scenes.source", OM_SPEC_SCENES, AT(scenes), "procedural",
     .meaning = "procedural, or path of a file of scenes"},
    {"scenes.seed", OM_SPEC_UINT64, AT(worlds.seed), "1", 0, 9.2e18,
     .meaning = "of procedural scenes"},
    {"scenes.training", OM_SPEC_INT, AT(worlds.training), "64", 1, 100000,
     .meaning = "procedural sequences to train on"},
    {"scenes.validation", OM_SPEC_INT, AT(worlds.validation), "16", 1, 100000,
     .meaning = "procedural sequences held out to choose and rank by"},
    {"scenes.pace", OM_SPEC_REAL, AT(worlds.style.pace), "2.2", 0, 10, .above = true,
     .unit = "pixels per frame",
     .meaning = "median speed of the background; a column of the eye is 13 pixels wide"},
    {"scenes.pace_spread", OM_SPEC_REAL, AT(worlds.style.pace_spread), "0.9", 0, 3,
     .meaning = "standard deviation of its logarithm from world to world"},
    {"scenes.travel", OM_SPEC_REAL, AT(worlds.style.travel), "1", 0, 1,
     .meaning = "how much of the camera's motion may be travel; 0: it only turns"},
    {"scenes.clutter", OM_SPEC_REAL, AT(worlds.style.clutter), "1", 0, 1,
     .meaning = "number of objects and other surfaces, against a film's; 0: background only"},
    {"scenes.contrast", OM_SPEC_REAL, AT(worlds.style.contrast), "0", 0, 0.5,
     .meaning = "exposure brings each scene's luminance to this standard deviation; 0: as it is"},
    {"scenes.eye", OM_SPEC_CHOICE, AT(worlds.eye), "mean", .choices = filters,
     .meaning = "luminance of a column: mean, or median, of what its box of the eye sees"},

    {"augment.enabled", OM_SPEC_FLAG, AT(train.batch.augment.enabled), "true",
     .meaning = "vary training sequences; validation sequences never are"},
    {"augment.noise", OM_SPEC_REAL, AT(train.batch.augment.noise_std), "0.08", 0, 10,
     .meaning = "standard deviation of noise on every column and frame"},
    {"augment.contrast", OM_SPEC_REAL, AT(train.batch.augment.contrast_std), "0.2", 0, 10,
     .meaning = "standard deviation of the logarithm of contrast"},
    {"augment.brightness", OM_SPEC_REAL, AT(train.batch.augment.brightness_std), "0.1", 0, 10,
     .meaning = "standard deviation of brightness"},
    {"augment.flip", OM_SPEC_REAL, AT(train.batch.augment.flip), "0.5", 0, 1,
     .meaning = "probability of a reflection, about one of three axes"},
    {"augment.rotate", OM_SPEC_REAL, AT(train.batch.augment.rotate), "0.5", 0, 1,
     .meaning = "probability of a rotation, by one to five times 60 degrees"},

    {"train.profile", OM_SPEC_CHOICE, AT(profile), "none", .choices = profiles,
     .meaning = "defaults of the published ensembles; given keys win"},
    {"train.task", OM_SPEC_CHOICE, AT(train.task), "flow", .choices = om_task_names,
     .meaning = "what models learn: optic flow; or none, nothing: they stay as they start, are checked "
                "once and ranked"},
    {"train.iterations", OM_SPEC_UINT64, AT(train.iterations), "250000", 1, many,
     .meaning = "training steps of each model"},
    {"train.whole_passes", OM_SPEC_FLAG, AT(train.whole_passes), "false",
     .meaning = "round iterations up to whole passes through the training sequences"},
    {"train.batch", OM_SPEC_INT, AT(train.batch_size), "4", 1, 4096,
     .meaning = "sequences per iteration"},
    {"train.frames", OM_SPEC_INT, AT(train.batch.frames), "19", 1, 10000,
     .meaning = "frames of a sequence, and length of procedural ones"},
    {"train.dt", OM_SPEC_REAL, AT(train.batch.dt_s), "0.02", 0, 1, .above = true, .unit = "s",
     .meaning = "time step of the simulation, at most the initial time constants"},
    {"train.resampling", OM_SPEC_CHOICE, AT(train.batch.resampling), "package",
     .choices = om_resampling_names,
     .meaning = "how frames become time steps: as the published package or the paper's runs did"},
    {"train.loss", OM_SPEC_CHOICE, AT(train.loss), "l2norm", .choices = om_loss_names,
     .meaning = "what training minimises: norm of the flow's error, or mean end-point error"},
    {"train.learning_rate", OM_SPEC_RATES, AT(train.learning_rate), "5.0e-5, 5.0e-6", 0, 10,
     .meaning = "first and last"},
    {"train.decoder_rate", OM_SPEC_REAL, AT(train.decoder_rate), "1", 0, 1e6, .above = true,
     .meaning = "learning rate of the decoder, as a multiple of the network's"},
    {"train.steps", OM_SPEC_INT, AT(train.rate_steps), "10", 1, 100000,
     .meaning = "levels of the learning rate, evenly spaced from first to last"},
    {"train.schedule_stop", OM_SPEC_UINT64, AT(train.schedule_stop), "0", 0, many,
     .unit = "iterations", .meaning = "where the last rate is reached, to stay; 0: at the end"},
    {"train.dropout", OM_SPEC_REAL, AT(train.dropout), "0.5", 0, 1, .below = true,
     .meaning = "share of the decoder's hidden values that are dropped in training"},
    {"train.batch_norm", OM_SPEC_CHOICE, AT(train.batch_norm), "batch", .choices = om_batch_norm_names,
     .meaning = "what the decoder normalises by in training: the batch's own statistics, or the "
                "running ones, which then stay at mean 0 and variance 1"},
    {"train.convolution", OM_SPEC_CHOICE, AT(train.convolution), "auto",
     .choices = om_convolution_names,
     .meaning = "how the decoder's first convolution is computed: directly, by Fourier transforms "
                "(to extent 15), or the faster of them by a fixed table; equal up to rounding"},
    {"train.t_pre", OM_SPEC_REAL, AT(train.t_pre_s), "0.5", 0, 100, .unit = "s",
     .meaning = "grey before a training sequence, until the network is at rest"},
    {"train.t_fade_in", OM_SPEC_REAL, AT(train.t_fade_in_s), "0", 0, 100, .unit = "s",
     .meaning = "from grey to the first frame of every sequence, before it starts"},
    {"train.selection", OM_SPEC_CHOICE, AT(train.selection), "epe", .choices = om_loss_names,
     .meaning = "validation measure that chooses a model's best check and ranks models"},
    {"train.record_every", OM_SPEC_UINT64, AT(train.record_every), "100", 1, many,
     .unit = "iterations", .meaning = "averaged into one entry of the training curves"},
    {"train.explode", OM_SPEC_REAL, AT(train.explode), "1000", 0, 1e9,
     .meaning = "a loss, or a check's error, this many times the untrained model's is divergence, and "
                "so are voltages of central cells beyond 10,000; 0: only what is not finite"},
    {"train.retries", OM_SPEC_INT, AT(train.retries), "3", 0, 30,
     .meaning = "times that a model that diverges goes back to its last check, and on at half the "
                "learning rate"},
    {"train.replace", OM_SPEC_INT, AT(train.replacements), "0", 0, 100,
     .meaning = "times that a model that diverged for good is begun anew, from other random numbers"},

    {"penalty.activity", OM_SPEC_REAL, AT(train.penalty_activity), "0.1", 0, 1e6,
     .meaning = "weight of the penalty on central cells away from the baseline; 0: none"},
    {"penalty.baseline", OM_SPEC_REAL, AT(train.penalty_baseline), "5.0", -1e6, 1e6,
     .meaning = "mean activity of central cells that the penalty asks for"},
    {"penalty.until", OM_SPEC_UINT64, AT(train.penalty_until), "150000", 0, many,
     .unit = "iterations", .meaning = "after which there is no penalty"},

    {"validate.every", OM_SPEC_UINT64, AT(train.validate_every), "5000", 0, many,
     .unit = "iterations", .meaning = "from one check to the next; 0: by passes"},
    {"validate.every_passes", OM_SPEC_UINT64, AT(train.validate_every_passes), "0", 0, many,
     .unit = "passes", .meaning = "from one check to the next; 0: by iterations"},
    {"validate.t_pre", OM_SPEC_REAL, AT(train.validate_t_pre_s), "0.5", 0, 100, .unit = "s",
     .meaning = "grey before a validation sequence"},

    {"race.keep", OM_SPEC_REAL, AT(race.keep), "0.5", 0, 1, .above = true, .below = true,
     .meaning = "share of the models at each rung that goes on, the others are stopped; rounded up"},
    {"race.at", OM_SPEC_RUNGS, AT(race.at), "", 1, many, .unit = "iterations",
     .meaning = "rungs of a race: checks at which the models with the worse best check so far are "
                "stopped: [10000, 30000]; none: no race"},
    {"slurm.partition", OM_SPEC_WORD, AT(slurm.partition), "",
     .meaning = "what `submit` asks SLURM for, here and below; empty: not said"},
    {"slurm.account", OM_SPEC_WORD, AT(slurm.account), "", .meaning = "who pays"},
    {"slurm.qos", OM_SPEC_WORD, AT(slurm.qos), "", .meaning = "quality of service"},
    {"slurm.constraint", OM_SPEC_WORD, AT(slurm.constraint), "", .meaning = "features of nodes"},
    {"slurm.nodes", OM_SPEC_INT, AT(slurm.nodes), "0", 0, 10000, .meaning = "0: one"},
    {"slurm.ranks_per_node", OM_SPEC_INT, AT(slurm.ranks_per_node), "0", 0, 1024,
     .meaning = "that train; 0: one for each core or model, less with more threads"},
    {"slurm.threads", OM_SPEC_INT, AT(slurm.threads), "0", 0, 1024,
     .meaning = "cores of each rank; 0: one"},
    {"slurm.time", OM_SPEC_WORD, AT(slurm.time), "",
     .meaning = "limit of one job, as in 12:00:00 or 2-00:00:00, which goes on in another; empty: estimated"},
    {"slurm.mem", OM_SPEC_WORD, AT(slurm.mem), "",
     .meaning = "memory of each node, as in 8G; empty: estimated"},
    {"slurm.mail_user", OM_SPEC_WORD, AT(slurm.mail_user), "",
     .meaning = "address that SLURM tells of the end"},
    {0},
};
/* clang-format on */

/* What the two published ways of training do differently from each other, and both of them from
 * the defaults. */
static const om_spec_setting of_none[] = {{0}};
static const om_spec_setting of_paper[] = {{"init.shared", "true"},
                                           {"init.draws", "torch"},
                                           {"train.iterations", "250000"},
                                           {"train.whole_passes", "true"},
                                           {"train.resampling", "paper"},
                                           {"train.schedule_stop", "200000"},
                                           {"train.selection", "epe"},
                                           {"validate.every", "0"},
                                           {"validate.every_passes", "334"},
                                           {"validate.t_pre", "0.5"},
                                           {0}};
static const om_spec_setting of_package[] = {{"init.shared", "true"},
                                             {"init.draws", "torch"},
                                             {"train.iterations", "250000"},
                                             {"train.whole_passes", "true"},
                                             {"train.resampling", "package"},
                                             {"train.schedule_stop", "0"},
                                             {"train.selection", "l2norm"},
                                             {"validate.every", "0"},
                                             {"validate.every_passes", "300"},
                                             {"validate.t_pre", "0.25"},
                                             {0}};

const om_spec_setting *om_spec_profile_settings(om_profile profile)
{
    switch (profile) {
    case OM_PROFILE_PAPER: return of_paper;
    case OM_PROFILE_PACKAGE: return of_package;
    default: return of_none;
    }
}

const om_spec_key *om_spec_key_find(const char *path)
{
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++)
        if (strcmp(key->path, path) == 0) return key;
    return NULL;
}

/* --- values ---------------------------------------------------------------------------------- */

/* Whether a source names a file rather than something that ommatid knows by name. */
static bool is_path(om_spec_kind kind, const char *text)
{
    if (kind == OM_SPEC_SCENES) return strcmp(text, "procedural") != 0;
    return strchr(text, '/') != NULL || om_ends_with(text, ".json") ||
           om_ends_with(text, ".circuit");
}

/* Copies a text that has to be printable on one line; a relative path is put behind the
 * directory of the spec. */
static bool set_text(char *field, size_t room, om_spec_kind kind, const char *file,
                     const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) return false;
    const char *slash = strrchr(file, '/');
    int directory = slash == NULL ? 0 : (int)(slash - file) + 1;
    if (kind == OM_SPEC_NAME || !is_path(kind, text) || text[0] == '/') directory = 0;
    int n = snprintf(field, room, "%.*s%s", directory, file, text);
    return text[0] != '\0' && n > 0 && (size_t)n < room;
}

/* No blank, quote or control character: SLURM reads it from a line of a script. */
static bool set_word(char field[OM_SLURM_WORD], const char *text)
{
    if (!om_slurm_is_word(text)) return false;
    strcpy(field, text);
    return true;
}

static bool in_range(const om_spec_key *key, double value)
{
    return (key->above ? value > key->least : value >= key->least) &&
           (key->below ? value < key->most : value <= key->most);
}

/* "first, last" in two; false if there are not two. */
static bool split(const char *text, char first[64], const char **last)
{
    const char *comma = strstr(text, ", ");
    if (comma == NULL || comma - text >= 64) return false;
    snprintf(first, 64, "%.*s", (int)(comma - text), text);
    *last = comma + 2;
    return true;
}

static bool set_rates(const om_spec_key *key, const char *text, double *rates)
{
    char first[64];
    const char *last;
    return split(text, first, &last) && om_parse_real(first, &rates[0]) &&
           om_parse_real(last, &rates[1]) && in_range(key, rates[0]) && in_range(key, rates[1]);
}

/* An infinite number as YAML writes it: .inf, .Inf or .INF, with or without a sign. */
static bool is_infinite(const char *text, bool negative)
{
    if (negative ? *text++ != '-' : *text == '+' && *text++ == '\0') return false;
    return strcmp(text, ".inf") == 0 || strcmp(text, ".Inf") == 0 || strcmp(text, ".INF") == 0;
}

/* A bound: a number in range, or none, infinite, where the key takes that. */
static bool set_bound(const om_spec_key *key, const char *text, bool lowest, double *bound)
{
    if ((!lowest || key->least < 0) && is_infinite(text, lowest)) {
        *bound = lowest ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    return om_parse_real(text, bound) && in_range(key, *bound);
}

static bool set_range(const om_spec_key *key, const char *text, double *range)
{
    char first[64];
    const char *last;
    return split(text, first, &last) && set_bound(key, first, true, &range[0]) &&
           set_bound(key, last, false, &range[1]) && range[0] <= range[1];
}

static bool set_parts(const om_spec_key *key, const char *text, bool *parts)
{
    for (int i = 0; key->choices[i] != NULL; i++) parts[i] = false;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        int i = 0;
        while (key->choices[i] != NULL &&
               (strlen(key->choices[i]) != length || strncmp(key->choices[i], text, length) != 0))
            i++;
        if (key->choices[i] == NULL || parts[i]) return false;
        parts[i] = true;
        text += length + strspn(text + length, ", ");
    }
    return true;
}

static bool set_list(const char *text, char *list, int room)
{
    int n = snprintf(list, (size_t)room, "%s", text);
    return n >= 0 && n < room;
}

/* Canonical, so that equal rungs are equal texts. */
static bool set_rungs(const om_spec_key *key, const char *text, char rungs[OM_RACE_BYTES])
{
    int64_t before = 0;
    int n = 0, used = 0;
    rungs[0] = '\0';
    while (*text != '\0') {
        char word[24];
        int64_t rung;
        const size_t length = strcspn(text, ",");
        if (n++ == OM_RACE_MOST_RUNGS || length >= sizeof word) return false;
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        if (!om_parse_int(word, &rung) || !in_range(key, (double)rung) || rung <= before)
            return false;
        used += snprintf(rungs + used, OM_RACE_BYTES - (size_t)used, "%s%" PRId64,
                         n > 1 ? ", " : "", rung);
        before = rung;
        text += length + strspn(text + length, ", ");
    }
    return true;
}

static bool set_choice(const om_spec_key *key, const char *text, int *choice)
{
    for (int i = 0; key->choices[i] != NULL; i++)
        if (strcmp(key->choices[i], text) == 0) {
            *choice = i;
            return true;
        }
    return false;
}

static bool set_integer(const om_spec_key *key, const char *text, void *field)
{
    int64_t integer;
    if (!om_parse_int(text, &integer) || !in_range(key, (double)integer)) return false;
    if (key->kind == OM_SPEC_INT)
        *(int *)field = (int)integer;
    else
        *(uint64_t *)field = (uint64_t)integer;
    return true;
}

static bool set_flag(const char *text, bool *flag)
{
    *flag = strcmp(text, "true") == 0;
    return *flag || strcmp(text, "false") == 0;
}

bool om_spec_set(om_spec *spec, const om_spec_key *key, const char *file, const char *text)
{
    void *field = (char *)spec + key->offset;
    switch (key->kind) {
    case OM_SPEC_NAME: return set_text(field, sizeof spec->name, key->kind, file, text);
    case OM_SPEC_WORD: return set_word(field, text);
    case OM_SPEC_CIRCUIT:
    case OM_SPEC_SCENES: return set_text(field, OM_SPEC_TEXT, key->kind, file, text);
    case OM_SPEC_FLAG: return set_flag(text, field);
    case OM_SPEC_INT:
    case OM_SPEC_UINT64: return set_integer(key, text, field);
    case OM_SPEC_REAL: return om_parse_real(text, field) && in_range(key, *(double *)field);
    case OM_SPEC_CHOICE: return set_choice(key, text, field);
    case OM_SPEC_RATES: return set_rates(key, text, field);
    case OM_SPEC_RANGE: return set_range(key, text, field);
    case OM_SPEC_PARTS: return set_parts(key, text, field);
    case OM_SPEC_NAMES: return set_list(text, field, OM_WITHOUT_BYTES);
    case OM_SPEC_TYPES:
    case OM_SPEC_PAIRS: return set_list(text, field, OM_GROUPS_BYTES);
    case OM_SPEC_RUNGS: return set_rungs(key, text, field);
    case OM_SPEC_STRIDES: return set_list(text, field, OM_SPEC_STRIDES_BYTES);
    }
    return false;
}

/* --- descriptions ---------------------------------------------------------------------------- */

static void list_choices(const char *before, const char *const *choices, char text[96])
{
    size_t used = (size_t)snprintf(text, 96, "%s", before);
    for (int i = 0; choices[i] != NULL && used < 96; i++)
        used += (size_t)snprintf(text + used, 96 - used, "%s%s",
                                 i == 0                   ? ""
                                 : choices[i + 1] == NULL ? " or "
                                                          : ", ",
                                 choices[i]);
}

void om_spec_range(const om_spec_key *key, char text[96])
{
    text[0] = '\0';
    switch (key->kind) {
    case OM_SPEC_FLAG: snprintf(text, 96, "true or false"); return;
    case OM_SPEC_CHOICE: list_choices("", key->choices, text); return;
    case OM_SPEC_PARTS: list_choices("any of ", key->choices, text); return;
    case OM_SPEC_NAMES: snprintf(text, 96, "types"); return;
    case OM_SPEC_TYPES: snprintf(text, 96, "groups of types"); return;
    case OM_SPEC_PAIRS: snprintf(text, 96, "groups of pairs"); return;
    case OM_SPEC_RUNGS:
        snprintf(text, 96, "up to %d, rising, below train.iterations", OM_RACE_MOST_RUNGS);
        return;
    case OM_SPEC_STRIDES:
        snprintf(text, 96, "types, each with two strides of %.10g to %.10g", key->least, key->most);
        return;
    case OM_SPEC_RANGE:
        snprintf(text, 96, "%.10g to %.10g%s or .inf", key->least, key->most,
                 key->least < 0 ? ", -.inf" : "");
        return;
    case OM_SPEC_INT:
    case OM_SPEC_UINT64:
    case OM_SPEC_REAL:
    case OM_SPEC_RATES:
        if (key->above && key->below)
            snprintf(text, 96, "above %.10g, below %.10g", key->least, key->most);
        else if (key->above)
            snprintf(text, 96, "above %.10g, up to %.10g", key->least, key->most);
        else if (key->most > 1e18)
            snprintf(text, 96, "%.10g or more", key->least);
        else
            snprintf(text, 96, "%.10g %s %.10g", key->least, key->below ? "to below" : "to",
                     key->most);
        return;
    default: return;
    }
}

void om_spec_expected(const om_spec_key *key, char text[160])
{
    char range[96];
    om_spec_range(key, range);
    switch (key->kind) {
    case OM_SPEC_NAME: snprintf(text, 160, "a text of 1 to 63 printable characters"); return;
    case OM_SPEC_WORD:
        snprintf(text, 160, "a word without quotes, of at most %d characters", OM_SLURM_WORD - 1);
        return;
    case OM_SPEC_CIRCUIT:
    case OM_SPEC_SCENES:
        snprintf(text, 160, "a name or path of 1 to %d printable characters", OM_SPEC_TEXT - 1);
        return;
    case OM_SPEC_INT:
    case OM_SPEC_UINT64: snprintf(text, 160, "an integer, %s", range); return;
    case OM_SPEC_REAL: snprintf(text, 160, "a number, %s", range); return;
    case OM_SPEC_RATES: snprintf(text, 160, "two numbers, [first, last], %s", range); return;
    case OM_SPEC_RANGE:
        snprintf(text, 160, "two numbers, [lowest, highest], the lowest first, %s", range);
        return;
    case OM_SPEC_PARTS: snprintf(text, 160, "a list, %s, each at most once", range); return;
    case OM_SPEC_NAMES:
        snprintf(text, 160, "a list of types, as [T4a, T4b], of at most %d characters",
                 OM_WITHOUT_BYTES - 1);
        return;
    case OM_SPEC_TYPES:
    case OM_SPEC_PAIRS:
        snprintf(text, 160, "a list of groups, as [[%s]], of at most %d characters",
                 key->kind == OM_SPEC_TYPES ? "T4a, T4b" : "Mi9 -> T4a, Mi9 -> T4b",
                 OM_GROUPS_BYTES - 1);
        return;
    case OM_SPEC_RUNGS:
        snprintf(text, 160, "a list of up to %d iterations, rising, as [10000, 30000]",
                 OM_RACE_MOST_RUNGS);
        return;
    case OM_SPEC_STRIDES: snprintf(text, 160, "a list, [[TYPE, U, V], ...], of %s", range); return;
    default: snprintf(text, 160, "%s", range); return;
    }
}
