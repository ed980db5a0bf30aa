/* stream_emit - numbered messages at a rate: to stdout (a step's output), or by POST (a peer's way in).
 *
 *   stream_emit RATE COUNT BYTES [PORT PATH]
 *
 * A message is one line of BYTES bytes that begins "~m NUMBER NANOSECONDS;", the time of CLOCK_MONOTONIC when it was
 * due: what delays this program counts, too. With PORT, each is a POST to 127.0.0.1, kept alive; the answer is awaited.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void until(int64_t at)
{
    struct timespec t = {at / 1000000000, at % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

static void put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k <= 0) {
            perror("stream_emit: write");
            exit(1);
        }
        p += k;
        n -= (size_t)k;
    }
}

static int dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        perror("stream_emit: connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Answers are short, and come whole. */
static void post(int fd, const char *path, const char *line, size_t n)
{
    static char text[70000];
    int head =
        snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n", path, n);
    memcpy(text + head, line, n);
    put(fd, text, (size_t)head + n);
    ssize_t k = read(fd, text, sizeof text - 1);
    if (k < 12 || memcmp(text + 9, "20", 2) != 0) {
        fprintf(stderr, "stream_emit: POST was answered %.*s\n", k > 40 ? 40 : (int)k, text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static char line[65536];
    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: stream_emit RATE COUNT BYTES [PORT PATH]\n");
        return 2;
    }
    int64_t rate = strtoll(argv[1], NULL, 10), count = strtoll(argv[2], NULL, 10);
    size_t bytes = strtoull(argv[3], NULL, 10);
    if (rate < 1 || bytes < 64 || bytes > sizeof line)
        return 2;
    int fd = argc == 6 ? dial(atoi(argv[4])) : 1;
    int64_t start = now_ns() + 100000000;
    memset(line, '.', bytes);
    line[bytes - 1] = '\n';
    for (int64_t i = 0; i < count; i++) {
        int64_t due = start + i * 1000000000 / rate;
        until(due);
        int n = snprintf(line, bytes, "~m %lld %lld;", (long long)i, (long long)due);
        line[n] = '.';
        if (argc == 6)
            post(fd, argv[5], line, bytes - 1);
        else
            put(fd, line, bytes);
    }
    return 0;
}
