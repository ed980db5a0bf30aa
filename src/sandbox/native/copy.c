/* copy - the run's own copy of the project, for sandboxes without an overlay (sandbox.h, spec.copy).
 *
 * May include: base os sandbox/.   Threads: the worker that holds the run. */
#include "os/file.h"
#include "sandbox/native/native.h"
#include "sandbox/seed.h"

int sandbox_copy(const struct sandbox_spec *spec, int64_t min_free, bool (*stop)(void *arg), void *arg,
                 int64_t *ret_bytes, struct err *e)
{
    struct seed_in in = {.project_root = spec->project_root,
                         .run_dir = spec->dir,
                         .host_id = spw_host_id(spec->run_id.s),
                         .min_free = min_free,
                         .stop = stop,
                         .arg = arg};
    int r = seed_made(spec->dir, ret_bytes, e);
    if (r != 0)
        return r < 0 ? r : 0;
    AUTO(fd_close) int layers = -1;
    uint32_t id;
    (void)!native_quota_take(spec->dir, spec->run_id.s, &layers, &id); /* so that the copy counts, as in *ret_bytes */
    r = seed_make(&in, e);
    if (r == 0)
        r = seed_made(spec->dir, ret_bytes, e);
    return r < 0 ? r : 0;
}
