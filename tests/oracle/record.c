/* record - runs shell texts one after the other and tells every execve and execveat any of their processes tries.
 *
 *   record FOLDER MILLISECONDS < nothing      inside the sandbox, as a step's program
 *
 * Why it exists: the oracle must see what really runs. Each text gets a shell of its own under a seccomp filter that
 * sends this process a notification for each exec (seccomp_unotify(2)); it reads the path and the arguments out of the
 * caller's memory and lets the call go on. FOLDER is shown read-only:
 *
 *   FOLDER/cases   struct case_head, text; again and again
 *   FOLDER/bin     the whole PATH: links to real wrappers and to harmless stand-ins
 *
 * stdout: per case u32 index, u32 timed out, u32 execs; per exec u32 strings, u32 cut off, then per string u32 length
 * and bytes: the path first, then the arguments. Numbers in the machine's order.
 *
 * Nothing of a case outlives it: this process is the reaper of its orphans (PR_SET_CHILD_SUBREAPER), kills all that
 * is left, and empties every writable folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STRINGS_MAX 64
#define STRING_MAX  4096
#define EXECS_MAX   200 /* of one case; what comes after is refused */
#define GRACE_MS    40  /* for what a shell leaves running */

struct case_head {
    uint32_t index, shell, len;
};

static const char *const shells[][2] = {{"/usr/bin/bash", "bash"}, {"/usr/bin/dash", "sh"}, {"/usr/bin/bash", "sh"}};

static const char *folder;
static char bin[PATH_MAX];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "record: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- what one case ran, gathered until it ends --- */

struct out {
    char *p;
    size_t n, cap;
    uint32_t execs;
};

