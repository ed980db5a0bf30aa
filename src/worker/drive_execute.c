/* drive_execute.c - runs the steps of a plan, one after the other, in one sandbox.
 *
 *   for each step:   pending ── runs_gate ──► GO: sandbox_exec ── wait ── runs_step_done
 *                                         ├─► DENIED: the run fails, or goes on (on_deny: tell)
 *                                         └─► ASK: let go of run and sandbox; the answer queues the run again
 *                    running ── (the server was restarted) ──► adopt the live shim, or read the exit record, or `lost`
 *   running ── its shim is gone, nobody saw it end ── lost ──► the run fails, or its next attempt is pending (on_lost)
 *   then:            layers sealed ── changes ── runs_done
 *
 * A step is written down as running before it is started, and as ended only from its exit record. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "sandbox/changes.h"
#include "sandbox/seed.h"
#include "service/hub.h"
#include "service/projects.h"
#include "service/terminals.h"
#include "worker/drive.h"
#include "worker/drive_boot.h"

#define TICK_MS          1000
#define AGAIN_MAX        3     /* starts of a step whose shims die before they begin it */
#define HELD_MS          15000 /* how long a shim that is being born may hold a run up */
#define HELD_TICK_MS     20
#define SECRET_MIN       8 /* shorter values ("1", "true", "prod") would mask half the log … */
#define SECRET_NAMED_MIN 4 /* … unless their name says what they are */

struct execute {
    struct drive *d;
    struct run_steps steps;
    struct plan *plan;
    struct toolchains *tools;
    char **env;
    char *root, dir[RUN_DIR_MAX];
    struct sandbox_limits limits;
    bool tried_adopt, adopted_running;
    bool canceled;  /* asked for while the project was being copied */
    uint32_t asked; /* how often the copy asked whether to go on */
    int start_code; /* why the step could not be started; 0 when it was */
    int adopted_index, adopted_attempt;
    int again;
    bool retried; /* the step was lost, and its next attempt is stored */
};

static void execute_fini(struct execute *x)
{
    run_steps_fini(&x->steps);
    plan_free(x->plan);
    toolchains_free(x->tools);
    runs_env_free(x->env);
    free(x->root);
}

/* ---- the sandbox ------------------------------------------------------- */

static int64_t limit_of(const struct json *o, const char *key)
{
    return json_int(json_get(o, key));
}

static int read_limits(struct execute *x, struct err *e)
{
    AUTO_PTR(json_free) struct json *o = NULL;
    const char *text = x->d->row.limits;
    int r = json_parse(text, strlen(text), &o, e);

    if (r < 0)
        return r;
    x->limits = (struct sandbox_limits){
        .cpu_millis = limit_of(o, "cpu_millis"),
        .memory_bytes = limit_of(o, "memory_bytes"),
        .pids = limit_of(o, "pids"),
        .disk_bytes = limit_of(o, "disk_bytes"),
        .output_bytes = limit_of(o, "output_bytes"),
        .wall_ms = limit_of(o, "wall_ms"),
    };
    return 0;
}

static int make_dirs(struct execute *x, struct err *e)
{
    static const char *const names[] = {"logs", "layers", "shim"};
    char rel[96];
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
        snprintf(rel, sizeof rel, "runs/%s/%s", x->d->row.id.s, names[i]);
        r = dir_make(x->d->svc->data_fd, rel, NULL, e);
    }
    return r;
}

static int adopt(struct execute *x, struct err *e)
{
    struct err none = ERR_INIT;
    int r;

    if (x->tried_adopt || x->d->sb)
        return 0;
    x->tried_adopt = true;
    r = sandbox_adopt(x->dir, &x->d->sb, &x->adopted_running, &x->adopted_index, &x->adopted_attempt, &none);
    if (r == -ERR_NOT_FOUND)
        return 0;
    if (r == 0 && !sandbox_speaks(x->d->sb))
        log_line(x->d->svc->log, LOG_LV_WARN, "worker", &x->d->cx,
                 "the sandbox is of a version that cannot be spoken to: its step is waited for, the next gets another");
    if (r < 0 && e)
        *e = none;
    return r;
}

