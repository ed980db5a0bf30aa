/* drive_boot - see drive_boot.h. */
#include "worker/drive_boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "os/proc.h"

#define REL_MAX 160

static void name(char ret[REL_MAX], const struct id *run, const char *layer, const char *file)
{
    snprintf(ret, REL_MAX, "runs/%s/layers/%s/%s", run->s, layer, file);
}

static int keep_one(struct svc *svc, const struct id *run, const char *layer, struct err *e)
{
    char rel[REL_MAX];

    name(rel, run, layer, "kept");
    AUTO(fd_close) int fd = openat(svc->data_fd, rel, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno != ENOENT) /* a layer that is not there has nothing to lose */
        return err_sys(e, ERR_IO, "mark the layer %s as synced", layer);
    return 0;
}

int drive_keep(struct svc *svc, const struct id *run, const struct run_steps *steps, struct err *e)
{
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < steps->n; i++)
        n += steps->v[i].layer != NULL;
    if (n == 0)
        return 0;
    AUTO(fd_close)
    int fd = openat(svc->data_fd, "runs", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* data_fd may be O_PATH */
    if (fd < 0 || syncfs(fd) < 0)
        return err_sys(e, ERR_IO, "sync the layers");
    for (size_t i = 0; i < steps->n && r == 0; i++)
        if (steps->v[i].layer)
            r = keep_one(svc, run, steps->v[i].layer, e);
    return r;
}

static bool is_there(const struct svc *svc, const struct id *run, const char *layer, const char *file)
{
    char rel[REL_MAX];

    name(rel, run, layer, file);
    return faccessat(svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool drive_torn(const struct svc *svc, const struct id *run, const char *layer)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256);
    char rel[REL_MAX], boot[PROC_BOOT_ID];

    proc_boot_id(boot);
    if (!*boot || is_there(svc, run, layer, "kept"))
        return false;
    name(rel, run, layer, "born");
    if (file_read(svc->data_fd, rel, &b, NULL) < 0)
        return true;
    return !str_eq(b.len ? b.p : "", boot);
}
