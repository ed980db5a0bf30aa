/* queue_rows - the durable run queue: whose turn it is, its leases and their tokens, its pauses.
 *
 * Why it exists: a run must outlive this process, so a claim is a leased row with a deadline, never a pointer in a
 * list. The rules (order, lanes, limits) are core/turn.h's; here they are rows and SQL. May include: base core.
 * Threads: as run_rows.h; every function works inside store_write or store_read.
 *
 *   ready      lease_token 0, available_us 0: a claim may take it, if nothing holds its lane up
 *   put off    lease_token 0, available_us > 0: becomes ready at the first claim after that time, at once when it lies
 *              further ahead than rows are put off
 *
 *   leased     lease_token > 0, lease_ends_us in the future: the worker that knows the token holds the run
 *
 *   lost       lease_token > 0, lease_ends_us passed: the next claim takes it, before all others, paused or not (it was
 *              under way, and holds its place in the limits), under a greater token */
#pragma once
#include "core/turn.h"
#include "store/store.h"

struct queue_row {
    struct id run_id, project_id; /* project_id: none when the run has none */
    char tenant_id[64], phase[8], node_name[128], worker[64];
    char why_code[32], why_text[512]; /* of the last failure of the server's own; "" = none */
    int64_t priority, available_us;   /* available_us: put off until then; 0 = not */
    int64_t attempts, failures;       /* attempts: leases lost and failures, in this phase; failures: these alone */
    int64_t enqueued_us, rank_us;     /* since when it waits for this phase; its place */
    int64_t held_us, lease_ends_us;   /* of the lease */
    uint64_t lease_token;             /* 0 = not claimed */
    bool lost;                        /* from queue_claim: another held it before, whose lease has ended */
};

/* What a claim goes by. */
struct queue_rules {
    const char *node_name;           /* 1 to 127 bytes */
    int64_t project_max, tenant_max; /* how many may be running: of a project that does not say, of a tenant; 0 = any */
    int64_t put_off_max_us; /* nobody puts a row off for longer: one that is was so by another clock; 0 = any */
    int64_t clock_jump_us;  /* ends of leases are by now_us less this */
};

/* Replaces the run's row: not claimed, attempts 0, bound to the node of the run, with the run's priority.
 * available_us <= now_us: ready. */
CHECKED int queue_put(struct db *, const struct id *run, const char *phase, int64_t available_us, int64_t now_us,
                      struct err *);
/* The row goes back, unclaimed, with its age; ready at available_us (0 = now). failed: counts as a failure. code, text:
 * why; NULL = no longer known. */
CHECKED int queue_back(struct db *, const struct id *run, const char *phase, int64_t available_us, bool failed,
                       const char *code, const char *text, struct err *);
/* ERR_NOT_FOUND when the run is not in the queue. */
CHECKED int queue_set_priority(struct db *, const struct id *run, int64_t priority, struct err *);
/* The next row of this node or of none: claimed until now + lease_us under a new token, which is also written to
 * runs.lease_token, and so is the node's name to a run that has none. Lost ones first, then lane finish, then by rank,
 * lanes that are held up left out (core/turn.h). ERR_EMPTY. worker up to 63 bytes. */
CHECKED int queue_claim(struct db *, const struct queue_rules *, const char *worker, int64_t now_us, int64_t lease_us,
                        struct queue_row *ret, struct err *);
/* Right after queue_put, in the same transaction: the row is claimed again by who held the run, under the token that
 * run has; but not when a claim would take another one first, or nothing at all: *ret tells. Always for lane door:
 * what has done its steps is applied. */
CHECKED int queue_go_on(struct db *, const struct queue_rules *, const struct id *run, const char *worker,
                        uint64_t token, int64_t now_us, int64_t lease_us, bool *ret, struct err *);
/* ERR_LEASE */
CHECKED int queue_extend(struct db *, const struct id *run, uint64_t token, int64_t lease_ends_us, struct err *);
/* Every write by a worker asks this first, in the same transaction: ERR_LEASE unless the run's row is claimed under
 * this token. (A lease that has ended but was not claimed by another since still counts: nobody else can have
 * written.) */
CHECKED int queue_fence(struct db *, const struct id *run, uint64_t token, struct err *);
CHECKED int queue_delete(struct db *, const struct id *run, struct err *);
CHECKED int queue_get(struct db *, const struct id *run, struct queue_row *ret, struct err *);
/* All leases of this node end now: at start, nobody of the process before us lives. Returns the number in *ret_n. */
CHECKED int queue_drop_leases(struct db *, const char *node_name, int64_t *ret_n, struct err *);

/* Makes queue_lanes anew from the rows, at start: whatever was done to the database by hand, each ready row is found.
 */
CHECKED int queue_mend_lanes(struct db *, struct err *);

/* ---- limits ---- */
/* Wait max or more of the tenant's runs (not held)? */
CHECKED int queue_full(struct db *, const char *tenant, int64_t max, bool *ret, struct err *);
/* project NULL: of the whole tenant. */
CHECKED int queue_running(struct db *, const char *tenant, const struct id *project, int64_t *ret, struct err *);
CHECKED int queue_held(struct db *, const char *node_name, int64_t *ret, struct err *);

/* ---- pauses ---- */
struct queue_pause {
    int64_t since_us;         /* 0 = not paused */
    bool draining;            /* of a node: paused in order to be empty */
    char by[112], note[2048]; /* "" = none */
};
/* p->since_us 0: goes on. ERR_NOT_FOUND for a node that was never seen, a project that was removed. */
CHECKED int queue_pause_node(struct db *, const char *node_name, const struct queue_pause *p, struct err *);
CHECKED int queue_pause_project(struct db *, const struct id *project, const struct queue_pause *p, struct err *);
/* A node that was never seen is not paused. */
CHECKED int queue_node_pause(struct db *, const char *node_name, struct queue_pause *ret, struct err *);

/* ---- views ---- */
typedef int (*queue_each)(void *arg, const struct queue_row *, struct err *);
/* What workers hold, longest first; tenant NULL = any. */
CHECKED int queue_list_held(struct db *, const char *tenant, queue_each, void *arg, struct err *);
/* What waits, next first, after that place (rank, run); NULL after = from the beginning. */
struct queue_place {
    int64_t rank_us;
    struct id run_id;
};
CHECKED int queue_list(struct db *, const char *tenant, const struct queue_place *after, int limit, queue_each,
                       void *arg, struct err *);
struct queue_project {
    struct id id;
    const char *name; /* borrowed */
    int64_t max_running, running, waiting;
    struct queue_pause pause;
};
typedef int (*queue_project_each)(void *arg, const struct queue_project *, struct err *);
/* Projects that are paused or have runs in the queue. */
CHECKED int queue_projects(struct db *, const char *tenant, queue_project_each, void *arg, struct err *);
enum { QUEUE_PHASES = 4 };
extern const char *const queue_phases[QUEUE_PHASES];
/* oldest_us: since when the ready one that waits longest waits; 0 = none */
struct queue_depth {
    int64_t ready, leased, delayed, oldest_us;
};
/* By phase, in the order of queue_phases. tenant NULL = all. */
CHECKED int queue_depth(struct db *, const char *tenant, int64_t now_us, struct queue_depth ret[QUEUE_PHASES],
                        struct err *);
