/* One buffer for each condition that is being shown, of some of its frames. Responses lie strided in the
 * file, [type][column][condition][time], whose empty rows are NaN; they are written when a buffer is full
 * or its condition has ended. */
#include "lab/cells.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

enum {
    NONE = -1,
    BEFORE = 3,         /* axes before those of conditions: model, type, column */
    MEMORY = 200000000, /* bytes of all buffers */
};

typedef struct slot {
    int condition, first,
        n;           /* or NONE; time index of the first frame in it, and how many there are */
    float *response; /* [n_types][n_columns][width] */
} slot;

struct om_cells {
    const om_showing *showing;
    const int *frames;
    int n_conditions, n_columns, n_times, width;
    size_t n_types, n_cells; /* n_types * n_columns */
    bool *exists;            /* [n_types][n_columns] there is such a cell */
    bool *written;           /* [n_conditions] of the model at hand, some of it */
    slot slots[OM_CELLS_AT_ONCE];
    om_h5_data data;
    om_status status;
};

static void find_cells(om_cells *c)
{
    const om_showing *s = c->showing;
    for (size_t t = 0; t < c->n_types; t++)
        for (int k = 0; k < c->n_columns; k++) {
            int u, v;
            om_lattice_coordinates(s->circuit->extent, s->options->columns[k], &u, &v);
            c->exists[t * (size_t)c->n_columns + (size_t)k] =
                om_circuit_has_cell(s->circuit, s->types[t], u, v);
        }
}

om_status om_cells_create(const om_showing *showing, int n_conditions, const int *frames,
                          om_cells **cells)
{
    om_cells *c = NULL;
    OM_TRY(om_alloc(1, sizeof *c, &c));
    *cells = c;
    c->showing = showing;
    c->frames = frames;
    c->n_conditions = n_conditions;
    c->n_columns = showing->options->n_columns;
    c->n_times = (int)showing->axes.n[OM_PREDICTED_TIME];
    c->n_types = showing->axes.n[OM_PREDICTED_TYPE];
    c->n_cells = c->n_types * (size_t)c->n_columns;
    const size_t most = MEMORY / (OM_CELLS_AT_ONCE * sizeof(float) * c->n_cells);
    c->width = most < 1 ? 1 : most < (size_t)c->n_times ? (int)most : c->n_times;
    OM_TRY(om_alloc(c->n_cells, sizeof(bool), &c->exists));
    OM_TRY(om_alloc((size_t)n_conditions, sizeof(bool), &c->written));
    for (int i = 0; i < OM_CELLS_AT_ONCE; i++)
        OM_TRY(om_alloc(c->n_cells * (size_t)c->width, sizeof(float), &c->slots[i].response));
    find_cells(c);
    return OM_OK;
}

void om_cells_free(om_cells *c)
{
    if (c == NULL) return;
    for (int i = 0; i < OM_CELLS_AT_ONCE; i++) om_free(c->slots[i].response);
    om_free(c->exists);
    om_free(c->written);
    om_free(c);
}

static void empty(const om_cells *c, float *response)
{
    for (size_t i = 0; i < c->n_cells * (size_t)c->width; i++) response[i] = NAN;
}

om_status om_cells_begin(om_cells *c)
{
    const om_showing *s = c->showing;
    const om_h5_field *field =
        &om_prediction_fields(s->options->experiment)[OM_PREDICTED_CELL_RESPONSE];
    for (int i = 0; i < OM_CELLS_AT_ONCE; i++) {
        c->slots[i].condition = NONE;
        empty(c, c->slots[i].response);
    }
    for (int i = 0; i < c->n_conditions; i++) c->written[i] = false;
    c->status = OM_OK;
    return om_h5_find(s->file, field, NULL, &c->data);
}

/* Writes n times of a condition from `first` on, [n_types][n_columns][n]. */
static void write_times(om_cells *c, int condition, int first, int n, const float *response)
{
    size_t start[OM_H5_AXES] = {(size_t)c->showing->place}, count[OM_H5_AXES] = {1};
    const int last = c->data.n_axes - 1;
    size_t rest = (size_t)condition;
    if (c->status != OM_OK) return;
    count[1] = c->data.length[1];
    count[2] = c->data.length[2];
    for (int i = last - 1; i >= BEFORE; rest /= c->data.length[i--]) {
        start[i] = rest % c->data.length[i];
        count[i] = 1;
    }
    start[last] = (size_t)first;
    count[last] = (size_t)n;
    c->written[condition] = true;
    c->status = om_h5_write_block(&c->data, start, count, response);
}

/* Writes what a slot holds; it is empty then, for the frames that follow. */
static void flush(om_cells *c, slot *s)
{
    const size_t width = (size_t)c->width, n = (size_t)s->n;
    for (size_t i = 1; n < width && i < c->n_cells; i++)
        memmove(s->response + i * n, s->response + i * width, n * sizeof *s->response);
    write_times(c, s->condition, s->first, s->n, s->response);
    s->first += s->n;
    s->n = 0;
    if (n < width) empty(c, s->response); /* what moved lies over cells that are not there */
}

/* That of the condition, or a free one; NULL: there is none. */
static slot *slot_of(om_cells *c, int condition)
{
    slot *free = NULL;
    for (int i = 0; i < OM_CELLS_AT_ONCE; i++) {
        if (c->slots[i].condition == condition) return &c->slots[i];
        if (c->slots[i].condition == NONE) free = &c->slots[i];
    }
    if (free == NULL) return NULL;
    free->condition = condition;
    free->first = free->n = 0;
    return free;
}

void om_cells_add(om_cells *c, int condition, int frame, const om_real *voltage)
{
    slot *s = slot_of(c, condition);
    if (s == NULL) {
        c->status = om_fail(OM_EFAIL, "more than %d conditions side by side", OM_CELLS_AT_ONCE);
        return;
    }
    float *response = s->response + s->n++;
    for (size_t t = 0; t < c->n_types; t++)
        for (int k = 0; k < c->n_columns; k++, response += c->width)
            if (c->exists[t * (size_t)c->n_columns + (size_t)k])
                *response = (float)voltage[c->showing->types[t] * c->n_columns + k];
    const bool ends = frame + 1 >= c->frames[condition];
    if (ends || s->n == c->width) flush(c, s);
    if (ends) s->condition = NONE;
}

om_status om_cells_end(om_cells *c, bool valid)
{
    if (!valid) empty(c, c->slots[0].response);
    for (int i = 0; i < c->n_conditions && !valid; i++)
        for (int t = 0, n; c->written[i] && t < c->n_times; t += n) {
            n = c->n_times - t < c->width ? c->n_times - t : c->width;
            write_times(c, i, t, n, c->slots[0].response);
        }
    om_h5_release(&c->data);
    return c->status;
}
