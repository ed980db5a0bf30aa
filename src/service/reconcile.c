#include "service/reconcile.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/audits.h"
#include "service/effects.h"
#include "service/runs.h"

#define IDEM_KEEP_US (24 * 3600 * SEC_US)

static void action(struct jw *w, const char *what, const char *run, const char *detail)
{
    if (!w)
        return;
    jw_obj(w);
    jw_kstr(w, "what", what);
    jw_kstr(w, "run_id", run);
    jw_kstr(w, "detail", detail);
    jw_end_obj(w);
}

/* A directory of a run that is final (or unknown: its transaction never committed) holds no sandbox and no layers. */
static int clean_run(struct svc *svc, const struct id *id, struct jw *w, struct err *e)
{
    AUTO(run_row_fini) struct run_row row = {0};
    char dir[RUN_DIR_MAX], rel[64];
    int r;

    snprintf(rel, sizeof rel, "runs/%s/layers", id->s);
    if (faccessat(svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0; /* the usual case, and a cheap one: one look per kept run */
    r = runs_row(svc, NULL, id, &row, e);
    if (r < 0 && r != -ERR_NOT_FOUND)
        return r;
    if (r == 0 && (!run_sm_final(row.node) || !str_eq(row.node_name, svc->node)))
        return 0;
    r = svc_run_dir(svc, id, dir, e);
    if (r == 0)
        r = sandbox_reap(dir, e);
    if (r == 0)
        r = effects_drop_layers(svc, id, e);
    if (r == 0)
        action(w, "layers_removed", id->s, "the run is final");
    return r;
}

/* What cannot be removed is said, and tried again the next time: it must not keep the others from being looked at, old
 * keys from being dropped, or the audit head from being signed. */
static void clean_runs(struct svc *svc, struct jw *w)
{
    int fd = openat(svc->data_fd, "runs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *de;
    struct id id;

    if (!d) {
        fd_close(&fd);
        return; /* no run yet */
    }
    while ((de = readdir(d))) {
        struct err e = ERR_INIT;

        if (!id_parse(ID_RUN, de->d_name, &id) || clean_run(svc, &id, w, &e) == 0)
            continue;
        log_err(svc->log, LOG_LV_WARN, "reconcile", &(struct log_ctx){.run_id = id.s}, "clean up after the run", &e);
        action(w, "clean_up_failed", id.s, e.msg);
    }
    closedir(d);
}

struct purge {
    int64_t before, n;
};

static int purge_tx(struct db *db, void *arg, struct err *e)
{
    IN_COMMIT(purge);
    struct purge *p = arg;

    return idem_purge(db, p->before, &p->n, e);
}

/* A broken trail stops nothing else: it is told here every time, and by `audit verify`. */
static int sign_head(struct svc *svc, struct jw *w, struct err *e)
{
    struct err bad = ERR_INIT;
    int r = audits_sign_head(svc->audits, "default", &bad);

    if (r == -ERR_AUDIT_BROKEN) {
        log_err(svc->log, LOG_LV_ERROR, "audit", NULL, "the head is not signed again", &bad);
        action(w, "audit_broken", NULL, bad.msg);
        return 0;
    }
    if (r < 0 && e)
        *e = bad;
    return r;
}

int reconcile(struct svc *svc, bool first, struct jw *w, struct err *e)
{
    struct purge p = {.before = clock_now_us() - IDEM_KEEP_US};
    char text[64];
    int64_t leases = 0;
    int expired = 0, r = 0;

    if (first)
        r = runs_recover(svc, &leases, e);
    if (r == 0 && leases) {
        snprintf(text, sizeof text, "%lld", (long long)leases);
        action(w, "leases_dropped", NULL, text);
        log_line(svc->log, LOG_LV_INFO, "reconcile", NULL,
                 "%s runs were under way when the last process ended: taken up again", text);
    }
    if (r == 0)
        r = runs_expire(svc, clock_now_us(), &expired, e);
    if (r == 0 && expired) {
        snprintf(text, sizeof text, "%d", expired);
        action(w, "waits_expired", NULL, text);
    }
    if (r == 0)
        clean_runs(svc, w);
    if (r == 0)
        r = store_write(svc->store, purge_tx, &p, e);
    return r == 0 ? sign_head(svc, w, e) : r;
}
