/* gnuplot as a child. Its script, picture and complaints go through files and no pipes, so that neither
 * side waits for the other; it never sees a file's name, and so none has to be escaped. */
#include "report/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMPLAINT_BYTES = 2048, TAIL_BYTES = 16, FONT_POINTS = 10 };

static const double SVG_DOTS = 96, PNG_DOTS = 150; /* per inch */

static bool is_svg(const char *path) { return om_ends_with(path, ".svg"); }

/* ---- gnuplot ----------------------------------------------------------------------------------- */

static om_status fail_start(int error)
{
    if (error != ENOENT) {
        errno = error;
        return om_fail_errno("cannot be started", "gnuplot");
    }
    om_fail(OM_EIO, "gnuplot, which draws the pictures, is not here");
    return om_hint(OM_EIO, "apt-get install gnuplot-nox");
}

/* What it printed on its way out: the lines that say something. */
static om_status fail_gnuplot(FILE *complaints, int state)
{
    char line[256];
    rewind(complaints);
    if (WIFSIGNALED(state))
        om_fail(OM_EIO, "gnuplot was ended by signal %d", WTERMSIG(state));
    else
        om_fail(OM_EIO, "gnuplot failed with exit status %d", WEXITSTATUS(state));
    for (int bytes = 0; bytes < COMPLAINT_BYTES && fgets(line, sizeof line, complaints) != NULL;) {
        line[strcspn(line, "\n")] = '\0';
        bytes += (int)strlen(line) + 1;
        if (line[strspn(line, " ^")] != '\0') om_fail_more(OM_EIO, "  gnuplot: %s", line);
    }
    return OM_EIO;
}

/* Waits for a gnuplot that reads from one file and writes to the others. */
static om_status spawn(int in, int out, FILE *complaints)
{
    char *const words[] = {"gnuplot", "-d", "-", NULL}; /* -d: without the user's own settings */
    posix_spawn_file_actions_t files;
    pid_t child;
    int state;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, fileno(complaints), STDERR_FILENO);
    int error = posix_spawnp(&child, words[0], &files, NULL, words, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) return fail_start(error);
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return om_fail_errno("cannot be waited for", "gnuplot");
    return state == 0 ? OM_OK : fail_gnuplot(complaints, state);
}

static om_status run(const char *script, size_t length, int out)
{
    FILE *in = tmpfile(), *complaints = tmpfile();
    om_status status = OM_OK;
    if (in == NULL || complaints == NULL)
        status = om_fail_errno("a file of gnuplot's", "cannot be created");
    else if (fwrite(script, 1, length, in) != length || fflush(in) != 0)
        status = om_fail_errno("a file of gnuplot's", "cannot be written");
    if (status == OM_OK) {
        rewind(in);
        status = spawn(fileno(in), out, complaints);
    }
    if (in != NULL) fclose(in);
    if (complaints != NULL) fclose(complaints);
    return status;
}

/* ---- scripts ----------------------------------------------------------------------------------- */

void om_plot_begin(om_text *script, const char *path, double width, double height)
{
    if (is_svg(path)) /* whose points are dots */
        om_text_add(script,
                    "set terminal svg noenhanced size %.0f,%.0f font 'Helvetica,%.1f' background "
                    "'white'\n",
                    width * SVG_DOTS, height * SVG_DOTS, FONT_POINTS * SVG_DOTS / 72);
    else
        om_text_add(script,
                    "set terminal pngcairo noenhanced size %.0f,%.0f font 'Helvetica,%d' fontscale "
                    "%.3f linewidth %.3f pointscale %.3f background '#ffffff'\n",
                    width * PNG_DOTS, height * PNG_DOTS, FONT_POINTS, PNG_DOTS / 96, PNG_DOTS / 96,
                    PNG_DOTS / 96);
}

void om_plot_quote(om_text *script, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    om_text_add(script, "'");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'') om_text_add(script, "'");
        om_text_add(script, "%c", (unsigned char)*c < ' ' ? ' ' : *c);
    }
    om_text_add(script, "'");
}

/* ---- pictures ---------------------------------------------------------------------------------- */

om_status om_plot_check(const char *path)
{
    om_text script = {0};
    if (!is_svg(path) && !om_ends_with(path, ".png")) {
        om_fail(OM_EUSAGE, "--plot %s: its name ends neither in .svg nor in .png", path);
        return om_hint(OM_EUSAGE, "--plot picture.svg");
    }
    OM_TRY(om_check_new_file(path, "--plot"));
    om_plot_begin(&script, path, 1, 1);
    FILE *nothing = fopen("/dev/null", "w");
    om_status status = nothing == NULL ? om_fail_errno("cannot be opened", "/dev/null") : OM_OK;
    if (status == OM_OK && script.failed) status = om_fail(OM_ENOMEM, "out of memory");
    if (status == OM_OK) status = run(script.data, script.length, fileno(nothing));
    if (nothing != NULL) fclose(nothing);
    om_text_free(&script);
    return status;
}

/* Not all versions of gnuplot notice a full disk. */
static om_status check_whole(const char *path, int file)
{
    const char *end = is_svg(path) ? "</svg>" : "IEND";
    char tail[TAIL_BYTES] = "";
    const off_t length = lseek(file, 0, SEEK_END);
    if (length > TAIL_BYTES && pread(file, tail, TAIL_BYTES, length - TAIL_BYTES) == TAIL_BYTES &&
        memmem(tail, TAIL_BYTES, end, strlen(end)) != NULL)
        return fsync(file) == 0 ? OM_OK : om_fail_errno("cannot be written", path);
    return om_fail(OM_EIO, "%s: cannot be written: the picture that gnuplot made is cut off", path);
}

static om_status draw(const om_text *script, const char *path, const char *partial)
{
    int file = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return om_fail_errno("cannot be created", path);
    om_status status = run(script->data, script->length, file);
    if (status == OM_OK) status = check_whole(path, file);
    close(file);
    if (status == OM_OK && link(partial, path) != 0) /* unlike rename() it replaces nothing */
        status = errno == EEXIST ? om_check_new_file(path, "--plot")
                                 : om_fail_errno("cannot be created", path);
    unlink(partial);
    return status;
}

om_status om_plot_finish(om_text *script, const char *path)
{
    om_text partial = {0};
    om_text_add(&partial, "%s.partial.%ld", path, (long)getpid());
    om_status status = script->failed || partial.failed ? om_fail(OM_ENOMEM, "out of memory")
                                                        : draw(script, path, partial.data);
    om_text_free(&partial);
    om_text_free(script);
    return status;
}
