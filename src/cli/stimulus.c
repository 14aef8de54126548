/* Laboratory stimuli as a table and a contact sheet. A condition is one row of both: an edge or bar at
 * one angle, or a flash of one radius, at one intensity. */
#include "cli/stimulus.h"

#include <stdio.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_scenes.h"
#include "ommatid/om_stimuli.h"

enum { EDGE, BAR, FLASH };
const char *const om_stimulus_kinds[] = {"edge", "bar", "flash", NULL};

enum { MOST_CONDITIONS = 2 * OM_MOVING_ANGLES, MOST_TILES = 250 };
static const double USUAL_SPEED = 19, USUAL_DT = 0.02;

typedef struct condition {
    double angle;   /* of an edge or bar */
    om_flash flash; /* its intensity is that of an edge or bar, too */
} condition;

typedef struct show {
    const om_stimulus_request *request;
    om_moving moving;
    double speed, dt;
    condition conditions[MOST_CONDITIONS];
    int n;
} show;

bool om_stimulus_asked(const om_stimulus_request *r)
{
    return r->kind != OM_NO_STIMULUS || r->radius != OM_NO_RADIUS || !isnan(r->angle) ||
           !isnan(r->intensity) || !isnan(r->speed) || !isnan(r->width) || !isnan(r->dt);
}

static om_status check_options(const om_stimulus_request *r)
{
    if (r->kind == OM_NO_STIMULUS) {
        om_fail(OM_EUSAGE, "an option of a stimulus, but no stimulus");
        return om_hint(OM_EUSAGE, "--stimulus edge, bar or flash");
    }
    const char *kind = om_stimulus_kinds[r->kind];
    const struct {
        const char *name;
        bool wrong;
    } all[] = {{"angle", r->kind == FLASH && !isnan(r->angle)},
               {"speed", r->kind == FLASH && !isnan(r->speed)},
               {"width", r->kind != BAR && !isnan(r->width)},
               {"radius", r->kind != FLASH && r->radius != OM_NO_RADIUS}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].wrong) return om_fail(OM_EUSAGE, "--stimulus %s has no --%s", kind, all[i].name);
    return OM_OK;
}

/* Adds a condition unless an option asks for others. */
static void add(show *s, double angle, int radius, double intensity)
{
    const om_stimulus_request *r = s->request;
    s->conditions[s->n++] = (condition){isnan(r->angle) ? angle : r->angle,
                                        {isnan(r->intensity) ? intensity : r->intensity,
                                         r->radius == OM_NO_RADIUS ? radius : r->radius}};
}

/* The conditions of the published analysis, or the one value that is asked for in place of all. */
static void list_conditions(show *s)
{
    const om_stimulus_request *r = s->request;
    int intensities = isnan(r->intensity) ? 2 : 1;
    if (r->kind == FLASH) {
        int radii = r->radius == OM_NO_RADIUS ? 2 : 1;
        for (int i = 0; i < intensities; i++)
            for (int k = 0; k < radii; k++) add(s, NAN, om_flashes[k].radius, i);
        return;
    }
    int angles = isnan(r->angle) ? OM_MOVING_ANGLES : 1;
    for (int i = 0; i < intensities; i++)
        for (int k = 0; k < angles; k++) add(s, 360.0 / OM_MOVING_ANGLES * k, 0, i);
}

/* When what is seen; for the sheet, only a step before and after. */
static om_status find_course(const show *s, bool sheet, om_course *course)
{
    om_timing timing = OM_TIMING;
    timing.dt = s->dt;
    if (sheet) timing.t_pre = timing.t_post = s->dt;
    if (s->request->kind == FLASH) return om_flash_course(timing.t_pre, &timing, course);
    return om_moving_course(&s->moving, s->speed, &timing, course);
}

/* Luminance of one condition: film [tiles][n_columns], each every-th step. frames: room for all. */
static om_status draw(const show *s, const om_hex_eye *eye, const om_course *course,
                      const condition *c, int every, int tiles, float *frames, float *film)
{
    int n_columns = om_lattice_columns(s->request->extent);
    if (s->request->kind == FLASH)
        OM_TRY(om_flash_render(&c->flash, s->request->extent, frames));
    else
        OM_TRY(om_moving_render(eye, &s->moving, c->angle, c->flash.intensity, frames));
    for (int tile = 0; tile < tiles; tile++)
        om_course_luminance(course, tile * every, frames, n_columns,
                            film + (size_t)tile * (size_t)n_columns);
    return OM_OK;
}

