/* spec - encoding and decoding of the messages between server and shim. See spec.h.
 *
 * The decoder trusts nothing: every reference is checked against the body's
 * length, every string for its NUL, every list for its count, before use.
 * May include: base.   Threads: any. */
#include "sandbox/spec.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"

struct ref {
    uint32_t off, len; /* string: bytes without the NUL; list: number of refs */
};

struct wire_spec {
    struct spw_head head;
    struct ref run_id, tenant, project, dir, ro_binds, hidden;
    int64_t cpu_millis, memory_bytes, pids, disk_bytes, output_bytes, wall_ms, idle_ms;
    uint32_t flags, zero;
};

struct wire_step {
    struct spw_head head;
    struct ref command, cwd, layer, argv, env, lower, secrets;
    int32_t index, attempt;
    int64_t wall_ms;
    uint32_t has_command;
    uint16_t cols, rows; /* since layout 2 */
};

#define SPEC_LAYOUT  1
#define STEP_LAYOUT  2
#define EXIT_VERSION 1
#define MSG_1        offsetof(struct spw_msg, ndata) /* what a message of version 1 is */

_Static_assert(sizeof(struct spw_head) == 16, "wire format");
_Static_assert(MSG_1 == 968, "wire format of version 1");
_Static_assert(offsetof(struct spw_msg, data) == 976, "wire format of version 2");
_Static_assert(sizeof(struct spw_exit) == 328, "kept in log files: never changes without a new version");
_Static_assert(sizeof(struct wire_spec) == 16 + 48 + 56 + 8, "no padding");
_Static_assert(sizeof(struct wire_step) == 16 + 56 + 8 + 8 + 8, "no padding");

/* ---- small messages ---- */

/* The version that brought each message; 0: there is none of that number. */
static const unsigned char since[SPW_NTYPES] = {
    [SPW_SPEC] = 1,  [SPW_EXEC] = 1,  [SPW_SIGNAL] = 1, [SPW_KILL] = 1,     [SPW_DESTROY] = 1, [SPW_BEAR] = 1,
    [SPW_HELLO] = 2, [SPW_READY] = 1, [SPW_FAIL] = 1,   [SPW_TAKEN] = 1,    [SPW_GREW] = 1,    [SPW_EXIT] = 1,
    [SPW_BORN] = 1,  [SPW_INPUT] = 2, [SPW_RESIZE] = 2, [SPW_TERMINAL] = 2,
};

static void head_init(struct spw_head *h, int type, uint32_t version, size_t size)
{
    *h = (struct spw_head){
        .magic = SPW_MAGIC, .version = (uint16_t)version, .type = (uint16_t)type, .size = (uint32_t)size};
}

void spw_msg_init(struct spw_msg *m, enum spw_type type)
{
    memset(m, 0, sizeof(*m));
    m->head.type = (uint16_t)type;
    spw_exit_init(&m->exit);
    if (type == SPW_READY) {
        m->arg[3] = SPW_VERSION;
        m->big = SPW_OLDEST;
    }
}

/* What is said before the versions are known. */
static bool is_greeting(int type)
{
    return type == SPW_READY || type == SPW_BEAR || type == SPW_BORN;
}

size_t spw_msg_for(struct spw_msg *m, uint32_t peer)
{
    int type = m->head.type;
    uint32_t version = is_greeting(type) ? 1 : peer < SPW_VERSION ? peer : SPW_VERSION;
    if (since[type] > version || (version == 1 && m->ndata))
        return 0;
    size_t n = version == 1 ? MSG_1 : offsetof(struct spw_msg, data) + m->ndata;
    head_init(&m->head, type, version, n);
    return n;
}

uint32_t spw_common(const struct spw_msg *ready)
{
    int64_t theirs = ready->arg[3] ? ready->arg[3] : 1, lowest = ready->big > SPW_OLDEST ? ready->big : SPW_OLDEST;
    int64_t both = theirs < SPW_VERSION ? theirs : SPW_VERSION;
    return both >= lowest ? (uint32_t)both : 0;
}

static bool has_nul(const char *p, size_t n)
{
    return memchr(p, 0, n) != NULL;
}

