#include "service/logins.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "service/auth.h"
#include "service/secrets.h"
#include "store/base_rows.h"

#define OWNER      "login"
#define SEALED_MAX (LOGIN_COOKIE_MAX * 3 / 4)

struct logins {
    struct secrets *cookie, *proof;
    int64_t lifetime_us;
};

int logins_new(const struct secrets *s, int64_t lifetime_ms, struct logins **ret, struct err *e)
{
    struct logins *l = calloc(1, sizeof *l);
    int r = l ? 0 : err_oom(e);

    if (r == 0)
        r = secrets_derive(s, "sallyport console: cookies", &l->cookie, e);
    if (r == 0)
        r = secrets_derive(s, "sallyport console: proofs", &l->proof, e);
    if (r < 0) {
        logins_free(l);
        return r;
    }
    l->lifetime_us = lifetime_ms * MS_US;
    *ret = l;
    return 0;
}

void logins_free(struct logins *l)
{
    if (!l)
        return;
    secrets_close(l->cookie);
    secrets_close(l->proof);
    free(l);
}

/* ---- the pair ---------------------------------------------------------- */

static void proof_of(const struct logins *l, const char *cookie, size_t n, char ret[LOGIN_PROOF_MAX])
{
    unsigned char mac[SECRETS_MAC];

    secrets_mac(l->proof, cookie, n, mac);
    b64url_encode(mac, sizeof mac, ret);
}

int login_make(const struct logins *l, const struct id *login, int64_t now_us, struct login_pair *ret, struct err *e)
{
    struct login_pair p = {.max_age_s = l->lifetime_us / SEC_US};
    char text[64];
    int n = snprintf(text, sizeof text, "%s %" PRId64, login->s, now_us);
    void *sealed = NULL;
    size_t len;
    int r = secrets_seal(l->cookie, OWNER, text, (size_t)n, &sealed, &len, e);

    if (r < 0)
        return r;
    assert(b64url_len(len) < sizeof p.cookie);
    b64url_encode(sealed, len, p.cookie);
    free(sealed);
    proof_of(l, p.cookie, strlen(p.cookie), p.proof);
    *ret = p;
    return 0;
}

/* "lgn_… 1700000000000000" */
static bool read_cookie(const char *text, struct id *ret, int64_t *ret_us)
{
    char id[sizeof ret->s];
    const char *space = strchr(text, ' ');

    if (!space || (size_t)(space - text) >= sizeof id)
        return false;
    memcpy(id, text, (size_t)(space - text));
    id[space - text] = '\0';
    return id_parse(ID_LOGIN, id, ret) && str_i64(space + 1, ret_us);
}

static int unseal(const struct logins *l, const char *cookie, size_t n, struct id *ret, int64_t *ret_us)
{
    unsigned char raw[SEALED_MAX];
    struct err why = ERR_INIT;
    char *text = NULL;
    size_t len;
    long k = n < LOGIN_COOKIE_MAX ? b64url_decode(cookie, n, raw) : -1;
    bool ok = k >= 0 && secrets_unseal(l->cookie, OWNER, raw, (size_t)k, &text, &len, &why) == 0 &&
              read_cookie(text, ret, ret_us);

    free(text);
    return ok ? 0 : -1;
}

int login_check(const struct logins *l, const char *cookie, size_t n, const char *proof, int64_t now_us, struct id *ret,
                struct err *e)
{
    char want[LOGIN_PROOF_MAX];
    struct id id;
    int64_t begun;

    if (n >= LOGIN_COOKIE_MAX)
        return err_set(e, ERR_UNAUTHORIZED, "that is no login of this server: log in again");
    proof_of(l, cookie, n, want);
    if (strlen(proof) != strlen(want) || sodium_memcmp(proof, want, strlen(want)) != 0)
        return err_field(e, ERR_UNAUTHORIZED, "Sallyport-CSRF", "that does not belong to this login: log in again");
    if (unseal(l, cookie, n, &id, &begun) < 0)
        return err_set(e, ERR_UNAUTHORIZED, "that is no login of this server: log in again");
    if (now_us - begun >= l->lifetime_us)
        return err_set(e, ERR_UNAUTHORIZED, "the login has expired: log in again");
    *ret = id;
    return 0;
}

/* ---- begin and end ----------------------------------------------------- */

struct change {
    const struct caller *c;
    const struct id *login;
    struct id token;
    int64_t now_us, expires_us;
};

static int begin_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(login);
    struct change *b = arg;
    int r = login_sweep(db, &b->token, LOGINS_PER_TOKEN - 1, b->now_us, e);

    if (r == 0)
        r = login_insert(db, b->login, &b->token, b->now_us, b->expires_us, e);
    return r < 0 ? r : caller_audit(db, b->c, "console.login", b->login->s, NULL, NULL, e);
}

int login_begin(struct svc *svc, const struct caller *c, struct login_pair *ret, struct err *e)
{
    struct id id = id_new(ID_LOGIN);
    struct change b = {.c = c, .login = &id, .now_us = clock_now_us()};
    struct login_pair pair;
    int r;

    if (!id_parse(ID_TOKEN, c->token_id, &b.token))
        return err_set(e, ERR_INVALID, "a login is by a token");
    b.expires_us = b.now_us + svc->logins->lifetime_us;
    r = login_make(svc->logins, &id, b.now_us, &pair, e);
    if (r == 0)
        r = store_write(svc->store, begin_tx, &b, e);
    if (r == 0)
        *ret = pair;
    return r;
}

static int end_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(logout);
    struct change *x = arg;
    int r = login_delete(db, x->login, e);

    return r < 0 ? r : caller_audit(db, x->c, "console.logout", x->login->s, NULL, NULL, e);
}

int login_end(struct svc *svc, const struct id *login, const struct caller *c, struct err *e)
{
    struct change x = {.c = c, .login = login};

    return store_write(svc->store, end_tx, &x, e);
}

int login_caller(struct svc *svc, const struct id *login, struct caller *c, struct err *e)
{
    int r = auth_login(svc, login, c, e);

    if (r == 0)
        c->surface = "console";
    return r;
}
