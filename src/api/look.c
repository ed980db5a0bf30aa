/* look.c - see look.h. */
#include "api/look.h"

#include "os/clock.h"

#define TURN_US SEC_US /* who was to look early and has not done so by then loses the turn */

void look_init(struct look *l, bool never)
{
    uint32_t x;

    random_bytes(&x, sizeof x);
    l->never = never;
    atomic_init(&l->good_us, clock_mono_us() - x % LOOK_SOON_US);
    atomic_init(&l->again_us, 0);
    atomic_init(&l->over, false);
}

enum state { FRESH, DUE, LATE, OVER };

static enum state state_of(struct look *l, int64_t now)
{
    int64_t age = now - atomic_load(&l->good_us);

    if (atomic_load(&l->over))
        return OVER;
    return l->never || age < LOOK_SOON_US ? FRESH : age < LOOK_US ? DUE : LATE;
}

bool look_good_now(struct look *l)
{
    int64_t now = clock_mono_us(), again = atomic_load(&l->again_us);
    enum state s = state_of(l, now);

    if (s != DUE)
        return s == FRESH;
    return now < again || !atomic_compare_exchange_strong(&l->again_us, &again, now + TURN_US);
}

bool look_still_good(struct look *l, int (*ask)(void *arg, struct err *), void *arg)
{
    struct err e = ERR_INIT;
    int64_t now = clock_mono_us();
    enum state s = state_of(l, now);
    int r;

    if (s == FRESH || s == OVER)
        return s == FRESH;
    r = ask(arg, &e);
    if (r == -ERR_UNAUTHORIZED)
        atomic_store(&l->over, true);
    else if (r == 0)
        atomic_store(&l->good_us, now);
    return r != -ERR_UNAUTHORIZED;
}
