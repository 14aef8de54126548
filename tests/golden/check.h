/* What the checks of the program `golden` share. A check reads one reference file, computes the same
 * with the library, and reports one line per quantity. It goes on after a quantity that is wrong, and
 * a dataset that is missing is one that is wrong.
 *
 * Values are compared as doubles whatever om_real is. Errors are relative to the root mean square of
 * what is expected (of the change, where `from` is given): the limit holds for their root mean square,
 * and 20 times that for the largest. What is not finite, found or expected, is wrong.
 *
 * Each file is checked in a process of its own: options without which nothing can be computed end it
 * (check_give_up), and a crash is one more thing that is wrong. */
#ifndef GOLDEN_CHECK_H
#define GOLDEN_CHECK_H

#include <stdbool.h>

#include <hdf5.h>

#include "model/network.h"
#include "ommatid/ommatid.h"

typedef struct check {
    const char *folder;         /* of the reference files */
    const char *shared;         /* the folder that holds connectome/ and paper-ensemble/ */
    const char *name;           /* of the file at hand */
    hid_t file;                 /* H5I_INVALID_HID where it is not HDF5 */
    om_convolution convolution; /* of every decoder */
    struct tally {
        int quantities, wrong, skipped;
    } * tally; /* of the file at hand */
} check;

enum { CHECK_MOST = 10000 /* samples, frames, ...: what is more is a mistake */ };

/* Limits of one build: single precision, or double. */
typedef enum check_kind {
    CHECK_FORWARD,  /* 2e-5; all but the last: double 1e-9 */
    CHECK_GRADIENT, /* 2e-4 */
    CHECK_TRAINED,  /* parameters after 10 iterations, of their change: 1e-4 */
    CHECK_EARLY,    /* after 1 or 2: 2e-4 */
    CHECK_STORED /* what the library, or the file, keeps in single precision in every build: 1.5e-7,
                       three times what was measured */
} check_kind;
double check_limit(check_kind kind);

/* A whole dataset as doubles, free() it; *n (unless NULL) its size. NULL, and reported, if it is
 * missing or n_expected (>= 0) is not its size. A number that is not finite is reported, too, but by
 * check_read_padded(). path: printf format. */
double *check_read(check *c, int n_expected, int *n, const char *path, ...)
    __attribute__((format(printf, 4, 5)));
/* The same of n numbers that may be followed by NaN up to the end of a row. */
double *check_read_padded(check *c, int n, const char *path);
/* n numbers of an attribute of an object ("/" for the file); false, and reported, if missing. */
bool check_attributes(check *c, int n, const char *object, const char *name, double *values);
/* An option: an attribute that is a number from least to most, a whole one, a text, or a list of n whole
 * numbers from 0 to most (free() both). Gives up where it is missing or another. */
double check_option(check *c, const char *object, const char *name, double least, double most);
int check_integer(check *c, const char *object, const char *name, int least, int most);
char *check_text(check *c, const char *object, const char *name);
int *check_integers(check *c, const char *object, const char *name, int most, int *n);
int check_extent(check *c, const char *object);
double check_seconds(check *c, const char *object, const char *name);
/* Options of which only one value is known here, a text by its beginning; gives up at any other. */
void check_only(check *c, const char *object, const char *name, double value);
void check_only_text(check *c, const char *object, const char *name, const char *text);
/* A dataset of names; free each and the list. NULL, and reported, if missing. */
char **check_names(check *c, int *n, const char *path, ...) __attribute__((format(printf, 3, 4)));
void check_free_names(char **names, int n);
/* Whether the file has it; nothing is reported. */
bool check_has(check *c, const char *path, ...) __attribute__((format(printf, 2, 3)));
/* Whether a dataset keeps its numbers in single precision; false if there is none. */
bool check_is_single(check *c, const char *path);
/* Whether a check has opened this dataset of the file at hand. */
bool check_was_read(const check *c, const char *path);

/* The file at hand as a table of comma-separated values without quotes; every line has as many
 * cells as the first, which names the columns. false, and reported, if it is none. */
typedef struct check_table {
    int rows, columns; /* without the line of names */
    char **cells;      /* [1 + rows][columns], row 0 the names */
    bool *used;        /* [columns] somebody asked for it */
    char *text;        /* what the cells point into */
} check_table;
bool check_read_table(check *c, check_table *table);
/* Frees it; reports columns that nobody asked for. */
void check_close_table(check *c, check_table *table);
/* A cell, 0 <= row < rows: its text, or its number (gives up if it is none). Number of the column of
 * that name; -1, and reported, if there is none. */
const char *check_cell(const check_table *table, int row, int column);
double check_cell_number(check *c, const check_table *table, int row, int column);
int check_column(check *c, const check_table *table, const char *name);

/* Reports a quantity. from: see above, or NULL. */
void check_compare(check *c, const char *quantity, int n, const double *actual,
                   const double *expected, const double *from, double limit);
