/* Runs every attempt of attempts.def inside a sandbox: each must be denied. Prints one line per attempt.
 *
 *   test_escape ATTEMPTS-PROGRAM [NAME]
 *
 * To show that a denial is the sandbox's doing, each attempt is made outside too, with the same bait: there its tries
 * must work. After each attempt inside the test looks at the host: bait, sockets, a process, what is left running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>
#include "bait.h"
#include "base/str.h"
#include "os/file.h"

enum expect { DENIED, OOM, SOFT_OOM, TRUNCATED, TIMED_OUT, DISK, CPU };

static const struct attempt {
    const char *name;
    enum expect expect;
} attempts[] = {
#define ATTEMPT(name, expect, what) {#name, expect},
#include "attempts.def"
#undef ATTEMPT
};

struct suite {
    struct bait b;
    const char *only;
    bool hard_memory, hard_cpu;
    int denied, real, soft;
};

/* ---- outside ---- */

/* What try_survivors left, by the files they made. True when there was one. */
static bool end_survivors(const struct bait *b)
{
    char p[512];
    bool any = false;
    snprintf(p, sizeof(p), "%s/outside/ws", b->g.base);
    DIR *d = opendir(p);
    for (struct dirent *de; d && (de = readdir(d));) {
        if (!str_starts(de->d_name, "survivor."))
            continue;
        any = true;
        kill(atoi(de->d_name + 9), SIGKILL);
    }
    if (d)
        closedir(d);
    return any;
}

/* 0: all its tries work out here; 6: none is made out here. */
static int outside(const struct bait *b, const char *name)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        char log[512];
        snprintf(log, sizeof(log), "%s/outside/log", b->g.base);
        int null = open("/dev/null", O_RDWR), out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(null, 0);
        dup2(null, 1);
        dup2(out, 2);
        execl(b->program, "attempts", name, "outside", b->g.base, b->mark, b->port, b->udp_port, b->key, b->canary_pid,
              (char *)NULL);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool is_real(struct suite *s, const char *name, char *note, size_t cap)
{
    AUTO(buf_fini) struct buf log = BUF_INIT(64 * KIB);
    char p[512];
    int code = outside(&s->b, name), tried = 0, worked = 0;
    bool survived = end_survivors(&s->b);
    for (int i = 0; i < 200 && !survived && str_eq(name, "survivors"); i++) {
        usleep(10000);
        survived = end_survivors(&s->b);
    }
    snprintf(p, sizeof(p), "%s/outside/log", s->b.g.base);
    (void)!file_read(AT_FDCWD, p, &log, NULL);
    const char *last = log.len ? strstr(log.p, "tries ") : NULL;
    if (last)
        (void)!sscanf(last, "tries %d worked %d", &tried, &worked);
    *note = 0;
    if (code != 6)
        snprintf(note, cap, "; outside %d of %d work", worked, tried);
    s->real += code == 0;
    if (code == 0 && str_eq(name, "survivors") && !survived) {
        printf("     nothing lived on outside\n");
        return false;
    }
    if (code != 0 && code != 6)
        printf("     outside, exit %d: %.*s\n", code, (int)log.len, log.len ? log.p : "");
    return code == 0 || code == 6;
}

/* ---- inside ---- */

/* Got through a limit that is soft or absent on this host. */
static bool is_soft(const struct suite *s, enum expect e)
{
    const struct step_exit *x = &s->b.g.x;
    return !x->oom_killed && x->exit_code == 1 && ((e == SOFT_OOM && !s->hard_memory) || (e == CPU && !s->hard_cpu));
}

static bool as_expected(const struct suite *s, enum expect e)
{
    const struct rig *g = &s->b.g;
    const struct step_exit *x = &g->x;
    switch (e) {
    case OOM:
        return x->oom_killed;
    case SOFT_OOM:
        return x->oom_killed || x->exit_code == 0 || is_soft(s, e);
    case TRUNCATED:
        return x->exit_code == 0 && x->log_truncated && g->out.len + g->err.len <= MIB;
    case TIMED_OUT:
        return x->timed_out && x->signal == SIGKILL;
    case DISK:
        return x->exit_code == 0 || strstr(x->error, "layers grew");
    case CPU:
        return x->exit_code == 0 || is_soft(s, e);
    case DENIED:
        break;
    }
    return x->exit_code == 0;
}

/* The overlay's own attributes must not have reached the layer on disk. */
static bool layer_is_plain(const struct suite *s)
{
    static const char *const where[] = {"", "/ovl", "/ovl/file"};
    char p[512], names[4096];
    for (size_t i = 0; i < ARRAY_LEN(where); i++) {
        snprintf(p, sizeof(p), "%s/layers/%d.1/upper%s", s->b.g.run, s->b.g.next - 1, where[i]);
        ssize_t n = llistxattr(p, names, sizeof(names));
        for (const char *x = names; n > 0 && x < names + n; x += strlen(x) + 1) {
            bool ours = str_starts(x, "user.overlay.") && !str_starts(x, "user.overlay.overlay.");
            /* what the kernel itself keeps on a layer's top and on new folders */
            if (ours && !str_eq(x, "user.overlay.impure") && !str_eq(x, "user.overlay.origin") &&
                !str_eq(x, "user.overlay.uuid") && !(i == 1 && str_eq(x, "user.overlay.opaque")))
                return printf("     %s has %s\n", p, x), false;
        }
    }
    return true;
}

