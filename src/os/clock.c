/* clock - see clock.h. Everything above takes time and randomness as arguments or from here.
 *
 * May include: base.  Threads: any. */
#include "os/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t now_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts); /* cannot fail for these two clocks */
    return (int64_t)ts.tv_sec * SEC_US + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return now_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

void clock_sleep_us(int64_t us)
{
    if (us <= 0)
        return;
    struct timespec ts = {.tv_sec = us / SEC_US, .tv_nsec = us % SEC_US * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
        ;
}

void random_bytes(void *p, size_t n)
{
    unsigned char *at = p;
    while (n > 0) {
        ssize_t k = getrandom(at, n, 0);
        if (k < 0 && errno != EINTR)
            abort();
        if (k > 0) {
            at += k;
            n -= (size_t)k;
        }
    }
}

struct id id_new(const char *prefix)
{
    struct id id;
    uint8_t rnd[10];
    random_bytes(rnd, sizeof rnd);
    id_make(prefix, clock_now_us() / 1000, rnd, &id);
    return id;
}
