/* Reading the reference files; see golden.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden.h"

static const char *const directory = OM_SHARED "/golden";

bool golden_present(void)
{
    if (access(directory, R_OK) == 0) return true;
    printf("skipped: the reference data %s is absent\n", directory);
    return false;
}

hid_t golden_open(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static hid_t open_dataset(hid_t file, const char *path, hssize_t *n)
{
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) fail_msg("no dataset %s", path);
    hid_t space = H5Dget_space(dataset);
    *n = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    return dataset;
}

double *golden_read(hid_t file, int n, const char *format, ...)
{
    char path[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    hssize_t found;
    hid_t dataset = open_dataset(file, path, &found);
    if (found != n) fail_msg("%s has %lld numbers, expected %d", path, (long long)found, n);
    double *numbers = naive_zeros(n);
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
    H5Dclose(dataset);
    return numbers;
}

double golden_number(hid_t file, const char *path)
{
    double *number = golden_read(file, 1, "%s", path), value = *number;
    free(number);
    return value;
}

double golden_attribute(hid_t file, const char *name)
{
    double value = 0;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    assert_true(attribute >= 0);
    assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
    H5Aclose(attribute);
    return value;
}

/* The names of a dataset of strings, an array of *n pointers; free with free_names(). */
static char **read_names(hid_t file, const char *path, int *n)
{
    hssize_t found;
    hid_t dataset = open_dataset(file, path, &found), type = H5Dget_type(dataset);
    char **names = naive_zeroed((size_t)found, sizeof *names);
    assert_true(H5Tis_variable_str(type) > 0);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0);
    H5Tclose(type);
    H5Dclose(dataset);
    *n = (int)found;
    return names;
}

static void free_names(char **names, int n)
{
    for (int i = 0; i < n; i++) H5free_memory(names[i]);
    free(names);
}

static int find_type(const om_circuit *c, const char *name)
{
    for (int i = 0; i < c->n_types; i++)
        if (strcmp(c->types[i].name, name) == 0) return i;
    fail_msg("no type %s", name);
    return -1;
}

static int find_pair(const om_circuit *c, int source, int target)
{
    for (int i = 0; i < c->n_pairs; i++)
        if (c->pairs[i].source == source && c->pairs[i].target == target) return i;
    return -1;
}

static void read_types(om_circuit *c)
{
    hid_t dynamics = golden_open("dynamics_e3.h5"), decoder = golden_open("decoder_e3.h5");
    char **names = read_names(dynamics, "cell_types", &c->n_types);
    c->types = naive_zeroed((size_t)c->n_types, sizeof *c->types);
    c->inputs = naive_zeroed((size_t)c->n_types, sizeof *c->inputs);
    for (int i = 0; i < c->n_types; i++) {
        om_type *type = &c->types[i];
        bool sparse = strncmp(names[i], "Lawf", 4) == 0;
        snprintf(type->name, sizeof type->name, "%s", names[i]);
        type->stride_u = sparse ? 3 : 1, type->stride_v = sparse ? 2 : 1;
        type->input = names[i][0] == 'R' && strlen(names[i]) == 2; /* R1 .. R8 */
        if (type->input) c->inputs[c->n_inputs++] = i;
    }
    free_names(names, c->n_types);
    names = read_names(decoder, "output_types", &c->n_outputs);
    c->outputs = naive_zeroed((size_t)c->n_outputs, sizeof *c->outputs);
    for (int i = 0; i < c->n_outputs; i++) {
        c->outputs[i] = find_type(c, names[i]);
        c->types[c->outputs[i]].output = true;
    }
    free_names(names, c->n_outputs);
    H5Fclose(dynamics);
    H5Fclose(decoder);
}

