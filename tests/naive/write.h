/* The naive model writes reference files: the same form as those that an independent implementation
 * made on the published connectome, but of any circuit, extent, batch, number of frames and time step.
 * So the checks of the program `golden` are shown to rest on nothing that is special about those.
 *
 * Inputs are rounded to single precision first, so that every build reads what was computed with. */
#ifndef NAIVE_WRITE_H
#define NAIVE_WRITE_H

#include <hdf5.h>

#include "naive.h"

typedef struct write_options {
    const char *folder; /* existing files in it are overwritten */
    uint64_t seed;
    int batch, frames;
    double dt_s;
} write_options;

/* dynamics_eEXTENT.h5, gradient_eEXTENT.h5 (both with all activations), decoder_eEXTENT.h5 and
 * train_eEXTENT.h5. */
void write_dynamics(const naive_model *model, const write_options *options);
void write_gradient(const naive_model *model, const write_options *options);
void write_decoder(const naive_model *model, const write_options *options);
void write_train(const naive_model *model, const write_options *options);

/* ---- what these share ---- */

/* Creates FOLDER/KIND_eEXTENT.h5 with the attributes that all kinds have; close with H5Fclose(). */
hid_t write_create(const naive_model *model, const write_options *options, const char *kind);
void write_attribute(hid_t file, const char *name, double value);
void write_text(hid_t file, const char *name, const char *text);
/* A dataset PREFIXNAME of `rank` dimensions (ints); groups are made as needed. */
void write_array(hid_t file, const char *prefix, const char *name, const double *values, int rank,
                 ...);
void write_number(hid_t file, const char *prefix, const char *name, double value);
/* Names of types, and of both ends of the pairs with synapses, under a prefix. */
void write_names(hid_t file, const char *prefix, const naive_model *model);
void write_outputs(hid_t file, const naive_model *model);
void write_mask(hid_t file); /* of a kernel: 1 inside its hexagon */
/* PREFIXbias, PREFIXtau, PREFIXalpha; PREFIXbase.0.weight ... PREFIXdecoder.0.bias. */
void write_network_params(hid_t file, const char *prefix, const naive_model *model,
                          const double *params);
void write_decoder_params(hid_t file, const char *prefix, const naive_model *model,
                          const double *params);
/* n random numbers that are exact in single precision: uniform in 0..1, or normal. free() them. */
double *write_uniform(uint64_t *seed, int n);
double *write_normal(uint64_t *seed, int n);

#endif
