/* handlers_admin.c - policy, audit, tokens, reconcile, health, metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/call.h"
#include "base/str.h"
#include "service/audits.h"
#include "service/auth.h"
#include "service/health.h"
#include "service/policies.h"
#include "service/reconcile.h"
#include "service/replay.h"
#include "service/runs.h"

static int replied(struct call *c, int r)
{
    return r < 0 ? r : call_reply(c);
}

/* ---- policy ------------------------------------------------------------ */

static int render_policy(struct call *c, struct jw *w, struct err *e)
{
    int64_t version;
    int r = call_query_i64(c, "version", -1, &version, e);

    return r < 0 ? r : policies_get_json(c->svc, c->who.tenant, version, w, e);
}

int get_policy(struct call *c, struct err *e)
{
    return call_json(c, render_policy, e);
}

static int render_versions(struct call *c, struct jw *w, struct err *e)
{
    int64_t before;
    int limit, r = call_limit(c, 50, 500, &limit, e);

    if (r == 0)
        r = call_query_i64(c, "before", INT64_MAX, &before, e);
    return r < 0 ? r : policies_list_json(c->svc, c->who.tenant, before, limit, w, e);
}

int get_policy_versions(struct call *c, struct err *e)
{
    return call_json(c, render_versions, e);
}

/* Everything that is wrong with a policy, at once, into the error's details. */
static void problems_details(struct call *c, const struct policy_problems *p)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(128 * KIB);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kstr(&w, "field", "text");
    jw_key(&w, "problems");
    jw_arr(&w);
    for (size_t i = 0; i < p->n; i++) {
        jw_obj(&w);
        jw_kint(&w, "line", p->v[i].line);
        jw_kstr(&w, "field", p->v[i].field);
        jw_kstr(&w, "message", p->v[i].msg);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_kint(&w, "more", (int64_t)p->more);
    jw_end_obj(&w);
    c->details = buf_take(&b, NULL);
}

int put_policy(struct call *c, struct err *e)
{
    static const char *const keys[] = {"text", "base_version", "note", NULL};
    struct policy_problems *problems = calloc(1, sizeof *problems);
    const char *text = NULL, *note = NULL;
    int64_t base = -1;
    int r = problems ? json_known(c->body, "", keys, e) : err_oom(e);

    if (r == 0)
        r = json_want_str(c->body, "", "text", J_REQ, POLICY_TEXT_MAX, &text, e);
    if (r == 0)
        r = json_want_int(c->body, "", "base_version", J_OPT, 0, INT64_MAX, &base, e);
    if (r == 0)
        r = json_want_str(c->body, "", "note", J_OPT, 2000, &note, e);
    if (r == 0)
        r = policies_put(c->svc, &c->who, text, strlen(text), base, note, problems, e);
    if (r < 0 && problems && problems->n)
        problems_details(c, problems);
    free(problems);
    return replied(c, r);
}

static int render_test(struct call *c, struct jw *w, struct err *e)
{
    static const char *const keys[] = {"command", "argv", "cwd", "text", NULL};
    const char *command = NULL, *cwd = NULL, *text = NULL;
    const struct json *argv = NULL;
    struct policy_problems *problems;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_str(c->body, "", "command", J_OPT, 64 * KIB, &command, e);
    if (r == 0)
        r = json_want_arr(c->body, "", "argv", J_OPT, 256, &argv, e);
    if (r == 0)
        r = json_want_str(c->body, "", "cwd", J_OPT, 1024, &cwd, e);
    if (r == 0)
        r = json_want_str(c->body, "", "text", J_OPT, POLICY_TEXT_MAX, &text, e);
    if (r == 0 && !command == !argv)
        r = err_field(e, ERR_INVALID, "command", "give either `command` or `argv`");
    if (r < 0)
        return r;
    problems = calloc(1, sizeof *problems);
    if (!problems)
        return err_oom(e);
    r = policies_test_json(c->svc, c->who.tenant, command, argv, cwd, text, problems, w, e);
    if (r < 0 && problems->n)
        problems_details(c, problems);
    free(problems);
    return r;
}

