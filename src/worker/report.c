/* report.c - report.md: asked, decided, run, changed, spent; read in a minute.
 *
 * Everything that came from outside (intent, titles, commands, output, paths) is put in code spans or fences longer
 * than any run of backticks in it, with control and invisible characters made visible: it can neither
 * leave its box nor hide. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "os/logfile.h"
#include "service/effects_files.h"
#include "worker/drive.h"

#define TAIL_BYTES  (4 * KIB)
#define TAIL_LINES  20
#define FILES_SHOWN 200

static void visible(struct buf *b, const char *s, size_t n, bool multiline)
{
    const char *end = s + n;

    while (s < end) {
        const char *at = s;
        int32_t cp = utf8_next(&s, end);

        if (cp == '\n' && multiline)
            buf_addc(b, '\n');
        else if (cp == '\t' || (cp >= 0x20 && cp != 0x7f && !utf8_deceptive(cp) && !(cp >= 0x80 && cp < 0xa0)))
            buf_add(b, at, (size_t)(s - at));
        else if (cp < 0)
            buf_printf(b, "\\x%02x", (unsigned char)*at);
        else if (cp != '\r')
            buf_printf(b, "<U+%04X>", (unsigned)cp);
    }
}

static size_t ticks(const char *s, size_t n)
{
    size_t best = 0, run = 0;

    for (size_t i = 0; i < n; i++) {
        run = s[i] == '`' ? run + 1 : 0;
        best = run > best ? run : best;
    }
    return best;
}

static void repeat(struct buf *b, char c, size_t n)
{
    while (n--)
        buf_addc(b, c);
}

static void code(struct buf *b, const char *s)
{
    size_t n = s ? strlen(s) : 0, t = n ? ticks(s, n) + 1 : 0;

    if (n == 0)
        return;
    repeat(b, '`', t);
    if (s[0] == '`' || s[n - 1] == '`')
        buf_addc(b, ' ');
    visible(b, s, n, false);
    if (s[0] == '`' || s[n - 1] == '`')
        buf_addc(b, ' ');
    repeat(b, '`', t);
}

static void fence(struct buf *b, const char *s, size_t n)
{
    size_t t = ticks(s, n);

    t = t < 3 ? 3 : t + 1;
    repeat(b, '`', t);
    buf_puts(b, "text\n");
    visible(b, s, n, true);
    if (n && s[n - 1] != '\n')
        buf_addc(b, '\n');
    repeat(b, '`', t);
    buf_puts(b, "\n\n");
}

static void seconds(struct buf *b, int64_t us)
{
    buf_printf(b, "%lld.%02lld s", (long long)(us / SEC_US), (long long)(us % SEC_US / 10000));
}

static void head(struct buf *b, const struct run_row *r)
{
    char t[TIME_LEN];

    buf_printf(b, "# Run %s\n\n", r->id.s);
    buf_printf(b, "**%s**", r->outcome ? r->outcome : "?");
    if (r->reason_code) {
        buf_printf(b, " — %s: ", r->reason_code);
        code(b, r->reason_text);
    }
    buf_puts(b, "\n\n## Asked\n\n");
    if (r->intent) {
        buf_puts(b, "- intent: ");
        code(b, r->intent);
        buf_addc(b, '\n');
    } else {
        buf_printf(b, "- %s\n", str_eq(r->kind, "undo") ? "take back what an earlier run applied:" : "explicit steps");
    }
    if (!id_none(&r->undoes))
        buf_printf(b, "- undoes: `%s`\n", r->undoes.s);
    buf_puts(b, "- by: ");
    code(b, r->actor);
    time_format(r->created_us, t);
    buf_printf(b, " (%s) at %s\n- review: %s, policy version %lld\n\n", r->surface, t, r->review,
               (long long)r->policy_version);
}

static const char *jstr(const struct json *o, const char *k)
{
    const char *s = json_str(json_get(o, k));

    return s ? s : "";
}

static void decision(struct buf *b, const struct step_row *s)
{
    AUTO_PTR(json_free) struct json *d = NULL;

    if (!s->decision || json_parse(s->decision, strlen(s->decision), &d, NULL) < 0)
        return;
    buf_printf(b, "- policy: **%s** by rule ", jstr(d, "action"));
    code(b, jstr(d, "rule"));
    buf_puts(b, " — ");
    code(b, jstr(d, "reason"));
    if (json_str(json_get(d, "approval_id")))
        buf_printf(b, ", approval `%s`", jstr(d, "approval_id"));
    buf_addc(b, '\n');
}

static void ending(struct buf *b, const struct step_row *s)
{
    buf_printf(b, "- **%s**", s->state);
    if (s->exit_code >= 0 && s->finished_us)
        buf_printf(b, ", exit code %lld", (long long)s->exit_code);
    if (s->signal)
        buf_printf(b, ", signal %lld", (long long)s->signal);
    buf_puts(b, s->oom_killed ? ", out of memory" : "");
    buf_puts(b, s->timed_out ? ", time limit" : "");
    if (s->started_us && s->finished_us) {
        buf_puts(b, " in ");
        seconds(b, s->finished_us - s->started_us);
        buf_puts(b, ", cpu ");
        seconds(b, s->cpu_us);
        buf_printf(b, ", peak memory %lld KiB, output %lld bytes%s", (long long)(s->max_rss_bytes / 1024),
                   (long long)(s->stdout_bytes + s->stderr_bytes), s->log_truncated ? " (cut at the limit)" : "");
    }
    buf_addc(b, '\n');
    if (s->error) {
        buf_puts(b, drive_step_ran(s) ? "- " : "- could not be started: ");
        code(b, s->error);
        buf_addc(b, '\n');
    }
}

static void keep_tail(struct buf *t, const struct log_frame *f)
{
    buf_add(t, f->p, f->n);
    if (t->len > 2 * LOG_PAYLOAD_MAX)
        buf_consume(t, t->len - TAIL_BYTES);
}

/* The last lines of a step's log. Read from the start: frames have no index yet, and a log is bounded. */
static void tail(struct svc *svc, struct buf *b, const struct run_row *run, const struct step_row *s)
{
    AUTO_PTR(logfile_close_read) struct log_reader *rd = NULL;
    AUTO(fd_close) int dir = -1;
    AUTO(buf_fini) struct buf t = BUF_INIT(4 * MIB);
    struct log_frame f;
    char rel[64];
    uint64_t at = LOG_START;
    size_t lines = 0, i;

    snprintf(rel, sizeof rel, "runs/%s/logs", run->id.s);
    dir = openat(svc->data_fd, rel, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || !s->log || logfile_open_read(dir, s->log, &rd, NULL) < 0)
        return;
    for (; logfile_read(rd, at, &f, NULL) == 1; at = f.next)
        if (log_stream_name(f.stream))
            keep_tail(&t, &f);
    if (t.len > TAIL_BYTES)
        buf_consume(&t, t.len - TAIL_BYTES);
    for (i = t.len; i > 0 && lines <= TAIL_LINES; i--)
        lines += t.p[i - 1] == '\n' && i != t.len;
    if (lines > TAIL_LINES)
        buf_consume(&t, i + 1);
    if (t.len) {
        buf_printf(b, "\nLast lines of its output:\n\n");
        fence(b, t.p, t.len);
    }
}

