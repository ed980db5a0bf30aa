/* call - one request in the API's hands, and what handlers share. Internal to src/api/. */
#pragma once
#include "api/api.h"

#define ARGS_MAX 3

struct call {
    struct api *api;
    struct svc *svc;
    struct http_req *rq;
    const struct route *route;
    const char *arg[ARGS_MAX]; /* {…} segments of the path, in order */
    struct caller who;
    struct json *body; /* an object; NULL when the route takes none */
    char *details;     /* JSON for the error's details, or NULL */
    bool replayed;     /* the answer is the stored one of an earlier request */
};

/* Answers, or returns the error that the dispatcher answers with. */
typedef int (*route_fn)(struct call *, struct err *);

enum {
    KEY = 1,   /* changes something: an Idempotency-Key is required */
    OPEN = 2,  /* no token needed */
    LOCAL = 4, /* no token needed from loopback or the unix socket */
    LATE = 8   /* a token is checked when it is there; the handler sees to the rest */
};
struct route {
    enum http_method method;
    const char *path; /* "/api/v1/runs/{run}/cancel" */
    unsigned scope;   /* one SCOPE_ bit, 0 = any token */
    unsigned flags;
    size_t body;       /* bytes at most; 0 = no body */
    const char *query; /* allowed names, space-separated; NULL = none */
    route_fn fn;
    const char *summary;            /* for openapi.json */
    const char *request, *response; /* names of schemas; NULL = none; "text/…" and "application/…" = that media type */
    int status;                     /* of success */
    const char *method_name;        /* over WebSocket; NULL: none */
};
extern const struct route api_routes[];
extern const size_t api_nroutes;
bool route_matches(const char *pattern, const char *path);
/* HEAD takes GET's route. *ret_path_known: some method is taken there. */
const struct route *route_find(enum http_method, const char *path, bool *ret_path_known);

/* The answer a service rendered into who.reply. */
int call_reply(struct call *);
/* Renders 200 + JSON through render(call, w, e). */
int call_json(struct call *, int (*render)(struct call *, struct jw *, struct err *), struct err *);
CHECKED int call_id(struct call *, int arg, const char *prefix, const char *what, struct id *ret, struct err *);
CHECKED int call_limit(struct call *, int dflt, int max, int *ret, struct err *);
/* ?after= or any id in the query; none: *ret empty. */
CHECKED int call_query_id(struct call *, const char *name, const char *prefix, struct id *ret, struct err *);
CHECKED int call_query_i64(struct call *, const char *name, int64_t dflt, int64_t *ret, struct err *);
struct effects_view;
/* 200 with what the view shows; takes what is in it. */
CHECKED int call_send(struct call *, const char *media_type, struct effects_view *, struct err *);
bool call_accepts(struct call *, const char *media_type);
/* actor, tenant_id, scopes: members of an open object. */
void call_who(struct jw *, const struct caller *);

