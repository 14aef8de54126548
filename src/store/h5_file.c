/* Files: made under another name, made durable, then named with link(), which refuses to replace
 * anything, unless that is what is wanted. The format stays at its earliest version: later ones mark a file as in use while it is
 * written, and a killed writer leaves that mark behind. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/h5_inside.h"

enum {
    PAGE = 4096,            /* large datasets begin on a page of their own */
    ALIGN_FROM = 64 * 1024, /* bytes from which a dataset is large */
    DESCRIPTION_BYTES = 512,
    IMAGE_BYTES = 8192 /* more than an HDF5 file that holds nothing */
};

static herr_t keep_first(unsigned n, const H5E_error2_t *error, void *out)
{
    if (n == 0 && error->desc != NULL) snprintf(out, DESCRIPTION_BYTES, "%s", error->desc);
    return 0;
}

/* HDF5 wraps the system's reason in times and addresses: keep the reason alone. */
static void shorten(char *text)
{
    static const char mark[] = "error message = '";
    char *reason = strstr(text, mark);
    if (reason != NULL) {
        reason += sizeof mark - 1;
        memmove(text, reason, strlen(reason) + 1);
        char *end = strchr(text, '\'');
        if (end != NULL) *end = '\0';
    }
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n') *c = ' ';
}

om_status om_h5_fail(om_status status, const char *file, const char *object, const char *what)
{
    char reason[DESCRIPTION_BYTES] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, reason);
    shorten(reason);
    if (object == NULL) return om_fail(status, "%s: %s: %s", file, what, reason);
    return om_fail(status, "%s: %s: %s: %s", file, object, what, reason);
}

/* Our messages replace the stack that HDF5 prints. */
static void silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

static om_status new_file(const char *path, om_h5 **file)
{
    OM_TRY(om_alloc(1, sizeof **file, file));
    (*file)->file = (*file)->id = H5I_INVALID_HID;
    (*file)->path = strdup(path);
    if ((*file)->path != NULL) return OM_OK;
    om_free(*file);
    *file = NULL;
    return om_fail(OM_ENOMEM, "%s: out of memory", path);
}

static om_status fail_exists(const char *path)
{
    om_fail(OM_EIO, "%s: exists already", path);
    return om_hint(OM_EIO, "another name, or move that file away");
}

static hid_t new_access_list(void)
{
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(list, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
    H5Pset_alignment(list, ALIGN_FROM, PAGE);
    H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
    return list;
}

/* The bytes of an HDF5 file that holds nothing, made in memory. Returns how many, 0 on failure. */
static size_t empty_image(char image[IMAGE_BYTES])
{
    ssize_t n = -1;
    hid_t list = new_access_list();
    H5Pset_fapl_core(list, IMAGE_BYTES, 0);
    hid_t file = H5Fcreate("empty", H5F_ACC_TRUNC, H5P_DEFAULT, list);
    if (file >= 0) {
        H5Fflush(file, H5F_SCOPE_LOCAL);
        n = H5Fget_file_image(file, image, IMAGE_BYTES);
        H5Fclose(file);
    }
    H5Pclose(list);
    return n > 0 ? (size_t)n : 0;
}

/* Reserves the space and makes of it an HDF5 file that holds nothing. HDF5 does not survive a
 * write that fails (the process crashes at its end), so a disk that is too small has to show here;
 * that is also why the file is opened below, not created, which would give the space back. */
static om_status reserve(const om_h5 *file, int descriptor, uint64_t bytes)
{
    char image[IMAGE_BYTES];
    size_t n = empty_image(image);
    if (n == 0) return om_h5_fail(OM_EFAIL, file->path, NULL, "cannot be created");
    if (bytes < IMAGE_BYTES) bytes = IMAGE_BYTES;
    int error = posix_fallocate(descriptor, 0, (off_t)bytes);
    if (error != 0) {
        om_fail(OM_EIO, "%s: needs %.1f MB: %s", file->path, 1e-6 * (double)bytes, strerror(error));
        return om_hint(OM_EIO, "making room, or a file on another disk");
    }
    if (pwrite(descriptor, image, n, 0) != (ssize_t)n)
        return om_fail_errno("cannot be written", file->path);
    return OM_OK;
}

static om_status create_partial(om_h5 *file, uint64_t bytes)
{
    int descriptor = open(file->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        om_status status = om_fail_errno("cannot be created", file->path);
        free(file->partial); /* what is there is not ours to delete */
        file->partial = NULL;
        return status;
    }
    om_status status = reserve(file, descriptor, bytes);
    close(descriptor);
    if (status != OM_OK) return status;
    hid_t list = new_access_list();
    H5Pset_file_locking(list, 0, 1); /* nobody else knows the name yet */
    file->file = file->id = H5Fopen(file->partial, H5F_ACC_RDWR, list);
    if (file->file < 0) status = om_h5_fail(OM_EIO, file->path, NULL, "cannot be created");
    H5Pclose(list);
    return status;
}

om_status om_h5_create(const char *path, uint64_t bytes, om_h5 **file)
{
    *file = NULL;
    if (access(path, F_OK) == 0) return fail_exists(path);
    OM_TRY(om_h5_create_over(path, bytes, file));
    (*file)->replaces = false;
    return OM_OK;
}

om_status om_h5_create_over(const char *path, uint64_t bytes, om_h5 **file)
{
    silence();
    *file = NULL;
    om_h5 *made = NULL;
    OM_TRY(new_file(path, &made));
    made->replaces = true;
    om_status status = OM_OK;
    if (asprintf(&made->partial, "%s.partial.%ld", path, (long)getpid()) < 0) {
        made->partial = NULL;
        status = om_fail(OM_ENOMEM, "%s: out of memory", path);
        goto done;
    }
    status = create_partial(made, bytes);
done:
    if (status != OM_OK)
        om_h5_close(made);
    else
        *file = made;
    return status;
}

static om_status sync_path(const char *path, int flags)
{
    int descriptor = open(path, flags | O_CLOEXEC);
    if (descriptor < 0) return om_fail_errno("cannot open", path);
    om_status status = OM_OK;
    if (fsync(descriptor) != 0) status = om_fail_errno("cannot be made durable", path);
    close(descriptor);
    return status;
}

static om_status sync_directory_of(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) return om_fail(OM_ENOMEM, "%s: out of memory", path);
    om_status status = sync_path(dirname(copy), O_RDONLY | O_DIRECTORY);
    free(copy);
    return status;
}

