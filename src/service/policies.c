#include "service/policies.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "store/base_rows.h"

#define CACHE_MAX 32

struct policy_use {
    char tenant[64];
    int64_t version;
    struct policy *policy;
    int refs; /* under policies.mu; the cache holds one */
    struct policies *owner;
};

struct policies {
    pthread_mutex_t mu;
    struct store *store;
    struct policy_use *cache[CACHE_MAX]; /* one per tenant, replaced when a newer version is seen */
    unsigned turn;
};

int policies_new(struct store *store, struct policies **ret, struct err *e)
{
    struct policies *ps = calloc(1, sizeof *ps);

    if (!ps)
        return err_oom(e);
    pthread_mutex_init(&ps->mu, NULL);
    ps->store = store;
    *ret = ps;
    return 0;
}

static void use_unref_locked(struct policy_use *u)
{
    if (u && --u->refs == 0) {
        policy_free(u->policy);
        free(u);
    }
}

void policies_free(struct policies *ps)
{
    if (!ps)
        return;
    for (size_t i = 0; i < CACHE_MAX; i++)
        use_unref_locked(ps->cache[i]);
    pthread_mutex_destroy(&ps->mu);
    free(ps);
}

void policy_use_end(struct policy_use *u)
{
    struct policies *ps;

    if (!u)
        return;
    ps = u->owner;
    pthread_mutex_lock(&ps->mu);
    use_unref_locked(u);
    pthread_mutex_unlock(&ps->mu);
}

const struct policy *policy_use_policy(const struct policy_use *u)
{
    return u->policy;
}

int64_t policy_use_version(const struct policy_use *u)
{
    return u->version;
}

static struct policy_use *cache_find(struct policies *ps, const char *tenant, int64_t version)
{
    struct policy_use *found = NULL;

    pthread_mutex_lock(&ps->mu);
    for (size_t i = 0; i < CACHE_MAX && !found; i++)
        if (ps->cache[i] && ps->cache[i]->version == version && str_eq(ps->cache[i]->tenant, tenant)) {
            found = ps->cache[i];
            found->refs++;
        }
    pthread_mutex_unlock(&ps->mu);
    return found;
}

static void cache_put(struct policies *ps, struct policy_use *u)
{
    size_t slot = CACHE_MAX;

    pthread_mutex_lock(&ps->mu);
    for (size_t i = 0; i < CACHE_MAX; i++)
        if (ps->cache[i] && str_eq(ps->cache[i]->tenant, u->tenant))
            slot = i;
    if (slot == CACHE_MAX)
        slot = ps->turn++ % CACHE_MAX;
    use_unref_locked(ps->cache[slot]);
    ps->cache[slot] = u;
    u->refs++;
    pthread_mutex_unlock(&ps->mu);
}

static int newest(struct db *db, const char *tenant, struct policy_row *row, struct err *e)
{
    struct err e2 = ERR_INIT;
    int r = policy_row_get(db, tenant, 0, row, &e2);

    if (r == -ERR_NOT_FOUND)
        return 0; /* none stored yet: version 0, the built-in default */
    if (r < 0 && e)
        *e = e2;
    return r;
}

int policies_use(struct policies *ps, struct db *db, const char *tenant, struct policy_use **ret, struct err *e)
{
    AUTO(policy_row_fini) struct policy_row row = {0};
    struct policy_use *u;
    int r = newest(db, tenant, &row, e);

    if (r < 0)
        return r;
    u = cache_find(ps, tenant, row.version);
    if (u) {
        *ret = u;
        return 0;
    }
    u = calloc(1, sizeof *u);
    if (!u)
        return err_oom(e);
    *u = (struct policy_use){.version = row.version, .refs = 1, .owner = ps};
    if (!str_copy(u->tenant, sizeof u->tenant, tenant))
        r = err_set(e, ERR_INVALID, "the tenant's name is too long");
    else if (row.text)
        r = policy_parse(row.text, strlen(row.text), &u->policy, NULL, e);
    else
        r = policy_default(&u->policy, e);
    if (r < 0) {
        free(u);
        return err_wrap(e, r, "policy version %lld", (long long)row.version);
    }
    cache_put(ps, u);
    *ret = u;
    return 0;
}

/* ---- versions ---------------------------------------------------------- */