static void put(struct out *o, const void *p, size_t n)
{
    if (o->cap - o->n < n) {
        o->cap = (o->cap + n) * 2;
        o->p = realloc(o->p, o->cap);
        if (!o->p)
            die("memory");
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

static void put_u32(struct out *o, uint32_t v)
{
    put(o, &v, sizeof(v));
}

static void put_string(struct out *o, const char *s)
{
    put_u32(o, (uint32_t)strlen(s));
    put(o, s, strlen(s));
}

/* --- another process's memory --- */

static bool peek(pid_t pid, uint64_t at, void *to, size_t n)
{
    struct iovec here = {to, n}, there = {(void *)(uintptr_t)at, n}; /* NOLINT: an address over there */
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)n;
}

/* False: not readable, or longer than STRING_MAX (then cut). */
static bool peek_string(pid_t pid, uint64_t at, char *to)
{
    size_t n = 0;
    for (;;) {
        size_t page = 4096 - (at + n) % 4096, left = STRING_MAX - 1 - n, k = page < left ? page : left;
        if (k == 0 || !peek(pid, at + n, to + n, k)) {
            to[n] = 0;
            return false;
        }
        if (memchr(to + n, 0, k))
            return true;
        n += k;
    }
}

/* --- one exec --- */

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

/* A program of the system is run only if PATH has it as the real one too. */
static bool may_run(const char *path)
{
    char link[PATH_MAX], to[PATH_MAX];
    const char *base = strrchr(path, '/');
    if (strncmp(path, bin, strlen(bin)) == 0 ||
        (strncmp(path, "/bin/", 5) != 0 && strncmp(path, "/usr/", 5) != 0 && strncmp(path, "/sbin/", 6) != 0))
        return true;
    snprintf(link, sizeof(link), "%.2000s/%.255s", bin, base ? base + 1 : path);
    ssize_t n = readlink(link, to, sizeof(to) - 1);
    if (n <= 0)
        return false;
    to[n] = 0;
    return !ends_with(to, ".stub");
}

static bool tell_exec(struct out *o, pid_t pid, uint64_t path_at, uint64_t argv_at)
{
    static char strings[STRINGS_MAX + 1][STRING_MAX];
    uint32_t n = 0, cut = 0;
    if (!peek_string(pid, path_at, strings[n++]))
        cut = 1;
    for (uint64_t at = 0; argv_at && n <= STRINGS_MAX; argv_at += sizeof(at)) {
        if (!peek(pid, argv_at, &at, sizeof(at)) || at == 0)
            break;
        if (!peek_string(pid, at, strings[n++]))
            cut = 1;
    }
    put_u32(o, n);
    put_u32(o, cut || n > STRINGS_MAX);
    for (uint32_t i = 0; i < n; i++)
        put_string(o, strings[i]);
    o->execs++;
    return may_run(strings[0]) && o->execs < EXECS_MAX;
}

/* One notification. The shell's own exec is the first and is not told. */
static void notified(int listener, struct out *o, bool *first)
{
    struct seccomp_notif req = {0};
    struct seccomp_notif_resp resp = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    bool run = true;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
        return; /* its process died meanwhile */
    if (*first)
        *first = false;
    else if (req.data.nr == SYS_execveat)
        run = tell_exec(o, (pid_t)req.pid, req.data.args[1], req.data.args[2]);
    else
        run = tell_exec(o, (pid_t)req.pid, req.data.args[0], req.data.args[1]);
    resp.id = req.id;
    if (!run) {
        resp.flags = 0;
        resp.error = -ENOENT;
    }
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* --- the shell of one case --- */

#define LOAD_ARG(k)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[k]))
#define IF(v, yes)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(v), yes, 0)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* Notifies of execs; and no signal may reach this process (kill -9 -1 is something people write). */
static int install_filter(pid_t me)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        IF(SYS_execve, 12),
        IF(SYS_execveat, 11),
        IF(SYS_kill, 5),
        IF(SYS_tkill, 4),
        IF(SYS_tgkill, 3),
        IF(SYS_rt_sigqueueinfo, 2),
        IF(SYS_rt_tgsigqueueinfo, 1),
        RETURN(SECCOMP_RET_ALLOW),
        LOAD_ARG(0),
        IF(me, 4),
        IF(-me, 3),
        IF(-1, 2),
        RETURN(SECCOMP_RET_ALLOW),
        RETURN(SECCOMP_RET_USER_NOTIF),
        RETURN(SECCOMP_RET_ERRNO | EPERM),
    };
    const struct sock_fprog prog = {.len = sizeof(code) / sizeof(code[0]), .filter = (struct sock_filter *)code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static _Noreturn void shell(const struct case_head *c, const char *text, int tell, pid_t me)
{
    char path[PATH_MAX + 16], missing[PATH_MAX + 96];
    const char *const *sh = shells[c->shell % 3];
    const char *const argv[] = {sh[1], "-c", text, NULL};
    snprintf(path, sizeof(path), "PATH=%s", bin);
    /* bash calls this for a name that no folder of PATH has: so every name is tried, not only those with a stand-in. */
    snprintf(missing, sizeof(missing), "BASH_FUNC_command_not_found_handle%%%%=() {  %s/.missing \"$@\"\n}", bin);
    const char *const env[] = {path,           missing,         "HOME=/home/agent", "USER=agent",
                               "LANG=C.UTF-8", "SHELL=/bin/sh", "TERM=dumb",        NULL};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    int null = open("/dev/null", O_RDWR), in = open("/tmp/c/in", O_RDONLY);
    if (chdir("/tmp/c") < 0 || null < 0 || in < 0)
        die("/tmp/c");
    dup2(in, 0);
    dup2(null, 1);
    if (!getenv("ORACLE_STDERR"))
        dup2(null, 2);
    int listener = install_filter(me);
    if (write(tell, &listener, sizeof(listener)) != sizeof(listener))
        _exit(1);
    execve(sh[0], (char *const *)argv, (char *const *)env);
    _exit(127);
}

/* --- around each case --- */

/* What lies too deep to be reached with the descriptors there are is moved up, for the next round. */
static void empty_folder(int parent, const char *name, int depth)
{
    static unsigned moved;
    char up[64];

    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return;
    for (struct dirent *de; (de = readdir(d));) {
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
            (depth == 0 && de->d_type == DT_DIR && strcmp(de->d_name, strrchr(folder, '/') + 1) == 0))
            continue;
        if (de->d_type == DT_DIR) {
            (void)!fchmodat(fd, de->d_name, 0700, 0);
            snprintf(up, sizeof(up), "/tmp/.deep-%u", moved++);
            if (depth < 100)
                empty_folder(fd, de->d_name, depth + 1);
            else if (renameat(fd, de->d_name, AT_FDCWD, up) == 0)
                continue;
        }
        (void)unlinkat(fd, de->d_name, de->d_type == DT_DIR ? AT_REMOVEDIR : 0);
    }
    closedir(d);
}

static void lay_files(void)
{
    static const struct {
        const char *name, *text;
    } files[] = {{"in", "stdin1\nstdin2 x\n"}, {"a.c", "one\n"}, {"b.c", ""}, {"x", ""}, {"list", "la lb\nlc\n"}};
    static const char *const writable[] = {"/tmp", "/workspace", "/home/agent", "/dev/shm"};
    for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
        (void)!chmod(writable[i], 0700); /* a case may have taken it away */
        empty_folder(AT_FDCWD, writable[i], 0);
    }
    /* A second round where something was still there: what had been moved up, or came while the folder was read. */
    for (int round = 0; mkdir("/tmp/c", 0700) < 0; round++) {
        if (round == 100)
            die("/tmp/c");
        empty_folder(AT_FDCWD, "/tmp", 0);
    }
    if (mkdir("/tmp/c/src", 0700) < 0)
        die("/tmp/c/src");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/tmp/c/%s", files[i].name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, files[i].text, strlen(files[i].text)) < 0)
            die(path);
        close(fd);
    }
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reaps what has ended. False when nobody is left. *main_gone: the shell is among them. */
static bool reap(pid_t main_pid, bool *main_gone)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        *main_gone |= pid == main_pid;
    return pid == 0;
}

