/* ommatid scenes: making films of procedural worlds, and looking at films and laboratory stimuli. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/numbers.h"
#include "cli/stimulus.h"
#include "ommatid/om_scenes.h"
#include "ommatid/om_store.h"

enum { SHOWN = 6, EVERY = 2 }; /* sequences and frames that are shown if nothing else is said */

static struct {
    om_world_options worlds;
    const char *output, *sequences;
    bool force;
    int every; /* 0: as suits what is shown */
    om_stimulus_request stimulus;
} set = {
    .worlds = {.seed = 1,
               .training = 64,
               .validation = 16,
               .frames = 19,
               .extent = 15,
               .style = OM_WORLD_STYLE},
    .stimulus = OM_STIMULUS_REQUEST,
};

static const char *const eyes[] = {"mean", "median", NULL}; /* om_eye_filter */

/* One table for both verbs: `make` takes all but the first rows. */
enum { SHOW_ONLY = 10 };
static const om_option options[] = {
    {"force", 0, OM_OPTION_FLAG, NULL, "replace the picture if it is there", .value = &set.force},
    {"sequences", 0, OM_OPTION_TEXT, "LIST",
     "0,3-5, or training, validation, all; default: the first 6", .value = &set.sequences},
    {"every", 0, OM_OPTION_INT, "K", "draw each K-th frame; default: 2, of a flash 1",
     .value = &set.every, .least = 1, .most = 1e4},
    {"stimulus", 0, OM_OPTION_CHOICE, "WORD", "show what the laboratory shows to models",
     .value = &set.stimulus.kind, .choices = om_stimulus_kinds},
    {"angle", 0, OM_OPTION_REAL, "A", "direction of an edge or bar, degrees; default: all 12",
     .value = &set.stimulus.angle, .least = -360, .most = 360},
    {"intensity", 0, OM_OPTION_REAL, "I", "of a stimulus on grey of 0.5; default: 0 and 1",
     .value = &set.stimulus.intensity, .least = 0, .most = 1},
    {"speed", 0, OM_OPTION_REAL, "V", "of an edge or bar, columns/s; default: 19",
     .value = &set.stimulus.speed, .least = 0.1, .most = 1e4},
    {"width", 0, OM_OPTION_REAL, "W", "of a bar, in units of 2.25 degrees; default: 4",
     .value = &set.stimulus.width, .least = 0.1, .most = 80},
    {"radius", 0, OM_OPTION_INT, "R", "of a flash, columns, -1: full field; default: -1 and 6",
     .value = &set.stimulus.radius, .least = -1, .most = 60},
    {"dt", 0, OM_OPTION_REAL, "DT", "time step of a stimulus, s; default: 0.02",
     .value = &set.stimulus.dt, .least = 1e-4, .most = 1},
    {"output", 'o', OM_OPTION_FILE, "FILE", "write the films, or the picture, there",
     .value = &set.output},
    {"training", 0, OM_OPTION_INT, "N", "worlds to train on; default: 64",
     .value = &set.worlds.training, .least = 0, .most = 1e5},
    {"validation", 0, OM_OPTION_INT, "N", "worlds held out; default: 16",
     .value = &set.worlds.validation, .least = 0, .most = 1e5},
    {"seed", 0, OM_OPTION_UINT64, "N", "of the worlds; default: 1", .value = &set.worlds.seed},
    {"extent", 0, OM_OPTION_INT, "N", "rings of columns around the middle one; default: 15",
     .value = &set.worlds.extent, .least = 0, .most = 60},
    {"frames", 0, OM_OPTION_INT, "N", "length of each film, 24 frames a second; default: 19",
     .value = &set.worlds.frames, .least = 1, .most = 1e4},
    {"pace", 0, OM_OPTION_REAL, "P",
     "median speed of the background, pixels per frame; default: 2.2",
     .value = &set.worlds.style.pace, .least = 1e-6, .most = 10},
    {"pace-spread", 0, OM_OPTION_REAL, "S", "standard deviation of its logarithm; default: 0.9",
     .value = &set.worlds.style.pace_spread, .least = 0, .most = 3},
    {"travel", 0, OM_OPTION_REAL, "T",
     "how much the camera may travel, 0: it only turns; default: 1",
     .value = &set.worlds.style.travel, .least = 0, .most = 1},
    {"clutter", 0, OM_OPTION_REAL, "C", "number of objects, 0: background only; default: 1",
     .value = &set.worlds.style.clutter, .least = 0, .most = 1},
    {"contrast", 0, OM_OPTION_REAL, "D", "standard deviation of luminance, 0: as it is; default: 0",
     .value = &set.worlds.style.contrast, .least = 0, .most = 0.5},
    {"eye", 0, OM_OPTION_CHOICE, "WORD", "luminance of a column's box; default: mean",
     .value = &set.worlds.eye, .choices = eyes},
    {0},
};