bool spw_msg_ok(struct spw_msg *m, size_t n)
{
    if (n < MSG_1 || n > sizeof(*m))
        return false;
    memset((char *)m + n, 0, sizeof(*m) - n);
    const struct spw_head *h = &m->head;
    if (h->magic != SPW_MAGIC || h->size != n || h->zero || h->version < 1 || h->version > SPW_VERSION)
        return false;
    if (h->type >= SPW_NTYPES || since[h->type] == 0 || since[h->type] > h->version)
        return false;
    if (n != (h->version == 1 ? MSG_1 : offsetof(struct spw_msg, data) + m->ndata) || m->zero)
        return false;
    return has_nul(m->text, sizeof(m->text)) && spw_exit_ok(&m->exit, sizeof(m->exit));
}

void spw_exit_init(struct spw_exit *x)
{
    memset(x, 0, sizeof(*x));
    x->magic = SPW_MAGIC;
    x->version = EXIT_VERSION;
    x->size = sizeof(*x);
    x->exit_code = -1;
}

bool spw_exit_ok(const struct spw_exit *x, size_t n)
{
    return n == sizeof(*x) && x->magic == SPW_MAGIC && x->version == EXIT_VERSION && x->size == sizeof(*x) &&
           (x->flags & ~SPW_X_ALL) == 0 && x->exit_code >= -1 && x->exit_code <= 255 && x->signal >= 0 &&
           x->signal <= SIGRTMAX && has_nul(x->error, sizeof(x->error));
}

bool spw_exit_read(const char *p, size_t n, struct spw_exit *ret)
{
    struct spw_exit x;
    if (n < sizeof(x))
        return false;
    memcpy(&x, p, sizeof(x));
    if (x.size != n)
        return false;
    if (x.version > EXIT_VERSION) { /* by a later one, before this one came back: we take what we know */
        x.version = EXIT_VERSION;
        x.size = sizeof(x);
        x.flags &= SPW_X_ALL;
    }
    if (!spw_exit_ok(&x, sizeof(x)))
        return false;
    *ret = x;
    return true;
}

/* ---- names ---- */

uint32_t spw_host_id(const char *run_id)
{
    return 0x70000000u | (crc32c(0, run_id, strlen(run_id)) & 0x00ffffffu);
}

bool spw_name_ok(const char *s)
{
    static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t n = strlen(s);
    return n >= 1 && n <= 64 && s[0] != '.' && s[0] != '-' && strspn(s, ok) == n;
}

