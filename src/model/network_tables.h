/* The order of operations of the network kernels: which loads are shared by which targets, which taps
 * belong to which source. Made once from a circuit; the parameters only fill in weights. */
#ifndef OM_MODEL_NETWORK_TABLES_H
#define OM_MODEL_NETWORK_TABLES_H

#include "model/kernels/kernels.h"

typedef struct om_network_order {
    om_network_tables tables;
    int n_weights;
    int *weight_pair;      /* [n_weights] pair of each weight of the forward order */
    om_real *weight_count; /* [n_weights] its synapse count */
    int *pair_sign;        /* [n_pairs] */
} om_network_order;

om_status om_network_order_create(const om_circuit *circuit, const om_geometry *geometry,
                                  int targets_per_group, om_network_order *order);
void om_network_order_free(om_network_order *order); /* accepts a zeroed one */

/* Refreshes weights and rates. resting_potential, time_constant [n_types], strength [n_pairs]. */
void om_network_order_set_params(om_network_order *order, const om_real *resting_potential,
                                 const om_real *time_constant, const om_real *strength, om_real dt);

/* Relative work of a group and of a source, for dividing them among threads. */
int om_group_cost(const om_group *group);
int om_source_cost(const om_network_tables *tables, int type);

#endif
