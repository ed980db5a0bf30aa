/* drive_finish.c - every end goes through here: nothing of the sandbox is left, the artifacts are kept, then the final
 * state. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"
#include "service/artifacts.h"
#include "service/audits.h"
#include "service/keeper.h"
#include "worker/drive.h"

#define REPORT_MAX (4 * MIB)
#define AUDIT_MAX  (64 * MIB)

static int keep(struct drive *d, struct kept *k, const char *name, const char *type, const struct buf *b, struct err *e)
{
    if (b->bad)
        return err_bad(e, b->bad, "%s is too large to be kept", name);
    k->name = name;
    k->media_type = type;
    k->size_bytes = (int64_t)b->len;
    return artifacts_keep(d->svc, b->p ? b->p : "", b->len, k->sha256, e);
}

static int keep_report(struct drive *d, struct run_steps *steps, struct kept *k, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(REPORT_MAX);
    int r = report_write(d->svc, &d->row, steps, &b, e);

    return r < 0 ? r : keep(d, k, "report.md", "text/markdown; charset=utf-8", &b, e);
}

static int keep_audit(struct drive *d, struct kept *k, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(AUDIT_MAX);
    int r = audits_run_json(d->svc, d->row.tenant_id, &d->row.id, &b, e);

    return r < 0 ? r : keep(d, k, "audit.json", "application/json", &b, e);
}

static int keep_patch(struct drive *d, struct kept *k, struct err *e)
{
    AUTO(fd_close) int dir = -1;
    char rel[64];
    int r;

    snprintf(rel, sizeof rel, "runs/%s", d->row.id.s);
    k->name = "diff.patch";
    k->media_type = "text/x-diff; charset=utf-8";
    r = dir_make(d->svc->data_fd, rel, &dir, e); /* a run that ended before it did anything has none */
    return r < 0 ? r : artifacts_keep_file(d->svc, dir, "diff.patch", k->sha256, &k->size_bytes, e);
}

static int settle_sandbox(struct drive *d, struct err *e)
{
    char dir[RUN_DIR_MAX];
    int r = svc_run_dir(d->svc, &d->row.id, dir, e);

    if (r < 0)
        return r;
    if (d->sb)
        sandbox_destroy(TAKE(d->sb));
    CRASH_POINT(sandbox_closed);
    dir_sweep(AT_FDCWD, dir); /* lists of changes that were being written when the server was killed */
    return access(dir, F_OK) == 0 ? sandbox_reap(dir, e) : 0;
}

/* An apply that a crash cut in two is completed (or rolled back), whatever was decided since. The row is read anew
 * first: an apply that has just ended well is recorded in the store, and must not be recorded again. */
static int settle_apply(struct drive *d, struct run_steps *steps, struct err *e)
{
    char *json = NULL;
    int64_t files = 0;
    int r = drive_load(d, steps, e);

    if (r == 0)
        r = effects_settle(d->svc, &d->row, &json, &files, e);
    if (r == 0 && json) {
        r = runs_applied(d->svc, &d->lease, json, files, e);
        run_steps_fini(steps);
        if (r == 0)
            r = drive_load(d, steps, e);
    }
    free(json);
    return r;
}

int drive_finish(struct drive *d, struct err *e)
{
    AUTO(run_steps_fini) struct run_steps steps = {0};
    struct kept kept[3];
    int r = settle_sandbox(d, e);

    if (r == 0)
        r = settle_apply(d, &steps, e);
    keeper_blobs_hold(d->svc->keeper);
    if (r == 0)
        r = keep_report(d, &steps, &kept[0], e);
    if (r == 0)
        r = keep_audit(d, &kept[1], e);
    if (r == 0)
        r = keep_patch(d, &kept[2], e);
    CRASH_POINT(artifacts_kept);
    if (r == 0)
        r = runs_finish(d->svc, &d->lease, kept, ARRAY_LEN(kept), e);
    keeper_blobs_release(d->svc->keeper);
    /* The run is final now: layers that cannot be removed cost disk, not truth. The reconciler tries again. Those of an
     * apply that is half-done, because its project is away, are needed to complete it when it is back. */
    CRASH_POINT(run_final);
    if (r == 0 && !effects_half_done(d->svc, &d->row.id) && effects_drop_layers(d->svc, &d->row.id, e) < 0)
        log_err(d->svc->log, LOG_LV_WARN, "worker", &d->cx, "remove the layers", e);
    return r;
}
