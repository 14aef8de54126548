/* What cells answer to flashes and moving edges, as numbers, and how that agrees with what is known
 * of the fly's cells (model.md 7). Measures of Lappalainen et al. 2024, Methods.
 *
 * A *condition* is one film that a model is shown: a flash, or an edge of one direction, width, speed
 * and intensity. Intensity 0 is dark (OFF), 1 bright (ON); it is the index of axes of length 2. Times
 * are in seconds from the stimulus' onset, voltages are those of the types' central cells, V itself
 * and not f(V). A measure that a voltage which is not finite went into is NaN; where else one is
 * NaN, its declaration says so. */
#ifndef OM_TUNING_H
#define OM_TUNING_H

#include <stdbool.h>

#include "ommatid/om_circuit.h"

/* ---- responses, while frames stream by -------------------------------------------------------- */

typedef struct om_window {
    double from_s, to_s; /* both belong to it, as the numbers compare */
} om_window;

/* Of a flash: from one time step before its onset to its end. */
om_window om_flash_window(double dt_s, double t_stim_s);
/* Of an edge of `speed` columns (of 5.8 degrees) per second that starts its way at start_deg in
 * steps of 2.25 degrees: while it is between from_deg and to_deg, the last step included. */
om_window om_edge_window(double speed, double start_deg, double from_deg, double to_deg);

/* The lowest and the highest voltage inside a window, by condition and type, and when the highest was
 * first reached. This is all that the measures need, so no trace is kept. */
typedef struct om_extremes {
    int n_conditions, n_types;
    om_window *window;                 /* [n_conditions] */
    int *frames;                       /* [n_conditions] inside the window so far */
    double *lowest, *highest, *peak_s; /* [n_conditions][n_types]; NaN while there are no frames */
} om_extremes;

/* windows: [n_conditions], copied. Errors: OM_ENOMEM. */
om_status om_extremes_create(int n_conditions, int n_types, const om_window *windows,
                             om_extremes **extremes);
void om_extremes_free(om_extremes *extremes); /* accepts NULL */
/* Forgets all frames: for the next model. */
void om_extremes_reset(om_extremes *extremes);
/* One frame of a condition; voltage: [n_types]. Frames of a condition come in the order of their
 * times, conditions in any order or side by side. Threads may add to different conditions. */
void om_extremes_add(om_extremes *extremes, int condition, double time_s, const om_real *voltage);

/* ---- measures ---------------------------------------------------------------------------------- */

/* Flash response index (r_on - r_off) / (r_on + r_off + 1e-16) of two conditions, a dark flash and a
 * bright one: r is the highest voltage after |lowest of both| was added. fri: [n_types]; NaN where a
 * window has no frames. */
void om_flash_index(const om_extremes *extremes, int off, int on, double *fri);

typedef struct om_edge {
    double angle_deg; /* of its motion, counter-clockwise, 0 to the right */
    double width;     /* in any unit */
    double speed;     /* columns per second */
    int intensity;
} om_edge;

/* Peaks of the rectified responses to edges, condition by condition. */
typedef struct om_edge_peaks {
    int n_edges, n_types;
    const om_edge *edges; /* [n_edges] */
    const double *peak;   /* [n_edges][n_types] */
    const bool *use;      /* [n_edges] which ones count: those of one speed, say; NULL: all */
} om_edge_peaks;

/* peak: [n_conditions][n_types] = max(0, highest); NaN where a window has no frames. */
void om_peaks_of(const om_extremes *extremes, double *peak);

/* Direction selectivity and preferred direction, both [2][n_types], over the sets of edges of equal
 * width and speed. With S = sum over a set's angles of peak e^{i angle} at one intensity, and total
 * the larger of both intensities' sums of peaks:
 *     dsi = mean over sets of |S| / (total + 1e-15), 0 for a type that no edge excites;
 *     direction = phase of the sum over sets of S, radians in (-pi, pi], NaN where that sum is nothing
 *     but rounding (below 1e-12 of the sum of peaks): no response, or the same one to all angles.
 * Errors: OM_EUSAGE if there are no edges, or a set does not hold evenly spread angles, as many dark
 * as bright. */
om_status om_direction_tuning(const om_edge_peaks *peaks, double *dsi, double *direction);

/* ---- what is known ----------------------------------------------------------------------------- */

enum {
    OM_DETECTORS = 8,     /* T4a..T4d, T5a..T5d */
    OM_CURVE_ANGLES = 12, /* 0, 30, ..., 330 degrees */
};

typedef struct om_known_type {
    const char *name;
    int polarity;         /* of the response to light: 1 ON, -1 OFF, 0 not known */
    int motion;           /* 1 tuned to motion, 0 not, -1 not known */
    double direction_deg; /* preferred; NaN: none known */
    const double *curve;  /* [OM_CURVE_ANGLES] relative response to motion; NULL: none known */
} om_known_type;

/* The known types, ended by one without name. */
extern const om_known_type om_known_types[];
/* What is known of a type; NULL: it is not in the table. */
const om_known_type *om_known_type_of(const char *name);
/* Name of detector 0 <= i < OM_DETECTORS, and the intensity of the edges that it is known for: T4
 * bright, T5 dark. */
const char *om_detector_name(int i);
int om_detector_intensity(int i);

/* Pearson correlation of the flash response index with polarity (+-1) over the types whose polarity is
 * known; *n: how many these are (n may be NULL). types, fri: [n_types]. NaN for fewer than two
 * types, or without variation. */
double om_polarity_correlation(const om_type *types, int n_types, const double *fri, int *n);
/* The same of DSI, the larger of both intensities', with 1 for types tuned to motion and 0 for types
 * known not to be. dsi: [2][n_types]. */
double om_motion_correlation(const om_type *types, int n_types, const double *dsi, int *n);
/* Angle between preferred and known direction of the detectors, radians from 0 to pi; direction:
 * [2][n_types]. NaN for a type that is not there or prefers no direction. */
void om_direction_distance(const om_type *types, int n_types, const double *direction,
                           double distance[OM_DETECTORS]);
/* Pearson correlation of peaks with the known curve over its angles, by intensity and detector: that
 * of the set of edges (width and speed) where it is largest. Peaks that do not vary count as a
 * correlation of 0, as in the paper's software. NaN for a type that is not there, and where no set
 * has each of the curve's angles once. types: [peaks->n_types]. */
void om_curve_correlation(const om_edge_peaks *peaks, const om_type *types,
                          double correlation[2][OM_DETECTORS]);

#endif
