#include "effects_util.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/hash.h"
#include "os/file.h"

static void die(const char *what, const char *path)
{
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    abort();
}

static char *kept[4096];
static size_t nkept;

char *fx_at(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (nkept == sizeof kept / sizeof kept[0] || vasprintf(&kept[nkept], fmt, ap) < 0)
        die("keep", fmt);
    va_end(ap);
    return kept[nkept++];
}

/* A file system in memory, where syncing is free, if it has the attributes we need. */
static bool memory_will_do(void)
{
    static int answer;
    if (answer == 0) {
        char name[] = "/dev/shm/sallyport-fx-XXXXXX";
        int fd = mkstemp(name);
        answer = fd >= 0 && fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) == 0 ? 1 : -1;
        if (fd >= 0)
            close(fd);
        unlink(name);
    }
    return answer > 0;
}

void fx_open(struct fx *f)
{
    umask(022);
    snprintf(f->dir, sizeof f->dir, "%s/sallyport-fx-XXXXXX", memory_will_do() ? "/dev/shm" : "/tmp");
    if (!mkdtemp(f->dir))
        die("mkdtemp", f->dir);
    snprintf(f->project, sizeof f->project, "%s/project", f->dir);
    snprintf(f->run, sizeof f->run, "%s/run", f->dir);
    if (mkdir(f->project, 0755) < 0 || mkdir(f->run, 0700) < 0)
        die("mkdir", f->project);
}

void fx_close(struct fx *f)
{
    struct err e = ERR_INIT;
    if (chdir("/tmp") < 0 || dir_remove(AT_FDCWD, f->dir, &e) < 0)
        die("clean up", e.msg);
    while (nkept > 0)
        free(kept[--nkept]);
}