/* What a bomb has left, in memory and on disk, goes before the next attempt. */
static void begin_anew(struct bait *b)
{
    char p[512];
    rig_close(&b->g);
    snprintf(p, sizeof(p), "%s/layers/%d.1", b->g.run, b->g.next - 1);
    assert_int_equal(dir_remove(AT_FDCWD, p, NULL), 0);
    rig_open(&b->g);
}

static bool one(struct suite *s, const struct attempt *a)
{
    struct bait *b = &s->b;
    char note[64];
    const char *const argv[] = {"/workspace/attempts", a->name, "inside",      b->g.base, b->mark, b->port,
                                b->udp_port,           b->key,  b->canary_pid, NULL};
    bait_reset(b);
    bool real = is_real(s, a->name, note, sizeof(note));
    bait_reset(b);
    b->g.wall_ms = (a->expect == TIMED_OUT ? 300 : 15000) * rig_slowness();
    b->g.cols = b->g.rows = str_eq(a->name, "own_terminal") ? 24 : 0;
    rig_argv(&b->g, argv);
    bool denied = as_expected(s, a->expect);
    const char *touched = bait_touched(b);
    if (denied && str_eq(a->name, "overlay_attributes") && !layer_is_plain(s))
        denied = false;
    bool ok = real && denied && !touched, soft = is_soft(s, a->expect);
    printf("%s %s (%lld ms%s)\n",
           !ok    ? "FAIL"
           : soft ? "soft"
                  : "pass",
           a->name, (long long)(b->g.x.finished_us - b->g.x.started_us) / 1000, note);
    if (touched)
        printf("     %s\n", touched);
    if (!denied)
        printf("     exit %d signal %d oom %d timed out %d %s\n%.*s\n", b->g.x.exit_code, b->g.x.signal,
               b->g.x.oom_killed, b->g.x.timed_out, b->g.x.error, (int)b->g.err.len, b->g.err.len ? b->g.err.p : "");
    s->denied += denied && !touched && !soft;
    s->soft += soft;
    if (a->expect != DENIED)
        begin_anew(b);
    return ok;
}

static bool is_hard(const struct buf *doc, const char *name)
{
    char text[128];
    snprintf(text, sizeof(text), "{\"name\":\"%s\",\"level\":\"hard\"", name);
    return doc->len && strstr(doc->p, text);
}

static void probe(struct suite *s)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    struct jw w = JW_INIT(&b);
    struct err e = ERR_INIT;
    bool ok = false;
    assert_int_equal(sandbox_probe(NULL, &w, &ok, &e), 0);
    assert_true(ok);
    s->hard_memory = is_hard(&b, "limit memory");
    s->hard_cpu = is_hard(&b, "limit cpu");
}

static void test_attempts(void **state)
{
    struct suite s = {0};
    char **argv = *state;
    int bad = 0, n = 0;
    char hidden[3][512];
    s.only = argv[2];
    probe(&s);
    bait_lay(&s.b, argv[1]);
    const char *const binds[] = {s.b.bound}, *const hide[] = {hidden[0], hidden[1], hidden[2]};
    snprintf(hidden[0], sizeof(hidden[0]), "%s/credentials", s.b.g.project);
    snprintf(hidden[1], sizeof(hidden[1]), "%s/secrets", s.b.g.project);
    snprintf(hidden[2], sizeof(hidden[2]), "%s/token", s.b.bound);
    s.b.g.spec.ro_binds = binds;
    s.b.g.spec.nro_binds = 1;
    s.b.g.spec.hidden = hide;
    s.b.g.spec.nhidden = 3;
    s.b.g.spec.limits = (struct sandbox_limits){.cpu_millis = 1000,
                                                .memory_bytes = 128 * (int64_t)MIB,
                                                .pids = 64,
                                                .output_bytes = (int64_t)MIB,
                                                .disk_bytes = 96 * (int64_t)MIB,
                                                .wall_ms = 20000};
    rig_open(&s.b.g);
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        if (s.only && !str_eq(s.only, attempts[i].name))
            continue;
        n++;
        bad += !one(&s, &attempts[i]);
        fflush(stdout);
    }
    printf("%d of %d attempts denied, %d got through soft limits (memory %s, cpu %s); %d shown to work outside\n",
           s.denied, n, s.soft, s.hard_memory ? "hard" : "soft", s.hard_cpu ? "hard" : "absent", s.real);
    bait_clear(&s.b);
    assert_true(n > 0);
    assert_int_equal(bad, 0);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    const struct CMUnitTest tests[] = {{"attempts", test_attempts, NULL, NULL, argv}};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
