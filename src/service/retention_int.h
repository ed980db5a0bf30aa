/* retention_int - what retention.c and retention_rows.c share. Included by nobody else. */
#pragma once
#include "service/retention.h"
#include "store/keep_rows.h"

#define BATCH_MAX   64
#define VICTIMS_MAX 512

enum victim_rule { RULE_LOGS, RULE_RUNS, RULE_FAILED, RULE_BYTES };
struct victim {
    struct id id;
    char tenant[64];
    int64_t finished_us;
    enum victim_rule rule;
};
struct victims {
    struct victim v[VICTIMS_MAX];
    size_t n;
};
const char *retention_rule_name(enum victim_rule);

/* Up to VICTIMS_MAX runs that go by this project's rules and ended after `after`, the oldest first. now_us: what ages
 * are from. */
struct project_row;
struct retention_rules;
CHECKED int retention_find(struct svc *, const struct id *project, const struct retention_rules *, bool logs,
                           int64_t now_us, int64_t after_us, struct victims *ret, struct err *);
/* The oldest of all, that ended after then. */
CHECKED int retention_oldest(struct svc *, int64_t after_us, struct victims *ret, struct err *);

/* Commits that it goes: 1, or 0 when it may not (kept meanwhile, gone already, being undone). bytes: for the audit. */
CHECKED int retention_commit(struct svc *, const struct victim *, int64_t bytes, struct err *);

/* Every project with its rules: the server's, or its own. */
typedef int (*project_rules_each)(void *arg, const struct id *project, const struct retention_rules *, struct err *);
CHECKED int retention_projects(struct svc *, project_rules_each, void *arg, struct err *);

struct ids {
    struct id v[BATCH_MAX];
    size_t n;
};
CHECKED int retention_unpacked(struct svc *, int64_t until_us, struct ids *ret, struct err *);
CHECKED int retention_mark_packed(struct svc *, const struct ids *, struct err *);
CHECKED int retention_removing(struct svc *, struct ids *ret, struct err *);
CHECKED int retention_mark_unlinked(struct svc *, const struct id *, struct err *);
/* The run, and its artifacts' contents that nobody else names; free() *ret_sums, n times 65 bytes. */
CHECKED int retention_unused(struct svc *, const struct id *, bool *ret_all, char (**ret_sums)[65], size_t *ret_n,
                             struct err *);
/* Is this content named by no artifact that is still there? */
CHECKED int retention_unnamed(struct svc *, const char *sha256, bool *ret, struct err *);
