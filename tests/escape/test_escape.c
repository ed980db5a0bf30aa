/* Runs every attempt of attempts.c inside a sandbox: each must be denied. Prints one line per attempt.
 *
 *   test_escape ATTEMPTS-PROGRAM
 *
 * On the host it lays out bait: a readable file, another run's layer, sockets by path, in the project and abstract, a
 * TCP listener, System V memory, an fd that is not close-on-exec. To show that the bait is good, each try is also made
 * outside where that is harmless ("control"): a test that cannot fail is worse than none. */
#include <setjmp.h>
#include <stdarg.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/file.h"
#include "sandbox/rig.h"

enum expect { DENIED, KILLED_OOM, TRUNCATED };

/* control: the same program on the host, with the same bait, succeeds in its attempt. */
static const struct {
    const char *name;
    enum expect expect;
    bool control;
} attempts[] = {
    {"write-by-path", DENIED, true},     {"write-by-symlink", DENIED, false},
    {"write-by-dotdot", DENIED, true},   {"proc-root", DENIED, true},
    {"proc-fds", DENIED, false},         {"leaked-fds", DENIED, true},
    {"read-secrets", DENIED, true},      {"other-layers", DENIED, false},
    {"write-read-only", DENIED, false},  {"kernel-files", DENIED, true},
    {"own-proc-files", DENIED, false},   {"devices", DENIED, false},
    {"unix-sockets", DENIED, true},      {"abstract-sockets", DENIED, true},
    {"network", DENIED, true},           {"odd-sockets", DENIED, true},
    {"mounts", DENIED, false},           {"namespaces", DENIED, true},
    {"enter-namespaces", DENIED, false}, {"change-root", DENIED, false},
    {"touch-init", DENIED, false},       {"signals", DENIED, false},
    {"raise-limits", DENIED, false},     {"capabilities", DENIED, true},
    {"setuid-program", DENIED, false},   {"print-ids", DENIED, false},
    {"refused-calls", DENIED, true},     {"other-architectures", DENIED, false},
    {"terminals", DENIED, true},         {"personality", DENIED, true},
    {"shared-memory", DENIED, true},     {"cgroups", DENIED, true},
    {"fork-bomb", DENIED, true},         {"memory-bomb", KILLED_OOM, false},
    {"log-bomb", TRUNCATED, false},      {"tmp-bomb", DENIED, false},
};

struct bait {
    struct rig g;
    const char *program;
    char bound[256], abstract[64], port[16], key[16];
    int socks[4], tcp, leak, shm;
};

