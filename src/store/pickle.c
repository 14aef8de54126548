/* The stack machine of pickles (see the header). Values, links between them, stack and memo are
 * arrays as long as the pickle, so that nothing grows and nothing is ever out of range: the only
 * checks left are for a stack that is empty and for names, numbers and shapes that make no sense. */
#include "store/pickle.h"

#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "circuit/faults.h"
#include "store/pickle_opcodes.h"

enum { MOST_MARKS = 64, LATIN1_BYTES = 8, MOST_NUMBERS = 1 << 26 };

typedef struct link {
    uint32_t value, next; /* next 0: the last */
} link;

struct om_pickle {
    const char *file;
    const unsigned char *at, *start, *end; /* the bytes */
    om_value *values;                      /* from 1 on */
    link *links;                           /* from 1 on */
    uint32_t *stack, *memo;                /* numbers of values; memo 0: nothing */
    uint32_t n_values, n_links, n_stack, n_memo;
    uint32_t marks[MOST_MARKS]; /* heights of the stack */
    int n_marks;
    const unsigned char *opcode; /* the one that is being carried out */
    uint32_t root;
};

/* --- names ----------------------------------------------------------------------------------- */

typedef enum name {
    NAME_DICTIONARY,
    NAME_TENSOR,
    NAME_DTYPE,
    NAME_SCALAR,
    NAME_ENCODE,
    NAME_STORAGE /* + om_number */
} name;

/* All that may be named. Whatever they are in Python, here they only say how to read what follows. */
static const struct {
    const char *module, *item;
    int name;
} names[] = {
    {"collections", "OrderedDict", NAME_DICTIONARY},
    {"torch._utils", "_rebuild_tensor_v2", NAME_TENSOR},
    {"numpy", "dtype", NAME_DTYPE},
    {"numpy.core.multiarray", "scalar", NAME_SCALAR},
    {"numpy._core.multiarray", "scalar", NAME_SCALAR},
    {"_codecs", "encode", NAME_ENCODE},
    {"torch", "FloatStorage", NAME_STORAGE + OM_FLOAT},
    {"torch", "DoubleStorage", NAME_STORAGE + OM_DOUBLE},
    {"torch", "IntStorage", NAME_STORAGE + OM_INT},
    {"torch", "LongStorage", NAME_STORAGE + OM_LONG},
};
enum { N_NAMES = sizeof names / sizeof *names };

size_t om_number_bytes(om_number type) { return type == OM_FLOAT || type == OM_INT ? 4 : 8; }

const char *om_number_name(om_number type)
{
    static const char *const numbers[] = {"float32", "float64", "int32", "int64"};
    return numbers[type];
}

/* --- faults ---------------------------------------------------------------------------------- */

#define FAULT(p, ...) (om_fail(OM_EDATA, __VA_ARGS__), place_fault(p), OM_EDATA)

static void place_fault(const om_pickle *p)
{
    om_context(OM_EDATA, "%s: byte %td", p->file, p->opcode - p->start);
}

static om_status refuse(const om_pickle *p, unsigned char code)
{
    const char *opcode = om_pickle_refused(code);
    if (opcode == NULL) return FAULT(p, "0x%02x is no opcode", code);
    return FAULT(p, "opcode %s: only tensors, dictionaries, lists, texts and numbers are read",
                 opcode);
}

/* --- the bytes ------------------------------------------------------------------------------- */

static om_status take(om_pickle *p, size_t n, const unsigned char **bytes)
{
    if ((size_t)(p->end - p->at) < n) return FAULT(p, "the pickle ends in the middle");
    *bytes = p->at;
    p->at += n;
    return OM_OK;
}

/* A number of n <= 8 bytes, little endian. */
static om_status take_number(om_pickle *p, size_t n, uint64_t *number)
{
    const unsigned char *bytes;
    OM_TRY(take(p, n, &bytes));
    *number = 0;
    for (size_t i = 0; i < n; i++) *number |= (uint64_t)bytes[i] << (8 * i);
    return OM_OK;
}

static om_status take_line(om_pickle *p, const char **text, size_t *n)
{
    const unsigned char *end = memchr(p->at, '\n', (size_t)(p->end - p->at));
    if (end == NULL) return FAULT(p, "the pickle ends in the middle");
    *text = (const char *)p->at;
    *n = (size_t)(end - p->at);
    p->at = end + 1;
    return OM_OK;
}

