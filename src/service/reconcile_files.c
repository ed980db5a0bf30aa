/* reconcile_files.c - directories of runs, kept content, temporary files. See reconcile.h. */
#include "service/reconcile_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/artifacts.h"
#include "service/effects.h"

#define CHUNK 256 /* names in one read of the store */

static DIR *open_dir(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

    if (!d)
        fd_close(&fd);
    return d;
}

static bool is_old(const struct pass *p, const struct stat *st)
{
    return (int64_t)st->st_mtime * SEC_US < p->now - RECONCILE_GRACE_US;
}

/* ---- directories of runs ----------------------------------------------- */

static void problem(struct pass *p, enum reconcile_act act, const struct id *run, const struct err *e)
{
    pass_problem(p, reconcile_info(act)->name, run, e);
}

static bool there(const struct pass *p, const struct id *run, const char *name)
{
    char rel[96];

    snprintf(rel, sizeof rel, "runs/%.31s/%s", run->s, name);
    return faccessat(p->svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Nothing of a sandbox is left of the run. 1: so it is, or will be (a dry pass). */
static int no_sandbox(struct pass *p, const char *tenant, const struct id *run, struct err *e)
{
    char dir[RUN_DIR_MAX];
    int alive, r = svc_run_dir(p->svc, run, dir, e);

    if (r < 0)
        return r;
    alive = sandbox_alive(dir, e);
    if (alive < 0 || (alive && pass_dry(p, RC_SANDBOX_KILLED, run, "its shim holds its lock")) || p->dry)
        return alive;
    r = sandbox_reap(dir, e);
    if (r == 0 && alive)
        pass_did_audit(p, RC_SANDBOX_KILLED, tenant, run, "its shim holds its lock");
    return r;
}

struct settled {
    const struct id *run;
    const char *json;
};

static int settled_tx(struct db *db, void *arg, struct err *e)
{
    struct settled *s = arg;
    AUTO(run_row_fini) struct run_row row = {0};
    int r = run_lock(db, NULL, s->run, &row, e);

    if (r < 0)
        return r;
    free(row.apply);
    row.apply = str_dup(s->json);
    return row.apply ? run_save(db, &row, e) : err_oom(e);
}

/* Completed: the run says so, and undo works from it. No event: run.completed was the last one. */
static int settle(struct pass *p, const char *tenant, const struct id *run, struct err *e)
{
    AUTO(run_row_fini) struct run_row row = {0};
    static const char detail[] = "its journal is half-done";
    struct settled s = {.run = run};
    char *json = NULL;
    int64_t files;
    int r;

    if (!effects_half_done(p->svc, run) || pass_dry(p, RC_APPLY_SETTLED, run, detail))
        return 0;
    r = runs_row(p->svc, NULL, run, &row, e);
    if (r == 0)
        r = effects_settle(p->svc, &row, &json, &files, e);
    s.json = json;
    if (r == 0 && json)
        r = store_write(p->svc->store, settled_tx, &s, e);
    free(json);
    if (r == 0 && effects_half_done(p->svc, run))
        return err_set(e, ERR_NOT_FOUND, "the project's directory is gone: its apply stays half-done until it is back");
    if (r == 0)
        pass_did_audit(p, RC_APPLY_SETTLED, tenant, run, detail);
    return r;
}

static void clean_final(struct pass *p, const struct run_stands *s, const struct id *run)
{
    static const char detail[] = "the run is final";
    struct err e = ERR_INIT;
    int r;

    if (!there(p, run, "layers"))
        return; /* the usual case, and a cheap one: one look per kept run */
    r = no_sandbox(p, s->tenant, run, &e);
    if (r < 0) {
        problem(p, RC_SANDBOX_KILLED, run, &e);
        return;
    }
    r = settle(p, s->tenant, run, &e);
    if (r < 0) {
        problem(p, RC_APPLY_SETTLED, run, &e);
        return;
    }
    if (pass_dry(p, RC_LAYERS_REMOVED, run, detail))
        return;
    if (effects_drop_layers(p->svc, run, &e) < 0)
        problem(p, RC_LAYERS_REMOVED, run, &e);
    else
        pass_did_audit(p, RC_LAYERS_REMOVED, s->tenant, run, detail);
}

/* A run's row is there before its directory is made. The name was read before the row was asked for: no row means that
 * there is none any more, or that another database came back. So it is left for a day. */
static void clean_unknown(struct pass *p, const struct id *run)
{
    static const char detail[] = "no row names it";
    struct err e = ERR_INIT;
    struct stat st;
    char rel[64];

    snprintf(rel, sizeof rel, "runs/%.31s", run->s);
    if (fstatat(p->svc->data_fd, rel, &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_old(p, &st))
        return;
    if (no_sandbox(p, NULL, run, &e) < 0) {
        problem(p, RC_SANDBOX_KILLED, run, &e);
        return;
    }
    if (pass_dry(p, RC_RUN_DIR_REMOVED, run, detail))
        return;
    if (dir_remove(p->svc->data_fd, rel, &e) < 0)
        problem(p, RC_RUN_DIR_REMOVED, run, &e);
    else
        pass_did_audit(p, RC_RUN_DIR_REMOVED, NULL, run, detail);
}

static size_t next_names(DIR *d, struct id *v, size_t max)
{
    struct dirent *de;
    size_t n = 0;

    while (n < max && (de = readdir(d)))
        n += id_parse(ID_RUN, de->d_name, &v[n]);
    return n;
}

void pass_runs(struct pass *p, DIR **dir, size_t max)
{
    struct id v[CHUNK];
    struct run_stands stands[CHUNK];
    bool known[CHUNK];
    size_t n = CHUNK;

    if (!*dir)
        *dir = open_dir(p->svc->data_fd, "runs");
    for (size_t seen = 0; *dir && n == CHUNK && seen < max && !pass_over(p); seen += n) {
        struct err e = ERR_INIT;

        n = next_names(*dir, v, CHUNK);
        if (n && pass_stands(p, v, n, stands, known, &e) < 0) {
            pass_problem(p, "store", NULL, &e);
            return;
        }
        for (size_t i = 0; i < n && !pass_over(p); i++) {
            if (!known[i])
                clean_unknown(p, &v[i]);
            else if (pass_final(p, &stands[i]))
                clean_final(p, &stands[i], &v[i]);
        }
    }
    if (*dir && n < CHUNK)
        closedir(TAKE(*dir)); /* all of them: the next walk begins anew */
}

/* ---- temporary files --------------------------------------------------- */

/* file_replace and the like name what they write so until it is whole. One from before this server started has no
 * writer any more. */
static void clean_temp(struct pass *p, int dir, const char *path, const char *name)
{
    struct err e = ERR_INIT;
    struct stat st;
    char detail[320];

    if (!str_starts(name, ".tmp-") || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        (!is_old(p, &st) && st.st_mtim.tv_sec * SEC_US + st.st_mtim.tv_nsec / 1000 >= p->started_us))
        return;
    snprintf(detail, sizeof detail, "%s%s%s", path, *path ? "/" : "", name);
    if (pass_dry(p, RC_TEMP_REMOVED, NULL, detail))
        return;
    if (unlinkat(dir, name, 0) < 0 && errno != ENOENT) {
        err_sys(&e, ERR_IO, "remove %s", detail);
        problem(p, RC_TEMP_REMOVED, NULL, &e);
    } else {
        pass_did_audit(p, RC_TEMP_REMOVED, NULL, NULL, detail);
    }
}

void pass_temps(struct pass *p)
{
    static const char *const dirs[] = {"", "audit"};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        DIR *d = open_dir(p->svc->data_fd, dirs[i][0] ? dirs[i] : ".");

        for (struct dirent *de; d && !pass_over(p) && (de = readdir(d));)
            clean_temp(p, dirfd(d), dirs[i], de->d_name);
        if (d)
            closedir(d);
    }
}

void pass_socket(struct pass *p)
{
    struct err e = ERR_INIT;
    struct stat st;

    if (fstatat(p->svc->data_fd, "sock", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
        return;
    if (unlinkat(p->svc->data_fd, "sock", 0) < 0) {
        err_sys(&e, ERR_IO, "remove sock");
        problem(p, RC_SOCKET_REMOVED, NULL, &e);
    } else {
        pass_did_audit(p, RC_SOCKET_REMOVED, NULL, NULL, "sock");
    }
}

/* ---- kept content ------------------------------------------------------ */

struct blobs {
    char (*v)[SHA256_HEX];
    bool *named;
    size_t n;
};

static int named_tx(struct db *db, void *arg, struct err *e)
{
    struct blobs *b = arg;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < b->n; i++) {
        r = blob_named(db, b->v[i], e);
        b->named[i] = r > 0;
    }
    return r < 0 ? r : 0;
}

/* Under the lock that keeping takes: who keeps the same content now has touched the file before, or writes it anew. */
static void drop_blob(struct pass *p, int dir, const char *sum)
{
    AUTO(fd_close) int lock = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct err e = ERR_INIT;
    struct stat st;
    char detail[96];

    snprintf(detail, sizeof detail, "blobs/%.2s/%s", sum, sum);
    if (pass_dry(p, RC_BLOB_REMOVED, NULL, detail))
        return;
    if (lock < 0 || flock(lock, LOCK_EX) < 0 || fstatat(dir, sum, &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_old(p, &st))
        return;
    if (unlinkat(dir, sum, 0) < 0) {
        err_sys(&e, ERR_IO, "remove %s", detail);
        problem(p, RC_BLOB_REMOVED, NULL, &e);
        return;
    }
    fd_close(&lock); /* before the store is waited for */
    pass_did_audit(p, RC_BLOB_REMOVED, NULL, NULL, detail);
}

static void drop_unnamed(struct pass *p, int dir, struct blobs *b)
{
    struct err e = ERR_INIT;

    if (b->n && store_read(p->svc->store, named_tx, b, &e) < 0) {
        pass_problem(p, "store", NULL, &e);
        return;
    }
    for (size_t i = 0; i < b->n && !pass_over(p); i++)
        if (!b->named[i])
            drop_blob(p, dir, b->v[i]);
    b->n = 0;
}

static bool is_sum(const char *name)
{
    return strlen(name) == SHA256_HEX - 1 && strspn(name, "0123456789abcdef") == SHA256_HEX - 1;
}

void pass_blobs(struct pass *p, unsigned prefix)
{
    char path[16], v[CHUNK][SHA256_HEX];
    bool named[CHUNK];
    struct blobs b = {.v = v, .named = named};
    struct stat st;
    DIR *d;

    snprintf(path, sizeof path, "blobs/%02x", prefix);
    d = open_dir(p->svc->data_fd, path);
    for (struct dirent *de; d && !pass_over(p) && (de = readdir(d));) {
        clean_temp(p, dirfd(d), path, de->d_name);
        if (!is_sum(de->d_name) || fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_old(p, &st))
            continue;
        memcpy(b.v[b.n++], de->d_name, SHA256_HEX);
        if (b.n == CHUNK)
            drop_unnamed(p, dirfd(d), &b);
    }
    if (!d)
        return;
    drop_unnamed(p, dirfd(d), &b);
    closedir(d);
}
