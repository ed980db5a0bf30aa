/* plan - see plan.h: building, writing and hashing; plan_read.c reads.
 *
 * May include: base.  Pure.  Threads: a struct plan has one owner. */
#include "core/plan.h"
#include "core/plan_limits.h"
#include "base/buf.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

/* 64 steps of 64 KiB, each byte escaped to at most six. */
#define JSON_MAX  (32 * MIB)
#define TITLE_CUT 80

struct plan *plan_new(void)
{
    struct plan *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->steps = calloc(PLAN_STEPS_MAX, sizeof *p->steps);
    p->notes = calloc(PLAN_NOTES_MAX, sizeof *p->notes);
    if (!p->steps || !p->notes) {
        plan_free(p);
        return NULL;
    }
    return p;
}

static void free_words(char **v, size_t n)
{
    for (size_t i = 0; v && i < n; i++)
        free(v[i]);
    free(v);
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->steps && i < p->nsteps; i++) {
        struct plan_step *s = &p->steps[i];
        free(s->kind);
        free(s->title);
        free(s->reason);
        free(s->command);
        free(s->cwd);
        free_words(s->argv, s->nargv);
        free_words(s->env_names, s->nenv);
    }
    free(p->steps);
    free_words(p->notes, p->nnotes);
    free(p->title);
    free(p);
}

bool plan_text_plain(const char *s)
{
    const char *end = s + strlen(s);

    while (s < end) {
        int32_t c = utf8_next(&s, end);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || utf8_deceptive(c))
            return false;
    }
    return true;
}

struct plan_step *plan_next_step(struct plan *p)
{
    return p->nsteps < PLAN_STEPS_MAX ? &p->steps[p->nsteps++] : NULL;
}

/* A readable line: what a title may not hold becomes a blank, blanks become one, and it is cut. */
static void title_of_text(struct buf *out, const char *s, size_t n)
{
    const char *end = s + n;

    while (s < end && out->len < TITLE_CUT) {
        const char *at = s;
        int32_t c = utf8_next(&s, end);
        char one[5] = "";
        if (c >= 0)
            memcpy(one, at, (size_t)(s - at));
        if (c > ' ' && plan_text_plain(one))
            buf_puts(out, one);
        else if (out->len && out->p[out->len - 1] != ' ')
            buf_addc(out, ' ');
    }
    while (out->len && out->p[out->len - 1] == ' ')
        out->p[--out->len] = '\0';
    if (s < end)
        buf_puts(out, "…");
}

static int make_title(struct plan_step *s, struct err *e)
{
    AUTO(buf_fini) struct buf words = BUF_INIT(2 * PLAN_COMMAND_MAX), title = BUF_INIT(PLAN_TITLE_MAX);

    buf_puts(&words, s->command ? s->command : "");
    for (size_t i = 0; i < s->nargv; i++) {
        if (i)
            buf_addc(&words, ' ');
        buf_puts(&words, s->argv[i]);
    }
    if (words.bad)
        return err_set(e, -words.bad, NULL);
    title_of_text(&title, words.p, words.len);
    if (title.len == 0)
        buf_puts(&title, s->kind);
    s->title = buf_take(&title, NULL);
    return s->title ? 0 : err_oom(e);
}

int plan_step_defaults(struct plan_step *s, struct err *e)
{
    if (!s->kind)
        s->kind = str_dup("command");
    if (!s->cwd)
        s->cwd = str_dup("");
    if (!s->kind || !s->cwd)
        return err_oom(e);
    return s->title ? 0 : make_title(s, e);
}

/* "make test", or "make test (+2)": no words, so it reads in every language. */
int plan_default_title(struct plan *p, struct err *e)
{
    if (p->nsteps == 1)
        p->title = str_dup(p->steps[0].title);
    else
        p->title = str_printf("%.*s (+%zu)", (int)PLAN_TITLE_MAX, p->steps[0].title, p->nsteps - 1);
    return p->title ? 0 : err_oom(e);
}

int plan_add_command(struct plan *p, const char *title, const char *reason, const char *command, struct err *e)
{
    struct plan_step *s = plan_next_step(p);

    if (!s)
        return err_set(e, ERR_TOO_LARGE, "a plan has at most %d steps", PLAN_STEPS_MAX);
    s->title = str_dup(title);
    s->reason = str_dup(reason);
    s->command = str_dup(command);
    if ((title && !s->title) || (reason && !s->reason) || !s->command)
        return err_oom(e);
    return plan_step_defaults(s, e);
}