/* --- values and the stack -------------------------------------------------------------------- */

static om_value *push_new(om_pickle *p, om_value_kind kind)
{
    om_value *v = &p->values[++p->n_values];
    v->kind = kind;
    p->stack[p->n_stack++] = p->n_values;
    return v;
}

/* Number of values above the last mark, or in all. */
static uint32_t height(const om_pickle *p)
{
    return p->n_stack - (p->n_marks > 0 ? p->marks[p->n_marks - 1] : 0);
}

static om_status need(const om_pickle *p, uint32_t n)
{
    return height(p) >= n ? OM_OK : FAULT(p, "the stack is empty");
}

/* What lies `depth` values below the top, 0 being the top; it must be there. */
static om_value *from_top(const om_pickle *p, uint32_t depth)
{
    return &p->values[p->stack[p->n_stack - 1 - depth]];
}

/* Moves the n topmost values to the end of a container's items. */
static void move_items(om_pickle *p, om_value *container, uint32_t n)
{
    for (uint32_t i = p->n_stack - n; i < p->n_stack; i++) {
        uint32_t at = ++p->n_links;
        p->links[at].value = p->stack[i];
        if (container->last != 0)
            p->links[container->last].next = at;
        else
            container->first = at;
        container->last = at;
        container->n_items++;
    }
    p->n_stack -= n;
}

/* Ends the last mark; *n values lie above where it was. */
static om_status pop_mark(om_pickle *p, uint32_t *n)
{
    if (p->n_marks == 0) return FAULT(p, "there is no mark");
    *n = height(p);
    p->n_marks--;
    return OM_OK;
}

static void make_tuple(om_pickle *p, uint32_t n)
{
    om_value *tuple = &p->values[++p->n_values];
    tuple->kind = OM_VALUE_TUPLE;
    move_items(p, tuple, n);
    p->stack[p->n_stack++] = p->n_values;
}

/* Items of a tuple, of which there must be least to most (at most 8). */
static bool unpack(const om_pickle *p, const om_value *tuple, uint32_t least, uint32_t most,
                   const om_value *items[8])
{
    for (int i = 0; i < 8; i++) items[i] = &p->values[0]; /* nothing */
    if (tuple->kind != OM_VALUE_TUPLE || tuple->n_items < least || tuple->n_items > most)
        return false;
    uint32_t at = tuple->first;
    for (uint32_t i = 0; i < tuple->n_items; i++, at = p->links[at].next)
        items[i] = &p->values[p->links[at].value];
    return true;
}

static bool is_text(const om_value *value, const char *text)
{
    return value->kind == OM_VALUE_TEXT && value->n_text == strlen(text) &&
           memcmp(value->text, text, value->n_text) == 0;
}

/* --- what names stand for -------------------------------------------------------------------- */

/* ('storage', storage type, file, device, numbers): the device does not matter. */
static om_status make_storage(om_pickle *p)
{
    const om_value *items[8];
    OM_TRY(need(p, 1));
    if (!unpack(p, from_top(p, 0), 5, 5, items) || !is_text(items[0], "storage") ||
        items[1]->kind != OM_VALUE_NAME || items[1]->integer < NAME_STORAGE ||
        items[2]->kind != OM_VALUE_TEXT || items[4]->kind != OM_VALUE_INTEGER)
        return FAULT(p, "a persistent value that is no storage of a tensor");
    if (items[4]->integer < 0 || items[4]->integer > MOST_NUMBERS)
        return FAULT(p, "a storage of %lld numbers: expected at most %d",
                     (long long)items[4]->integer, MOST_NUMBERS);
    p->n_stack--;
    om_value *storage = push_new(p, OM_VALUE_STORAGE);
    storage->type = (om_number)(items[1]->integer - NAME_STORAGE);
    storage->text = items[2]->text;
    storage->n_text = items[2]->n_text;
    storage->integer = items[4]->integer;
    return OM_OK;
}

