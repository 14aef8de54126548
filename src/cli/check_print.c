/* What `ommatid check` prints: a table for a person, or all of it as JSON. */
#include "cli/check_print.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "cli/command.h"
#include "cli/fields.h"

enum { MOST_LISTED = 100, SLOT_WIDTH = 12 };

/* ---- for a person ---- */

/* Texts of a damaged file may hold anything. */
static void print_clean(const char *text)
{
    for (; *text != '\0'; text++) putchar((unsigned char)*text < ' ' || *text == 127 ? '?' : *text);
}

static void print_slot(const om_slot_proof *s, bool counts, int width)
{
    char text[32] = "empty";
    if (s->fault != NULL) snprintf(text, sizeof text, "torn");
    if (s->written && s->fault == NULL) {
        const char *mark = counts ? " *" : "";
        if (s->iteration == OM_ITERATION_UNKNOWN)
            snprintf(text, sizeof text, "-%s", mark);
        else
            snprintf(text, sizeof text, "%llu%s", (unsigned long long)s->iteration, mark);
    }
    printf("  %-*s", width, text);
}

static void print_resume(const om_model_proof *m)
{
    const unsigned long long at = m->iteration;
    switch (m->resume) {
    case OM_RESUME_START: printf("  starts from the beginning"); break;
    case OM_RESUME_GO_ON: printf("  goes on at %llu", at); break;
    case OM_RESUME_NOTHING: printf("  has nothing to do: done at %llu", at); break;
    case OM_RESUME_STOPPED: printf("  has nothing to do: stopped at %llu", at); break;
    case OM_RESUME_DIVERGED: printf("  has nothing to do: diverged at %llu", at); break;
    case OM_RESUME_REFUSED: printf("  is refused: no state of it can be used"); break;
    }
    if (m->replacements > 0) printf(", begun anew %d x", m->replacements);
    if (m->retries > 0) printf(", set back %d x", m->retries);
}

static bool is_notable(const om_check *c, int model)
{
    for (size_t i = 0; i < c->findings.n; i++)
        if (c->findings.items[i].model == model) return true;
    return false;
}

static void print_models(const om_check *c, const om_store_info *info, bool all)
{
    bool head = false;
    for (int m = 0; m < info->n_models; m++) {
        const om_model_proof *p = &c->models[m];
        if (!all && !is_notable(c, m)) continue;
        if (!head)
            printf("\nmodel  status     slot a        slot b%s\n",
                   info->imported_from != NULL ? "" : "        the next run");
        head = true;
        printf("%5d  %-9s", m,
               p->status >= 0 && p->status <= OM_MODEL_FAILED
                   ? om_model_status_name((om_model_status)p->status)
                   : "?");
        const bool last = info->imported_from != NULL;
        print_slot(&p->slots[0], p->newest == 0, SLOT_WIDTH);
        print_slot(&p->slots[1], p->newest == 1, last ? 0 : SLOT_WIDTH);
        if (!last) print_resume(p);
        printf("\n");
    }
    if (head) printf("       (iteration of the state in each slot; *: the one that counts)\n");
}

static void print_findings(const om_findings *f)
{
    if (f->n > 0) printf("\n");
    for (size_t i = 0; i < f->n && i < MOST_LISTED; i++) {
        const om_finding *x = &f->items[i];
        const om_finding *next = i + 1 < f->n && i + 1 < MOST_LISTED ? x + 1 : NULL;
        printf("%s: ", x->damage ? "damage" : "note");
        if (x->model >= 0) printf("model %d: ", x->model);
        if (x->where[0] != '\0') printf("%s: ", x->where);
        print_clean(x->what);
        if (x->at >= 0) printf(" (byte %lld of the file)", (long long)x->at);
        printf("\n");
        const bool repeated = next != NULL && next->model == x->model && next->remedy == x->remedy;
        if (x->remedy != NULL && !repeated) printf("  try: %s\n", x->remedy);
    }
    if (f->n > MOST_LISTED) printf("and %zu more: --json lists them\n", f->n - MOST_LISTED);
}

static int count(const om_check *c, int n_models, om_resume resume)
{
    int n = 0;
    for (int m = 0; m < n_models; m++) n += c->models[m].resume == resume;
    return n;
}

static void print_lock(const om_check *c)
{
    static const char *const says[] = {[OM_LOCK_NONE] = "nobody trains into it",
                                       [OM_LOCK_LIVE] = "held by",
                                       [OM_LOCK_ELSEWHERE] = "held (as far as can be seen) by",
                                       [OM_LOCK_STALE] = "stale, the next run takes it over:",
                                       [OM_LOCK_STRANGE] = "a file that no run has written"};
    printf("  lock      %s%s", says[c->lock], c->holder[0] != '\0' ? " " : "");
    print_clean(c->holder);
    printf("\n");
}