static int listen_unix(const char *path, size_t len)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(len <= sizeof(a.sun_path));
    memcpy(a.sun_path, path, len);
    assert_int_equal(bind(s, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
    assert_int_equal(listen(s, 100), 0);
    return s;
}

static int listen_path(const char *dir, const char *name)
{
    char p[108];
    snprintf(p, sizeof(p), "%.90s/%s", dir, name);
    int s = listen_unix(p, strlen(p) + 1);
    assert_int_equal(chmod(p, 0777), 0);
    return s;
}

static void lay_sockets(struct bait *b)
{
    char name[108] = {0};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    b->socks[0] = listen_path(b->g.base, "sock");
    b->socks[1] = listen_path(b->g.project, "sock");
    b->socks[2] = listen_path(b->bound, "sock");
    snprintf(b->abstract, sizeof(b->abstract), "sallyport-bait-%d", (int)getpid());
    memcpy(name + 1, b->abstract, strlen(b->abstract));
    b->socks[3] = listen_unix(name, strlen(b->abstract) + 1);
    b->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(b->tcp, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(b->tcp, 100), 0);
    assert_int_equal(getsockname(b->tcp, (struct sockaddr *)&a, &len), 0);
    snprintf(b->port, sizeof(b->port), "%d", ntohs(a.sin_port));
}

static void copy_program(const char *from, const char *to, mode_t mode)
{
    AUTO(buf_fini) struct buf p = BUF_INIT(16 * MIB);
    assert_int_equal(file_read(AT_FDCWD, from, &p, NULL), 0);
    assert_int_equal(file_replace(AT_FDCWD, to, p.p, p.len, 0755, NULL), 0);
    assert_int_equal(chmod(to, mode), 0);
}

static void lay_files(struct bait *b)
{
    char p[512];
    rig_file(&b->g, "../bait", "bait\n");
    snprintf(p, sizeof(p), "%s/bait", b->g.base);
    b->leak = open(p, O_RDONLY); /* NOLINT: not close-on-exec on purpose */
    snprintf(p, sizeof(p), "%s/link", b->g.project);
    assert_int_equal(symlink("../bait", p), 0);
    assert_int_equal(dir_make(AT_FDCWD, b->bound, NULL, NULL), 0);
    snprintf(p, sizeof(p), "%s/other/layers/0.1/upper", b->g.base);
    assert_int_equal(dir_make(AT_FDCWD, p, NULL, NULL), 0);
    rig_file(&b->g, "../other/layers/0.1/upper/bait", "another run's\n");
    snprintf(p, sizeof(p), "%s/attempts", b->g.project);
    copy_program(b->program, p, 0755);
    snprintf(p, sizeof(p), "%s/suid", b->g.project);
    copy_program(b->program, p, 06755);
}

static void lay(struct bait *b, const char *program)
{
    rig_init(&b->g);
    b->program = program;
    assert_int_equal(chmod(b->g.base, 0755), 0);
    snprintf(b->bound, sizeof(b->bound), "%s/bound", b->g.base);
    lay_files(b);
    lay_sockets(b);
    key_t key = 0x53500000 | (getpid() & 0xffff);
    b->shm = shmget(key, 4096, IPC_CREAT | 0666);
    assert_true(b->shm >= 0);
    snprintf(b->key, sizeof(b->key), "%d", (int)key);
}

static void clear(struct bait *b)
{
    shmctl(b->shm, IPC_RMID, NULL);
    for (int i = 0; i < 4; i++)
        close(b->socks[i]);
    close(b->tcp);
    close(b->leak);
    rig_fini(&b->g);
}

/* On the host the attempt must succeed: exit code 1. */
static bool control(const struct bait *b, const char *name)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 2);
        execl(b->program, "attempts", name, b->g.base, b->port, b->abstract, b->key, (char *)NULL);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static bool as_expected(const struct rig *g, enum expect e)
{
    const struct step_exit *x = &g->x;
    if (e == KILLED_OOM)
        return x->oom_killed && x->signal == SIGKILL;
    if (e == TRUNCATED)
        return x->exit_code == 0 && x->log_truncated && g->out.len <= MIB;
    return x->exit_code == 0;
}

/* Families of sockets that are not built into the host's kernel come up by module loading, which is root's. */
static bool can_control(size_t i)
{
    return attempts[i].control && (geteuid() == 0 || strcmp(attempts[i].name, "odd-sockets") != 0);
}

static bool one(struct bait *b, size_t i, bool *ret_control)
{
    const char *name = attempts[i].name;
    const char *const argv[] = {"/workspace/attempts", name, b->g.base, b->port, b->abstract, b->key, NULL};
    *ret_control = !can_control(i) || control(b, name);
    rig_argv(&b->g, argv);
    return as_expected(&b->g, attempts[i].expect);
}

static void test_attempts(void **state)
{
    struct bait b;
    int bad = 0;
    lay(&b, *state);
    const char *const binds[] = {b.bound};
    b.g.spec.ro_binds = binds;
    b.g.spec.nro_binds = 1;
    b.g.spec.limits = (struct sandbox_limits){.memory_bytes = 128 * (int64_t)MIB,
                                              .pids = 64,
                                              .output_bytes = (int64_t)MIB,
                                              .disk_bytes = 128 * (int64_t)MIB,
                                              .wall_ms = 20000};
    rig_open(&b.g);
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        bool control_ok, denied = one(&b, i, &control_ok);
        printf("%s %s%s\n", denied && control_ok ? "pass" : "FAIL", attempts[i].name,
               control_ok ? "" : " (the attempt does not even work outside: the test proves nothing)");
        if (!denied)
            printf("     exit %d signal %d %s: %.*s\n", b.g.x.exit_code, b.g.x.signal, b.g.x.error, (int)b.g.err.len,
                   b.g.err.len ? b.g.err.p : "");
        bad += !denied || !control_ok;
    }
    clear(&b);
    assert_int_equal(bad, 0);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    const struct CMUnitTest tests[] = {{"attempts", test_attempts, NULL, NULL, argv[1]}};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
