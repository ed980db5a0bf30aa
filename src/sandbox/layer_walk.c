/* layer_walk - see layer.h: what is below a directory, and what the overlay file system means by it.
 *
 * Why it exists: the tree may be as deep and as wide as its writer liked, so
 * directories still to be entered are kept as paths on a bounded heap stack,
 * never as frames or descriptors.
 * May include: base os.   Threads: any. */
#include "sandbox/layer.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"

#define MAX_PENDING       ((size_t)1000000)
#define MAX_PENDING_BYTES (256 * MIB)
#define MAX_MODES_BYTES   (256 * MIB)

struct walk {
    int root, flags;
    int modes_fd; /* >= 0: unlock on the way */
    layer_fn *fn;
    void *arg;
    char **dirs; /* stack of paths to enter */
    size_t ndirs, cap, bytes;
};

static int push(struct walk *w, const char *path, struct err *e)
{
    size_t n = strlen(path) + 1;
    if (w->ndirs >= MAX_PENDING || n > MAX_PENDING_BYTES - w->bytes)
        return err_set(e, ERR_TOO_LARGE, "too many directories to look at");
    if (w->ndirs == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        char **p = FAULT(alloc) ? NULL : realloc(w->dirs, cap * sizeof *p);
        if (!p)
            return err_oom(e);
        w->dirs = p;
        w->cap = cap;
    }
    char *s = strdup(path);
    if (!s)
        return err_oom(e);
    w->dirs[w->ndirs++] = s;
    w->bytes += n;
    return 0;
}

static char *pop(struct walk *w)
{
    char *s = w->dirs[--w->ndirs];
    w->bytes -= strlen(s) + 1;
    return s;
}

static size_t depth_of(const char *path)
{
    size_t n = *path != '\0';
    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* One letter of an overlay attribute, under either prefix (mount option userxattr or not); 0 = none. */
static char overlay_attr(int fd, const char *user, const char *trusted)
{
    char v[2];
    ssize_t n = fgetxattr(fd, user, v, sizeof v);
    if (n < 0)
        n = fgetxattr(fd, trusted, v, sizeof v);
    return n == 1 ? v[0] : n == 0 ? 'y' : '\0';
}

/* Newer kernels may keep a whiteout as an empty file with an attribute, in a directory marked opaque=x. */
static int is_xwhiteout(int dir, const char *name, const struct stat *st, struct err *e)
{
    if (!S_ISREG(st->st_mode) || st->st_size != 0)
        return 0;
    AUTO(fd_close) int fd = layer_open(dir, name, O_RDONLY | O_NONBLOCK);
    if (fd < 0 && !layer_shut(errno))
        return err_sys(e, ERR_IO, "open a file of the layer");
    return fd >= 0 && (fgetxattr(fd, "user.overlay.whiteout", NULL, 0) >= 0 ||
                       fgetxattr(fd, "trusted.overlay.whiteout", NULL, 0) >= 0);
}

static int what_of(const struct walk *w, int dir, const char *name, bool xmarked, const struct stat *st, struct err *e)
{
    if (!(w->flags & LAYER_PLAIN)) {
        bool device = S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
        int r = !device && xmarked ? is_xwhiteout(dir, name, st, e) : device;
        if (r != 0)
            return r < 0 ? r : LAYER_WHITEOUT;
    }
    return S_ISREG(st->st_mode) ? LAYER_FILE : S_ISLNK(st->st_mode) ? LAYER_LINK : LAYER_SPECIAL;
}

/* Through an O_PATH descriptor: what is changed is what was looked at. Record first, then chmod: a crash between
 * them costs nothing. */
static int unlock_one(const struct walk *w, const char *path, const struct stat *st, struct err *e)
{
    AUTO(fd_close) int fd = layer_open(w->root, path, O_PATH);
    if (fd < 0)
        return err_sys(e, ERR_IO, "open a locked file of the layer");
    char head[16];
    int n = snprintf(head, sizeof head, "%o ", (unsigned)st->st_mode);
    int r = fd_write_full(w->modes_fd, head, (size_t)n, e);
    if (r == 0)
        r = fd_write_full(w->modes_fd, path, strlen(path) + 1, e);
    if (r < 0)
        return r;
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    mode_t more = S_ISDIR(st->st_mode) ? 0700 : 0400;
    if (chmod(self, (st->st_mode & 07777) | more) < 0)
        return err_sys(e, ERR_IO, "make a locked file of the layer readable");
    return 0;
}

static int visit_leaf(struct walk *w, int dir, bool xmarked, const char *name, const char *path, const struct stat *st,
                      struct err *e)
{
    struct layer_entry en = {.path = path, .st = *st};
    int what = what_of(w, dir, name, xmarked, st, e);
    if (what < 0)
        return what;
    en.what = (enum layer_what)what;
    if (w->modes_fd >= 0 && S_ISREG(st->st_mode) && faccessat(dir, name, R_OK, AT_EACCESS) < 0 && errno == EACCES) {
        int r = unlock_one(w, path, st, e);
        if (r < 0)
            return r;
    }
    return w->fn ? w->fn(w->arg, &en, e) : 0;
}

static int visit_name(struct walk *w, int dir, bool xmarked, const char *parent, const char *name, struct err *e)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_IO, "look at a file"); /* gone meanwhile: not there */
    char *path = *parent ? str_printf("%s/%s", parent, name) : str_dup(name);
    if (!path)
        return err_oom(e);
    int r = S_ISDIR(st.st_mode) ? push(w, path, e) : visit_leaf(w, dir, xmarked, name, path, &st, e);
    free(path);
    return r;
}

