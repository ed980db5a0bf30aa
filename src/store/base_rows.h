/* base_rows - tenants, tokens, projects, policies, audit records, idempotency keys, nodes: typed rows and their SQL.
 *
 * The rules of run_rows.h hold here too. Lists ascend by id (policies: newest first); `after`: exclusive, NULL or none
 * = from the start; limit 0 = all. A tenant must exist (tenant_ensure) before anything of it: else ERR_NOT_FOUND.
 * tenant_ensure and node_seen may be repeated. */
#pragma once
#include "core/audit.h"
#include "store/store.h"

CHECKED int tenant_ensure(struct db *, const char *tenant, int64_t now_us, struct err *);

struct token_row {
    struct id id;
    char *tenant_id, *name, *scopes; /* scopes: space-separated, "run:read run:write" */
    char *hash;                      /* hex sha256 of the token's secret (256 bits of entropy: no slow hash needed) */
    int64_t created_us, expires_us, revoked_us, used_us; /* 0 = never / none */
};
void token_row_fini(struct token_row *);
CHECKED int token_insert(struct db *, const struct token_row *, struct err *);
/* Revoked and expired ones are found too: the caller looks at the times. */
CHECKED int token_by_hash(struct db *, const char *hash, struct token_row *ret, struct err *);
CHECKED int token_get(struct db *, const char *tenant, const struct id *, struct token_row *ret, struct err *);
/* A second time is no error; the first time stays. */
CHECKED int token_revoke(struct db *, const char *tenant, const struct id *, int64_t now_us, struct err *);
CHECKED int token_used(struct db *, const struct id *, int64_t now_us, struct err *);

/* Logins of the console. ERR_NOT_FOUND: no such login, or it has expired. */
CHECKED int login_insert(struct db *, const struct id *, const struct id *token, int64_t now_us, int64_t expires_us,
                         struct err *);
CHECKED int login_token(struct db *, const struct id *, int64_t now_us, struct token_row *ret, struct err *);
CHECKED int login_delete(struct db *, const struct id *, struct err *); /* of none: nothing to do */
/* Those that have expired, of any token; and all of this one but the newest `keep`. */
CHECKED int login_sweep(struct db *, const struct id *token, int keep, int64_t now_us, struct err *);

typedef int (*token_each)(void *arg, const struct token_row *, struct err *);
CHECKED int token_list(struct db *, const char *tenant, const struct id *after, int limit, token_each, void *arg,
                       struct err *);

struct project_row {
    struct id id;
    char *tenant_id, *name, *root_path; /* name unique per tenant among live ones; root_path canonical */
    char *settings;                     /* JSON object */
    int64_t created_us, removed_us;
    int64_t max_running; /* as in settings: of its runs, so many may be running at once; 0 = the server's default */
};
void project_row_fini(struct project_row *);
/* ERR_CONFLICT, field "name" or "root_path": taken */
CHECKED int project_insert(struct db *, const struct project_row *, struct err *);
/* removed ones too */
CHECKED int project_get(struct db *, const char *tenant, const struct id *, struct project_row *ret, struct err *);
/* live ones */
CHECKED int project_by_name(struct db *, const char *tenant, const char *name, struct project_row *ret, struct err *);
/* settings: JSON object. ERR_NOT_FOUND when removed */
CHECKED int project_set(struct db *, const char *tenant, const struct id *, const char *settings, int64_t max_running,
                        struct err *);
/* ERR_NOT_FOUND when removed already */
CHECKED int project_remove(struct db *, const char *tenant, const struct id *, int64_t now_us, struct err *);
typedef int (*project_each)(void *arg, const struct project_row *, struct err *);
CHECKED int project_list(struct db *, const char *tenant, const struct id *after, int limit, project_each, void *arg,
                         struct err *);

/* Of all tenants, removed ones too. */
CHECKED int project_list_all(struct db *, const struct id *after, int limit, project_each, void *arg, struct err *);

struct policy_row {
    char *tenant_id, *text, *sha256, *actor, *note;
    int64_t version, created_us;
};
void policy_row_fini(struct policy_row *);
/* version = last + 1 */
CHECKED int policy_row_insert(struct db *, const struct policy_row *, int64_t *ret_version, struct err *);
/* 0 = newest */
CHECKED int policy_row_get(struct db *, const char *tenant, int64_t version, struct policy_row *ret, struct err *);
typedef int (*policy_row_each)(void *arg, const struct policy_row *, struct err *);
CHECKED int policy_row_list(struct db *, const char *tenant, int64_t before, int limit, policy_row_each, void *arg,
                            struct err *);

/* Appends to the tenant's chain: assigns seq, computes record_hash and hash (core/audit). rec->seq is ignored. run:
 * NULL, none, or the run it belongs to. The database refuses to change or remove a record. */
CHECKED int audit_append(struct db *, const struct audit_rec *rec, const struct id *run, int64_t *ret_seq,
                         struct err *);
/* strings borrowed during each */
struct audit_row {
    struct audit_rec rec;
    struct id run_id;
    char record_hash[65], hash[65];
};
typedef int (*audit_each)(void *arg, const struct audit_row *, struct err *);
/* 0 / NULL = any; ascending, or from the newest on */
struct audit_filter {
    const char *tenant;
    int64_t after_seq, to_seq;
    const struct id *run;
    const char *action, *actor, *surface, *target;
    int64_t since_us, until_us; /* until_us itself not */
    bool newest;
    int limit;
};
CHECKED int audit_list(struct db *, const struct audit_filter *, audit_each, void *arg, struct err *);
/* seq 0 and zeros when empty */
CHECKED int audit_head(struct db *, const char *tenant, int64_t *ret_seq, char ret_hash[65], struct err *);

struct idem_row {
    char *tenant_id, *token_id, *route, *key; /* the scope and the key */
    char *request_hash;                       /* sha256 hex of method, path and body */
    int64_t status;                           /* HTTP status of the first answer; 0 = still being worked on */
    char *body, *media_type;
    int64_t created_us;
};
void idem_row_fini(struct idem_row *);
/* by its first four; ERR_NOT_FOUND */
CHECKED int idem_get(struct db *, const struct idem_row *key, struct idem_row *ret, struct err *);
CHECKED int idem_put(struct db *, const struct idem_row *, struct err *); /* insert; ERR_CONFLICT when there */
CHECKED int idem_purge(struct db *, int64_t before_us, int64_t *ret_n, struct err *);

CHECKED int node_seen(struct db *, const char *name, const char *version, int64_t now_us, struct err *);
