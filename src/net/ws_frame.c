/* ws_frame - see ws_frame.h. Sections named here are those of RFC 6455.
 *
 *   head: 2 bytes -> the rest of it (length, mask) -> payload -> frame done -> head ...
 *
 * Facts: while `need` > 0 a head is being read and `left` is 0; `msg_op` is not 0
 * exactly while a message is under way; a control frame never touches `msg`. */
#include <string.h>
#include "base/str.h"
#include "net/ws_frame.h"

enum { MASK_LEN = 4 };

/* ---- UTF-8 ------------------------------------------------------------------ */

/* The first byte of a character: how many follow, and what the second may be (RFC 3629, 4). */
static bool utf8_lead(struct ws_utf8 *u, unsigned char c)
{
    if (c < 0x80)
        return true;
    u->lo = 0x80;
    u->hi = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) {
        u->need = 1;
    } else if (c >= 0xe0 && c <= 0xef) {
        u->need = 2;
        if (c == 0xe0)
            u->lo = 0xa0; /* shorter forms exist */
        if (c == 0xed)
            u->hi = 0x9f; /* surrogates */
    } else if (c >= 0xf0 && c <= 0xf4) {
        u->need = 3;
        if (c == 0xf0)
            u->lo = 0x90;
        if (c == 0xf4)
            u->hi = 0x8f; /* beyond U+10FFFF */
    } else {
        return false;
    }
    return true;
}

/* How many bytes at p are ASCII, counted eight at a time. */
static size_t ascii_run(const char *p, size_t n)
{
    size_t i = 0;
    for (uint64_t w; n - i >= sizeof w; i += sizeof w) {
        memcpy(&w, p + i, sizeof w);
        if (w & 0x8080808080808080u)
            break;
    }
    return i;
}

bool ws_utf8_feed(struct ws_utf8 *u, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        if (u->need == 0)
            i += ascii_run(p + i, n - i);
        if (i == n)
            break;
        unsigned char c = (unsigned char)p[i++];
        if (u->need == 0) {
            if (!utf8_lead(u, c))
                return false;
        } else {
            if (c < u->lo || c > u->hi)
                return false;
            u->need--;
            u->lo = 0x80;
            u->hi = 0xbf;
        }
    }
    return true;
}

/* ---- reading ----------------------------------------------------------------- */

void ws_reader_init(struct ws_reader *r, size_t max_message, bool text_only)
{
    *r = (struct ws_reader){.max_message = max_message, .text_only = text_only, .need = 2};
}

void ws_reader_fini(struct ws_reader *r)
{
    buf_fini(&r->msg);
}

void ws_reader_take(struct ws_reader *r, struct buf *ret)
{
    *ret = r->msg;
    r->msg = (struct buf){0};
}

static int bad(struct ws_reader *r, int code, const char *why)
{
    r->bad = code;
    r->why = why;
    return -1;
}

static bool is_control(unsigned op)
{
    return op & 8;
}

/* The first two bytes are there (5.2, 5.4, 5.5): what is wrong is said before another byte is read. */
static int check_start(struct ws_reader *r)
{
    unsigned char a = r->head[0], len = r->head[1] & 0x7f;
    r->fin = a & 0x80;
    r->op = a & 0x0f;
    if (a & 0x70)
        return bad(r, WS_CODE_PROTOCOL, "a reserved bit is set, and no extension was negotiated");
    if ((r->op > WS_BINARY && r->op < WS_CLOSE) || r->op > WS_PONG)
        return bad(r, WS_CODE_PROTOCOL, "the opcode is reserved");
    if (!(r->head[1] & 0x80))
        return bad(r, WS_CODE_PROTOCOL, "a client must mask its frames");
    if (is_control(r->op)) {
        if (!r->fin)
            return bad(r, WS_CODE_PROTOCOL, "a control frame must not be fragmented");
        if (len > WS_CONTROL_MAX)
            return bad(r, WS_CODE_PROTOCOL, "a control frame has at most 125 bytes");
    } else if (r->op == WS_CONT) {
        if (!r->msg_op)
            return bad(r, WS_CODE_PROTOCOL, "a continuation without a beginning");
    } else if (r->msg_op) {
        return bad(r, WS_CODE_PROTOCOL, "a new message inside a fragmented one");
    } else if (r->op == WS_BINARY && r->text_only) {
        return bad(r, WS_CODE_UNSUPPORTED, "only text is taken here");
    }
    r->need = (unsigned char)(2 + MASK_LEN + (len == 126 ? 2 : len == 127 ? 8 : 0));
    return 0;
}

