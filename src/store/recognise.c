/* What a file is that cannot be opened: a store that is damaged, or none at all. Not all of what tells is
 * asked of HDF5, which may see nothing of it any more. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "ommatid/om_check.h"
#include "store/store_inside.h"

/* The name of the format is among a store's first attributes. */
static bool has_format(const char *path)
{
    enum { LOOKED_AT = 64 * 1024 };
    char *head = NULL;
    char file[PATH_MAX];
    om_split_part(path, file);
    if (om_alloc(LOOKED_AT, 1, &head) != OM_OK) return false;
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = descriptor >= 0 ? pread(descriptor, head, LOOKED_AT, 0) : 0;
    if (descriptor >= 0) close(descriptor);
    bool has = n > 0 && memmem(head, (size_t)n, OM_STORE_FORMAT, strlen(OM_STORE_FORMAT)) != NULL;
    om_free(head);
    return has;
}

/* Another number of the form, or another size of its numbers, than this program has, but one that it
 * may well have. */
static bool is_foreign(const char *path)
{
    enum { MOST_VERSIONS = 16 };
    static const om_h5_member form = {"format_version", OM_H5_I32, 0, 0},
                              real = {"real_bytes", OM_H5_U32, 0, 0};
    om_h5 *file = NULL;
    int32_t version = OM_STORE_VERSION;
    uint32_t bytes = sizeof(om_real);
    if (om_h5_open(path, OM_H5_READ, &file) != OM_OK) return false;
    bool known = om_h5_get_members(file, "/", &form, 1, &version) == OM_OK &&
                 om_h5_get_members(file, "/", &real, 1, &bytes) == OM_OK;
    om_h5_close(file);
    return known &&
           ((version != OM_STORE_VERSION && version > 0 && version < MOST_VERSIONS) ||
            (bytes != sizeof(om_real) && (bytes == sizeof(float) || bytes == sizeof(double))));
}

bool om_store_recognise(const char *path)
{
    uint64_t found, made;
    if (om_h5_is_cut(path, &found, &made)) return true;
    return has_format(path) && !is_foreign(path);
}
