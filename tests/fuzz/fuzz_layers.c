/* The input makes a project and the layers of a run, as a step could leave them: files, links that lead out, whiteouts,
 * opaque directories, FIFOs, locked directories, odd names. Sealing, scanning and the patch then end well, say the same
 * twice, are in order, and neither read nor touch the file that the links point to. */
#include "fuzz.h"
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "os/file.h"
#include "sandbox/changes_priv.h"

#define SECRET  "what nobody may read through a link"
#define NLAYERS 3

/* few, so that operations meet */
static const char *const names[] = {"a", "b", "d", "a b", "\n", "\xff\xfe", ".git", "-x"};

struct in {
    const uint8_t *p, *end;
};

static unsigned take(struct in *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

__attribute__((format(printf, 2, 3))) static void path_to(char ret[256], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    MUST(vsnprintf(ret, 256, fmt, ap) < 256);
    va_end(ap);
}

static void put_file(const char *path, const char *text, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        return; /* a directory is there, or none above it: such an operation does nothing */
    if (n > 0)
        MUST(fd_write_full(fd, text, n, NULL) == 0);
    MUST(fchmod(fd, mode) == 0);
    close(fd);
}

/* One operation below root: what, where (two names deep at most), with what. */
static void act(struct in *in, const char *root, const char *dir)
{
    static const char *const texts[] = {"",        "one\n", "one\ntwo\n", "no end",
                                        "\0bin\0", "\r\n",  "one\n\ntwo", "\xf0\x9f\x92\xa9\n"};
    static const mode_t modes[] = {0644, 0755, 0, 04755, 02755, 0444, 0777, 0600};
    char path[256], target[256];
    unsigned what = take(in), where = take(in), with = take(in);
    if (where & 64)
        path_to(path, "%s/%s/%s", root, names[where & 7], names[where >> 3 & 7]);
    else
        path_to(path, "%s/%s", root, names[where & 7]);
    const char *const targets[] = {"a", "..", "../secret", "/", "../../../../secret", ".", "d/b", ""};
    switch (what % 12) {
    case 0:
    case 1:
    case 2:
        put_file(path, texts[with & 7], (with & 7) == 4 ? 5 : strlen(texts[with & 7]), modes[with >> 3 & 7]);
        return;
    case 3:
    case 4:
        (void)!mkdir(path, 0755);
        return;
    case 5:
        (void)!symlink(with & 8 ? targets[with & 7] : (path_to(target, "%s/secret", dir), target), path);
        return;
    case 6:
        (void)!mknod(path, S_IFCHR, makedev(0, 0));
        return;
    case 7:
        (void)!lsetxattr(path, "user.overlay.opaque", "y", 1, 0);
        return;
    case 8:
        (void)!mkfifo(path, 0644);
        return;
    case 9:
        path_to(target, "%s/%s", root, names[with & 7]);
        (void)!link(target, path);
        return;
    case 10: { /* never through a link: that would be the test's own escape */
        struct stat st;
        if (lstat(path, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
            (void)!fchmodat(AT_FDCWD, path, modes[with & 7], 0);
        return;
    }
    default:
        if (unlink(path) < 0)
            (void)!rmdir(path);
    }
}

/* A link on the way would take the test itself out: operations two deep are only made in real directories. */
static void fill(struct in *in, const char *root, const char *dir)
{
    MUST(mkdir(root, 0755) == 0);
    for (unsigned n = take(in) % 24; n > 0 && in->p < in->end; n--) {
        struct in look = *in;
        char parent[256];
        struct stat st;
        take(&look);
        unsigned where = take(&look);
        path_to(parent, "%s/%s", root, names[where & 7]);
        if ((where & 64) && (lstat(parent, &st) < 0 || !S_ISDIR(st.st_mode))) {
            in->p = look.p < in->end ? look.p + 1 : in->end;
            continue;
        }
        act(in, root, dir);
    }
}

static void in_order(const struct changes *c)
{
    for (size_t i = 0; i < changes_len(c); i++) {
        const struct change *x = changes_at(c, i);
        MUST(*x->path && *x->path != '/' && !strstr(x->path, "../"));
        MUST(i == 0 || changes_path_cmp(changes_at(c, i - 1)->path, x->path) < 0);
        MUST((x->old_mode != 0) == (x->kind != CH_ADDED) && (x->new_mode != 0) == (x->kind != CH_DELETED));
    }
}

static void patches(const struct changes *c)
{
    struct buf all = BUF_INIT(1 << 24);
    MUST(changes_patch(c, NULL, &all, NULL) == 0);
    buf_addc(&all, '\0');
    MUST(!strstr(all.p, SECRET));
    for (size_t i = 0; i < changes_len(c); i++) {
        const char *only[] = {changes_at(c, i)->path, NULL};
        struct buf one = BUF_INIT(1 << 24);
        MUST(changes_patch(c, only, &one, NULL) == 0);
        MUST(one.len < all.len);
        buf_fini(&one);
    }
    buf_fini(&all);
}

static void judge(const char *project, const char *run)
{
    static const char *const layers[NLAYERS + 1] = {"0.1", "1.1", "2.1"};
    struct changes_in in = {.project_root = project, .run_dir = run, .layers = layers};
    struct changes *a = NULL, *b = NULL;
    char first[65], second[65];
    struct err e = ERR_INIT;
    for (int i = 0; i < NLAYERS; i++)
        MUST(changes_seal(run, layers[i], &e) == 0);
    MUST(changes_scan(&in, &a, &e) == 0);
    MUST(changes_scan(&in, &b, &e) == 0);
    changes_digest(a, first);
    changes_digest(b, second);
    MUST(strcmp(first, second) == 0);
    in_order(a);
    patches(a);
    changes_free(a);
    changes_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char dir[] = "/dev/shm/sallyport-fuzz-XXXXXX", project[256], run[256], path[256];
    struct in in = {p, p + n};
    struct stat st;
    MUST(diff_init(NULL) == 0);
    MUST(mkdtemp(dir));
    path_to(path, "%s/secret", dir);
    put_file(path, SECRET, strlen(SECRET), 0);
    path_to(project, "%s/project", dir);
    fill(&in, project, dir);
    path_to(run, "%s/run", dir);
    MUST(mkdir(run, 0700) == 0);
    path_to(path, "%s/layers", run);
    MUST(mkdir(path, 0700) == 0);
    for (int i = 0; i < NLAYERS; i++) {
        path_to(path, "%s/layers/%d.1", run, i);
        MUST(mkdir(path, 0700) == 0);
        path_to(path, "%s/layers/%d.1/born", run, i);
        put_file(path, "", 0, 0600);
        path_to(path, "%s/layers/%d.1/upper", run, i);
        fill(&in, path, dir);
    }
    judge(project, run);
    path_to(path, "%s/secret", dir);
    MUST(stat(path, &st) == 0 && (st.st_mode & 07777) == 0);
    MUST(dir_remove(AT_FDCWD, dir, NULL) == 0);
    return 0;
}