static void print_summary(const om_check *c)
{
    const om_store_info *info = om_store_describe(c->store);
    const int n = info->n_models;
    printf("\n%s: %d model%s", c->n_damage == 0 ? "whole" : "DAMAGED", n, n == 1 ? "" : "s");
    if (info->imported_from != NULL) {
        printf(", imported: there is nothing to train");
    } else {
        static const char *const says[] = {
            [OM_RESUME_START] = "to begin",    [OM_RESUME_GO_ON] = "to go on",
            [OM_RESUME_NOTHING] = "done",      [OM_RESUME_STOPPED] = "stopped",
            [OM_RESUME_DIVERGED] = "diverged", [OM_RESUME_REFUSED] = "unusable"};
        for (int r = OM_RESUME_START; r <= OM_RESUME_REFUSED; r++) {
            const int k = count(c, n, (om_resume)r);
            if (k > 0) printf(", %d %s", k, says[r]);
        }
    }
    if (c->n_damage > 0) printf("; %d fault%s", c->n_damage, c->n_damage == 1 ? "" : "s");
    printf("\n");
}

void om_check_print(const char *path, const om_check *c, bool all)
{
    printf("%s\n", path);
    if (c->store != NULL) {
        const om_store_info *info = om_store_describe(c->store);
        printf("  name      ");
        print_clean(info->name);
        printf("\n  made      ");
        print_clean(info->created);
        printf(" by ommatid ");
        print_clean(info->program_version);
        if (info->imported_from != NULL) {
            printf("\n  imported  from ");
            print_clean(info->imported_from);
        }
        printf("\n");
    }
    print_lock(c);
    if (c->store != NULL) print_models(c, om_store_describe(c->store), all);
    print_findings(&c->findings);
    if (c->store != NULL)
        print_summary(c);
    else
        printf("\nDAMAGED: no model can be read\n");
}

/* ---- as JSON ---- */

/* A text of the file; what is no UTF-8 shows as '?'. */
static json_t *text_or_null(const char *text)
{
    char clean[4096];
    if (text == NULL) return json_null();
    json_t *value = json_string(text);
    if (value != NULL) return value;
    snprintf(clean, sizeof clean, "%s", text);
    for (char *c = clean; *c != '\0'; c++)
        if ((unsigned char)*c >= 128) *c = '?';
    return json_string(clean);
}

static json_t *slot_json(const om_slot_proof *s)
{
    const bool valid = s->written && s->fault == NULL;
    return json_pack("{s:s s:o s:o s:I s:s?}", "is",
                     valid        ? "valid"
                     : s->written ? "torn"
                                  : "empty",
                     "iteration", valid ? om_json_iteration(s->iteration) : json_null(), "commit",
                     valid ? json_integer((json_int_t)s->commit) : json_null(), "byte",
                     (json_int_t)s->at, "why", s->fault);
}

static json_t *models_json(const om_check *c, int n_models)
{
    static const char *const names[] = {"a", "b"};
    json_t *list = json_array();
    for (int m = 0; m < n_models; m++) {
        const om_model_proof *p = &c->models[m];
        json_array_append_new(
            list, json_pack("{s:i s:s? s:s s:o s:i s:i s:s? s:o s:o s:b}", "model", m, "status",
                            p->status >= 0 && p->status <= OM_MODEL_FAILED
                                ? om_model_status_name((om_model_status)p->status)
                                : NULL,
                            "resume", om_resume_name(p->resume), "iteration",
                            om_json_iteration(p->iteration), "retries", p->retries, "replacements",
                            p->replacements, "counts", p->newest >= 0 ? names[p->newest] : NULL,
                            "a", slot_json(&p->slots[0]), "b", slot_json(&p->slots[1]), "damaged",
                            (int)p->damaged));
    }
    return list;
}

static json_t *findings_json(const om_findings *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->n; i++) {
        const om_finding *x = &f->items[i];
        json_array_append_new(
            list, json_pack("{s:b s:o s:s s:o s:o s:s?}", "damage", (int)x->damage, "model",
                            x->model >= 0 ? json_integer(x->model) : json_null(), "where", x->where,
                            "byte", x->at >= 0 ? json_integer((json_int_t)x->at) : json_null(),
                            "what", text_or_null(x->what), "try", x->remedy));
    }
    return list;
}

om_status om_check_print_json(const char *path, const om_check *c)
{
    const om_store_info *info = c->store != NULL ? om_store_describe(c->store) : NULL;
    return om_command_print_json(
        json_pack("{s:o s:b s:o s:o s:o s:o s:{s:s s:o} s:o s:o}", "store", text_or_null(path),
                  "whole", c->n_damage == 0, "name", text_or_null(info ? info->name : NULL),
                  "created", text_or_null(info ? info->created : NULL), "program_version",
                  text_or_null(info ? info->program_version : NULL), "imported_from",
                  text_or_null(info ? info->imported_from : NULL), "lock", "state",
                  om_lock_state_name(c->lock), "holder", text_or_null(c->holder), "models",
                  info ? models_json(c, info->n_models) : json_null(), "findings",
                  findings_json(&c->findings)));
}
