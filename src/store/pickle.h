/* Pickles, as far as tensors need them. A pickle is a program for a stack machine that may call any
 * function of Python's; here nothing is ever called. Only what dictionaries, lists, texts, numbers
 * and tensors are written with (protocol 2) is understood; it builds a tree of plain values, and
 * every other opcode and every other name is refused. Everything is bounded by the pickle's length:
 * an opcode makes at most one value. */
#ifndef OM_STORE_PICKLE_H
#define OM_STORE_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_status.h"

enum { OM_TENSOR_AXES = 8, OM_PICKLE_BYTES = 1 << 20 /* the longest pickle that is read */ };

typedef enum om_value_kind {
    OM_VALUE_NONE,
    OM_VALUE_FLAG,
    OM_VALUE_INTEGER,
    OM_VALUE_REAL,
    OM_VALUE_TEXT,
    OM_VALUE_BYTES,
    OM_VALUE_TUPLE,
    OM_VALUE_LIST,
    OM_VALUE_DICTIONARY, /* items: key, value, key, value, ... */
    OM_VALUE_NAME,
    OM_VALUE_DTYPE, /* text: "f8" */
    OM_VALUE_STORAGE,
    OM_VALUE_TENSOR
} om_value_kind;

/* Type of the numbers of a storage. */
typedef enum om_number { OM_FLOAT, OM_DOUBLE, OM_INT, OM_LONG } om_number;
size_t om_number_bytes(om_number type);
const char *om_number_name(om_number type); /* "float32", ... */

typedef struct om_value {
    om_value_kind kind;
    int64_t integer; /* FLAG, INTEGER; NAME: which; STORAGE: how many numbers it has */
    double real;
    const char *text; /* TEXT, DTYPE; STORAGE: its file in the archive. In the pickle: no NUL */
    uint32_t n_text;
    om_number type;       /* STORAGE */
    uint32_t first, last; /* items, as positions in the pickle's links; 0: none */
    uint32_t n_items;
} om_value;

/* A view of a storage: number i of axis k lies stride[k] numbers after number i - 1. */
typedef struct om_tensor {
    const om_value *storage;
    int n_axes;
    int64_t length[OM_TENSOR_AXES], stride[OM_TENSOR_AXES];
    int64_t offset, count; /* first number; product of the lengths */
} om_tensor;

typedef struct om_pickle om_pickle;

/* Reads a pickle. name: for messages; bytes must outlive the result. Errors: OM_EDATA with the byte
 * and what was found there, OM_ENOMEM. */
om_status om_pickle_read(const char *name, const void *bytes, size_t n, om_pickle **pickle);
void om_pickle_free(om_pickle *pickle); /* accepts NULL */

/* The value at a path of keys ("decoder/flow/base.0.weight"; a key may hold no '/'), or NULL. */
const om_value *om_pickle_find(const om_pickle *pickle, const char *path);
/* The view that a value of kind OM_VALUE_TENSOR is; it lies inside its storage. */
void om_pickle_tensor(const om_pickle *pickle, const om_value *value, om_tensor *tensor);

#endif