/* Of a sandbox that was adopted. */
static bool is_running(const struct execute *x, const struct step_row *s)
{
    return x->d->sb && x->adopted_running && x->adopted_index == (int)s->index && x->adopted_attempt == (int)s->attempt;
}

static size_t strings(const char *const *v)
{
    size_t n = 0;

    while (v[n])
        n++;
    return n;
}

static int look_for_cancel(struct execute *x, bool *canceled, struct err *e);

/* A copy of a large project takes seconds: it ends when the run is canceled, the lease is lost, or the server stops. */
static bool stop_copy(void *arg)
{
    struct execute *x = arg;

    if (x->asked++ % 256)
        return false;
    return hub_stopping(x->d->svc->hub) || look_for_cancel(x, &x->canceled, NULL) < 0 || x->canceled;
}

static bool has_layer(const struct execute *x, const struct step_row *s);

/* A copy no step has run in, made before the machine went down: made again. (Of a later one its steps' layers tell.) */
static int drop_torn_copy(struct execute *x, struct err *e)
{
    char rel[96];

    for (size_t i = 0; i < x->steps.n; i++)
        if (x->steps.v[i].layer && has_layer(x, &x->steps.v[i]))
            return 0;
    if (!drive_torn(x->d->svc, &x->d->row.id, SEED_LAYER))
        return 0;
    snprintf(rel, sizeof rel, "runs/%s/layers/" SEED_LAYER, x->d->row.id.s);
    return dir_remove(x->d->svc->data_fd, rel, e);
}

static int copy_project(struct execute *x, struct sandbox_spec *spec, struct err *e)
{
    int64_t bytes = 0;
    int r = drop_torn_copy(x, e);

    if (r == 0)
        r = sandbox_copy(spec, x->d->svc->set.min_free_bytes, stop_copy, x, &bytes, e);

    if (r == 0 && spec->limits.disk_bytes) /* what the run adds is limited, not what the project has */
        spec->limits.disk_bytes += bytes;
    if (r == -ERR_CANCELED && !x->canceled)
        return err_set(e, ERR_INTERRUPTED, "the server stops, or another one has the run");
    return r;
}

/* A shim that a server ordered just before it was killed holds the run's lock, but cannot be spoken to until its
 * sandbox stands: then it is adopted. Or it fails, and lets the lock go. */
static int open_or_adopt(struct execute *x, const struct sandbox_spec *spec, struct err *e)
{
    int64_t until = clock_mono_us() + HELD_MS * MS_US;

    for (;;) {
        int r = sandbox_open(spec, &x->d->sb, e);
        if (r != -ERR_CONFLICT || clock_mono_us() >= until)
            return r;
        if (hub_stopping(x->d->svc->hub))
            return err_set(e, ERR_INTERRUPTED, "the server stops");
        clock_sleep_us(HELD_TICK_MS * MS_US);
        x->tried_adopt = false;
        r = adopt(x, e);
        if (r < 0 || x->d->sb)
            return r;
    }
}

static int open_sandbox(struct execute *x, struct err *e)
{
    struct sandbox_spec spec = {
        .run_id = x->d->row.id,
        .tenant = x->d->row.tenant_id,
        .project_root = x->root,
        .dir = x->dir,
        .limits = x->limits,
        .network = x->d->row.network,
        .copy = x->d->row.seed_copy,
        .allow_weaker = x->d->svc->set.allow_weaker,
        .ro_binds = toolchains_binds(x->tools),
        .nro_binds = strings(toolchains_binds(x->tools)),
        .hidden = toolchains_hidden(x->tools),
        .nhidden = strings(toolchains_hidden(x->tools)),
        .nursery = x->d->svc->nursery,
    };
    int r = adopt(x, e);

    if (r < 0 || x->d->sb)
        return r;
    r = make_dirs(x, e);
    if (r == 0 && spec.copy)
        r = copy_project(x, &spec, e);
    return r < 0 ? r : open_or_adopt(x, &spec, e);
}

static void close_sandbox(struct execute *x)
{
    if (x->d->sb)
        sandbox_destroy(TAKE(x->d->sb));
}

