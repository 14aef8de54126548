/* ommatid import: models that were trained elsewhere, as a store like any other. */
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "cli/command.h"
#include "ommatid/om_ensemble.h"
#include "parallel/ranks.h"

static struct {
    const char *store, *circuit, *select;
    bool partial;
    int loss;
} set = {.circuit = "flyvis-v2.2", .loss = -1};

static const om_option options[] = {
    {"output", 'o', OM_OPTION_FILE, "STORE", "the store to create (required)", .value = &set.store},
    {"circuit", 0, OM_OPTION_TEXT, "NAME",
     "circuit that they were trained on, or its file; default: flyvis-v2.2", .value = &set.circuit},
    {"select", 0, OM_OPTION_TEXT, "WHICH",
     "checkpoint: epe or loss, where that is lowest, or its number; default: epe if recorded",
     .value = &set.select},
    {"loss", 0, OM_OPTION_CHOICE, "MEASURE",
     "what their stored loss is, epe or l2norm; default: guessed, which is told",
     .value = &set.loss, .choices = om_loss_names},
    {"partial", 0, OM_OPTION_FLAG, NULL, "succeed even if some of the models cannot be read",
     .value = &set.partial},
    {0},
};

static om_status choose(int *checkpoint)
{
    int64_t number;
    *checkpoint = OM_IMPORT_BEST;
    if (set.select == NULL) return OM_OK;
    if (strcmp(set.select, "epe") == 0)
        *checkpoint = OM_IMPORT_LEAST_EPE;
    else if (strcmp(set.select, "loss") == 0)
        *checkpoint = OM_IMPORT_LEAST_LOSS;
    else if (om_parse_int(set.select, &number) && number >= 0 && number <= 99999)
        *checkpoint = (int)number;
    else
        return om_fail(OM_EUSAGE, "--select '%s': expected epe, loss, or a number from 0 to 99999",
                       set.select);
    return OM_OK;
}

static om_status run(const om_arguments *args)
{
    om_import_options import = {.folder = args->words[1],
                                .store = set.store,
                                .circuit = set.circuit,
                                .says_loss = set.loss >= 0,
                                .partial = set.partial,
                                .quiet = args->quiet};
    if (strcmp(args->words[0], "flyvis") != 0) {
        om_fail(OM_EUSAGE, "import '%s': there is no such form", args->words[0]);
        return om_hint(OM_EUSAGE, "ommatid import flyvis DIR -o STORE.h5");
    }
    if (set.store == NULL) {
        om_fail(OM_EUSAGE, "import: where to put the models is missing");
        return om_hint(OM_EUSAGE, "ommatid import flyvis %s -o STORE.h5", args->words[1]);
    }
    OM_TRY(choose(&import.checkpoint));
    if (import.says_loss) import.loss = (om_loss)set.loss;
    OM_TRY(om_ranks_start());
    om_status status = om_ranks_count() > 1
                           ? om_fail(OM_EUSAGE, "import: is done by one rank, not by several")
                           : om_ensemble_import(&import);
    om_ranks_finish();
    return status;
}

const om_command om_cmd_import = {
    .name = "import",
    .summary = "trained models of the paper's software into a store",
    .synopsis = "flyvis DIR -o STORE [--circuit NAME] [--select epe|loss|N] [--loss MEASURE]",
    .details =
        "DIR holds a numbered folder for each model: NNNN/best_chkpt with validation_loss.h5 "
        "(the\n"
        "published first release) or NNN/chkpts with validation/ (the current one). Nothing "
        "in a\n"
        "checkpoint is executed; signs and counts in it must be those of the circuit. The current "
        "layout\n"
        "has the l2norm in validation/loss.h5 and EPE, if at all, in epe.h5; published files hold "
        "EPE.\n"
        "A strength of -0.01 to 0, which the last step of training can leave, counts as 0.",
    .options = options,
    .least = 2,
    .most = 2,
    .example = "tools/fetch-paper-ensemble\n"
               "ommatid import flyvis results/flow/0000 -o flow-0000.h5",
    .run = run,
};
