/* fuzz_ws - any bytes to the frame reader: how they are cut makes no difference, what it takes is within its bounds,
 * and libwslay, another implementation, sees the same messages and the same mistakes. */
#ifdef HAVE_WSLAY
#include <wslay/wslay.h>
#endif
#include "fuzz.h"
#include "base/str.h"
#include "net/ws_frame.h"

enum { MAX = 1000 };

static void note(struct buf *out, char kind, int code, const char *p, size_t n)
{
    buf_printf(out, "%c%d(", kind, code);
    buf_add(out, p, n);
    buf_addc(out, ')');
}

static void take(struct ws_reader *r, struct buf *out, const struct ws_in *in)
{
    struct buf msg = {0};

    if (in->op == WS_TEXT || in->op == WS_BINARY) {
        ws_reader_take(r, &msg);
        MUST(msg.len == in->n && msg.len <= MAX);
        MUST(in->op == WS_BINARY || utf8_valid(msg.p ? msg.p : "", msg.len));
        note(out, in->op == WS_TEXT ? 'T' : 'B', 0, msg.p, msg.len);
        buf_fini(&msg);
    } else {
        MUST(in->n <= WS_CONTROL_MAX);
        note(out, in->op == WS_PING ? 'P' : in->op == WS_PONG ? 'O' : 'C', in->code, in->p, in->n);
    }
}

/* The code of the mistake, 0 for none. */
static int ours(const char *p, size_t n, size_t step, struct buf *out)
{
    struct ws_reader r;
    struct ws_in in;
    int got = 0;

    ws_reader_init(&r, MAX, false);
    for (size_t at = 0; at < n && got >= 0; at += step) {
        size_t k = step < n - at ? step : n - at;
        char *own = fuzz_string((const uint8_t *)p + at, k); /* a read past its end is seen */
        const char *q = own;

        while ((got = ws_read(&r, &q, &k, &in)) == 1)
            take(&r, out, &in);
        MUST(r.msg.len <= MAX);
        MUST(got < 0 || k == 0);
        free(own);
    }
    MUST((got < 0) == (r.bad != 0));
    int bad = r.bad;
    ws_reader_fini(&r);
    return bad;
}

#ifdef HAVE_WSLAY
struct theirs {
    const uint8_t *p;
    size_t n;
    struct buf out, sent;
    bool closed, half; /* half: a Close with one byte, which it takes, against 5.5.1 */
    int code;          /* of the Close that came */
    size_t before;     /* of out, when it came */
};

static ssize_t feed(wslay_event_context_ptr ctx, uint8_t *b, size_t len, int flags, void *user)
{
    struct theirs *t = user;

    (void)flags;
    if (t->n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (len > t->n)
        len = t->n;
    memcpy(b, t->p, len);
    t->p += len;
    t->n -= len;
    return (ssize_t)len;
}

static void got(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *a, void *user)
{
    struct theirs *t = user;
    const char *p = (const char *)a->msg;
    size_t n = a->msg_length;

    (void)ctx;
    if (a->opcode == WSLAY_CONNECTION_CLOSE) {
        t->closed = true;
        t->half = n == 1;
        t->code = n < 2 ? WS_CODE_NONE : a->status_code;
        t->before = t->out.len;
        note(&t->out, 'C', t->code, n < 2 ? "" : p + 2, n < 2 ? 0 : n - 2);
    } else {
        note(&t->out, "?TB?????CPO"[a->opcode], 0, p, n);
    }
}

static ssize_t keep(wslay_event_context_ptr ctx, const uint8_t *p, size_t n, int flags, void *user)
{
    struct theirs *t = user;

    (void)ctx, (void)flags;
    buf_add(&t->sent, p, n);
    return (ssize_t)n;
}

/* The code of the Close it sent: the echo of a good one, another one after a mistake. Its frames are small. */
static int said(const struct theirs *t)
{
    for (size_t at = 0; at + 2 <= t->sent.len; at += 2 + (unsigned char)t->sent.p[at + 1]) {
        const unsigned char *f = (const unsigned char *)t->sent.p + at;

        if ((f[0] & 15) == WS_CLOSE)
            return f[1] >= 2 ? f[2] << 8 | f[3] : WS_CODE_NONE;
    }
    return 0;
}

/* True when libwslay takes codes that we take: it refuses 1012 to 1014, which are registered. */
static bool same_codes(const struct buf *seen)
{
    static const char *const more[] = {"C1012(", "C1013(", "C1014("};

    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        if (seen->len && memmem(seen->p, seen->len, more[i], strlen(more[i])))
            return false;
    return true;
}

static void compare(const uint8_t *p, size_t n, const struct buf *seen, int bad)
{
    struct wslay_event_callbacks cb = {.recv_callback = feed, .send_callback = keep, .on_msg_recv_callback = got};
    struct theirs t = {.p = p, .n = n, .out = BUF_INIT(MIB), .sent = BUF_INIT(MIB)};
    wslay_event_context_ptr ctx;

    if (bad == WS_CODE_TOO_BIG || !same_codes(seen))
        return; /* limits are each one's own */
    MUST(wslay_event_context_server_init(&ctx, &cb, &t) == 0);
    wslay_event_config_set_max_recv_msg_length(ctx, MAX);
    int r = wslay_event_recv(ctx);
    MUST(wslay_event_send(ctx) == 0);
    bool theirs_bad = r != 0 || (!wslay_event_get_read_enabled(ctx) && !t.closed);
    if (t.closed && (t.half || said(&t) != t.code)) { /* it passes a wrong Close on before it refuses it */
        theirs_bad = true;
        t.out.len = t.before;
    }
    if (theirs_bad != (bad != 0) || t.out.len != seen->len || (seen->len && memcmp(t.out.p, seen->p, seen->len) != 0)) {
        fprintf(stderr, "ours:   %d %s\ntheirs: %d %s\n", bad, seen->p ? seen->p : "", theirs_bad,
                t.out.p ? t.out.p : "");
        abort();
    }
    wslay_event_context_free(ctx);
    buf_fini(&t.out);
    buf_fini(&t.sent);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf a = BUF_INIT(MIB), b = BUF_INIT(MIB), all = BUF_INIT(MIB);
    static const char zeros[2 * WS_CONTROL_MAX];

    /* What one reader sees at the second byte of a head and the other at its last, both have seen then. */
    buf_add(&all, p, n);
    buf_add(&all, zeros, sizeof zeros);
    if (all.bad)
        return 0;
    int x = ours(all.p, all.len, all.len, &a), y = ours(all.p, all.len, 1, &b);
    MUST(x == y && a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0));
#ifdef HAVE_WSLAY
    compare((const uint8_t *)all.p, all.len, &a, x);
#endif
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&all);
    return 0;
}