bool spw_cwd_ok(const char *s)
{
    if (*s == 0)
        return true;
    for (;;) {
        size_t n = strcspn(s, "/");
        if (n == 0 || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
            return false;
        if (s[n] == 0)
            return true;
        s += n + 1;
    }
}

/* ---- encoding ---- */

static void put_str(struct buf *b, struct ref *r, const char *s)
{
    size_t n = strlen(s);
    *r = (struct ref){(uint32_t)b->len, (uint32_t)n};
    buf_add(b, s, n + 1);
}

/* The refs come first, then the strings they point to: the array is patched as it fills. */
static void put_list(struct buf *b, struct ref *r, const char *const *v, size_t n)
{
    size_t at = b->len;
    *r = (struct ref){(uint32_t)at, (uint32_t)n};
    for (size_t i = 0; i < n; i++)
        buf_add(b, &(struct ref){0, 0}, sizeof(struct ref));
    for (size_t i = 0; i < n && !b->bad; i++) {
        struct ref one;
        put_str(b, &one, v[i]);
        if (!b->bad)
            memcpy(b->p + at + i * sizeof(one), &one, sizeof(one));
    }
}

static int finish(struct buf *b, void *fixed, size_t n, int type, uint32_t layout, struct err *e)
{
    if (b->bad)
        return err_set(e, -b->bad, NULL);
    if (b->len > SPW_BODY_MAX)
        return err_set(e, ERR_TOO_LARGE, "the command, its environment and its lists are over %d bytes together",
                       SPW_BODY_MAX);
    head_init(fixed, type, layout, b->len);
    memcpy(b->p, fixed, n);
    return 0;
}

int spw_spec_encode(const struct spw_spec *s, struct buf *out, struct err *e)
{
    struct wire_spec w = {.cpu_millis = s->cpu_millis,
                          .memory_bytes = s->memory_bytes,
                          .pids = s->pids,
                          .disk_bytes = s->disk_bytes,
                          .output_bytes = s->output_bytes,
                          .wall_ms = s->wall_ms,
                          .idle_ms = s->idle_ms,
                          .flags = s->flags};
    buf_add(out, &w, sizeof(w));
    put_str(out, &w.run_id, s->run_id);
    put_str(out, &w.tenant, s->tenant);
    put_str(out, &w.project, s->project);
    put_str(out, &w.dir, s->dir);
    put_list(out, &w.ro_binds, s->ro_binds, s->nro_binds);
    put_list(out, &w.hidden, s->hidden, s->nhidden);
    return finish(out, &w, sizeof(w), SPW_SPEC, SPEC_LAYOUT, e);
}

uint32_t spw_step_layout(const struct spw_step *s)
{
    return s->cols || s->rows ? 2 : 1;
}

int spw_step_encode(const struct spw_step *s, struct buf *out, struct err *e)
{
    struct wire_step w = {.index = s->index,
                          .attempt = s->attempt,
                          .wall_ms = s->wall_ms,
                          .has_command = s->command ? 1 : 0,
                          .cols = s->cols,
                          .rows = s->rows};
    buf_add(out, &w, sizeof(w));
    put_str(out, &w.command, s->command ? s->command : "");
    put_str(out, &w.cwd, s->cwd);
    put_str(out, &w.layer, s->layer);
    put_list(out, &w.argv, s->argv, s->nargv);
    put_list(out, &w.env, s->env, s->nenv);
    put_list(out, &w.lower, s->lower, s->nlower);
    put_list(out, &w.secrets, s->secrets, s->nsecrets);
    return finish(out, &w, sizeof(w), SPW_EXEC, spw_step_layout(s), e);
}

/* ---- decoding ---- */

struct in {
    const char *p;
    size_t n;
    bool bad;
};

static const char *get_str(struct in *in, struct ref r)
{
    /* off + len + 1 <= n without overflow: both are 32 bits, size_t has 64. */
    if ((size_t)r.off + r.len + 1 > in->n || in->p[(size_t)r.off + r.len] != 0 ||
        memchr(in->p + r.off, 0, r.len) != NULL) {
        in->bad = true;
        return "";
    }
    return in->p + r.off;
}

static bool list_fits(struct in *in, struct ref r)
{
    if (r.len > SPW_LIST_MAX || (size_t)r.off + (size_t)r.len * sizeof(struct ref) > in->n)
        in->bad = true;
    return !in->bad;
}

/* Fills slots[0..r.len], NULL-terminated; returns the slot after. */
static const char **get_list(struct in *in, struct ref r, const char **slots, const char *const **ret, size_t *ret_n)
{
    for (uint32_t i = 0; i < r.len; i++) {
        struct ref one;
        memcpy(&one, in->p + r.off + (size_t)i * sizeof(one), sizeof(one));
        slots[i] = get_str(in, one);
    }
    slots[r.len] = NULL;
    *ret = slots;
    *ret_n = r.len;
    return slots + r.len + 1;
}

static int bad_body(struct err *e, const char *what)
{
    return err_set(e, ERR_INVALID,
                   "the sandbox message is damaged, or of a later version than sallyport-shim (%s): install both again",
                   what);
}

static bool head_fits(const char *p, size_t n, size_t fixed, int type, uint32_t layout)
{
    struct spw_head h;
    if (n < fixed || n > SPW_BODY_MAX)
        return false;
    memcpy(&h, p, sizeof(h));
    return h.magic == SPW_MAGIC && h.version >= 1 && h.version <= layout && h.type == type && h.size == n &&
           h.zero == 0;
}

static bool limits_ok(const struct wire_spec *w)
{
    return w->cpu_millis >= 0 && w->memory_bytes >= 0 && w->pids >= 0 && w->disk_bytes >= 0 && w->output_bytes >= 0 &&
           w->wall_ms >= 0 && w->idle_ms >= 0;
}

static bool all_absolute(const char *const *v)
{
    for (; *v; v++) {
        if (**v != '/')
            return false;
    }
    return true;
}

int spw_spec_decode(const char *p, size_t n, struct spw_spec *ret, void **ret_mem, struct err *e)
{
    struct wire_spec w;
    struct in in = {p, n, false};
    if (!head_fits(p, n, sizeof(w), SPW_SPEC, SPEC_LAYOUT))
        return bad_body(e, "head");
    memcpy(&w, p, sizeof(w));
    if (!limits_ok(&w) || (w.flags & ~(SPW_ALLOW_WEAKER | SPW_COPY | SPW_DISK_HARD)) || w.zero)
        return bad_body(e, "fields");
    if (!list_fits(&in, w.ro_binds) || !list_fits(&in, w.hidden))
        return bad_body(e, "lists");
    const char **slots = calloc((size_t)w.ro_binds.len + w.hidden.len + 2, sizeof(*slots));
    if (!slots)
        return err_oom(e);
    struct spw_spec s = {.cpu_millis = w.cpu_millis,
                         .memory_bytes = w.memory_bytes,
                         .pids = w.pids,
                         .disk_bytes = w.disk_bytes,
                         .output_bytes = w.output_bytes,
                         .wall_ms = w.wall_ms,
                         .idle_ms = w.idle_ms,
                         .flags = w.flags};
    const char **at = get_list(&in, w.ro_binds, slots, &s.ro_binds, &s.nro_binds);
    get_list(&in, w.hidden, at, &s.hidden, &s.nhidden);
    s.run_id = get_str(&in, w.run_id);
    s.tenant = get_str(&in, w.tenant);
    s.project = get_str(&in, w.project);
    s.dir = get_str(&in, w.dir);
    if (in.bad || !spw_name_ok(s.run_id) || !spw_name_ok(s.tenant) || s.project[0] != '/' || s.dir[0] != '/' ||
        !all_absolute(s.ro_binds) || !all_absolute(s.hidden)) {
        free(slots);
        return bad_body(e, "strings");
    }
    *ret = s;
    *ret_mem = slots;
    return 0;
}

static bool step_ok(const struct spw_step *s, const struct wire_step *w)
{
    if (!spw_cwd_ok(s->cwd) || !spw_name_ok(s->layer) || (!s->command && s->nargv == 0) || w->has_command > 1)
        return false;
    if (s->index < 0 || s->attempt < 0 || s->wall_ms < 0)
        return false;
    if (!s->cols != !s->rows || s->cols > SPW_TTY_MAX || s->rows > SPW_TTY_MAX || spw_step_layout(s) > w->head.version)
        return false;
    for (size_t i = 0; i < s->nlower; i++) {
        if (!spw_name_ok(s->lower[i]) || strcmp(s->lower[i], s->layer) == 0)
            return false;
    }
    for (size_t i = 0; i < s->nenv; i++) {
        const char *eq = strchr(s->env[i], '=');
        if (!eq || eq == s->env[i])
            return false;
    }
    return true;
}

int spw_step_decode(const char *p, size_t n, struct spw_step *ret, void **ret_mem, struct err *e)
{
    struct wire_step w;
    struct in in = {p, n, false};
    if (!head_fits(p, n, sizeof(w), SPW_EXEC, STEP_LAYOUT))
        return bad_body(e, "head");
    memcpy(&w, p, sizeof(w));
    if (!list_fits(&in, w.argv) || !list_fits(&in, w.env) || !list_fits(&in, w.lower) || !list_fits(&in, w.secrets))
        return bad_body(e, "lists");
    const char **slots =
        calloc((size_t)w.argv.len + w.env.len + (size_t)w.lower.len + w.secrets.len + 4, sizeof(*slots));
    if (!slots)
        return err_oom(e);
    struct spw_step s = {.index = w.index, .attempt = w.attempt, .wall_ms = w.wall_ms, .cols = w.cols, .rows = w.rows};
    const char **at = get_list(&in, w.argv, slots, &s.argv, &s.nargv);
    at = get_list(&in, w.env, at, &s.env, &s.nenv);
    at = get_list(&in, w.lower, at, &s.lower, &s.nlower);
    get_list(&in, w.secrets, at, &s.secrets, &s.nsecrets);
    const char *command = get_str(&in, w.command);
    s.command = w.has_command ? command : NULL;
    s.cwd = get_str(&in, w.cwd);
    s.layer = get_str(&in, w.layer);
    if (in.bad || !step_ok(&s, &w)) {
        free(slots);
        return bad_body(e, "step");
    }
    *ret = s;
    *ret_mem = slots;
    return 0;
}
