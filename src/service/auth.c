#include "service/auth.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/view.h"

#define USED_EVERY_US (60 * SEC_US) /* last use is noted at most once a minute */

static const struct {
    const char *name;
    unsigned bit, gives;
} scope_table[] = {
    {"run:read", SCOPE_RUN_READ, SCOPE_RUN_READ},
    {"run:write", SCOPE_RUN_WRITE, SCOPE_RUN_WRITE | SCOPE_RUN_READ},
    {"approve", SCOPE_APPROVE, SCOPE_APPROVE | SCOPE_RUN_READ},
    {"policy:read", SCOPE_POLICY_READ, SCOPE_POLICY_READ},
    {"policy:write", SCOPE_POLICY_WRITE, SCOPE_POLICY_WRITE | SCOPE_POLICY_READ},
    {"audit:read", SCOPE_AUDIT_READ, SCOPE_AUDIT_READ},
    {"project:write", SCOPE_PROJECT_WRITE, SCOPE_PROJECT_WRITE | SCOPE_RUN_READ},
    {"admin", SCOPE_ADMIN, ~0u},
};

const char *auth_scope_name(unsigned bit)
{
    for (size_t i = 0; i < ARRAY_LEN(scope_table); i++)
        if (scope_table[i].bit == bit)
            return scope_table[i].name;
    return "any";
}

int auth_scopes(const char *words, unsigned *ret, struct err *e)
{
    unsigned all = 0;

    while (*words) {
        size_t n = strcspn(words, " "), i;

        for (i = 0; i < ARRAY_LEN(scope_table); i++)
            if (strlen(scope_table[i].name) == n && memcmp(scope_table[i].name, words, n) == 0)
                break;
        if (n && i == ARRAY_LEN(scope_table))
            return err_field(e, ERR_INVALID, "scopes",
                             "\"%.*s\" is no scope: use run:read run:write approve policy:read policy:write audit:read "
                             "project:write admin",
                             (int)(n > 40 ? 40 : n), words);
        if (n)
            all |= scope_table[i].gives;
        words += n;
        words += strspn(words, " ");
    }
    if (!all)
        return err_field(e, ERR_INVALID, "scopes", "give at least one scope");
    *ret = all;
    return 0;
}

void auth_scopes_json(struct jw *w, unsigned scopes)
{
    jw_key(w, "scopes");
    jw_arr(w);
    for (size_t i = 0; i < ARRAY_LEN(scope_table); i++)
        if (scopes & scope_table[i].bit)
            jw_str(w, scope_table[i].name);
    jw_end_arr(w);
}

/* ---- look-up ----------------------------------------------------------- */

struct lookup {
    char hash[SHA256_HEX];
    const struct id *login;
    int64_t now_us;
    struct token_row row;
};

static int lookup_tx(struct db *db, void *arg, struct err *e)
{
    struct lookup *l = arg;

    token_row_fini(&l->row);
    l->row = (struct token_row){0};
    return l->login ? login_token(db, l->login, l->now_us, &l->row, e) : token_by_hash(db, l->hash, &l->row, e);
}

static int used_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(token_used);
    return token_used(db, arg, clock_now_us(), e);
}

static int check_end(const struct token_row *row, int64_t now, struct err *e)
{
    if (row->revoked_us)
        return err_set(e, ERR_UNAUTHORIZED, "the token was revoked");
    if (row->expires_us && row->expires_us <= now)
        return err_set(e, ERR_UNAUTHORIZED, "the token has expired");
    return 0;
}

/* Only a note for people who clean up old tokens: a failure here must not refuse the request. */
static void note_use(struct svc *svc, const struct token_row *row, int64_t now)
{
    struct err e = ERR_INIT;

    if (now - row->used_us > USED_EVERY_US && store_write(svc->store, used_tx, (void *)&row->id, &e) < 0)
        log_err(svc->log, LOG_LV_WARN, "auth", NULL, "note the token's use", &e);
}

