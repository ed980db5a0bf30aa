/* stack_ops - random changes in the current directory: the same ones wherever it is run with the same seed.
 *
 * Why it exists: test_stack.c runs it in the steps of a real sandbox, and again on a plain copy of the project, as the
 * same ordinary user; both must end as the same tree.
 *
 *   stack_ops SEED COUNT [links]    links: hard links too (an overlay breaks them at a copy-up) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "effects_util.h"

static void sparse(struct rnd *r, const char *path)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0)
        return;
    off_t at = (off_t)rnd_below(r, 64) * 65536;
    if (pwrite(fd, "island", 6, at) != 6 || ftruncate(fd, at + (off_t)rnd_below(r, 1 << 20) + 6) < 0)
        abort();
    close(fd);
}

static void lock(struct rnd *r, const char *path)
{
    static const mode_t dirs[] = {0555, 0500, 0511, 0700}, files[] = {0400, 0500, 0444, 0600};
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode))
        (void)!chmod(path, S_ISDIR(st.st_mode) ? dirs[rnd_below(r, 4)] : files[rnd_below(r, 4)]);
}

/* Opens the directory of something, takes a name away or makes one in it, and locks it (again). */
static void in_locked(struct rnd *r, const char *path)
{
    char dir[512], name[600];
    struct stat st;
    snprintf(dir, sizeof dir, "%s", path);
    if (!strrchr(dir, '/'))
        return;
    *strrchr(dir, '/') = 0;
    if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || chmod(dir, 0755) < 0)
        return;
    snprintf(name, sizeof name, "%s/made-%u", dir, rnd_below(r, 3));
    if (rnd_below(r, 2))
        (void)!unlink(path);
    else
        sparse(r, name);
    (void)!chmod(dir, 0555);
}

static void one(struct rnd *r, bool links)
{
    char path[512], other[512];
    if (rnd_below(r, 3)) {
        fx_random_ops(r, 1);
        return;
    }
    fx_pick(r, path, sizeof path);
    switch (rnd_below(r, 7)) {
    case 0:
        sparse(r, path);
        break;
    case 1:
        lock(r, path);
        break;
    case 2:
        (void)!setxattr(path, "user.note", "new", 3, 0);
        break;
    case 3: {
        const struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
        (void)!utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW);
        break;
    }
    case 4:
        in_locked(r, path);
        break;
    case 5:
        fx_name(r, other, sizeof other);
        if (links)
            (void)!link(path, other);
        break;
    default: /* to another case, where that is another name */
        snprintf(other, sizeof other, "%s", path);
        for (char *p = strrchr(other, '/') ? strrchr(other, '/') : other; *p; p++)
            if (*p >= 'a' && *p <= 'z')
                *p = (char)(*p - 32);
        if (strcmp(path, other) != 0)
            fx_rename(path, other);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct rnd r = {.s = strtoull(argv[1], NULL, 10) * 2 + 1};
    umask(022);
    for (int n = atoi(argv[2]); n > 0; n--)
        one(&r, argc > 3);
    return 0;
}
