/* handlers_runs.c - /runs, /steps, /approvals, /artifacts, /projects: each handler reads its input and calls one
 * service. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "base/str.h"
#include "service/artifacts.h"
#include "service/audits.h"
#include "service/effects_show.h"
#include "service/logs.h"
#include "service/projects.h"
#include "service/runs.h"
#include "service/picks.h"
#include "service/stream.h"

static int want_note(struct call *c, const char **ret, struct err *e)
{
    return json_want_str(c->body, "", "note", J_OPT, 2000, ret, e);
}

static int want_none(struct call *c, struct err *e)
{
    static const char *const none[] = {NULL};

    return json_known(c->body, "", none, e);
}

static int replied(struct call *c, int r)
{
    return r < 0 ? r : call_reply(c);
}

/* ---- projects ---------------------------------------------------------- */

static int render_projects(struct call *c, struct jw *w, struct err *e)
{
    struct id after;
    int limit, r = call_limit(c, 50, 500, &limit, e);

    if (r == 0)
        r = call_query_id(c, "after", ID_PROJECT, &after, e);
    return r < 0 ? r : projects_list_json(c->svc, c->who.tenant, id_none(&after) ? NULL : &after, limit, w, e);
}

int get_projects(struct call *c, struct err *e)
{
    return call_json(c, render_projects, e);
}

int post_project(struct call *c, struct err *e)
{
    static const char *const keys[] = {"root_path", "name", "seed", NULL};
    const char *root = NULL, *name = NULL, *seed = NULL;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_str(c->body, "", "root_path", J_REQ, 4000, &root, e);
    if (r == 0)
        r = json_want_str(c->body, "", "name", J_OPT, 100, &name, e);
    if (r == 0)
        r = json_want_str(c->body, "", "seed", J_OPT, 16, &seed, e);
    return r < 0 ? r : replied(c, projects_add(c->svc, &c->who, root, name, seed, e));
}

static int render_project(struct call *c, struct jw *w, struct err *e)
{
    return projects_get_json(c->svc, c->who.tenant, c->arg[0], w, e);
}

int get_project(struct call *c, struct err *e)
{
    return call_json(c, render_project, e);
}

int put_project_settings(struct call *c, struct err *e)
{
    return replied(c, projects_set(c->svc, &c->who, c->arg[0], c->body, e));
}

int delete_project(struct call *c, struct err *e)
{
    return replied(c, projects_remove(c->svc, &c->who, c->arg[0], e));
}

/* ---- runs: made and read ----------------------------------------------- */

static int render_runs(struct call *c, struct jw *w, struct err *e)
{
    struct run_filter f = {.tenant = c->who.tenant, .state = http_req_query(c->rq, "state")};
    struct id project;
    int r = call_limit(c, 50, 500, &f.limit, e);

    if (r == 0)
        r = call_query_id(c, "after", ID_RUN, &f.after, e);
    if (r == 0)
        r = call_query_id(c, "project_id", ID_PROJECT, &project, e);
    if (r == 0 && f.state && run_sm_parse(f.state, "plan") == RN_NONE)
        r = err_field(e, ERR_INVALID, "state", "\"%.40s\" is no state of a run", f.state);
    if (r < 0)
        return r;
    f.project = id_none(&project) ? NULL : &project;
    return runs_list_json(c->svc, &f, w, e);
}

int get_runs(struct call *c, struct err *e)
{
    return call_json(c, render_runs, e);
}

int post_run(struct call *c, struct err *e)
{
    struct id id;
    int r = runs_create(c->svc, &c->who, c->body, &id, e);

    if (r < 0)
        return r;
    return call_accepts(c, "text/event-stream") ? sse_reply(c, &id, NULL, e) : call_reply(c);
}

static int render_try(struct call *c, struct jw *w, struct err *e)
{
    return runs_try_plan(c->svc, c->who.tenant, c->body, w, e);
}

int post_plan(struct call *c, struct err *e)
{
    return call_json(c, render_try, e);
}

