/* probe - what this host can do, for `doctor` and /readyz.
 *
 * Why it exists: "it does not work" must become "this is missing, do that".
 * May include: base os sandbox/.   Threads: any. The shim does the trying (sallyport-shim --probe); then one real
 * sandbox runs /bin/true, because only that proves the parts fit. */
#include "sandbox/native/native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

#define PROBE_MS 10000
#define NAME     "sallyport-probe-"

static int run_shim_probe(struct buf *out, struct err *e)
{
    char *path = NULL;
    int status = 0;
    int r = native_shim_path(&path, e);
    if (r < 0)
        return r;
    char *const argv[] = {(char *)"sallyport-shim", (char *)"--probe", NULL};
    struct proc_spawn ps = {.path = path, .argv = argv, .in = -1, .out = -1, .err = -1};
    r = proc_run(&ps, PROBE_MS, out, &status, e);
    free(path);
    if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        r = err_set(e, ERR_SANDBOX_UNAVAILABLE, "sallyport-shim --probe failed");
    return r;
}

static void check(struct jw *w, const char *name, const char *level, const char *detail, const char *fix)
{
    jw_obj(w);
    jw_kstr(w, "name", name);
    jw_kstr(w, "level", level);
    jw_kstr(w, "detail", detail);
    jw_kstr(w, "fix", fix);
    jw_end_obj(w);
}

/* name TAB level TAB detail TAB fix. Whether the disk limit is hard, only who knows the directory can tell. */
static void check_line(struct jw *w, const char *data, char *line)
{
    char *f[4] = {line, NULL, NULL, NULL};
    for (int i = 1; i < 4; i++) {
        char *tab = strchr(f[i - 1], '\t');
        if (!tab)
            return;
        *tab = 0;
        f[i] = tab + 1;
    }
    if (str_eq(f[0], "limit disk") && native_quota_on(data))
        check(w, f[0], "hard", "a project quota on the layers of each run", "");
    else
        check(w, f[0], f[1], f[2], f[3]);
}

static int try_step(struct sandbox *sb, struct err *e)
{
    const char *const argv[] = {"true", NULL};
    const char *const none[] = {NULL};
    struct step_spec s = {.argv = argv, .cwd = "", .env = none, .lower = none, .layer = "0.0", .wall_ms = PROBE_MS};
    struct step_exit x;
    enum sandbox_event ev = SB_TIMEOUT;
    int r = sandbox_exec(sb, &s, e);
    while (r == 0 && ev != SB_EXIT && ev != SB_GONE) {
        r = sandbox_wait(sb, PROBE_MS, -1, &ev, &x, e);
        if (r == 0 && ev == SB_TIMEOUT)
            return err_set(e, ERR_TIMEOUT, "a step that runs `true` did not end");
    }
    if (r == 0 && (ev == SB_GONE || x.exit_code != 0))
        r = err_set(e, ERR_SANDBOX_FAILED, "a step that runs `true` ended badly: %s", ev == SB_GONE ? "gone" : x.error);
    return r;
}

static int try_sandbox_in(const char *base, struct err *e)
{
    AUTO(fd_close) int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || mkdirat(fd, "project", 0755) < 0 || mkdirat(fd, "run", 0700) < 0)
        return err_sys(e, ERR_IO, "make a directory in %s", base);
    char *project = str_printf("%s/project", base), *run = str_printf("%s/run", base);
    struct sandbox_spec s = {
        .run_id = id_new(ID_RUN), .tenant = "probe", .project_root = project, .dir = run, .idle_ms = PROBE_MS};
    struct sandbox *sb = NULL;
    int r = project && run ? sandbox_open(&s, &sb, e) : err_oom(e);
    if (r == 0) {
        r = try_step(sb, e);
        sandbox_destroy(sb);
    }
    free(project);
    free(run);
    return r;
}

static const char *temporary(void)
{
    const char *tmp = getenv("TMPDIR");
    return tmp && *tmp == '/' ? tmp : "/var/tmp";
}

/* What a probe that was killed left: whoever probes holds a lock on its directory. */
static void sweep_one(int at, const char *name)
{
    struct stat st;
    char *run = NULL;
    AUTO(fd_close) int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return;
    run = str_printf("%s/%s/run", temporary(), name);
    if (run && sandbox_reap(run, NULL) == 0)
        (void)!dir_remove(at, name, NULL);
    free(run);
}

static void sweep(void)
{
    int fd = open(temporary(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        fd_close(&fd);
    for (struct dirent *de; d && (de = readdir(d));) {
        if (str_starts(de->d_name, NAME))
            sweep_one(dirfd(d), de->d_name);
    }
    if (d)
        closedir(d);
}

/* Makes the directory and locks it: an fd, which is the lock. Another probe may sweep it away before it is ours. */
static int make_base(char **ret, struct err *e)
{
    for (int i = 0; i < 16; i++) {
        struct stat st;
        char *base = str_printf("%s/" NAME "XXXXXX", temporary());
        if (!base)
            return err_oom(e);
        int fd = mkdtemp(base) ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0) {
            *ret = base;
            return fd;
        }
        bool swept = fd >= 0 || errno == ENOENT;
        fd_close(&fd);
        free(base);
        if (!swept)
            break;
    }
    return err_sys(e, ERR_IO, "make a temporary directory");
}

static int try_sandbox(struct err *e)
{
    char *base = NULL, *real = NULL;
    sweep();
    AUTO(fd_close) int lock = make_base(&base, e);
    if (lock < 0)
        return lock;
    int r = dir_canonical(base, &real, e);
    if (r == 0) {
        r = try_sandbox_in(real, e);
        if (dir_remove(AT_FDCWD, base, NULL) < 0 && r == 0)
            r = err_set(e, ERR_IO, "remove %s", base);
    }
    free(base);
    free(real);
    return r;
}

int sandbox_probe(const char *data, struct jw *out, bool *ret_ok, struct err *e)
{
    AUTO(buf_fini) struct buf lines = BUF_INIT(64 * KIB);
    struct err why = ERR_INIT;
    struct utsname u = {0};
    uname(&u);
    int probed = run_shim_probe(&lines, &why);
    int works = probed < 0 ? probed : try_sandbox(&why);
    jw_obj(out);
    jw_kstr(out, "mode", geteuid() == 0 ? "root" : "user");
    jw_kstr(out, "kernel", u.release);
    jw_key(out, "checks");
    jw_arr(out);
    char *rest = lines.len ? lines.p : NULL;
    for (char *line; (line = strsep(&rest, "\n"));)
        check_line(out, data ? data : temporary(), line);
    check(out, "a whole sandbox", works == 0 ? "hard" : "absent", works == 0 ? "ran `true`" : why.msg,
          works == 0 ? "" : "see the checks above, or the message here");
    jw_end_arr(out);
    jw_kbool(out, "ok", works == 0);
    jw_end_obj(out);
    if (out->out->bad)
        return err_set(e, -out->out->bad, NULL);
    *ret_ok = works == 0;
    return 0;
}
