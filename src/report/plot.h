/* Drawing by gnuplot, a program that most systems have, as a child: a picture is a script with its data
 * inside, put together here and in pictures.c, and no library is linked. */
#ifndef OM_REPORT_PLOT_H
#define OM_REPORT_PLOT_H

#include "base/text.h"

/* Colours that colour-blind eyes tell apart (Okabe and Ito 2008, Color Universal Design). */
#define OM_PLOT_BLACK  "#000000"
#define OM_PLOT_BLUE   "#0072B2"
#define OM_PLOT_RED    "#D55E00"
#define OM_PLOT_GREY   "#999999"
#define OM_PLOT_PALE   "#C8C8C8"
#define OM_PLOT_ORANGE "#E69F00"

/* Before minutes of computing: whether a picture can be made at `path`. Errors: OM_EUSAGE (ends neither
 * in .svg nor in .png), OM_EIO (exists already, gnuplot is missing or lacks that kind of picture). */
om_status om_plot_check(const char *path);

/* Starts a script for a picture of that size in inches; its letters are of 10 points when printed so.
 * What fails is in `script` (om_text) until om_plot_finish(). */
void om_plot_begin(om_text *script, const char *path, double width, double height);
/* Adds a text between quotation marks. */
void om_plot_quote(om_text *script, const char *format, ...) OM_PRINTF(2, 3);

/* Draws the script and frees it. The picture appears whole or not at all, and never replaces a file.
 * Errors: OM_EIO (exists already, no permission, full disk, gnuplot failed: with what it said),
 * OM_ENOMEM. */
om_status om_plot_finish(om_text *script, const char *path);

#endif
