/* How much of a machine is taken by others while something is measured. */
#ifndef OM_BASE_LOAD_H
#define OM_BASE_LOAD_H

/* Seconds that all cores were at work since some moment, and what this process and its children that
 * have been waited for had of them. all_s < 0: the system does not say. */
typedef struct om_load {
    double when_s, all_s, own_s;
} om_load;

om_load om_load_now(void);
/* Cores that other processes have kept busy since then, on average; 0 where the system does not say. */
double om_load_of_others(const om_load *since);

#endif