int post_policy_test(struct call *c, struct err *e)
{
    return call_json(c, render_test, e);
}

/* A member that is the id of a run; absent: none. */
static int want_run(const struct json *body, const char *key, struct id *ret, struct err *e)
{
    const char *text = NULL;
    int r = json_want_str(body, "", key, J_OPT, 64, &text, e);

    if (r == 0 && text && !id_parse(ID_RUN, text, ret))
        r = err_field(e, ERR_INVALID, key, "give the id of a run, as in `next` of the page before");
    return r;
}

static int render_replay(struct call *c, struct jw *w, struct err *e)
{
    static const char *const keys[] = {"text", "project_id", "since_ms", "after", "limit", "all", NULL};
    struct replay_ask a = {.tenant = c->who.tenant, .since_ms = REPLAY_SINCE_MS};
    struct policy_problems *problems;
    int64_t limit = REPLAY_RUNS;
    int r = json_known(c->body, "", keys, e);

    if (!(c->who.scopes & SCOPE_RUN_READ)) /* it shows commands of runs */
        return err_set(e, ERR_FORBIDDEN, "this needs the scope %s, too", auth_scope_name(SCOPE_RUN_READ));
    if (r == 0)
        r = json_want_str(c->body, "", "text", J_OPT, POLICY_TEXT_MAX, &a.text, e);
    if (r == 0)
        r = json_want_str(c->body, "", "project_id", J_OPT, 200, &a.project, e);
    if (r == 0)
        r = json_want_int(c->body, "", "since_ms", J_OPT, 1, 3650 * (int64_t)86400000, &a.since_ms, e);
    if (r == 0)
        r = json_want_int(c->body, "", "limit", J_OPT, 1, REPLAY_RUNS_MAX, &limit, e);
    if (r == 0)
        r = json_want_bool(c->body, "", "all", J_OPT, &a.all, e);
    if (r == 0)
        r = want_run(c->body, "after", &a.after, e);
    if (r < 0)
        return r;
    a.limit = (int)limit;
    problems = calloc(1, sizeof *problems);
    if (!problems)
        return err_oom(e);
    r = replay_json(c->svc, &a, problems, w, e);
    if (r < 0 && problems->n)
        problems_details(c, problems);
    free(problems);
    return r;
}

int post_policy_replay(struct call *c, struct err *e)
{
    return call_json(c, render_replay, e);
}

/* ---- audit ------------------------------------------------------------- */

static int query_time(struct call *c, const char *name, int64_t *ret, struct err *e)
{
    const char *s = http_req_query(c->rq, name);

    if (s && !time_parse(s, ret))
        return err_field(e, ERR_INVALID, name, "give a time as RFC 3339 says: 2026-01-31T12:00:00Z");
    return 0;
}

static int query_surface(struct call *c, const char **ret, struct err *e)
{
    static const char *const known[] = {"api", "cli", "console", "ws", "mcp", "system"};
    const char *s = http_req_query(c->rq, "surface");

    for (size_t i = 0; s && i < ARRAY_LEN(known); i++)
        if (str_eq(s, known[i]))
            *ret = s;
    return s && !*ret ? err_field(e, ERR_INVALID, "surface", "use api, cli, console, ws, mcp or system") : 0;
}

/* before_seq: from there back, the newest first. */
static int query_seqs(struct call *c, struct audit_filter *f, struct err *e)
{
    int64_t before;
    int r = call_query_i64(c, "after_seq", 0, &f->after_seq, e);

    if (r == 0)
        r = call_query_i64(c, "before_seq", 0, &before, e);
    if (r < 0)
        return r;
    f->newest = http_req_query(c->rq, "before_seq");
    if (f->newest && before < 1)
        return err_field(e, ERR_INVALID, "before_seq", "give a whole number from 1");
    f->to_seq = before - 1;
    if (f->newest && before == 1)
        f->after_seq = INT64_MAX; /* there is none */
    return 0;
}

