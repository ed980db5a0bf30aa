/* planform - see planform.h.
 *
 * May include: base/ cli/text.h.   Pure.   Threads: any. */
#include "cli/planform.h"
#include "base/str.h"
#include "cli/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES (1 * MIB)
#define STEPS_MAX      1000
#define ENV_MAX        256

/* ---- writing ---------------------------------------------------------------- */

static void write_json_string(struct buf *out, const char *s)
{
    AUTO(buf_fini) struct buf j = BUF_INIT(TEXT_MAX_BYTES);
    struct jw w = JW_INIT(&j);
    jw_str(&w, s);
    if (j.bad)
        out->bad = j.bad;
    else
        text_json(out, j.p, j.len);
}

/* The text shows it exactly: cleaning changes nothing. */
static bool shows(const char *s, unsigned how)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX_BYTES);
    text_clean(&b, s, strlen(s), how);
    return !b.bad && b.p && strcmp(b.p, s) == 0 && utf8_valid(s, strlen(s));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool plain_line(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && !is_blank(s[0]) && !is_blank(s[n - 1]) && strcmp(s, "|") != 0 && shows(s, TEXT_ONE_LINE);
}

/* No empty line at either end: those could not be told from the gap between steps. */
static bool plain_block(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && s[0] != '\n' && s[n - 1] != '\n' && !strchr(s, '\r') && shows(s, 0);
}

static void write_command(struct buf *out, const char *cmd)
{
    if (plain_line(cmd)) {
        buf_printf(out, "step: %s\n", cmd);
        return;
    }
    if (!plain_block(cmd)) {
        buf_puts(out, "json: ");
        write_json_string(out, cmd);
        buf_addc(out, '\n');
        return;
    }
    buf_puts(out, "step: |\n");
    while (*cmd) {
        size_t n = strcspn(cmd, "\n");
        buf_puts(out, "    ");
        buf_add(out, cmd, n);
        buf_addc(out, '\n');
        cmd += n + (cmd[n] ? 1 : 0);
    }
}

static void write_argv(struct buf *out, const struct json *argv)
{
    buf_puts(out, "argv: [");
    for (size_t i = 0; i < json_len(argv); i++) {
        if (i)
            buf_puts(out, ", ");
        write_json_string(out, json_str(json_at(argv, i)));
    }
    buf_puts(out, "]\n");
}

static void write_line(struct buf *out, const char *key, const char *value)
{
    if (!value || !*value)
        return;
    buf_printf(out, "%s: ", key);
    text_clean(out, value, strlen(value), TEXT_ONE_LINE);
    buf_addc(out, '\n');
}

static void write_time(struct buf *out, int64_t ms)
{
    if (ms > 0 && ms % 60000 == 0)
        buf_printf(out, "time: %" PRId64 "m\n", ms / 60000);
    else if (ms > 0 && ms % 1000 == 0)
        buf_printf(out, "time: %" PRId64 "s\n", ms / 1000);
    else if (ms > 0)
        buf_printf(out, "time: %" PRId64 "ms\n", ms);
}

static void write_step(struct buf *out, const struct json *s)
{
    const struct json *d = json_get(s, "decision"), *env = json_get(s, "env_names");
    const char *cmd = json_str(json_get(s, "command")), *action = json_str(json_get(d, "action"));
    const char *cwd = json_str(json_get(s, "cwd"));
    buf_addc(out, '\n');
    if (cmd)
        write_command(out, cmd);
    else
        write_argv(out, json_get(s, "argv"));
    if (!text_is_cut(json_str(json_get(s, "title")), cmd)) /* it would outlive a change of the command */
        write_line(out, "title", json_str(json_get(s, "title")));
    if (!str_eq(cwd, "."))
        write_line(out, "cwd", cwd);
    if (json_len(env))
        buf_puts(out, "env:");
    for (size_t i = 0; i < json_len(env); i++)
        buf_printf(out, " %s", json_str(json_at(env, i)));
    if (json_len(env))
        buf_addc(out, '\n');
    write_time(out, json_int(json_get(s, "wall_ms")));
    if (json_true(json_get(s, "pty")))
        buf_printf(out, "terminal: %" PRId64 "x%" PRId64 "\n", json_int(json_get(s, "cols")),
                   json_int(json_get(s, "rows")));
    if (action)
        write_line(out, "# policy", action);
}

void planform_write(struct buf *out, const struct json *plan)
{
    const struct json *steps = json_get(plan, "steps");
    buf_puts(out, "# What you save here replaces the plan; the policy judges it again.\n"
                  "# A step begins with \"step:\"; title, cwd, env (names), time and terminal are optional.\n"
                  "# A command of several lines: \"step: |\", then its lines indented by four blanks.\n"
                  "# Save it unchanged, or without any step, to keep the plan as it is.\n");
    for (size_t i = 0; i < json_len(steps); i++)
        write_step(out, json_at(steps, i));
}

