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
#include <stdio.h>
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
static atomic_bool fired;
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

static void set(const char *s)
{
    memset(points, 0, sizeof points);
    npoints = 0;
    atomic_store(&fired, false);
    while (s && *s && npoints < MAX_POINTS) {
        size_t n = strcspn(s, ",");
        add_point(s, n);
        s += n + (s[n] == ',');
    }
}

static void from_environment(void)
{
    set(getenv("SALLYPORT_FAULT"));
}

void fault_arm(const char *spec)
{
    pthread_once(&once, from_environment); /* or the first hit would undo this */
    set(spec);
}

void fault_arm_nth(const char *point, int n)
{
    char spec[64];
    snprintf(spec, sizeof spec, "%s:%d", point, n);
    fault_arm(spec);
}

bool fault_fired(void)
{
    return atomic_load(&fired);
}

static bool fires(const char *name, bool kill)
{
    pthread_once(&once, from_environment);
    for (size_t i = 0; i < npoints; i++)
        if (points[i].kill == kill && strcmp(points[i].name, name) == 0 && atomic_fetch_sub(&points[i].left, 1) == 1) {
            atomic_store(&fired, true);
            return true;
        }
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
