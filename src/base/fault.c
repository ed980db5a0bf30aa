/* fault - see fault.h. The one place with process-wide mutable state: a test switches it on from outside by the
 * environment.
 *
 * SALLYPORT_FAULT is a comma-separated list of at most 64 items: point:N or kill@point:N.
 * May include: base.  Threads: any. */
#include "base/fault.h"

#ifdef SALLYPORT_FAULTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"

#define MAX_POINTS 64
#define MAX_KINDS  64 /* of the transactions of one commit: as many as a group has */

struct point {
    char name[48];
    bool kill;
    atomic_long left; /* fires when it reaches 0 */
};

/* Never changed once it is in force but for the counters, and never freed: a thread may still be reading an older one
 * when a test arms the next. A lock would do, but a child of fork could inherit it locked. */
struct points {
    struct points *older;
    size_t n;
    struct point at[MAX_POINTS];
};

static _Atomic(struct points *) in_force;
static atomic_bool fired;
static _Thread_local struct {
    const char *v[MAX_KINDS];
    size_t n;
} kinds; /* of the commit that this thread is about to make */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void add_point(struct points *set, const char *item, size_t n)
{
    struct point *pt = &set->at[set->n];
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
    set->n++;
}

static void arm(const char *s)
{
    struct points *set = calloc(1, sizeof *set);
    if (!set)
        abort(); /* a test that believes in faults which never come would prove nothing */
    while (s && *s && set->n < MAX_POINTS) {
        size_t n = strcspn(s, ",");
        add_point(set, s, n);
        s += n + (s[n] == ',');
    }
    set->older = atomic_load(&in_force);
    atomic_store(&fired, false);
    atomic_store(&in_force, set);
}

static void from_environment(void)
{
    arm(getenv("SALLYPORT_FAULT"));
}

void fault_arm(const char *spec)
{
    pthread_once(&once, from_environment); /* or the first hit would undo this */
    arm(spec);
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
    struct points *set = atomic_load(&in_force);
    for (size_t i = 0; i < set->n; i++) {
        struct point *pt = &set->at[i];
        if (pt->kill == kill && strcmp(pt->name, name) == 0 && atomic_fetch_sub(&pt->left, 1) == 1) {
            atomic_store(&fired, true);
            return true;
        }
    }
    return false;
}

bool fault_hit(const char *point)
{
    return fires(point, false);
}

void fault_crash(const char *point)
{
    char who[256] = "", text[384];
    if (!fires(point, true))
        return;
    int self = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t len = self < 0 ? 0 : read(self, who, sizeof who - 1); /* of a shim: its run */
    for (ssize_t i = 0; i < len; i++)
        who[i] = who[i] ? who[i] : ' ';
    int n = snprintf(text, sizeof text, "sallyport: dies at %s: %s\n", point, who);
    const char *log = getenv("SALLYPORT_FAULT_LOG"); /* who armed several wants to know which it was */
    int fd = log ? open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : STDERR_FILENO;
    (void)!write(fd, text, (size_t)n);
    kill(getpid(), SIGKILL);
}

void fault_in_commit(const char *kind)
{
    if (kinds.n < MAX_KINDS)
        kinds.v[kinds.n++] = kind;
}

void fault_commit(bool after)
{
    char name[64];
    for (size_t i = 0; i < kinds.n; i++) {
        snprintf(name, sizeof name, "%s_commit.%s", after ? "after" : "before", kinds.v[i]);
        fault_crash(name);
    }
    if (after)
        kinds.n = 0;
}
#endif
