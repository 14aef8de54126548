/* The pictures of an ensemble, and of a machine: what is drawn as plain arrays, from wherever it comes. NaN anywhere is a
 * model that says nothing there; it is left out, and every picture tells how many models it shows.
 *
 * Each is drawn into a file that ends in .svg or .png, as om_plot_finish() does, with its errors. */
#ifndef OM_REPORT_PICTURES_H
#define OM_REPORT_PICTURES_H

#include <stdbool.h>

#include "ommatid/om_statistics.h"

/* ---- polar tuning ------------------------------------------------------------------------------ */

typedef struct om_tuning_panel {
    const char *name, *stimulus; /* "T4a", "bright edges" */
    double known_deg;            /* preferred direction; NaN: not known */
    const double *response;      /* [n_models][n_angles], not negative; each model is drawn relative
                                    to its largest, and left out where that is 0 */
} om_tuning_panel;

typedef struct om_tuning_picture {
    const char *ensemble;
    double speed; /* columns/s; 0: of several together */
    int n_models,
        n_angles; /* 360 at most, evenly spread, the first to the right, then counter-clockwise */
    int n_panels; /* in rows of four */
    const om_tuning_panel *panels;
    const bool *best; /* [n_models] those whose median is drawn, too */
} om_tuning_picture;

om_status om_draw_tuning(const char *path, const om_tuning_picture *picture);

/* ---- flash response by type -------------------------------------------------------------------- */

typedef struct om_polarity_type {
    const char *name;
    int known;         /* 1 ON, -1 OFF, 0 not known */
    const double *fri; /* [n_models] */
} om_polarity_type;

typedef struct om_polarity_picture {
    const char *ensemble;
    const char *flashing; /* "discs of radius 6" */
    int n_models, n_types;
    const om_polarity_type *types; /* in any order: they are drawn by their median */
} om_polarity_picture;

om_status om_draw_polarity(const char *path, const om_polarity_picture *picture);

/* ---- responses over time ----------------------------------------------------------------------- */

typedef struct om_trace_panel {
    const char *name;
    const double *response[2]; /* [n_models][n_times] of either stimulus */
} om_trace_panel;

typedef struct om_trace_picture {
    const char *ensemble;
    const char *note;        /* a line below the title, or NULL */
    const char *stimulus[2]; /* "bright flash", "dark flash" */
    int n_models, n_times;
    const double *time_s; /* [n_times] */
    int n_panels;         /* in rows of four */
    const om_trace_panel *panels;
} om_trace_picture;

/* Each model is drawn as its change from the first time, relative to its largest change in that
 * panel; one that does not change is left out. */
om_status om_draw_traces(const char *path, const om_trace_picture *picture);

/* ---- a measure against task error -------------------------------------------------------------- */

typedef struct om_scatter_picture {
    const char *ensemble, *x_title, *y_title;
    int n_models;
    const double *x, *y; /* [n_models] */
} om_scatter_picture;

om_status om_draw_scatter(const char *path, const om_scatter_picture *picture);

/* ---- kernels under the machine's roof ---------------------------------------------------------- */

typedef struct om_roofline_mark {
    const char *name;
    double per_byte, gfma_s; /* multiply-adds for a byte; 1e9 multiply-adds per second */
} om_roofline_mark;

typedef struct om_roofline_picture {
    const char *title, *machine;
    double peak_gfma_s, bandwidth_gb_s;
    int n_marks; /* a dozen at most */
    const om_roofline_mark *marks;
} om_roofline_picture;

/* Errors: OM_EDATA as well (a mark that is not above 0). */
om_status om_draw_roofline(const char *path, const om_roofline_picture *picture);

#endif
