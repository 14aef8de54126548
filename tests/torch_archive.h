/* Archives as torch.save writes them, put together opcode by opcode, so that tests can make good ones
 * and every kind of bad one. A maker fills the outermost dictionary of its pickle; make() wraps it up. */
#ifndef TORCH_ARCHIVE_H
#define TORCH_ARCHIVE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

enum { MAKER_FILES = 64 };

typedef struct bytes {
    unsigned char *data;
    size_t n, room;
} bytes;

static inline void put(bytes *b, const void *data, size_t n)
{
    if (b->n + n + 1 > b->room) {
        b->room = 2 * (b->n + n + 1);
        b->data = realloc(b->data, b->room);
        if (b->data == NULL) abort();
    }
    if (n > 0) memcpy(b->data + b->n, data, n);
    b->n += n;
    b->data[b->n] = 0;
}

/* What goes into the zip beside the pickle. */
typedef struct maker_file {
    char name[64];
    bytes data;
} maker_file;

typedef struct maker {
    bytes pickle;
    maker_file files[MAKER_FILES];
    int n_files, n_storages;
    const char *folder; /* NULL: "archive" */
    zip_int32_t method;
} maker;

/* --- opcodes --------------------------------------------------------------------------------- */

static inline void op(maker *m, int code) { put(&m->pickle, &(char){(char)code}, 1); }

static inline void text(maker *m, const char *words)
{
    uint32_t n = (uint32_t)strlen(words);
    op(m, 'X');
    put(&m->pickle, &n, 4);
    put(&m->pickle, words, n);
}

static inline void integer(maker *m, int32_t number)
{
    op(m, 'J');
    put(&m->pickle, &number, 4);
}

static inline void global(maker *m, const char *module, const char *name)
{
    op(m, 'c');
    put(&m->pickle, module, strlen(module));
    put(&m->pickle, "\n", 1);
    put(&m->pickle, name, strlen(name));
    put(&m->pickle, "\n", 1);
}

static inline void memo(maker *m, int put_or_get, int i)
{
    op(m, put_or_get);
    op(m, i);
}

static inline void integers(maker *m, int n, const int *numbers)
{
    op(m, '(');
    for (int i = 0; i < n; i++) integer(m, numbers[i]);
    op(m, 't');
}

/* --- values ---------------------------------------------------------------------------------- */

static inline void add_file(maker *m, const char *name, const void *data, size_t n)
{
    if (m->n_files == MAKER_FILES) abort();
    maker_file *f = &m->files[m->n_files++];
    snprintf(f->name, sizeof f->name, "%s/%s", m->folder ? m->folder : "archive", name);
    put(&f->data, data, n);
}

/* A tensor that views a storage; strides NULL: the last axis fastest. */
static inline void tensor_of(maker *m, const char *storage_type, const char *file, int numbers,
                             int offset, int n_axes, const int *lengths, const int *strides)
{
    int usual[8], step = 1;
    for (int i = n_axes - 1; i >= 0; i--) {
        usual[i] = step;
        step *= lengths[i];
    }
    global(m, "torch._utils", "_rebuild_tensor_v2");
    op(m, '(');
    op(m, '(');
    text(m, "storage");
    global(m, "torch", storage_type);
    text(m, file);
    text(m, "cuda:0");
    integer(m, numbers);
    op(m, 't');
    op(m, 'Q');
    integer(m, offset);
    integers(m, n_axes, lengths);
    integers(m, n_axes, strides != NULL ? strides : usual);
    op(m, 0x89);
    global(m, "collections", "OrderedDict");
    op(m, ')');
    op(m, 'R');
    op(m, 't');
    op(m, 'R');
}

/* A new storage; its file's name in the archive. */
static inline const char *storage(maker *m, const void *data, size_t n)
{
    static char file[16];
    char name[32];
    snprintf(file, sizeof file, "%d", m->n_storages++);
    snprintf(name, sizeof name, "data/%s", file);
    add_file(m, name, data, n);
    return file;
}

/* Key and tensor of float32. */
static inline void floats(maker *m, const char *key, int n_axes, const int *lengths,
                          const float *numbers)
{
    int n = 1;
    for (int i = 0; i < n_axes; i++) n *= lengths[i];
    text(m, key);
    tensor_of(m, "FloatStorage", storage(m, numbers, (size_t)n * sizeof *numbers), n, 0, n_axes,
              lengths, NULL);
}