static uint64_t be(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* All of the head but the mask is there. */
static int check_length(struct ws_reader *r)
{
    unsigned len = r->head[1] & 0x7f;
    size_t ext = len == 126 ? 2 : len == 127 ? 8 : 0;
    uint64_t n = ext ? be(r->head + 2, ext) : len;
    if (n >> 63)
        return bad(r, WS_CODE_PROTOCOL, "the highest bit of a length must be 0");
    if ((ext == 2 && n < 126) || (ext == 8 && n < 65536))
        return bad(r, WS_CODE_PROTOCOL, "a length must be written in its shortest form");
    if (!is_control(r->op) && (n > r->max_message || r->msg.len > r->max_message - n))
        return bad(r, WS_CODE_TOO_BIG, "the message is too large");
    r->left = n;
    return 0;
}

static void begin_payload(struct ws_reader *r)
{
    memcpy(r->mask, r->head + r->need - MASK_LEN, sizeof r->mask);
    r->mask_at = 0;
    r->need = 0;
    r->nctl = 0;
    if (is_control(r->op) || r->op == WS_CONT)
        return;
    r->msg_op = r->op;
    r->utf8 = (struct ws_utf8){0};
    buf_fini(&r->msg);
    buf_init(&r->msg, r->max_message);
}

/* d[i] = s[i] ^ mask (5.3), eight bytes at a time once the mask begins at its first byte. */
static void unmask(struct ws_reader *r, char *d, const char *s, size_t n)
{
    size_t i = 0;
    for (; i < n && r->mask_at; i++, r->mask_at = (r->mask_at + 1) & 3)
        d[i] = (char)((unsigned char)s[i] ^ r->mask[r->mask_at]);
    unsigned char twice[8];
    uint64_t m, w;
    memcpy(twice, r->mask, 4);
    memcpy(twice + 4, r->mask, 4);
    memcpy(&m, twice, sizeof m);
    for (; n - i >= sizeof w; i += sizeof w) {
        memcpy(&w, s + i, sizeof w);
        w ^= m;
        memcpy(d + i, &w, sizeof w);
    }
    for (; i < n; i++, r->mask_at = (r->mask_at + 1) & 3)
        d[i] = (char)((unsigned char)s[i] ^ r->mask[r->mask_at]);
}

static int take_payload(struct ws_reader *r, const char *p, size_t n)
{
    if (is_control(r->op)) {
        unmask(r, r->ctl + r->nctl, p, n);
        r->nctl = (unsigned char)(r->nctl + n);
        return 0;
    }
    if (buf_reserve(&r->msg, n) < 0)
        return bad(r, WS_CODE_INTERNAL, "out of memory");
    char *d = r->msg.p + r->msg.len;
    unmask(r, d, p, n);
    r->msg.len += n;
    r->msg.p[r->msg.len] = '\0';
    if (r->msg_op == WS_TEXT && !ws_utf8_feed(&r->utf8, d, n))
        return bad(r, WS_CODE_DATA, "the text is not UTF-8");
    return 0;
}

bool ws_code_ok(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* 5.5.1 */
static int end_close(struct ws_reader *r, struct ws_in *ret)
{
    *ret = (struct ws_in){.op = WS_CLOSE, .code = WS_CODE_NONE, .p = ""};
    if (r->nctl == 1)
        return bad(r, WS_CODE_PROTOCOL, "a Close with half a code");
    if (r->nctl >= 2) {
        ret->code = (int)be((const unsigned char *)r->ctl, 2);
        ret->p = r->ctl + 2;
        ret->n = (size_t)r->nctl - 2;
        if (!ws_code_ok(ret->code))
            return bad(r, WS_CODE_PROTOCOL, "a Close with a code that must not be sent");
        if (!utf8_valid(ret->p, ret->n))
            return bad(r, WS_CODE_DATA, "the reason of a Close is not UTF-8");
    }
    r->ended = true;
    return 1;
}

/* All payload of the frame is there. 1: *ret is filled. */
static int end_frame(struct ws_reader *r, struct ws_in *ret)
{
    r->nhead = 0;
    r->need = 2;
    if (r->op == WS_CLOSE)
        return end_close(r, ret);
    if (is_control(r->op)) {
        *ret = (struct ws_in){.op = (enum ws_op)r->op, .p = r->ctl, .n = r->nctl};
        return 1;
    }
    if (!r->fin)
        return 0;
    if (r->msg_op == WS_TEXT && r->utf8.need)
        return bad(r, WS_CODE_DATA, "the text ends inside a character");
    *ret = (struct ws_in){.op = (enum ws_op)r->msg_op, .n = r->msg.len};
    r->msg_op = 0;
    return 1;
}

/* One byte of a head; what is complete with it is checked at once. */
static int take_head(struct ws_reader *r, unsigned char c)
{
    r->head[r->nhead++] = c;
    int k = r->nhead == 2 ? check_start(r) : 0;
    if (k == 0 && r->nhead + MASK_LEN == r->need)
        k = check_length(r);
    if (k == 0 && r->nhead == r->need)
        begin_payload(r);
    return k;
}

int ws_read(struct ws_reader *r, const char **p, size_t *n, struct ws_in *ret)
{
    if (r->bad)
        return -1;
    while (*n > 0 && !r->ended) {
        if (r->need) {
            unsigned char c = (unsigned char)**p;
            ++*p;
            --*n;
            if (take_head(r, c) < 0)
                return -1;
        } else {
            size_t k = r->left < *n ? (size_t)r->left : *n;
            if (take_payload(r, *p, k) < 0)
                return -1;
            *p += k;
            *n -= k;
            r->left -= k;
        }
        if (!r->need && r->left == 0) {
            int k = end_frame(r, ret);
            if (k != 0)
                return k;
        }
    }
    *p += *n; /* what follows a Close is dropped (5.5.1) */
    *n = 0;
    return 0;
}

/* ---- writing ------------------------------------------------------------------- */

size_t ws_head(unsigned char ret[WS_HEAD_MAX], enum ws_op op, uint64_t n)
{
    size_t ext = n < 126 ? 0 : n < 65536 ? 2 : 8;
    ret[0] = (unsigned char)(0x80 | op);
    ret[1] = (unsigned char)(ext == 0 ? n : ext == 2 ? 126 : 127);
    for (size_t i = 0; i < ext; i++)
        ret[2 + i] = (unsigned char)(n >> 8 * (ext - 1 - i));
    return 2 + ext;
}

void ws_put(struct buf *out, enum ws_op op, const void *p, size_t n)
{
    unsigned char head[WS_HEAD_MAX];
    buf_add(out, head, ws_head(head, op, n));
    buf_add(out, p, n);
}

void ws_put_close(struct buf *out, int code, const char *reason)
{
    char b[WS_CONTROL_MAX] = {(char)(code >> 8), (char)code};
    size_t n = strlen(reason);
    if (code == WS_CODE_NONE) {
        ws_put(out, WS_CLOSE, b, 0);
        return;
    }
    if (n > sizeof b - 2)
        for (n = sizeof b - 2; n > 0 && ((unsigned char)reason[n] & 0xc0) == 0x80; n--) {
        }
    memcpy(b + 2, reason, n);
    ws_put(out, WS_CLOSE, b, n + 2);
}