/* Takes lengths or strides, none negative. */
static bool read_axes(const om_pickle *p, const om_value *tuple, int64_t axes[OM_TENSOR_AXES])
{
    const om_value *items[8];
    if (!unpack(p, tuple, 0, OM_TENSOR_AXES, items)) return false;
    for (uint32_t i = 0; i < tuple->n_items; i++) {
        if (items[i]->kind != OM_VALUE_INTEGER || items[i]->integer < 0) return false;
        axes[i] = items[i]->integer;
    }
    return true;
}

/* (storage, offset, lengths, strides, gradient wanted, hooks[, more]). Returns what is wrong. */
static const char *read_tensor(const om_pickle *p, const om_value *arguments, om_tensor *t)
{
    const om_value *items[8];
    *t = (om_tensor){.count = 1};
    if (!unpack(p, arguments, 6, 7, items) || items[0]->kind != OM_VALUE_STORAGE ||
        items[1]->kind != OM_VALUE_INTEGER || !read_axes(p, items[2], t->length) ||
        !read_axes(p, items[3], t->stride) || items[2]->n_items != items[3]->n_items)
        return "its arguments are not those of a tensor of at most 8 axes";
    t->storage = items[0];
    t->n_axes = (int)items[2]->n_items;
    t->offset = items[1]->integer;
    int64_t last = t->offset;
    if (t->offset < 0 || t->offset > MOST_NUMBERS) return "its offset is outside its storage";
    for (int i = 0; i < t->n_axes; i++) {
        int64_t steps = t->length[i] - 1;
        if (t->length[i] > MOST_NUMBERS || t->stride[i] > MOST_NUMBERS ||
            t->count * t->length[i] > MOST_NUMBERS)
            return "its size overflows";
        t->count *= t->length[i];
        last += steps > 0 ? steps * t->stride[i] : 0; /* below 8 * 2^52 + 2^26 */
    }
    return t->count > 0 && last >= t->storage->integer ? "it reaches beyond its storage" : NULL;
}

static om_status make_tensor(om_pickle *p, om_value *arguments)
{
    om_tensor tensor;
    const char *fault = read_tensor(p, arguments, &tensor);
    if (fault != NULL) return FAULT(p, "a tensor: %s", fault);
    uint32_t first = arguments->first;
    p->n_stack -= 2;
    om_value *value = push_new(p, OM_VALUE_TENSOR);
    value->first = first;
    return OM_OK;
}

void om_pickle_tensor(const om_pickle *pickle, const om_value *value, om_tensor *tensor)
{
    om_value arguments = {.kind = OM_VALUE_TUPLE, .first = value->first};
    for (uint32_t at = value->first; at != 0; at = pickle->links[at].next) arguments.n_items++;
    read_tensor(pickle, &arguments, tensor);
}

/* numpy's dtype('f8', False, True); the order of its bytes follows in a BUILD. */
static om_status make_dtype(om_pickle *p, const om_value *arguments)
{
    const om_value *items[8];
    if (!unpack(p, arguments, 1, 3, items) || items[0]->kind != OM_VALUE_TEXT)
        return FAULT(p, "a dtype without a name");
    p->n_stack -= 2;
    om_value *dtype = push_new(p, OM_VALUE_DTYPE);
    dtype->text = items[0]->text;
    dtype->n_text = items[0]->n_text;
    return OM_OK;
}

/* _codecs.encode(text, 'latin1'): how protocol 2 writes bytes, each as a character. They stay text
 * here, and are decoded where they become a number. */
static om_status make_bytes(om_pickle *p, const om_value *arguments)
{
    const om_value *items[8];
    if (!unpack(p, arguments, 2, 2, items) || items[0]->kind != OM_VALUE_TEXT ||
        !is_text(items[1], "latin1"))
        return FAULT(p, "encoded text that is not latin1");
    p->n_stack -= 2;
    om_value *bytes = push_new(p, OM_VALUE_BYTES);
    bytes->text = items[0]->text;
    bytes->n_text = items[0]->n_text;
    return OM_OK;
}

/* Characters up to U+00FF in UTF-8, which take one or two bytes. Returns how many there are; more
 * than `room`, or another character: 0. */
static size_t decode_latin1(const om_value *bytes, unsigned char *out, size_t room)
{
    const unsigned char *at = (const unsigned char *)bytes->text, *end = at + bytes->n_text;
    size_t n = 0;
    for (; at < end; n++) {
        if (n == room) return 0;
        if (*at < 0x80) {
            out[n] = *at++;
        } else if ((*at == 0xc2 || *at == 0xc3) && end - at > 1 && (at[1] & 0xc0) == 0x80) {
            out[n] = (unsigned char)((at[0] & 3) << 6 | (at[1] & 0x3f));
            at += 2;
        } else {
            return 0;
        }
    }
    return n;
}