/* The chosen sequences of a set; numbers: room for all of them. */
typedef struct selection {
    int *numbers, n;
} selection;

/* Plans the worlds of the options and renders those of the numbers, or all if numbers is NULL. */
static om_status render(om_scenes *scenes, const selection *chosen, bool quiet)
{
    int n = chosen ? chosen->n : scenes->n_sequences;
    OM_TRY(om_scenes_place(scenes, NULL));
    for (int i = 0; i < n; i++) {
        if (!quiet && isatty(STDERR_FILENO)) fprintf(stderr, "\rrendering %d/%d", i + 1, n);
        om_status status = om_world_render(&set.worlds, scenes, chosen ? chosen->numbers[i] : i);
        if (status) return status;
    }
    if (!quiet && isatty(STDERR_FILENO)) fputs("\n", stderr);
    return OM_OK;
}

static om_status run_make(const om_arguments *args)
{
    if (!set.output) {
        om_fail(OM_EUSAGE, "nowhere to write the films");
        return om_hint(OM_EUSAGE, "-o FILE");
    }
    OM_TRY(om_check_new_file(set.output, "-o"));
    om_scenes *scenes = NULL;
    om_status status = om_worlds_plan(&set.worlds, &scenes);
    if (status || (status = render(scenes, NULL, args->quiet)) ||
        (status = om_scenes_seal(scenes)) || (status = om_scenes_save(scenes, set.output)))
        goto done;
    if (!args->quiet)
        fprintf(stderr,
                "wrote %s: %d training and %d validation sequences; next: ommatid scenes "
                "show %s -o sheet.png\n",
                set.output, scenes->n_training, scenes->n_validation, set.output);
done:
    om_scenes_free(scenes);
    return status;
}

/* Numbers first..end-1. */
static om_status choose_range(int first, int end, selection *chosen)
{
    if (first >= end) return om_fail(OM_EUSAGE, "--sequences: there are none of this kind");
    while (first < end) chosen->numbers[chosen->n++] = first++;
    return OM_OK;
}

/* What --sequences names. Free chosen->numbers with om_free(), also after a failure. */
static om_status choose(const om_scenes *scenes, selection *chosen)
{
    const char *which = set.sequences;
    int all = scenes->n_sequences;
    OM_TRY(om_alloc((size_t)all, sizeof(int), &chosen->numbers));
    if (!which) return choose_range(0, all < SHOWN ? all : SHOWN, chosen);
    if (strcmp(which, "all") == 0) return choose_range(0, all, chosen);
    if (strcmp(which, "training") == 0) return choose_range(0, scenes->n_training, chosen);
    if (strcmp(which, "validation") == 0) return choose_range(scenes->n_training, all, chosen);
    om_status status = om_numbers_read("--sequences", which, all, chosen->numbers, &chosen->n);
    if (status == OM_OK) return OM_OK;
    return om_hint(status, "--sequences 0,3-5, or training, validation, all");
}

/* Of all columns and frames of one sequence. */
typedef struct summary {
    double luminance, contrast, speed; /* mean; standard deviation; mean length of the flow */
} summary;

static summary summarise(const om_scenes *scenes, const om_sequence *q)
{
    size_t columns = (size_t)scenes->n_columns, n = (size_t)q->frames * columns;
    double sum = 0, sum2 = 0, speed = 0;
    for (size_t frame = q->offset; frame < q->offset + (size_t)q->frames; frame++)
        for (size_t c = 0; c < columns; c++) {
            double seen = (double)scenes->luminance[frame * columns + c];
            const float *flow = scenes->flow + 2 * frame * columns + c;
            sum += seen;
            sum2 += seen * seen;
            speed += hypot((double)flow[0], (double)flow[columns]);
        }
    double mean = sum / (double)n;
    return (summary){mean, sqrt(fmax(sum2 / (double)n - mean * mean, 0)), speed / (double)n};
}

static void print_table(const om_scenes *scenes, const selection *chosen)
{
    printf("%6s  %-16s %-10s %6s %9s %8s %8s\n", "number", "name", "set", "frames", "luminance",
           "contrast", "speed");
    for (int i = 0; i < chosen->n; i++) {
        const om_sequence *q = &scenes->sequences[chosen->numbers[i]];
        summary s = summarise(scenes, q);
        printf("%6d  %-16s %-10s %6d %9.3f %8.3f %8.3f\n", chosen->numbers[i], q->name,
               q->validation ? "validation" : "training", q->frames, s.luminance, s.contrast,
               s.speed);
    }
}

