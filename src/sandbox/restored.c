/* restored - see restored.h.
 *
 * May include: base os sandbox/apply_priv.h.   Threads: one owner. */
#include "sandbox/restored.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "os/file.h"
#include "sandbox/apply_priv.h"

#define NAME "restored"
#define END  "end"
#define MOST (256 * MIB)

struct entry {
    const char *path, *sha; /* sha: SHA256_HEX - 1 bytes */
    uint32_t mode;
};

struct restored {
    struct buf text;
    struct entry *entry; /* by path */
    size_t n;
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

/* One line without its NUL; false: not of ours. */
static bool parse(const char *p, struct entry *ret)
{
    char *at;
    unsigned long mode = strtoul(p, &at, 8);
    if (*at++ != ' ' || strnlen(at, SHA256_HEX) < SHA256_HEX || at[SHA256_HEX - 1] != ' ')
        return false;
    *ret = (struct entry){.path = at + SHA256_HEX, .sha = at, .mode = (uint32_t)mode};
    return true;
}

static int parse_all(struct restored *r, struct err *e)
{
    size_t lines = 0;
    for (size_t i = 0; i < r->text.len; i++)
        lines += r->text.p[i] == '\0';
    r->entry = calloc(lines + 1, sizeof *r->entry);
    if (!r->entry)
        return err_oom(e);
    for (const char *p = r->text.p, *end = p + r->text.len - sizeof END; p < end; p += strlen(p) + 1)
        r->n += parse(p, &r->entry[r->n]);
    qsort(r->entry, r->n, sizeof *r->entry, by_path);
    return 0;
}

static int load(int run, struct restored **ret, struct err *e)
{
    struct restored *r = calloc(1, sizeof *r);
    if (!r)
        return err_oom(e);
    r->text = BUF_INIT(MOST);
    int rc = file_read(run, NAME, &r->text, e);
    bool whole =
        rc == 0 && r->text.len >= sizeof END && memcmp(r->text.p + r->text.len - sizeof END, END, sizeof END) == 0;
    if (whole)
        rc = parse_all(r, e);
    if (rc < 0 || !whole) {
        restored_free(r);
        return rc == -ERR_NOT_FOUND ? 0 : rc;
    }
    *ret = r;
    return 0;
}

int restored_load(const char *run_dir, struct restored **ret, struct err *e)
{
    AUTO(fd_close) int run = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret = NULL;
    if (run < 0)
        return err_sys(e, ERR_IO, "open the run's directory %s", run_dir);
    return load(run, ret, e);
}

static const struct entry *find(const struct restored *r, const char *path)
{
    struct entry key = {.path = path};
    return r && r->n ? bsearch(&key, r->entry, r->n, sizeof *r->entry, by_path) : NULL;
}

bool restored_is(const struct restored *r, const char *path, uint32_t mode, const char *sha)
{
    const struct entry *x = find(r, path);
    return x && *sha && x->mode == mode && strncmp(x->sha, sha, SHA256_HEX - 1) == 0;
}

static void put(struct buf *b, const struct entry *x)
{
    buf_printf(b, "%o %.*s ", (unsigned)x->mode, SHA256_HEX - 1, x->sha);
    buf_add(b, x->path, strlen(x->path) + 1);
}

void restored_note(int run, const struct apply_plan *p)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MOST);
    struct restored *old = NULL;
    if (load(run, &old, NULL) < 0)
        return;
    for (size_t i = 0; old && i < old->n; i++)
        put(&b, &old->entry[i]);
    for (size_t i = 0; i < p->n; i++) {
        const struct apply_op *op = &p->op[i];
        if (op->prev == APPLY_NONE && *op->from.sha && !find(old, op->path))
            put(&b, &(struct entry){op->path, op->from.sha, op->from.mode});
    }
    restored_free(old);
    buf_add(&b, END, sizeof END);
    AUTO(fd_close) int fd = openat(run, NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && !b.bad)
        (void)!fd_write_full(fd, b.p, b.len, NULL);
}

void restored_free(struct restored *r)
{
    if (!r)
        return;
    buf_fini(&r->text);
    free(r->entry);
    free(r);
}
