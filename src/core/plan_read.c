/* plan_read - see plan.h: plans from JSON, strictly; every problem names its field ("steps[2].cwd").
 *
 * The reader of JSON has refused bytes that are not UTF-8, NUL, and doubled members already.
 * May include: base.  Pure.  Threads: any. */
#include "core/plan.h"
#include "core/plan_limits.h"
#include "base/str.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_LEN 96 /* of struct err's field: what is longer is cut there */

static int wrong(const char *path, const char *key, const char *must, struct err *e)
{
    char name[2 * PATH_LEN];

    snprintf(name, sizeof name, "%s%s%s", path, *path ? "." : "", key);
    return err_field(e, ERR_INVALID, name, "%s must %s", name, must);
}

static bool absent(const struct json *o, const char *key)
{
    return json_type(json_get(o, key)) == JT_NULL;
}

static int take(char **to, const char *s, struct err *e)
{
    *to = str_dup(s);
    return *to ? 0 : err_oom(e);
}

/* A string for people: plain, on one line. */
static int read_plain(const struct json *o, const char *path, const char *key, int req, size_t max, char **to,
                      struct err *e)
{
    const char *s = NULL;

    int r = json_want_str(o, path, key, req, max, &s, e);
    if (r < 0 || !s || !*s)
        return r;
    if (!plan_text_plain(s))
        return wrong(path, key, "be one line without control or invisible characters", e);
    return take(to, s, e);
}

static int read_command(const struct json *o, const char *path, struct plan_step *st, struct err *e)
{
    const char *s = NULL;

    int r = json_want_str(o, path, "command", J_REQ, PLAN_COMMAND_MAX, &s, e);
    if (r < 0)
        return r;
    if (s[strspn(s, " \t\r\n")] == '\0')
        return wrong(path, "command", "not be empty", e);
    return take(&st->command, s, e);
}

static int read_word(const struct json *v, const char *path, size_t i, size_t *room, char **to, struct err *e)
{
    char name[PATH_LEN];

    snprintf(name, sizeof name, "argv[%zu]", i);
    if (json_type(v) != JT_STR)
        return wrong(path, name, "be a string", e);
    if (i == 0 && json_str_len(v) == 0)
        return wrong(path, name, "name a program", e);
    if (json_str_len(v) >= *room)
        return wrong(path, "argv", "be at most 64 KiB together", e);
    *room -= json_str_len(v) + 1;
    return take(to, json_str(v), e);
}

static int read_argv(const struct json *o, const char *path, struct plan_step *st, struct err *e)
{
    const struct json *a = NULL;
    size_t room = PLAN_COMMAND_MAX;

    int r = json_want_arr(o, path, "argv", J_REQ, PLAN_ARGV_MAX, &a, e);
    if (r < 0)
        return r;
    if (json_len(a) == 0)
        return wrong(path, "argv", "hold at least the program", e);
    st->argv = calloc(json_len(a) + 1, sizeof *st->argv);
    if (!st->argv)
        return err_oom(e);
    for (; r == 0 && st->nargv < json_len(a); st->nargv++)
        r = read_word(json_at(a, st->nargv), path, st->nargv, &room, &st->argv[st->nargv], e);
    return r;
}

static int read_what_runs(const struct json *o, const char *path, struct plan_step *st, struct err *e)
{
    bool command = !absent(o, "command"), argv = !absent(o, "argv");

    if (command == argv)
        return err_field(e, ERR_INVALID, path, "%s must have %s: a command (shell text) or argv (words)", path,
                         command ? "only one of the two" : "one of the two");
    return command ? read_command(o, path, st, e) : read_argv(o, path, st, e);
}