static void row_members(const struct policy_row *row, bool with_text, struct jw *w)
{
    jw_kint(w, "version", row->version);
    if (with_text)
        jw_kstr(w, "text", row->text);
    jw_kstr(w, "sha256", row->sha256);
    jw_kstr(w, "actor", row->actor);
    jw_kstr(w, "note", row->note);
    jw_ktime(w, "created_at", row->created_us);
}

static void row_json(const struct policy_row *row, bool with_text, struct jw *w)
{
    jw_obj(w);
    row_members(row, with_text, w);
    jw_end_obj(w);
}

/* With the rules as this server reads them, so that no client needs a reading of its own. */
static int read_json(const struct policy_row *row, struct jw *w, struct err *e)
{
    AUTO_PTR(policy_free) struct policy *p = NULL;
    AUTO(buf_fini) struct buf document = BUF_INIT(8 * POLICY_TEXT_MAX);
    struct err e2 = ERR_INIT;
    int r = policy_parse(row->text, strlen(row->text), &p, NULL, &e2);

    if (r == 0)
        r = policy_canonical(p, &document, &e2);
    if (r < 0 && r != -ERR_INVALID) {
        *e = e2;
        return r;
    }
    jw_obj(w);
    row_members(row, true, w);
    jw_key(w, "document");
    if (r == 0)
        jw_raw(w, document.p, document.len);
    else
        jw_null(w);
    jw_end_obj(w);
    return 0;
}

struct put {
    struct caller *c;
    struct policy_row row;
    int64_t base;
};

static int put_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(policy_put);
    struct put *p = arg;
    AUTO(policy_row_fini) struct policy_row now = {0};
    AUTO(buf_fini) struct buf data = BUF_INIT(1 * KIB);
    struct jw w = JW_INIT(&data);
    int r = newest(db, p->c->tenant, &now, e);

    if (r < 0)
        return r;
    if (p->base >= 0 && p->base != now.version)
        return err_field(e, ERR_CONFLICT, "base_version", "the newest version is %lld: read it and try again",
                         (long long)now.version);
    r = policy_row_insert(db, &p->row, &p->row.version, e);
    if (r < 0)
        return r;
    jw_obj(&w);
    jw_kint(&w, "version", p->row.version);
    jw_kstr(&w, "sha256", p->row.sha256);
    jw_end_obj(&w);
    r = data.bad ? err_oom(e) : caller_audit(db, p->c, "policy.updated", "policy", data.p, NULL, e);
    if (r < 0)
        return r;
    w = caller_reply(p->c);
    row_json(&p->row, true, &w);
    return caller_commit(db, p->c, 201, e);
}

int policies_put(struct svc *svc, struct caller *c, const char *text, size_t n, int64_t base_version, const char *note,
                 struct policy_problems *problems, struct err *e)
{
    AUTO_PTR(policy_free) struct policy *pol = NULL;
    struct put p = {.c = c, .base = base_version};
    char sum[SHA256_HEX];
    int r = policy_parse(text, n, &pol, problems, e);

    if (r < 0)
        return r;
    sha256_hex_of(text, n, sum);
    p.row = (struct policy_row){
        .tenant_id = c->tenant,
        .text = (char *)text, /* borrowed: the insert only reads */
        .sha256 = sum,
        .actor = c->actor,
        .note = (char *)note,
        .created_us = clock_now_us(),
    };
    return store_write(svc->store, put_tx, &p, e);
}

struct get {
    const char *tenant;
    int64_t version;
    int limit;
    struct jw *w;
    int64_t last;
    int n;
};

static int get_tx(struct db *db, void *arg, struct err *e)
{
    struct get *g = arg;
    AUTO(policy_row_fini) struct policy_row row = {0};
    int r = 0;

    if (g->version != 0)
        r = g->version < 0 ? newest(db, g->tenant, &row, e) : policy_row_get(db, g->tenant, g->version, &row, e);
    if (r < 0)
        return r;
    if (!row.text) {
        char sum[SHA256_HEX];
        const char *text = policy_default_text();

        sha256_hex_of(text, strlen(text), sum);
        return read_json(&(struct policy_row){.text = (char *)text, .sha256 = sum, .actor = (char[]){"built-in"}}, g->w,
                         e);
    }
    return read_json(&row, g->w, e);
}

