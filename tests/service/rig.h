/* rig - the services over a store of their own in a temporary directory, with one project. No workers, no sandbox:
 * tests play the worker. */
#pragma once
#include <stdatomic.h>
#include "tests/check.h"

#include "service/audits.h"
#include "service/hub.h"
#include "service/policies.h"
#include "service/runs.h"
#include "service/secrets.h"

struct rig {
    char dir[64], project[96];
    struct svc svc;
    struct caller c;    /* a person: reply and status of the last call */
    struct json *reply; /* the last reply, parsed */
    atomic_int ticks;   /* of store_on_commit */
};
int rig_up(void **state);
/* make_db: makes the database that is found there, of an older version. */
int rig_up_over(void **state, void (*make_db)(const char *path));
int rig_down(void **state);

void must(int r, const struct err *e);
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        struct err e = ERR_INIT;                                                                                       \
        must((call), &e);                                                                                              \
    } while (0)
#define NO(want, call)                                                                                                 \
    do {                                                                                                               \
        struct err e = ERR_INIT;                                                                                       \
        assert_int_equal((call), -(want));                                                                             \
        assert_int_equal(e.code, want);                                                                                \
        assert_true(e.msg[0] != '\0');                                                                                 \
    } while (0)

/* Parses text; freed by the next rig_json or rig_down. */
const struct json *rig_json(struct rig *, const char *text);
/* POST /runs with this body. */
struct id rig_run(struct rig *, const char *body);
const char *rig_state(struct rig *, const struct id *);
/* Claims the next run and says which phase it is in; fails when none is ready. */
struct lease rig_claim(struct rig *, const char *phase);
/* Through planning: to review, or queued for execution. */
void rig_planned(struct rig *, const struct id *);
/* Finishes a run that is queued to finish or finishing under lease. */
void rig_finish(struct rig *, const struct lease *);
int64_t rig_count(struct rig *, const char *sql);
/* Something the services never do, done behind their back. */
void rig_sql(struct rig *, const char *sql);
/* Mends what is found of this kind; how many. */
int rig_mend(struct rig *, enum mend, int64_t now_us);