/* Until all processes of the case are gone. True: some had to be killed. */
static bool watch(int listener, int signals, pid_t main_pid, int64_t limit_ms, struct out *o)
{
    int64_t end = now_ms() + limit_ms;
    bool first = true, main_gone = false, closing = false;
    while (reap(main_pid, &main_gone)) {
        if (main_gone && !closing) {
            closing = true;
            end = now_ms() + GRACE_MS < end ? now_ms() + GRACE_MS : end;
        }
        struct signalfd_siginfo si;
        struct pollfd p[] = {{listener, POLLIN, 0}, {signals, POLLIN, 0}};
        int64_t left = end - now_ms();
        if (left <= 0) {
            kill(-1, SIGKILL); /* all but this process and init */
            while (waitpid(-1, NULL, 0) > 0)
                ;
            return !main_gone;
        }
        if (poll(p, 2, (int)left) < 0 && errno != EINTR)
            die("poll");
        if (p[0].revents & POLLIN)
            notified(listener, o, &first);
        if (p[1].revents & POLLIN)
            (void)!read(signals, &si, sizeof(si));
        if (p[0].revents & POLLHUP) /* no process has the filter any more */
            usleep(200);
    }
    return false;
}

static int take_listener(pid_t pid, int from)
{
    int there, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || read(from, &there, sizeof(there)) != sizeof(there) || there < 0)
        die("a shell did not start");
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, there, 0);
    if (fd < 0)
        die("pidfd_getfd");
    close(pidfd);
    return fd;
}

static void run_case(const struct case_head *c, const char *text, int signals, int64_t limit_ms)
{
    struct out o = {0};
    int p[2];
    lay_files();
    if (pipe2(p, O_CLOEXEC) < 0)
        die("pipe");
    pid_t me = getpid(), pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        shell(c, text, p[1], me);
    close(p[1]);
    int listener = take_listener(pid, p[0]);
    close(p[0]);
    uint32_t late = watch(listener, signals, pid, limit_ms, &o);
    close(listener);
    const uint32_t head[] = {c->index, late, o.execs};
    fwrite(head, sizeof(head), 1, stdout);
    if (o.n)
        fwrite(o.p, o.n, 1, stdout);
    free(o.p);
}

static int open_signals(void)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s, NULL);
    int fd = signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("signalfd");
    return fd;
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    struct case_head c;
    if (argc != 3)
        return 2;
    folder = argv[1];
    snprintf(bin, sizeof(bin), "%.2000s/bin", folder);
    snprintf(path, sizeof(path), "%.2000s/cases", folder);
    FILE *f = fopen(path, "re");
    if (!f)
        die(path);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        die("prctl");
    int signals = open_signals();
    while (fread(&c, sizeof(c), 1, f) == 1) {
        char *text = calloc(1, (size_t)c.len + 1);
        if (!text || fread(text, 1, c.len, f) != c.len)
            die("cases");
        run_case(&c, text, signals, atoll(argv[2]));
        free(text);
    }
    return ferror(f) || fflush(stdout) != 0;
}
