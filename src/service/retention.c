/* retention.c - see retention.h: files, and the order of things. */
#include "service/retention_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/disk.h"
#include "service/keeper.h"

#define ACTIONS_MAX 1000

/* ---- compressing -------------------------------------------------------- */

static void tell(struct svc *svc, const struct id *run, const char *what, const struct err *e)
{
    log_err(svc->log, LOG_LV_WARN, "retention", &(struct log_ctx){.run_id = run->s}, what, e);
}

/* A log that is damaged or torn stays, as the evidence it is. */
static int pack_log(struct svc *svc, const struct id *run, int dir, const char *name, logzst_pause pause, void *arg,
                    struct retention_done *d, struct err *e)
{
    struct logzst_result res = {0};
    struct err why = ERR_INIT;
    int r = logzst_pack(dir, name, pause, arg, &res, &why);

    if (r == -ERR_CORRUPT) {
        tell(svc, run, "a log is not compressed", &why);
        d->failed++;
        return 0;
    }
    if (r < 0)
        return r == -ERR_INTERRUPTED ? r : err_set(e, why.code, "compress %s: %s", name, why.msg);
    if (res.zst_bytes) {
        d->packed++;
        d->packed_in += res.plain_bytes;
        d->packed_out += res.zst_bytes;
    }
    return 0;
}

static int pack_run(struct svc *svc, const struct id *run, logzst_pause pause, void *arg, struct retention_done *d,
                    struct err *e)
{
    char rel[64];
    snprintf(rel, sizeof rel, "runs/%s/logs", run->s);
    int fd = openat(svc->data_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r = 0;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *de;

    if (!dir) {
        fd_close(&fd);
        return 0; /* nothing ran */
    }
    while (r == 0 && (de = readdir(dir)))
        if (str_ends(de->d_name, ".log"))
            r = pack_log(svc, run, fd, de->d_name, pause, arg, d, e);
    closedir(dir);
    return r;
}

static bool has(const struct ids *l, const struct id *id)
{
    for (size_t i = 0; i < l->n; i++)
        if (id_eq(&l->v[i], id))
            return true;
    return false;
}

/* One that cannot be compressed now is told and left to the next call, and does not hold up those behind it. On a full
 * disk none can. */
static int pack_batch(struct svc *svc, const struct ids *found, struct ids *stuck, struct ids *done, logzst_pause pause,
                      void *arg, struct retention_done *d, struct err *e)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < found->n && stuck->n < BATCH_MAX; i++) {
        const struct id *run = &found->v[i];

        if (has(stuck, run))
            continue;
        r = pack_run(svc, run, pause, arg, d, e);
        if (r == 0) {
            done->v[done->n++] = *run;
        } else if (r != -ERR_INTERRUPTED && r != -ERR_STORAGE_FULL) {
            tell(svc, run, "a log is not compressed yet", e);
            d->failed++;
            stuck->v[stuck->n++] = *run;
            r = 0;
        }
    }
    return r;
}

int retention_pack(struct svc *svc, int64_t until_us, logzst_pause pause, void *arg, struct retention_done *d,
                   struct err *e)
{
    struct ids found = {0}, stuck = {0}, done;
    int r;

    do {
        done.n = 0;
        r = retention_unpacked(svc, until_us, &found, e);
        if (r == 0)
            r = pack_batch(svc, &found, &stuck, &done, pause, arg, d, e);
        int m = retention_mark_packed(svc, &done, r < 0 ? NULL : e);
        r = r < 0 ? r : m;
    } while (r == 0 && found.n == BATCH_MAX && done.n > 0);
    return r;
}

/* ---- unlinking ---------------------------------------------------------- */

static void path_of(const struct id *run, bool all, char ret[64])
{
    snprintf(ret, 64, all ? "runs/%s" : "runs/%s/logs", run->s);
}

