/* run_rows - runs, their steps, events, approvals and artifacts: typed rows and their SQL. The queue: queue_rows.h.
 *
 * Strings in rows are owned by the row (fini frees them; fini of a zeroed row is fine).
 * `_lock` reads for update inside a write; `_save` writes every mutable column of a row read by `_lock`.
 * Not found: ERR_NOT_FOUND naming the thing. Every function works inside store_write or store_read.
 * All of them are scoped by tenant where a tenant is given: another tenant's row is not found; NULL = any, where one
 * row is meant. Steps, events, queue rows take the tenant of their run; a row cannot refer to another tenant's
 * (ERR_NOT_FOUND). Lists: limit 0 = all; rows passed to `each` are valid during the call; each returns 0 to go on,
 * anything else stops and is returned. A write inside each may or may not be seen by the list it runs in. */
#pragma once
#include "core/run_sm.h"
#include "store/store.h"

struct run_row {
    struct id id, project_id, undoes; /* undoes: none unless kind is "undo" */
    char *tenant_id, *kind;           /* kind: "plan" "undo" (later "turn" "case") */
    enum run_node node;
    char *intent;                        /* NULL when steps were given */
    char *review, *on_failure, *on_deny; /* "plan|effects|both|none", "review|discard", "fail|tell" */
    char *on_lost;                       /* "fail|retry": what becomes of it when a step is lost */
    bool network;
    bool seed_copy;  /* works on a copy of the project: as the project said when the run was accepted */
    char *limits;    /* JSON object */
    char *env_names; /* JSON array of names */
    void *env_sealed;
    size_t env_sealed_len;  /* encrypted JSON object; wiped when final */
    char *plan;             /* JSON, NULL before planned */
    char *plan_hash;        /* hex */
    int64_t policy_version; /* that judged the plan; 0 = none */
    char *outcome;          /* decided final state ("failed"), NULL before */
    char *reason_code, *reason_text;
    char *changes; /* JSON {"files","additions","deletions","refused","digest"}; NULL before computed */
    char *apply;   /* JSON: selection or result of the apply; NULL */
    char *actor, *surface, *trace_id;                                   /* who created it */
    int64_t created_us, started_us, finished_us, cancel_us, expires_us; /* expires: of the wait it is in; 0 = none */
    int64_t updated_us;
    uint64_t lease_token; /* grows with every claim */
    char *node_name;      /* node whose disk holds the layers; NULL before claimed */
    int64_t event_seq;    /* last seq of its stream */
    int64_t next_step;    /* index of the first step not done */
    int64_t priority;     /* core/turn.h; who changes it tells the queue, too (queue_set_priority) */
    bool kept;            /* for ever, whatever the rules of retention say: run_keep */
    int64_t logs_removed_us,
        removed_us; /* since when its logs, all but its rows and audit records, are gone; 0 = not */
};
void run_row_fini(struct run_row *);
CHECKED int run_insert(struct db *, const struct run_row *, struct err *); /* event_seq and lease_token begin at 0 */
/* tenant NULL = any */
CHECKED int run_get(struct db *, const char *tenant, const struct id *, struct run_row *ret, struct err *);
CHECKED int run_lock(struct db *, const char *tenant, const struct id *, struct run_row *ret, struct err *);
/* All but id, tenant, project, undoes, kind, actor, surface, trace_id, created_us, seed_copy, on_lost (fixed),
 * event_seq, lease_token (event_append and queue_claim write them), and kept, logs_removed_us, removed_us
 * (keep_rows.h). A node is stored as state and phase. */
CHECKED int run_save(struct db *, const struct run_row *, struct err *);
/* newest first; after: id, exclusive; tenant must be given */
struct run_filter {
    const char *tenant;
    const struct id *project;
    const char *state;
    struct id after;
    int limit;
};
typedef int (*run_each)(void *arg, const struct run_row *, struct err *); /* non-zero stops and is returned */
CHECKED int run_list(struct db *, const struct run_filter *, run_each, void *arg, struct err *);
/* Runs whose wait has passed (0 < expires_us <= now), longest ago first; and runs that are not final (for the
 * reconciler). */
CHECKED int run_list_expired(struct db *, int64_t now_us, int limit, run_each, void *arg, struct err *);
/* oldest first; node NULL = any or none yet */
CHECKED int run_list_open(struct db *, const char *node_name, run_each, void *arg, struct err *);
/* The oldest of a project that is not final. */
CHECKED int run_list_open_project(struct db *, const struct id *project, run_each, void *arg, struct err *);
/* Those that undo this run, whatever became of them. */
CHECKED int run_list_undoing(struct db *, const struct run_row *, run_each, void *arg, struct err *);
/* Are max runs or more not final? */
CHECKED int run_open_full(struct db *, int64_t max, bool *ret, struct err *);
/* Of all tenants. */
CHECKED int run_counts(struct db *, int64_t counts[RN_N], struct err *);