/* numpy's scalar(dtype, bytes): one number. */
static om_status make_scalar(om_pickle *p, const om_value *arguments)
{
    const om_value *items[8];
    unsigned char bytes[LATIN1_BYTES];
    char shown[OM_SHOWN_BYTES], type[8] = {0};
    if (!unpack(p, arguments, 2, 2, items) || items[0]->kind != OM_VALUE_DTYPE ||
        items[1]->kind != OM_VALUE_BYTES)
        return FAULT(p, "a numpy scalar that is not a type and bytes");
    memcpy(type, items[0]->text, items[0]->n_text < 8 ? items[0]->n_text : 7);
    bool f8 = strcmp(type, "f8") == 0, f4 = strcmp(type, "f4") == 0;
    if (!f8 && !f4)
        return FAULT(p, "a numpy scalar of type '%s': expected f8 or f4", om_shown(type, shown));
    if (decode_latin1(items[1], bytes, sizeof bytes) != (f8 ? 8 : 4))
        return FAULT(p, "a numpy scalar of type %s with another number of bytes", type);
    float single = 0;
    double real = 0;
    memcpy(f8 ? (void *)&real : (void *)&single, bytes, f8 ? 8 : 4);
    p->n_stack -= 2;
    push_new(p, OM_VALUE_REAL)->real = f8 ? real : (double)single;
    return OM_OK;
}

/* REDUCE: name(arguments). */
static om_status reduce(om_pickle *p)
{
    OM_TRY(need(p, 2));
    om_value *arguments = from_top(p, 0);
    const om_value *called = from_top(p, 1);
    if (called->kind != OM_VALUE_NAME || called->integer >= NAME_STORAGE)
        return FAULT(p, "REDUCE of something that cannot be called");
    if (arguments->kind != OM_VALUE_TUPLE) return FAULT(p, "REDUCE without arguments");
    switch ((name)called->integer) {
    case NAME_TENSOR: return make_tensor(p, arguments);
    case NAME_DTYPE: return make_dtype(p, arguments);
    case NAME_SCALAR: return make_scalar(p, arguments);
    case NAME_ENCODE: return make_bytes(p, arguments);
    case NAME_DICTIONARY:
    default: break;
    }
    if (arguments->n_items != 0) return FAULT(p, "an OrderedDict that is made from something");
    p->n_stack -= 2;
    push_new(p, OM_VALUE_DICTIONARY);
    return OM_OK;
}

/* BUILD: what is said of a value after it was made: attributes of an OrderedDict, which have no
 * meaning here, and the order of bytes of a dtype, which must be little-endian. */
static om_status build(om_pickle *p)
{
    OM_TRY(need(p, 2));
    const om_value *state = from_top(p, 0), *built = from_top(p, 1), *items[8];
    bool attributes = built->kind == OM_VALUE_DICTIONARY && state->kind == OM_VALUE_DICTIONARY;
    bool order = built->kind == OM_VALUE_DTYPE && unpack(p, state, 8, 8, items);
    if (!attributes && !order) return FAULT(p, "BUILD of something that has no state");
    if (order && !is_text(items[1], "<")) return FAULT(p, "numbers that are not little-endian");
    p->n_stack--;
    return OM_OK;
}

static om_status push_name(om_pickle *p)
{
    const char *module, *item;
    size_t n_module, n_item;
    OM_TRY(take_line(p, &module, &n_module));
    OM_TRY(take_line(p, &item, &n_item));
    for (int i = 0; i < N_NAMES; i++)
        if (strlen(names[i].module) == n_module && memcmp(names[i].module, module, n_module) == 0 &&
            strlen(names[i].item) == n_item && memcmp(names[i].item, item, n_item) == 0) {
            push_new(p, OM_VALUE_NAME)->integer = names[i].name;
            return OM_OK;
        }
    char shown[2][OM_SHOWN_BYTES], words[2][OM_SHOWN_BYTES] = {{0}};
    memcpy(words[0], module, n_module < OM_SHOWN_BYTES ? n_module : OM_SHOWN_BYTES - 1);
    memcpy(words[1], item, n_item < OM_SHOWN_BYTES ? n_item : OM_SHOWN_BYTES - 1);
    return FAULT(p, "GLOBAL '%s %s': nothing but tensors is read, and nothing is ever executed",
                 om_shown(words[0], shown[0]), om_shown(words[1], shown[1]));
}

