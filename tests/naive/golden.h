/* Reading the reference files that an independent implementation of the paper wrote in double
 * precision. They do not belong to the project: where they are absent, golden_present() says so and
 * a test skips. A file that is there but lacks something fails the running test.
 *
 * Golden files number pairs with synapses only (at extent >= 2 all but Lawf1 -> Lawf1) and name
 * them; parameters are matched by name. */
#ifndef NAIVE_GOLDEN_H
#define NAIVE_GOLDEN_H

#include <stdbool.h>

#include <hdf5.h>

#include "naive.h"

/* Whether the reference data is there; prints what is missing if not. */
bool golden_present(void);
/* Opens golden/NAME; close with H5Fclose(). */
hid_t golden_open(const char *name);
/* A whole dataset as doubles; its size must be n. free() it. path: printf format. */
double *golden_read(hid_t file, int n, const char *path, ...) __attribute__((format(printf, 3, 4)));
/* A scalar dataset, or a numerical attribute of the file. */
double golden_number(hid_t file, const char *path);
double golden_attribute(hid_t file, const char *name);

/* The published connectome at an extent, from golden/taps.csv: all 65 types and 605 pairs. Free
 * with naive_circuit_free(). */
om_circuit *golden_circuit(int extent);

/* Initial strengths at extent 3, scale 0.01, from golden/init_strength.csv: [n_pairs], free(). */
double *golden_initial_strength_e3(const naive_model *model);
/* A dataset by pair of the file (whose names are datasets
 * NAMESpair_source and NAMESpair_target), put in the circuit's
 * order: strength [n_pairs], 0 for the pairs that the file lacks. */
void golden_pairs(hid_t file, const char *names, const char *path, const naive_model *model,
                  double *strength);
/* bias, tau and alpha under a prefix ("", "init/", "iter0/grad/", "relu/grad_") into a parameter
 * vector. names: as above. */
void golden_network(hid_t file, const char *names, const char *group, const naive_model *model,
                    double *params);
/* base.0.weight ... decoder.0.bias under a prefix, masked entries as 0, into a parameter vector. */
void golden_decoder(hid_t file, const char *group, const naive_model *model, double *params);

#endif
