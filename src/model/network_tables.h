/* The order of operations of the network kernels: which loads are shared by which targets, which taps
 * belong to which source. Made once from a circuit; the parameters only fill in weights. */
#ifndef OM_MODEL_NETWORK_TABLES_H
#define OM_MODEL_NETWORK_TABLES_H

#include "model/kernels/kernels.h"

/* Where each weight of some groups comes from. */
typedef struct om_origins {
    int *pair, *tap; /* [n_weights] of the circuit */
} om_origins;

typedef struct om_network_order {
    om_network_tables tables;
    int n_weights; /* as many taps have synapses; as many are in the groups of each way, and in the fan out */
    om_origins forward, back;
    int *fan_out_tap; /* [n_weights] tap in the circuit of each tap of the fan out */
    om_real *count;   /* [n_taps] synapses of each tap of the circuit */
    int *pair_sign;   /* [n_pairs] */
} om_network_order;

om_status om_network_order_create(const om_circuit *circuit, const om_geometry *geometry,
                                  int targets_per_group, om_network_order *order);
void om_network_order_free(om_network_order *order); /* accepts a zeroed one */
/* Bytes that such an order keeps. */
size_t om_network_order_bytes(const om_circuit *circuit);

/* Refreshes weights, the fan out's counts and rates. resting_potential, time_constant [n_types],
 * strength [n_pairs]. */
void om_network_order_set_params(om_network_order *order, const om_real *resting_potential,
                                 const om_real *time_constant, const om_real *strength, om_real dt);

/* Relative work of a group and of a source, for dividing them among threads. */
int om_group_cost(const om_group *group);
int om_source_cost(const om_network_tables *tables, int type);

#endif
