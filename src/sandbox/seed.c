/* seed - see seed.h: making the copy. Reading it again: seed_read.c.
 *
 *   layers/copy.tmp/upper ── walk, copy, record ──► directories get mode and time, deepest first ──► seed, synced
 *                                                                                   ──► renamed to layers/copy
 *
 * May include: base os.   Threads: one owner. The project is only read; it may change while we read. */
#include "sandbox/seed.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/str.h"
#include "os/file.h"
#include "os/proc.h"
#include "sandbox/apply_priv.h"
#include "sandbox/seed_priv.h"
#include "sandbox/spec.h"

#define TMP_DIR    "layers/" SEED_LAYER ".tmp"
#define RECORD_MAX (2 * GIB)
#define ROOM_EVERY (16 * (int64_t)MIB)
#define CHUNK      (1 * MIB)
#define TRIES      3 /* for a file that is written while it is copied */

struct seeding {
    const struct seed_in *in;
    int run, src, dst;
    bool root_mode;
    uid_t owner, host; /* owner's files become host's, as in every layer of root mode */
    gid_t owner_gid;
    struct buf record;
    struct seed_head head;
    int64_t unchecked;  /* bytes since the last look at the free room */
    size_t *links;      /* offsets in the record, of files with several names: open addressing, by inode */
    size_t nlinks, cap; /* 0: free, so offsets are stored plus one */
    size_t *dirs;       /* offsets of directories, in the order of the walk */
    size_t ndirs, dirs_cap;
    int parent; /* of the last entry, in the copy */
    char *parent_path;
};

static struct seed_entry entry_at(const struct seeding *s, size_t at)
{
    struct seed_entry en;
    memcpy(&en, s->record.p + at, sizeof en);
    return en;
}

static const char *path_at(const struct seeding *s, size_t at)
{
    return s->record.p + at + sizeof(struct seed_entry);
}

static size_t record(struct seeding *s, const char *path, const struct stat *project, const struct stat *copy)
{
    struct seed_entry en = {.project = seed_stat_of(project), .path_len = (uint32_t)strlen(path)};
    size_t at = s->record.len;
    if (copy) { /* counted as a running sandbox counts its layers */
        en.copy = seed_stat_of(copy);
        s->head.bytes += spw_name_bytes((int64_t)copy->st_blocks * 512);
    }
    buf_add(&s->record, &en, sizeof en);
    buf_add(&s->record, path, strlen(path) + 1);
    s->head.n++;
    return at;
}

/* ---- room ---- */

static int look_for_room(struct seeding *s, int64_t more, struct err *e)
{
    struct statvfs v;
    s->unchecked += more;
    if (s->unchecked < ROOM_EVERY)
        return 0;
    s->unchecked = 0;
    if (fstatvfs(s->dst, &v) == 0 && (int64_t)v.f_bavail * (int64_t)v.f_frsize < s->in->min_free)
        return err_set(e, ERR_STORAGE_FULL, "the copy of the project (seed: copy) does not fit on the disk");
    return 0;
}

/* ---- one entry ---- */

static int open_parent(struct seeding *s, const char *path, const char **ret_base, struct err *e)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    *ret_base = slash ? slash + 1 : path;
    if (s->parent >= 0 && strlen(s->parent_path) == n && memcmp(s->parent_path, path, n) == 0)
        return 0;
    fd_close(&s->parent);
    free(s->parent_path);
    s->parent_path = str_ndup(path, n);
    if (!s->parent_path)
        return err_oom(e);
    s->parent = layer_open(s->dst, s->parent_path, O_PATH | O_DIRECTORY);
    return s->parent < 0 ? err_sys(e, ERR_IO, "copy the project") : 0;
}

static int give(const struct seeding *s, int fd, const char *name, const struct stat *st)
{
    uid_t uid = st->st_uid == s->owner ? s->host : st->st_uid;
    gid_t gid = st->st_gid == s->owner_gid ? (gid_t)s->host : st->st_gid;
    return s->root_mode ? fchownat(fd, name, uid, gid, *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH) : 0;
}

static int stopped(const struct seeding *s, struct err *e)
{
    if (s->in->stop && s->in->stop(s->in->arg))
        return err_set(e, ERR_CANCELED, "the copy of the project was canceled");
    return 0;
}

