/* Writes a folder of reference files with the naive twin (naive/write.h), for `golden` to check the
 * library against; and damages such files, to see that `golden` finds it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "naive/write.h"
#include "ommatid/ommatid.h"

static const char usage[] =
    "usage: golden_write [OPTION...] FOLDER\n"
    "  writes reference files into the folder, and their circuit as FOLDER/circuit.circuit\n"
    "    --circuit FILE   a circuit of one's own; default: a random one\n"
    "    --extent N --seed N --batch N --frames N --dt S\n"
    "       golden_write --remove DATASET FILE\n"
    "       golden_write --change DATASET FILE\n"
    "  takes a dataset out of a file; makes its last number larger by a hundredth of the largest\n";

static int failed(const char *what)
{
    fprintf(stderr, "golden_write: %s\n", what);
    return 1;
}

/* The circuit by the copy of it that the folder gets, as `golden` will read it. */
static om_status copy_circuit(const char *source, const char *folder, int extent, uint64_t seed,
                              om_circuit **circuit)
{
    enum { TYPES = 9, PAIRS = 30 };
    char path[4096];
    om_circuit *original = NULL;
    snprintf(path, sizeof path, "%s/circuit.circuit", folder);
    remove(path);
    om_status status = OM_OK;
    if (source == NULL)
        original = naive_random_circuit(seed, TYPES, PAIRS, extent, true);
    else
        status = om_circuit_open(source, extent, &original);
    if (status == OM_OK) status = om_circuit_save(original, path);
    if (source == NULL)
        naive_circuit_free(original);
    else
        om_circuit_free(original);
    return status == OM_OK ? om_circuit_open(path, extent, circuit) : status;
}

static int write_folder(const char *source, int extent, const write_options *options)
{
    om_circuit *circuit = NULL;
    if (copy_circuit(source, options->folder, extent, options->seed, &circuit) != OM_OK)
        return failed(om_message());
    naive_model *model = naive_create(circuit);
    write_dynamics(model, options);
    write_gradient(model, options);
    write_decoder(model, options);
    write_train(model, options);
    naive_free(model);
    om_circuit_free(circuit);
    return 0;
}

static int change(hid_t file, const char *name)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0) return failed("there is no such dataset");
    hid_t space = H5Dget_space(dataset);
    int n = (int)H5Sget_simple_extent_npoints(space);
    double *values = naive_zeros(n), largest = 0;
    H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    for (int i = 0; i < n; i++)
        if (values[i] > largest || -values[i] > largest)
            largest = values[i] > 0 ? values[i] : -values[i];
    values[n - 1] += largest / 100;
    herr_t done = H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
    H5Sclose(space);
    H5Dclose(dataset);
    return done >= 0 ? 0 : failed("the dataset cannot be written");
}

static int damage(const char *path, const char *removed, const char *changed)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    int code = 0;
    if (file < 0) return failed("the file cannot be opened");
    if (removed != NULL && H5Ldelete(file, removed, H5P_DEFAULT) < 0)
        code = failed("there is no such dataset");
    if (changed != NULL) code = change(file, changed);
    H5Fclose(file);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"circuit", required_argument, NULL, 'c'},
                                            {"extent", required_argument, NULL, 'e'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"frames", required_argument, NULL, 'f'},
                                            {"dt", required_argument, NULL, 'd'},
                                            {"remove", required_argument, NULL, 'r'},
                                            {"change", required_argument, NULL, 'x'},
                                            {NULL, 0, NULL, 0}};
    write_options o = {.seed = 1, .batch = 3, .frames = 7, .dt_s = 0.01};
    const char *circuit = NULL, *removed = NULL, *changed = NULL;
    int extent = 2;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (option) {
        case 'c': circuit = optarg; break;
        case 'e': extent = (int)strtol(optarg, NULL, 10); break;
        case 's': o.seed = strtoull(optarg, NULL, 10); break;
        case 'b': o.batch = (int)strtol(optarg, NULL, 10); break;
        case 'f': o.frames = (int)strtol(optarg, NULL, 10); break;
        case 'd': o.dt_s = strtod(optarg, NULL); break;
        case 'r': removed = optarg; break;
        case 'x': changed = optarg; break;
        default: fputs(usage, stderr); return 2;
        }
    if (argc - optind != 1) {
        fputs(usage, stderr);
        return 2;
    }
    if (removed != NULL || changed != NULL) return damage(argv[optind], removed, changed);
    o.folder = argv[optind];
    return write_folder(circuit, extent, &o);
}