/* Key and number as numpy pickles it: bytes as characters up to U+00FF. */
static inline void numpy_double(maker *m, const char *key, double number)
{
    unsigned char raw[8];
    char characters[17] = {0};
    size_t n = 0;
    text(m, key);
    global(m, "numpy.core.multiarray", "scalar");
    global(m, "numpy", "dtype");
    op(m, '(');
    text(m, "f8");
    op(m, 0x89);
    op(m, 0x88);
    op(m, 't');
    op(m, 'R');
    op(m, '(');
    integer(m, 3);
    text(m, "<");
    for (int i = 0; i < 3; i++) op(m, 'N');
    integer(m, -1);
    integer(m, -1);
    integer(m, 0);
    op(m, 't');
    op(m, 'b');
    global(m, "_codecs", "encode");
    memcpy(raw, &number, 8);
    for (int i = 0; i < 8; i++) {
        if (raw[i] >= 0x80) characters[n++] = (char)(0xc0 | raw[i] >> 6);
        characters[n++] = (char)(raw[i] >= 0x80 ? 0x80 | (raw[i] & 0x3f) : raw[i]);
    }
    uint32_t length = (uint32_t)n;
    op(m, 'X');
    put(&m->pickle, &length, 4);
    put(&m->pickle, characters, n);
    text(m, "latin1");
    op(m, 0x86);
    op(m, 'R');
    op(m, 0x86);
    op(m, 'R');
}

/* Key, and a dictionary that is open until close_dictionary(); torch writes OrderedDict with a
 * `_metadata`, optimisers plain ones. */
static inline void open_dictionary(maker *m, const char *key)
{
    text(m, key);
    global(m, "collections", "OrderedDict");
    op(m, ')');
    op(m, 'R');
    op(m, '(');
}

static inline void close_dictionary(maker *m)
{
    op(m, 'u');
    op(m, '}');
    text(m, "_metadata");
    op(m, '}');
    op(m, 's');
    op(m, 'b');
}

/* --- the whole ------------------------------------------------------------------------------- */

static inline void begin(maker *m)
{
    *m = (maker){.method = ZIP_CM_STORE};
    op(m, 0x80);
    op(m, 2);
    op(m, '}');
    op(m, '(');
}

static inline void end(maker *m)
{
    op(m, 'u');
    op(m, '.');
}

static inline void maker_free(maker *m)
{
    free(m->pickle.data);
    for (int i = 0; i < m->n_files; i++) free(m->files[i].data.data);
}

static inline void add_to_zip(zip_t *zip, const char *name, const bytes *data, zip_int32_t method)
{
    zip_source_t *source = zip_source_buffer(zip, data->data, data->n, 0);
    zip_int64_t i = zip_file_add(zip, name, source, 0);
    if (i < 0 || zip_set_file_compression(zip, (zip_uint64_t)i, method, 0) != 0) abort();
}

/* The archive: files of the maker, and its pickle unless that is empty. */
static inline bytes make(const maker *m)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_source_keep(out);
    zip_t *zip = zip_open_from_source(out, ZIP_TRUNCATE, &error);
    if (zip == NULL) abort();
    char name[128];
    snprintf(name, sizeof name, "%s/data.pkl", m->folder ? m->folder : "archive");
    if (m->pickle.n > 0) add_to_zip(zip, name, &m->pickle, m->method);
    for (int i = 0; i < m->n_files; i++)
        add_to_zip(zip, m->files[i].name, &m->files[i].data, ZIP_CM_STORE);
    if (zip_close(zip) != 0) abort();
    zip_stat_t info;
    zip_source_stat(out, &info);
    bytes archive = {.data = malloc(info.size + 1), .n = info.size};
    zip_source_open(out);
    if (archive.data == NULL || zip_source_read(out, archive.data, info.size) < 0) abort();
    zip_source_close(out);
    zip_source_free(out);
    zip_error_fini(&error);
    return archive;
}

/* One with all that the reader understands. */
static inline void make_good(maker *m)
{
    const float numbers[6] = {1, 2, 3, 4, 5, 6};
    const int64_t steps = 12;
    begin(m);
    open_dictionary(m, "network");
    floats(m, "bias", 1, (int[]){6}, numbers);
    floats(m, "weight", 2, (int[]){2, 3}, numbers);
    text(m, "transposed");
    tensor_of(m, "FloatStorage", "1", 6, 0, 2, (int[]){3, 2}, (int[]){1, 3});
    text(m, "inner");
    tensor_of(m, "FloatStorage", "1", 6, 1, 2, (int[]){2, 2}, (int[]){3, 1});
    text(m, "repeated");
    tensor_of(m, "FloatStorage", "1", 6, 5, 1, (int[]){4}, (int[]){0});
    text(m, "single");
    tensor_of(m, "FloatStorage", "1", 6, 2, 0, NULL, NULL);
    close_dictionary(m);
    text(m, "batches");
    tensor_of(m, "LongStorage", storage(m, &steps, 8), 1, 0, 0, NULL, NULL);
    numpy_double(m, "loss", 5.1365587711334229);
    text(m, "rate");
    op(m, 'G');
    put(&m->pickle, "\x3f\xe0\0\0\0\0\0\0", 8); /* 0.5, big-endian */
    text(m, "state");
    op(m, '}');
    memo(m, 'q', 9);
    integer(m, 0);
    op(m, ']');
    op(m, '(');
    op(m, 'N');
    memo(m, 'h', 9);
    op(m, 'K');
    op(m, 200);
    op(m, 'e');
    op(m, 's');
    end(m);
    add_file(m, "version", "3\n", 2);
    add_file(m, "byteorder", "little", 6);
}

#endif
