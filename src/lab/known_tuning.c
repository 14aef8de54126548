/* What is known of the fly's cell types: the tables that the paper's measures compare
 * with. Polarities, preferred directions, the types that are tuned to motion and those that are not,
 * and tuning curves of T4 and T5 are literature values as collected in flyvis, the software of
 * Lappalainen et al. (2024), Nature 634:1132-1140 (MIT licence, see NOTICE). */
#include <math.h>
#include <string.h>

#include "ommatid/om_tuning.h"

/* Relative responses to motion in 0, 30, ..., 330 degrees. */
static const double curves[OM_DETECTORS][OM_CURVE_ANGLES] = {
    {0.04, 0.05, 0.165, 0.19, 0.29, 0.5, 1.0, 0.585, 0.31, 0.11, 0.06, 0.04},        /* T4a */
    {0.745, 0.785, 0.305, 0.265, 0.25, 0.335, 0.285, 0.23, 0.14, 0.11, 0.26, 0.775}, /* T4b */
    {0.04, 0.2, 0.57, 0.775, 0.715, 0.325, 0.22, 0.13, 0.13, 0.22, 0.155, 0.11},     /* T4c */
    {0.07, 0.07, 0.12, 0.17, 0.21, 0.14, 0.21, 0.29, 0.67, 0.655, 0.7, 0.51},        /* T4d */
    {0.2, 0.295, 0.265, 0.2, 0.25, 0.65, 1.0, 0.59, 0.29, 0.21, 0.2, 0.22},          /* T5a */
    {0.83, 0.855, 0.405, 0.16, 0.175, 0.24, 0.3, 0.25, 0.13, 0.2, 0.3, 0.655},       /* T5b */
    {0.2, 0.44, 0.69, 0.595, 0.745, 0.525, 0.34, 0.255, 0.34, 0.295, 0.26, 0.28},    /* T5c */
    {0.17, 0.21, 0.21, 0.2, 0.19, 0.15, 0.185, 0.42, 0.85, 0.79, 0.685, 0.565},      /* T5d */
};

enum { OFF = -1, UNKNOWN = 0, ON = 1 };
enum { NOT_KNOWN = -1, STILL = 0, MOTION = 1 };

/* clang-format off */
const om_known_type om_known_types[] = {
    {"R1", ON, NOT_KNOWN, NAN, NULL},
    {"R2", ON, NOT_KNOWN, NAN, NULL},
    {"R3", ON, NOT_KNOWN, NAN, NULL},
    {"R4", ON, NOT_KNOWN, NAN, NULL},
    {"R5", ON, NOT_KNOWN, NAN, NULL},
    {"R6", ON, NOT_KNOWN, NAN, NULL},
    {"R7", ON, NOT_KNOWN, NAN, NULL},
    {"R8", ON, NOT_KNOWN, NAN, NULL},
    {"L1", OFF, NOT_KNOWN, NAN, NULL},
    {"L2", OFF, NOT_KNOWN, NAN, NULL},
    {"L3", OFF, NOT_KNOWN, NAN, NULL},
    {"L4", OFF, NOT_KNOWN, NAN, NULL},
    {"L5", ON, NOT_KNOWN, NAN, NULL},
    {"Lawf1", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Lawf2", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Am", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"C2", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"C3", ON, NOT_KNOWN, NAN, NULL},
    {"CT1(Lo1)", OFF, STILL, NAN, NULL},
    {"CT1(M10)", ON, STILL, NAN, NULL},
    {"Mi1", ON, STILL, NAN, NULL},
    {"Mi2", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Mi3", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Mi4", ON, STILL, NAN, NULL},
    {"Mi9", OFF, STILL, NAN, NULL},
    {"Mi10", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Mi11", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Mi12", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Mi13", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Mi14", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Mi15", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"T1", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"T2", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"T2a", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"T3", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"T4a", ON, MOTION, 180, curves[0]},
    {"T4b", ON, MOTION, 0, curves[1]},
    {"T4c", ON, MOTION, 90, curves[2]},
    {"T4d", ON, MOTION, 270, curves[3]},
    {"T5a", OFF, MOTION, 180, curves[4]},
    {"T5b", OFF, MOTION, 0, curves[5]},
    {"T5c", OFF, MOTION, 90, curves[6]},
    {"T5d", OFF, MOTION, 270, curves[7]},
    {"Tm1", OFF, STILL, NAN, NULL},
    {"Tm2", OFF, STILL, NAN, NULL},
    {"Tm3", ON, STILL, NAN, NULL},
    {"Tm4", OFF, STILL, NAN, NULL},
    {"Tm5Y", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Tm5a", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Tm5b", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Tm5c", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Tm9", OFF, STILL, NAN, NULL},
    {"Tm16", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Tm20", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Tm28", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"Tm30", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY3", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY4", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY5a", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY9", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY10", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY13", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY14", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY15", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {"TmY18", UNKNOWN, NOT_KNOWN, NAN, NULL},
    {NULL, UNKNOWN, NOT_KNOWN, NAN, NULL},
};
/* clang-format on */

const om_known_type *om_known_type_of(const char *name)
{
    for (const om_known_type *k = om_known_types; k->name != NULL; k++)
        if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

const char *om_detector_name(int i)
{
    static const char *const names[OM_DETECTORS] = {"T4a", "T4b", "T4c", "T4d",
                                                    "T5a", "T5b", "T5c", "T5d"};
    return names[i];
}

int om_detector_intensity(int i) { return om_known_type_of(om_detector_name(i))->polarity == ON; }
