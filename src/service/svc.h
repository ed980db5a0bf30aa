/* svc - what every service is given: the graph main.c built, and who is calling.
 *
 * Why it exists: services have no globals; they get the store, the hub, the
 * clock's data directory and the operator's settings from here, and know for
 * every act who asked, from which surface, and under which idempotency key.
 * May include: store sandbox core base os.   Must not know: api worker net.
 * Threads: struct svc is read-only after start; its members are thread-safe.
 *          A struct caller belongs to one request. */
#pragma once
#include <stdatomic.h>
#include "base/json.h"
#include "os/log.h"
#include "sandbox/sandbox.h"
#include "store/store.h"

struct hub;
struct streams;
struct secrets;
struct policies;
struct audits;
struct terminals;
struct reconciler;
struct keeper;
struct logins;

/* What goes of final runs, and when; 0 = never. A project may say otherwise (project_settings.h). */
struct retention_rules {
    int64_t runs_ms;        /* all of a run that ended so long ago */
    int64_t failed_runs_ms; /* the same, of one that did not succeed; 0 = as runs_ms */
    int64_t logs_ms;        /* its logs */
    int64_t max_bytes;      /* logs, artifacts and changes of all runs: beyond, the oldest go */
};

struct svc_settings {
    struct sandbox_limits limits;     /* defaults of a run */
    struct sandbox_limits max_limits; /* what a request may ask for; 0 = no bound */
    int64_t review_ms, approval_ms;   /* how long a person may take; 0 = for ever */
    int64_t lease_ms;                 /* of a worker's claim */
    int64_t max_open_runs;            /* not final; beyond: queue_full */
    int64_t tenant_queued;            /* runs of a tenant that wait; beyond: quota_exceeded; 0 = no quota */
    int64_t tenant_running;           /* runs of a tenant that run at once; beyond: they wait; 0 = no quota */
    int64_t project_running;          /* the same of a project that does not say; 0 = no limit */
    int64_t retries;                  /* how often a failure of the server's own is tried again */
    int64_t retry_ms, retry_max_ms;   /* after the first; at most: doubled each time */
    int64_t min_free_bytes;           /* of the data directory's disk; below: new runs are refused */
    int64_t disk_budget_bytes;        /* what the data directory may hold; beyond: the same; 0 = no bound */
    struct retention_rules retention;
    bool compress;             /* logs of final runs */
    int64_t compress_after_ms; /* after their end */
    int64_t retention_every_ms;
    const char *const *allowed_roots; /* canonical, NULL-terminated; projects must lie below one; NULL = anywhere */
    bool allow_weaker;                /* sandbox_spec.allow_weaker */
    const char *home;                 /* the server's own $HOME; may be NULL */
    const char *toolchains;           /* default of a project: "auto", "none" or names; NULL = "auto" */
};

/* What happened to the queue since the start. */
struct queue_counts {
    atomic_uint_least64_t claims, lost, retries, given_up, refused;
};

struct svc {
    struct store *store;
    struct hub *hub;
    struct streams *streams; /* stream.h */
    struct logger *log;
    struct secrets *secrets;
    struct logins *logins; /* of the console */
    struct policies *policies;
    struct audits *audits;
    struct reconciler *reconciler;
    struct keeper *keeper;           /* NULL: nothing is measured or removed */
    const char *data_dir;            /* canonical */
    int data_fd;                     /* O_PATH|O_DIRECTORY */
    const char *node;                /* name of this node */
    struct sandbox_nursery *nursery; /* of shims; NULL: switched off */
    struct terminals *terminals;     /* steps that somebody may type into */
    const char *sandbox_problem;     /* why no sandbox can be built on this host; NULL when one can */
    struct queue_counts *counts;     /* NULL: nobody counts */
    struct svc_settings set;
    int64_t clock_base_us; /* wall clock less monotonic, when the process began; 0: the wall clock is taken as it is */
};

/* How far the wall clock was set, or ran on while the machine slept, since the process began. A lease speaks of how
 * long its process was silent, and is reckoned without: else all that a living process holds would end at once. */
int64_t svc_clock_jump_us(const struct svc *);
/* The end of a lease that begins or goes on at this time of the wall clock. */
int64_t svc_lease_end_us(const struct svc *, int64_t now_us);

/* Scopes of a token, as bits. */
enum {
    SCOPE_RUN_READ = 1 << 0,
    SCOPE_RUN_WRITE = 1 << 1,
    SCOPE_APPROVE = 1 << 2,
    SCOPE_POLICY_READ = 1 << 3,
    SCOPE_POLICY_WRITE = 1 << 4,
    SCOPE_AUDIT_READ = 1 << 5,
    SCOPE_PROJECT_WRITE = 1 << 6,
    SCOPE_ADMIN = 1 << 7,
};

/* The answer of a call that changed something: rendered and stored under its idempotency key inside the
 * transaction that made the change, so a repeated request can never act twice. */
struct caller {
    char tenant[64];
    char actor[112];     /* "token:tok_… (name)", "uid:1000", "system" */
    char token_id[40];   /* scope of idempotency: token id, or the actor */
    const char *surface; /* api cli console ws mcp system */
    char trace_id[33];
    unsigned scopes;
    const char *idem_route, *idem_key; /* NULL: none */
    char idem_hash[65];                /* of method, path and body */
    int status;                        /* of the answer */
    struct buf reply;                  /* JSON of the answer */
};
void caller_init(struct caller *);
void caller_fini(struct caller *);
/* A caller that acts for the system (workers, reconciler), in a tenant, under a trace. */
void caller_system(struct caller *, const char *tenant, const char *actor, const char *trace_id);
/* Inside a write: the reply is rendered; store it under the key. Called last in each mutation. */
CHECKED int caller_commit(struct db *, struct caller *, int status, struct err *);
/* Start of rendering: empties the reply (a transaction function may run twice). */
struct jw caller_reply(struct caller *);

/* Audits `action` on `target` by this caller; data is JSON object text or NULL. run: none or the run it belongs to. */
CHECKED int caller_audit(struct db *, const struct caller *, const char *action, const char *target, const char *data,
                         const struct id *run, struct err *);

/* "DATA/runs/<id>" as text into buf-like array; and the fd of it. */
#define RUN_DIR_MAX 4096
CHECKED int svc_run_dir(const struct svc *, const struct id *run, char ret[RUN_DIR_MAX], struct err *);
