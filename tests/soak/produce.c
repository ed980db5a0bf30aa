/* produce - output that cannot be lost, repeated or mixed up unnoticed: the same arguments give the same bytes on each
 * stream, every line with its number and a checksum.
 *
 * Why it exists: `make soak` runs it in steps, and once more outside to learn what must have been recorded.
 *
 *   produce text SEED LINES PAUSE_MS     lines on both streams in turn
 *   produce secret SEED LINES PAUSE_MS   the same, with the value of $API_TOKEN in each
 *   produce binary SEED KIB              every byte value, no lines
 *   produce long SEED KIB                one line without an end on stdout, one line on stderr
 *   produce files DIR N                  N files below DIR, for long applies */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t next(uint64_t *s) /* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift" */
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 0x2545f4914f6cdd1du;
}

static void put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k <= 0)
            exit(100);
        p += k;
        n -= (size_t)k;
    }
}

static void line(int fd, unsigned long seed, int i, const char *word)
{
    char text[512], payload[128];
    uint64_t s = seed * 1000003u + (uint64_t)i * 2 + (uint64_t)fd;
    uint32_t sum = 0;
    size_t n = 8 + (size_t)(next(&s) % 100);
    for (size_t k = 0; k < n; k++) {
        payload[k] = (char)('a' + next(&s) % 26);
        sum = sum * 31 + (unsigned char)payload[k];
    }
    int len = snprintf(text, sizeof text, "%c %06d %08x %s%.*s\n", fd == 1 ? 'o' : 'e', i, sum, word, (int)n, payload);
    put(fd, text, (size_t)len);
}

static int lines(unsigned long seed, int n, int pause_ms, const char *word)
{
    for (int i = 1; i <= n; i++) {
        line(1 + i % 2, seed, i, word);
        if (pause_ms)
            usleep((useconds_t)pause_ms * 1000);
    }
    return 0;
}

static int bytes(unsigned long seed, int kib, int fd, int only_letters)
{
    static char block[1024];
    uint64_t s = seed + 1;
    for (int i = 0; i < kib; i++) {
        for (size_t k = 0; k < sizeof block; k++)
            block[k] = only_letters ? (char)('A' + next(&s) % 26) : (char)(next(&s) >> 32);
        put(fd, block, sizeof block);
    }
    return 0;
}

static int files(const char *dir, int n)
{
    char path[256];
    if (mkdir(dir, 0755) < 0)
        return 101;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/f%d", dir, i);
        FILE *f = fopen(path, "w");
        if (!f)
            return 102;
        fprintf(f, "%d\n", i);
        fclose(f);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *token = getenv("API_TOKEN");
    unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    int n = argc > 3 ? atoi(argv[3]) : 0, pause_ms = argc > 4 ? atoi(argv[4]) : 0;
    if (strcmp(what, "text") == 0)
        return lines(seed, n, pause_ms, "");
    if (strcmp(what, "secret") == 0 && token)
        return lines(seed, n, pause_ms, token);
    if (strcmp(what, "binary") == 0)
        return bytes(seed, n, 1, 0) || bytes(seed + 7, n / 2, 2, 0);
    if (strcmp(what, "long") == 0)
        return bytes(seed, n, 1, 1) || lines(seed, 1, 0, "");
    if (strcmp(what, "files") == 0 && argc > 3)
        return files(argv[2], n);
    return 99;
}
