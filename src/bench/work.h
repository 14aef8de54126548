/* What there is to do in one training iteration: its stages, and how much arithmetic and traffic each
 * comes to by circuit, lattice, batch and film.
 *
 * Multiply-adds are those of the direct algorithm, whatever a kernel really does: one for each
 * connection, frame and sample; one for each column, frame, sample and entry of a convolution's
 * kernel. A method that needs fewer shows as a higher share of the peak. */
#ifndef OM_BENCH_WORK_H
#define OM_BENCH_WORK_H

#include "model/geometry.h"

typedef enum om_stage {
    OM_STAGE_NETWORK,
    OM_STAGE_NETWORK_ADJOINT,
    OM_STAGE_BOTH_ADJOINTS, /* in its place, under the activity penalty */
    OM_STAGE_CONV1,         /* by whichever method is taken */
    OM_STAGE_HEAD,
    OM_STAGE_HEAD_ADJOINT,
    OM_STAGE_CONV1_ADJOINT,
    OM_STAGE_DECODER, /* the two above it that go forward, and what lies between */
    OM_STAGE_DECODER_ADJOINT,
    OM_ARITHMETIC_STAGES,
    /* everything else: no multiply-adds to speak of */
    OM_STAGE_FILMS = OM_ARITHMETIC_STAGES,
    OM_STAGE_DROPOUT,
    OM_STAGE_STEADY_STATE, /* once a pass */
    OM_STAGE_PARAMETERS,
    OM_STAGE_OPTIMISER,
    OM_STAGE_RECORDS,
    OM_STAGES
} om_stage;

/* For JSON, and for people. */
extern const char *const om_stage_keys[OM_STAGES], *const om_stage_titles[OM_STAGES];

typedef struct om_work {
    double multiply_adds[OM_STAGES];
    /* Bytes of the arrays that a stage reads or writes, each counted once: what has to pass between
     * memory or the last cache and a core that keeps nothing from stage to stage. */
    double bytes[OM_STAGES];
    double iteration, penalised; /* multiply-adds of one without and with the activity penalty */
} om_work;

om_work om_work_of(const om_circuit *circuit, const om_geometry *geometry, int batch, int frames);

#endif
