/* toolchain_scan - credentials inside what is shown of a home directory.
 *
 * Why it exists: the rows of toolchain.def keep away from where tools put their logins; people put them elsewhere too
 * (node's own etc/npmrc, python's pip.conf), so the upper levels of each place are looked through by name.
 * May include: base os.   Threads: any. */
#include "sandbox/toolchain_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "os/file.h"

#define ENTRIES_MAX 50000 /* of one place */
#define HIDDEN_MAX  1000  /* all together: the sandbox's message is bounded */
#define HEAD_MAX    4096  /* where a key says that it is one */
#define TWIN_LEVELS 3     /* of the directories in which logins are kept */
#define DEEP        64    /* when credentials have second names, everything is looked through */

static bool is_listed(const char *name, const char *const list[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (glob_match(list[i], name))
            return true;
    }
    return false;
}

static bool is_credential_name(const char *name)
{
    static const char *const names[] = {
#define NAME(pattern) pattern,
#include "sandbox/toolchain.def"
    };
    return is_listed(name, names, ARRAY_LEN(names));
}

static bool is_key_name(const char *name)
{
    static const char *const keys[] = {
#define KEY(pattern) pattern,
#include "sandbox/toolchain.def"
    };
    return is_listed(name, keys, ARRAY_LEN(keys));
}

/* What cannot be read counts as a key. */
static bool holds_key(int dirfd, const char *name)
{
    static const char word[] = "PRIVATE KEY";
    char head[HEAD_MAX];
    AUTO(fd_close) int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
    return n < 0 || memmem(head, (size_t)n, word, sizeof(word) - 1);
}

static bool is_twin(const struct twins *t, const struct stat *st)
{
    for (size_t i = 0; st->st_nlink > 1 && i < t->n; i++) {
        if (t->v[i].dev == st->st_dev && t->v[i].ino == st->st_ino)
            return true;
    }
    return false;
}

/* ---- a place ---- */

struct scan {
    const struct twins *twins;
    struct strs *out;
    int levels, seen;
};

static int open_dir(int dirfd, const char *name, DIR **ret)
{
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    *ret = d;
    return d ? 0 : -1;
}

static bool is_hidden(const struct scan *s, int dirfd, const char *name, bool by_name)
{
    struct stat st;
    if (by_name && is_credential_name(name))
        return true;
    if (by_name && is_key_name(name) && holds_key(dirfd, name))
        return true;
    return s->twins->n && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_twin(s->twins, &st);
}

static int scan_dir(struct scan *s, int dirfd, const char *name, const char *path, int level, struct err *e);

static int scan_entry(struct scan *s, DIR *d, const struct dirent *de, const char *path, int level, struct err *e)
{
    int type = de->d_type;
    struct stat st;
    if (++s->seen > ENTRIES_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d files to look through", ENTRIES_MAX);
    if (type == DT_UNKNOWN && fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        type = IFTODT(st.st_mode);
    bool deeper = level + 1 < (s->twins->n ? DEEP : s->levels);
    bool hide = type == DT_REG && is_hidden(s, dirfd(d), de->d_name, level < s->levels);
    if (!hide && (type != DT_DIR || !deeper))
        return 0;
    AUTO(buf_fini) struct buf sub = BUF_INIT(8 * KIB);
    buf_printf(&sub, "%s/%s", path, de->d_name);
    if (sub.bad)
        return err_set(e, ERR_TOO_LARGE, "a path that is too long");
    if (type == DT_DIR)
        return scan_dir(s, dirfd(d), de->d_name, sub.p, level + 1, e);
    if (s->out->n >= HIDDEN_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d files that look like credentials", HIDDEN_MAX);
    return strs_once(s->out, sub.p, e);
}

static int scan_dir(struct scan *s, int dirfd_, const char *name, const char *path, int level, struct err *e)
{
    DIR *d;
    int r = 0;
    if (open_dir(dirfd_, name, &d) < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : err_sys(e, ERR_IO, "look into it");
    for (struct dirent *de; r == 0 && (de = readdir(d));) {
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            r = scan_entry(s, d, de, path, level, e);
    }
    closedir(d);
    return r;
}

int toolchain_scan(int home, const char *home_path, const char *place, int levels, const struct twins *twins,
                   struct strs *out, struct err *e)
{
    struct scan s = {.twins = twins, .out = out, .levels = levels};
    AUTO(buf_fini) struct buf path = BUF_INIT(8 * KIB);
    AUTO(fd_close) int fd = file_open_beneath(home, place, O_PATH | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, ERR_IO, "look into it");
    buf_printf(&path, "%s/%s", home_path, place);
    if (path.bad)
        return err_set(e, ERR_TOO_LARGE, "a path that is too long");
    if (!S_ISDIR(st.st_mode))
        return is_twin(twins, &st) ? err_set(e, ERR_INVALID, "it is a second name of a credential") : 0;
    return levels || twins->n ? scan_dir(&s, fd, ".", path.p, 0, e) : 0;
}

/* ---- second names of credentials ---- */

static void twins_add(struct twins *t, const struct stat *st)
{
    if (S_ISREG(st->st_mode) && st->st_nlink > 1 && t->n < ARRAY_LEN(t->v))
        t->v[t->n++] = (struct inode){st->st_dev, st->st_ino};
}

static void twins_below(int dirfd_, const char *name, int level, struct twins *t)
{
    DIR *d;
    int seen = 0;
    if (open_dir(dirfd_, name, &d) < 0)
        return;
    for (struct dirent *de; (de = readdir(d)) && seen++ < 1000;) {
        struct stat st;
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
            fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        twins_add(t, &st);
        if (S_ISDIR(st.st_mode) && level + 1 < TWIN_LEVELS)
            twins_below(dirfd(d), de->d_name, level + 1, t);
    }
    closedir(d);
}

void toolchain_twins(int home, struct twins *ret)
{
    static const char *const dirs[] = {".ssh",    ".gnupg",         ".aws",       ".azure",     ".kube",
                                       ".docker", ".config/gcloud", ".config/gh", ".config/git"};
    static const char *const files[] = {".netrc",
                                        ".npmrc",
                                        ".pypirc",
                                        ".git-credentials",
                                        ".pgpass",
                                        ".my.cnf",
                                        ".cargo/credentials",
                                        ".cargo/credentials.toml",
                                        ".m2/settings.xml",
                                        ".gradle/gradle.properties",
                                        ".yarnrc.yml",
                                        ".config/pip/pip.conf"};
    struct stat st;
    *ret = (struct twins){.n = 0};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (fstatat(home, files[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            twins_add(ret, &st);
    }
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        twins_below(home, dirs[i], 0, ret);
}
