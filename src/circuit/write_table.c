/* Writes a circuit's table in the .circuit form. */
#include "ommatid/om_circuit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/text.h"

/* The shortest decimal number that reads back as exactly this count. */
static void add_count(om_text *text, double count)
{
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, count);
        if (strtod(digits, NULL) == count) break;
    }
    om_text_add(text, "%s", digits);
}

/* " input", or " input=3" where the order is not that of the types. *next: the place that comes
 * without saying. */
static void add_role(om_text *text, const char *role, int type, int n, const int *order, int *next)
{
    for (int i = 0; i < n; i++) {
        if (order[i] != type) continue;
        om_text_add(text, " %s", role);
        if (i != *next) om_text_add(text, "=%d", i + 1);
        ++*next;
    }
}

static void add_types(om_text *text, const om_circuit *circuit)
{
    int next_input = 0, next_output = 0;
    for (int i = 0; i < circuit->n_types; i++) {
        const om_type *type = &circuit->types[i];
        om_text_add(text, "type %s", type->name);
        if (type->stride_u != 1 || type->stride_v != 1)
            om_text_add(text, " stride %d %d", type->stride_u, type->stride_v);
        add_role(text, "input", i, circuit->n_inputs, circuit->inputs, &next_input);
        add_role(text, "output", i, circuit->n_outputs, circuit->outputs, &next_output);
        om_text_add(text, "\n");
    }
}

static void add_pairs(om_text *text, const om_circuit *circuit)
{
    for (int i = 0; i < circuit->n_pairs; i++) {
        const om_pair *pair = &circuit->pairs[i];
        om_text_add(text, "pair %s %s %c", circuit->types[pair->source].name,
                    circuit->types[pair->target].name, pair->sign > 0 ? '+' : '-');
        for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps; k++) {
            const om_tap *tap = &circuit->taps[k];
            om_text_add(text, " %d,%d=", tap->du, tap->dv);
            add_count(text, tap->count);
            if (tap->filled) om_text_add(text, "*");
        }
        om_text_add(text, "\n");
    }
}

/* Writes a new file; what could not be written whole is removed again. */
static om_status write_new(const char *path, const om_text *text)
{
    FILE *file = fopen(path, "wx");
    if (file == NULL && errno == EEXIST) {
        om_fail(OM_EIO, "%s: exists already", path);
        return om_hint(OM_EIO, "another name, or remove the file first");
    }
    if (file == NULL) return om_fail_errno("cannot be created", path);
    om_status status = OM_OK;
    if (fwrite(text->data, 1, text->length, file) != text->length || fflush(file) != 0 ||
        fsync(fileno(file)) != 0)
        status = om_fail_errno("cannot be written", path);
    if (fclose(file) != 0 && status == OM_OK) status = om_fail_errno("cannot be written", path);
    if (status != OM_OK) unlink(path);
    return status;
}

om_status om_circuit_save(const om_circuit *circuit, const char *path)
{
    om_text text = {0};
    om_text_add(&text,
                "# %d cell types, %d pairs of connected types, %d offsets.\n"
                "# type NAME [stride SU SV] [input] [output]\n"
                "# pair SOURCE TARGET SIGN DU,DV=SYNAPSES ...   (*: a gap filled, not reported)\n"
                "\ncircuit %s 1\n\n",
                circuit->n_types, circuit->n_pairs, circuit->n_taps, circuit->name);
    add_types(&text, circuit);
    om_text_add(&text, "\n");
    add_pairs(&text, circuit);
    om_status status = text.failed ? om_fail(OM_ENOMEM, "%s: out of memory for its text", path)
                                   : write_new(path, &text);
    om_text_free(&text);
    return status;
}