static om_status write_sheet(const show *s)
{
    om_course course;
    OM_TRY(find_course(s, true, &course));
    int usual = s->request->kind == FLASH ? 1 : 2;
    int every = s->request->every > 0 ? s->request->every : usual;
    int tiles = (om_course_steps(&course) - 1) / every + 1;
    if (tiles > MOST_TILES) {
        om_fail(OM_EUSAGE, "contact sheet of %d steps in a row: expected at most %d", tiles,
                MOST_TILES);
        return om_hint(OM_EUSAGE, "--every K, a larger --dt, or a higher --speed");
    }
    om_sequence sequences[MOST_CONDITIONS] = {0};
    int rows[MOST_CONDITIONS];
    double angles[MOST_CONDITIONS];
    for (int i = 0; i < s->n; i++) {
        sequences[i].frames = tiles;
        rows[i] = i;
        angles[i] = s->conditions[i].angle;
    }
    om_scenes *scenes = NULL;
    om_hex_eye *eye = NULL;
    float *frames = NULL;
    size_t n_columns = (size_t)om_lattice_columns(s->request->extent);
    om_status status =
        om_scenes_create(sequences, s->n, s->request->extent, 1 / (s->dt * every), &scenes);
    if (status || (status = om_scenes_place(scenes, NULL)) ||
        (status = om_hex_eye_create(s->request->extent, OM_MOVING_SPACING, &eye)) ||
        (status = om_alloc((size_t)course.n_frames * n_columns, sizeof *frames, &frames)))
        goto done;
    scenes->flow = NULL; /* stimuli are only looked at */
    for (int i = 0; i < s->n; i++)
        if ((status = draw(s, eye, &course, &s->conditions[i], every, tiles, frames,
                           scenes->luminance + scenes->sequences[i].offset * n_columns)))
            goto done;
    status = om_scenes_sheet(scenes, rows, s->request->kind == FLASH ? NULL : angles, s->n, 1,
                             s->request->force, s->request->output);
done:
    om_free(frames);
    om_hex_eye_free(eye);
    om_scenes_free(scenes);
    return status;
}

static void print_table(const show *s, const om_course *course)
{
    bool flash = s->request->kind == FLASH;
    printf("%6s  %-8s %9s %6s %6s %7s %7s %6s\n", "number", "stimulus", "intensity",
           flash ? "radius" : "angle", flash ? "" : "speed", "before", "during", "after");
    for (int i = 0; i < s->n; i++) {
        const condition *c = &s->conditions[i];
        printf("%6d  %-8s %9g ", i, om_stimulus_kinds[s->request->kind], c->flash.intensity);
        if (flash)
            printf("%6d %6s", c->flash.radius, "");
        else
            printf("%6g %6g", c->angle, s->speed);
        printf(" %7d %7d %6d\n", course->pre, course->stimulus, course->post);
    }
}

static om_status print_json(const show *s, const om_course *course)
{
    json_t *rows = json_array();
    for (int i = 0; i < s->n; i++) {
        const condition *c = &s->conditions[i];
        json_t *row = json_pack("{s:i, s:f}", "number", i, "intensity", c->flash.intensity);
        if (s->request->kind == FLASH)
            json_object_set_new(row, "radius", json_integer(c->flash.radius));
        else
            json_object_set_new(row, "angle_degrees", json_real(c->angle));
        json_array_append_new(rows, row);
    }
    json_t *all =
        json_pack("{s:s, s:i, s:f, s:f, s:{s:i, s:i, s:i}, s:o}", "stimulus",
                  om_stimulus_kinds[s->request->kind], "extent", s->request->extent, "dt_s", s->dt,
                  "t_stim_s", course->t_stim_s, "steps", "before", course->pre, "during",
                  course->stimulus, "after", course->post, "conditions", rows);
    if (s->request->kind != FLASH)
        json_object_set_new(all, "speed_columns_per_s", json_real(s->speed));
    return om_command_print_json(all);
}

om_status om_stimulus_show(const om_stimulus_request *request, bool json)
{
    const om_moving edge = OM_MOVING_EDGE, bar = OM_MOVING_BAR;
    OM_TRY(check_options(request));
    show s = {.request = request,
              .moving = request->kind == BAR ? bar : edge,
              .speed = isnan(request->speed) ? USUAL_SPEED : request->speed,
              .dt = isnan(request->dt) ? USUAL_DT : request->dt};
    if (!isnan(request->width)) s.moving.width = request->width;
    list_conditions(&s);
    om_course course;
    OM_TRY(find_course(&s, false, &course));
    if (request->output) OM_TRY(write_sheet(&s));
    if (json) return print_json(&s, &course);
    print_table(&s, &course);
    return OM_OK;
}