/* Reads of one run: {run} is the only argument. */
#define RUN_READ_HANDLER(name, service)                                                                                \
    static int render_##name(struct call *c, struct jw *w, struct err *e)                                              \
    {                                                                                                                  \
        struct id id;                                                                                                  \
        int r = call_id(c, 0, ID_RUN, "run", &id, e);                                                                  \
                                                                                                                       \
        return r < 0 ? r : service(c->svc, c->who.tenant, &id, w, e);                                                  \
    }                                                                                                                  \
    int name(struct call *c, struct err *e)                                                                            \
    {                                                                                                                  \
        return call_json(c, render_##name, e);                                                                         \
    }

RUN_READ_HANDLER(get_run, runs_get_json)
RUN_READ_HANDLER(get_plan, runs_plan_json)
RUN_READ_HANDLER(get_steps, runs_steps_json)
RUN_READ_HANDLER(get_run_artifacts, runs_artifacts_json)

static int render_run_audit(struct call *c, struct jw *w, struct err *e)
{
    struct run_row row = {0};
    struct id id;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (r == 0)
        r = runs_row(c->svc, c->who.tenant, &id, &row, e);
    run_row_fini(&row);
    if (r < 0)
        return r;
    return audits_list_json(c->svc, &(struct audit_filter){.tenant = c->who.tenant, .run = &id, .limit = 500}, w, e);
}

int get_run_audit(struct call *c, struct err *e)
{
    return call_json(c, render_run_audit, e);
}

/* ---- runs: decided ----------------------------------------------------- */

int put_plan(struct call *c, struct err *e)
{
    struct id id;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    return r < 0 ? r : replied(c, runs_replan(c->svc, &c->who, &id, c->body, e));
}

int post_approve(struct call *c, struct err *e)
{
    static const char *const keys[] = {"plan_hash", "note", NULL};
    const char *hash = NULL, *note = NULL;
    struct id id;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (r == 0)
        r = json_known(c->body, "", keys, e);
    if (r == 0)
        r = json_want_str(c->body, "", "plan_hash", J_OPT, 64, &hash, e);
    if (r == 0)
        r = want_note(c, &note, e);
    return r < 0 ? r : replied(c, runs_approve(c->svc, &c->who, &id, hash, note, e));
}

static int note_only(struct call *c, struct id *id, const char **note, struct err *e)
{
    static const char *const keys[] = {"note", NULL};
    int r = call_id(c, 0, ID_RUN, "run", id, e);

    if (r == 0)
        r = json_known(c->body, "", keys, e);
    return r < 0 ? r : want_note(c, note, e);
}

int post_reject(struct call *c, struct err *e)
{
    const char *note = NULL;
    struct id id;
    int r = note_only(c, &id, &note, e);

    return r < 0 ? r : replied(c, runs_reject(c->svc, &c->who, &id, note, e));
}

int post_discard(struct call *c, struct err *e)
{
    const char *note = NULL;
    struct id id;
    int r = note_only(c, &id, &note, e);

    return r < 0 ? r : replied(c, runs_discard(c->svc, &c->who, &id, note, e));
}

int post_cancel(struct call *c, struct err *e)
{
    struct id id;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (r == 0)
        r = want_none(c, e);
    return r < 0 ? r : replied(c, runs_cancel(c->svc, &c->who, &id, e));
}

int post_undo(struct call *c, struct err *e)
{
    struct id id, made;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (r == 0)
        r = want_none(c, e);
    return r < 0 ? r : replied(c, runs_undo(c->svc, &c->who, &id, &made, e));
}

int post_apply(struct call *c, struct err *e)
{
    static const char *const keys[] = {"digest", "paths", "paths_b64", "hunks", NULL};
    struct apply_ask ask = {0};
    struct id id;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (r == 0)
        r = json_known(c->body, "", keys, e);
    if (r == 0)
        r = json_want_str(c->body, "", "digest", J_OPT, 64, &ask.digest, e);
    if (r == 0)
        r = json_want_arr(c->body, "", "paths", J_OPT, 100000, &ask.picks.paths, e);
    if (r == 0)
        r = json_want_arr(c->body, "", "paths_b64", J_OPT, 100000, &ask.picks.paths_b64, e);
    if (r == 0)
        r = json_want_arr(c->body, "", "hunks", J_OPT, PICKS_HUNKS_MAX, &ask.picks.hunks, e);
    return r < 0 ? r : replied(c, runs_apply(c->svc, &c->who, &id, &ask, e));
}

/* ---- what a run left --------------------------------------------------- */

int get_changes(struct call *c, struct err *e)
{
    AUTO(effects_view_fini) struct effects_view v = {.fd = -1};
    struct id id;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (r == 0)
        r = effects_changes_view(c->svc, c->who.tenant, &id, &v, e);
    return r < 0 ? r : call_send(c, "application/json", &v, e);
}

#define MAX_PATHS 64
struct bytes {
    char *v[MAX_PATHS];
    size_t n;
};

static void bytes_fini(struct bytes *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->v[i]);
}

