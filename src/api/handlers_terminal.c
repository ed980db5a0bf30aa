/* handlers_terminal.c - what goes into a running step's terminal. The count of bytes before a piece makes a repeat of
 * it harmless, so these routes need no Idempotency-Key. */
#include <stdio.h>
#include <stdlib.h>

#include "api/call.h"
#include "base/hash.h"
#include "base/str.h"
#include "service/terminals.h"

#define INPUT_MAX (64 * KIB) /* bytes of one piece */
#define TTY_MAX   4096       /* columns, rows */

/* What does not fit to what was typed before: the answer says where it goes on. */
static int out_of_place(struct call *c, const struct sandbox_tty *t, struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kstr(&w, "field", "offset");
    jw_kint(&w, "expected", (int64_t)t->taken);
    jw_end_obj(&w);
    c->details = buf_take(&b, NULL);
    return t->status == SB_TTY_GAP
               ? err_set(e, ERR_CONFLICT, "input of this terminal goes on at offset %lld", (long long)t->taken)
               : err_set(e, ERR_CONFLICT, "something else was typed there: input goes on at offset %lld",
                         (long long)t->taken);
}

static int asked(struct call *c, const struct sandbox_tty_ask *q, struct err *e)
{
    struct jw w = caller_reply(&c->who);
    struct sandbox_tty t = {0};
    struct id id;
    int r = call_id(c, 0, ID_STEP, "step", &id, e);

    if (r == 0)
        r = terminals_ask(c->svc, &c->who, &id, q, &t, e);
    if (r < 0)
        return r;
    switch (t.status) {
    case SB_TTY_OK:
        terminals_json(&w, &id, &t);
        c->who.status = 200;
        return call_reply(c);
    case SB_TTY_GAP:
    case SB_TTY_OTHER:
        return out_of_place(c, &t, e);
    case SB_TTY_ENDED:
        return err_set(e, ERR_STATE, "the input of this terminal has ended: nothing more can be typed");
    default:
        return err_set(e, ERR_STATE, "the step is ending");
    }
}

/* text or text_b64; *ret_mem: what is to be wiped and freed. */
static int want_bytes(struct call *c, const char **ret, size_t *ret_n, char **ret_mem, struct err *e)
{
    const struct json *text = json_get(c->body, "text");
    const char *s = NULL, *b64 = NULL;
    int r = json_want_str(c->body, "", "text", J_OPT, INPUT_MAX, &s, e);
    long n;

    if (r == 0)
        r = json_want_str(c->body, "", "text_b64", J_OPT, b64_len(INPUT_MAX), &b64, e);
    if (r < 0)
        return r;
    if (s && b64)
        return err_field(e, ERR_INVALID, "text", "give text or text_b64, not both");
    *ret = s ? s : "";
    *ret_n = s ? json_str_len(text) : 0;
    if (!b64)
        return 0;
    *ret_mem = malloc(b64_len(INPUT_MAX) + 1);
    if (!*ret_mem)
        return err_oom(e);
    n = b64_decode(b64, *ret_mem);
    if (n < 0 || n > (long)INPUT_MAX)
        return err_field(e, ERR_INVALID, "text_b64", "must be base64 of at most %d bytes", (int)INPUT_MAX);
    *ret = *ret_mem;
    *ret_n = (size_t)n;
    return 0;
}

int post_input(struct call *c, struct err *e)
{
    static const char *const keys[] = {"offset", "text", "text_b64", "eof", NULL};
    struct sandbox_tty_ask q = {.what = SB_TTY_INPUT};
    int64_t offset = 0;
    char *mem = NULL;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_int(c->body, "", "offset", J_REQ, 0, INT64_MAX / 2, &offset, e);
    if (r == 0)
        r = json_want_bool(c->body, "", "eof", J_OPT, &q.eof, e);
    if (r == 0)
        r = want_bytes(c, &q.p, &q.n, &mem, e);
    q.offset = (uint64_t)offset;
    if (r == 0)
        r = asked(c, &q, e);
    if (mem)
        secure_wipe(mem, b64_len(INPUT_MAX) + 1);
    free(mem);
    return r;
}

int post_resize(struct call *c, struct err *e)
{
    static const char *const keys[] = {"cols", "rows", NULL};
    struct sandbox_tty_ask q = {.what = SB_TTY_RESIZE};
    int64_t cols = 0, rows = 0;
    int r = json_known(c->body, "", keys, e);

    if (r == 0)
        r = json_want_int(c->body, "", "cols", J_REQ, 1, TTY_MAX, &cols, e);
    if (r == 0)
        r = json_want_int(c->body, "", "rows", J_REQ, 1, TTY_MAX, &rows, e);
    q.cols = (int)cols;
    q.rows = (int)rows;
    return r < 0 ? r : asked(c, &q, e);
}