static om_status print_json(const om_scenes *scenes, const selection *chosen)
{
    json_t *rows = json_array();
    for (int i = 0; i < chosen->n; i++) {
        const om_sequence *q = &scenes->sequences[chosen->numbers[i]];
        summary s = summarise(scenes, q);
        json_array_append_new(rows, json_pack("{s:i, s:s, s:s, s:i, s:f, s:f, s:f}", "number",
                                              chosen->numbers[i], "name", q->name, "set",
                                              q->validation ? "validation" : "training", "frames",
                                              q->frames, "luminance", s.luminance, "contrast",
                                              s.contrast, "speed", s.speed));
    }
    return om_command_print_json(json_pack("{s:i, s:f, s:o}", "extent", scenes->extent,
                                           "frame_rate_hz", scenes->frame_rate_hz, "sequences",
                                           rows));
}

static om_status run_show(const om_arguments *args)
{
    int every = set.every > 0 ? set.every : EVERY;
    if (set.output != NULL) OM_TRY(om_check_folder(set.output));
    if (om_stimulus_asked(&set.stimulus)) {
        if (args->n > 0 || set.sequences != NULL)
            return om_fail(OM_EUSAGE, "%s: a stimulus is made, not read from a file of films",
                           args->n > 0 ? args->words[0] : "--sequences");
        set.stimulus.extent = set.worlds.extent;
        set.stimulus.every = set.every;
        set.stimulus.output = set.output;
        set.stimulus.force = set.force;
        return om_stimulus_show(&set.stimulus, args->json);
    }
    om_scenes *scenes = NULL;
    selection chosen = {0};
    om_status status = args->n > 0 ? om_scenes_load(args->words[0], &scenes)
                                   : om_worlds_plan(&set.worlds, &scenes);
    if (status || (status = choose(scenes, &chosen))) goto done;
    if (args->n == 0 && (status = render(scenes, &chosen, args->quiet))) goto done;
    if (set.output && (status = om_scenes_sheet(scenes, chosen.numbers, NULL, chosen.n, every,
                                                set.force, set.output)))
        goto done;
    if (args->json)
        status = print_json(scenes, &chosen);
    else
        print_table(scenes, &chosen);
done:
    om_free(chosen.numbers);
    om_scenes_free(scenes);
    return status;
}

static const om_command verbs[] = {
    {
        .name = "make",
        .summary = "films of procedural worlds into a file",
        .synopsis = "-o FILE",
        .details =
            "Worlds are numbered; the first ones stay the same when there are more. Training\n"
            "and validation worlds are disjoint.",
        .options = options + SHOW_ONLY,
        .example = "ommatid scenes make -o scenes.h5 --training 64 --validation 16 --seed 1",
        .run = run_make,
    },
    {
        .name = "show",
        .summary = "a table of sequences or stimuli, and a contact sheet of them",
        .synopsis = "[FILE | --stimulus WORD] [-o PNG]",
        .details =
            "Without FILE: of procedural worlds, rendered now. The sheet has a row of luminance "
            "and\n"
            "below it one of flow per sequence, with its number; hue is the direction and "
            "saturation\n"
            "the speed, white is no motion; the number below the wheel of colours is the speed at "
            "its\n"
            "rim. Speed: mean length of the flow, where one column per frame is 5.04.\n\n"
            "With --stimulus: what the laboratory shows to trained models. An edge or bar moves\n"
            "from 10 offsets of 2.25 degrees before the middle to 10 behind it; angles are\n"
            "counter-clockwise, 0 to the right. The table has the steps of grey before it (1 s),\n"
            "of the stimulus (a flash: 1 s), and after it (1 s; an edge stays). The sheet has a\n"
            "row of luminance per condition, with its angle (of a flash: its number), and one "
            "step\n"
            "before and after.",
        .options = options,
        .json = true,
        .most = 1,
        .example = "ommatid scenes show -o sheet.png --sequences 0,3,7\n"
                   "ommatid scenes show -o edges.png --stimulus edge --intensity 1 --speed 9.7",
        .run = run_show,
    },
    {0},
};

const om_command om_cmd_scenes = {
    .name = "scenes",
    .summary = "make and look at the films that models are trained on",
    .verbs = verbs,
};