static int copy_range(int src, int dst, off_t at, off_t end, struct err *e)
{
    char *mem = NULL;
    while (at < end) {
        off_t in = at, out = at;
        ssize_t n = copy_file_range(src, &in, dst, &out, (size_t)(end - at), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG))
            break;
        if (n < 0) { /* not between these file systems */
            if (!mem && !(mem = malloc(CHUNK)))
                return err_oom(e);
            n = pread(src, mem, end - at < (off_t)CHUNK ? (size_t)(end - at) : CHUNK, at);
            if (n > 0)
                n = pwrite(dst, mem, (size_t)n, at);
        }
        if (n < 0)
            break;
        if (n == 0) { /* shorter than it was: the caller sees that by its times */
            at = end;
            break;
        }
        at += n;
    }
    int r = at < end ? err_sys(e, errno == ENOSPC || errno == EDQUOT ? ERR_STORAGE_FULL : ERR_IO, "copy a file") : 0;
    free(mem);
    return r;
}

/* In pieces: a large file must neither fill the disk nor keep a run from being canceled. */
static int copy_pieces(struct seeding *s, int src, int dst, off_t at, off_t end, struct err *e)
{
    int r = 0;
    for (off_t next; r == 0 && at < end; at = next) {
        next = end - at > ROOM_EVERY ? at + ROOM_EVERY : end;
        r = look_for_room(s, next - at, e);
        if (r == 0)
            r = stopped(s, e);
        if (r == 0)
            r = copy_range(src, dst, at, next, e);
    }
    return r;
}

