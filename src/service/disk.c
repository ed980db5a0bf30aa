#include "service/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/keeper.h"

#define DEPTH_MAX   200
#define RESERVE_MAX (16 * (int64_t)MIB)
#define FILES_MIN   1024 /* that can still be made: a run makes dozens */

const char *disk_kind_name(int kind)
{
    static const char *const names[DISK_NKINDS] = {"logs", "artifacts", "layers", "runs", "database", "other"};

    return names[kind];
}

/* DATA/<name>, DATA/runs/<id>/<name> */
static int kind_of(int kind, int depth, const char *name)
{
    if (depth == 0)
        return str_eq(name, "runs")               ? DISK_RUNS
               : str_eq(name, "blobs")            ? DISK_ARTIFACTS
               : str_starts(name, "sallyport.db") ? DISK_DATABASE
                                                  : DISK_OTHER;
    if (depth == 2 && kind == DISK_RUNS)
        return str_eq(name, "logs") ? DISK_LOGS : str_eq(name, "layers") ? DISK_LAYERS : DISK_RUNS;
    return kind;
}

/* A diff.patch that is an artifact too has two names: it counts among the artifacts. */
static int64_t size_of(const struct stat *st, int kind)
{
    if (S_ISREG(st->st_mode) && st->st_nlink > 1 && kind == DISK_RUNS)
        return 0;
    return (int64_t)st->st_blocks * 512;
}

static void walk(int dirfd, const char *path, int kind, int depth, struct disk_usage *u)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *de;

    if (!d) {
        fd_close(&fd);
        return;
    }
    while ((de = readdir(d))) {
        struct stat st;
        int k;

        if (str_eq(de->d_name, ".") || str_eq(de->d_name, ".."))
            continue;
        if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        k = kind_of(kind, depth, de->d_name);
        u->bytes[k] += size_of(&st, k);
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
            walk(fd, de->d_name, k, depth + 1, u);
    }
    closedir(d);
}

int disk_measure(int data_fd, struct disk_usage *ret, struct err *e)
{
    struct disk_usage u = {0};
    int64_t since = clock_mono_us();
    struct stat st;

    if (fstat(data_fd, &st) < 0)
        return err_sys(e, ERR_IO, "look at the data directory");
    walk(data_fd, ".", DISK_OTHER, 0, &u);
    for (int i = 0; i < DISK_NKINDS; i++)
        u.total += u.bytes[i];
    u.took_us = clock_mono_us() - since;
    u.measured_us = clock_now_us();
    *ret = u;
    return 0;
}

int64_t disk_tree_bytes(int dirfd, const char *path)
{
    struct disk_usage u = {0};

    walk(dirfd, path, DISK_RUNS, DEPTH_MAX / 2, &u);
    return u.bytes[DISK_RUNS];
}

/* ---- the reserve -------------------------------------------------------- */

static int64_t free_of(int fd)
{
    struct statvfs st;

    return fstatvfs(fd, &st) == 0 ? (int64_t)st.f_bavail * (int64_t)st.f_frsize : -1;
}

bool disk_reserve_spend(int data_fd)
{
    int64_t left = free_of(data_fd);

    return left >= 0 && left < (int64_t)MIB && unlinkat(data_fd, DISK_RESERVE, 0) == 0;
}

void disk_reserve_take(const struct svc *svc)
{
    int64_t want = svc->set.min_free_bytes / 8 < RESERVE_MAX ? svc->set.min_free_bytes / 8 : RESERVE_MAX;
    AUTO(fd_close) int fd = -1;
    struct stat st;

    if (want <= 0 || (fstatat(svc->data_fd, DISK_RESERVE, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size >= want))
        return; /* it stands already, as a rule; a shorter one is of a smaller min_free, or of who was killed right here
                 */
    fd = openat(svc->data_fd, DISK_RESERVE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && fallocate(fd, 0, 0, want) < 0)
        (void)unlinkat(svc->data_fd, DISK_RESERVE, 0);
}

/* ---- judged ------------------------------------------------------------- */

static long long mib(int64_t bytes)
{
    return (long long)(bytes / (int64_t)MIB);
}

/* The worse of the two is told. */
static void judge(const struct svc_settings *s, int64_t files, struct disk_room *r)
{
    int64_t reserve = s->min_free_bytes, budget = s->disk_budget_bytes;

    if (reserve && files >= 0 && files < FILES_MIN) {
        r->level = DISK_REFUSE;
        snprintf(
            r->why, sizeof r->why,
            "the disk of the data directory takes only %lld more files, however small: make room, or remove more by "
            "retention",
            (long long)files);
    } else if (reserve && r->free_bytes >= 0 && r->free_bytes < reserve) {
        r->level = DISK_REFUSE;
        snprintf(r->why, sizeof r->why,
                 "%lld MiB are free on the disk of the data directory, min_free keeps %lld MiB: make room, or remove "
                 "more by "
                 "retention",
                 mib(r->free_bytes), mib(reserve));
    } else if (budget && r->used_bytes >= budget) {
        r->level = DISK_REFUSE;
        snprintf(r->why, sizeof r->why,
                 "the data directory holds %lld MiB, disk_budget is %lld: raise it, or remove more by retention",
                 mib(r->used_bytes), mib(budget));
    } else if ((reserve && r->free_bytes >= 0 && r->free_bytes < reserve + reserve / 4) ||
               (budget && r->used_bytes >= budget - budget / 20)) {
        r->level = DISK_TIGHT;
        snprintf(r->why, sizeof r->why, "the disk is nearly full: the rules of retention are applied early");
    }
}

void disk_room(const struct svc *svc, struct disk_room *ret)
{
    struct disk_room r = {.free_bytes = -1, .total_bytes = -1};
    struct disk_usage use;
    struct statvfs st;
    int64_t files = -1;

    if (fstatvfs(svc->data_fd, &st) == 0) {
        if (st.f_files > 0) /* 0: it has no bound of its own */
            files = (int64_t)st.f_favail;
        r.free_bytes = (int64_t)st.f_bavail * (int64_t)st.f_frsize;
        r.total_bytes = (int64_t)st.f_blocks * (int64_t)st.f_frsize;
    }
    keeper_usage(svc->keeper, &use);
    r.used_bytes = use.total;
    judge(&svc->set, files, &r);
    *ret = r;
}
