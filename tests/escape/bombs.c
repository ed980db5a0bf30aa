/* bombs - tries to use up what the host has. Each must end at a declared limit, and leave the host well. */
#include "attempts.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB  ((size_t)1 << 20)
#define PIDS 64 /* what the test set */

static char block[MIB];

/* ---- processes ---- */

void try_fork_bomb(struct ctx *c)
{
    static pid_t kids[600];
    int n = 0;
    if (c->outside)
        return;
    while (n < 600) {
        pid_t pid = fork();
        if (pid == 0) {
            for (;;)
                pause();
        }
        if (pid < 0)
            break;
        kids[n++] = pid;
    }
    CHECK(NOT, errno == EAGAIN && n <= PIDS);
    for (int i = 0; i < n; i++)
        kill(kids[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
    for (n = 0; n < 600; n++) { /* zombies count too */
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0)
            break;
    }
    CHECK(NOT, n <= PIDS);
}

/* Every process makes eight, down to the tenth generation. */
static void fork_on(void)
{
    for (int depth = 0, i = 0; i < 8 && depth < 10; i++) {
        if (fork() == 0) {
            depth++;
            i = -1;
        }
    }
    for (;;)
        pause();
}

/* Never ends by itself: killed at its time limit, with everything it made. */
void try_fork_tree(struct ctx *c)
{
    if (c->outside)
        return;
    for (int s = 1; s < 32; s++)
        signal(s, SIG_IGN);
    fork_on();
}

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

void try_thread_bomb(struct ctx *c)
{
    pthread_attr_t a;
    pthread_t t;
    int n = 0;
    if (c->outside)
        return;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 64 * 1024);
    while (n < 600 && pthread_create(&t, &a, idle, NULL) == 0)
        n++;
    CHECK(NOT, n <= PIDS);
}