static int render_audit(struct call *c, struct jw *w, struct err *e)
{
    struct audit_filter f = {.tenant = c->who.tenant,
                             .action = http_req_query(c->rq, "action"),
                             .actor = http_req_query(c->rq, "actor"),
                             .target = http_req_query(c->rq, "target")};
    struct id run;
    int r = call_limit(c, 100, 1000, &f.limit, e);

    if (r == 0)
        r = query_seqs(c, &f, e);
    if (r == 0)
        r = query_surface(c, &f.surface, e);
    if (r == 0)
        r = query_time(c, "since", &f.since_us, e);
    if (r == 0)
        r = query_time(c, "until", &f.until_us, e);
    if (r == 0)
        r = call_query_id(c, "run_id", ID_RUN, &run, e);
    if (r < 0)
        return r;
    f.run = id_none(&run) ? NULL : &run;
    return audits_list_json(c->svc, &f, w, e);
}

int get_audit(struct call *c, struct err *e)
{
    return call_json(c, render_audit, e);
}

struct export
{
    struct svc *svc;
    char tenant[64];
    int64_t seq;
    bool done;
};

static enum http_fill export_fill(void *arg, unsigned why, struct buf *out)
{
    struct export *x = arg;
    struct err e = ERR_INIT;

    if (!x->done && audits_export(x->svc, x->tenant, &x->seq, &x->done, out, &e) < 0) {
        log_err(x->svc->log, LOG_LV_ERROR, "audit", NULL, "export", &e);
        out->bad = -ERR_IO; /* cut: an export without its head line is visibly not whole */
    }
    return x->done ? HTTP_FILL_END : HTTP_FILL_MORE;
}

static void export_closed(void *arg)
{
    free(arg);
}

int get_audit_export(struct call *c, struct err *e)
{
    static const struct http_stream_ops ops = {export_fill, export_closed};
    struct export *x = calloc(1, sizeof *x);
    struct http_stream *hs;
    int r;

    if (!x)
        return err_oom(e);
    x->svc = c->svc;
    snprintf(x->tenant, sizeof x->tenant, "%s", c->who.tenant);
    r = http_stream_open(c->rq, 200, "application/jsonl", &ops, x, &hs, e);
    if (r < 0)
        free(x);
    return r;
}

static int render_verify(struct call *c, struct jw *w, struct err *e)
{
    static const char *const none[] = {NULL};
    int r = json_known(c->body, "", none, e);

    return r < 0 ? r : audits_verify_json(c->svc, c->who.tenant, w, e);
}

int post_audit_verify(struct call *c, struct err *e)
{
    return call_json(c, render_verify, e);
}

/* ---- tokens ------------------------------------------------------------ */

static int render_tokens(struct call *c, struct jw *w, struct err *e)
{
    struct id after;
    int limit, r = call_limit(c, 50, 500, &limit, e);

    if (r == 0)
        r = call_query_id(c, "after", ID_TOKEN, &after, e);
    return r < 0 ? r : auth_token_list_json(c->svc, c->who.tenant, id_none(&after) ? NULL : &after, limit, w, e);
}

int get_tokens(struct call *c, struct err *e)
{
    return call_json(c, render_tokens, e);
}

static int want_scopes(struct call *c, struct buf *out, struct err *e)
{
    const struct json *scopes = NULL;
    int r = json_want_arr(c->body, "", "scopes", J_REQ, 16, &scopes, e);

    for (size_t i = 0; r == 0 && i < json_len(scopes); i++) {
        const char *s = json_str(json_at(scopes, i));

        if (!s || strchr(s, ' '))
            return err_field(e, ERR_INVALID, "scopes", "every item is one scope, as text");
        buf_printf(out, "%s%s", i ? " " : "", s);
    }
    return r;
}

