/* Checks the library against every reference file in a folder. The beginning of a file's name and
 * its ending say what it holds, and so which check reads it. */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "golden/check.h"
#include "model/kernels/kernels.h"

/* One row per kind of file; the longest beginning that fits decides. */
static const struct kind {
    const char *begin, *end;
    void (*run)(check *c);
} kinds[] = {
    {"taps", ".csv", check_taps},
    {"counts", ".csv", check_counts},
    {"init_strength", ".csv", check_init_strength},
    {"dynamics_", ".h5", check_dynamics},
    {"gradient_", ".h5", check_gradient},
    {"full_", ".h5", check_full},
    {"train_", ".h5", check_train},
    {"trained_", ".h5", check_trained},
    {"film_", ".h5", check_film},
    {"augment", ".h5", check_augment},
    {"resample", ".h5", check_resample},
    {"eye", ".h5", check_eye},
    {"decoder", ".h5", check_decoder},
    {"init_bias", ".csv", check_init_bias},
    {"analysis", ".h5", check_analysis},
    {"known_tuning", ".json", check_known_tuning},
    {"stimuli", ".h5", check_stimuli},
    {"stimuli_e", ".h5", check_analysis_stimuli},
    {NULL, NULL, NULL},
};

static const char usage[] =
    "usage: golden [--shared DIR] FOLDER [WORD]\n"
    "  checks the library against the reference files in FOLDER, or against those whose names "
    "begin\n"
    "  with WORD. The circuit is FOLDER/circuit.circuit where that is there, else DIR/connectome.\n"
    "    --shared DIR      where connectome/ and paper-ensemble/ are; default: FOLDER/..\n"
    "    --convolution auto|direct|fft  how the decoders' first convolution is computed\n"
    "    --skip-if-absent  exit with 77, saying so, where there is no FOLDER\n"
    "    --help\n"
    "  exit: 0 all agrees; 1 a quantity is wrong, or a file or dataset cannot be checked; 2 "
    "usage;\n"
    "  77 nothing was compared, because what it needs is absent\n";

enum { WRONG = 1, USAGE = 2, SKIPPED = 77 };
enum { LONGEST_S = 1800 /* for one file; one that takes more hangs */ };

/* The kind of a file by its name, NULL if there is no check for it. */
static const struct kind *kind_of(const char *name)
{
    const struct kind *best = NULL;
    for (const struct kind *k = kinds; k->begin != NULL; k++)
        if (strncmp(name, k->begin, strlen(k->begin)) == 0 && om_ends_with(name, k->end) &&
            (best == NULL || strlen(k->begin) > strlen(best->begin)))
            best = k;
    return best;
}

/* Reference files are all files of the folder but hidden ones, notes and circuits. */
static int is_reference(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return name[0] != '.' && entry->d_type != DT_DIR && !om_ends_with(name, ".md") &&
           !om_ends_with(name, ".circuit");
}

/* Checks the file at hand, in a process of its own. */
static _Noreturn void check_here(check *c)
{
    char path[4096];
    const struct kind *kind = kind_of(c->name);
    const bool hdf5 = om_ends_with(c->name, ".h5");
    snprintf(path, sizeof path, "%s/%s", c->folder, c->name);
    alarm(LONGEST_S);
    if (kind == NULL) check_give_up(c, "there is no check for a file of this name");
    if (hdf5) c->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (hdf5 && c->file < 0) check_give_up(c, "not an HDF5 file that can be read");
    kind->run(c);
    if (c->file >= 0 && c->tally->wrong == 0 && c->tally->quantities > 0) check_complete(c);
    fflush(stdout);
    _exit(EXIT_SUCCESS);
}