/* Opens a table of golden/ behind its line of headings. */
static FILE *open_table(const char *name)
{
    char path[4096], heading[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *table = fopen(path, "r");
    assert_non_null(table);
    assert_non_null(fgets(heading, sizeof heading, table));
    return table;
}

/* Lines of source,target,du,dv,n_syn,sign,filled; a pair's taps stand together. */
static void read_taps(om_circuit *c)
{
    enum { MOST_PAIRS = 700, MOST_TAPS = 2500 };
    char line[256], source[32], target[32];
    FILE *csv = open_table("taps.csv");
    c->pairs = naive_zeroed(MOST_PAIRS, sizeof *c->pairs);
    c->taps = naive_zeroed(MOST_TAPS, sizeof *c->taps);
    while (fgets(line, sizeof line, csv)) {
        om_tap tap = {0};
        int sign, filled;
        assert_int_equal(sscanf(line, "%31[^,],%31[^,],%d,%d,%lf,%d,%d", source, target, &tap.du,
                                &tap.dv, &tap.count, &sign, &filled),
                         7);
        tap.filled = filled != 0;
        int from = find_type(c, source), to = find_type(c, target), i = find_pair(c, from, to);
        if (i < 0) {
            i = c->n_pairs++;
            assert_true(c->n_pairs <= MOST_PAIRS);
            c->pairs[i] =
                (om_pair){.source = from, .target = to, .sign = sign, .first_tap = c->n_taps};
        }
        assert_true(c->n_taps < MOST_TAPS && i == c->n_pairs - 1);
        c->taps[c->n_taps++] = tap;
        c->pairs[i].n_taps++;
    }
    fclose(csv);
}

om_circuit *golden_circuit(int extent)
{
    om_circuit *c = naive_zeroed(1, sizeof *c);
    snprintf(c->name, sizeof c->name, "golden");
    c->extent = extent;
    read_types(c);
    read_taps(c);
    naive_circuit_count(c);
    return c;
}

/* Lines of source,target,edges,mean count,initial strength,... */
double *golden_initial_strength_e3(const naive_model *m)
{
    const om_circuit *c = m->circuit;
    double *strength = naive_zeros(c->n_pairs), mean, value;
    char line[512], source[32], target[32];
    int edges, n = 0;
    FILE *csv = open_table("init_strength.csv");
    for (; fgets(line, sizeof line, csv); n++) {
        assert_int_equal(
            sscanf(line, "%31[^,],%31[^,],%d,%lf,%lf", source, target, &edges, &mean, &value), 5);
        int pair = find_pair(c, find_type(c, source), find_type(c, target));
        assert_true(pair >= 0);
        strength[pair] = edges > 0 ? value : 0;
    }
    fclose(csv);
    assert_int_equal(n, c->n_pairs);
    return strength;
}

void golden_pairs(hid_t file, const char *names, const char *path, const naive_model *m,
                  double *strength)
{
    const om_circuit *c = m->circuit;
    char source_path[256], target_path[256];
    int n, n_targets;
    snprintf(source_path, sizeof source_path, "%spair_source", names);
    snprintf(target_path, sizeof target_path, "%spair_target", names);
    char **sources = read_names(file, source_path, &n);
    char **targets = read_names(file, target_path, &n_targets);
    double *values = golden_read(file, n, "%s", path);
    assert_int_equal(n, n_targets);
    for (int i = 0; i < c->n_pairs; i++) strength[i] = 0;
    for (int i = 0; i < n; i++) {
        int pair = find_pair(c, find_type(c, sources[i]), find_type(c, targets[i]));
        assert_true(pair >= 0);
        strength[pair] = values[i];
    }
    free(values);
    free_names(sources, n);
    free_names(targets, n_targets);
}

static void copy(hid_t file, const char *group, const char *name, size_t n, double *out)
{
    double *values = golden_read(file, (int)n, "%s%s", group, name);
    memcpy(out, values, n * sizeof *out);
    free(values);
}

void golden_network(hid_t file, const char *names, const char *group, const naive_model *m,
                    double *params)
{
    const om_layout *l = &m->layout;
    size_t types = (size_t)l->n_types;
    char path[256];
    copy(file, group, "bias", types, params + l->resting_potential);
    copy(file, group, "tau", types, params + l->time_constant);
    snprintf(path, sizeof path, "%salpha", group);
    golden_pairs(file, names, path, m, params + l->strength);
}

void golden_decoder(hid_t file, const char *group, const naive_model *m, double *params)
{
    const om_layout *l = &m->layout;
    copy(file, group, "base.0.weight", l->conv1_bias - l->conv1_weight, params + l->conv1_weight);
    copy(file, group, "base.0.bias", OM_HIDDEN, params + l->conv1_bias);
    copy(file, group, "base.1.weight", OM_HIDDEN, params + l->norm_weight);
    copy(file, group, "base.1.bias", OM_HIDDEN, params + l->norm_bias);
    copy(file, group, "decoder.0.weight", l->conv2_bias - l->conv2_weight,
         params + l->conv2_weight);
    copy(file, group, "decoder.0.bias", OM_HEAD, params + l->conv2_bias);
    for (size_t k = l->decoder; k < l->n_params; k++)
        if (naive_masked(m, k)) params[k] = 0;
}
