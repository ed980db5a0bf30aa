/* stream_load - many clients of one event stream on one thread, that check every message and its delay.
 *
 *   stream_load PORT CLIENTS MESSAGES SECONDS REQUEST [FRAME ...]
 *
 * Each client sends REQUEST, and each FRAME as a masked WebSocket text frame once an answer came. When all have been
 * answered it says "ready". Messages are found by their mark, "~m NUMBER NANOSECONDS;" (stream_emit.c), wherever the
 * transport puts it: 0, 1, 2 … must come to every client, once and in order. It ends when all have MESSAGES, or after
 * SECONDS (0: at the end of stdin), and says what came, as one JSON object a line. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEP_US = 10, STEPS = 500000, CARRY = 64, READ = 256 * 1024 };

struct client {
    int fd;
    int64_t next; /* the number that is due */
    int answered;
    size_t ncarry;
    char carry[CARRY];
};

static struct {
    int n, answered, done, broken, nframes;
    int64_t messages, got, lost, again, bytes, first_ns, last_ns, worst_us, worst;
    char **frames;
    uint32_t delay[STEPS + 1];
} all;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void put(int fd, const void *p, size_t n)
{
    if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
        die("stream_load: send");
}

/* RFC 6455, 5.2; the mask is zero, so the payload stays as it is. */
static void put_frame(int fd, const char *text)
{
    unsigned char f[4096] = {0x81};
    size_t n = strlen(text), head = 2;
    if (n > 4000)
        exit(2);
    f[1] = 0x80 | (n < 126 ? (unsigned char)n : 126);
    if (n >= 126) {
        f[2] = (unsigned char)(n >> 8);
        f[3] = (unsigned char)n;
        head = 4;
    }
    head += 4;
    memcpy(f + head, text, n);
    put(fd, f, head + n);
}

static void arrived(struct client *c, int64_t number, int64_t due, int64_t now)
{
    int64_t us = (now - due) / 1000;
    all.got++;
    if (!all.first_ns)
        all.first_ns = now;
    all.last_ns = now;
    if (us > all.worst_us) {
        all.worst_us = us;
        all.worst = number;
    }
    all.delay[us < 0 ? 0 : us / STEP_US < STEPS ? us / STEP_US : STEPS]++;
    if (number < c->next) {
        all.again++;
        return;
    }
    all.lost += number - c->next;
    c->next = number + 1;
    all.done += c->next == all.messages;
}

/* A mark that is whole: how long it is; 0 when it may still become one. */
static size_t mark(struct client *c, const char *p, const char *end, int64_t now)
{
    const char *stop = memchr(p, ';', (size_t)(end - p) < CARRY ? (size_t)(end - p) : CARRY);
    char *rest;
    if (!stop)
        return (size_t)(end - p) < CARRY ? 0 : 1;
    if (p[1] != 'm' || p[2] != ' ')
        return 1;
    int64_t number = strtoll(p + 3, &rest, 10);
    arrived(c, number, strtoll(rest, NULL, 10), now);
    return (size_t)(stop - p) + 1;
}

static void scan(struct client *c, const char *p, size_t n, int64_t now)
{
    const char *end = p + n;
    while ((p = memchr(p, '~', (size_t)(end - p))) != NULL) {
        size_t k = mark(c, p, end, now);
        if (k == 0) {
            c->ncarry = (size_t)(end - p);
            memcpy(c->carry, p, c->ncarry);
            return;
        }
        p += k;
    }
}

static void take(struct client *c)
{
    static char room[CARRY + READ];
    ssize_t n = recv(c->fd, room + CARRY, READ, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        all.broken += all.messages == 0 || c->next < all.messages;
        close(c->fd);
        c->fd = -1;
        return;
    }
    all.bytes += n;
    if (!c->answered) {
        if (memcmp(room + CARRY, "HTTP/1.1 200", 12) != 0 && memcmp(room + CARRY, "HTTP/1.1 101", 12) != 0) {
            fprintf(stderr, "stream_load: answered %.*s\n", (int)n, room + CARRY);
            exit(1);
        }
        c->answered = 1;
        all.answered++;
        for (int i = 0; i < all.nframes; i++)
            put_frame(c->fd, all.frames[i]);
    }
    size_t k = c->ncarry;
    c->ncarry = 0;
    memcpy(room + CARRY - k, c->carry, k);
    scan(c, room + CARRY - k, k + (size_t)n, now_ns());
}

static void dial(struct client *c, int port, const char *request, int ep)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0)
        die("stream_load: connect");
    put(c->fd, request, strlen(request));
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) < 0)
        die("stream_load: epoll");
}

static double percentile(double part)
{
    int64_t sum = 0;
    for (int i = 0; i <= STEPS; i++) {
        sum += all.delay[i];
        if (sum >= (int64_t)((double)all.got * part))
            return (i + 1) * STEP_US / 1000.0;
    }
    return 0;
}

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void report(double used)
{
    double s = (double)(all.last_ns - all.first_ns) / 1e9;
    printf(
        "{\"clients\":%d,\"got\":%lld,\"lost\":%lld,\"again\":%lld,\"broken\":%d,\"done\":%d,\"bytes\":%lld,"
        "\"seconds\":%.3f,\"rate\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"worst\":%lld,\"cpu\":%.3f}\n",
        all.n, (long long)all.got, (long long)all.lost, (long long)all.again, all.broken, all.done,
        (long long)all.bytes, s, s > 0 ? (double)all.got / s : 0, percentile(0.5), percentile(0.99),
        (double)all.worst_us / 1000.0, (long long)all.worst, s > 0 ? used / s : 0);
}

/* One round of events; false at the end of stdin. */
static int turn(int ep)
{
    static struct epoll_event ev[512];
    int n = epoll_wait(ep, ev, 512, 100), on = 1;
    for (int i = 0; i < n; i++) {
        if (ev[i].data.ptr)
            take(ev[i].data.ptr);
        else
            on = 0;
    }
    return on;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: stream_load PORT CLIENTS MESSAGES SECONDS REQUEST [FRAME ...]\n");
        return 2;
    }
    int port = atoi(argv[1]), ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event in = {.events = EPOLLIN | EPOLLHUP};
    all.n = atoi(argv[2]);
    all.messages = strtoll(argv[3], NULL, 10);
    int64_t seconds = strtoll(argv[4], NULL, 10);
    all.frames = argv + 6;
    all.nframes = argc - 6;
    struct client *c = calloc((size_t)all.n, sizeof *c);
    if (!c || ep < 0)
        die("stream_load");
    if (!seconds && epoll_ctl(ep, EPOLL_CTL_ADD, 0, &in) < 0)
        die("stream_load: stdin must be a pipe");
    for (int i = 0; i < all.n; i++) {
        dial(&c[i], port, argv[5], ep);
        if (i % 64 == 63)
            turn(ep);
    }
    while (all.answered < all.n)
        turn(ep);
    printf("ready\n");
    fflush(stdout);
    double before = cpu();
    int64_t end = now_ns() + seconds * 1000000000;
    while (turn(ep) && (!seconds || (now_ns() < end && (!all.messages || all.done < all.n))))
        ;
    report(cpu() - before);
    return 0;
}
