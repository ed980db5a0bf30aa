/* fault - see fault.h. The one place with process-wide mutable state: a test switches it on from outside by the
 * environment.
 *
 * SALLYPORT_FAULT is a comma-separated list of at most 8 items: point:N or kill@point:N.
 * May include: base.  Threads: any. */
#include "base/fault.h"

#ifdef SALLYPORT_FAULTS
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"

#define MAX_POINTS 8

struct point {
    char name[48];
    bool kill;
    atomic_long left; /* fires when it reaches 0 */
};

static struct point points[MAX_POINTS];
static size_t npoints;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void add_point(const char *item, size_t n)
{
    struct point *pt = &points[npoints];
    const char *colon = memchr(item, ':', n);
    long count = colon ? strtol(colon + 1, NULL, 10) : 1;
    size_t len = colon ? (size_t)(colon - item) : n;
    pt->kill = len > 5 && memcmp(item, "kill@", 5) == 0;
    if (pt->kill) {
        item += 5;
        len -= 5;
    }
    if (len == 0 || len >= sizeof pt->name || count <= 0)
        return;
    memcpy(pt->name, item, len);
    atomic_init(&pt->left, count);
    npoints++;
}

static void parse(void)
{
    const char *s = getenv("SALLYPORT_FAULT");
    while (s && *s && npoints < MAX_POINTS) {
        size_t n = strcspn(s, ",");
        add_point(s, n);
        s += n + (s[n] == ',');
    }
}

static bool fires(const char *name, bool kill)
{
    pthread_once(&once, parse);
    for (size_t i = 0; i < npoints; i++)
        if (points[i].kill == kill && strcmp(points[i].name, name) == 0)
            return atomic_fetch_sub(&points[i].left, 1) == 1;
    return false;
}

bool fault_hit(const char *point)
{
    return fires(point, false);
}

void fault_crash(const char *point)
{
    if (fires(point, true))
        kill(getpid(), SIGKILL);
}
#endif
