/* Attributes: text, and the members of a structure, each under its name. */
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "store/h5_inside.h"

/* At the format's earliest version an attribute lives in its object's header. */
enum { ATTRIBUTE_BYTES = 64000 };

static om_status write_attribute(om_h5 *file, const char *object, const char *name, hid_t type,
                                 const void *data)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate_by_name(file->id, om_h5_relative(object), name, type, space,
                                        H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    herr_t written = attribute < 0 ? -1 : H5Awrite(attribute, type, data);
    om_status status = OM_OK;
    if (written < 0) {
        om_h5_fail(OM_EIO, file->path, object, "cannot be written");
        status = om_context(OM_EIO, "attribute '%s'", name);
    }
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return status;
}

om_status om_h5_set_text(om_h5 *file, const char *object, const char *name, const char *text)
{
    size_t bytes = strlen(text) + 1;
    if (bytes > ATTRIBUTE_BYTES)
        return om_fail(OM_EDATA, "%s: attribute '%s' of %s: %zu bytes of text, expected at most %d",
                       file->path, name, object, bytes, ATTRIBUTE_BYTES);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, bytes);
    H5Tset_cset(type, H5T_CSET_UTF8);
    om_status status = write_attribute(file, object, name, type, text);
    H5Tclose(type);
    return status;
}

bool om_h5_has_attribute(om_h5 *file, const char *object, const char *name)
{
    return H5Aexists_by_name(file->id, om_h5_relative(object), name, H5P_DEFAULT) > 0;
}

static om_status open_attribute(om_h5 *file, const char *object, const char *name, hid_t *attribute)
{
    *attribute = om_h5_has(file, object) ? H5Aopen_by_name(file->id, om_h5_relative(object), name,
                                                           H5P_DEFAULT, H5P_DEFAULT)
                                         : H5I_INVALID_HID;
    if (*attribute >= 0) return OM_OK;
    return om_fail(OM_EDATA, "%s: %s has no attribute '%s'", file->path, object, name);
}

om_status om_h5_get_text(om_h5 *file, const char *object, const char *name, char **text)
{
    *text = NULL;
    hid_t attribute;
    OM_TRY(open_attribute(file, object, name, &attribute));
    hid_t type = H5Aget_type(attribute);
    om_status status = OM_OK;
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0) {
        status = om_fail(OM_EDATA, "%s: %s: attribute '%s' is not text", file->path, object, name);
        goto done;
    }
    if (H5Tget_size(type) > (size_t)ATTRIBUTE_BYTES) {
        status = om_fail(OM_EDATA, "%s: %s: attribute '%s' has %zu bytes, expected at most %d",
                         file->path, object, name, H5Tget_size(type), ATTRIBUTE_BYTES);
        goto done;
    }
    status = om_alloc(H5Tget_size(type) + 1, 1, text);
    if (status != OM_OK) goto done;
    if (H5Aread(attribute, type, *text) < 0) {
        status = om_h5_fail(OM_EIO, file->path, object, "an attribute cannot be read");
        om_free(*text);
        *text = NULL;
    }
done:
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

om_status om_h5_set_members(om_h5 *file, const char *object, const om_h5_member *members, size_t n,
                            const void *structure)
{
    for (size_t i = 0; i < n; i++) {
        const om_h5_member *m = &members[i];
        const char *value = (const char *)structure + m->offset;
        if (m->type == OM_H5_TEXT)
            OM_TRY(om_h5_set_text(file, object, m->name, value));
        else
            OM_TRY(write_attribute(file, object, m->name, om_h5_memory_type(m->type), value));
    }
    return OM_OK;
}

static om_status get_text_member(om_h5 *file, const char *object, const om_h5_member *member,
                                 char *out)
{
    char *text = NULL;
    om_status status = om_h5_get_text(file, object, member->name, &text);
    if (text == NULL) return status;
    if (strlen(text) < member->text_bytes)
        strcpy(out, text);
    else
        status = om_fail(OM_EDATA,
                         "%s: %s: attribute '%s' is a text of %zu bytes, expected at most "
                         "%zu",
                         file->path, object, member->name, strlen(text), member->text_bytes - 1);
    om_free(text);
    return status;
}

static om_status get_member(om_h5 *file, const char *object, const om_h5_member *member, void *out)
{
    if (member->type == OM_H5_TEXT) return get_text_member(file, object, member, out);
    hid_t attribute;
    OM_TRY(open_attribute(file, object, member->name, &attribute));
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    om_status status = OM_OK;
    if (H5Tequal(type, om_h5_memory_type(member->type)) <= 0 ||
        H5Sget_simple_extent_npoints(space) != 1)
        status = om_fail(OM_EDATA, "%s: %s: attribute '%s' is not one number of type %s",
                         file->path, object, member->name, om_h5_type_name(member->type));
    else if (H5Aread(attribute, type, out) < 0)
        status = om_h5_fail(OM_EIO, file->path, object, "an attribute cannot be read");
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

om_status om_h5_get_members(om_h5 *file, const char *object, const om_h5_member *members, size_t n,
                            void *structure)
{
    for (size_t i = 0; i < n; i++)
        OM_TRY(get_member(file, object, &members[i], (char *)structure + members[i].offset));
    return OM_OK;
}

/* ---- copies ---- */

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *to)
{
    enum { MOST_BYTES = ATTRIBUTE_BYTES };
    (void)info;
    herr_t done = -1;
    char *value = NULL;
    hid_t attribute = H5Aopen(from, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const hsize_t bytes = H5Aget_storage_size(attribute);
    if (bytes > 0 && bytes <= MOST_BYTES && om_alloc(bytes, 1, &value) == OM_OK &&
        H5Aread(attribute, type, value) >= 0) {
        hid_t copy = H5Acreate2(*(hid_t *)to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        done = copy < 0 ? -1 : H5Awrite(copy, type, value);
        if (copy >= 0) H5Aclose(copy);
    }
    om_free(value);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return done;
}

om_status om_h5_copy_attributes(om_h5 *from, om_h5 *to, const char *group)
{
    hid_t source = H5Gopen2(from->id, om_h5_relative(group), H5P_DEFAULT);
    hid_t target = H5Gopen2(to->id, om_h5_relative(group), H5P_DEFAULT);
    om_status status = OM_OK;
    if (source < 0)
        status = om_fail(OM_EDATA, "%s: has no group %s", from->path, group);
    else if (target < 0 ||
             H5Aiterate2(source, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &target) < 0)
        status = om_h5_fail(OM_EIO, to->path, group, "its attributes cannot be copied");
    if (target >= 0) H5Gclose(target);
    if (source >= 0) H5Gclose(source);
    return status;
}