/* Takes fd. */
static int list_dir(struct walk *w, int fd, const char *path, bool xmarked, struct err *e)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return err_oom(e);
    }
    int r = 0;
    while (r == 0) {
        errno = 0;
        struct dirent *de = readdir(d);
        if (!de) {
            if (errno != 0)
                r = err_sys(e, ERR_IO, "list a directory");
            break;
        }
        if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
            r = visit_name(w, dirfd(d), xmarked, path, de->d_name, e);
    }
    closedir(d);
    return r;
}

static int open_dir(struct walk *w, const char *path, struct layer_entry *en, struct err *e)
{
    if (depth_of(path) > LAYER_MAX_DEPTH) {
        en->fail = ENAMETOOLONG;
        return -1;
    }
    int fd = layer_open(w->root, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && errno == EACCES && w->modes_fd >= 0) {
        int r = unlock_one(w, path, &en->st, e);
        if (r < 0)
            return r;
        fd = layer_open(w->root, path, O_RDONLY | O_DIRECTORY);
    }
    if (fd < 0 && !layer_shut(errno))
        return err_sys(e, ERR_IO, "list a directory");
    if (fd < 0)
        en->fail = errno;
    return fd;
}

static int visit_dir(struct walk *w, const char *path, bool start, struct err *e)
{
    struct layer_entry en = {.path = path, .what = LAYER_DIR};
    if (*path && layer_stat(w->root, path, &en.st) < 0)
        return errno == ENOENT && !start ? 0 : err_sys(e, ERR_IO, "look at a directory");
    int fd = open_dir(w, path, &en, e);
    if (fd < 0 && en.fail == 0)
        return fd;
    bool xmarked = false;
    if (fd >= 0 && !(w->flags & LAYER_PLAIN)) {
        char v = overlay_attr(fd, "user.overlay.opaque", "trusted.overlay.opaque");
        en.opaque = v == 'y';
        xmarked = v == 'x';
    }
    int r = 0;
    if (!start && w->fn)
        r = w->fn(w->arg, &en, e);
    else if (fd < 0)
        r = (errno = en.fail, err_sys(e, ERR_IO, "list a directory"));
    if (fd >= 0 && r == 0)
        return list_dir(w, fd, path, xmarked, e);
    if (fd >= 0)
        close(fd);
    return r;
}

static int run_walk(struct walk *w, const char *start, struct err *e)
{
    int r = visit_dir(w, start, true, e);
    while (r == 0 && w->ndirs > 0) {
        char *path = pop(w);
        r = visit_dir(w, path, false, e);
        free(path);
    }
    while (w->ndirs > 0)
        free(pop(w));
    free(w->dirs);
    return r;
}

int layer_walk(int root, const char *start, int flags, layer_fn *fn, void *arg, struct err *e)
{
    struct walk w = {.root = root, .flags = flags, .modes_fd = -1, .fn = fn, .arg = arg};
    return run_walk(&w, start, e);
}

static int ignore_entry(void *arg, const struct layer_entry *en, struct err *e)
{
    return 0;
}

int layer_unlock(int root, int modes_fd, struct err *e)
{
    struct walk w = {.root = root, .modes_fd = modes_fd, .fn = ignore_entry};
    return run_walk(&w, "", e);
}

/* --- remembered modes ---------------------------------------------------------------------------- */

struct record {
    const char *path;
    uint32_t mode;
    size_t order;
};

struct layer_modes {
    struct buf text;
    struct record *rec;
    size_t n;
};

static int by_path(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    int c = strcmp(x->path, y->path);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

/* Fills m->rec; a record a crash cut short has no NUL inside the text and is left out. */
static void parse_records(struct layer_modes *m)
{
    for (const char *p = m->text.p, *end = p + m->text.len, *nul; p < end && (nul = memchr(p, 0, (size_t)(end - p)));
         p = nul + 1) {
        char *path;
        unsigned long mode = strtoul(p, &path, 8);
        if (*path++ != ' ')
            continue;
        m->rec[m->n] = (struct record){.path = path, .mode = (uint32_t)mode & 07777, .order = m->n};
        m->n++;
    }
    if (m->n > 0)
        qsort(m->rec, m->n, sizeof *m->rec, by_path);
}

int layer_modes_load(int fd, struct layer_modes **ret, struct err *e)
{
    AUTO_PTR(layer_modes_free) struct layer_modes *m = calloc(1, sizeof *m);
    if (!m)
        return err_oom(e);
    m->text = BUF_INIT(MAX_MODES_BYTES);
    int r = fd >= 0 ? fd_read_all(fd, &m->text, e) : 0;
    if (r < 0)
        return r;
    size_t n = 0;
    for (size_t i = 0; i < m->text.len; i++)
        n += m->text.p[i] == '\0';
    m->rec = calloc(n + 1, sizeof *m->rec);
    if (!m->rec)
        return err_oom(e);
    if (n > 0)
        parse_records(m);
    *ret = TAKE(m);
    return 0;
}

uint32_t layer_modes_get(const struct layer_modes *m, const char *path, uint32_t mode)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) { /* the first record of the path */
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(m->rec[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < m->n && strcmp(m->rec[lo].path, path) == 0)
        return (mode & S_IFMT) | m->rec[lo].mode;
    return mode;
}

void layer_modes_free(struct layer_modes *m)
{
    if (!m)
        return;
    buf_fini(&m->text);
    free(m->rec);
    free(m);
}
