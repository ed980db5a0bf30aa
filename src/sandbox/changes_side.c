/* changes_side - one file as a side of a comparison: type, size, hash, and its text when it is short.
 *
 * May include: base os.   Threads: any. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fault.h"
#include "os/file.h"
#include "sandbox/changes_priv.h"
#include "sandbox/changes_rule.h"

void side_fini(struct side *s)
{
    free(s->p);
    *s = (struct side){0};
}

struct diff_side side_diff(const struct side *s)
{
    return (struct diff_side){.mode = s->mode, .p = s->p, .len = s->len};
}

/* What a failed look means for the change; NULL: it is our failure. */
static const char *refusal_of(int sys)
{
    switch (sys) {
    case EACCES:
    case EPERM:
        return "cannot be read";
    case EXDEV:
        return "lies on another file system";
    case ELOOP:
        return "a parent directory is a symlink";
    case EINVAL:
        return "changed while it was read";
    default:
        return NULL;
    }
}

static int refuse(struct side *s, const char *why)
{
    s->refused = why;
    return 0;
}

static int read_kept(int fd, struct side *s, struct err *e)
{
    char *p = FAULT(alloc) ? NULL : malloc((size_t)s->bytes + 1);
    if (!p)
        return err_oom(e);
    s->p = p;
    int r = fd_pread_most(fd, p, (size_t)s->bytes, 0, &s->len, e);
    if (r < 0)
        return r;
    s->bytes = (int64_t)s->len;
    p[s->len] = '\0';
    sha256_hex_of(p, s->len, s->sha);
    s->binary = diff_binary(p, s->len);
    return 0;
}

_Static_assert(LAYER_SPARSE_FROM >= DIFF_MAX_BINARY, "read_kept and layer_hash must agree");

static int read_file(int root, const char *path, int64_t keep_max, struct side *s, struct err *e)
{
    if (s->bytes > LAYER_MAX_FILE)
        return refuse(s, "larger than 16 GiB");
    struct stat st;
    AUTO(fd_close) int fd = layer_open_file(root, path, &st);
    if (fd < 0) {
        const char *why = refusal_of(errno == ENOENT ? EINVAL : errno);
        return why ? refuse(s, why) : err_sys(e, ERR_IO, "open a file");
    }
    s->mode = st.st_mode;
    s->bytes = (int64_t)st.st_size;
    if (layer_has_caps(fd))
        s->refused = "file capabilities";
    if (s->bytes <= keep_max)
        return read_kept(fd, s, e);
    s->binary = true;
    return layer_hash(fd, s->sha, e);
}

static int read_link(int root, const char *path, struct side *s, struct err *e)
{
    s->p = layer_link(root, path);
    if (!s->p) {
        if (errno == ENAMETOOLONG)
            return refuse(s, "symlink target too long");
        const char *why = refusal_of(errno == ENOENT ? EINVAL : errno);
        return why ? refuse(s, why) : errno == ENOMEM ? err_oom(e) : err_sys(e, ERR_IO, "read a symlink");
    }
    s->len = strlen(s->p);
    s->bytes = (int64_t)s->len;
    sha256_hex_of(s->p, s->len, s->sha);
    return 0;
}

static int read_known(int root, const char *path, int64_t keep_max, struct side *s, struct err *e)
{
    struct stat st;
    if (layer_stat(root, path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        const char *why = refusal_of(errno);
        return why ? refuse(s, why) : err_sys(e, ERR_IO, "look at a file");
    }
    s->mode = st.st_mode;
    s->bytes = (int64_t)st.st_size;
    if (S_ISREG(st.st_mode))
        return read_file(root, path, keep_max, s, e);
    if (S_ISLNK(st.st_mode))
        return read_link(root, path, s, e);
    s->bytes = 0;
    return S_ISDIR(st.st_mode) ? 0 : refuse(s, rule_mode(st.st_mode));
}

int side_read(int root, const char *path, int64_t keep_max, struct side *ret, struct err *e)
{
    struct side s = {0};
    int r = read_known(root, path, keep_max, &s, e);
    if (r < 0) {
        side_fini(&s);
        return r;
    }
    *ret = s;
    return 0;
}