/* --- simple opcodes -------------------------------------------------------------------------- */

static om_status push_text(om_pickle *p)
{
    uint64_t n;
    const unsigned char *text;
    OM_TRY(take_number(p, 4, &n));
    OM_TRY(take(p, n, &text));
    om_value *value = push_new(p, OM_VALUE_TEXT);
    value->text = (const char *)text;
    value->n_text = (uint32_t)n;
    return OM_OK;
}

static om_status push_integer(om_pickle *p, size_t bytes)
{
    uint64_t number;
    OM_TRY(take_number(p, bytes, &number));
    push_new(p, OM_VALUE_INTEGER)->integer =
        bytes == 4 ? (int32_t)(uint32_t)number : (int64_t)number;
    return OM_OK;
}

/* Big-endian, alone among all numbers of a pickle. */
static om_status push_real(om_pickle *p)
{
    uint64_t little, bits = 0;
    OM_TRY(take_number(p, 8, &little));
    for (int i = 0; i < 8; i++) bits |= (little >> (8 * i) & 0xff) << (56 - 8 * i);
    memcpy(&push_new(p, OM_VALUE_REAL)->real, &bits, sizeof bits);
    return OM_OK;
}

static om_status put_memo(om_pickle *p, size_t bytes)
{
    uint64_t i;
    OM_TRY(take_number(p, bytes, &i));
    OM_TRY(need(p, 1));
    if (i >= p->n_memo) return FAULT(p, "memo %llu in so short a pickle", (unsigned long long)i);
    p->memo[i] = p->stack[p->n_stack - 1];
    return OM_OK;
}

static om_status get_memo(om_pickle *p, size_t bytes)
{
    uint64_t i;
    OM_TRY(take_number(p, bytes, &i));
    if (i >= p->n_memo || p->memo[i] == 0)
        return FAULT(p, "memo %llu holds nothing", (unsigned long long)i);
    p->stack[p->n_stack++] = p->memo[i];
    return OM_OK;
}

static om_status set_mark(om_pickle *p)
{
    if (p->n_marks == MOST_MARKS)
        return FAULT(p, "values are nested more than %d deep", MOST_MARKS);
    p->marks[p->n_marks++] = p->n_stack;
    return OM_OK;
}

/* SETITEM(S) and APPEND(S): n values, or all above the mark, go into the container below them. */
static om_status add_items(om_pickle *p, om_value_kind kind, uint32_t n, bool marked)
{
    if (marked) OM_TRY(pop_mark(p, &n));
    OM_TRY(need(p, n + 1));
    om_value *container = from_top(p, n);
    if (container->kind != kind || (kind == OM_VALUE_DICTIONARY && n % 2 != 0))
        return FAULT(p, "items for something that is no %s",
                     kind == OM_VALUE_LIST ? "list" : "dictionary, or a key without a value");
    move_items(p, container, n);
    return OM_OK;
}

static om_status add_tuple(om_pickle *p, uint32_t n, bool marked)
{
    if (marked) OM_TRY(pop_mark(p, &n));
    OM_TRY(need(p, n));
    make_tuple(p, n);
    return OM_OK;
}

static om_status check_protocol(om_pickle *p)
{
    uint64_t protocol;
    OM_TRY(take_number(p, 1, &protocol));
    if (protocol == 2 && p->at == p->start + 2) return OM_OK;
    return FAULT(p, "protocol %llu: expected 2", (unsigned long long)protocol);
}