/* unknown: what is said when there is no row. */
static int identify(struct svc *svc, struct lookup *l, const char *unknown, struct caller *c, struct err *e)
{
    struct err why = ERR_INIT;
    int r = store_read(svc->store, lookup_tx, l, &why);

    if (r == -ERR_NOT_FOUND)
        r = err_set(e, ERR_UNAUTHORIZED, "%s", unknown);
    else if (r == 0)
        r = check_end(&l->row, l->now_us, e);
    else if (e)
        *e = why;
    if (r == 0)
        r = auth_scopes(l->row.scopes, &c->scopes, e);
    if (r == 0) {
        snprintf(c->tenant, sizeof c->tenant, "%s", l->row.tenant_id);
        snprintf(c->actor, sizeof c->actor, "token:%s (%s)", l->row.id.s, l->row.name);
        snprintf(c->token_id, sizeof c->token_id, "%s", l->row.id.s);
        note_use(svc, &l->row, l->now_us);
    }
    token_row_fini(&l->row);
    return r;
}

int auth_token(struct svc *svc, const char *bearer, struct caller *c, struct err *e)
{
    struct lookup l = {.now_us = clock_now_us()};

    if (!str_starts(bearer, "sp_") || strlen(bearer) >= TOKEN_TEXT_MAX)
        return err_set(e, ERR_UNAUTHORIZED, NULL);
    sha256_hex_of(bearer, strlen(bearer), l.hash);
    return identify(svc, &l, "the token is not known: make one with `sallyport token new`", c, e);
}

int auth_login(struct svc *svc, const struct id *login, struct caller *c, struct err *e)
{
    struct lookup l = {.login = login, .now_us = clock_now_us()};

    return identify(svc, &l, "the login has ended: log in again", c, e);
}

/* ---- who it is --------------------------------------------------------- */

struct by_id {
    const char *tenant;
    struct id id;
    struct token_row row;
};

static int by_id_tx(struct db *db, void *arg, struct err *e)
{
    struct by_id *l = arg;

    token_row_fini(&l->row);
    l->row = (struct token_row){0};
    return token_get(db, l->tenant, &l->id, &l->row, e);
}

int auth_self_json(struct svc *svc, const struct caller *c, struct jw *w, struct err *e)
{
    struct by_id s = {.tenant = c->tenant};
    bool token = id_parse(ID_TOKEN, c->token_id, &s.id);
    int r = token ? store_read(svc->store, by_id_tx, &s, e) : 0;

    if (r == 0) {
        jw_obj(w);
        jw_kstr(w, "id", c->token_id);
        jw_kstr(w, "name", token ? s.row.name : c->actor);
        auth_scopes_json(w, c->scopes);
        jw_ktime(w, "expires_at", s.row.expires_us);
        jw_end_obj(w);
    }
    token_row_fini(&s.row);
    return r;
}

int auth_token_lives(struct svc *svc, const char *tenant, const char *token_id, struct err *e)
{
    struct by_id l = {.tenant = tenant};
    int r;

    if (!id_parse(ID_TOKEN, token_id, &l.id))
        return err_set(e, ERR_UNAUTHORIZED, NULL);
    r = store_read(svc->store, by_id_tx, &l, e);
    if (r == -ERR_NOT_FOUND)
        r = err_set(e, ERR_UNAUTHORIZED, "the token is not known any more");
    else if (r == 0)
        r = check_end(&l.row, clock_now_us(), e);
    token_row_fini(&l.row);
    return r;
}

/* ---- making ------------------------------------------------------------ */

static void token_text(char ret[TOKEN_TEXT_MAX])
{
    uint8_t rnd[32];

    random_bytes(rnd, sizeof rnd);
    memcpy(ret, "sp_", 3);
    b64url_encode(rnd, sizeof rnd, ret + 3);
    secure_wipe(rnd, sizeof rnd);
}

struct make {
    struct caller *c;
    struct token_row row;
    const char *text;
    bool first, made;
};

static int count_each(void *arg, const struct token_row *row, struct err *e)
{
    (*(int *)arg)++;
    return 0;
}

static int make_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(token_make);
    struct make *m = arg;
    struct jw w;
    int n = 0, r;

    r = tenant_ensure(db, m->c->tenant, m->row.created_us, e);
    if (r == 0 && m->first)
        r = token_list(db, m->c->tenant, NULL, 1, count_each, &n, e);
    if (r < 0)
        return r;
    if (n)
        return 0;
    m->made = true;
    r = token_insert(db, &m->row, e);
    if (r == 0)
        r = caller_audit(db, m->c, "token.created", m->row.id.s, NULL, NULL, e);
    if (r < 0)
        return r;
    w = caller_reply(m->c);
    view_token_open(&w, &m->row);
    /* The secret is in the answer but never in the stored copy of it: the stored reply is what a replay gives,
     * so it is written without the token. */
    jw_kstr(&w, "token", NULL);
    jw_end_obj(&w);
    return caller_commit(db, m->c, 201, e);
}