struct step_row {
    struct id id, run_id;
    int64_t index, attempt;
    char *kind, *title, *command, *argv, *cwd; /* argv: JSON array or NULL; command or argv */
    char *env_names;                           /* JSON array */
    char *decision;                            /* JSON {"action","rule","reason","approval_id"} or NULL */
    char *state;                               /* pending running succeeded failed denied skipped canceled lost */
    int64_t exit_code, signal;                 /* exit_code -1 = none */
    bool oom_killed, timed_out, log_truncated;
    bool pty;    /* it has a terminal */
    char *error; /* why it could not start; NULL */
    int64_t started_us, finished_us, cpu_us, max_rss_bytes, stdout_bytes, stderr_bytes;
    char *log;   /* log file name "<index>.<attempt>.log", NULL before it started */
    char *layer; /* layer name, NULL before it started */
};
void step_row_fini(struct step_row *);
CHECKED int step_insert(struct db *, const struct step_row *, struct err *);
CHECKED int step_get(struct db *, const char *tenant, const struct id *, struct step_row *ret, struct err *);
/* all but id, run_id, index, attempt, kind */
CHECKED int step_save(struct db *, const struct step_row *, struct err *);
typedef int (*step_each)(void *arg, const struct step_row *, struct err *);
CHECKED int step_list(struct db *, const struct id *run, step_each, void *arg, struct err *); /* by index, attempt */
CHECKED int step_delete_pending(struct db *, const struct id *run, struct err *); /* when a plan is replaced */

/* data: JSON object; borrowed */
struct event_row {
    struct id run_id, step_id;
    int64_t seq, time_us;
    const char *type, *data;
};
/* Assigns the next seq of the run's stream (gap-free), touches the stream. step: NULL or none = of the run. data
 * NULL = {}. */
CHECKED int event_append(struct db *, const struct id *run, const struct id *step, const char *type, int64_t time_us,
                         const char *data, int64_t *ret_seq, struct err *);
typedef int (*event_each)(void *arg, const struct event_row *, struct err *);
CHECKED int event_list(struct db *, const struct id *run, int64_t after_seq, int limit, event_each, void *arg,
                       struct err *);

struct approval_row {
    struct id id, run_id, step_id;
    char *tenant_id, *kind;       /* "command" "plan" "changes" … */
    char *subject, *subject_hash; /* canonical JSON and its sha256 (hex) */
    char *rule, *reason, *piece;  /* why it is asked; may be NULL */
    char *state;                  /* pending allowed denied expired void */
    char *actor, *surface, *note; /* who answered; NULL before */
    int64_t created_us, expires_us, resolved_us;
};
void approval_row_fini(struct approval_row *);
CHECKED int approval_insert(struct db *, const struct approval_row *, struct err *);
CHECKED int approval_get(struct db *, const char *tenant, const struct id *, struct approval_row *ret, struct err *);
/* Writes state, actor, surface, note, expires_us, resolved_us. Answered once: ERR_RESOLVED unless the stored state is
 * pending, or the new one is void. */
CHECKED int approval_save(struct db *, const struct approval_row *, struct err *);
typedef int (*approval_each)(void *arg, const struct approval_row *, struct err *);
/* oldest first; after: exclusive; a tenant or a run must be given */
struct approval_filter {
    const char *tenant;
    const struct id *run;
    const char *state;
    struct id after;
    int limit;
};
CHECKED int approval_list(struct db *, const struct approval_filter *, approval_each, void *arg, struct err *);
CHECKED int approval_list_expired(struct db *, int64_t now_us, int limit, approval_each, void *arg, struct err *);

struct artifact_row {
    struct id id, run_id, step_id;
    char *tenant_id, *name, *media_type, *sha256; /* sha256: hex, name of the blob */
    int64_t size_bytes, created_us;
    int64_t removed_us; /* since when its bytes are gone; not written by artifact_insert */
};
void artifact_row_fini(struct artifact_row *);
/* a second of the same run and name replaces */
CHECKED int artifact_insert(struct db *, const struct artifact_row *, struct err *);
CHECKED int artifact_get(struct db *, const char *tenant, const struct id *, struct artifact_row *ret, struct err *);
typedef int (*artifact_each)(void *arg, const struct artifact_row *, struct err *);
CHECKED int artifact_list(struct db *, const struct id *run, artifact_each, void *arg, struct err *);