static void make_above(const char *path)
{
    char *s = strdup(path);
    for (char *p = s + 1; s && (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        if (mkdir(s, 0755) < 0 && errno != EEXIST)
            die("mkdir", s);
        *p = '/';
    }
    free(s);
}

void fx_write(const char *path, const void *p, size_t n, mode_t mode)
{
    make_above(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n || fchmod(fd, mode) < 0)
        die("write", path);
    close(fd);
}

void fx_puts(const char *path, const char *text)
{
    fx_write(path, text, strlen(text), 0644);
}

void fx_mkdir(const char *path)
{
    make_above(path);
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        die("mkdir", path);
}

void fx_link(const char *target, const char *path)
{
    make_above(path);
    if (symlink(target, path) < 0)
        die("symlink", path);
}

void fx_whiteout(const char *path)
{
    make_above(path);
    if (mknod(path, S_IFCHR, makedev(0, 0)) < 0)
        die("mknod", path);
}

void fx_opaque(const char *path)
{
    fx_mkdir(path);
    if (setxattr(path, "user.overlay.opaque", "y", 1, 0) < 0)
        die("setxattr", path);
}

void fx_sleep_tick(void)
{
    usleep(12000);
}

char *fx_layer(struct fx *f, const char *name)
{
    char *dir = fx_at("%s/layers/%s", f->run, name);
    fx_mkdir(fx_at("%s/upper", dir));
    fx_mkdir(fx_at("%s/work", dir));
    fx_puts(fx_at("%s/born", dir), "");
    return fx_at("%s/upper", dir);
}

/* --- comparing -------------------------------------------------------------------------------------------------------
 */

static void content_of(int fd, char hex[65])
{
    uint8_t sum[32];
    if (sha256_fd(fd, sum, NULL) < 0)
        die("hash", "");
    for (int i = 0; i < 32; i++)
        sprintf(hex + (size_t)i * 2, "%02x", sum[i]);
}

/* Opens what its owner has locked, and leaves its mode as it was. */
static int open_locked(int dir, const char *name, mode_t mode, int flags)
{
    int fd = openat(dir, name, flags);
    if (fd < 0 && errno == EACCES && fchmodat(dir, name, (mode & 07777) | 0700, 0) == 0) {
        fd = openat(dir, name, flags);
        (void)!fchmodat(dir, name, mode & 07777, 0);
    }
    return fd;
}

static void list_xattr(int fd, struct buf *out)
{
    char value[64];
    ssize_t n = fgetxattr(fd, "user.note", value, sizeof value);
    buf_printf(out, " note=%.*s", n > 0 ? (int)n : 0, value);
}

static void list_one(int dir, const char *name, const char *path, const struct stat *st, int how, struct buf *out)
{
    char text[4200] = "";
    AUTO(buf_fini) struct buf note = BUF_INIT(KIB);
    bool isdir = S_ISDIR(st->st_mode), islink = S_ISLNK(st->st_mode);
    if (islink) {
        if (readlinkat(dir, name, text, sizeof text - 1) < 0)
            die("readlink", path);
    } else if (S_ISREG(st->st_mode)) {
        int fd = open_locked(dir, name, st->st_mode, O_RDONLY);
        if (fd < 0)
            die("open", path);
        content_of(fd, text);
        if (how == FX_EXACT)
            list_xattr(fd, &note);
        close(fd);
    }
    unsigned mode = st->st_mode;
    if (how == FX_GIT)
        mode = islink ? 0120000 : mode & 0100 ? 0755 : 0644;
    else if (islink)
        mode = S_IFLNK;
    if (how == FX_GIT && isdir)
        return;
    buf_printf(out, "%s %o %s", path, mode, text);
    if ((how == FX_MTIME && !isdir) || how == FX_EXACT)
        buf_printf(out, " %lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    if (note.len > 0)
        buf_puts(out, note.p);
    buf_addc(out, '\n');
}

static int skip_dots(const struct dirent *d)
{
    return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void list_dir(int dir, const char *path, int how, struct buf *out)
{
    struct dirent **names;
    int n = scandirat(dir, ".", &names, skip_dots, by_bytes);
    if (n < 0)
        die("list", path);
    for (int i = 0; i < n; i++) {
        struct stat st;
        char *sub = NULL;
        if (fstatat(dir, names[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            asprintf(&sub, "%s%s%s", path, *path ? "/" : "", names[i]->d_name) < 0)
            die("stat", names[i]->d_name);
        list_one(dir, names[i]->d_name, sub, &st, how, out);
        if (S_ISDIR(st.st_mode)) {
            int fd = open_locked(dir, names[i]->d_name, st.st_mode, O_RDONLY | O_DIRECTORY);
            bool locked = (st.st_mode & 0700) != 0700;
            if (fd < 0 || (locked && fchmod(fd, (st.st_mode & 07777) | 0700) < 0))
                die("open", sub);
            list_dir(fd, sub, how, out);
            if (locked)
                (void)!fchmod(fd, st.st_mode & 07777);
            close(fd);
        }
        free(sub);
        free(names[i]);
    }
    free(names);
}

struct buf fx_list(const char *root, int how)
{
    struct buf b = BUF_INIT(64 * MIB);
    int fd = open(root, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        die("open", root);
    list_dir(fd, "", how, &b);
    close(fd);
    buf_addc(&b, '\n');
    return b;
}

static void only_in(const char *mark, const char *a, const char *b)
{
    for (const char *nl; (nl = strchr(a, '\n')) != NULL; a = nl + 1)
        if (nl > a && !memmem(b, strlen(b), a, (size_t)(nl - a) + 1))
            fprintf(stderr, "%s %.*s\n", mark, (int)(nl - a), a);
}

void fx_assert_list(const char *root, const struct buf *want, int how)
{
    struct buf x = fx_list(root, how);
    if (strcmp(x.p, want->p) != 0) {
        only_in("---", x.p, want->p);
        only_in("+++", want->p, x.p);
        fprintf(stderr, "trees differ: --- is what %s has, +++ what was wanted\n", root);
        abort();
    }
    buf_fini(&x);
}

void fx_assert_same(const char *a, const char *b, int how)
{
    struct buf want = fx_list(b, how);
    fx_assert_list(a, &want, how);
    buf_fini(&want);
}

int fx_run(const char *const argv[], const char *cwd)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (cwd && chdir(cwd) < 0)
            _exit(126);
        setenv("GIT_CEILING_DIRECTORIES", "/tmp:/dev/shm", 1);
        setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
        setenv("HOME", "/nonexistent", 1);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int st = -1;
    if (pid < 0 || waitpid(pid, &st, 0) != pid)
        die("run", argv[0]);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128;
}

void fx_copy(const char *from, const char *to)
{
    const char *const argv[] = {"cp", "-a", "--no-preserve=xattr", from, to, NULL};
    if (fx_run(argv, NULL) != 0)
        die("copy", from);
}

/* --- a real overlay ------------------------------------------------------------------------------ */

static bool write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool enter_namespaces(void)
{
    char uid[64], gid[64];
    snprintf(uid, sizeof uid, "0 %u 1", geteuid());
    snprintf(gid, sizeof gid, "0 %u 1", getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_to("/proc/self/setgroups", "deny") &&
           write_to("/proc/self/uid_map", uid) && write_to("/proc/self/gid_map", gid);
}

enum { NO_OVERLAY = 77 };

static void in_namespace(struct fx *f, const char *const *lower, const char *layer, fx_fn *fn, void *arg,
                         const char *expected)
{
    struct buf opt = BUF_INIT(64 * KIB);
    size_t n = 0;
    while (lower && lower[n])
        n++;
    char *merged = fx_at("%s/merged", f->dir);
    fx_mkdir(merged);
    if (!enter_namespaces())
        _exit(NO_OVERLAY);
    buf_puts(&opt, "userxattr,redirect_dir=nofollow,metacopy=off,index=off,lowerdir=");
    for (size_t i = n; i-- > 0;)
        buf_printf(&opt, "%s/layers/%s/upper:", f->run, lower[i]);
    buf_printf(&opt, "%s,upperdir=%s/layers/%s/upper,workdir=%s/layers/%s/work", f->project, f->run, layer, f->run,
               layer);
    if (mount("overlay", merged, "overlay", 0, opt.p) < 0)
        _exit(NO_OVERLAY);
    if (chdir(merged) < 0)
        die("chdir", merged);
    fn(arg);
    if (expected)
        fx_copy(merged, expected);
    if (chdir("/") < 0 || umount(merged) < 0)
        die("umount", merged);
    buf_fini(&opt);
    while (nkept > 0)
        free(kept[--nkept]);
    _exit(0);
}

bool fx_overlay(struct fx *f, const char *const *lower, const char *layer, fx_fn *fn, void *arg, const char *expected)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        in_namespace(f, lower, layer, fn, arg, expected);
    int st = -1;
    if (pid < 0 || waitpid(pid, &st, 0) != pid)
        die("fork", "overlay");
    if (!WIFEXITED(st) || (WEXITSTATUS(st) != 0 && WEXITSTATUS(st) != NO_OVERLAY)) {
        fprintf(stderr, "the overlay child failed: %d\n", st);
        abort();
    }
    return WEXITSTATUS(st) == 0;
}

/* --- randomness ---------------------------------------------------------------------------------- */

uint64_t rnd_u64(struct rnd *r)
{
    r->s ^= r->s >> 12;
    r->s ^= r->s << 25;
    r->s ^= r->s >> 27;
    return r->s * 2685821657736338717u;
}

unsigned rnd_below(struct rnd *r, unsigned n)
{
    return (unsigned)((rnd_u64(r) >> 33) % n);
}

static const char *const names[] = {
    "a",     "b",         "c.txt",     "main.c",   "d",           "dir",      "sub",      "with space", "trailing ",
    " lead", "tab\there", "new\nline", "quote\"d", "back\\slash", "\xc3\xa4", "\xff\xfe", "-dash",      "#hash",
    "b b",   "a b",       "x",         "README",   "\x01",        "d-x",      "d.x",      "dev",        "...",
    "b",     "~",         "%s%n",      "'",        "`",           "$HOME",    "\x7f",     "---",        "@@ -1 +1 @@",
};

/* Random directories below the current one, then a name. */
static void pick_path(struct rnd *r, char *out, size_t cap)
{
    size_t len = 0;
    for (int depth = 0; depth < 3; depth++) {
        const char *n = names[rnd_below(r, sizeof names / sizeof names[0])];
        len += (size_t)snprintf(out + len, cap - len, "%s%s", depth ? "/" : "", n);
        struct stat st;
        if (lstat(out, &st) < 0 || !S_ISDIR(st.st_mode) || rnd_below(r, 3) == 0)
            return;
    }
}

struct pick {
    struct rnd *r;
    char path[512];
    unsigned seen;
};

/* Reservoir sampling over everything there is. */
static void pick_existing(struct pick *p, int dir, const char *path)
{
    struct dirent **list;
    int n = scandirat(dir, ".", &list, skip_dots, by_bytes);
    for (int i = 0; i < n; i++) {
        char sub[512];
        struct stat st;
        snprintf(sub, sizeof sub, "%s%s%s", path, *path ? "/" : "", list[i]->d_name);
        if (rnd_below(p->r, ++p->seen) == 0)
            memcpy(p->path, sub, sizeof sub);
        if (fstatat(dir, list[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
            int fd = openat(dir, list[i]->d_name, O_RDONLY | O_DIRECTORY);
            if (fd >= 0) {
                pick_existing(p, fd, sub);
                close(fd);
            }
        }
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

static void random_content(struct rnd *r, const char *path)
{
    static const mode_t modes[] = {0644, 0644, 0755, 0600, 0444};
    char text[3000];
    size_t n = 0;
    unsigned lines = rnd_below(r, 12);
    for (unsigned i = 0; i < lines; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "line %u\n", rnd_below(r, 6));
    if (n > 0 && rnd_below(r, 4) == 0)
        n--; /* no newline at the end */
    if (rnd_below(r, 5) == 0)
        for (unsigned k = rnd_below(r, 2000); k > 0 && n < sizeof text; k--)
            text[n++] = (char)rnd_u64(r);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0)
        return;
    if (write(fd, text, n) != (ssize_t)n || fchmod(fd, modes[rnd_below(r, 5)]) < 0)
        die("write", path);
    close(fd);
}

static void edit(struct rnd *r, const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    int fd = open(path, O_RDWR);
    if (fd < 0)
        return;
    off_t at = st.st_size ? (off_t)rnd_below(r, (unsigned)st.st_size + 1) : 0;
    if (pwrite(fd, "edited\n", 7, at) != 7 || (rnd_below(r, 4) == 0 && ftruncate(fd, at) < 0))
        die("edit", path);
    close(fd);
}

static void remove_tree(const char *path)
{
    const char *const argv[] = {"rm", "-rf", "--", path, NULL};
    (void)fx_run(argv, NULL);
}

void fx_rename(const char *from, const char *to)
{
    const char *const argv[] = {"cp", "-a", "--", from, to, NULL}, *const open_up[] = {"chmod", "-R", "u+rwX",
                                                                                       "--",    from, NULL};
    struct stat st;
    if (lstat(from, &st) == 0 && S_ISDIR(st.st_mode))
        (void)fx_run(open_up, NULL); /* so that a copy of it works wherever a rename would */
    if (rename(from, to) == 0 || errno != EXDEV)
        return;
    if (rmdir(to) < 0 && errno != ENOENT)
        return; /* not empty, or not ours to remove: nothing moves */
    if (fx_run(argv, NULL) == 0)
        remove_tree(from);
    else
        remove_tree(to);
}

void fx_name(struct rnd *r, char *out, size_t cap)
{
    pick_path(r, out, cap);
}

void fx_pick(struct rnd *r, char *out, size_t cap)
{
    struct pick p = {.r = r, .path = "nothing"};
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    pick_existing(&p, dir, "");
    close(dir);
    snprintf(out, cap, "%s", p.path);
}

static void one_op(struct rnd *r)
{
    static const mode_t dmodes[] = {0755, 0700, 0750, 01777};
    char path[512];
    struct pick p = {.r = r, .path = "nothing"};
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    pick_existing(&p, dir, "");
    close(dir);
    pick_path(r, path, sizeof path);
    switch (rnd_below(r, 12)) {
    case 0:
    case 1:
        random_content(r, path);
        break;
    case 2:
        if (mkdir(path, dmodes[rnd_below(r, 4)]) < 0 && errno != EEXIST && errno != ENOTDIR && errno != ENOENT &&
            errno != EACCES)
            die("mkdir", path);
        break;
    case 3:
        (void)!symlink(rnd_below(r, 2) ? "a" : "nowhere", path);
        break;
    case 4:
        remove_tree(p.path);
        break;
    case 5:
        remove_tree(p.path);
        random_content(r, p.path);
        break;
    case 6:
        remove_tree(p.path);
        (void)!mkdir(p.path, 0755);
        break;
    case 7:
        fx_rename(p.path, path);
        break;
    case 8:
    case 9:
        edit(r, p.path);
        break;
    case 10: {
        struct stat st;
        if (lstat(p.path, &st) == 0 && !S_ISLNK(st.st_mode))
            (void)!chmod(p.path, S_ISDIR(st.st_mode) ? dmodes[rnd_below(r, 4)] : rnd_below(r, 2) ? 0755 : 0644);
        break;
    }
    default:
        (void)!unlink(p.path);
        break;
    }
}

void fx_random_ops(struct rnd *r, int count)
{
    for (int i = 0; i < count; i++)
        one_op(r);
}

void fx_random_tree(struct rnd *r, int count)
{
    for (int i = 0; i < count; i++) {
        char path[512];
        pick_path(r, path, sizeof path);
        if (rnd_below(r, 3) == 0)
            (void)!mkdir(path, 0755);
        else
            random_content(r, path);
    }
}