/* ---- one step ---------------------------------------------------------- */

static bool wanted(const struct plan_step *ps, const char *assignment)
{
    size_t n = strcspn(assignment, "=");

    if (ps->nenv == 0)
        return true;
    for (size_t i = 0; i < ps->nenv; i++)
        if (strlen(ps->env_names[i]) == n && memcmp(ps->env_names[i], assignment, n) == 0)
            return true;
    return false;
}

static bool named_secret(const char *assignment)
{
    static const char *const words[] = {"TOKEN", "KEY", "SECRET", "PASS", "CRED", "AUTH"};
    char name[160];

    snprintf(name, sizeof name, "%.*s", (int)(strcspn(assignment, "=") % sizeof name), assignment);
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

/* Borrowed pointers into x->env; both arrays have room for all of it. */
static void pick_env(const struct execute *x, const struct plan_step *ps, const char **env, const char **secrets)
{
    size_t n = 0, s = 0;

    for (char **p = x->env; *p; p++) {
        const char *value = strchr(*p, '=') + 1;

        if (wanted(ps, *p))
            env[n++] = *p;
        if (strlen(value) >= (named_secret(*p) ? SECRET_NAMED_MIN : SECRET_MIN))
            secrets[s++] = value; /* of all variables: a step may learn one from a file another wrote */
    }
}

static bool is_set(const char *const *env, const char *assignment)
{
    size_t n = strcspn(assignment, "=") + 1;

    for (; *env; env++)
        if (strncmp(*env, assignment, n) == 0)
            return true;
    return false;
}

/* PATH and the variables of the toolchains; what the run sets itself wins. */
static void add_tools_env(const struct execute *x, const char **env)
{
    size_t n = strings(env);

    for (const char *const *t = toolchains_env(x->tools); *t; t++)
        if (!is_set(env, *t))
            env[n++] = *t;
}

static int exec_step(struct execute *x, struct step_row *s, struct err *e)
{
    const struct plan_step *ps = &x->plan->steps[s->index];
    size_t n = strings((const char *const *)x->env) + strings(toolchains_env(x->tools)) + 1;
    const char **env = calloc(2 * n, sizeof *env), **lower = NULL;
    struct step_spec spec;
    int r;

    if (!env)
        return err_oom(e);
    pick_env(x, ps, env, env + n);
    add_tools_env(x, env);
    r = effects_layers(&x->d->row, &x->steps, s->index, &lower, e);
    if (r == 0) {
        spec = (struct step_spec){
            .step_id = s->id,
            .index = (int)s->index,
            .attempt = (int)s->attempt,
            .command = ps->command,
            .argv = ps->command ? NULL : (const char *const *)ps->argv,
            .cwd = ps->cwd ? ps->cwd : "",
            .env = env,
            .lower = lower,
            .layer = s->layer,
            .secrets = env + n,
            .wall_ms = ps->wall_ms,
            .cols = ps->cols,
            .rows = ps->rows,
        };
        r = sandbox_exec(x->d->sb, &spec, e);
    }
    free(lower);
    free(env);
    return r;
}

/* Somebody asked to cancel? Then the step is killed; its end comes as SB_EXIT. */
static int look_for_cancel(struct execute *x, bool *canceled, struct err *e)
{
    AUTO(run_row_fini) struct run_row now = {0};
    uint64_t count;
    int r;

    if (read(x->d->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        return err_sys(e, ERR_INTERNAL, "read an eventfd");
    r = runs_row(x->d->svc, NULL, &x->d->row.id, &now, e);
    if (r == 0 && now.lease_token != x->d->lease.token)
        return err_set(e, ERR_LEASE, NULL);
    if (r == 0 && now.cancel_us && !*canceled) {
        *canceled = true;
        x->d->row.cancel_us = now.cancel_us;
        if (x->d->sb)
            sandbox_kill(x->d->sb); /* a shim that cannot be told is gone: the wait says so */
    }
    return r;
}

static int record_of(struct execute *x, const struct step_row *s, struct step_exit *ret, struct err *e)
{
    int r = sandbox_result(x->dir, (int)s->index, (int)s->attempt, ret, e);

    if (r < 0)
        return r;
    if (r == 0) /* the shim is gone and nobody saw the step end */
        *ret = (struct step_exit){.exit_code = -1, .lost = true, .finished_us = clock_now_us()};
    return 0;
}

/* A shim speaks to who came last. When it hung up and the step has no end, that may be a worker whose lease was taken
 * and who has not heard of it: whoever holds the lease takes the connection back. *ret: the step goes on. */
static int take_back(struct execute *x, const struct step_row *s, bool *canceled, bool *ret, struct err *e)
{
    struct err why = ERR_INIT;
    int r = look_for_cancel(x, canceled, e);

    *ret = false;
    if (r < 0)
        return r;
    x->tried_adopt = false;
    r = adopt(x, &why);
    if (r < 0)
        log_err(x->d->svc->log, LOG_LV_WARN, "worker", &x->d->cx, "the sandbox hung up and does not answer", &why);
    *ret = is_running(x, s);
    if (*ret && *canceled)
        sandbox_kill(x->d->sb);
    return 0;
}

/* What became of a step whose shim hung up. *ret_on: it goes on. */
static int gone(struct execute *x, const struct step_row *s, bool *canceled, bool *ret_on, struct step_exit *ret,
                struct err *e)
{
    *ret_on = false;
    sandbox_detach(TAKE(x->d->sb));
    int r = record_of(x, s, ret, e);
    if (r == 0 && ret->lost)
        r = take_back(x, s, canceled, ret_on, e);
    if (r == 0 && ret->lost && !*ret_on)
        r = record_of(x, s, ret, e);
    if (r == 0 && ret->lost && *canceled) /* we ended it */
        ret->lost = false, ret->canceled = true;
    return r;
}

static int wait_end(struct execute *x, const struct step_row *s, struct terminal *tty, struct step_exit *ret,
                    struct err *e)
{
    bool canceled = false;
    int r = look_for_cancel(x, &canceled, e); /* asked for before we listened */

    while (r == 0) {
        enum sandbox_event ev;

        if (hub_stopping(x->d->svc->hub))
            return err_set(e, ERR_INTERRUPTED, "the server stops");
        if (tty) /* after the eventfd was read: what comes from now on writes it again */
            terminal_serve(x->d->svc, tty, x->d->sb);
        r = sandbox_wait(x->d->sb, TICK_MS, x->d->wake_fd, &ev, ret, e);
        if (r < 0)
            return r;
        if (ev == SB_EXIT) {
            CRASH_POINT(step_ended);
            return 0;
        }
        if (ev == SB_GONE) {
            bool on;
            r = gone(x, s, &canceled, &on, ret, e);
            if (r < 0 || !on)
                return r;
        }
        if (ev == SB_GREW)
            hub_wake(x->d->svc->hub, &x->d->row.id);
        if (ev == SB_WOKEN || ev == SB_TIMEOUT)
            r = look_for_cancel(x, &canceled, e);
    }
    return r;
}

static int wait_step(struct execute *x, const struct step_row *s, struct step_exit *ret, struct err *e)
{
    struct terminal *tty = NULL;
    int r = 0;

    if (s->pty)
        r = terminal_open(x->d->svc->terminals, x->d->row.tenant_id, &s->run_id, &s->id, drive_wake, &x->d->wake_fd,
                          &tty, e);
    if (r == 0)
        r = wait_end(x, s, tty, ret, e);
    terminal_close(x->d->svc, tty);
    return r;
}

static int take_exit(struct step_row *s, const struct step_exit *x, struct err *e)
{
    const char *state = x->lost                             ? "lost"
                        : x->canceled                       ? "canceled"
                        : x->exit_code == 0 && !x->error[0] ? "succeeded"
                                                            : "failed";
    char *st = str_dup(state), *er = x->error[0] ? str_dup(x->error) : NULL;

    if (!st || (x->error[0] && !er)) {
        free(st);
        free(er);
        return err_oom(e);
    }
    free(s->state);
    free(s->error);
    s->state = st;
    s->error = er;
    s->exit_code = x->exit_code;
    s->signal = x->signal;
    s->oom_killed = x->oom_killed;
    s->timed_out = x->timed_out;
    s->log_truncated = x->log_truncated;
    if (x->started_us)
        s->started_us = x->started_us;
    s->finished_us = x->finished_us ? x->finished_us : clock_now_us();
    s->cpu_us = x->cpu_us;
    s->max_rss_bytes = x->max_rss_bytes;
    s->stdout_bytes = x->stdout_bytes;
    s->stderr_bytes = x->stderr_bytes;
    return 0;
}

/* It ran, and ended for a reason of the sandbox: its layers grew too large. */
static bool disk_exceeded(const struct step_row *s)
{
    return s->error && drive_step_ran(s);
}

static void lost_text(const struct execute *x, const struct step_row *s, char *ret, size_t cap)
{
    int n = snprintf(ret, cap, "step %lld is lost: its sandbox is gone and nobody saw how it ended",
                     (long long)s->index + 1);

    if (n < 0 || (size_t)n >= cap || !str_eq(x->d->row.on_lost, "retry"))
        return;
    if (s->pty)
        snprintf(ret + n, cap - (size_t)n, "; it has a terminal, so it is not run again");
    else if (s->attempt >= RUN_STEP_ATTEMPTS)
        snprintf(ret + n, cap - (size_t)n, "; that was attempt %lld of %d", (long long)s->attempt, RUN_STEP_ATTEMPTS);
}

static void failure_text(const struct execute *x, const struct step_row *s, char *ret, size_t cap)
{
    if (disk_exceeded(s))
        snprintf(ret, cap, "step %lld %s%.300s", (long long)s->index + 1, s->signal ? "was " : "", s->error);
    else if (s->error)
        snprintf(ret, cap, "step %lld could not be started: %.300s", (long long)s->index + 1, s->error);
    else if (s->oom_killed)
        snprintf(ret, cap, "step %lld was killed: out of memory", (long long)s->index + 1);
    else if (s->timed_out)
        snprintf(ret, cap, "step %lld ran longer than its time limit", (long long)s->index + 1);
    else if (s->signal)
        snprintf(ret, cap, "step %lld was ended by signal %lld", (long long)s->index + 1, (long long)s->signal);
    else if (str_eq(s->state, "lost"))
        lost_text(x, s, ret, cap);
    else
        snprintf(ret, cap, "step %lld exited with code %lld", (long long)s->index + 1, (long long)s->exit_code);
}

static int failure_code(const struct execute *x, const struct step_row *s)
{
    if (str_eq(s->state, "lost"))
        return ERR_LOST;
    if (disk_exceeded(s))
        return ERR_DISK_EXCEEDED;
    return x->start_code ? x->start_code : s->timed_out ? ERR_RUN_TIMEOUT : ERR_STEP_FAILED;
}

/* What becomes of the run whose step did not succeed. */
static struct run_end step_failed(const struct execute *x, const struct step_row *s, char *text, size_t cap)
{
    if (str_eq(s->state, "canceled"))
        return (struct run_end){"canceled", ERR_CANCELED, NULL};
    failure_text(x, s, text, cap);
    return (struct run_end){"failed", failure_code(x, s), text};
}

/* Without a layer nothing of the step ever ran: it is made before the step starts. */
static bool has_layer(const struct execute *x, const struct step_row *s)
{
    char rel[128];

    snprintf(rel, sizeof rel, "runs/%s/layers/%s", x->d->row.id.s, s->layer);
    return faccessat(x->d->svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void drop_missing_layer(struct execute *x, struct step_row *s)
{
    if (has_layer(x, s))
        return;
    free(s->layer);
    s->layer = NULL;
}

/* Once no step will see them again: what a step locked must be locked for the next one too. */
static int seal_layers(struct execute *x, struct err *e)
{
    int64_t bytes;
    int r = x->d->row.seed_copy ? seed_made(x->dir, &bytes, e) : 0;

    if (r != 0)
        return r < 0 ? r : changes_seal(x->dir, SEED_LAYER, e);
    for (size_t i = 0; r == 0 && i < x->steps.n && !x->d->row.seed_copy; i++)
        if (x->steps.v[i].layer && has_layer(x, &x->steps.v[i])) {
            r = changes_seal(x->dir, x->steps.v[i].layer, e);
            CRASH_POINT(layer_sealed);
        }
    return r;
}

static int step_again(struct execute *x, const struct step_row *s, struct err *e)
{
    int r = runs_step_again(x->d->svc, &x->d->lease, s, &x->retried, e);

    hub_wake(x->d->svc->hub, &x->d->row.id);
    return r;
}

/* Writes the end of a step. *go: the next step may follow. */
static int end_step(struct execute *x, struct step_row *s, const struct step_exit *ex, bool *go, struct err *e)
{
    char text[400];
    struct run_end end;
    int r = ex->lost ? sandbox_reap(x->dir, e) : 0; /* it is not called lost while a process of it lives */

    if (r == 0)
        r = sandbox_keep_log(x->dir, (int)s->index, (int)s->attempt, e);

    CRASH_POINT(log_kept);
    if (r == 0)
        r = take_exit(s, ex, e);
    if (r == 0)
        drop_missing_layer(x, s);
    CRASH_POINT(step_sealed);
    if (r < 0)
        return r;
    *go = str_eq(s->state, "succeeded");
    if (runs_may_retry(&x->d->row, s))
        return step_again(x, s, e);
    if (!*go)
        end = step_failed(x, s, text, sizeof text);
    r = runs_step_done(x->d->svc, &x->d->lease, s, *go ? NULL : &end, e);
    hub_wake(x->d->svc->hub, &x->d->row.id);
    return r;
}

static int start_and_wait(struct execute *x, struct step_row *s, bool *go, struct err *e);

/* A step that was written down as running, and no shim tells of it any more. */
static int find_out(struct execute *x, struct step_row *s, bool *go, struct err *e)
{
    struct step_exit ex = {.exit_code = -1};
    int r = record_of(x, s, &ex, e);

    if (r < 0)
        return r;
    if (s->layer && has_layer(x, s) && drive_torn(x->d->svc, &x->d->row.id, s->layer))
        ex = (struct step_exit){.exit_code = -1, .lost = true, .finished_us = clock_now_us()};
    if (ex.lost && !has_layer(x, s) && x->again++ < AGAIN_MAX) /* killed before it was started: nothing of it ran */
        return start_and_wait(x, s, go, e);
    return end_step(x, s, &ex, go, e);
}

/* The server or its machine failed, and nothing of the step ran, so nothing speaks against another try: *again. What is
 * left of this one goes, or the next try would take its layer for that of a step that began. */
static int start_later(struct execute *x, const struct step_row *s, bool *again, struct err *e)
{
    char rel[128];

    close_sandbox(x);
    if (!x->d->row.seed_copy && has_layer(x, s)) {
        snprintf(rel, sizeof rel, "runs/%s/layers/%s", x->d->row.id.s, s->layer);
        if (dir_remove(x->d->svc->data_fd, rel, NULL) < 0)
            return 0; /* the step ends with what kept it from running */
    }
    return drive_again(x->d, again, e);
}

/* What lost attempts of the step wrote. No row names it, so nothing is built upon what cannot be removed; it goes with
 * the run's other layers. */
static void drop_lost_layers(struct execute *x, const struct step_row *s)
{
    struct err e = ERR_INIT;
    char rel[128];

    for (int64_t i = 1; i < s->attempt; i++) {
        snprintf(rel, sizeof rel, "runs/%s/layers/%lld.%lld", x->d->row.id.s, (long long)s->index, (long long)i);
        if (faccessat(x->d->svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (dir_remove(x->d->svc->data_fd, rel, &e) < 0)
            log_err(x->d->svc->log, LOG_LV_WARN, "worker", &x->d->cx, "remove the layer of a lost attempt", &e);
        CRASH_POINT(lost_layer_dropped);
    }
}

static int start_and_wait(struct execute *x, struct step_row *s, bool *go, struct err *e)
{
    struct step_exit ex = {.exit_code = -1};
    int r;

    drop_lost_layers(x, s);
    r = open_sandbox(x, e);

    bool opened = r == 0, again = false;

    if (r == 0)
        r = exec_step(x, s, e);
    CRASH_POINT(step_started);
    if (opened ? r == -ERR_STORAGE_FULL || r == -ERR_OOM : drive_own_failure(r)) {
        int q = start_later(x, s, &again, e);
        if (q < 0 || again)
            return q < 0 ? q : -ERR_INTERRUPTED;
    }
    x->start_code = r < 0 && r != -ERR_LOST ? e->code : 0; /* lost: it may have been started */
    if (r == -ERR_INTERRUPTED)
        return r; /* nothing of the step ran: it is begun again */
    if (r == -ERR_LOST) {
        close_sandbox(x);
        r = sandbox_reap(x->dir, e);
        return r < 0 ? r : find_out(x, s, go, e);
    }
    if (r == 0) {
        r = wait_step(x, s, &ex, e);
    } else { /* nothing ran: the step ends with what kept it from running */
        ex.started_us = ex.finished_us = clock_now_us();
        snprintf(ex.error, sizeof ex.error, "%.255s", e->msg);
        ex.canceled = x->canceled || r == -ERR_CANCELED;
        close_sandbox(x); /* an order that was not confirmed may still be on its way */
        r = make_dirs(x, e);
        if (r == 0 && !ex.canceled) /* asked for while that was tried: then it is why nothing more is tried */
            r = look_for_cancel(x, &ex.canceled, e);
    }
    return r < 0 ? r : end_step(x, s, &ex, go, e);
}

/* By the policy or a person, or because nobody answered. */
static int step_denied(struct execute *x, const struct step_row *s, bool *go, struct err *e)
{
    char text[300];
    int code, r;

    *go = str_eq(x->d->row.on_deny, "tell");
    if (*go)
        return 0;
    r = runs_denied_by(x->d->svc, s, &code, e);
    if (r < 0)
        return r;
    snprintf(text, sizeof text, "step %lld was denied%s: %.200s", (long long)s->index + 1,
             code == ERR_EXPIRED ? ", for nobody answered in time" : "", s->title);
    return runs_steps_failed(x->d->svc, &x->d->lease, "failed", code, text, e);
}

static int run_pending(struct execute *x, struct step_row *s, bool *go, bool *waits, struct err *e)
{
    enum gate gate;
    int r = runs_gate(x->d->svc, &x->d->lease, s, s->index == 0, &gate, e);

    if (r == 0 && gate == GATE_WOULD_ASK) {
        close_sandbox(x); /* before the question is asked: who takes up the answer opens a sandbox of its own */
        r = drive_keep(x->d->svc, &x->d->row.id, &x->steps, e);
        CRASH_POINT(layers_kept);
    }
    if (r == 0 && gate == GATE_WOULD_ASK) {
        r = runs_gate(x->d->svc, &x->d->lease, s, true, &gate, e);
    }
    if (r < 0)
        return r;
    *go = false;
    if (gate == GATE_CANCELED)
        return runs_steps_failed(x->d->svc, &x->d->lease, "canceled", ERR_CANCELED, NULL, e);
    if (gate == GATE_ASK) {
        *waits = true;
        return 0;
    }
    return gate == GATE_GO ? start_and_wait(x, s, go, e) : step_denied(x, s, go, e);
}

/* A step that was written down as running when the server went away. */
static int resume_running(struct execute *x, struct step_row *s, bool *go, struct err *e)
{
    struct step_exit ex = {.exit_code = -1};
    int r = adopt(x, e);

    if (r < 0)
        return r;
    if (is_running(x, s)) {
        r = wait_step(x, s, &ex, e);
        return r < 0 ? r : end_step(x, s, &ex, go, e);
    }
    close_sandbox(x); /* so that no order still on its way can start it after we looked */
    return find_out(x, s, go, e);
}

/* ---- all of them ------------------------------------------------------- */

/* Its end is on disk, what it wrote perhaps not. */
static int torn_step(struct execute *x, const struct step_row *s, bool *go, struct err *e)
{
    char text[200];

    if (!s->layer || !drive_torn(x->d->svc, &x->d->row.id, s->layer))
        return 0;
    *go = false;
    snprintf(text, sizeof text, "step %lld is lost: the machine went down before what it wrote was on disk",
             (long long)s->index + 1);
    return runs_steps_failed(x->d->svc, &x->d->lease, "failed", ERR_LOST, text, e);
}

/* It ended badly, and the run's end was decided with it; but not by a server of an older version. */
static int step_over(struct execute *x, const struct step_row *s, struct err *e)
{
    char text[400];
    struct run_end end = step_failed(x, s, text, sizeof text);

    return x->d->row.outcome ? 0 : runs_steps_failed(x->d->svc, &x->d->lease, end.outcome, end.code, end.text, e);
}

static int run_steps(struct execute *x, bool *waits, struct err *e)
{
    for (size_t i = 0; i < x->steps.n; i++) {
        struct step_row *s = &x->steps.v[i];
        bool go = true;
        int r = 0;

        if (i + 1 < x->steps.n && s[1].index == s->index)
            continue; /* a lost attempt, with another after it */
        if (x->d->row.cancel_us && !str_eq(s->state, "running"))
            return runs_steps_failed(x->d->svc, &x->d->lease, "canceled", ERR_CANCELED, NULL, e);
        if (str_eq(s->state, "running"))
            r = resume_running(x, s, &go, e);
        else if (str_eq(s->state, "pending"))
            r = run_pending(x, s, &go, waits, e);
        else if (str_eq(s->state, "succeeded"))
            r = torn_step(x, s, &go, e);
        else if (str_eq(s->state, "denied")) /* this one and the next: the conclusion may not have been drawn yet */
            r = step_denied(x, s, &go, e);
        else
            r = step_over(x, s, e), go = false;
        if (r == 0 && x->retried) { /* its next attempt comes next */
            x->retried = false;
            run_steps_fini(&x->steps);
            r = drive_load(x->d, &x->steps, e);
            go = true;
        }
        if (r < 0 || !go || *waits)
            return r;
    }
    return 0;
}

static int finish_steps(struct execute *x, enum run_node *ret_node, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    struct effects_sum sum = {0};
    int r = 0;

    if (x->d->sb)
        sandbox_end(x->d->sb); /* its last step is reaped: it goes while the changes are computed */
    else
        r = sandbox_reap(x->dir, e); /* what a lost shim may have left */
    run_steps_fini(&x->steps);
    if (r == 0)
        r = drive_load(x->d, &x->steps, e);
    if (r == 0)
        r = seal_layers(x, e);
    if (r == 0)
        r = effects_compute(x->d->svc, &x->d->row, &x->steps, &sum, e);
    if (r == 0)
        r = effects_sum_json(&sum, &b, e);
    close_sandbox(x);
    if (r < 0)
        return r;
    CRASH_POINT(changes_computed);
    return runs_done(x->d->svc, &x->d->lease, b.p, sum.files, sum.digest, ret_node, e);
}

static int prepare(struct execute *x, struct err *e)
{
    int r = drive_load(x->d, &x->steps, e);

    if (r == 0)
        r = runs_plan(&x->d->row, &x->plan, e);
    if (r == 0)
        r = runs_env(x->d->svc, &x->d->row, &x->env, e);
    if (r == 0)
        r = effects_root(x->d->svc, &x->d->row, &x->root, e);
    if (r == 0)
        r = projects_toolchains(x->d->svc, x->d->row.tenant_id, x->d->row.project_id.s, &x->tools, e);
    if (r == 0)
        r = svc_run_dir(x->d->svc, &x->d->row.id, x->dir, e);
    if (r == 0)
        r = make_dirs(x, e);
    return r < 0 ? r : read_limits(x, e);
}

int drive_execute(struct drive *d, enum run_node *ret_node, struct err *e)
{
    AUTO(execute_fini) struct execute x = {.d = d};
    bool waits = false;
    int r = prepare(&x, e);

    if (r == 0)
        r = run_steps(&x, &waits, e);
    if (r < 0)
        return r;
    if (waits) { /* a wait holds no sandbox, only its layers */
        *ret_node = RN_AWAITING_APPROVAL;
        return 0;
    }
    return finish_steps(&x, ret_node, e);
}