int get_diff(struct call *c, struct err *e)
{
    AUTO(effects_view_fini) struct effects_view v = {.fd = -1};
    AUTO(bytes_fini) struct bytes own = {0};
    const char *paths[MAX_PATHS];
    struct id id;
    size_t n = 0;
    int r = call_id(c, 0, ID_RUN, "run", &id, e);

    for (size_t i = 0; r == 0 && i < http_req_nquery(c->rq) && n < MAX_PATHS; i++, n++) {
        const char *value = http_req_query_value(c->rq, i); /* of path or path_b64: no other name gets here */

        paths[n] = value;
        if (str_eq(http_req_query_name(c->rq, i), "path_b64")) {
            r = picks_b64(value, "path_b64", &own.v[own.n], e);
            paths[n] = r == 0 ? own.v[own.n++] : NULL;
        }
    }
    if (r == 0)
        r = effects_diff_view(c->svc, c->who.tenant, &id, paths, n, &v, e);
    return r < 0 ? r : call_send(c, "text/x-diff; charset=utf-8", &v, e);
}

/* Names come from this program today; a media type that a browser would run is never sent as such. */
static int artifact_headers(struct call *c, const struct artifact_row *a, struct err *e)
{
    char etag[96], disp[160];
    int r;

    snprintf(etag, sizeof etag, "\"sha256:%s\"", a->sha256);
    snprintf(disp, sizeof disp, "attachment; filename=\"%.80s\"", a->name);
    r = http_reply_header(c->rq, "ETag", etag, e);
    if (r == 0)
        r = http_reply_header(c->rq, "Content-Disposition", disp, e);
    if (r == 0)
        r = http_reply_header(c->rq, "Content-Security-Policy", "sandbox", e);
    return r;
}

int get_artifact(struct call *c, struct err *e)
{
    AUTO(effects_view_fini) struct effects_view v = {.fd = -1};
    AUTO(artifact_row_fini) struct artifact_row a = {0};
    const char *inm = http_req_header(c->rq, "if-none-match");
    struct id id;
    int r = call_id(c, 0, ID_ARTIFACT, "artifact", &id, e);

    if (r == 0)
        r = artifacts_get(c->svc, c->who.tenant, &id, &a, e);
    if (r == 0)
        r = artifacts_there(&a, e);
    if (r == 0)
        r = artifact_headers(c, &a, e);
    if (r < 0)
        return r;
    if (inm && strstr(inm, a.sha256))
        return http_reply(c->rq, 304, NULL, "", 0);
    r = artifacts_open(c->svc, a.sha256, e);
    if (r >= 0)
        r = effects_file_view(r, &v, e);
    return r < 0 ? r : call_send(c, a.media_type, &v, e);
}

/* ---- events ------------------------------------------------------------ */

static int events_page(struct call *c, const struct id *id, const char *cursor, int limit, struct jw *w, struct err *e)
{
    AUTO_PTR(stream_close) struct stream *s = NULL;
    struct stream_item it;
    int r = stream_open(c->svc, c->who.tenant, id, cursor, &s, e);

    if (r < 0)
        return r;
    jw_obj(w);
    jw_key(w, "items");
    jw_arr(w);
    while (limit-- > 0 && w->out->len < 2 * MIB && (r = stream_next(s, &it, e)) == 1)
        jw_raw(w, it.json, it.json_len);
    if (r < 0)
        return r;
    jw_end_arr(w);
    jw_kstr(w, "cursor", stream_cursor(s));
    jw_kbool(w, "final", stream_ended(s));
    jw_end_obj(w);
    return w->out->bad ? err_bad(e, w->out->bad, "the page is too large: ask for less with ?limit=") : 0;
}

int get_events(struct call *c, struct err *e)
{
    const char *cursor = http_req_header(c->rq, "last-event-id");
    struct jw w = caller_reply(&c->who);
    struct id id;
    int limit, r = call_id(c, 0, ID_RUN, "run", &id, e);

    if (!cursor)
        cursor = http_req_query(c->rq, "cursor");
    if (r == 0)
        r = call_limit(c, 500, 5000, &limit, e);
    if (r < 0)
        return r;
    if (!call_accepts(c, "application/json"))
        return sse_reply(c, &id, cursor, e);
    r = events_page(c, &id, cursor, limit, &w, e);
    c->who.status = 200;
    return replied(c, r);
}

/* ---- steps ------------------------------------------------------------- */

static int render_step(struct call *c, struct jw *w, struct err *e)
{
    struct id id;
    int r = call_id(c, 0, ID_STEP, "step", &id, e);

    return r < 0 ? r : runs_step_json(c->svc, c->who.tenant, &id, w, e);
}

int get_step(struct call *c, struct err *e)
{
    return call_json(c, render_step, e);
}