static int make_token(struct svc *svc, struct make *m, const char *name, const char *scopes, int64_t expires_us,
                      const char *text, struct err *e)
{
    char hash[SHA256_HEX];

    sha256_hex_of(text, strlen(text), hash);
    m->row = (struct token_row){
        .id = id_new(ID_TOKEN),
        .tenant_id = m->c->tenant,
        .name = (char *)name, /* borrowed: the insert only reads */
        .scopes = (char *)scopes,
        .hash = hash,
        .created_us = clock_now_us(),
        .expires_us = expires_us,
    };
    return store_write(svc->store, make_tx, m, e);
}

int auth_token_new(struct svc *svc, struct caller *c, const char *name, const char *scopes, int64_t expires_in_ms,
                   struct err *e)
{
    struct make m = {.c = c};
    char text[TOKEN_TEXT_MAX];
    unsigned bits;
    struct jw w;
    int r = auth_scopes(scopes, &bits, e);

    if (r < 0)
        return r;
    token_text(text);
    r = make_token(svc, &m, name, scopes, expires_in_ms ? clock_now_us() + expires_in_ms * MS_US : 0, text, e);
    if (r == 0) {
        w = caller_reply(c);
        view_token_open(&w, &m.row);
        jw_kstr(&w, "token", text);
        jw_end_obj(&w);
    }
    secure_wipe(text, sizeof text);
    return r;
}

static int any_tx(struct db *db, void *arg, struct err *e)
{
    return token_list(db, "default", NULL, 1, count_each, arg, e);
}

/* The file comes first: killed in between, the next start finds no token stored, and writes both anew. */
static int write_and_store(struct svc *svc, struct make *m, struct err *e)
{
    char text[TOKEN_TEXT_MAX], line[TOKEN_TEXT_MAX + 1];
    int n, r;

    token_text(text);
    n = snprintf(line, sizeof line, "%s\n", text);
    r = file_replace(svc->data_fd, "admin-token", line, (size_t)n, 0600, e);
    if (r == 0)
        r = make_token(svc, m, "admin", "admin", 0, text, e);
    secure_wipe(text, sizeof text);
    secure_wipe(line, sizeof line);
    return r;
}

int auth_first_token(struct svc *svc, bool *ret_made, struct err *e)
{
    struct caller c;
    struct make m = {.c = &c, .first = true};
    int n = 0, r = store_read(svc->store, any_tx, &n, e);

    if (r < 0 || n)
        return r;
    caller_system(&c, "default", "system", NULL);
    r = write_and_store(svc, &m, e);
    caller_fini(&c);
    if (r == 0)
        *ret_made = m.made;
    return r;
}

/* ---- list and revoke --------------------------------------------------- */

struct revoke {
    struct caller *c;
    const struct id *id;
};

static int revoke_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(token_revoke);
    struct revoke *v = arg;
    int r = token_revoke(db, v->c->tenant, v->id, clock_now_us(), e);

    if (r == 0)
        r = caller_audit(db, v->c, "token.revoked", v->id->s, NULL, NULL, e);
    if (r < 0)
        return r;
    caller_reply(v->c);
    return caller_commit(db, v->c, 204, e);
}

int auth_token_revoke(struct svc *svc, struct caller *c, const struct id *id, struct err *e)
{
    struct revoke v = {c, id};

    return store_write(svc->store, revoke_tx, &v, e);
}

struct list {
    const char *tenant;
    const struct id *after;
    struct view_page page;
    struct jw *w;
};

static int list_each(void *arg, const struct token_row *row, struct err *e)
{
    struct list *l = arg;

    view_token_open(l->w, row);
    jw_end_obj(l->w);
    view_page_item(&l->page, &row->id);
    return 0;
}

static int list_tx(struct db *db, void *arg, struct err *e)
{
    struct list *l = arg;

    return token_list(db, l->tenant, l->after, l->page.limit, list_each, l, e);
}

int auth_token_list_json(struct svc *svc, const char *tenant, const struct id *after, int limit, struct jw *w,
                         struct err *e)
{
    struct list l = {.tenant = tenant, .after = after, .page = {.limit = limit}, .w = w};
    int r;

    view_page_open(w);
    r = store_read(svc->store, list_tx, &l, e);
    view_page_close(w, &l.page);
    return r;
}