static void check_file(check *c, const char *name)
{
    int status = 0;
    c->name = name;
    c->file = H5I_INVALID_HID;
    *c->tally = (struct tally){0};
    printf("\n%-46s %8s  %9s  %9s  %7s\n", name, "count", "maximum", "rms", "limit");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) check_here(c);
    if (child < 0 || waitpid(child, &status, 0) != child)
        check_wrong(c, "no process can be started for it");
    else if (WIFSIGNALED(status))
        check_wrong(c, "the check was ended by signal %d (%s)", WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != EXIT_SUCCESS)
        check_wrong(c, "the check ended with code %d", WEXITSTATUS(status));
    if (c->tally->quantities + c->tally->skipped == 0) check_wrong(c, "nothing was compared");
    fflush(stdout);
}

/* Checks the n files whose names begin with `word`; returns the exit code. build: the first line. */
static int check_files(check *c, struct dirent **files, int n, const char *word, const char *build)
{
    struct tally all = {0};
    int checked = 0;
    for (int i = 0; i < n; i++) {
        if (strncmp(files[i]->d_name, word, strlen(word)) != 0) continue;
        if (checked++ == 0) puts(build);
        check_file(c, files[i]->d_name);
        all.quantities += c->tally->quantities;
        all.wrong += c->tally->wrong;
        all.skipped += c->tally->skipped;
    }
    if (checked == 0) {
        fprintf(stderr, "golden: no reference file in %s%s%s\n%s", c->folder,
                *word ? " begins with " : "", word, usage);
        return USAGE;
    }
    printf("\n%d files, %d quantities: %d wrong, %d skipped\n", checked, all.quantities, all.wrong,
           all.skipped);
    if (all.quantities == 0) puts("nothing could be compared");
    if (all.wrong > 0) return WRONG;
    return all.quantities > 0 ? EXIT_SUCCESS : SKIPPED;
}

static int check_folder(const char *folder, const char *shared, om_convolution convolution,
                        const char *word)
{
    char beside[4096], build[96];
    const om_kernels *kernels;
    struct dirent **files;
    snprintf(beside, sizeof beside, "%s/..", folder);
    struct tally *tally =
        mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check c = {.folder = folder,
               .shared = shared != NULL ? shared : beside,
               .convolution = convolution,
               .tally = tally};
    if (tally == MAP_FAILED) {
        perror("golden");
        return WRONG;
    }
    if (om_kernels_select(NULL, &kernels) != OM_OK) {
        fprintf(stderr, "golden: %s\n", om_message());
        return USAGE;
    }
    int n = scandir(folder, &files, is_reference, alphasort);
    if (n < 0) {
        fprintf(stderr, "golden: no folder %s\n%s", folder, usage);
        return USAGE;
    }
    snprintf(build, sizeof build, "%s precision, %s kernels, convolution %s",
             sizeof(om_real) == sizeof(double) ? "double" : "single", kernels->name,
             om_convolution_names[convolution]);
    int code = check_files(&c, files, n, word, build);
    for (int i = 0; i < n; i++) free(files[i]);
    free(files);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"shared", required_argument, NULL, 's'},
                                            {"convolution", required_argument, NULL, 'c'},
                                            {"skip-if-absent", no_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *shared = NULL;
    bool skip = false;
    int convolution = OM_CONVOLUTION_AUTO;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (option) {
        case 's': shared = optarg; break;
        case 'c':
            for (convolution = 0; om_convolution_names[convolution] != NULL; convolution++)
                if (strcmp(optarg, om_convolution_names[convolution]) == 0) break;
            if (om_convolution_names[convolution] != NULL) break;
            fputs(usage, stderr);
            return USAGE;
        case 'a': skip = true; break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return USAGE;
        }
    int words = argc - optind;
    if (words < 1 || words > 2) {
        fputs(usage, stderr);
        return USAGE;
    }
    const char *folder = argv[optind];
    if (skip && access(folder, R_OK) != 0) {
        printf("skipped: the reference files %s are absent\n", folder);
        return SKIPPED;
    }
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* what is missing is reported by the checks */
    return check_folder(folder, shared, (om_convolution)convolution,
                        words == 2 ? argv[optind + 1] : "");
}
