/* Outcome of every call that can fail, and the one message for a person that goes with it. */
#ifndef OM_STATUS_H
#define OM_STATUS_H

/* The floating-point type of all model arithmetic and of what is stored of it. The library is built
 * for one of the two; a program that links it must be compiled with the same definition (the
 * pkg-config file carries it). */
#ifdef OM_REAL_IS_DOUBLE
typedef double om_real;
#else
typedef float om_real;
#endif

typedef enum om_status {
    OM_OK = 0,
    OM_EFAIL,     /* something did not work that should have */
    OM_EUSAGE,    /* called with arguments that make no sense */
    OM_EDATA,     /* a file or spec given by the user is wrong, or not there */
    OM_EIO,       /* reading or writing failed: full disk, no permission */
    OM_ENOMEM,    /* not enough memory */
    OM_EBUSY,     /* somebody else holds the store */
    OM_EDIVERGED, /* a loss or a state is not finite */
    OM_ESTOPPED   /* stopped early by request; what was done is kept and can be resumed */
} om_status;

/* Exit code of the program for an outcome: 0 done, 1 failed, 2 used wrongly, 3 the input is bad,
 * 75 stopped early but resumable. */
int om_exit_code(om_status status);

/* Message of the last failure in this thread, without trailing newline; "" if there was none.
 * May have several lines: what was wrong and where, then lines that say what to try. */
const char *om_message(void);

#endif
