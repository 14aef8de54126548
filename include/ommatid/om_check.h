/* Proving a store: whether what it holds is whole, and from where each model would go on. Everything here
 * only reads, takes no lock and waits for none, so that it can be done beside a job that trains; what
 * looks wrong then is looked at again before it is called so. */
#ifndef OM_CHECK_H
#define OM_CHECK_H

#include "ommatid/om_store.h"

enum { OM_FINDING_BYTES = 480 };

/* One thing that was found. */
typedef struct om_finding {
    bool damage;        /* something is damaged or lost; else it is only worth knowing */
    int model;          /* -1: it concerns no model */
    const char *where;  /* dataset or group; "": the file */
    int64_t at;         /* byte of the file; -1: of no use here */
    const char *remedy; /* what to do; NULL: nothing */
    char what[OM_FINDING_BYTES];
} om_finding;

typedef struct om_findings {
    om_finding *items;
    size_t n, room;
    bool failed; /* there was no memory for one of them */
} om_findings;

/* Adds one; the text is made of a format as in printf(). Control characters do not get into it. */
void om_findings_add(om_findings *findings, om_finding finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void om_findings_free(om_findings *findings);

/* What a run would do with a model. */
typedef enum om_resume {
    OM_RESUME_START,    /* begin it */
    OM_RESUME_GO_ON,    /* at its state's iteration */
    OM_RESUME_NOTHING,  /* it is trained to the end */
    OM_RESUME_STOPPED,  /* nothing: a race has stopped it */
    OM_RESUME_DIVERGED, /* nothing: it would diverge again */
    OM_RESUME_REFUSED   /* nothing: no state of it can be used, it fails and the others go on */
} om_resume;
const char *om_resume_name(om_resume resume);

typedef struct om_slot_proof {
    bool written;      /* it holds something; else it is empty */
    const char *fault; /* why it is not to be believed; NULL: it is valid, or empty */
    uint64_t commit, iteration;
    uint64_t at; /* byte of the file at which it begins */
} om_slot_proof;

typedef struct om_model_proof {
    om_slot_proof slots[2]; /* /checkpoint/a and b */
    int newest;             /* the one that counts; -1: none */
    uint64_t iteration;     /* of its state; 0 without */
    int status;             /* of the live table, an om_model_status unless it is damaged */
    om_resume resume;
    int retries,
        replacements; /* of its state: how often it was set back, or begun anew, after diverging */
    bool damaged;     /* something of it is: findings say what */
} om_model_proof;

/* Who holds the lock of a store. */
typedef enum om_lock_state {
    OM_LOCK_NONE,
    OM_LOCK_LIVE,      /* its process runs on this host */
    OM_LOCK_ELSEWHERE, /* on another host: whether it runs cannot be seen from here */
    OM_LOCK_STALE,     /* its process is gone: the next run takes it over */
    OM_LOCK_STRANGE    /* the file is no lock of this program */
} om_lock_state;
const char *om_lock_state_name(om_lock_state state);
/* holder: who, and since when; "" without a lock. */
om_lock_state om_store_inspect_lock(const char *path, char holder[OM_MESSAGE_BYTES]);

/* Whether a file that cannot be opened is a store all the same, of the form of this program: damaged. */
bool om_store_recognise(const char *path);
/* Attributes, layout and circuit, and every dataset whose contents follow from them. circuit: what the store
 * describes, NULL if that is damaged; om_circuit_free(). Errors: OM_ENOMEM. */
om_status om_check_structure(om_store *store, om_findings *findings, om_circuit **circuit);
/* One model. live: a job may be writing now. patience_s: how long may be waited in all to look again at
 * what seems wrong, as it does while a job writes; it is used up. state: room for one. Errors: OM_EIO. */
om_status om_check_model(om_store *store, int model, bool live, double *patience_s, om_state *state,
                         om_model_proof *proof, om_findings *findings);

/* Whether two states of a store's layout differ, and the first place in which they do, for a person: its
 * field, type or pair, and both values. Local. */
bool om_store_difference(const om_store *store, const om_state *stored, const om_state *other,
                         char text[OM_MESSAGE_BYTES]);

/* All that is known of a store. */
typedef struct om_check {
    om_store *store;        /* NULL: it cannot be opened */
    om_model_proof *models; /* [n_models] */
    om_findings findings;
    om_lock_state lock;
    char holder[OM_MESSAGE_BYTES];
    int n_damage; /* findings that are damage */
} om_check;

/* Proves a store: its structure, spec, models and ranking. Damage is no error: it is among the findings.
 * structure_done(): called when what HDF5 itself reads is read; may be NULL. Free with om_check_free(),
 * after failures, too. Errors: OM_EDATA (there is no store, or one of another form), OM_ENOMEM. */
om_status om_ensemble_check(const char *path, void (*structure_done)(void), om_check *check);
void om_check_free(om_check *check);

#endif