int post_token(struct call *c, struct err *e)
{
    static const char *const keys[] = {"name", "scopes", "expires_in_ms", NULL};
    AUTO(buf_fini) struct buf scopes = BUF_INIT(1 * KIB);
    const char *name = NULL;
    int64_t ms = 0;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_str(c->body, "", "name", J_REQ, 60, &name, e);
    if (r == 0 && !*name)
        r = err_field(e, ERR_INVALID, "name", "say what the token is for");
    if (r == 0)
        r = want_scopes(c, &scopes, e);
    if (r == 0)
        r = json_want_int(c->body, "", "expires_in_ms", J_OPT, 1000, 10LL * 366 * 86400 * 1000, &ms, e);
    if (r == 0)
        r = auth_token_new(c->svc, &c->who, name, scopes.p ? scopes.p : "", ms, e);
    return replied(c, r);
}

int delete_token(struct call *c, struct err *e)
{
    struct id id;
    int r = call_id(c, 0, ID_TOKEN, "token", &id, e);

    return r < 0 ? r : replied(c, auth_token_revoke(c->svc, &c->who, &id, e));
}

/* ---- the node ---------------------------------------------------------- */

/* Reconciling twice does no harm, so its answer is not stored under the key. */
static int render_reconcile(struct call *c, struct jw *w, struct err *e)
{
    static const char *const keys[] = {"dry_run", NULL};
    bool dry = false;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_bool(c->body, "", "dry_run", J_OPT, &dry, e);
    return r < 0 ? r : reconcile(c->svc->reconciler, dry ? RECONCILE_DRY : RECONCILE_ALL, &c->who, w, e);
}

int post_reconcile(struct call *c, struct err *e)
{
    return call_json(c, render_reconcile, e);
}

static int render_summary(struct call *c, struct jw *w, struct err *e)
{
    return runs_summary_json(c->svc, w, e);
}

int get_summary(struct call *c, struct err *e)
{
    return call_json(c, render_summary, e);
}

static int render_doctor(struct call *c, struct jw *w, struct err *e)
{
    bool ok;

    return api_cfg(c->api)->doctor(c->svc->data_dir, w, &ok, e);
}

int get_doctor(struct call *c, struct err *e)
{
    return call_json(c, render_doctor, e);
}

void call_who(struct jw *w, const struct caller *who)
{
    jw_kstr(w, "actor", who->actor);
    jw_kstr(w, "tenant_id", who->tenant);
    auth_scopes_json(w, who->scopes);
}

static int render_whoami(struct call *c, struct jw *w, struct err *e)
{
    jw_obj(w);
    call_who(w, &c->who);
    jw_kstr(w, "version", SALLYPORT_VERSION);
    jw_end_obj(w);
    return 0;
}

int get_whoami(struct call *c, struct err *e)
{
    return call_json(c, render_whoami, e);
}

/* ---- health ------------------------------------------------------------ */

int get_healthz(struct call *c, struct err *e)
{
    static const char ok[] = "{\"status\":\"ok\"}";

    return http_reply(c->rq, 200, "application/json", ok, sizeof ok - 1);
}

int get_readyz(struct call *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
    struct jw w = JW_INIT(&b);
    struct err why = ERR_INIT;
    int r = ready_check(c->svc, &why);

    jw_obj(&w);
    jw_kbool(&w, "ready", r == 0);
    jw_kstr(&w, "reason", r < 0 ? why.msg : NULL);
    jw_end_obj(&w);
    return http_reply(c->rq, r == 0 ? 200 : 503, "application/json", b.p, b.len);
}

/* ---- metrics ----------------------------------------------------------- */

static void metric(struct buf *b, const char *name, const char *type, const char *help, double v)
{
    buf_printf(b, "# HELP sallyport_%s %s\n# TYPE sallyport_%s %s\nsallyport_%s %.17g\n", name, help, name, type, name,
               v);
}

