/* queues - shows and steers the run queue: priorities, pauses, drain, quotas, and why each run waits.
 *
 * Why it exists: what a claim decides (core/turn.h, store/queue_rows.h) must be visible, and an operator must be able
 * to hold it: for the whole node, for one project. Pauses are rows: they outlive the server. Each change is audited.
 * May include: store core base os service/.   Threads: any. */
#pragma once
#include "service/svc.h"
#include "store/queue_rows.h"

/* What claims of this server go by. Borrows from svc. */
struct queue_rules queues_rules(const struct svc *);

/* "priority" of a request: a whole number in range or a name (core/turn.h); absent: *ret stays. */
CHECKED int queues_want_priority(const struct json *body, int64_t *ret, struct err *);
/* Inside the transaction that makes a run: ERR_QUOTA when too many of the tenant wait. */
CHECKED int queues_quota(struct svc *, struct db *, const char *tenant, struct err *);

/* {"ready","leased","delayed","oldest_ms","phases","node","limits","projects","items","next"}: what workers hold first,
 * then what waits, next first; after: the last waiting run of the page before, or NULL. */
CHECKED int queues_json(struct svc *, const char *tenant, const struct id *after, int limit, struct jw *, struct err *);
/* Members of the queue for /metrics and /metrics/summary, of all tenants; inside a read. */
CHECKED int queues_summary(struct svc *, struct db *, struct jw *, struct err *);

/* The node takes nothing new until it is resumed; drain: the same, in order to be empty. Replies tell how much is held.
 */
CHECKED int queues_pause(struct svc *, struct caller *, bool drain, const char *note, struct err *);
CHECKED int queues_resume(struct svc *, struct caller *, struct err *);
CHECKED int queues_pause_project(struct svc *, struct caller *, const char *id_or_name, const char *note, struct err *);
CHECKED int queues_resume_project(struct svc *, struct caller *, const char *id_or_name, struct err *);
/* Of a run that is not final. Reply: Run. */
CHECKED int queues_set_priority(struct svc *, struct caller *, const struct id *run, int64_t priority, struct err *);
