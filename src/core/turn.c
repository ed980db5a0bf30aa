/* turn - see turn.h.
 *
 * May include: base.  Pure.  Threads: any. */
#include "core/turn.h"

#include "base/str.h"

static const struct {
    const char *name;
    int64_t value;
} priorities[] = {{"low", -50}, {"normal", 0}, {"high", 50}, {"urgent", 100}};

bool turn_priority_parse(const char *name, int64_t *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(priorities); i++)
        if (str_eq(priorities[i].name, name))
            return *ret = priorities[i].value, true;
    return false;
}

enum turn_lane turn_lane(const char *phase)
{
    if (str_eq(phase, "finish"))
        return LANE_FINISH;
    return str_eq(phase, "execute") ? LANE_RUN : LANE_DOOR;
}

int64_t turn_backoff_us(int64_t n, int64_t base_us, int64_t cap_us, uint64_t rnd)
{
    int64_t d = base_us > 0 ? base_us : 0, half;

    while (n-- > 1 && d < cap_us)
        d = d > cap_us / 2 ? cap_us : d * 2;
    if (d > cap_us)
        d = cap_us;
    half = d / 2;
    return d - half + (half > 0 ? (int64_t)(rnd % ((uint64_t)half + 1)) : 0);
}

static bool full(int64_t running, int64_t max)
{
    return max > 0 && running >= max;
}

enum turn_why turn_why(const struct turn_facts *f)
{
    enum turn_lane lane = turn_lane(f->phase);

    if (f->held)
        return f->lease_over ? WHY_LEASE_LOST : WHY_HELD;
    if (f->delayed)
        return WHY_DELAYED;
    if (lane == LANE_FINISH)
        return WHY_WORKER;
    if (f->node_paused)
        return f->node_draining ? WHY_DRAINING : WHY_PAUSED;
    if (f->project_paused)
        return WHY_PROJECT_PAUSED;
    if (lane == LANE_RUN && full(f->project_running, f->project_max))
        return WHY_PROJECT_LIMIT;
    if (lane == LANE_RUN && full(f->tenant_running, f->tenant_max))
        return WHY_TENANT_LIMIT;
    return WHY_WORKER;
}

const char *turn_why_name(enum turn_why w)
{
    static const char *const names[WHY_N] = {
        [WHY_HELD] = "held",
        [WHY_LEASE_LOST] = "lease_lost",
        [WHY_DELAYED] = "delayed",
        [WHY_DRAINING] = "draining",
        [WHY_PAUSED] = "paused",
        [WHY_PROJECT_PAUSED] = "project_paused",
        [WHY_PROJECT_LIMIT] = "project_limit",
        [WHY_TENANT_LIMIT] = "tenant_limit",
        [WHY_WORKER] = "worker",
    };

    return (int)w >= 0 && w < WHY_N ? names[w] : NULL;
}
