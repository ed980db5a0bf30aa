/* bait - see bait.h. */
#include "bait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/file.h"

/* ---- sockets ---- */

static int bound_unix(const char *path, size_t len, int type)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(len <= sizeof(a.sun_path));
    memcpy(a.sun_path, path, len);
    assert_int_equal(bind(s, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(s, 100), 0);
    return s;
}

static int at_path(const char *dir, const char *name, int type)
{
    char p[108];
    snprintf(p, sizeof(p), "%.90s/%s", dir, name);
    int s = bound_unix(p, strlen(p) + 1, type);
    assert_int_equal(chmod(p, 0777), 0);
    return s;
}

static int abstract(const char *mark, const char *end, int type)
{
    char p[108] = {0};
    int n = snprintf(p + 1, sizeof(p) - 1, "%s%s", mark, end);
    return bound_unix(p, (size_t)n + 1, type);
}

static int loopback(int type, char port[16])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    if (type == SOCK_STREAM)
        a.sin_addr.s_addr = htonl(INADDR_ANY);
    int s = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(s, 100), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&a, &len), 0);
    snprintf(port, 16, "%d", ntohs(a.sin_port));
    return s;
}

static void lay_sockets(struct bait *b)
{
    b->stream[0] = at_path(b->g.base, "sock", SOCK_STREAM);
    b->stream[1] = at_path(b->g.project, "sock", SOCK_STREAM);
    b->stream[2] = at_path(b->bound, "sock", SOCK_STREAM);
    b->stream[3] = abstract(b->mark, "", SOCK_STREAM);
    b->dgram[0] = at_path(b->g.base, "dgram", SOCK_DGRAM);
    b->dgram[1] = abstract(b->mark, "-dgram", SOCK_DGRAM);
    b->dgram[2] = loopback(SOCK_DGRAM, b->udp_port);
    b->stream[4] = loopback(SOCK_STREAM, b->port);
}

/* True when somebody had come. Takes what came. */
static bool drain(int s, bool listens)
{
    char x[64];
    bool any = false;
    for (;;) {
        ssize_t n = listens ? accept(s, NULL, NULL) : recv(s, x, sizeof(x), MSG_DONTWAIT);
        if (n < 0)
            return any;
        if (listens)
            close((int)n);
        any = true;
    }
}

/* ---- files ---- */

static void put(struct bait *b, const char *rel, const char *text)
{
    char p[512], *slash;
    snprintf(p, sizeof(p), "%s/%s", b->g.base, rel);
    slash = strrchr(p, '/');
    *slash = 0;
    assert_int_equal(dir_make(AT_FDCWD, p, NULL, NULL), 0);
    assert_int_equal(chmod(p, 0755), 0);
    *slash = '/';
    assert_int_equal(file_replace(AT_FDCWD, p, text, strlen(text), 0644, NULL), 0);
}

static void put_program(struct bait *b, const char *rel, mode_t mode)
{
    char p[512];
    AUTO(buf_fini) struct buf text = BUF_INIT(16 * MIB);
    snprintf(p, sizeof(p), "%s/%s", b->g.base, rel);
    assert_int_equal(file_read(AT_FDCWD, b->program, &text, NULL), 0);
    assert_int_equal(file_replace(AT_FDCWD, p, text.p, text.len, 0755, NULL), 0);
    assert_int_equal(chmod(p, mode), 0);
}

static void lay_files(struct bait *b)
{
    static const unsigned caps[5] = {0x02000001, ~0u, 0, ~0u, 0}; /* struct vfs_cap_data: everything */
    char p[512];
    put(b, "bound/tool", "tool\n");
    put(b, "bound/token", "secret\n");
    put(b, "other/layers/0.1/upper/bait", "another run's\n");
    put(b, "other/logs/0.1.log", "another run's\n");
    put(b, "data/sallyport.db", "db\n");
    put(b, "data/key", "key\n");
    put(b, "data/admin-token", "token\n");
    put(b, "data/audit/signing.key", "key\n");
    put(b, "project/credentials", "secret\n");
    put(b, "project/secrets/one", "secret\n");
    put_program(b, "project/attempts", 0755);
    put_program(b, "project/suid", 06755);
    put_program(b, "bound/suid", 06755);
    if (geteuid() == 0) {
        put_program(b, "project/capable", 0755);
        snprintf(p, sizeof(p), "%s/capable", b->g.project);
        (void)setxattr(p, "security.capability", caps, sizeof(caps), 0);
    }
    snprintf(p, sizeof(p), "%s/link", b->g.project);
    assert_int_equal(symlink("../bait", p), 0);
}

static pid_t start_canary(void)
{
    pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent)
            pause();
        _exit(0);
    }
    return pid;
}

static void lay_ipc(struct bait *b)
{
    char p[128];
    key_t key = 0x53500000 | (getpid() & 0xffff);
    snprintf(b->key, sizeof(b->key), "%d", (int)key);
    b->shm = shmget(key, 4096, IPC_CREAT | 0666);
    b->sem = semget(key, 1, IPC_CREAT | 0666);
    b->msg = msgget(key, IPC_CREAT | 0666);
    assert_true(b->shm >= 0 && b->sem >= 0 && b->msg >= 0);
    snprintf(p, sizeof(p), "/%s", b->mark);
    mqd_t q = mq_open(p, O_RDWR | O_CREAT, 0666, NULL);
    assert_true(q != (mqd_t)-1);
    mq_close(q);
    snprintf(p, sizeof(p), "/dev/shm/%s", b->mark);
    assert_int_equal(file_replace(AT_FDCWD, p, "bait\n", 5, 0666, NULL), 0);
}