/* ---- reading ---------------------------------------------------------------- */

struct reader {
    const char *p, *end; /* what is left */
    int line;            /* number of the line in hand */
    const char *at;      /* the line in hand, n bytes */
    size_t n;
    struct jw w;
    bool open;     /* a step has begun */
    unsigned seen; /* keys of this step: bits by row of `keys` */
    size_t nsteps;
};

static bool next_line(struct reader *r)
{
    if (r->p >= r->end)
        return false;
    const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
    r->at = r->p;
    r->n = nl ? (size_t)(nl - r->p) : (size_t)(r->end - r->p);
    r->p += r->n + (nl ? 1 : 0);
    if (r->n > 0 && r->at[r->n - 1] == '\r')
        r->n--;
    r->line++;
    return true;
}

static bool blank_line(const char *s, size_t n)
{
    while (n > 0 && is_blank(*s)) {
        s++;
        n--;
    }
    return n == 0;
}

static bool indented(const char *p, const char *end)
{
    return end - p >= 4 && memcmp(p, "    ", 4) == 0;
}

/* The indented lines that follow; empty lines between them belong to them. */
static int read_block(struct reader *r, struct buf *out, struct err *e)
{
    size_t gap = 0;
    int first = r->line;
    bool any = false;
    while (r->p < r->end) {
        const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
        const char *eol = nl ? nl : r->end;
        if (indented(r->p, eol)) {
            next_line(r);
            for (; gap > 0; gap--)
                buf_addc(out, '\n');
            if (any)
                buf_addc(out, '\n');
            buf_add(out, r->at + 4, r->n - 4);
            any = true;
        } else if (blank_line(r->p, (size_t)(eol - r->p))) {
            next_line(r);
            gap++;
        } else {
            break;
        }
    }
    if (!any)
        return err_set(e, ERR_INVALID, "line %d: \"step: |\" needs lines indented by four blanks below it", first);
    return 0;
}

static void end_step(struct reader *r)
{
    if (r->open)
        jw_end_obj(&r->w);
    r->open = false;
}

static int begin_step(struct reader *r, struct err *e)
{
    end_step(r);
    if (r->nsteps++ == STEPS_MAX)
        return err_set(e, ERR_INVALID, "line %d: more than %d steps", r->line, STEPS_MAX);
    jw_obj(&r->w);
    r->open = true;
    r->seen = 0;
    return 0;
}

static int read_step(struct reader *r, const char *v, struct err *e)
{
    AUTO(buf_fini) struct buf cmd = BUF_INIT(TEXT_MAX_BYTES);
    int x = begin_step(r, e);
    if (x == 0 && str_eq(v, "|"))
        x = read_block(r, &cmd, e);
    else
        buf_puts(&cmd, v);
    if (x < 0)
        return x;
    if (cmd.len == 0)
        return err_set(e, ERR_INVALID, "line %d: the step has no command", r->line);
    jw_kstr(&r->w, "command", cmd.bad ? "" : cmd.p);
    return 0;
}

static int read_json(struct reader *r, const char *v, struct err *e)
{
    AUTO_PTR(json_free) struct json *j = NULL;
    int x = begin_step(r, e);
    if (x < 0)
        return x;
    if (json_parse(v, strlen(v), &j, NULL) < 0 || json_type(j) != JT_STR)
        return err_set(e, ERR_INVALID, "line %d: json: needs a JSON string, such as \"make test\"", r->line);
    jw_kstr(&r->w, "command", json_str(j));
    return 0;
}

static int read_argv(struct reader *r, const char *v, struct err *e)
{
    AUTO_PTR(json_free) struct json *j = NULL;
    int x = begin_step(r, e);
    if (x < 0)
        return x;
    bool ok = json_parse(v, strlen(v), &j, NULL) == 0 && json_type(j) == JT_ARR && json_len(j) > 0;
    for (size_t i = 0; ok && i < json_len(j); i++)
        ok = json_type(json_at(j, i)) == JT_STR;
    if (!ok)
        return err_set(e, ERR_INVALID, "line %d: argv: needs a JSON array of strings, such as [\"make\", \"test\"]",
                       r->line);
    jw_key(&r->w, "argv");
    jw_arr(&r->w);
    for (size_t i = 0; i < json_len(j); i++)
        jw_str(&r->w, json_str(json_at(j, i)));
    jw_end_arr(&r->w);
    return 0;
}

static int read_title(struct reader *r, const char *v, struct err *e)
{
    jw_kstr(&r->w, "title", v);
    return 0;
}