/* Errors relative to the largest that is expected; their maximum may not be more than the limit. */
void check_largest(check *c, const char *quantity, int n, const double *actual,
                   const double *expected, double limit);
/* The largest absolute error and the root mean square one, each with its limit. */
void check_absolute(check *c, const char *quantity, int n, const double *actual,
                    const double *expected, double most, double rms);
/* Integers, permutations, signs: no difference at all. */
void check_exact(check *c, const char *quantity, int n, const double *actual,
                 const double *expected);
/* The same with the dataset of n numbers at `path`, which names the quantity. */
void check_dataset(check *c, int n, const double *actual, double limit, const char *path, ...)
    __attribute__((format(printf, 5, 6)));
/* The sum of n weighted values with a scalar dataset, relative to the root of the sum of the squares
 * of what is added: the sum itself may be nothing beside it. */
void check_weighted_sum(check *c, int n, const double *weight, const double *value, double limit,
                        const char *path, ...) __attribute__((format(printf, 6, 7)));
void check_exact_dataset(check *c, int n, const double *actual, const char *path, ...)
    __attribute__((format(printf, 4, 5)));
/* Something that cannot be compared: wrong, or left out with the reason (visible, not wrong). */
void check_wrong(check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_skip(check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Wrong, and the end of this file's check. */
_Noreturn void check_give_up(check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* a times b, the size of an array; gives up where none is that large. */
int check_times(check *c, int a, int b);

/* om_real and float arrays as doubles, and back; free() them. */
double *check_doubles(int n, const om_real *values);
om_real *check_reals(int n, const double *values);
double *check_zeros(int n);
/* Whether the library's call succeeded; its message is reported if not. */
bool check_ok(check *c, om_status status);

/* The circuit of the reference files at an extent: FOLDER/circuit.circuit, or else the published
 * connectome as the library reads it from SHARED/connectome. NULL, and reported, if it does not open
 * (skipped: if it is not there). om_circuit_free() it. */
om_circuit *check_circuit(check *c, int extent);
/* Number of the pair of types of those names; -1 if the circuit has none. */
int check_pair(const om_circuit *circuit, const char *source, const char *target);
/* Whether a dataset of names lists the circuit's types in its order; reported if not. */
bool check_types(check *c, const om_circuit *circuit, const char *path);
/* Voltages of all cells [n_cells] after a frame of the last forward pass (-1: of its initial state)
 * in the order of the reference files: by type, then by column. */
void check_cells(const om_circuit *circuit, const om_network *network, int sample, int frame,
                 double *voltage);
/* A dataset by pair (named by NAMESpair_source and NAMESpair_target) into the circuit's order:
 * strength [n_pairs], 0 for pairs that the file lacks (without synapses). */
bool check_pairs(check *c, const om_circuit *circuit, const char *names, const char *path,
                 double *strength);
/* bias, tau and alpha under a prefix ("", "init/", "iter0/grad/", "relu/grad_") into the network's
 * part of a parameter vector (types in the order of NAMEScell_types, which must be the circuit's);
 * base.0.weight ... decoder.0.bias into the decoder's, masked as 0. */
bool check_network_params(check *c, const om_circuit *circuit, const char *names,
                          const char *prefix, double *params);
bool check_decoder_params(check *c, const om_circuit *circuit, const char *prefix, double *params);
/* Gives up unless the file's decoder has the library's layers and kernels. */
void check_layers(check *c);
/* Compares the file's `mask` [5][5], 1 inside the kernels' hexagon. */
void check_mask(check *c);

/* Reports each dataset that the file describes but does not hold, and each that no check has read
 * (complete.c). */
void check_complete(check *c);

/* The checks, one for each kind of file. */
void check_taps(check *c);             /* taps.csv */
void check_counts(check *c);           /* counts.csv */
void check_init_strength(check *c);    /* init_strength.csv */
void check_init_bias(check *c);        /* init_bias_float32.csv */
void check_dynamics(check *c);         /* dynamics_*.h5 */
void check_gradient(check *c);         /* gradient_*.h5 */
void check_full(check *c);             /* full_*.h5 */
void check_decoder(check *c);          /* decoder_*.h5 */
void check_train(check *c);            /* train_*.h5 */
void check_augment(check *c);          /* augment*.h5 */
void check_resample(check *c);         /* resample*.h5 */
void check_eye(check *c);              /* eye*.h5 */
void check_stimuli(check *c);          /* stimuli.h5 */
void check_analysis_stimuli(check *c); /* stimuli_e*.h5 */
void check_analysis(check *c);         /* analysis*.h5 */
void check_known_tuning(check *c);     /* known_tuning.json */
void check_trained(check *c);          /* trained_*.h5 */
void check_film(check *c);             /* film_*.h5 */

#endif