static om_status step(om_pickle *p, unsigned char code)
{
    switch (code) {
    case 0x80: return check_protocol(p);
    case '(': return set_mark(p);
    case 'N': push_new(p, OM_VALUE_NONE); return OM_OK;
    case 0x88: push_new(p, OM_VALUE_FLAG)->integer = 1; return OM_OK;
    case 0x89: push_new(p, OM_VALUE_FLAG); return OM_OK;
    case 'K': return push_integer(p, 1);
    case 'M': return push_integer(p, 2);
    case 'J': return push_integer(p, 4);
    case 'G': return push_real(p);
    case 'X': return push_text(p);
    case 'c': return push_name(p);
    case '}': push_new(p, OM_VALUE_DICTIONARY); return OM_OK;
    case ']': push_new(p, OM_VALUE_LIST); return OM_OK;
    case ')': return add_tuple(p, 0, false);
    case 0x85: return add_tuple(p, 1, false);
    case 0x86: return add_tuple(p, 2, false);
    case 0x87: return add_tuple(p, 3, false);
    case 't': return add_tuple(p, 0, true);
    case 's': return add_items(p, OM_VALUE_DICTIONARY, 2, false);
    case 'u': return add_items(p, OM_VALUE_DICTIONARY, 0, true);
    case 'a': return add_items(p, OM_VALUE_LIST, 1, false);
    case 'e': return add_items(p, OM_VALUE_LIST, 0, true);
    case 'q': return put_memo(p, 1);
    case 'r': return put_memo(p, 4);
    case 'h': return get_memo(p, 1);
    case 'j': return get_memo(p, 4);
    case 'Q': return make_storage(p);
    case 'R': return reduce(p);
    case 'b': return build(p);
    default: return refuse(p, code);
    }
}

static om_status run(om_pickle *p)
{
    for (;;) {
        p->opcode = p->at;
        const unsigned char *code;
        OM_TRY(take(p, 1, &code));
        if (p->opcode == p->start && *code != 0x80) return FAULT(p, "this is no pickle");
        if (*code == '.') break;
        OM_TRY(step(p, *code));
    }
    if (p->n_marks > 0 || p->n_stack != 1 || p->at != p->end)
        return FAULT(p, "the pickle does not end with one value");
    p->root = p->stack[0];
    return OM_OK;
}

om_status om_pickle_read(const char *file, const void *bytes, size_t n, om_pickle **pickle)
{
    *pickle = NULL;
    if (n > OM_PICKLE_BYTES)
        return om_fail(OM_EDATA, "%s: a pickle of %zu bytes: expected at most %d", file, n,
                       OM_PICKLE_BYTES);
    om_pickle *p = NULL;
    OM_TRY(om_alloc(1, sizeof *p, &p));
    p->file = file;
    p->start = p->at = p->opcode = bytes;
    p->end = p->start + n;
    p->n_memo = (uint32_t)n;
    om_status status = om_alloc(n + 1, sizeof *p->values, &p->values);
    if (status == OM_OK) status = om_alloc(n + 1, sizeof *p->links, &p->links);
    if (status == OM_OK) status = om_alloc(n + 1, sizeof *p->stack, &p->stack);
    if (status == OM_OK) status = om_alloc(n + 1, sizeof *p->memo, &p->memo);
    if (status == OM_OK) status = run(p);
    if (status == OM_OK)
        *pickle = p;
    else
        om_pickle_free(p);
    return status;
}

void om_pickle_free(om_pickle *pickle)
{
    if (pickle == NULL) return;
    om_free(pickle->values);
    om_free(pickle->links);
    om_free(pickle->stack);
    om_free(pickle->memo);
    om_free(pickle);
}

/* The value of a key; the last one, as in Python, if it is given twice. */
static const om_value *find_key(const om_pickle *p, const om_value *in, const char *key, size_t n)
{
    const om_value *found = NULL;
    if (in->kind != OM_VALUE_DICTIONARY) return NULL;
    for (uint32_t at = in->first; at != 0;) {
        const om_value *k = &p->values[p->links[at].value];
        at = p->links[at].next; /* items come in twos */
        if (k->kind == OM_VALUE_TEXT && k->n_text == n && memcmp(k->text, key, n) == 0)
            found = &p->values[p->links[at].value];
        at = p->links[at].next;
    }
    return found;
}

const om_value *om_pickle_find(const om_pickle *pickle, const char *path)
{
    const om_value *value = &pickle->values[pickle->root];
    while (value != NULL) {
        size_t n = strcspn(path, "/");
        value = find_key(pickle, value, path, n);
        if (path[n] == '\0') break;
        path += n + 1;
    }
    return value;
}