/* handlers.  GET, POST … in the order of the route table */
int get_healthz(struct call *, struct err *);
int get_readyz(struct call *, struct err *);
int get_metrics(struct call *, struct err *);
int get_openapi(struct call *, struct err *);
int get_schema(struct call *, struct err *);
int get_docs(struct call *, struct err *);
int get_projects(struct call *, struct err *);
int post_project(struct call *, struct err *);
int get_project(struct call *, struct err *);
int put_project_settings(struct call *, struct err *);
int delete_project(struct call *, struct err *);
int get_runs(struct call *, struct err *);
int post_run(struct call *, struct err *);
int post_plan(struct call *, struct err *);
int get_run(struct call *, struct err *);
int get_plan(struct call *, struct err *);
int put_plan(struct call *, struct err *);
int post_approve(struct call *, struct err *);
int post_reject(struct call *, struct err *);
int post_cancel(struct call *, struct err *);
int post_apply(struct call *, struct err *);
int post_discard(struct call *, struct err *);
int post_undo(struct call *, struct err *);
int post_keep(struct call *, struct err *);
int get_retention(struct call *, struct err *);
int post_retention(struct call *, struct err *);
int get_steps(struct call *, struct err *);
int get_changes(struct call *, struct err *);
int get_diff(struct call *, struct err *);
int get_run_artifacts(struct call *, struct err *);
int get_run_audit(struct call *, struct err *);
int get_events(struct call *, struct err *);
int get_step(struct call *, struct err *);
int get_step_log(struct call *, struct err *);
int post_input(struct call *, struct err *);
int post_resize(struct call *, struct err *);
int get_inbox(struct call *, struct err *);
int get_approvals(struct call *, struct err *);
int get_approval(struct call *, struct err *);
int post_approval(struct call *, struct err *);
int get_artifact(struct call *, struct err *);
int get_policy(struct call *, struct err *);
int get_policy_versions(struct call *, struct err *);
int put_policy(struct call *, struct err *);
int post_policy_test(struct call *, struct err *);
int post_policy_replay(struct call *, struct err *);
int get_audit(struct call *, struct err *);
int get_audit_export(struct call *, struct err *);
int post_audit_verify(struct call *, struct err *);
int get_tokens(struct call *, struct err *);
int post_token(struct call *, struct err *);
int delete_token(struct call *, struct err *);
int get_queue(struct call *, struct err *);
int post_queue_pause(struct call *, struct err *);
int post_queue_resume(struct call *, struct err *);
int post_queue_drain(struct call *, struct err *);
int post_run_priority(struct call *, struct err *);
int post_project_pause(struct call *, struct err *);
int post_project_resume(struct call *, struct err *);
int post_reconcile(struct call *, struct err *);
int get_summary(struct call *, struct err *);
int get_doctor(struct call *, struct err *);
int get_whoami(struct call *, struct err *);
int post_login(struct call *, struct err *);
int post_logout(struct call *, struct err *);
int get_me(struct call *, struct err *);
int get_ws(struct call *, struct err *);

/* Opens the event stream of a run as the answer (SSE). */
CHECKED int sse_reply(struct call *, const struct id *run, const char *cursor, struct err *);
/* One request of another surface, by a caller who has been identified: scope, rate, query, body, idempotency, handler,
 * as for any other. rq is answered in any case. */
void api_call(struct api *, const struct route *, const struct caller *as, struct http_req *rq, bool *ret_replayed);
/* Fills who from `Bearer` text, or from the unix socket's peer when it is NULL; slows down who guesses. */
CHECKED int api_identify(struct api *, const char *bearer, const struct http_peer *, struct caller *who, struct err *);
/* Who it is, is known (c->who): how often, and may they? */
CHECKED int api_admit(struct call *, struct err *);
struct http_server;
struct tally *api_ws_tally(struct api *);
struct tally *api_sse_tally(struct api *);
/* Of retention and the disk, for /metrics. */
void keep_metrics(struct call *, struct buf *);
/* openapi.json from the route table. */
CHECKED int openapi_write(struct buf *out, struct err *);
struct http_server *api_server(const struct api *);
const struct api_config *api_cfg(const struct api *);

/* guard: who is calling, from where, how often */
struct guard;
CHECKED int guard_new(const struct api_config *, struct guard **ret, struct err *);
void guard_free(struct guard *);
CHECKED int guard_host(const struct guard *, struct http_req *, struct err *);
CHECKED int guard_rate(struct guard *, const char *who, struct err *);
/* The two without a request and without a clock. host, origin: the header's value, or NULL when it was not sent. */
CHECKED int guard_names(const struct guard *, bool unix_socket, const char *host, const char *origin, struct err *);
CHECKED int guard_take(struct guard *, const char *who, int64_t now_us, struct err *);

/* in-flight idempotency keys: a concurrent duplicate waits for the first answer */
struct flights;
CHECKED int flights_new(struct flights **ret, struct err *);
void flights_free(struct flights *);
CHECKED int flight_enter(struct flights *, const struct caller *,
                         struct err *); /* waits; ERR_BUSY when it takes too long */
void flight_leave(struct flights *, const struct caller *);