static int copy_content(struct seeding *s, int src, int dst, off_t size, struct err *e)
{
    if (ioctl(dst, FICLONE, src) == 0)
        return 0;
    if (ftruncate(dst, size) < 0)
        return err_sys(e, ERR_IO, "copy a file");
    for (off_t at = 0; at < size;) {
        off_t data = lseek(src, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break; /* only a hole is left */
        data = data < 0 ? at : data;
        off_t hole = lseek(src, data, SEEK_HOLE);
        hole = hole < 0 || hole > size ? size : hole;
        int r = data < size ? copy_pieces(s, src, dst, data, hole, e) : 0;
        if (r < 0)
            return r;
        at = hole > data ? hole : size;
    }
    return 0;
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
    struct seed_stat x = seed_stat_of(a), y = seed_stat_of(b);
    return memcmp(&x, &y, sizeof x) == 0;
}

static int fill(struct seeding *s, int src, int dst, struct stat *st, struct err *e)
{
    for (int i = 0; i < TRIES; i++) {
        struct stat now;
        int r = copy_content(s, src, dst, st->st_size, e);
        if (r < 0)
            return r;
        if (fstat(src, &now) == 0 && same_stat(st, &now))
            return 0;
        *st = now;
        if (ftruncate(dst, 0) < 0)
            break;
    }
    return err_set(e, ERR_CONFLICT, "a file of the project is being written all the time: it cannot be copied");
}

/* Owner, then mode (a change of owner clears bits), then times; setuid and setgid of files mean nothing inside. */
static int dress(const struct seeding *s, int fd, const struct stat *st, struct stat *ret, struct err *e)
{
    const struct timespec t[2] = {st->st_atim, st->st_mtim};
    mode_t mode = S_ISREG(st->st_mode) ? st->st_mode & 01777 : st->st_mode & 07777;
    if (give(s, fd, "", st) < 0 || fchmod(fd, mode) < 0 || futimens(fd, t) < 0 || fstat(fd, ret) < 0)
        return err_sys(e, ERR_IO, "copy a file's owner, mode and times");
    return 0;
}

static int add_file(struct seeding *s, const char *path, const char *base, struct stat *ret_project, struct stat *ret,
                    struct err *e)
{
    struct stat st;
    AUTO(fd_close) int src = layer_open_file(s->src, path, &st);
    if (src < 0 && errno != EINVAL && !layer_shut(errno))
        return err_sys(e, ERR_IO, "open %s", path);
    if (src < 0)
        return 1; /* cannot be read, or is gone: left out */
    AUTO(fd_close) int dst = openat(s->parent, base, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (dst < 0)
        return err_sys(e, errno == ENOSPC ? ERR_STORAGE_FULL : ERR_IO, "copy %s", path);
    int r = fill(s, src, dst, &st, e);
    if (r < 0)
        return err_wrap(e, r, "%s", path);
    apply_copy_xattrs(src, dst);
    *ret_project = st;
    return dress(s, dst, &st, ret, e);
}

static int add_symlink(struct seeding *s, const char *path, const char *base, const struct stat *st, struct stat *ret,
                       struct err *e)
{
    const struct timespec t[2] = {st->st_atim, st->st_mtim};
    char *target = layer_link(s->src, path);
    if (!target)
        return errno == EINVAL || layer_shut(errno) ? 1 : err_sys(e, ERR_IO, "read the symlink %s", path);
    int bad = symlinkat(target, s->parent, base) < 0 || give(s, s->parent, base, st) < 0 ||
              utimensat(s->parent, base, t, AT_SYMLINK_NOFOLLOW) < 0 ||
              fstatat(s->parent, base, ret, AT_SYMLINK_NOFOLLOW) < 0;
    free(target);
    return bad ? err_sys(e, ERR_IO, "copy %s", path) : 0;
}

static int add_fifo(struct seeding *s, const char *base, const struct stat *st, struct stat *ret, struct err *e)
{
    if (mkfifoat(s->parent, base, 0600) < 0 || give(s, s->parent, base, st) < 0 ||
        fchmodat(s->parent, base, st->st_mode & 0777, 0) < 0 || fstatat(s->parent, base, ret, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, ERR_IO, "copy a FIFO");
    return 0;
}

/* ---- files with several names ---- */

static size_t *link_slot(struct seeding *s, uint64_t ino)
{
    size_t i = (size_t)(ino * 0x9e3779b97f4a7c15u >> 20) & (s->cap - 1);
    while (s->links[i] && entry_at(s, s->links[i] - 1).project.ino != ino)
        i = (i + 1) & (s->cap - 1);
    return &s->links[i];
}

static int keep_link(struct seeding *s, uint64_t ino, size_t at, struct err *e)
{
    if ((s->nlinks + 1) * 2 > s->cap) {
        size_t *old = s->links, nold = s->cap, cap = nold ? nold * 2 : 64;
        size_t *bigger = FAULT(alloc) ? NULL : calloc(cap, sizeof *bigger);
        if (!bigger)
            return err_oom(e);
        s->links = bigger;
        s->cap = cap;
        for (size_t i = 0; i < nold; i++)
            if (old[i])
                *link_slot(s, entry_at(s, old[i] - 1).project.ino) = old[i];
        free(old);
    }
    size_t *slot = link_slot(s, ino);
    s->nlinks += *slot == 0;
    *slot = at + 1;
    return 0;
}

/* 1: another name of this file was copied already, and this one is linked to it. */
static int add_link(struct seeding *s, const struct stat *st, const char *base, struct stat *ret, struct err *e)
{
    size_t at = s->cap ? *link_slot(s, st->st_ino) : 0;
    const char *old;
    if (!at)
        return 0;
    AUTO(fd_close) int dir = layer_parent(s->dst, path_at(s, at - 1), &old);
    if (dir < 0 || linkat(dir, old, s->parent, base, 0) < 0 || fstatat(s->parent, base, ret, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, ERR_IO, "copy a link");
    return 1;
}

static int add_regular(struct seeding *s, const char *path, const char *base, const struct stat *st, struct err *e)
{
    struct stat copy = {0}, project = *st;
    int r = st->st_nlink > 1 ? add_link(s, st, base, &copy, e) : 0;
    if (r > 0) {
        record(s, path, st, &copy);
        return 0;
    }
    if (r == 0)
        r = add_file(s, path, base, &project, &copy, e);
    if (r < 0)
        return r;
    size_t at = record(s, path, &project, r == 0 ? &copy : NULL);
    return r == 0 && st->st_nlink > 1 ? keep_link(s, st->st_ino, at, e) : 0;
}

/* ---- directories ---- */

static int keep_dir(struct seeding *s, size_t at, struct err *e)
{
    if (s->ndirs == s->dirs_cap) {
        size_t cap = s->dirs_cap ? s->dirs_cap * 2 : 256;
        size_t *p = FAULT(alloc) ? NULL : realloc(s->dirs, cap * sizeof *p);
        if (!p)
            return err_oom(e);
        s->dirs = p;
        s->dirs_cap = cap;
    }
    s->dirs[s->ndirs++] = at;
    return 0;
}

static int add_dir(struct seeding *s, const struct layer_entry *en, const char *base, struct err *e)
{
    struct stat copy;
    if (mkdirat(s->parent, base, 0700) < 0 || fstatat(s->parent, base, &copy, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, errno == ENOSPC ? ERR_STORAGE_FULL : ERR_IO, "copy %s", en->path);
    return keep_dir(s, record(s, en->path, &en->st, &copy), e);
}

static int add_entry(void *arg, const struct layer_entry *en, struct err *e)
{
    struct seeding *s = arg;
    const char *base = "";
    struct stat copy = {0};
    int r = stopped(s, e);
    if (r == 0)
        r = look_for_room(s, spw_name_bytes(0), e);
    if (r == 0)
        r = open_parent(s, en->path, &base, e);
    if (r < 0)
        return r;
    if (s->record.bad)
        return err_set(e, ERR_TOO_LARGE, "the project has too many files to be copied");
    if (S_ISDIR(en->st.st_mode) && en->fail == 0)
        return add_dir(s, en, base, e);
    if (S_ISREG(en->st.st_mode))
        return add_regular(s, en->path, base, &en->st, e);
    r = S_ISLNK(en->st.st_mode)    ? add_symlink(s, en->path, base, &en->st, &copy, e)
        : S_ISFIFO(en->st.st_mode) ? add_fifo(s, base, &en->st, &copy, e)
                                   : 1; /* sockets, devices, directories that cannot be entered */
    if (r >= 0)
        record(s, en->path, &en->st, r == 0 ? &copy : NULL);
    return r < 0 ? r : 0;
}

static int dress_dir(struct seeding *s, const char *path, const struct stat *st, struct stat *ret, struct err *e)
{
    AUTO(fd_close) int fd = layer_open(s->dst, path, O_RDONLY | O_DIRECTORY);
    AUTO(fd_close) int from = layer_open(s->src, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || (from < 0 && !layer_shut(errno)))
        return err_sys(e, ERR_IO, "copy the directory %s", path);
    if (from >= 0)
        apply_copy_xattrs(from, fd);
    return dress(s, fd, st, ret, e);
}

/* Last, and from the deepest up: making names in them changed their times, and some may not be written in. */
static int dress_dirs(struct seeding *s, struct err *e)
{
    int r = 0;
    for (size_t i = s->ndirs; i-- > 0 && r == 0;) {
        const char *path = path_at(s, s->dirs[i]);
        struct seed_entry en = entry_at(s, s->dirs[i]);
        struct stat st, copy;
        int there = layer_stat(s->src, path, &st);
        if (there < 0 && !layer_shut(errno))
            return err_sys(e, ERR_IO, "look at the directory %s", path);
        if (there < 0 || !S_ISDIR(st.st_mode))
            continue; /* gone meanwhile: the record tells */
        r = dress_dir(s, path, &st, &copy, e);
        en.copy = seed_stat_of(&copy);
        memcpy(s->record.p + s->dirs[i], &en, sizeof en);
    }
    return r;
}

/* Each further name changed the ctime of the file. */
static int restat_links(struct seeding *s, struct err *e)
{
    for (size_t at = 0; at < s->record.len && s->nlinks > 0;) {
        struct seed_entry en = entry_at(s, at);
        const char *path = path_at(s, at);
        struct stat st;
        if (S_ISREG(en.copy.mode) && *link_slot(s, en.project.ino)) {
            if (layer_stat(s->dst, path, &st) < 0)
                return err_sys(e, ERR_IO, "look at the copy");
            en.copy = seed_stat_of(&st);
            memcpy(s->record.p + at, &en, sizeof en);
        }
        at += sizeof en + en.path_len + 1;
    }
    return 0;
}

/* ---- the whole ---- */

static int find_owner(struct seeding *s, struct err *e)
{
    struct stat st;
    if (fstat(s->src, &st) < 0)
        return err_sys(e, ERR_IO, "look at the project");
    s->root_mode = geteuid() == 0;
    s->owner = st.st_uid;
    s->owner_gid = st.st_gid;
    s->host = (uid_t)s->in->host_id;
    return 0;
}

static int dress_root(struct seeding *s, struct err *e)
{
    struct stat st, ignored;
    if (fstat(s->src, &st) < 0)
        return err_sys(e, ERR_IO, "look at the project");
    st.st_mode |= 0700;
    AUTO(fd_close) int fd = layer_open(s->dst, "", O_RDONLY | O_DIRECTORY);
    return fd < 0 ? err_sys(e, ERR_IO, "open the copy") : dress(s, fd, &st, &ignored, e);
}

static int copy_all(struct seeding *s, struct err *e)
{
    int r = find_owner(s, e);
    if (r == 0)
        r = look_for_room(s, ROOM_EVERY, e);
    if (r == 0)
        r = layer_walk(s->src, "", LAYER_PLAIN, add_entry, s, e);
    if (r == 0)
        r = dress_dirs(s, e);
    if (r == 0)
        r = restat_links(s, e);
    if (r == 0)
        r = dress_root(s, e);
    if (r == 0 && s->record.bad)
        r = err_set(e, ERR_TOO_LARGE, "the project has too many files to be copied");
    return r;
}

static int write_record(struct seeding *s, int dir, struct err *e)
{
    AUTO(fd_close) int fd = openat(dir, "seed", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, ERR_IO, "write what was copied");
    s->head.magic = SEED_MAGIC;
    s->head.bytes += (int64_t)s->record.len + 64 * (int64_t)KIB; /* the record itself, and what directories grow by */
    int r = fd_write_full(fd, &s->head, sizeof s->head, e);
    if (r == 0 && s->record.len > 0)
        r = fd_write_full(fd, s->record.p, s->record.len, e);
    return r < 0 ? r : dir_sync(fd, e);
}

/* As in a layer (sandbox.h). */
static int write_born(int dir, struct err *e)
{
    char boot[PROC_BOOT_ID];
    AUTO(fd_close) int fd = openat(dir, "born", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, ERR_IO, "write when the copy was made");
    proc_boot_id(boot);
    return fd_write_full(fd, boot, strlen(boot), e);
}

static void seeding_fini(struct seeding *s)
{
    fd_close(&s->run);
    fd_close(&s->src);
    fd_close(&s->dst);
    fd_close(&s->parent);
    free(s->parent_path);
    free(s->links);
    free(s->dirs);
    buf_fini(&s->record);
}

int seed_make(const struct seed_in *in, struct err *e)
{
    AUTO(seeding_fini)
    struct seeding s = {.in = in, .run = -1, .src = -1, .dst = -1, .parent = -1, .record = BUF_INIT(RECORD_MAX)};
    AUTO(fd_close) int dir = -1;
    s.run = open(in->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s.src = dir_open_canonical(in->project_root, O_RDONLY);
    if (s.run < 0 || s.src < 0)
        return err_sys(e, ERR_IO, "open the project %s", in->project_root);
    int r = dir_remove(s.run, TMP_DIR, e);
    if (r == 0)
        r = dir_make(s.run, TMP_DIR, &dir, e);
    if (r == 0)
        r = dir_make(dir, "upper", &s.dst, e);
    if (r == 0 && fchmod(dir, 0755) < 0) /* as every layer: init walks and measures it under another id */
        r = err_sys(e, ERR_IO, "make the copy");
    if (r == 0)
        r = copy_all(&s, e);
    CRASH_POINT(seed_copied);
    if (r == 0)
        r = write_born(dir, e);
    if (r == 0)
        r = write_record(&s, dir, e);
    CRASH_POINT(seed_unnamed);
    if (r == 0 && renameat(s.run, TMP_DIR, s.run, SEED_DIR) < 0)
        r = err_sys(e, ERR_IO, "put the copy in its place");
    if (r < 0)
        (void)!dir_remove(s.run, TMP_DIR, NULL);
    return r;
}