static int read_cwd(struct reader *r, const char *v, struct err *e)
{
    jw_kstr(&r->w, "cwd", v);
    return 0;
}

/* POSIX 8.1: letters, digits and '_', not a digit first. */
static bool env_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool alpha = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
        if (!alpha && (i == 0 || s[i] < '0' || s[i] > '9'))
            return false;
    }
    return n > 0;
}

static int read_env(struct reader *r, const char *v, struct err *e)
{
    jw_key(&r->w, "env_names");
    jw_arr(&r->w);
    for (size_t i = 0; *v && i < ENV_MAX; i++) {
        size_t n = strcspn(v, " \t");
        if (!env_name(v, n))
            return err_set(e, ERR_INVALID, "line %d: env: needs names of variables, such as CI HOME", r->line);
        jw_strn(&r->w, v, n);
        v += n;
        v += strspn(v, " \t");
    }
    jw_end_arr(&r->w);
    return *v ? err_set(e, ERR_INVALID, "line %d: more than %d names", r->line, ENV_MAX) : 0;
}

static int read_time(struct reader *r, const char *v, struct err *e)
{
    int64_t ms;
    if (!str_duration_ms(v, &ms) || ms <= 0)
        return err_set(e, ERR_INVALID, "line %d: time: needs a time such as 30s or 5m", r->line);
    jw_kint(&r->w, "wall_ms", ms);
    return 0;
}

/* "80x24" */
static int read_terminal(struct reader *r, const char *v, struct err *e)
{
    int64_t cols = 0, rows = 0;
    const char *x = strchr(v, 'x');
    char *first = x ? str_ndup(v, (size_t)(x - v)) : NULL;
    bool ok = first && str_i64(first, &cols) && str_i64(x + 1, &rows) && cols > 0 && rows > 0;
    free(first);
    if (!ok)
        return err_set(e, ERR_INVALID, "line %d: terminal: needs columns and rows, such as 80x24", r->line);
    jw_kbool(&r->w, "pty", true);
    jw_kint(&r->w, "cols", cols);
    jw_kint(&r->w, "rows", rows);
    return 0;
}

static const struct {
    const char *name;
    bool begins; /* a new step */
    int (*fn)(struct reader *, const char *value, struct err *);
} keys[] = {
    {"step", true, read_step},    {"json", true, read_json},          {"argv", true, read_argv},
    {"title", false, read_title}, {"cwd", false, read_cwd},           {"env", false, read_env},
    {"time", false, read_time},   {"terminal", false, read_terminal},
};

static int read_key(struct reader *r, const char *line, struct err *e)
{
    size_t n = strcspn(line, ":");
    const char *v = line[n] ? line + n + 1 : "";
    v += strspn(v, " \t");
    for (size_t i = 0; line[n] && i < ARRAY_LEN(keys); i++) {
        if (strlen(keys[i].name) != n || memcmp(keys[i].name, line, n) != 0)
            continue;
        if (!keys[i].begins && !r->open)
            return err_set(e, ERR_INVALID, "line %d: `%s:` comes after the `step:` it belongs to", r->line,
                           keys[i].name);
        if (!keys[i].begins && (r->seen & 1u << i))
            return err_set(e, ERR_INVALID, "line %d: `%s:` stands twice in one step", r->line, keys[i].name);
        int x = keys[i].fn(r, v, e);
        r->seen |= 1u << i;
        return x;
    }
    return err_set(e, ERR_INVALID, "line %d: begin a line with step:, title:, cwd:, env:, time:, terminal: or #",
                   r->line);
}

static int read_one(struct reader *r, struct err *e)
{
    size_t n = r->n;
    if (blank_line(r->at, n) || r->at[0] == '#')
        return 0;
    while (n > 0 && is_blank(r->at[n - 1]))
        n--;
    char *line = str_ndup(r->at, n);
    if (!line)
        return err_oom(e);
    int x = read_key(r, line, e);
    free(line);
    return x;
}

int planform_read(const char *p, size_t n, struct buf *out, size_t *ret_n, struct err *e)
{
    struct reader r = {.p = p, .end = p + n, .w = JW_INIT(out)};
    if (!utf8_valid(p, n) || memchr(p, 0, n))
        return err_set(e, ERR_INVALID, "the text is not UTF-8");
    jw_obj(&r.w);
    jw_key(&r.w, "steps");
    jw_arr(&r.w);
    while (next_line(&r)) {
        int x = read_one(&r, e);
        if (x < 0)
            return x;
    }
    end_step(&r);
    jw_end_arr(&r.w);
    jw_end_obj(&r.w);
    if (out->bad)
        return err_set(e, -out->bad, NULL);
    *ret_n = r.nsteps;
    return 0;
}