static void steps(struct svc *svc, struct buf *b, const struct run_row *run, const struct run_steps *l)
{
    if (l->n == 0)
        return;
    buf_puts(b, "## Decided and run\n\n");
    for (size_t i = 0; i < l->n; i++) {
        const struct step_row *s = &l->v[i];

        buf_printf(b, "### Step %lld", (long long)s->index + 1);
        if (s->attempt > 1)
            buf_printf(b, ", attempt %lld", (long long)s->attempt);
        buf_puts(b, ": ");
        code(b, s->title);
        buf_puts(b, "\n\n");
        if (s->command)
            fence(b, s->command, strlen(s->command));
        else if (s->argv)
            fence(b, s->argv, strlen(s->argv));
        if (s->pty)
            buf_puts(
                b, "With a terminal: the policy did not judge what was typed into it. Who typed is in the audit.\n\n");
        decision(b, s);
        ending(b, s);
        tail(svc, b, run, s);
        buf_addc(b, '\n');
    }
}

static void change_line(struct buf *b, const struct json *c)
{
    const char *refused = json_str(json_get(c, "refused"));

    buf_printf(b, "- %s ", jstr(c, "kind"));
    code(b, jstr(c, "path"));
    if (json_true(json_get(c, "binary")))
        buf_puts(b, " (binary)");
    else
        buf_printf(b, " +%lld −%lld", (long long)json_int(json_get(c, "additions")),
                   (long long)json_int(json_get(c, "deletions")));
    if (refused) {
        buf_puts(b, " — refused: ");
        code(b, refused);
    }
    buf_addc(b, '\n');
}

