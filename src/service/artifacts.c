#include "service/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"

/* The reconciler removes what no row names and what is old, under this lock: what is about to be named is made new
 * first. (The row comes much sooner than "old".) A shared lock of the directory; it goes with the fd. */
static int keep_new(int dir, const char *sum, struct err *e) /* 1: it is there, and new; 0: it is not there */
{
    if (flock(dir, LOCK_SH) < 0)
        return err_sys(e, ERR_IO, "lock the kept content");
    return utimensat(dir, sum, NULL, AT_SYMLINK_NOFOLLOW) == 0 ? 1 : 0;
}

int artifacts_keep(struct svc *svc, const void *p, size_t n, char ret[SHA256_HEX], struct err *e)
{
    AUTO(fd_close) int blobs = -1;
    AUTO(fd_close) int dir = -1;
    char part[8], sum[SHA256_HEX];
    int r;

    sha256_hex_of(p, n, sum);
    snprintf(part, sizeof part, "%.2s", sum);
    r = dir_make(svc->data_fd, "blobs", &blobs, e);
    if (r == 0)
        r = dir_make(blobs, part, &dir, e);
    if (r < 0)
        return r;
    r = keep_new(dir, sum, e);
    if (r == 0)
        r = file_replace_via(blobs, dir, sum, p, n, 0600, e); /* its temporary name where serve.c sweeps */
    if (r < 0)
        return r;
    memcpy(ret, sum, sizeof sum);
    return 0;
}

static int same_content(int a, const char *sha256, struct err *e)
{
    uint8_t sum[SHA256_LEN];
    char hex[SHA256_HEX];
    int r = sha256_fd(a, sum, e);

    if (r < 0)
        return err_wrap(e, r, "read an artifact");
    hex_encode(sum, sizeof sum, hex);
    return str_eq(hex, sha256)
               ? 0
               : err_set(e, ERR_CORRUPT, "the kept bytes of the artifact do not have its sha256 any more");
}

int artifacts_open(struct svc *svc, const char *sha256, struct err *e)
{
    AUTO(fd_close) int fd = -1;
    char path[96];
    int r;

    snprintf(path, sizeof path, "blobs/%.2s/%s", sha256, sha256);
    fd = openat(svc->data_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_sys(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "read an artifact");
    r = same_content(fd, sha256, e);
    if (r < 0)
        return r;
    r = fd;
    fd = -1;
    return r;
}

int artifacts_keep_file(struct svc *svc, int dirfd, const char *name, char ret[SHA256_HEX], int64_t *ret_size,
                        struct err *e)
{
    AUTO(fd_close) int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    AUTO(fd_close) int blobs = -1;
    char path[16], sum[SHA256_HEX];
    uint8_t raw[SHA256_LEN];
    struct stat st;
    int r;

    if (fd < 0 && errno == ENOENT) {
        *ret_size = 0;
        return artifacts_keep(svc, "", 0, ret, e);
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "open %s", name);
    r = sha256_fd(fd, raw, e);
    if (r < 0)
        return r;
    hex_encode(raw, sizeof raw, sum);
    snprintf(path, sizeof path, "blobs/%.2s", sum);
    r = dir_make(svc->data_fd, path, &blobs, e);
    if (r == 0)
        r = keep_new(blobs, sum, e);
    if (r == 0 && linkat(dirfd, name, blobs, sum, 0) < 0 && errno != EEXIST) /* another may keep the same just now */
        r = err_sys(e, ERR_IO, "keep %s", name);
    else if (r == 0)
        r = keep_new(blobs, sum, e); /* the file may have waited for its review for days */
    CRASH_POINT(artifact_linked);
    if (r >= 0)
        r = dir_sync(blobs, e);
    if (r < 0)
        return r;
    memcpy(ret, sum, sizeof sum);
    *ret_size = (int64_t)st.st_size;
    return 0;
}

int artifacts_there(const struct artifact_row *row, struct err *e)
{
    char when[TIME_LEN];

    if (!row->removed_us)
        return 0;
    time_format(row->removed_us, when);
    return err_set(e, ERR_GONE, "the artifact was removed by retention at %s", when);
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
    return g->ret->tenant_id && g->ret->sha256 && g->ret->name && g->ret->media_type ? 0 : err_oom(e);
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
