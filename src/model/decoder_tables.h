/* Offsets and packed weights that the decoder's kernels read. */
#ifndef OM_MODEL_DECODER_TABLES_H
#define OM_MODEL_DECODER_TABLES_H

#include "model/kernels/kernels.h"

om_status om_decoder_tables_create(const om_circuit *circuit, const om_geometry *geometry,
                                   om_decoder_tables *tables);
void om_decoder_tables_free(om_decoder_tables *tables); /* accepts a zeroed one */
/* Bytes that such tables allocate. */
size_t om_decoder_tables_bytes(const om_circuit *circuit, const om_geometry *geometry);

/* Packs weights in the kernels' orders. params: the vector's decoder part. */
void om_decoder_tables_set_params(om_decoder_tables *tables, const om_layout *layout,
                                  const om_real *params);

/* Place of tap k of conv1's kernel from output type c to hidden channel o, and of conv2's from hidden
 * channel o to head channel q, from the start of their weights. */
size_t om_conv1_at(const om_decoder_tables *tables, int o, int c, int k);
size_t om_conv2_at(const om_decoder_tables *tables, int q, int o, int k);

#endif
