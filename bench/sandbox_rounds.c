/* sandbox_rounds - times sandboxes through src/sandbox's own interface, as the server's worker does, beside bubblewrap.
 *
 * Why it exists: a script's own start of a process costs more than the sandbox that is measured. Here both are started
 * by posix_spawn(3) from one small process, in turn, and only clock_gettime(2) lies between them.
 * Not installed: bench/sandbox.py calls it and judges the figures.
 *
 *   rounds N DIR        N lines "COLD BWRAP STEP EXEC" in microseconds: a whole sandbox with one step /bin/true, from
 *                       sandbox_open to the return of sandbox_destroy; bwrap, start to reaped; one more step in a
 * sandbox that stands already; posix_spawn of /bin/true alone, what this machine takes for any process
 *   rate N STARTERS DIR one line "PER_SECOND BWRAP_PER_SECOND": N of each, by so many threads
 *   idle DIR            a sandbox stands, one step has run: the shim's pid; ends with its stdin
 *
 * The limits are the server's defaults; SALLYPORT_BENCH_LIMITS=none drops those that need a cgroup. Shims come from a
 * nursery, as the server's do; SALLYPORT_BENCH_NURSERY=off executes the program for each. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/id.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "sandbox/sandbox.h"

#define STARTERS_MAX 64

static const char *const none[] = {NULL};
static const char *const true_argv[] = {"/bin/true", NULL};
static const char *const bwrap_argv[] = {"bwrap", "--unshare-all", "--ro-bind", "/",         "/", "--proc",
                                         "/proc", "--dev",         "/dev",      "/bin/true", NULL};

static _Noreturn void die(const char *what, const struct err *e)
{
    fprintf(stderr, "sandbox_rounds: %s: %s\n", what, e ? e->msg : strerror(errno));
    exit(1);
}

/* ---- ours ---- */

struct place {
    char project[512], run[512];
    struct id id;
    struct sandbox_nursery *nursery;
};

/* The run's directory is there before a worker opens a sandbox; its folders are not. */
static void make_place(struct place *p, const char *dir, struct sandbox_nursery *nursery)
{
    p->nursery = nursery;
    p->id = id_new(ID_RUN);
    snprintf(p->project, sizeof(p->project), "%s/project", dir);
    snprintf(p->run, sizeof(p->run), "%s/%s", dir, p->id.s);
    if (mkdir(p->run, 0700) < 0)
        die("make the run's directory", NULL);
}

static struct sandbox *open_one(const struct place *p)
{
    struct err e = ERR_INIT;
    struct sandbox *sb = NULL;
    const char *limits = getenv("SALLYPORT_BENCH_LIMITS");
    bool cgroups = !limits || !str_eq(limits, "none");
    struct sandbox_spec spec = {.run_id = p->id,
                                .tenant = "bench",
                                .project_root = p->project,
                                .dir = p->run,
                                .nursery = p->nursery,
                                .limits = {.memory_bytes = cgroups ? (int64_t)(2 * GIB) : 0,
                                           .pids = cgroups ? 512 : 0,
                                           .disk_bytes = (int64_t)(4 * GIB),
                                           .output_bytes = (int64_t)(64 * MIB),
                                           .wall_ms = 600000}};
    if (sandbox_open(&spec, &sb, &e) < 0)
        die("sandbox_open", &e);
    return sb;
}

static void step(struct sandbox *sb, int index)
{
    struct err e = ERR_INIT;
    struct step_exit x = {.exit_code = -1};
    enum sandbox_event ev = SB_GREW;
    char layer[32];
    snprintf(layer, sizeof(layer), "%d.1", index);
    struct step_spec s = {.step_id = id_new(ID_STEP),
                          .index = index,
                          .attempt = 1,
                          .argv = true_argv,
                          .cwd = "",
                          .env = none,
                          .lower = none,
                          .layer = layer};
    if (sandbox_exec(sb, &s, &e) < 0)
        die("sandbox_exec", &e);
    while (ev == SB_GREW) {
        if (sandbox_wait(sb, 60000, -1, &ev, &x, &e) < 0)
            die("sandbox_wait", &e);
    }
    if (ev != SB_EXIT || x.exit_code != 0) {
        fprintf(stderr, "sandbox_rounds: /bin/true did not succeed: event %d, code %d, %s\n", ev, x.exit_code, x.error);
        exit(1);
    }
}

static void cold(const struct place *p)
{
    struct sandbox *sb = open_one(p);
    step(sb, 0);
    sandbox_destroy(sb);
}

