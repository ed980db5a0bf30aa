/* The input is what one side of the socket between server and shim receives: a small message, and the body of a
 * description or a step. What is accepted says the same after a second trip. */
#include "fuzz.h"
#include "sandbox/spec.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_list(const char *const *a, size_t na, const char *const *b, size_t nb)
{
    if (na != nb || a[na] || b[nb])
        return false;
    for (size_t i = 0; i < na; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

static void message(const char *p, size_t n)
{
    struct spw_msg m;
    struct spw_exit x;
    if (spw_exit_read(p, n, &x))
        MUST(spw_exit_ok(&x, sizeof x));
    if (n > sizeof m)
        return;
    memcpy(&m, p, n);
    if (!spw_msg_ok(&m, n))
        return;
    MUST(strlen(m.text) < sizeof m.text && strlen(m.exit.error) < sizeof m.exit.error && m.ndata <= sizeof m.data);
    MUST(spw_msg_for(&m, m.head.version) == n || m.head.type >= SPW_READY || m.head.type == SPW_BEAR);
    (void)spw_common(&m);
}

static void spec(const char *p, size_t n)
{
    struct spw_spec a, b;
    void *mem_a = NULL, *mem_b = NULL;
    struct buf out = BUF_INIT(SPW_BODY_MAX * 2);
    if (spw_spec_decode(p, n, &a, &mem_a, NULL) < 0)
        return;
    int r = spw_spec_encode(&a, &out, NULL);
    MUST(r == 0 || r == -ERR_TOO_LARGE); /* strings that shared their bytes do not any more */
    if (r == 0) {
        MUST(spw_spec_decode(out.p, out.len, &b, &mem_b, NULL) == 0);
        MUST(same_text(a.run_id, b.run_id) && same_text(a.tenant, b.tenant) && same_text(a.project, b.project));
        MUST(same_text(a.dir, b.dir) && same_list(a.ro_binds, a.nro_binds, b.ro_binds, b.nro_binds));
        MUST(same_list(a.hidden, a.nhidden, b.hidden, b.nhidden) && a.flags == b.flags);
        MUST(a.cpu_millis == b.cpu_millis && a.memory_bytes == b.memory_bytes && a.idle_ms == b.idle_ms);
    }
    free(mem_a);
    free(mem_b);
    buf_fini(&out);
}

static void step(const char *p, size_t n)
{
    struct spw_step a, b;
    void *mem_a = NULL, *mem_b = NULL;
    struct buf out = BUF_INIT(SPW_BODY_MAX * 2);
    if (spw_step_decode(p, n, &a, &mem_a, NULL) < 0)
        return;
    int r = spw_step_encode(&a, &out, NULL);
    MUST(r == 0 || r == -ERR_TOO_LARGE);
    if (r == 0) {
        MUST(spw_step_decode(out.p, out.len, &b, &mem_b, NULL) == 0);
        MUST(same_text(a.command, b.command) && same_text(a.cwd, b.cwd) && same_text(a.layer, b.layer));
        MUST(same_list(a.argv, a.nargv, b.argv, b.nargv) && same_list(a.env, a.nenv, b.env, b.nenv));
        MUST(same_list(a.lower, a.nlower, b.lower, b.nlower));
        MUST(same_list(a.secrets, a.nsecrets, b.secrets, b.nsecrets));
        MUST(a.index == b.index && a.attempt == b.attempt && a.wall_ms == b.wall_ms);
        MUST(a.cols == b.cols && a.rows == b.rows);
    }
    free(mem_a);
    free(mem_b);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char *s = malloc(n ? n : 1); /* of its own: the sanitizer sees a read past its end */
    MUST(s);
    if (n > 0)
        memcpy(s, p, n);
    message(s, n);
    spec(s, n);
    step(s, n);
    free(s);
    return 0;
}
