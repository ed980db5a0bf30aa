#include "service/artifacts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"

int artifacts_keep(struct svc *svc, const void *p, size_t n, char ret[SHA256_HEX], struct err *e)
{
    AUTO(fd_close) int dir = -1;
    char path[16], sum[SHA256_HEX];
    int r;

    sha256_hex_of(p, n, sum);
    snprintf(path, sizeof path, "blobs/%.2s", sum);
    r = dir_make(svc->data_fd, path, &dir, e);
    if (r < 0)
        return r;
    if (faccessat(dir, sum, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        r = file_replace(dir, sum, p, n, 0600, e);
    if (r < 0)
        return r;
    memcpy(ret, sum, sizeof sum);
    return 0;
}

int artifacts_read(struct svc *svc, const char *sha256, struct buf *out, struct err *e)
{
    char path[96], sum[SHA256_HEX];
    int r;

    snprintf(path, sizeof path, "blobs/%.2s/%s", sha256, sha256);
    r = file_read(svc->data_fd, path, out, e);
    if (r < 0)
        return err_wrap(e, r, "read an artifact");
    sha256_hex_of(out->p ? out->p : "", out->len, sum);
    if (!str_eq(sum, sha256))
        return err_set(e, ERR_CORRUPT, "the kept bytes of the artifact do not have its sha256 any more");
    return 0;
}

struct get {
    const char *tenant, *name;
    const struct id *id;
    struct artifact_row *ret;
    bool found;
};

static int get_tx(struct db *db, void *arg, struct err *e)
{
    struct get *g = arg;

    return artifact_get(db, g->tenant, g->id, g->ret, e);
}

int artifacts_get(struct svc *svc, const char *tenant, const struct id *id, struct artifact_row *ret, struct err *e)
{
    struct get g = {.tenant = tenant, .id = id, .ret = ret};

    return store_read(svc->store, get_tx, &g, e);
}

static int name_each(void *arg, const struct artifact_row *row, struct err *e)
{
    struct get *g = arg;

    if (g->found || !str_eq(row->name, g->name))
        return 0;
    *g->ret = (struct artifact_row){.id = row->id,
                                    .run_id = row->run_id,
                                    .step_id = row->step_id,
                                    .tenant_id = str_dup(row->tenant_id),
                                    .name = str_dup(row->name),
                                    .media_type = str_dup(row->media_type),
                                    .sha256 = str_dup(row->sha256),
                                    .size_bytes = row->size_bytes,
                                    .created_us = row->created_us};
    g->found = true;
    return g->ret->sha256 && g->ret->name && g->ret->media_type ? 0 : err_oom(e);
}

static int by_name_tx(struct db *db, void *arg, struct err *e)
{
    struct get *g = arg;

    return artifact_list(db, g->id, name_each, g, e);
}

int artifacts_by_name(struct svc *svc, const struct id *run, const char *name, struct artifact_row *ret, struct err *e)
{
    struct get g = {.id = run, .name = name, .ret = ret};
    int r = store_read(svc->store, by_name_tx, &g, e);

    if (r == 0 && !g.found)
        return err_set(e, ERR_NOT_FOUND, "the run has no artifact named %s", name);
    return r;
}
