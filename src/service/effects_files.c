#include "service/effects_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/hash.h"
#include "os/file.h"
#include "service/effects_seen.h"

#define FILE_MAX  ((int64_t)(512 * MIB)) /* of one of them */
#define PIECE     (256 * KIB)            /* written out from this size on */
#define KEEP      (1 * MIB)              /* a buffer that one large patch let grow beyond is given back */
#define LINE_ROOM (1 * MIB)              /* of changes.json: a path and some numbers */

/* A file that has no name yet. */
struct spool {
    const char *name;
    char tmp[40];
    int dir, fd;
    struct buf b;
    int64_t size;
};

static int spool_open(struct spool *s, int dir, const char *name, struct err *e)
{
    *s = (struct spool){.name = name, .dir = dir, .b = BUF_INIT((size_t)FILE_MAX)};
    snprintf(s->tmp, sizeof s->tmp, ".tmp-%s", name);
    s->fd = openat(dir, s->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return s->fd < 0 ? err_sys(e, ERR_IO, "create %s", s->tmp) : 0;
}

static void spool_fini(struct spool *s)
{
    buf_fini(&s->b);
    if (s->dir >= 0 && s->tmp[0])
        unlinkat(s->dir, s->tmp, 0); /* after the rename it is not there */
    fd_close(&s->fd);
}

static int spool_out(struct spool *s, struct err *e)
{
    int r;

    if (s->b.bad)
        return err_bad(e, s->b.bad, "%s is too large", s->name);
    s->size += (int64_t)s->b.len;
    if (s->size > FILE_MAX)
        return err_set(e, ERR_TOO_LARGE, "%s is larger than %lld MiB", s->name, (long long)(FILE_MAX / (int64_t)MIB));
    r = s->b.len ? fd_write_full(s->fd, s->b.p, s->b.len, e) : 0;
    if (s->b.cap > KEEP)
        buf_fini(&s->b);
    else
        buf_reset(&s->b);
    return r;
}

/* changes_part_fn: a part is complete. */
static int spool_part(void *arg, struct buf *out, struct err *e)
{
    struct spool *s = arg;

    return out->len >= PIECE || out->bad ? spool_out(s, e) : 0;
}

static int spool_sync(struct spool *s, struct err *e)
{
    int r = spool_out(s, e);

    return r < 0 ? r : dir_sync(s->fd, e);
}

static int spool_name(struct spool *s, struct err *e)
{
    return renameat(s->dir, s->tmp, s->dir, s->name) < 0 ? err_sys(e, ERR_IO, "rename %s", s->tmp) : 0;
}

static int write_list(struct spool *list, struct spool *seen, const struct changes *ch, struct err *e)
{
    size_t n = changes_len(ch);
    int r = 0;

    buf_addc(&list->b, '[');
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct jw w = JW_INIT(&list->b);

        if (i > 0)
            buf_puts(&list->b, ",\n");
        changes_json_one(changes_at(ch, i), &w);
        effects_seen_add(changes_at(ch, i), &seen->b);
        r = spool_part(list, &list->b, e);
        if (r == 0)
            r = spool_part(seen, &seen->b, e);
    }
    buf_puts(&list->b, "]\n");
    return r;
}

static int write_all(struct spool *list, struct spool *seen, struct spool *patch, const struct changes *ch,
                     struct err *e)
{
    int r = write_list(list, seen, ch, e);

    if (r == 0)
        r = changes_patch_parts(ch, NULL, &patch->b, spool_part, patch, e);
    if (r == 0)
        r = spool_sync(list, e);
    if (r == 0)
        r = spool_sync(seen, e);
    if (r == 0)
        r = spool_sync(patch, e);
    CRASH_POINT(changes_unnamed);
    if (r == 0)
        r = spool_name(list, e);
    CRASH_POINT(changes_half_named);
    if (r == 0)
        r = spool_name(seen, e);
    if (r == 0)
        r = spool_name(patch, e);
    return r < 0 ? r : dir_sync(list->dir, e);
}

/* A phase that is done again after a crash may find other changes than before: none, where there were some. */
static int write_none(int dir, struct err *e)
{
    static const char *const names[] = {"changes.json", "seen", "diff.patch"};
    bool any = false;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (unlinkat(dir, names[i], 0) == 0)
            any = true;
        else if (errno != ENOENT)
            return err_sys(e, ERR_IO, "remove %s", names[i]);
    }
    return any ? dir_sync(dir, e) : 0;
}

int effects_files_write(int dir, const struct changes *ch, struct err *e)
{
    AUTO(spool_fini) struct spool list = {.dir = -1, .fd = -1};
    AUTO(spool_fini) struct spool seen = {.dir = -1, .fd = -1};
    AUTO(spool_fini) struct spool patch = {.dir = -1, .fd = -1};
    int r;

    if (changes_len(ch) == 0)
        return write_none(dir, e);
    r = spool_open(&list, dir, "changes.json", e);
    if (r == 0)
        r = spool_open(&seen, dir, "seen", e);
    if (r == 0)
        r = spool_open(&patch, dir, "diff.patch", e);
    return r < 0 ? r : write_all(&list, &seen, &patch, ch, e);
}

/* ---- reading the list --------------------------------------------------- */

/* One line of the list: what is around the object is cut off. */
static int take_line(char *p, size_t n, void (*each)(void *arg, const struct json *), void *arg, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    int r;

    if (n > 0 && *p == '[')
        p++, n--;
    if (n > 0 && (p[n - 1] == ',' || p[n - 1] == ']'))
        n--;
    r = json_parse(p, n, &doc, e);
    if (r == 0)
        each(arg, doc);
    return r;
}

int effects_files_list(int dir, size_t max, void (*each)(void *arg, const struct json *), void *arg, size_t *ret_n,
                       struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(LINE_ROOM + PIECE);
    AUTO(fd_close) int fd = openat(dir, "changes.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t n = 0;
    int r = 0;

    if (fd < 0 && errno != ENOENT)
        return err_sys(e, ERR_IO, "open the list of changes");
    while (r == 0 && fd >= 0) {
        ssize_t k = buf_reserve(&b, PIECE / 2) < 0 ? -1 : read(fd, b.p + b.len, PIECE / 2);
        char *nl, *p = b.p;

        if (k < 0)
            return b.bad == -ERR_OOM ? err_oom(e)
                   : b.bad           ? err_set(e, ERR_CORRUPT, "the list of changes has a line too long")
                                     : err_sys(e, ERR_IO, "read the list of changes");
        if (k == 0)
            break;
        b.len += (size_t)k;
        for (; r == 0 && (nl = memchr(p, '\n', b.len - (size_t)(p - b.p))); p = nl + 1, n++)
            r = n < max ? take_line(p, (size_t)(nl - p), each, arg, e) : 0;
        buf_consume(&b, (size_t)(p - b.p));
    }
    if (r == 0)
        *ret_n = n;
    return r;
}