static void applied(struct buf *b, const struct run_row *r)
{
    AUTO_PTR(json_free) struct json *a = NULL;

    if (!r->apply || json_parse(r->apply, strlen(r->apply), &a, NULL) < 0) {
        buf_puts(b, "\nNothing was applied to the project.\n\n");
        return;
    }
    if (json_true(json_get(a, "applied")))
        buf_printf(b, "\nApplied to the project: %lld files, +%lld −%lld.\n\n",
                   (long long)json_int(json_get(a, "files")), (long long)json_int(json_get(a, "additions")),
                   (long long)json_int(json_get(a, "deletions")));
    else
        buf_printf(b, "\nNothing was applied to the project%s.\n\n",
                   json_len(json_get(a, "conflicts")) ? ": it had changed under the run" : "");
}

static void each_change(void *arg, const struct json *c)
{
    change_line(arg, c);
}

static int list_changes(struct svc *svc, struct buf *b, const struct id *run, bool expected, struct err *e)
{
    AUTO(fd_close) int dir = -1;
    char rel[64];
    size_t n = 0;
    int r;

    snprintf(rel, sizeof rel, "runs/%s", run->s);
    r = dir_make(svc->data_fd, rel, &dir, e);
    if (r == 0)
        r = effects_files_list(dir, FILES_SHOWN, each_change, b, &n, e);
    if (r == 0 && n == 0 && expected)
        return err_set(e, ERR_NOT_FOUND, "changes.json is gone");
    if (r == 0 && n > FILES_SHOWN)
        buf_printf(b, "- … and %zu more: see diff.patch\n", n - FILES_SHOWN);
    return r;
}

static void changes(struct svc *svc, struct buf *b, const struct run_row *r)
{
    AUTO_PTR(json_free) struct json *sum = NULL;
    struct err e = ERR_INIT;
    int x;

    buf_puts(b, "## Changed\n\n");
    if (r->changes) {
        x = json_parse(r->changes, strlen(r->changes), &sum, &e);
        buf_printf(b, "%lld files, +%lld −%lld, %lld refused.\n\n", (long long)json_int(json_get(sum, "files")),
                   (long long)json_int(json_get(sum, "additions")), (long long)json_int(json_get(sum, "deletions")),
                   (long long)json_int(json_get(sum, "refused")));
        if (x == 0)
            x = list_changes(svc, b, &r->id, json_int(json_get(sum, "files")) > 0, &e);
        if (x < 0) { /* a report with a hole is better than a run that never ends */
            buf_puts(b, "The list of changes cannot be read: ");
            code(b, e.msg);
            buf_puts(b, "\n");
        }
    }
    applied(b, r);
}

static void spent(struct buf *b, const struct run_row *r, const struct run_steps *l)
{
    int64_t cpu = 0, rss = 0, wall = 0;

    for (size_t i = 0; i < l->n; i++) {
        cpu += l->v[i].cpu_us;
        rss = l->v[i].max_rss_bytes > rss ? l->v[i].max_rss_bytes : rss;
        if (l->v[i].started_us && l->v[i].finished_us)
            wall += l->v[i].finished_us - l->v[i].started_us;
    }
    buf_puts(b, "## Spent\n\n- steps: ");
    seconds(b, wall);
    buf_puts(b, ", cpu ");
    seconds(b, cpu);
    buf_printf(b, ", peak memory %lld KiB\n- limits: ", (long long)(rss / 1024));
    code(b, r->limits ? r->limits : "{}");
    buf_printf(b, "\n- trace: `%s`\n", r->trace_id && *r->trace_id ? r->trace_id : "-");
}

int report_write(struct svc *svc, const struct run_row *r, const struct run_steps *l, struct buf *out, struct err *e)
{
    head(out, r);
    steps(svc, out, r, l);
    changes(svc, out, r);
    spent(out, r, l);
    if (out->bad == -ERR_TOO_LARGE) { /* steps decide how long it gets, and may not keep their run from ending */
        buf_reset(out);
        head(out, r);
        buf_puts(out, "The rest of this report would be too long: see `sallyport show` and `sallyport logs`.\n");
    }
    return out->bad ? err_bad(e, out->bad, "the report") : 0;
}
