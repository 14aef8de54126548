/* How reference files are written; see write.h. */
#include "write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PATH_BYTES = 4096 };

hid_t write_create(const naive_model *model, const write_options *o, const char *kind)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s_e%d.h5", o->folder, kind, model->circuit->extent);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0) fail_msg("%s cannot be written", path);
    write_attribute(file, "extent", model->circuit->extent);
    write_attribute(file, "batch", o->batch);
    write_attribute(file, "frames", o->frames);
    write_attribute(file, "dt_seconds", o->dt_s);
    write_attribute(file, "grey_value", 0.5);
    write_attribute(file, "t_pre_seconds", 0.5);
    write_attribute(file, "kernel_size", OM_KERNEL);
    return file;
}

void write_attribute(hid_t file, const char *name, double value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

static hid_t text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    assert_true(H5Tset_size(type, H5T_VARIABLE) >= 0);
    return type;
}

void write_text(hid_t file, const char *name, const char *text)
{
    hid_t space = H5Screate(H5S_SCALAR), type = text_type();
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, (const void *)&text) >= 0);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
}

/* Writes a dataset of one type, making the groups on its path. */
static void write_dataset(hid_t file, const char *prefix, const char *name, hid_t type, int rank,
                          const hsize_t *dims, const void *values)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s%s", prefix, name);
    hid_t groups = H5Pcreate(H5P_LINK_CREATE), space = H5Screate_simple(rank, dims, NULL);
    assert_true(H5Pset_create_intermediate_group(groups, 1) >= 0);
    hid_t dataset = H5Dcreate2(file, path, type, space, groups, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(groups);
}

void write_array(hid_t file, const char *prefix, const char *name, const double *values, int rank,
                 ...)
{
    hsize_t dims[H5S_MAX_RANK];
    va_list sizes;
    va_start(sizes, rank);
    for (int i = 0; i < rank; i++) dims[i] = (hsize_t)va_arg(sizes, int);
    va_end(sizes);
    write_dataset(file, prefix, name, H5T_NATIVE_DOUBLE, rank, dims, values);
}

void write_number(hid_t file, const char *prefix, const char *name, double value)
{
    write_array(file, prefix, name, &value, 0);
}

static void write_list(hid_t file, const char *prefix, const char *name, int n,
                       const char *const *names)
{
    hid_t type = text_type();
    write_dataset(file, prefix, name, type, 1, (const hsize_t[]){(hsize_t)n}, names);
    H5Tclose(type);
}

void write_names(hid_t file, const char *prefix, const naive_model *model)
{
    const om_circuit *c = model->circuit;
    const char **types = naive_zeroed((size_t)c->n_types, sizeof *types);
    const char **sources = naive_zeroed((size_t)c->n_pairs, sizeof *sources);
    const char **targets = naive_zeroed((size_t)c->n_pairs, sizeof *targets);
    int n = 0;
    for (int i = 0; i < c->n_types; i++) types[i] = c->types[i].name;
    for (int i = 0; i < c->n_pairs; i++) {
        if (c->pairs[i].edges == 0) continue;
        sources[n] = c->types[c->pairs[i].source].name;
        targets[n++] = c->types[c->pairs[i].target].name;
    }
    write_list(file, prefix, "cell_types", c->n_types, types);
    write_list(file, prefix, "pair_source", n, sources);
    write_list(file, prefix, "pair_target", n, targets);
    free(types);
    free(sources);
    free(targets);
}

void write_outputs(hid_t file, const naive_model *model)
{
    const om_circuit *c = model->circuit;
    const char **names = naive_zeroed((size_t)c->n_outputs, sizeof *names);
    for (int i = 0; i < c->n_outputs; i++) names[i] = c->types[c->outputs[i]].name;
    write_list(file, "", "output_types", c->n_outputs, names);
    free(names);
}

void write_network_params(hid_t file, const char *prefix, const naive_model *model,
                          const double *params)
{
    const om_circuit *c = model->circuit;
    const om_layout *l = &model->layout;
    double *alpha = naive_zeros(c->n_pairs);
    int n = 0;
    for (int i = 0; i < c->n_pairs; i++)
        if (c->pairs[i].edges > 0) alpha[n++] = params[l->strength + (size_t)i];
    write_array(file, prefix, "bias", params + l->resting_potential, 1, c->n_types);
    write_array(file, prefix, "tau", params + l->time_constant, 1, c->n_types);
    write_array(file, prefix, "alpha", alpha, 1, n);
    free(alpha);
}

void write_decoder_params(hid_t file, const char *prefix, const naive_model *model,
                          const double *params)
{
    const om_layout *l = &model->layout;
    write_array(file, prefix, "base.0.weight", params + l->conv1_weight, 4, OM_HIDDEN, l->n_outputs,
                OM_KERNEL, OM_KERNEL);
    write_array(file, prefix, "base.0.bias", params + l->conv1_bias, 1, OM_HIDDEN);
    write_array(file, prefix, "base.1.weight", params + l->norm_weight, 1, OM_HIDDEN);
    write_array(file, prefix, "base.1.bias", params + l->norm_bias, 1, OM_HIDDEN);
    write_array(file, prefix, "decoder.0.weight", params + l->conv2_weight, 4, OM_HEAD, OM_HIDDEN,
                OM_KERNEL, OM_KERNEL);
    write_array(file, prefix, "decoder.0.bias", params + l->conv2_bias, 1, OM_HEAD);
}

double *write_uniform(uint64_t *seed, int n)
{
    double *values = naive_zeros(n);
    for (int i = 0; i < n; i++) values[i] = (double)(float)naive_uniform(seed);
    return values;
}

double *write_normal(uint64_t *seed, int n)
{
    double *values = naive_zeros(n);
    for (int i = 0; i < n; i++) values[i] = (double)(float)naive_normal(seed);
    return values;
}

void write_mask(hid_t file)
{
    double mask[OM_KERNEL_CELLS];
    for (int i = 0; i < OM_KERNEL_CELLS; i++)
        mask[i] = abs(i / OM_KERNEL + i % OM_KERNEL - (OM_KERNEL - 1)) <= 2;
    write_array(file, "", "mask", mask, 2, OM_KERNEL, OM_KERNEL);
}