om_status om_h5_publish(om_h5 *file)
{
    om_h5_enter(file, "/");
    herr_t closed = H5Fclose(file->file);
    file->file = file->id = H5I_INVALID_HID;
    if (closed < 0) return om_h5_fail(OM_EIO, file->path, NULL, "cannot be written");
    OM_TRY(sync_path(file->partial, O_RDONLY));
    if (file->replaces && rename(file->partial, file->path) != 0)
        return om_fail_errno("cannot be replaced", file->path);
    if (!file->replaces && link(file->partial, file->path) != 0)
        return errno == EEXIST ? fail_exists(file->path)
                               : om_fail_errno("cannot be created", file->path);
    if (!file->replaces) unlink(file->partial);
    free(file->partial);
    file->partial = NULL;
    return sync_directory_of(file->path);
}

/* What HDF5 would report less clearly. */
static om_status check_file(const char *path, om_h5_access mode)
{
    int descriptor =
        open(path, (mode == OM_H5_UPDATE ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return om_fail_input(path);
    struct stat info;
    bool regular = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
    close(descriptor);
    if (!regular) return om_fail(OM_EDATA, "%s: not a file", path);
    if (H5Fis_hdf5(path) <= 0) return om_fail(OM_EDATA, "%s: not an HDF5 file", path);
    return OM_OK;
}

/* Bytes that the file had when it was made, from its first block (HDF5's form 0, at its start); 0: not
 * known. */
static uint64_t bytes_made(int descriptor)
{
    enum { SIGNATURE = 8, VERSION = 8, SIZE_OF_OFFSETS = 13, END = 40, BLOCK = 48 };
    static const unsigned char signature[SIGNATURE] = "\211HDF\r\n\032\n";
    unsigned char block[BLOCK];
    uint64_t end = 0;
    if (pread(descriptor, block, BLOCK, 0) != BLOCK || memcmp(block, signature, SIGNATURE) != 0 ||
        block[VERSION] != 0 || block[SIZE_OF_OFFSETS] != sizeof end)
        return 0;
    for (int i = 7; i >= 0; i--) end = end << 8 | block[END + i];
    return end;
}

bool om_h5_is_cut(const char *path, uint64_t *found, uint64_t *made)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return false;
    struct stat info;
    bool cut = fstat(descriptor, &info) == 0 && (*made = bytes_made(descriptor)) > 0 &&
               (*found = (uint64_t)info.st_size) < *made;
    close(descriptor);
    return cut;
}

static om_status fail_open(const char *path)
{
    uint64_t found, made;
    if (om_h5_is_cut(path, &found, &made))
        om_fail(OM_EDATA, "%s: is truncated: it has %llu bytes of %llu", path,
                (unsigned long long)found, (unsigned long long)made);
    else
        om_h5_fail(OM_EDATA, path, NULL, "cannot be opened as HDF5");
    return om_hint(OM_EDATA, "the copy it was taken from: this file is damaged or cut short");
}

static om_status access_list(const char *path, om_h5_access mode, hid_t *list)
{
    if (mode == OM_H5_UPDATE) {
        int initialised = 0;
        MPI_Initialized(&initialised);
        if (!initialised)
            return om_fail(OM_EUSAGE, "%s: cannot be opened for writing before MPI_Init", path);
    }
    *list = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(*list, H5F_CLOSE_STRONG);
    if (mode == OM_H5_UPDATE) {
        /* On MPI_COMM_SELF a rank can write and close whatever the others do, or if they died. */
        H5Pset_fapl_mpio(*list, MPI_COMM_SELF, MPI_INFO_NULL);
    } else {
        H5Pset_file_locking(*list, 0, 1);
        H5Pset_sieve_buf_size(*list, 0); /* or a second look would show what the first one saw */
    }
    return OM_OK;
}

/* A part is a point of a sweep. */
static om_status fail_part(om_h5 *file, const char *path, int part)
{
    if (om_h5_has(file, "/point")) {
        om_fail(OM_EDATA, "%s: holds no point %d of its sweep", path, part);
        return om_hint(OM_EDATA, "one that `ommatid status %s` shows", path);
    }
    om_fail(OM_EDATA, "%s: holds no sweep, so no point %d", path, part);
    return om_hint(OM_EDATA, "the file without :%d, or that of a sweep", part);
}

om_status om_h5_open(const char *name, om_h5_access mode, om_h5 **file)
{
    silence();
    *file = NULL;
    char path[PATH_MAX], group[32] = "/";
    const int part = om_split_part(name, path);
    if (part >= 0) snprintf(group, sizeof group, OM_H5_PART, part);
    OM_TRY(check_file(path, mode));
    hid_t list = H5I_INVALID_HID;
    OM_TRY(access_list(path, mode, &list));
    om_h5 *opened = NULL;
    om_status status = new_file(name, &opened);
    if (status != OM_OK) goto done;
    char here[PATH_MAX + 2]; /* MPI-IO takes a name of one letter for a kind of file system */
    snprintf(here, sizeof here, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    opened->file = opened->id =
        H5Fopen(here, mode == OM_H5_UPDATE ? H5F_ACC_RDWR : H5F_ACC_RDONLY, list);
    if (opened->file < 0) status = fail_open(path);
    if (status == OM_OK && part >= 0 && !om_h5_has(opened, group))
        status = fail_part(opened, path, part);
    if (status == OM_OK) status = om_h5_enter(opened, group);
done:
    H5Pclose(list);
    if (status != OM_OK)
        om_h5_close(opened);
    else
        *file = opened;
    return status;
}

void om_h5_close(om_h5 *file)
{
    if (file == NULL) return;
    om_h5_enter(file, "/");
    if (file->file >= 0) H5Fclose(file->file);
    if (file->partial != NULL) unlink(file->partial);
    free(file->partial);
    free(file->path);
    om_free(file);
}

const char *om_h5_relative(const char *path)
{
    if (strcmp(path, "/") == 0) return ".";
    return path[0] == '/' ? path + 1 : path;
}

om_status om_h5_enter(om_h5 *file, const char *group)
{
    if (file->id != file->file) H5Gclose(file->id);
    file->id = file->file;
    if (strcmp(group, "/") == 0) return OM_OK;
    hid_t id = om_h5_has(file, group) ? H5Gopen2(file->file, om_h5_relative(group), H5P_DEFAULT)
                                      : H5I_INVALID_HID;
    if (id < 0) return om_fail(OM_EDATA, "%s: has no group %s", file->path, group);
    file->id = id;
    return OM_OK;
}

om_status om_h5_group(om_h5 *file, const char *path)
{
    hid_t group = H5Gcreate2(file->id, om_h5_relative(path), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return om_h5_fail(OM_EIO, file->path, path, "cannot be created");
    H5Gclose(group);
    return OM_OK;
}

bool om_h5_has(om_h5 *file, const char *path)
{
    return strcmp(path, "/") == 0 || H5Lexists(file->id, om_h5_relative(path), H5P_DEFAULT) > 0;
}
