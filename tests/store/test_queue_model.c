/* Random operations on the queue, beside a model of it in fifty lines: after each, a claim takes what the model says,
 * and no token but the last one can write. The seed is printed; QUEUE_SEED repeats it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/str.h"
#include "fixture.h"
#include "store/queue_rows.h"

enum { RUNS = 24, PROJECTS = 3, STEPS = 4000, LEASE = 40 };
#define NODE "node-a"
static const char *const phases[] = {"plan", "execute", "apply", "finish"};

struct m_run {
    struct id id;
    bool queued, held;
    int project;
    const char *phase;
    int64_t priority, available, enqueued, lease_ends, attempts, failures;
    uint64_t token; /* of the last claim */
};
struct m_project {
    struct id id;
    const char *tenant;
    int64_t max;
    bool paused;
};
struct model {
    struct fixture *f;
    uint64_t rnd;
    int64_t now;
    struct m_run run[RUNS];
    struct m_project project[PROJECTS];
    struct queue_rules rules;
    bool paused;
};

static unsigned pick(struct model *m, unsigned n)
{
    m->rnd = m->rnd * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(m->rnd >> 33) % n;
}

/* ---- what a claim should do ---------------------------------------------- */

static int64_t running(const struct model *m, const struct m_project *p, const char *tenant)
{
    int64_t n = 0;
    for (int i = 0; i < RUNS; i++) {
        const struct m_run *r = &m->run[i];
        if (r->queued && r->held && str_eq(r->phase, "execute"))
            n += p ? &m->project[r->project] == p : str_eq(m->project[r->project].tenant, tenant);
    }
    return n;
}

static bool blocked(const struct model *m, const struct m_run *r)
{
    const struct m_project *p = &m->project[r->project];
    int64_t max = p->max ? p->max : m->rules.project_max;
    if (str_eq(r->phase, "finish"))
        return false;
    if (m->paused || p->paused)
        return true;
    if (!str_eq(r->phase, "execute"))
        return false;
    return (max && running(m, p, NULL) >= max) ||
           (m->rules.tenant_max && running(m, NULL, p->tenant) >= m->rules.tenant_max);
}

static bool ready(const struct model *m, const struct m_run *r)
{
    return r->queued && !r->held && r->available <= m->now;
}

/* Lane by lane, as the header tells it: lost, finish, then the smaller place of doors and runs, doors first when equal.
 */
static const struct m_run *expected(const struct model *m)
{
    const struct m_run *best = NULL;
    int64_t best_key[3] = {0};
    for (int i = 0; i < RUNS; i++) {
        const struct m_run *r = &m->run[i];
        bool lost = r->queued && r->held && r->lease_ends <= m->now;
        if (!lost && (!ready(m, r) || blocked(m, r)))
            continue;
        int64_t key[3] = {lost                         ? 0
                          : str_eq(r->phase, "finish") ? 1
                                                       : 2,
                          lost ? r->lease_ends : turn_rank_us(r->enqueued, r->priority),
                          lost || !str_eq(r->phase, "execute") ? 0 : 1};
        int c = 0;
        for (int k = 0; best && k < 3 && c == 0; k++)
            c = (key[k] > best_key[k]) - (key[k] < best_key[k]);
        if (best && (c > 0 || (c == 0 && strcmp(r->id.s, best->id.s) > 0)))
            continue;
        best = r;
        memcpy(best_key, key, sizeof key);
    }
    return best;
}

/* ---- the operations ------------------------------------------------------ */

static void take(struct model *m, struct m_run *r, uint64_t token)
{
    assert_true(token > r->token);
    r->token = token;
    r->held = true;
    r->available = 0;
    r->lease_ends = m->now + LEASE;
}

static void op_claim(struct model *m, struct db *db)
{
    struct m_run *want = (struct m_run *)expected(m);
    struct queue_row q = {0};
    struct err e = ERR_INIT;
    int r = queue_claim(db, &m->rules, "w", m->now, LEASE, &q, &e);
    if (!want) {
        assert_int_equal(r, -ERR_EMPTY);
        return;
    }
    must(r, &e);
    assert_string_equal(q.run_id.s, want->id.s);
    want->attempts += want->held;
    assert_int_equal(q.attempts, want->attempts);
    assert_int_equal(q.failures, want->failures);
    take(m, want, q.lease_token);
}

static void op_put(struct model *m, struct db *db, struct m_run *r)
{
    r->phase = phases[pick(m, 4)];
    r->available = pick(m, 3) ? 0 : m->now + pick(m, 60);
    OK(queue_put(db, &r->id, r->phase, r->available, m->now, &e));
    r->queued = true;
    r->held = false;
    r->attempts = r->failures = 0;
    r->enqueued = m->now;
}

/* What a worker does after a phase: queued, and on it goes where a claim would have taken it. */
static void op_go_on(struct model *m, struct db *db, struct m_run *r)
{
    bool kept = false, want;
    if (!r->queued || !r->held)
        return;
    r->phase = pick(m, 3) ? "execute" : "apply";
    r->held = false;
    r->available = r->attempts = r->failures = 0;
    r->enqueued = m->now;
    OK(queue_put(db, &r->id, r->phase, 0, m->now, &e));
    want = str_eq(r->phase, "apply");
    if (!want && !blocked(m, r)) {
        want = true;
        for (int i = 0; i < RUNS; i++) {
            const struct m_run *o = &m->run[i];
            if (o == r || !ready(m, o) || !str_eq(o->phase, "execute") || blocked(m, o))
                continue;
            int64_t a = turn_rank_us(o->enqueued, o->priority), b = turn_rank_us(r->enqueued, r->priority);
            if (a < b || (a == b && strcmp(o->id.s, r->id.s) < 0))
                want = false;
        }
    }
    OK(queue_go_on(db, &m->rules, &r->id, "w", r->token, m->now, LEASE, &kept, &e));
    assert_int_equal(kept, want);
    r->held = kept;
    if (kept)
        r->lease_ends = m->now + LEASE;
}