static int want_stream(struct call *c, int *ret, struct err *e)
{
    static const char *const names[] = {"", "stdout", "stderr", "system"}; /* by enum log_stream */
    const char *s = http_req_query(c->rq, "stream");

    *ret = 0;
    for (int i = 1; s && i < 4; i++)
        if (strcmp(s, names[i]) == 0)
            *ret = i;
    if (s && !*ret)
        return err_field(e, ERR_INVALID, "stream", "use stdout, stderr or system");
    return 0;
}

int get_step_log(struct call *c, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(64 * MIB);
    struct log_query q = {.tenant = c->who.tenant, .json = call_accepts(c, "application/json")};
    char next[32];
    int64_t offset, limit;
    int r = call_id(c, 0, ID_STEP, "step", &q.step, e);

    if (r == 0)
        r = call_query_i64(c, "offset", 0, &offset, e);
    if (r == 0)
        r = call_query_i64(c, "limit", 4 * (int64_t)MIB, &limit, e);
    if (r == 0)
        r = want_stream(c, &q.stream, e);
    if (r == 0 && (limit < 1 || limit > 16 * (int64_t)MIB))
        r = err_field(e, ERR_INVALID, "limit", "give 1 to %d bytes", (int)(16 * MIB));
    if (r < 0)
        return r;
    q.offset = (uint64_t)offset;
    q.limit = (size_t)limit;
    r = logs_read(c->svc, &q, &b, e);
    if (r < 0)
        return r;
    snprintf(next, sizeof next, "%llu", (unsigned long long)q.next);
    r = http_reply_header(c->rq, "X-Next-Offset", next, e);
    if (r == 0)
        r = http_reply_header(c->rq, "X-Log-Complete", q.complete ? "true" : "false", e);
    /* Output is bytes: never a type that a browser would interpret. */
    return r < 0 ? r
                 : http_reply(c->rq, 200, q.json ? "application/json" : "text/plain; charset=utf-8", b.p ? b.p : "",
                              b.len);
}

/* ---- approvals --------------------------------------------------------- */

static int render_inbox(struct call *c, struct jw *w, struct err *e)
{
    struct id after;
    int limit, r = call_limit(c, 50, 500, &limit, e);

    if (r == 0)
        r = call_query_id(c, "after", ID_APPROVAL, &after, e);
    return r < 0 ? r : runs_inbox_json(c->svc, c->who.tenant, &after, limit, w, e);
}

int get_inbox(struct call *c, struct err *e)
{
    return call_json(c, render_inbox, e);
}

static int render_approvals(struct call *c, struct jw *w, struct err *e)
{
    static const char *const states[] = {"pending", "allowed", "denied", "expired", "void"};
    struct approval_filter f = {.tenant = c->who.tenant, .state = http_req_query(c->rq, "state")};
    struct id run;
    bool known = !f.state;
    int r = call_limit(c, 50, 500, &f.limit, e);

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        known = known || str_eq(states[i], f.state);
    if (r == 0 && !known)
        r = err_field(e, ERR_INVALID, "state", "use pending, allowed, denied, expired or void");
    if (r == 0)
        r = call_query_id(c, "after", ID_APPROVAL, &f.after, e);
    if (r == 0)
        r = call_query_id(c, "run_id", ID_RUN, &run, e);
    if (r < 0)
        return r;
    f.run = id_none(&run) ? NULL : &run;
    return runs_approvals_json(c->svc, &f, w, e);
}

int get_approvals(struct call *c, struct err *e)
{
    return call_json(c, render_approvals, e);
}

static int render_approval(struct call *c, struct jw *w, struct err *e)
{
    struct id id;
    int r = call_id(c, 0, ID_APPROVAL, "approval", &id, e);

    return r < 0 ? r : runs_approval_json(c->svc, c->who.tenant, &id, w, e);
}

int get_approval(struct call *c, struct err *e)
{
    return call_json(c, render_approval, e);
}

int post_approval(struct call *c, struct err *e)
{
    static const char *const keys[] = {"decision", "note", "subject_hash", NULL};
    const char *decision = NULL, *note = NULL, *hash = NULL;
    struct id id;
    int r = call_id(c, 0, ID_APPROVAL, "approval", &id, e);

    if (r == 0)
        r = json_known(c->body, "", keys, e);
    if (r == 0)
        r = json_want_str(c->body, "", "decision", J_REQ, 16, &decision, e);
    if (r == 0)
        r = json_want_str(c->body, "", "subject_hash", J_OPT, 64, &hash, e);
    if (r == 0)
        r = want_note(c, &note, e);
    if (r == 0 && !str_eq(decision, "allow") && !str_eq(decision, "deny"))
        r = err_field(e, ERR_INVALID, "decision", "use allow or deny");
    return r < 0 ? r : replied(c, runs_answer(c->svc, &c->who, &id, str_eq(decision, "allow"), hash, note, e));
}
