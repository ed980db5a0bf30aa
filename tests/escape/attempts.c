/* attempts - runs one of the tries of attempts.def: as a step of a sandbox, or on the host to show that it is real.
 *
 *   attempts NAME inside|outside BASE MARK PORT UDP KEY CANARY */
#include "attempts.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

bool due(struct ctx *c, enum who who)
{
    return !c->outside || who == ANY || who == MAYBE || (who == ROOT && c->root);
}

void judge_that(struct ctx *c, const char *what, enum who who, bool refused)
{
    c->tried++;
    if (!refused)
        c->worked++;
    if (!c->outside && !refused)
        fprintf(stderr, "got through: %s\n", what);
    if (c->outside && refused && who != MAYBE) {
        c->broken++;
        fprintf(stderr, "does not work outside either: %s\n", what);
    }
}

void judge(struct ctx *c, const char *what, enum who who, long r, int sys, const int *errs)
{
    bool hit = false;
    for (; *errs; errs++)
        hit |= r < 0 && sys == *errs;
    if (c->outside || r >= 0 || hit) {
        judge_that(c, what, who, r < 0);
        if (c->outside && r < 0 && who != MAYBE)
            fprintf(stderr, "    %s\n", strerror(sys));
        return;
    }
    c->tried++;
    c->odd++;
    fprintf(stderr, "refused with another error: %s: %s\n", what, strerror(sys));
}

void broken(struct ctx *c, const char *what)
{
    c->broken++;
    fprintf(stderr, "cannot be tried: %s: %s\n", what, strerror(errno));
}

const char *at(const char *dir, const char *rest)
{
    static char b[8][1024];
    static int next;
    char *p = b[next++ % 8];
    snprintf(p, sizeof(b[0]), "%s%s", dir, rest);
    return p;
}

int read_some(const char *path)
{
    char b[16];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, b, sizeof(b));
    int sys = errno;
    close(fd);
    errno = n < 0 ? sys : ENODATA;
    return n > 0 ? 0 : -1;
}

int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    int sys = errno;
    close(fd);
    errno = sys;
    return n > 0 ? 0 : -1;
}

int in_child(int (*fn)(void *), void *arg)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(arg));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct {
    const char *name;
    void (*fn)(struct ctx *);
} all[] = {
#define ATTEMPT(name, expect, what) {#name, try_##name},
#include "attempts.def"
#undef ATTEMPT
};

/* Outside, what root's tries do to mounts and names must end with this process. */
static void own_namespaces(void)
{
    if (geteuid() == 0 &&
        (unshare(CLONE_NEWNS | CLONE_NEWUTS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
        perror("attempts: no namespaces of its own");
}

static int verdict(const struct ctx *c)
{
    if (c->broken)
        return 5;
    if (c->outside)
        return c->tried ? 0 : 6;
    return c->worked ? 1 : c->odd ? 4 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 9)
        return 2;
    struct ctx c = {.outside = strcmp(argv[2], "outside") == 0,
                    .root = geteuid() == 0,
                    .base = argv[3],
                    .ws = "/workspace",
                    .tmp = "/tmp",
                    .abstract = argv[4],
                    .port = atoi(argv[5]),
                    .udp = atoi(argv[6]),
                    .key = atoi(argv[7]),
                    .canary = atoi(argv[8])};
    char ws[512], tmp[512];
    if (c.outside) {
        snprintf(ws, sizeof(ws), "%s/outside/ws", c.base);
        snprintf(tmp, sizeof(tmp), "%s/outside/tmp", c.base);
        c.ws = ws;
        c.tmp = tmp;
        own_namespaces();
    }
    for (size_t i = 0; i < N(all); i++) {
        if (strcmp(all[i].name, argv[1]) != 0)
            continue;
        all[i].fn(&c);
        dprintf(2, "tries %d worked %d\n", c.tried, c.worked);
        return verdict(&c);
    }
    return 3;
}