void try_fd_bomb(struct ctx *c)
{
    struct rlimit r = {70000, 70000};
    int n = 0;
    if (c->outside)
        return;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    while (n < 70000 && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
        n++;
    CHECK(NOT, errno == EMFILE && n <= 65536);
}

void try_signal_bomb(struct ctx *c)
{
    sigset_t s;
    int n = 0;
    if (c->outside)
        return;
    sigemptyset(&s);
    sigaddset(&s, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &s, NULL);
    while (n < 100000 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
        n++;
    CHECK(NOT, errno == EAGAIN && n <= 4096);
    timer_t t;
    for (n = 0; n < 10000 && timer_create(CLOCK_MONOTONIC, NULL, &t) == 0; n++)
        ;
    CHECK(NOT, n <= 4096);
}

/* Of instances there are few per user of the host, and in user mode the step is that user. */
void try_inotify_bomb(struct ctx *c)
{
    int n = 0;
    if (c->outside)
        return;
    while (n < 1000 && inotify_init1(IN_CLOEXEC) >= 0)
        n++;
    CHECK(NOT, errno == EMFILE && n <= 64);
}

void try_terminal_bomb(struct ctx *c)
{
    int n = 0;
    if (c->outside)
        return;
    while (n < 4000 && open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0)
        n++;
    CHECK(NOT, (errno == ENOSPC || errno == EMFILE) && n <= 256);
}

/* ---- memory: killed, unless a limit of its own kind comes first ---- */

void try_memory_bomb(struct ctx *c)
{
    if (c->outside)
        return;
    for (size_t i = 0; i < 4000; i++) {
        char *p = malloc(MIB);
        if (!p)
            break;
        memset(p, (int)(i | 1), MIB);
        if (i > 64)
            usleep(500); /* where the limit is kept by sampling */
    }
    CHECK(NOT, false);
}

static int eat(void *arg)
{
    for (size_t i = 0; i < 1000; i++) {
        char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            break;
        memset(p, 1, MIB);
        usleep(2000);
    }
    return arg != NULL;
}

/* No single process is over the limit. */
void try_memory_in_pieces(struct ctx *c)
{
    if (c->outside)
        return;
    for (int i = 0; i < 8; i++) {
        if (fork() == 0)
            _exit(eat(NULL));
    }
    int status, killed = 0;
    while (wait(&status) > 0)
        killed += WIFSIGNALED(status);
    CHECK(NOT, killed > 0);
}

void try_memfd_bomb(struct ctx *c)
{
    if (c->outside)
        return;
    memset(block, 1, sizeof(block));
    for (int i = 0; i < 16; i++) {
        int fd = (int)syscall(SYS_memfd_create, "x", 0);
        for (int k = 0; k < 64; k++) {
            if (write(fd, block, sizeof(block)) < 0)
                break;
            usleep(500);
        }
    }
    CHECK(NOT, false);
}

void try_shared_map_bomb(struct ctx *c)
{
    if (c->outside)
        return;
    for (int i = 0; i < 1000; i++) {
        char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            break;
        memset(p, 1, MIB);
        usleep(500);
    }
    CHECK(NOT, false);
}

void try_shm_bomb(struct ctx *c)
{
    if (c->outside)
        return;
    for (int i = 0; i < 64; i++) {
        int id = shmget(IPC_PRIVATE, 16 * MIB, IPC_CREAT | 0600);
        char *p = shmat(id, NULL, 0);
        if (id < 0 || p == (char *)-1)
            break;
        memset(p, 1, 16 * MIB);
        shmdt(p); /* belongs to no process now */
        usleep(5000);
    }
    CHECK(NOT, false);
}

void try_mapping_bomb(struct ctx *c)
{
    size_t n = 0;
    if (c->outside)
        return;
    for (; n < 200000; n++) { /* every other page, so that none are merged */
        char *p = mmap(NULL, 8192, n & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            break;
    }
    CHECK(NOT, n < 200000 && errno == ENOMEM);
}

void try_tmp_bomb(struct ctx *c)
{
    static const char *const in[] = {"/tmp/big", "/home/agent/big", "/dev/shm/big"};
    size_t sum = 0;
    if (c->outside)
        return;
    for (size_t f = 0; f < N(in); f++) { /* one store under three names: half of the memory limit */
        int fd = open(in[f], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (ssize_t n; sum < 256 * MIB && (n = write(fd, block, sizeof(block))) > 0;)
            sum += (size_t)n;
        CHECK(NOT, errno == ENOSPC);
    }
    CHECK(NOT, sum <= 64 * MIB);
    for (size_t f = 0; f < N(in); f++)
        (void)unlink(in[f]);
}

void try_inode_bomb(struct ctx *c)
{
    char p[64];
    int n = 0;
    struct statvfs v;
    if (c->outside)
        return;
    CHECK(NOT, statvfs("/tmp", &v) == 0 && v.f_files <= 400000);
    for (; n < 400001; n++) {
        snprintf(p, sizeof(p), "/tmp/i%d", n);
        if (mknod(p, S_IFREG | 0600, 0) < 0)
            break;
    }
    CHECK(NOT, errno == ENOSPC && n < 400000);
    for (; n > 0; n--) {
        snprintf(p, sizeof(p), "/tmp/i%d", n - 1);
        (void)unlink(p);
    }
}

void try_pipe_bomb(struct ctx *c)
{
    int p[2];
    if (c->outside)
        return;
    TRY(NOT, pipe(p) == 0 ? fcntl(p[1], F_SETPIPE_SZ, 256 << 20) : 0, EPERM);
    size_t held = 0;
    for (int i = 0; i < 1000; i++) {
        if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
            break;
        (void)fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
        for (ssize_t n; (n = write(p[1], block, 65536)) > 0;)
            held += (size_t)n;
    }
    CHECK(NOT, held <= 128 * MIB);
}

void try_socket_buffer_bomb(struct ctx *c)
{
    int s[2], big = 64 << 20;
    size_t held = 0;
    if (c->outside)
        return;
    for (int i = 0; i < 60; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s) < 0)
            break;
        (void)setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
        for (ssize_t n; (n = send(s[0], block, 65536, MSG_NOSIGNAL)) > 0;)
            held += (size_t)n;
    }
    CHECK(NOT, held <= 256 * MIB);
}

/* ---- disk ---- */

void try_big_file(struct ctx *c)
{
    if (c->outside)
        return;
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("/workspace/huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    TRY(NOT, ftruncate(fd, (off_t)1 << 40), EFBIG);
    TRY(NOT, pwrite(fd, "x", 1, (off_t)1 << 40), EFBIG);
    TRY(NOT, fallocate(fd, 0, 0, (off_t)200 << 20), EFBIG, ENOSPC, EOPNOTSUPP);
    (void)unlink("/workspace/huge");
}

/* Many files, each below the limit of one: killed when the layers are measured, or refused where the limit is hard. */
void try_disk_bomb(struct ctx *c)
{
    char p[64];
    if (c->outside)
        return;
    for (int i = 0; i < 40; i++) {
        snprintf(p, sizeof(p), "/workspace/d%d", i);
        int fd = open(p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || fallocate(fd, 0, 0, 16 << 20) < 0) {
            CHECK(NOT, errno == ENOSPC || errno == EDQUOT);
            return;
        }
        close(fd);
        usleep(50000);
    }
    sleep(10);
    CHECK(NOT, false);
}

/* With every process the sandbox may have: whoever measures needs one too. */
void try_disk_bomb_of_many(struct ctx *c)
{
    if (c->outside)
        return;
    for (int n = 0; n < 600; n++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        while (pid == 0)
            pause();
    }
    sleep(1);
    try_disk_bomb(c);
}

/* True when all of it was written and nobody ended us. */
static bool fill_unlinked(void)
{
    for (int i = 0; i < 40; i++) {
        int fd = open("/workspace/u", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || unlink("/workspace/u") < 0 || fallocate(fd, 0, 0, 16 << 20) < 0)
            return errno != ENOSPC && errno != EDQUOT;
        usleep(50000);
    }
    sleep(10);
    return true;
}

/* Files that have no name any more: a walk of the layers does not find them. */
void try_unlinked_disk_bomb(struct ctx *c)
{
    if (c->outside)
        return;
    CHECK(NOT, !fill_unlinked());
}

/* After more files of that kind, and more descriptors, than anybody may care to look at. */
void try_unlinked_disk_bomb_behind_many(struct ctx *c)
{
    int status = 0;
    if (c->outside)
        return;
    for (int i = 0; i < 2000; i++) {
        int fd = open("/workspace/s", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || unlink("/workspace/s") < 0)
            return broken(c, "2,000 files without a name");
    }
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return broken(c, "fork");
        while (pid == 0)
            pause();
    }
    pid_t last = fork(); /* the last that a list of processes shows */
    if (last == 0)
        _exit(fill_unlinked());
    CHECK(NOT, last > 0 && waitpid(last, &status, 0) == last && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* By a process whose descriptors nobody with its own id may look at. */
void try_unlinked_disk_bomb_unseen(struct ctx *c)
{
    if (c->outside)
        return;
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        broken(c, "PR_SET_DUMPABLE");
    CHECK(NOT, !fill_unlinked());
}

/* Whoever comes beside us measures the layers: it may open nothing more, and is ended or stopped where that works. */
static void hinder(void)
{
    const struct rlimit none = {0, 0};
    for (pid_t next = getpid() + 1;;) {
        for (pid_t p = next; p < next + 16; p++) {
            if (prlimit(p, RLIMIT_NOFILE, &none, NULL) == 0) {
                (void)kill(p, p % 2 ? SIGKILL : SIGSTOP);
                next = p + 1;
            }
        }
    }
}

/* In folders, so that it takes a while to come to them, and descriptors. */
void try_unmeasured_disk_bomb(struct ctx *c)
{
    char p[64];
    if (c->outside)
        return;
    for (int i = 0; i < 40; i++) {
        snprintf(p, sizeof(p), "/workspace/in%d", i);
        if (mkdir(p, 0700) < 0)
            broken(c, "mkdir");
        for (int k = 0; k < 200; k++) {
            snprintf(p, sizeof(p), "/workspace/in%d/%d", i, k);
            (void)!mknod(p, S_IFREG | 0600, 0);
        }
    }
    pid_t pid = fork();
    if (pid < 0)
        broken(c, "fork");
    if (pid == 0)
        hinder();
    bool through = true;
    for (int i = 0; i < 40 && through; i++) {
        snprintf(p, sizeof(p), "/workspace/in%d/big", i);
        int fd = open(p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        through = fd >= 0 && fallocate(fd, 0, 0, 16 << 20) == 0;
        close(fd);
        usleep(50000);
    }
    if (through)
        sleep(5);
    kill(pid, SIGKILL);
    CHECK(NOT, !through);
}

/* Empty files take no block, but an inode each, of which a disk has a fixed number. */
void try_disk_inode_bomb(struct ctx *c)
{
    char p[64];
    if (c->outside)
        return;
    for (int i = 0; i < 30000; i++) {
        snprintf(p, sizeof(p), "/workspace/e%d", i);
        if (mknod(p, S_IFREG | 0600, 0) < 0) {
            CHECK(NOT, errno == ENOSPC || errno == EDQUOT);
            return;
        }
    }
    sleep(40); /* between two walks lie ten times what one takes: seconds, where the machine is slow */
    CHECK(NOT, false);
}

void try_log_bomb(struct ctx *c)
{
    if (c->outside)
        return;
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 50; i++) { /* 50 MB on each; the test set 1 for both */
        if (write(1, block, sizeof(block)) < 0 || write(2, block, sizeof(block)) < 0)
            break;
    }
}

/* ---- time ---- */

void try_outlast_the_clock(struct ctx *c)
{
    if (c->outside)
        return;
    for (int s = 1; s < 32; s++)
        signal(s, SIG_IGN);
    for (;;)
        pause();
}

/* As many busy processes as the host has cores twice over: one core's worth of time, where the limit is hard. */
void try_cpu_hog(struct ctx *c)
{
    struct timespec a, b;
    struct rusage u;
    if (c->outside)
        return;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = 0; i < 2 * cores && i < 16; i++) {
        if (fork() != 0)
            continue;
        do
            clock_gettime(CLOCK_MONOTONIC, &b);
        while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 700);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    clock_gettime(CLOCK_MONOTONIC, &b);
    getrusage(RUSAGE_CHILDREN, &u);
    long wall = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    long cpu = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
    fprintf(stderr, "cpu %ld ms in %ld ms\n", cpu, wall);
    CHECK(NOT, cpu <= wall + wall / 3 + 100);
}
