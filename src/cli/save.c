/* save - see save.h.
 *
 * May include: base/ os/ net/.   Threads: one. */
#include "cli/save.h"
#include "base/str.h"
#include "os/file.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOW_MAX (64 * MIB)

struct sink {
    struct cli *c;
    int fd;           /* -1: stdout */
    struct buf *show; /* terminal: gathered first */
    struct err *e;
    int r;
};

static int on_bytes(void *arg, const char *p, size_t n)
{
    struct sink *s = arg;
    if (s->show)
        buf_add(s->show, p, n);
    else if (s->fd >= 0)
        s->r = fd_write_full(s->fd, p, n, s->e);
    else
        ui_raw(&s->c->ui, p, n);
    return s->r < 0 || s->c->ui.broken || (s->show && s->show->bad);
}

static int to_terminal(struct cli *c, const struct buf *path, const char *accept, bool diff, struct err *e)
{
    AUTO(buf_fini) struct buf all = BUF_INIT(SHOW_MAX);
    struct sink s = {.c = c, .fd = -1, .show = &all, .e = e};
    int r = api_stream(&c->api, path, accept, NULL, 0, on_bytes, &s, e);
    if (r < 0)
        return r;
    if (all.bad)
        return err_set(e, ERR_TOO_LARGE, "that is too large for a terminal: write it to a file");
    if (all.len && memchr(all.p, 0, all.len))
        return err_set(e, ERR_INVALID, "that is not text: write it to a file");
    ui_page(&c->ui, all.p ? all.p : "", all.len, diff);
    return 0;
}

static int to_file(struct cli *c, const struct buf *path, const char *accept, const char *file, struct err *e)
{
    char *tmp = str_printf("%s.part-XXXXXX", file);
    if (!tmp)
        return err_oom(e);
    int fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0) {
        int r = err_sys(e, ERR_IO, "making a file beside %s", file);
        free(tmp);
        return r;
    }
    struct sink s = {.c = c, .fd = fd, .e = e};
    struct err why = ERR_INIT;
    int r = api_stream(&c->api, path, accept, NULL, 0, on_bytes, &s, &why);
    if (s.r < 0)
        r = s.r;
    else if (r < 0)
        *e = why;
    if (r == 0 && (fsync(fd) < 0 || rename(tmp, file) < 0))
        r = err_sys(e, ERR_IO, "writing %s", file);
    if (r < 0)
        (void)unlink(tmp);
    fd_close(&fd);
    free(tmp);
    return r;
}

int save_to(struct cli *c, const struct buf *path, const char *accept, const char *file, bool diff, struct err *e)
{
    struct sink s = {.c = c, .fd = -1, .e = e};
    if (file && !str_eq(file, "-"))
        return to_file(c, path, accept, file, e);
    if (c->ui.out_tty && !c->ui.json)
        return to_terminal(c, path, accept, diff, e);
    return api_stream(&c->api, path, accept, NULL, 0, on_bytes, &s, e);
}