/* Plain relative: "", "a/b"; "./a//b/" is the same place spelled otherwise. Never up, never absolute. */
static int read_cwd(const struct json *o, const char *path, struct plan_step *st, struct err *e)
{
    const char *s = "";
    char out[PLAN_CWD_MAX + 2];
    size_t n = 0;

    int r = json_want_str(o, path, "cwd", J_OPT, PLAN_CWD_MAX, &s, e);
    if (r < 0)
        return r;
    if (*s == '/')
        return wrong(path, "cwd", "be relative to the project, as in \"src\"", e);
    for (size_t len; *s; s += len + (s[len] == '/')) {
        len = strcspn(s, "/");
        if (len == 2 && memcmp(s, "..", 2) == 0)
            return wrong(path, "cwd", "not lead out of the project (no \"..\")", e);
        if (len == 0 || (len == 1 && *s == '.'))
            continue;
        if (n)
            out[n++] = '/';
        memcpy(out + n, s, len);
        n += len;
    }
    out[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (iscntrl((unsigned char)out[i]))
            return wrong(path, "cwd", "be without control characters", e);
    return take(&st->cwd, out, e);
}

/* POSIX.1-2017, 8.1: what a shell takes as a name. */
static bool env_name_ok(const char *s)
{
    size_t n = s ? strlen(s) : 0;

    if (n == 0 || n > PLAN_ENV_NAME_MAX || (*s >= '0' && *s <= '9'))
        return false;
    return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static int read_env_name(const struct json *v, const char *path, struct plan_step *st, struct err *e)
{
    char name[PATH_LEN];

    snprintf(name, sizeof name, "env_names[%zu]", st->nenv);
    if (!env_name_ok(json_str(v)))
        return wrong(path, name, "be the name of a variable: letters, digits, _", e);
    for (size_t i = 0; i < st->nenv; i++)
        if (str_eq(st->env_names[i], json_str(v)))
            return wrong(path, name, "not be there twice", e);
    int r = take(&st->env_names[st->nenv], json_str(v), e);
    st->nenv += r == 0;
    return r;
}

static int read_env_names(const struct json *o, const char *path, struct plan_step *st, struct err *e)
{
    const struct json *a = NULL;

    int r = json_want_arr(o, path, "env_names", J_OPT, PLAN_ENV_MAX, &a, e);
    if (r < 0 || json_len(a) == 0)
        return r;
    st->env_names = calloc(json_len(a) + 1, sizeof *st->env_names);
    if (!st->env_names)
        return err_oom(e);
    for (size_t i = 0; r == 0 && i < json_len(a); i++)
        r = read_env_name(json_at(a, i), path, st, e);
    return r;
}

static int read_kind(const struct json *o, const char *path, struct err *e)
{
    const char *kind = "command";

    int r = json_want_str(o, path, "kind", J_OPT, 64, &kind, e);
    if (r < 0)
        return r;
    return str_eq(kind, "command") ? 0 : wrong(path, "kind", "be \"command\"", e);
}

static int read_size(const struct json *o, const char *path, const char *key, int64_t dflt, bool pty, int *to,
                     struct err *e)
{
    int64_t v = dflt;

    if (absent(o, key)) {
        *to = pty ? (int)dflt : 0;
        return 0;
    }
    int r = json_want_int(o, path, key, J_OPT, 1, PLAN_TTY_MAX, &v, e);
    if (r == 0 && !pty)
        return wrong(path, key, "come with \"pty\": true", e);
    *to = (int)v;
    return r;
}

static int read_terminal(const struct json *o, const char *path, struct plan_step *st, struct err *e)
{
    bool pty = false;

    int r = json_want_bool(o, path, "pty", J_OPT, &pty, e);
    if (r == 0)
        r = read_size(o, path, "cols", PLAN_TTY_COLS, pty, &st->cols, e);
    if (r == 0)
        r = read_size(o, path, "rows", PLAN_TTY_ROWS, pty, &st->rows, e);
    return r;
}

static int read_step(const struct json *o, const char *path, struct plan_step *st, struct err *e)
{
    static const char *const known[] = {"command", "argv",  "title",    "cwd", "env_names", "wall_ms", "kind",
                                        "reason",  "index", "decision", "pty", "cols",      "rows",    NULL};
    int r = json_known(o, path, known, e);

    if (r == 0)
        r = read_kind(o, path, e);
    if (r == 0)
        r = read_what_runs(o, path, st, e);
    if (r == 0)
        r = read_plain(o, path, "title", J_OPT, PLAN_TITLE_MAX, &st->title, e);
    if (r == 0 && !absent(o, "reason"))
        r = read_plain(o, path, "reason", J_OPT, PLAN_REASON_MAX, &st->reason, e);
    if (r == 0)
        r = read_cwd(o, path, st, e);
    if (r == 0)
        r = read_env_names(o, path, st, e);
    if (r == 0 && !absent(o, "wall_ms"))
        r = json_want_int(o, path, "wall_ms", J_OPT, 1, PLAN_WALL_MS_MAX, &st->wall_ms, e);
    if (r == 0)
        r = read_terminal(o, path, st, e);
    return r < 0 ? r : plan_step_defaults(st, e);
}

static int read_steps(const struct json *steps, const char *path, struct plan *p, struct err *e)
{
    char at[PATH_LEN];

    if (json_type(steps) != JT_ARR || json_len(steps) == 0 || json_len(steps) > PLAN_STEPS_MAX)
        return err_field(e, ERR_INVALID, path, "%s must be an array of 1 to %d steps", path, PLAN_STEPS_MAX);
    for (size_t i = 0; i < json_len(steps); i++) {
        snprintf(at, sizeof at, "%s[%zu]", path, i);
        int r = read_step(json_at(steps, i), at, plan_next_step(p), e);
        if (r < 0)
            return r;
    }
    return 0;
}

int plan_from_steps(const struct json *steps, const char *path, struct plan **ret, struct err *e)
{
    AUTO_PTR(plan_free) struct plan *p = plan_new();

    if (!p)
        return err_oom(e);
    int r = read_steps(steps, path, p, e);
    if (r == 0)
        r = plan_default_title(p, e);
    if (r == 0)
        *ret = TAKE(p);
    return r;
}

static int read_notes(const struct json *o, struct plan *p, struct err *e)
{
    const struct json *a = NULL;

    int r = json_want_arr(o, "", "notes", J_OPT, PLAN_NOTES_MAX, &a, e);
    for (size_t i = 0; r == 0 && i < json_len(a); i++) {
        const char *s = json_str(json_at(a, i));
        if (!s || strlen(s) > PLAN_NOTE_MAX || !plan_text_plain(s))
            return err_field(e, ERR_INVALID, "notes", "notes must be lines of at most %d bytes", PLAN_NOTE_MAX);
        r = plan_add_note(p, s, e);
    }
    return r;
}

int plan_from_json(const struct json *o, struct plan **ret, struct err *e)
{
    static const char *const known[] = {"title", "notes", "steps", NULL};
    AUTO_PTR(plan_free) struct plan *p = plan_new();

    if (!p)
        return err_oom(e);
    int r = json_known(o, "", known, e);
    if (r == 0)
        r = read_plain(o, "", "title", J_OPT, 2 * PLAN_TITLE_MAX, &p->title, e);
    if (r == 0)
        r = read_notes(o, p, e);
    if (r == 0)
        r = read_steps(json_get(o, "steps"), "steps", p, e);
    if (r == 0 && !p->title)
        r = plan_default_title(p, e);
    if (r == 0)
        *ret = TAKE(p);
    return r;
}
