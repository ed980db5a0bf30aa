#include "service/audits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/base_rows.h"

#define BATCH         500
#define HEAD_TEXT_MAX 128

struct audits {
    struct store *store;
    int dir_fd;
    pthread_mutex_t mu; /* one signer at a time */
    int64_t signed_seq; /* of the last tenant signed; a cache, not a truth */
    char signed_tenant[64];
    unsigned char pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
};

static int load_key(struct audits *a, struct err *e)
{
    AUTO(fd_close) int fd = openat(a->dir_fd, "key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char hex[2 * crypto_sign_PUBLICKEYBYTES + 2];
    struct stat st;
    int r;

    if (fd >= 0) {
        if (fstat(fd, &st) < 0 || (st.st_mode & 077) || st.st_size != (off_t)sizeof a->sk)
            return err_set(e, ERR_CONFIG, "audit/key in the data directory is damaged or readable by others");
        r = fd_pread_full(fd, a->sk, sizeof a->sk, 0, e);
        if (r == 0)
            crypto_sign_ed25519_sk_to_pk(a->pk, a->sk);
        return r;
    }
    if (errno != ENOENT)
        return err_sys(e, ERR_IO, "open audit/key");
    crypto_sign_keypair(a->pk, a->sk);
    r = file_replace(a->dir_fd, "key", a->sk, sizeof a->sk, 0600, e);
    if (r < 0)
        return r;
    hex_encode(a->pk, sizeof a->pk, hex);
    hex[2 * sizeof a->pk] = '\n';
    return file_replace(a->dir_fd, "public", hex, 2 * sizeof a->pk + 1, 0644, e);
}

int audits_open(int data_fd, struct store *store, struct audits **ret, struct err *e)
{
    struct audits *a;
    int r;

    if (sodium_init() < 0)
        return err_set(e, ERR_INTERNAL, "libsodium cannot be initialised");
    a = calloc(1, sizeof *a);
    if (!a)
        return err_oom(e);
    a->store = store;
    a->dir_fd = -1;
    pthread_mutex_init(&a->mu, NULL);
    r = dir_make(data_fd, "audit", &a->dir_fd, e);
    if (r == 0)
        r = load_key(a, e);
    if (r < 0) {
        audits_close(a);
        return r;
    }
    *ret = a;
    return 0;
}

void audits_close(struct audits *a)
{
    if (!a)
        return;
    fd_close(&a->dir_fd);
    pthread_mutex_destroy(&a->mu);
    secure_wipe(a, sizeof *a);
    free(a);
}

/* ---- heads ------------------------------------------------------------- */

struct head {
    const char *tenant;
    int64_t seq;
    char hash[65];
};

static int head_tx(struct db *db, void *arg, struct err *e)
{
    struct head *h = arg;

    return audit_head(db, h->tenant, &h->seq, h->hash, e);
}

static int head_text(char ret[HEAD_TEXT_MAX], int64_t seq, const char *hash)
{
    return snprintf(ret, HEAD_TEXT_MAX, "sallyport-audit-head\n%lld\n%s", (long long)seq, hash);
}

static void sign_json(const struct audits *a, const struct head *h, struct jw *w)
{
    unsigned char sig[crypto_sign_BYTES];
    char hex[2 * crypto_sign_BYTES + 1], text[HEAD_TEXT_MAX];
    int n = head_text(text, h->seq, h->hash);

    crypto_sign_detached(sig, NULL, (const unsigned char *)text, (unsigned long long)n, a->sk);
    jw_obj(w);
    jw_kstr(w, "tenant_id", h->tenant);
    jw_kint(w, "seq", h->seq);
    jw_kstr(w, "hash", h->hash);
    jw_ktime(w, "time", clock_now_us());
    hex_encode(a->pk, sizeof a->pk, hex);
    jw_kstr(w, "public_key", hex);
    hex_encode(sig, sizeof sig, hex);
    jw_kstr(w, "signature", hex);
    jw_end_obj(w);
}

int audits_head_json(struct audits *a, const char *tenant, struct jw *w, struct err *e)
{
    struct head h = {.tenant = tenant};
    int r = store_read(a->store, head_tx, &h, e);

    if (r < 0)
        return r;
    sign_json(a, &h, w);
    return 0;
}

static void head_name(char ret[96], const char *tenant)
{
    snprintf(ret, 96, "%s.head", tenant); /* tenants are [a-z0-9-]: checked where they are made */
}

int audits_check_head(const struct json *head, const char *public_hex, struct err *e)
{
    unsigned char sig[crypto_sign_BYTES], pk[crypto_sign_PUBLICKEYBYTES];
    const char *hash = json_str(json_get(head, "hash")), *s = json_str(json_get(head, "signature"));
    const char *k = json_str(json_get(head, "public_key"));
    char text[HEAD_TEXT_MAX];
    int n;

    if (sodium_init() < 0)
        return err_set(e, ERR_INTERNAL, "libsodium cannot be initialised");
    if (!hash || strlen(hash) != 64 || !s || strlen(s) != 2 * sizeof sig || !hex_decode(s, sig, sizeof sig) || !k ||
        strlen(k) != 2 * sizeof pk || !hex_decode(k, pk, sizeof pk))
        return err_set(e, ERR_AUDIT_BROKEN, "the head is not a signed head");
    if (public_hex && !str_eq(public_hex, k))
        return err_set(e, ERR_AUDIT_BROKEN, "the head is signed by another key (%.16s…)", k);
    n = head_text(text, json_int(json_get(head, "seq")), hash);
    if (crypto_sign_verify_detached(sig, (const unsigned char *)text, (unsigned long long)n, pk) != 0)
        return err_set(e, ERR_AUDIT_BROKEN, "the signature of the head is wrong");
    return 0;
}

struct hash_at {
    const char *tenant;
    int64_t seq;
    char hash[65];
};

static int hash_each(void *arg, const struct audit_row *row, struct err *e)
{
    struct hash_at *p = arg;

    memcpy(p->hash, row->hash, sizeof p->hash);
    return 0;
}

static int hash_tx(struct db *db, void *arg, struct err *e)
{
    struct hash_at *p = arg;
    struct audit_filter f = {.tenant = p->tenant, .after_seq = p->seq - 1, .to_seq = p->seq, .limit = 1};

    return audit_list(db, &f, hash_each, p, e);
}

static int stored_head(struct audits *a, const char *tenant, struct json **ret, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    char name[96], pk[2 * crypto_sign_PUBLICKEYBYTES + 1];
    struct err e2 = ERR_INIT;
    int r;

    head_name(name, tenant);
    if (faccessat(a->dir_fd, name, F_OK, 0) < 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_IO, "look for the signed head"); /* 0: not signed yet */
    r = file_read(a->dir_fd, name, &b, &e2);
    if (r == 0)
        r = json_parse(b.p, b.len, ret, &e2);
    if (r == -ERR_OOM || r == -ERR_IO) /* ours, and nothing that the file says */
        return err_set(e, -r, "the signed head cannot be read: %s", e2.msg);
    if (r < 0)
        return err_set(e, ERR_AUDIT_BROKEN, "the signed head cannot be read: %s", e2.msg);
    hex_encode(a->pk, sizeof a->pk, pk);
    return audits_check_head(*ret, pk, e);
}

/* The head signed last must still be in the chain: to sign over it would hide what was cut off or rewritten meanwhile.
 * *ret is that head, NULL when there is none yet. */
static int last_head_holds(struct audits *a, const char *tenant, struct json **ret, struct err *e)
{
    struct hash_at at = {.tenant = tenant};
    int r = stored_head(a, tenant, ret, e);

    if (r < 0 || !*ret)
        return r;
    at.seq = json_int(json_get(*ret, "seq"));
    if (at.seq <= 0)
        return 0;
    r = store_read(a->store, hash_tx, &at, e);
    if (r == 0 && !str_eq(at.hash, json_str(json_get(*ret, "hash"))))
        r = err_set(e, ERR_AUDIT_BROKEN,
                    "record %lld is not the one that was signed last: the trail was cut off or rewritten",
                    (long long)at.seq);
    return r;
}

int audits_sign_head(struct audits *a, const char *tenant, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    struct jw w = JW_INIT(&b);
    AUTO_PTR(json_free) struct json *last = NULL;
    struct head h = {.tenant = tenant};
    char name[96];
    int r;

    pthread_mutex_lock(&a->mu);
    r = store_read(a->store, head_tx, &h, e);
    if (r == 0 && !(h.seq == a->signed_seq && str_eq(a->signed_tenant, tenant))) {
        r = last_head_holds(a, tenant, &last, e);
        if (r < 0) {
            pthread_mutex_unlock(&a->mu);
            return r;
        }
        sign_json(a, &h, &w);
        buf_addc(&b, '\n');
        head_name(name, tenant);
        r = b.bad ? err_oom(e) : file_replace(a->dir_fd, name, b.p, b.len, 0600, e);
        if (r == 0) {
            a->signed_seq = h.seq;
            snprintf(a->signed_tenant, sizeof a->signed_tenant, "%s", tenant);
        }
    }
    pthread_mutex_unlock(&a->mu);
    return r;
}

/* ---- lists and exports ------------------------------------------------- */

struct walk {
    const struct audit_filter *f;
    struct jw *w;
    struct buf *lines;
    int64_t last;
    int n;
};

static int list_each(void *arg, const struct audit_row *row, struct err *e)
{
    struct walk *k = arg;
    struct jw lw = JW_INIT(k->lines);

    audit_json(k->lines ? &lw : k->w, &row->rec, row->record_hash, row->hash);
    if (k->lines)
        buf_addc(k->lines, '\n');
    k->last = row->rec.seq;
    k->n++;
    return 0;
}

static int list_tx(struct db *db, void *arg, struct err *e)
{
    struct walk *k = arg;

    return audit_list(db, k->f, list_each, k, e);
}

int audits_list_json(struct svc *svc, const struct audit_filter *f, struct jw *w, struct err *e)
{
    struct walk k = {.f = f, .w = w};
    int r;

    jw_obj(w);
    jw_key(w, "items");
    jw_arr(w);
    r = store_read(svc->store, list_tx, &k, e);
    if (r < 0)
        return r;
    jw_end_arr(w);
    jw_key(w, "next_seq");
    if (k.n == f->limit)
        jw_int(w, k.last);
    else
        jw_null(w);
    jw_key(w, "head");
    r = audits_head_json(svc->audits, f->tenant, w, e);
    jw_end_obj(w);
    return r;
}

int audits_export(struct svc *svc, const char *tenant, int64_t *seq, bool *done, struct buf *out, struct err *e)
{
    struct audit_filter f = {.tenant = tenant, .after_seq = *seq, .limit = 64};
    struct walk k = {.f = &f, .lines = out};
    struct jw w = JW_INIT(out);
    AUTO_PTR(json_free) struct json *last = NULL;
    struct err broken = ERR_INIT;
    int r = store_read(svc->store, list_tx, &k, e);

    if (r < 0)
        return r;
    if (k.n == f.limit) {
        *seq = k.last;
        return 0;
    }
    r = last_head_holds(svc->audits, tenant, &last, &broken);
    jw_obj(&w);
    jw_key(&w, "head");
    if (r == -ERR_AUDIT_BROKEN && last) { /* the export must not look whole: it carries the head it no longer fits */
        jw_obj(&w);
        jw_kstr(&w, "tenant_id", json_str(json_get(last, "tenant_id")));
        jw_kint(&w, "seq", json_int(json_get(last, "seq")));
        jw_kstr(&w, "hash", json_str(json_get(last, "hash")));
        jw_kstr(&w, "time", json_str(json_get(last, "time")));
        jw_kstr(&w, "public_key", json_str(json_get(last, "public_key")));
        jw_kstr(&w, "signature", json_str(json_get(last, "signature")));
        jw_end_obj(&w);
        r = 0;
    } else {
        r = audits_head_json(svc->audits, tenant, &w, e);
    }
    jw_end_obj(&w);
    buf_addc(out, '\n');
    *done = r == 0;
    return r;
}

/* ---- verification ------------------------------------------------------ */

struct verify {
    struct audit_filter f;
    struct audit_verifier v;
    const struct json *head; /* the signed head kept outside the database, or NULL */
    bool head_seen;
    int n;
};

static int verify_each(void *arg, const struct audit_row *row, struct err *e)
{
    struct verify *k = arg;
    AUTO(buf_fini) struct buf b = BUF_INIT(1 * MIB);
    AUTO_PTR(json_free) struct json *rec = NULL;
    struct jw w = JW_INIT(&b);
    int r;

    audit_json(&w, &row->rec, row->record_hash, row->hash);
    if (b.bad)
        return err_oom(e);
    r = json_parse(b.p, b.len, &rec, e);
    if (r == 0)
        r = audit_verify_record(&k->v, rec, e);
    if (r < 0)
        return r;
    if (k->head && json_int(json_get(k->head, "seq")) == row->rec.seq) {
        k->head_seen = true;
        if (!str_eq(json_str(json_get(k->head, "hash")), row->hash))
            return err_set(e, ERR_AUDIT_BROKEN,
                           "record %lld is not the one the signed head names: the chain was rewritten",
                           (long long)row->rec.seq);
    }
    k->f.after_seq = row->rec.seq;
    k->n++;
    return 0;
}

static int verify_tx(struct db *db, void *arg, struct err *e)
{
    struct verify *k = arg;

    return audit_list(db, &k->f, verify_each, k, e);
}

static int verify_chain(struct svc *svc, struct verify *k, const char *tenant, struct err *e)
{
    int r;

    do {
        k->n = 0;
        r = store_read(svc->store, verify_tx, k, e);
    } while (r == 0 && k->n == k->f.limit);
    if (r < 0)
        return r;
    if (k->head && json_int(json_get(k->head, "seq")) > 0 && !k->head_seen)
        return err_set(e, ERR_AUDIT_BROKEN,
                       "the tail is cut off: the signed head is record %lld, the last one here is %lld",
                       (long long)json_int(json_get(k->head, "seq")), (long long)k->f.after_seq);
    return 0;
}

int audits_verify_json(struct svc *svc, const char *tenant, struct jw *w, struct err *e)
{
    struct verify k = {.f = {.tenant = tenant, .limit = BATCH}};
    AUTO_PTR(json_free) struct json *head = NULL;
    struct err bad = ERR_INIT;
    int r;

    audit_verifier_init(&k.v);
    r = stored_head(svc->audits, tenant, &head, &bad);
    k.head = head;
    if (r == 0)
        r = verify_chain(svc, &k, tenant, &bad);
    if (r < 0 && r != -ERR_AUDIT_BROKEN) {
        if (e)
            *e = bad;
        return r;
    }
    jw_obj(w);
    jw_kbool(w, "ok", r == 0);
    jw_kint(w, "records", k.v.records);
    jw_key(w, "head");
    r = audits_head_json(svc->audits, tenant, w, e);
    jw_kstr(w, "error", bad.code ? bad.msg : NULL);
    jw_end_obj(w);
    return r;
}

/* ---- audit.json of a run ----------------------------------------------- */

struct run_walk {
    struct audit_filter f;
    const struct id *run;
    int64_t first, last; /* of the run's own records */
    bool own_only;
    struct jw *w;
    int n;
};

static int bounds_each(void *arg, const struct audit_row *row, struct err *e)
{
    struct run_walk *k = arg;

    if (!k->first)
        k->first = row->rec.seq;
    k->last = row->rec.seq;
    k->f.after_seq = row->rec.seq;
    k->n++;
    return 0;
}

static int run_each_record(void *arg, const struct audit_row *row, struct err *e)
{
    struct run_walk *k = arg;

    if (id_eq(&row->run_id, k->run)) {
        audit_json(k->w, &row->rec, row->record_hash, row->hash);
    } else if (!k->own_only) {
        jw_obj(k->w);
        jw_kint(k->w, "seq", row->rec.seq);
        jw_kstr(k->w, "record_hash", row->record_hash);
        jw_kstr(k->w, "hash", row->hash);
        jw_end_obj(k->w);
    }
    k->f.after_seq = row->rec.seq;
    k->n++;
    return 0;
}

static int bounds_tx(struct db *db, void *arg, struct err *e)
{
    struct run_walk *k = arg;

    return audit_list(db, &k->f, bounds_each, k, e);
}

static int run_tx(struct db *db, void *arg, struct err *e)
{
    struct run_walk *k = arg;

    return audit_list(db, &k->f, run_each_record, k, e);
}

static int walk_all(struct svc *svc, struct run_walk *k, store_fn fn, struct err *e)
{
    int r;

    do {
        k->n = 0;
        r = store_read(svc->store, fn, k, e);
    } while (r == 0 && k->n == k->f.limit && !(k->w && k->w->out->bad));
    return r;
}

static int run_json(struct svc *svc, struct run_walk *k, const struct hash_at *prev, struct buf *out, struct err *e)
{
    struct jw w = JW_INIT(out);
    int r = 0;

    k->w = &w;
    k->f = (struct audit_filter){.tenant = prev->tenant, .after_seq = prev->seq, .to_seq = k->last, .limit = BATCH};
    if (k->own_only)
        k->f.run = k->run;
    jw_obj(&w);
    jw_kstr(&w, "run_id", k->run->s);
    jw_kstr(&w, "prev_hash", prev->hash);
    if (k->own_only)
        jw_kstr(&w, "problem",
                "the records of other runs in between were too many to be named here: verify with an export");
    jw_key(&w, "records");
    jw_arr(&w);
    if (k->first)
        r = walk_all(svc, k, run_tx, e);
    jw_end_arr(&w);
    jw_end_obj(&w);
    return r;
}

int audits_run_json(struct svc *svc, const char *tenant, const struct id *run, struct buf *out, struct err *e)
{
    struct run_walk k = {.f = {.tenant = tenant, .run = run, .limit = BATCH}, .run = run};
    struct hash_at prev = {.tenant = tenant};
    int r = walk_all(svc, &k, bounds_tx, e);

    if (r < 0)
        return r;
    memset(prev.hash, '0', 64);
    prev.seq = k.first - 1;
    if (prev.seq > 0)
        r = store_read(svc->store, hash_tx, &prev, e);
    if (r == 0)
        r = run_json(svc, &k, &prev, out, e);
    if (r == 0 && out->bad == -ERR_TOO_LARGE) { /* a run that waited for days beside many others still has to end */
        buf_reset(out);
        k.own_only = true;
        r = run_json(svc, &k, &prev, out, e);
    }
    if (r == 0 && out->bad == -ERR_OOM)
        return err_oom(e);
    return r < 0 ? r : out->bad ? err_set(e, ERR_TOO_LARGE, "audit.json is larger than %zu bytes", out->max) : 0;
}