static void http_metrics(struct buf *b, const struct http_stats *h)
{
    metric(b, "http_connections_total", "counter", "Connections accepted.", (double)h->conns);
    metric(b, "http_connections_open", "gauge", "Connections open.", (double)h->open_conns);
    metric(b, "http_gave_way_total", "counter",
           "Connections that asked for nothing, or never to the end, closed because another came.",
           (double)h->gave_way);
    metric(b, "http_requests_total", "counter", "Requests handed to a handler.", (double)h->requests);
    metric(b, "http_bytes_in_total", "counter", "Bytes read.", (double)h->bytes_in);
    metric(b, "http_bytes_out_total", "counter", "Bytes written.", (double)h->bytes_out);
    metric(b, "http_streams_open", "gauge", "Event streams open.", (double)h->open_streams);
    metric(b, "ws_open", "gauge", "WebSockets open.", (double)h->open_ws);
    metric(b, "ws_messages_total", "counter", "Messages of WebSockets handed to a handler.", (double)h->ws_messages);
    metric(b, "ws_failed_total", "counter", "WebSockets ended because the client broke a rule or a limit.",
           (double)h->ws_failed);
    buf_puts(b, "# HELP sallyport_http_refused_total Requests refused before a handler saw them.\n"
                "# TYPE sallyport_http_refused_total counter\n");
    buf_printf(b, "sallyport_http_refused_total{kind=\"full\"} %llu\n", (unsigned long long)h->refused_full);
    buf_printf(b, "sallyport_http_refused_total{kind=\"bad\"} %llu\n", (unsigned long long)h->refused_bad);
    buf_printf(b, "sallyport_http_refused_total{kind=\"large\"} %llu\n", (unsigned long long)h->refused_large);
    buf_printf(b, "sallyport_http_refused_total{kind=\"timeout\"} %llu\n", (unsigned long long)h->refused_timeout);
}

static void store_metrics(struct buf *b, const struct store_stats *s)
{
    metric(b, "store_commits_total", "counter", "Commits.", (double)s->commits);
    metric(b, "store_transactions_total", "counter", "Transactions in them.", (double)s->transactions);
    metric(b, "store_failed_total", "counter", "Transactions that failed.", (double)s->failed);
    metric(b, "store_reads_total", "counter", "Reads.", (double)s->reads);
    metric(b, "store_queued", "gauge", "Transactions waiting for the writer.", (double)s->queued);
}

static void reconcile_metrics(struct buf *b, const struct reconcile_stats *s)
{
    buf_puts(b, "# HELP sallyport_reconcile_actions_total What the reconciler did.\n"
                "# TYPE sallyport_reconcile_actions_total counter\n");
    for (int i = 0; i < RC_N; i++)
        buf_printf(b, "sallyport_reconcile_actions_total{action=\"%s\"} %llu\n",
                   reconcile_info((enum reconcile_act)i)->name, (unsigned long long)s->actions[i]);
    metric(b, "reconcile_problems_total", "counter", "What it could not do.", (double)s->problems);
    metric(b, "reconcile_passes_total", "counter", "Passes.", (double)s->passes);
    metric(b, "reconcile_last_seconds", "gauge", "How long the last pass took.", (double)s->last_us / 1e6);
}

static double rss_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long total = 0, rss = 0;
    int n = f ? fscanf(f, "%lu %lu", &total, &rss) : 0;

    if (f)
        fclose(f);
    return n == 2 ? (double)rss * (double)sysconf(_SC_PAGESIZE) : 0;
}

