/* Trained models as the paper's software keeps them: a folder with a numbered folder for each, in
 * one of two layouts,
 *   0007/best_chkpt, validation_loss.h5                                the first release, published
 *   007/chkpts/chkpt_00000, ..., validation/{loss,epe}.h5              the current one
 * Parameters are checked against a circuit before they are believed: signs and synapse counts, which
 * the archives hold too, must be those of its pairs and taps, in its order. Which measure the
 * software's `loss` is differs from file to file: see om_flyvis_loss. */
#ifndef OM_STORE_FLYVIS_H
#define OM_STORE_FLYVIS_H

#include "ommatid/om_circuit.h"
#include "ommatid/om_params.h"
#include "ommatid/om_store.h"

enum { OM_FLYVIS_NAME_BYTES = 16, OM_FLYVIS_MODELS = 10000 };

/* Which checkpoint of a model, instead of its number from 0 on. */
enum {
    OM_CHECKPOINT_BEST = -1,       /* lowest EPE where it was recorded, else lowest loss */
    OM_CHECKPOINT_LEAST_EPE = -2,  /* only by EPE */
    OM_CHECKPOINT_LEAST_LOSS = -3, /* only by the stored loss */
};

/* Which measure the stored `loss` is. The published files hold EPE, training writes the l2norm, both
 * under that name, and nothing beside it tells: the configuration is the same. Over n columns and 40
 * time steps an l2norm is at least sqrt(40 n) times the EPE. So, if it is not said:
 *   first release:  EPE, unless it is sqrt(40 n) or more, for an EPE of 1 is small;
 *   current layout: l2norm, unless it is less than that of an EPE of 0.1; beside an epe.h5 always,
 *                   unless both hold the same numbers. */
typedef enum om_flyvis_loss {
    OM_FLYVIS_LOSS_NONE,           /* none is stored */
    OM_FLYVIS_LOSS_SURE,           /* as asked, or the EPE is beside it */
    OM_FLYVIS_LOSS_EPE_FIRST,      /* taken for EPE, as the first release stores it */
    OM_FLYVIS_LOSS_EPE_SMALL,      /* taken for EPE: too small for an l2norm */
    OM_FLYVIS_LOSS_L2NORM_LARGE,   /* taken for l2norm: too large for an EPE */
    OM_FLYVIS_LOSS_L2NORM_TRAINED, /* taken for l2norm, which training writes there */
    OM_FLYVIS_N_LOSSES
} om_flyvis_loss;

/* What to read of a model. */
typedef struct om_flyvis_choice {
    int checkpoint; /* its number from 0 on, or OM_CHECKPOINT_... */
    bool says_loss; /* whether `loss` is known, not guessed */
    om_loss loss;   /* what the stored loss is, then */
} om_flyvis_choice;

typedef struct om_flyvis {
    char *path;                          /* of the folder that holds the models' folders */
    int n;                               /* models */
    char (*names)[OM_FLYVIS_NAME_BYTES]; /* [n] their folders, by number */
} om_flyvis;

/* Finds the models in a folder, or in its folder `checkpoints`. Errors: OM_EIO, OM_EDATA (none). */
om_status om_flyvis_open(const char *path, om_flyvis **folder);
void om_flyvis_close(om_flyvis *folder); /* accepts NULL */

/* Opens a circuit (om_circuit_open()) at the extent that the models were trained at: as a _meta.yaml
 * says, else 15, else the first at which as many pairs and taps are live as an archive holds. */
om_status om_flyvis_circuit(const om_flyvis *folder, const char *source, om_circuit **circuit);

/* One model. */
typedef struct om_flyvis_model {
    char source[OM_SOURCE_BYTES]; /* "002/chkpts/chkpt_00002, lowest EPE" */
    double epe, l2norm;           /* on its authors' validation scenes; NaN: not known */
    om_flyvis_loss loss;          /* what decided which of them the stored loss is */
    uint64_t iteration;           /* done at the checkpoint; OM_ITERATION_UNKNOWN */
    om_real *params;              /* [n_params]; om_free(), also after a failure */
    om_real running_mean[OM_HIDDEN], running_var[OM_HIDDEN];
} om_flyvis_model;

/* Reads model i of the folder. Errors: OM_EIO, OM_ENOMEM, OM_EDATA with file and entry (see torch.h;
 * signs, counts, shapes, masked kernel entries that are not 0, time constants of 0 or less, strengths
 * below what a step of training leaves (flyvis_params.c), errors below 0, no such checkpoint, what is
 * no regular file). */
om_status om_flyvis_read(const om_flyvis *folder, int i, const om_flyvis_choice *choice,
                         const om_circuit *circuit, om_flyvis_model *model);

#endif
