/* Fuzzing the reader of archives (tools/fuzz; LLVM's libFuzzer). The first byte of an input says what
 * the rest is: '0' a whole archive, else a pickle that is put into a sound archive with storages,
 * because the checksums of a zip would keep nearly every change from getting any further. */
#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "store/torch.h"
#include "torch_archive.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_all(const void *data, size_t n)
{
    static const char *const tensors[] = {"network/bias",       "network/weight",
                                          "network/transposed", "network/repeated",
                                          "network/inner",      "network/single"};
    static const size_t lengths[][2] = {{6}, {2, 3}, {3, 2}, {4}, {2, 2}, {0}};
    static const int axes[] = {1, 2, 2, 1, 2, 0};
    float out[6];
    double number;
    size_t length;
    om_torch *archive;
    om_status status = om_torch_open_bytes("fuzz", data, n, &archive);
    if (status != OM_OK && status != OM_EDATA) abort();
    if (status != OM_OK) return;
    for (int i = 0; i < 6; i++) {
        status = om_torch_floats(archive, tensors[i], axes[i], lengths[i], out);
        if (status != OM_OK && status != OM_EDATA) abort();
        om_torch_length(archive, tensors[i], &length);
    }
    om_torch_number(archive, "loss", &number);
    om_torch_has(archive, "state/x/y");
    om_torch_close(archive);
}

static void read_pickle(const uint8_t *data, size_t n)
{
    maker m;
    make_good(&m);
    m.pickle.n = 0;
    put(&m.pickle, data, n);
    bytes made = make(&m);
    read_all(made.data, made.n);
    free(made.data);
    maker_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 1 && data[0] == '0') read_all(data + 1, n - 1);
    if (n > 1 && data[0] != '0') read_pickle(data + 1, n - 1);
    return 0;
}

static void write_seed(const char *folder, const char *name, char first, const bytes *rest)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) abort();
    fputc(first, file);
    fwrite(rest->data, 1, rest->n, file);
    fclose(file);
}

/* Seeds go into the first folder that is named. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct stat info;
    for (int i = 1; i < *argc; i++) {
        if (stat((*argv)[i], &info) != 0 || !S_ISDIR(info.st_mode)) continue;
        maker m;
        make_good(&m);
        bytes made = make(&m);
        write_seed((*argv)[i], "archive", '0', &made);
        write_seed((*argv)[i], "pickle", '1', &m.pickle);
        free(made.data);
        maker_free(&m);
        break;
    }
    return 0;
}
