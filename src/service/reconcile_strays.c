/* reconcile_strays.c - processes, cgroups and directories outside the data directory. See reconcile.h.
 *
 * Other servers of this user may work on this machine. What names a run is ended only when that run is in our store
 * and final; what names none of ours, only when nobody can be using it (sandbox.h). A run whose shim/ directory is
 * there is left to the walk over the directories. */
#include "service/reconcile_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool has_shim_dir(const struct pass *p, const struct id *run)
{
    char rel[64];

    snprintf(rel, sizeof rel, "runs/%s/shim", run->s);
    return faccessat(p->svc->data_fd, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 1: ours to end; its tenant. */
static int is_left(struct pass *p, const struct sandbox_stray *s, struct run_stands *ret, struct err *e)
{
    bool known = false;
    int r = id_none(&s->run) ? 0 : pass_stands(p, &s->run, 1, ret, &known, e);

    if (r < 0)
        return r;
    if (s->kind == STRAY_NURSERY || s->kind == STRAY_TEMP)
        return 1;
    if (!known)
        return s->old;
    return pass_final(p, ret) && !has_shim_dir(p, &s->run);
}

static enum reconcile_act act_of(const struct sandbox_stray *s)
{
    static const enum reconcile_act acts[] = {
        [STRAY_SHIM] = RC_SANDBOX_KILLED,
        [STRAY_NURSERY] = RC_NURSERY_KILLED,
        [STRAY_CGROUP] = RC_CGROUP_REMOVED,
        [STRAY_TEMP] = RC_TEMP_REMOVED,
    };

    return acts[s->kind];
}

static int each(void *arg, const struct sandbox_stray *s)
{
    struct pass *p = arg;
    struct run_stands stands = {.tenant = "default"};
    struct err e = ERR_INIT;
    char pid[32];
    const char *detail = s->path ? s->path : pid;
    int r = is_left(p, s, &stands, &e);

    snprintf(pid, sizeof pid, "process %d", (int)s->pid);
    if (r > 0 && !pass_dry(p, act_of(s), &s->run, detail)) {
        r = sandbox_stray_end(s, &e);
        if (r == 0)
            pass_did_audit(p, act_of(s), stands.tenant, &s->run, detail);
    }
    if (r < 0)
        pass_problem(p, reconcile_info(act_of(s))->name, &s->run, &e);
    return pass_over(p) ? 1 : 0;
}

void pass_strays(struct pass *p)
{
    struct err e = ERR_INIT;

    if (sandbox_strays(each, p, &e) < 0)
        pass_problem(p, "strays", NULL, &e);
}
