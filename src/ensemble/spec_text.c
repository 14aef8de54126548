/* The two texts that show the table of keys to people: the template and the reference. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "ensemble/spec_table.h"

/* Hands a finished text over in memory of om_alloc(). */
static om_status hand_over(om_text *from, char **text)
{
    *text = NULL;
    om_status status =
        from->failed ? om_fail(OM_ENOMEM, "no memory") : om_alloc(from->length + 1, 1, text);
    if (status == OM_OK) memcpy(*text, from->data, from->length + 1);
    om_text_free(from);
    return status;
}

/* Length of what two paths share, in whole sections: "init.a.x", "init.b" share "init.". */
static size_t shared_sections(const char *a, const char *b)
{
    size_t shared = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '.') shared = i + 1;
    return shared;
}

/* Opens the sections of a path that the key before it was not in; returns the key's indentation. */
static int open_sections(om_text *out, const char *before, const char *path)
{
    size_t shared = shared_sections(before, path), start = 0;
    int depth = 0;
    for (size_t i = 0; path[i] != '\0'; i++) {
        if (path[i] != '.') continue;
        if (i >= shared)
            om_text_add(out, "%s%*s%.*s:\n", depth == 0 ? "\n" : "", 2 * depth, "",
                        (int)(i - start), path + start);
        depth++;
        start = i + 1;
    }
    return 2 * depth;
}

/* Whether a profile makes of a key something else than its default. */
static bool depends_on_profile(const om_spec_key *key)
{
    for (int p = OM_PROFILE_PAPER; p <= OM_PROFILE_PACKAGE; p++)
        for (const om_spec_setting *s = om_spec_profile_settings((om_profile)p); s->path; s++)
            if (strcmp(s->path, key->path) == 0 && strcmp(s->text, key->usual) != 0) return true;
    return false;
}

/* Keys that a profile changes are commented out: if they were given, they would win over a profile that
 * somebody then asks for. */
om_status om_spec_template(char **text)
{
    om_text out = {0};
    om_text_add(&out,
                "# The spec of an ensemble, for `ommatid run`: every key with its default.\n"
                "# Keys that are left out keep theirs. Those behind a # are changed by "
                "train.profile, unless they\n# are given: take the # away to set them. `ommatid "
                "help spec` has the ranges.\n\n");
    const char *before = "";
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++) {
        int indent = open_sections(&out, before, key->path);
        const char *dot = strrchr(key->path, '.');
        bool list = om_spec_is_list(key->kind);
        om_text_add(&out, "%*s# %s", indent, "", key->meaning);
        if (key->kind == OM_SPEC_CHOICE || key->kind == OM_SPEC_PARTS) {
            char values[96];
            om_spec_range(key, values);
            om_text_add(&out, " (%s)", values);
        }
        if (key->unit != NULL) om_text_add(&out, " [%s]", key->unit);
        const bool commented = depends_on_profile(key);
        om_text_add(&out, "%s\n%*s%s%s: %s%s%s\n", commented ? "; train.profile changes it" : "",
                    indent, "", commented ? "#" : "", dot ? dot + 1 : key->path, list ? "[" : "",
                    key->usual, list ? "]" : "");
        before = key->path;
    }
    return hand_over(&out, text);
}

static void add_profile(om_text *out, const char *name, om_profile profile)
{
    om_text_add(out, "- `%s`:", name);
    const om_spec_setting *settings = om_spec_profile_settings(profile);
    for (const om_spec_setting *s = settings; s->path != NULL; s++)
        om_text_add(out, "%s `%s: %s`", s == settings ? "" : ",", s->path, s->text);
    om_text_add(out, "\n");
}

om_status om_spec_reference(char **text)
{
    om_text out = {0};
    om_text_add(&out,
                "# The spec of an ensemble\n\n"
                "A spec is one YAML file, in block or flow style. Every key has a default, so a "
                "spec holds only what\ndiffers; unknown keys, keys given twice, wrong types and "
                "values out of range are refused, all at once,\nwith file, line and column. "
                "`ommatid init` writes a spec with every key.\n\n"
                "A key `a.b` is written as `b` inside the section `a`. Relative paths start at the "
                "directory of the spec.\nA circuit is a path if it contains a `/` or ends in "
                "`.json` or `.circuit`; scenes are one unless they are\n`procedural`.\n\n"
                "| key | default | values | unit | meaning |\n|---|---|---|---|---|\n");
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++) {
        char range[96];
        om_spec_range(key, range);
        const char *bracket = om_spec_is_list(key->kind) ? "[" : "";
        om_text_add(&out, "| `%s` | `%s%s%s` | %s | %s | %s |\n", key->path, bracket, key->usual,
                    bracket[0] ? "]" : "", range, key->unit ? key->unit : "", key->meaning);
    }
    om_text_add(&out, "\nChecks are spaced by `validate.every` or by `validate.every_passes`: "
                      "giving one switches the other off.\n\n## Profiles\n\n"
                      "`train.profile` sets other keys; a key that the spec gives wins, wherever "
                      "it stands.\n\n");
    add_profile(&out, "paper", OM_PROFILE_PAPER);
    add_profile(&out, "package", OM_PROFILE_PACKAGE);
    om_text_add(
        &out,
        "\n## Sweeps\n\n"
        "A section `sweep` holds lists of values for keys of this page, and makes one ensemble "
        "for every combination,\na *point*; the last key's values change fastest:\n\n"
        "    sweep:\n"
        "      circuit.counts: [measured, equal, shuffled]\n"
        "      train.learning_rate: [[1.0e-4, 1.0e-5], [5.0e-5, 5.0e-6]]\n\n"
        "`run` trains all points together, into one store; `SPEC:2` is point 2 as a spec of its "
        "own, and `STORE:2` its\nmodels, wherever a spec or a store is asked for. `name` and the "
        "section `slurm` cannot be swept. Two points\nmust not be the same. At most %d keys and %d "
        "points.\n",
        OM_SWEEP_MOST_KEYS, OM_SWEEP_MOST_POINTS);
    return hand_over(&out, text);
}