void bait_lay(struct bait *b, const char *program)
{
    *b = (struct bait){.program = program};
    rig_init(&b->g);
    assert_int_equal(chmod(b->g.base, 0755), 0);
    snprintf(b->bound, sizeof(b->bound), "%s/bound", b->g.base);
    snprintf(b->mark, sizeof(b->mark), "sallyport-bait-%d", (int)getpid());
    assert_int_equal(setenv("SALLYPORT_BAIT", "secret", 1), 0);
    lay_files(b);
    lay_sockets(b);
    lay_ipc(b);
    b->canary = start_canary();
    bait_reset(b);
}

/* ---- touched? ---- */

static void add_file(char *to, size_t cap, const char *base, const char *rel)
{
    char p[512];
    struct stat st = {0};
    size_t n = strlen(to);
    snprintf(p, sizeof(p), "%s/%s", base, rel);
    (void)!lstat(p, &st);
    snprintf(to + n, cap - n, "%s %o %d %lld %lld.%ld\n", rel, st.st_mode, (int)st.st_nlink, (long long)st.st_size,
             (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* ctime changes with every change of a file, and of a directory's entries. */
static void describe(const struct bait *b, char *to, size_t cap)
{
    static const char *const files[] = {"",      "bait",  "outside", "outside/ws",       "outside/tmp", "project",
                                        "bound", "other", "data",    "project/attempts", "bound/tool"};
    AUTO(buf_fini) struct buf pattern = BUF_INIT(4 * KIB);
    char host[64] = "";
    *to = 0;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        add_file(to, cap, b->g.base, files[i]);
    (void)!file_read(AT_FDCWD, "/proc/sys/kernel/core_pattern", &pattern, NULL);
    (void)gethostname(host, sizeof(host) - 1);
    size_t n = strlen(to);
    snprintf(to + n, cap - n, "%s %.*s\n", host, (int)pattern.len, pattern.len ? pattern.p : "");
}

void bait_reset(struct bait *b)
{
    char p[512];
    snprintf(p, sizeof(p), "%s/outside", b->g.base);
    (void)!dir_remove(AT_FDCWD, p, NULL);
    put(b, "outside/ws/own", "");
    put(b, "outside/tmp/own", "");
    put(b, "bait", "bait\n");
    snprintf(p, sizeof(p), "%s/outside/ws/link", b->g.base);
    assert_int_equal(symlink("../../bait", p), 0);
    if (b->leak > 0)
        close(b->leak);
    snprintf(p, sizeof(p), "%s/bait", b->g.base);
    b->leak = open(p, O_RDONLY); /* NOLINT: not close-on-exec on purpose */
    for (size_t i = 0; i < ARRAY_LEN(b->stream); i++)
        (void)drain(b->stream[i], true);
    for (size_t i = 0; i < ARRAY_LEN(b->dgram); i++)
        (void)drain(b->dgram[i], false);
    if (b->canary <= 0 || waitpid(b->canary, NULL, WNOHANG) != 0)
        b->canary = start_canary();
    snprintf(b->canary_pid, sizeof(b->canary_pid), "%d", (int)b->canary);
    describe(b, b->before, sizeof(b->before));
}

/* Can the host still do what a host does? */
static bool well(const struct bait *b)
{
    char p[512];
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        char *m = malloc(16 * MIB);
        if (m)
            memset(m, 1, 16 * MIB);
        _exit(m ? 0 : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return false;
    snprintf(p, sizeof(p), "%s/outside/tmp/own", b->g.base);
    int fd = open(p, O_RDWR | O_CLOEXEC), pipes[2] = {-1, -1};
    bool ok = fd >= 0 && pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1;
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    return ok;
}

const char *bait_touched(struct bait *b)
{
    char now[sizeof(b->before)];
    for (size_t i = 0; i < ARRAY_LEN(b->stream); i++) {
        if (drain(b->stream[i], true))
            return "somebody connected to a socket of the host";
    }
    for (size_t i = 0; i < ARRAY_LEN(b->dgram); i++) {
        if (drain(b->dgram[i], false))
            return "somebody sent to a socket of the host";
    }
    if (waitpid(b->canary, NULL, WNOHANG | WUNTRACED | WCONTINUED) != 0)
        return "the process of the host was ended, stopped or continued";
    errno = 0;
    if (getpriority(PRIO_PROCESS, (id_t)b->canary) != getpriority(PRIO_PROCESS, 0) || errno)
        return "the process of the host has another priority";
    describe(b, now, sizeof(now));
    if (strcmp(now, b->before) != 0)
        return "files, host name or core_pattern of the host changed";
    if (rig_process_with(b->mark))
        return "a process outlived the step";
    return well(b) ? NULL : "the host is not well";
}

void bait_clear(struct bait *b)
{
    char p[128];
    kill(b->canary, SIGKILL);
    waitpid(b->canary, NULL, 0);
    shmctl(b->shm, IPC_RMID, NULL);
    semctl(b->sem, 0, IPC_RMID);
    msgctl(b->msg, IPC_RMID, NULL);
    snprintf(p, sizeof(p), "/%s", b->mark);
    mq_unlink(p);
    snprintf(p, sizeof(p), "/dev/shm/%s", b->mark);
    unlink(p);
    for (size_t i = 0; i < ARRAY_LEN(b->stream); i++)
        close(b->stream[i]);
    for (size_t i = 0; i < ARRAY_LEN(b->dgram); i++)
        close(b->dgram[i]);
    close(b->leak);
    rig_fini(&b->g);
}