static void queue_metrics(struct buf *b, const struct json *queue)
{
    static const struct {
        const char *name, *member, *type, *help;
    } rows[] = {
        {"queue_ready", "ready", "gauge", "Runs waiting for a worker."},
        {"queue_leased", "leased", "gauge", "Runs held by workers."},
        {"queue_delayed", "delayed", "gauge", "Runs put off."},
        {"queue_claims_total", "claims", "counter", "Runs taken by workers."},
        {"queue_retries_total", "retries", "counter", "Failures of the server's own that are tried again."},
        {"queue_given_up_total", "given_up", "counter", "Runs that such failures ended, tried often enough."},
        {"queue_lost_leases_total", "lost_leases", "counter", "Runs taken up whose worker was gone."},
        {"queue_refused_total", "refused", "counter", "New runs refused by a quota or a full queue."},
    };
    const struct json *phases = json_get(queue, "phases"), *node = json_get(queue, "node");
    static const char *const kinds[] = {"ready", "leased", "delayed"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        metric(b, rows[i].name, rows[i].type, rows[i].help, (double)json_int(json_get(queue, rows[i].member)));
    metric(b, "queue_oldest_seconds", "gauge", "Age of the oldest ready run.",
           (double)json_int(json_get(queue, "oldest_ms")) / 1000.0);
    metric(b, "queue_paused", "gauge", "1 while this node takes no new runs.",
           json_true(json_get(node, "paused")) || json_true(json_get(node, "draining")));
    buf_puts(b, "# HELP sallyport_queue_depth Runs in the queue.\n# TYPE sallyport_queue_depth gauge\n");
    for (const void *it = json_first(phases); it; it = json_next(phases, it))
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            buf_printf(b, "sallyport_queue_depth{phase=\"%s\",state=\"%s\"} %lld\n", json_key(it), kinds[i],
                       (long long)json_int(json_get(json_val(it), kinds[i])));
    buf_puts(b, "# HELP sallyport_queue_phase_oldest_seconds Age of the oldest ready run of a phase.\n"
                "# TYPE sallyport_queue_phase_oldest_seconds gauge\n");
    for (const void *it = json_first(phases); it; it = json_next(phases, it))
        buf_printf(b, "sallyport_queue_phase_oldest_seconds{phase=\"%s\"} %.17g\n", json_key(it),
                   (double)json_int(json_get(json_val(it), "oldest_ms")) / 1000.0);
}

/* From /metrics/summary: {"runs":{state:n},"queue":{…},"streams":n}. */
static int run_metrics(struct call *c, struct buf *b, struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(64 * KIB);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct jw w = JW_INIT(&text);
    const struct json *runs, *queue;
    int r = runs_summary_json(c->svc, &w, e);

    if (r == 0)
        r = json_parse(text.p, text.len, &doc, e);
    if (r < 0)
        return r;
    runs = json_get(doc, "runs");
    queue = json_get(doc, "queue");
    buf_puts(b, "# HELP sallyport_runs Runs by state.\n# TYPE sallyport_runs gauge\n");
    for (const void *it = json_first(runs); it; it = json_next(runs, it))
        buf_printf(b, "sallyport_runs{state=\"%s\"} %lld\n", json_key(it), (long long)json_int(json_val(it)));
    queue_metrics(b, queue);
    metric(b, "streams", "gauge", "Subscribers of runs.", (double)json_int(json_get(doc, "streams")));
    return 0;
}

int get_metrics(struct call *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct http_stats h = {0};
    struct store_stats s = {0};
    struct reconcile_stats rs = {0};
    int r = run_metrics(c, &b, e);

    if (r < 0)
        return r;
    if (api_server(c->api))
        http_server_stats(api_server(c->api), &h);
    service_stats(c->svc, &s);
    http_metrics(&b, &h);
    store_metrics(&b, &s);
    reconcile_stats(c->svc->reconciler, &rs);
    reconcile_metrics(&b, &rs);
    keep_metrics(c, &b);
    metric(&b, "process_resident_memory_bytes", "gauge", "Resident memory.", rss_bytes());
    buf_printf(&b,
               "# HELP sallyport_build_info Version.\n# TYPE sallyport_build_info gauge\n"
               "sallyport_build_info{version=\"%s\"} 1\n",
               SALLYPORT_VERSION);
    return http_reply(c->rq, 200, "text/plain; version=0.0.4; charset=utf-8", b.p, b.len);
}