int policies_get_json(struct svc *svc, const char *tenant, int64_t version, struct jw *w, struct err *e)
{
    struct get g = {.tenant = tenant, .version = version, .w = w};

    return store_read(svc->store, get_tx, &g, e);
}

static int list_each(void *arg, const struct policy_row *row, struct err *e)
{
    struct get *g = arg;

    row_json(row, false, g->w);
    g->last = row->version;
    g->n++;
    return 0;
}

static int list_tx(struct db *db, void *arg, struct err *e)
{
    struct get *g = arg;

    return policy_row_list(db, g->tenant, g->version, g->limit, list_each, g, e);
}

int policies_list_json(struct svc *svc, const char *tenant, int64_t before, int limit, struct jw *w, struct err *e)
{
    struct get g = {.tenant = tenant, .version = before, .limit = limit, .w = w};
    int r;

    jw_obj(w);
    jw_key(w, "items");
    jw_arr(w);
    r = store_read(svc->store, list_tx, &g, e);
    if (r < 0)
        return r;
    jw_end_arr(w);
    jw_key(w, "next");
    if (g.n == limit && g.last > 1)
        jw_int(w, g.last);
    else
        jw_null(w);
    jw_end_obj(w);
    return 0;
}

/* ---- try a command ----------------------------------------------------- */

static void verdict_json(const struct verdict *v, int64_t version, struct jw *w)
{
    jw_obj(w);
    jw_kstr(w, "decision", policy_decision_name(v->decision));
    jw_kstr(w, "rule", v->rule);
    jw_kstr(w, "reason", v->reason);
    jw_kstr(w, "piece", v->piece && v->piece[0] ? v->piece : NULL);
    jw_kint(w, "policy_version", version);
    for (int opaque = 0; opaque < 2; opaque++) {
        jw_key(w, opaque ? "opaque" : "commands");
        jw_arr(w);
        for (size_t i = 0; i < v->nparts; i++) {
            const struct verdict_part *p = &v->parts[i];

            if (p->opaque != (bool)opaque)
                continue;
            jw_obj(w);
            jw_kstr(w, "text", p->text);
            jw_kstr(w, "decision", policy_decision_name(p->decision));
            jw_kstr(w, "rule", p->rule);
            jw_kstr(w, "reason", p->reason);
            jw_kstr(w, "through", p->how);
            jw_end_obj(w);
        }
        jw_end_arr(w);
    }
    jw_end_obj(w);
}

struct test {
    struct svc *svc;
    const char *tenant;
    struct policy_use *use;
};

static int use_tx(struct db *db, void *arg, struct err *e)
{
    struct test *t = arg;

    return policies_use(t->svc->policies, db, t->tenant, &t->use, e);
}

static int judge_any(const struct policy *pol, const char *command, const struct json *argv, const char *cwd,
                     struct verdict *v, struct err *e)
{
    struct policy_place place = {.cwd = cwd};
    const char *words[256];
    size_t n = json_len(argv);

    if (command)
        return policy_judge_command(pol, command, strlen(command), &place, v, e);
    if (n == 0 || n > ARRAY_LEN(words))
        return err_field(e, ERR_INVALID, "argv", "give 1 to %zu words", ARRAY_LEN(words));
    for (size_t i = 0; i < n; i++) {
        words[i] = json_str(json_at(argv, i));
        if (!words[i])
            return err_field(e, ERR_INVALID, "argv", "every item must be a string");
    }
    return policy_judge_argv(pol, words, n, &place, v, e);
}

int policies_test_json(struct svc *svc, const char *tenant, const char *command, const struct json *argv,
                       const char *cwd, const char *text, struct policy_problems *problems, struct jw *w, struct err *e)
{
    AUTO_PTR(policy_free) struct policy *own = NULL;
    AUTO_PTR(policy_use_end) struct policy_use *use = NULL;
    AUTO(verdict_fini) struct verdict v = VERDICT_INIT;
    struct test t = {.svc = svc, .tenant = tenant};
    int r;

    if (text) {
        r = policy_parse(text, strlen(text), &own, problems, e);
    } else {
        r = store_read(svc->store, use_tx, &t, e);
        use = t.use;
    }
    if (r < 0)
        return r;
    r = judge_any(own ? own : policy_use_policy(use), command, argv, cwd, &v, e);
    if (r < 0)
        return r;
    verdict_json(&v, use ? policy_use_version(use) : policy_version(own), w);
    return 0;
}
