/* Racing (successive halving): at given iterations, the rungs, the worse part of an ensemble's models is
 * stopped. What they reached stays in the store, and is ranked after the others. */
#ifndef OM_RACE_H
#define OM_RACE_H

enum { OM_RACE_MOST_RUNGS = 16, OM_RACE_BYTES = 256 };

typedef struct om_race_options {
    double keep;            /* share of the models at a rung that goes on: above 0, below 1 */
    char at[OM_RACE_BYTES]; /* rungs, rising, as a spec has them: "10000, 30000"; "": no race */
} om_race_options;

#endif