static void op_back(struct model *m, struct db *db, struct m_run *r)
{
    bool failed = pick(m, 2);
    if (!r->queued || !r->held)
        return;
    r->available = m->now + pick(m, 50);
    OK(queue_back(db, &r->id, r->phase, r->available, failed, "io_error", "x", &e));
    r->held = false;
    r->attempts += failed;
    r->failures += failed;
}

static void op_priority(struct model *m, struct db *db, struct m_run *r)
{
    int64_t p = (int64_t)pick(m, 3) - 1;
    struct err bad = ERR_INIT;
    int got = queue_set_priority(db, &r->id, p, &bad);
    AUTO(run_row_fini) struct run_row row = {0};
    assert_int_equal(got, r->queued ? 0 : -ERR_NOT_FOUND);
    OK(run_lock(db, NULL, &r->id, &row, &e));
    row.priority = r->priority = p;
    OK(run_save(db, &row, &e));
}

static void op_rules(struct model *m, struct db *db)
{
    struct m_project *p = &m->project[pick(m, PROJECTS)];
    struct queue_pause pause = {.since_us = pick(m, 3) ? 0 : 7};
    switch (pick(m, 4)) {
    case 0:
        m->paused = pause.since_us != 0;
        OK(queue_pause_node(db, NODE, &pause, &e));
        break;
    case 1:
        p->paused = pause.since_us != 0;
        OK(queue_pause_project(db, &p->id, &pause, &e));
        break;
    case 2:
        p->max = pick(m, 4);
        OK(project_set(db, p->tenant, &p->id, "{}", p->max, &e));
        break;
    default:
        m->rules.project_max = pick(m, 4);
        m->rules.tenant_max = pick(m, 5);
    }
}

static void op_end(struct model *m, struct db *db, struct m_run *r)
{
    OK(queue_delete(db, &r->id, &e));
    r->queued = r->held = false;
}

static void op_extend(struct model *m, struct db *db, struct m_run *r)
{
    struct err e = ERR_INIT;
    bool mine = r->queued && r->held;
    int got = queue_extend(db, &r->id, r->token, m->now + LEASE, &e);
    assert_int_equal(got, mine ? 0 : -ERR_LEASE);
    if (mine)
        r->lease_ends = m->now + LEASE;
}

/* Nobody but who holds it now may write. */
static void check_fence(struct model *m, struct db *db, const struct m_run *r)
{
    for (uint64_t t = r->token > 3 ? r->token - 3 : 0; t <= r->token + 1; t++) {
        struct err e = ERR_INIT;
        bool mine = r->queued && r->held && t == r->token && t;
        assert_int_equal(queue_fence(db, &r->id, t, &e), mine ? 0 : -ERR_LEASE);
    }
}

static int one_step(struct db *db, void *arg, struct err *err)
{
    struct model *m = arg;
    struct m_run *r = &m->run[pick(m, RUNS)];
    m->now += pick(m, 8);
    switch (pick(m, 16)) {
    case 0:
    case 1:
    case 2:
        op_put(m, db, r);
        break;
    case 3:
        op_go_on(m, db, r);
        break;
    case 4:
        op_back(m, db, r);
        break;
    case 5:
        op_priority(m, db, r);
        break;
    case 6:
        op_rules(m, db);
        break;
    case 7:
        op_end(m, db, r);
        break;
    case 8:
        op_extend(m, db, r);
        break;
    default:
        op_claim(m, db);
    }
    check_fence(m, db, r);
    return 0;
}

static int fill(struct db *db, void *arg, struct err *err)
{
    struct model *m = arg;
    struct project_row p = {.id = nth(ID_PROJECT, 3),
                            .tenant_id = (char *)T1,
                            .name = (char *)"second",
                            .root_path = (char *)"/src/2",
                            .settings = (char *)"{}"};
    OK(project_insert(db, &p, &e));
    OK(node_seen(db, NODE, "1", 1, &e));
    m->project[0] = (struct m_project){.id = m->f->project, .tenant = T1};
    m->project[1] = (struct m_project){.id = p.id, .tenant = T1};
    m->project[2] = (struct m_project){.id = m->f->project2, .tenant = T2};
    for (int i = 0; i < RUNS; i++) {
        struct run_row row = a_run(m->f, i + 1);
        m->run[i] = (struct m_run){.id = row.id, .project = i % PROJECTS};
        row.project_id = m->project[i % PROJECTS].id;
        row.tenant_id = (char *)m->project[i % PROJECTS].tenant;
        OK(run_insert(db, &row, &e));
    }
    return 0;
}

static void test_model(void **state)
{
    const char *given = getenv("QUEUE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    struct model m = {.f = *state, .rnd = seed, .now = 1000, .rules = {.node_name = NODE}};
    printf("QUEUE_SEED=%llu\n", (unsigned long long)seed);
    write_ok(m.f, fill, &m);
    for (int i = 0; i < STEPS; i++)
        write_ok(m.f, one_step, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_model, fixture_up, fixture_down)};
    return cmocka_run_group_tests_name("store/queue_model", tests, NULL, NULL);
}