int plan_add_note(struct plan *p, const char *note, struct err *e)
{
    if (p->nnotes == PLAN_NOTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "a plan has at most %d notes", PLAN_NOTES_MAX);
    char *copy = str_dup(note);
    if (!copy)
        return err_oom(e);
    p->notes[p->nnotes++] = copy;
    return 0;
}

static void write_words(struct jw *w, const char *key, char *const *v, size_t n)
{
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        jw_str(w, v[i]);
    jw_end_arr(w);
}

void plan_step_members(struct jw *w, const struct plan_step *s, size_t index)
{
    jw_kint(w, "index", (int64_t)index);
    jw_kstr(w, "kind", s->kind);
    jw_kstr(w, "title", s->title);
    jw_kstr(w, "reason", s->reason);
    jw_kstr(w, "command", s->command);
    if (s->argv)
        write_words(w, "argv", s->argv, s->nargv);
    else
        jw_kraw(w, "argv", NULL);
    jw_kstr(w, "cwd", s->cwd);
    write_words(w, "env_names", s->env_names, s->nenv);
    jw_key(w, "wall_ms");
    if (s->wall_ms)
        jw_int(w, s->wall_ms);
    else
        jw_null(w);
    if (!s->cols)
        return;
    jw_kbool(w, "pty", true);
    jw_kint(w, "cols", s->cols);
    jw_kint(w, "rows", s->rows);
}

void plan_json(struct jw *w, const struct plan *p)
{
    jw_obj(w);
    jw_kstr(w, "title", p->title);
    write_words(w, "notes", p->notes, p->nnotes);
    jw_key(w, "steps");
    jw_arr(w);
    for (size_t i = 0; i < p->nsteps; i++) {
        jw_obj(w);
        plan_step_members(w, &p->steps[i], i);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_end_obj(w);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Members in sorted order. env_names is a set: its order is not what runs. */
static void hashed_step(struct jw *w, const struct plan_step *s)
{
    char *env[PLAN_ENV_MAX];
    size_t n = s->nenv < PLAN_ENV_MAX ? s->nenv : PLAN_ENV_MAX;

    if (n)
        memcpy(env, s->env_names, n * sizeof env[0]);
    qsort(env, n, sizeof env[0], by_text);
    jw_obj(w);
    if (s->argv)
        write_words(w, "argv", s->argv, s->nargv);
    else
        jw_kstr(w, "command", s->command);
    jw_kstr(w, "cwd", s->cwd);
    write_words(w, "env_names", env, n);
    jw_kstr(w, "kind", s->kind);
    if (s->cols) /* its size may change while it runs: that it takes input is what is decided */
        jw_kbool(w, "pty", true);
    jw_kint(w, "wall_ms", s->wall_ms);
    jw_end_obj(w);
}

/* The writer replaces bytes that are not UTF-8, so two commands could get one hash: such a plan has none. */
static bool hashable(const struct plan_step *s)
{
    bool ok = s->nenv <= PLAN_ENV_MAX && utf8_valid(s->cwd, strlen(s->cwd));

    if (s->command)
        ok = ok && utf8_valid(s->command, strlen(s->command));
    for (size_t i = 0; i < s->nargv; i++)
        ok = ok && utf8_valid(s->argv[i], strlen(s->argv[i]));
    for (size_t i = 0; ok && i < s->nenv; i++)
        ok = utf8_valid(s->env_names[i], strlen(s->env_names[i]));
    return ok;
}

int plan_hash(const struct plan *p, bool network, char ret[SHA256_HEX], struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(JSON_MAX);
    struct jw w = JW_INIT(&text);

    jw_obj(&w);
    jw_kbool(&w, "network", network);
    jw_key(&w, "steps");
    jw_arr(&w);
    for (size_t i = 0; i < p->nsteps; i++) {
        if (!hashable(&p->steps[i]))
            return err_set(e, ERR_INVALID, "step %zu of the plan is not UTF-8", i + 1);
        hashed_step(&w, &p->steps[i]);
    }
    jw_end_arr(&w);
    jw_end_obj(&w);
    if (text.bad)
        return err_set(e, -text.bad, NULL);
    sha256_hex_of(text.p, text.len, ret);
    return 0;
}
