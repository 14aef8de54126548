/* The measures of one model: from what it answered to the battery to one number each. */
#include "lab/measures.h"

#include <math.h>
#include <string.h>


/* clang-format off */
const om_measure_info om_measures[OM_N_MEASURES] = {
    [OM_HITS_45] = {"hits_45", "hits within 45 degrees", "type", true},
    [OM_HITS_30] = {"hits_30", "hits within 30 degrees", "type", true},
    [OM_DIRECTION_DISTANCE] = {"direction_distance", "distance of directions", "degree", false},
    [OM_DSI_T4] = {"dsi_t4", "DSI of T4", "1", true},
    [OM_DSI_T5] = {"dsi_t5", "DSI of T5", "1", true},
    [OM_DSI_OTHERS] = {"dsi_others", "DSI of other types", "1", false},
    [OM_MOTION_CORRELATION] = {"motion_correlation", "DSI with known motion tuning", "1", true},
    [OM_POLARITY_CORRELATION] = {"polarity_correlation", "FRI with known polarity", "1", true},
    [OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS] = {"polarity_correlation_without_receptors", "the same without R1-R8", "1", true},
    [OM_SIGNS_RIGHT] = {"signs_right", "sign of FRI right", "type", true},
    [OM_CURVE_CORRELATION_T4] = {"curve_correlation_t4", "tuning curves of T4", "1", true},
    [OM_CURVE_CORRELATION_T5] = {"curve_correlation_t5", "tuning curves of T5", "1", true},
};
/* clang-format on */

int om_measure_named(const char *name)
{
    for (int m = 0; m < OM_N_MEASURES; m++)
        if (strcmp(om_measures[m].name, name) == 0) return m;
    return -1;
}