/* ---- the peer ---- */

static void run(const char *const *argv)
{
    extern char **environ;
    pid_t pid;
    int status;
    errno = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    if (errno)
        die(argv[0], NULL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0) {
        fprintf(stderr, "sandbox_rounds: %s did not succeed (status %d)\n", argv[0], status);
        exit(1);
    }
}

/* ---- the three modes ---- */

static int rounds(int n, const char *dir, struct sandbox_nursery *nursery)
{
    struct place live, p;
    make_place(&live, dir, nursery);
    struct sandbox *sb = open_one(&live);
    for (int i = 0; i < n; i++) {
        make_place(&p, dir, nursery);
        int64_t t0 = clock_mono_us();
        cold(&p);
        int64_t t1 = clock_mono_us();
        run(bwrap_argv);
        int64_t t2 = clock_mono_us();
        step(sb, i);
        int64_t t3 = clock_mono_us();
        run(true_argv);
        int64_t t4 = clock_mono_us();
        printf("%lld %lld %lld %lld\n", (long long)(t1 - t0), (long long)(t2 - t1), (long long)(t3 - t2),
               (long long)(t4 - t3));
    }
    sandbox_destroy(sb);
    return 0;
}

struct starter {
    pthread_t thread;
    struct place *places; /* NULL: the peer */
    int n;
};

static void *start_many(void *arg)
{
    struct starter *s = arg;
    for (int i = 0; i < s->n; i++) {
        if (s->places)
            cold(&s->places[i]);
        else
            run(bwrap_argv);
    }
    return NULL;
}

static double per_second(struct place *places, int each, int starters)
{
    struct starter s[STARTERS_MAX];
    int64_t t = clock_mono_us();
    for (int i = 0; i < starters; i++) {
        s[i] = (struct starter){.places = places ? places + (ptrdiff_t)i * each : NULL, .n = each};
        if (pthread_create(&s[i].thread, NULL, start_many, &s[i]) != 0)
            die("pthread_create", NULL);
    }
    for (int i = 0; i < starters; i++)
        (void)pthread_join(s[i].thread, NULL);
    return (double)each * starters * 1e6 / (double)(clock_mono_us() - t);
}

static int rate(int n, int starters, const char *dir, struct sandbox_nursery *nursery)
{
    int each = n / starters;
    struct place *p = calloc((size_t)n, sizeof(*p));
    if (!p || starters < 1 || starters > STARTERS_MAX)
        die("rate", NULL);
    for (int i = 0; i < each * starters; i++)
        make_place(&p[i], dir, nursery);
    double ours = per_second(p, each, starters), peer = per_second(NULL, each, starters);
    printf("%.1f %.1f\n", ours, peer);
    free(p);
    return 0;
}

static int idle(const char *dir, struct sandbox_nursery *nursery)
{
    struct place p;
    char path[600], c;
    make_place(&p, dir, nursery);
    struct sandbox *sb = open_one(&p);
    step(sb, 0);
    snprintf(path, sizeof(path), "%s/shim/pid", p.run);
    AUTO(buf_fini) struct buf b = BUF_INIT(64);
    struct err e = ERR_INIT;
    if (file_read(AT_FDCWD, path, &b, &e) < 0)
        die("read shim/pid", &e);
    printf("%.*s", (int)b.len, b.p);
    fflush(stdout);
    (void)!read(STDIN_FILENO, &c, 1);
    sandbox_destroy(sb);
    return 0;
}

int main(int argc, char **argv)
{
    char project[512];
    const char *dir = argc > 2 ? argv[argc - 1] : "";
    snprintf(project, sizeof(project), "%s/project", dir);
    if (*dir != '/' || (mkdir(project, 0755) < 0 && errno != EEXIST))
        die("usage: sandbox_rounds rounds N DIR | rate N STARTERS DIR | idle DIR", NULL);
    const char *how = getenv("SALLYPORT_BENCH_NURSERY");
    struct sandbox_nursery *nursery = NULL;
    struct err e = ERR_INIT;
    if ((!how || !str_eq(how, "off")) && sandbox_nursery_new(&nursery, &e) < 0)
        die("sandbox_nursery_new", &e);
    int r = argc == 4 && str_eq(argv[1], "rounds") ? rounds(atoi(argv[2]), dir, nursery)
            : argc == 5 && str_eq(argv[1], "rate") ? rate(atoi(argv[2]), atoi(argv[3]), dir, nursery)
                                                   : idle(dir, nursery);
    sandbox_nursery_free(nursery);
    return r;
}
