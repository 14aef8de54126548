/* Writes a folder of reference files with the naive twin (naive/write.h), for `golden` to check the
 * library against; and damages such files, to see that `golden` finds it. */
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "naive/write.h"
#include "ommatid/ommatid.h"

static const char usage[] =
    "usage: golden_write [OPTION...] FOLDER\n"
    "  writes reference files into the folder, and their circuit as FOLDER/circuit.circuit\n"
    "    --circuit FILE   a circuit of one's own; default: a random one\n"
    "    --extent N --seed N --batch N --frames N --dt S\n"
    "       golden_write --remove DATASET FILE\n"
    "       golden_write --change DATASET FILE\n"
    "       golden_write --nan DATASET FILE\n"
    "       golden_write --forget ATTRIBUTE FILE\n"
    "  takes a dataset out of a file; makes its last number larger by a hundredth of the largest, "
    "or\n"
    "  no number; takes an attribute of the file away\n";

enum { REMOVE = 1000, CHANGE, TO_NAN, FORGET };

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

/* Alters the last number of a dataset. */
static int change(hid_t file, const char *name, bool to_nan)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0) return failed("there is no such dataset");
    hid_t space = H5Dget_space(dataset);
    int n = (int)H5Sget_simple_extent_npoints(space);
    double *values = naive_zeros(n), largest = 0;
    H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    for (int i = 0; i < n; i++) largest = fmax(largest, fabs(values[i]));
    values[n - 1] = to_nan ? NAN : values[n - 1] + largest / 100;
    herr_t done = H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
    H5Sclose(space);
    H5Dclose(dataset);
    return done >= 0 ? 0 : failed("the dataset cannot be written");
}

static int damage(const char *path, int how, const char *name)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    int code = 0;
    if (file < 0) return failed("the file cannot be opened");
    switch (how) {
    case REMOVE:
        if (H5Ldelete(file, name, H5P_DEFAULT) < 0) code = failed("there is no such dataset");
        break;
    case FORGET:
        if (H5Adelete(file, name) < 0) code = failed("there is no such attribute");
        break;
    default: code = change(file, name, how == TO_NAN);
    }
    H5Fclose(file);
    return code;
}

/* A number of the command line, of which only least to most make sense; ends the program otherwise. */
static double number(const char *option, const char *text, double least, double most)
{
    double value;
    if (om_parse_real(text, &value) && value >= least && value <= most) return value;
    fprintf(stderr, "golden_write: --%s '%s': expected %g to %g\n%s", option, text, least, most,
            usage);
    exit(2);
}

static int whole(const char *option, const char *text, int least, int most)
{
    double value = number(option, text, least, most);
    if (value == floor(value)) return (int)value;
    fprintf(stderr, "golden_write: --%s '%s': expected a whole number\n%s", option, text, usage);
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"circuit", required_argument, NULL, 'c'},
                                            {"extent", required_argument, NULL, 'e'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"frames", required_argument, NULL, 'f'},
                                            {"dt", required_argument, NULL, 'd'},
                                            {"remove", required_argument, NULL, REMOVE},
                                            {"change", required_argument, NULL, CHANGE},
                                            {"nan", required_argument, NULL, TO_NAN},
                                            {"forget", required_argument, NULL, FORGET},
                                            {NULL, 0, NULL, 0}};
    write_options o = {.seed = 1, .batch = 3, .frames = 7, .dt_s = 0.01};
    const char *circuit = NULL, *name = NULL;
    int extent = 2, how = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (option) {
        case 'c': circuit = optarg; break;
        case 'e': extent = whole("extent", optarg, 1, 15); break;
        case 's': o.seed = (uint64_t)whole("seed", optarg, 0, INT_MAX); break;
        case 'b': o.batch = whole("batch", optarg, 1, 64); break;
        case 'f': o.frames = whole("frames", optarg, 2, 1000); break;
        case 'd': o.dt_s = number("dt", optarg, 1e-6, 0.05); break;
        case REMOVE:
        case CHANGE:
        case TO_NAN:
        case FORGET:
            how = option;
            name = optarg;
            break;
        default: fputs(usage, stderr); return 2;
        }
    if (argc - optind != 1) {
        fputs(usage, stderr);
        return 2;
    }
    if (name != NULL) return damage(argv[optind], how, name);
    o.folder = argv[optind];
    return write_folder(circuit, extent, &o);
}