/* Content that no artifact names any more. Alone with the blobs: nobody finds it there and is about to name it. */
static int unlink_blob(struct svc *svc, const char *sum, int64_t *ret_bytes, struct err *e)
{
    char path[96];
    struct stat st;
    bool unnamed = false;
    int r;

    snprintf(path, sizeof path, "blobs/%.2s/%s", sum, sum);
    keeper_blobs_alone(svc->keeper);
    r = retention_unnamed(svc, sum, &unnamed, e);
    if (r == 0 && unnamed && fstatat(svc->data_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (unlinkat(svc->data_fd, path, 0) < 0 && errno != ENOENT)
            r = err_sys(e, ERR_IO, "remove the content of an artifact");
        else
            *ret_bytes += (int64_t)st.st_blocks * 512;
    }
    keeper_blobs_release(svc->keeper);
    return r;
}

/* What was committed to go; any number of times. */
static int unlink_run(struct svc *svc, const struct id *run, int64_t *ret_bytes, struct err *e)
{
    char rel[64], (*sums)[65] = NULL;
    bool all = false;
    size_t n = 0;
    int r = retention_unused(svc, run, &all, &sums, &n, e);

    path_of(run, all, rel);
    if (r == 0)
        *ret_bytes += disk_tree_bytes(svc->data_fd, rel);
    if (r == 0)
        r = dir_remove(svc->data_fd, rel, e);
    CRASH_POINT(run_half_removed);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = unlink_blob(svc, sums[i], ret_bytes, e);
    free(sums);
    return r < 0 ? r : retention_mark_unlinked(svc, run, e);
}

/* What a process before us, or a failure, left half done. */
static int finish_removals(struct svc *svc, struct retention_done *d)
{
    struct ids found = {0};
    struct err e = ERR_INIT;
    int r = retention_removing(svc, &found, &e);

    for (size_t i = 0; r == 0 && i < found.n; i++)
        if (unlink_run(svc, &found.v[i], &d->bytes, &e) < 0) {
            tell(svc, &found.v[i], "remove what it left", &e);
            d->failed++;
        }
    return r;
}

/* ---- one run ------------------------------------------------------------ */

struct pass {
    struct svc *svc;
    bool dry;
    int64_t now;
    struct jw *w;
    size_t told;
    int64_t kept; /* bytes that max_bytes is held against */
    struct retention_done *d;
};

static void action(struct pass *p, const char *what, const struct victim *v, int64_t bytes)
{
    if (!p->w || p->told++ >= ACTIONS_MAX)
        return;
    jw_obj(p->w);
    jw_kstr(p->w, "what", what);
    jw_kstr(p->w, "run_id", v->id.s);
    jw_kstr(p->w, "detail", retention_rule_name(v->rule));
    jw_kint(p->w, "bytes", bytes);
    jw_end_obj(p->w);
}

/* Whose sandbox is not cleaned up yet is left to the reconciler first. */
static bool has_leftovers(struct svc *svc, const struct id *run)
{
    char rel[64];

    snprintf(rel, sizeof rel, "runs/%s/layers", run->s);
    return faccessat(svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 1 gone (or, dry, to go), 0 left alone. What cannot be unlinked is tried again in the next pass. */
static int remove_run(struct pass *p, const struct victim *v, struct err *e)
{
    bool all = v->rule != RULE_LOGS;
    int64_t bytes, freed = 0;
    struct err why = ERR_INIT;
    char rel[64];
    int r;

    if (has_leftovers(p->svc, &v->id))
        return 0;
    path_of(&v->id, all, rel);
    bytes = disk_tree_bytes(p->svc->data_fd, rel);
    r = p->dry ? 1 : retention_commit(p->svc, v, bytes, e);
    if (r <= 0)
        return r;
    CRASH_POINT(run_removal_committed);
    if (!p->dry && unlink_run(p->svc, &v->id, &freed, &why) < 0) {
        tell(p->svc, &v->id, "remove what it left", &why);
        p->d->failed++;
    }
    freed = p->dry ? bytes : freed;
    p->d->bytes += freed;
    p->kept -= freed;
    if (all)
        p->d->runs_removed++;
    else
        p->d->logs_removed++;
    action(p, all ? "run_removed" : "logs_removed", v, freed);
    return 1;
}

/* ---- the rules ---------------------------------------------------------- */

/* Batch after batch; those that are left alone hold up nobody behind them. A dry run sees one batch. */
static int by_age(struct pass *p, const struct id *project, const struct retention_rules *rules, bool logs,
                  struct err *e)
{
    struct victims *found = calloc(1, sizeof *found);
    int64_t after = 0;
    bool more = true;
    int r = found ? 0 : err_oom(e);

    while (r == 0 && more) {
        r = retention_find(p->svc, project, rules, logs, p->now, after, found, e);
        for (size_t i = 0; r >= 0 && i < found->n; i++) {
            after = found->v[i].finished_us;
            r = remove_run(p, &found->v[i], e);
        }
        r = r < 0 ? r : 0;
        more = !p->dry && found->n == VICTIMS_MAX;
    }
    free(found);
    return r;
}

static int project_pass(void *arg, const struct id *project, const struct retention_rules *rules, struct err *e)
{
    int r = 0;

    if (rules->runs_ms || rules->failed_runs_ms)
        r = by_age(arg, project, rules, false, e);
    return r == 0 && rules->logs_ms ? by_age(arg, project, rules, true, e) : r;
}

/* The oldest go until the rest fits. */
static int by_bytes(struct pass *p, struct err *e)
{
    struct victims *found = calloc(1, sizeof *found);
    int64_t after = 0;
    int r = found ? 0 : err_oom(e);

    while (r == 0 && p->kept > p->svc->set.retention.max_bytes) {
        r = retention_oldest(p->svc, after, found, e);
        if (r < 0 || found->n == 0)
            break;
        for (size_t i = 0; r >= 0 && i < found->n && p->kept > p->svc->set.retention.max_bytes; i++) {
            after = found->v[i].finished_us;
            r = remove_run(p, &found->v[i], e);
        }
        r = r < 0 ? r : 0;
    }
    free(found);
    return r;
}

int retention_clean(struct svc *svc, bool dry, int64_t kept_bytes, struct jw *actions, struct retention_done *d,
                    struct err *e)
{
    struct pass p = {.svc = svc, .dry = dry, .now = clock_now_us(), .w = actions, .kept = kept_bytes, .d = d};
    int r = dry ? 0 : finish_removals(svc, d);

    if (r < 0)
        return err_set(e, -r, "look for removals that are half done");
    r = retention_projects(svc, project_pass, &p, e);
    return r == 0 && svc->set.retention.max_bytes ? by_bytes(&p, e) : r;
}
